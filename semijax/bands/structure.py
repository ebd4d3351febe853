"""Structure: a crystal's lattice vectors and the atoms of one cell."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from semijax._types import SemijaxError

_FLAT = 1e-6  # Å: lattice vectors of a layer whose z is smaller lie in the x-y plane


@dataclass(frozen=True, eq=False)
class Structure:
    """lattice: rows are the p ≤ 3 vectors [p 3], Å, along which the crystal repeats; symbols: a name for each atom; positions [n 3], Å.

    Atoms of one name are alike ("Ga", "As"; "C1", "C2" where they are to differ). Vectors of two components lie in the x-y plane.
    """

    lattice: Any
    symbols: Any
    positions: Any

    def __post_init__(self):
        lattice, positions = _rows("lattice", self.lattice), _rows("positions", self.positions)
        if not 1 <= len(lattice) <= 3 or np.linalg.matrix_rank(lattice) < len(lattice):
            raise SemijaxError(f"Structure: lattice = {lattice.tolist()}: allowed are one to three independent rows, Å")
        symbols = (self.symbols,) if isinstance(self.symbols, str) else tuple(self.symbols)
        if len(symbols) != len(positions) or not all(isinstance(s, str) and s and not set(s) & set("- .") for s in symbols):
            raise SemijaxError(
                f"Structure: symbols = {list(symbols)[:9]} of {len(positions)} positions: allowed is one name for each, "
                "without '-', '.' and space"
            )
        for name, value in (("lattice", lattice), ("symbols", symbols), ("positions", positions)):
            object.__setattr__(self, name, value)

    @staticmethod
    def fractional(lattice: Any, symbols: Any, places: Any) -> "Structure":
        """The structure whose atoms are at `places` [n p] in units of its lattice vectors [p 3]."""
        rows, places = np.asarray(lattice, np.float64), np.asarray(places, np.float64)
        if rows.ndim != 2 or places.ndim != 2 or places.shape[1] != len(rows):
            raise SemijaxError(f"Structure: places have shape {places.shape}: allowed is [n p], p lattice vectors")
        return Structure(rows, symbols, places @ rows)

    @property
    def species(self) -> tuple[str, ...]:
        """The names, each once, in the order in which they come."""
        return tuple(dict.fromkeys(self.symbols))

    def layer(self, where: str) -> "Structure":
        """The structure as a layer in the x-y plane: its first two lattice vectors, the atoms of one period across it together.

        Raises SemijaxError where the two do not lie in the x-y plane.
        """
        if len(self.lattice) < 2 or np.abs(self.lattice[:2, 2]).max() > _FLAT:
            raise SemijaxError(
                f"{where}: dimension = 2 with lattice {self.lattice.tolist()} Å: allowed is a layer, its first two vectors in the x-y plane"
            )
        if len(self.lattice) == 2:
            return self
        across = (self.positions @ np.linalg.inv(self.lattice))[:, 2]
        periods = np.rint(across - across[0])
        return Structure(self.lattice[:2], self.symbols, self.positions - periods[:, None] * self.lattice[2])


def _rows(key: str, value: Any) -> np.ndarray:
    """Rows [m 3] of three components, or two to which z = 0 is added."""
    try:
        rows = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        rows = np.array(np.nan)
    if rows.ndim != 2 or rows.shape[0] == 0 or rows.shape[1] not in (2, 3) or not np.isfinite(rows).all():
        raise SemijaxError(f"Structure: {key} = {value!r}: allowed are rows of three finite numbers, Å")
    return np.pad(rows, [(0, 0), (0, 3 - rows.shape[1])])
