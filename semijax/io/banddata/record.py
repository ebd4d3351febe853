"""BandData: energies of a density-functional program at its k, as fits and figures take them."""

from typing import NamedTuple

import numpy as np

from semijax._types import SemijaxError
from semijax.bands.structure import Structure
from semijax.lattice import reciprocal

RYDBERG = 13.605693122994  # eV, CODATA 2018
BOHR = 0.529177210903  # Å
CHANNELS = ("up", "down")


class BandData(NamedTuple):
    """Energies [m n], eV, rising, at k [m 3] in units of the reciprocal vectors; weights [m] add up to one.

    lattice: rows [3 3], Å; occupations [m n], 0 to 1; fermi: Fermi level, or the highest occupied energy of an insulator, eV; spin:
    "up", "down", "spinor", or None where both are the same; electrons: of a cell; structure: lattice and atoms. What the file does not
    tell is None. source: the file.
    """

    k: np.ndarray
    energies: np.ndarray
    weights: np.ndarray
    lattice: np.ndarray | None
    occupations: np.ndarray | None
    fermi: float | None
    spin: str | None
    electrons: float | None
    structure: Structure | None
    source: str

    @property
    def cartesian(self) -> np.ndarray:
        """k [m 3], 1/Å; raises SemijaxError where the file tells no lattice."""
        if self.lattice is None:
            raise SemijaxError(
                f"{self.source}: no lattice, so that k are fractions: allowed is read_bands(..., lattice=[3 3] in Å)"
            )
        return self.k @ reciprocal(self.lattice)


def channel(where: str, spin: str | None, polarised: bool) -> str | None:
    """The spin to be read; raises SemijaxError unless one is chosen exactly where there are two."""
    if polarised and spin not in CHANNELS:
        raise SemijaxError(f"{where}: energies of two spins, spin = {spin!r}: allowed are spin='up' and spin='down'")
    if not polarised and spin is not None:
        raise SemijaxError(f"{where}: energies of one spin, spin = {spin!r}: allowed is None")
    return spin


def rows_of(lattice) -> np.ndarray | None:
    """A lattice that a user gives, checked; None stays None."""
    if lattice is None:
        return None
    rows = np.asarray(lattice, np.float64)
    if rows.shape != (3, 3) or not np.isfinite(rows).all() or np.linalg.matrix_rank(rows) < 3:
        raise SemijaxError(f"read_bands: lattice = {rows.tolist()}: allowed are three independent rows, Å")
    return rows


def sorted_bands(energies: np.ndarray, occupations: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Energies in rising order at each k, occupations with them."""
    order = np.argsort(energies, axis=1, kind="stable")
    moved = None if occupations is None else np.take_along_axis(occupations, order, axis=1)
    return np.take_along_axis(energies, order, axis=1), moved
