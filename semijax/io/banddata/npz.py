"""Band data in a .npz: k_frac, energy_eV and what else is there."""

import math
import zipfile
import zlib
from pathlib import Path

import numpy as np

from semijax._types import SemijaxError
from semijax.io.banddata.record import BandData, rows_of, sorted_bands
from semijax.lattice import reciprocal

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, RuntimeError, MemoryError)
_SHAPES = {
    "k_frac": "[m 3]",
    "energy_eV": "[m bands]",
    "cell_A": "[3 3]",
    "k_cart_invA": "[m 3]",
    "weight": "[m]",
    "occupation": "[m bands]",
}
_NEEDED = ("k_frac", "energy_eV")
_ALLOWED = "allowed is a .npz with arrays k_frac [m 3] and energy_eV [m bands]"
_SAME = 1e-4  # 1/Å: k written with six decimals


def read_npz(path, lattice=None) -> BandData:
    """k_frac [m 3], energy_eV [m bands]; and maybe cell_A [3 3], k_cart_invA [m 3], weight [m], occupation [m bands], fermi_eV, electrons.

    lattice: where the file has no cell_A. Raises SemijaxError `file: ...`.
    """
    found = arrays(path, tuple(_SHAPES), ("fermi_eV", "electrons"))
    k, energies = (found[key] for key in _NEEDED)
    m = len(energies)
    sizes = {"k_frac": (m, 3), "cell_A": (3, 3), "k_cart_invA": (m, 3), "weight": (m,), "occupation": energies.shape}
    for key, shape in sizes.items():
        if key in found and found[key].shape != shape:
            raise SemijaxError(f"{path}: {key} {found[key].shape}, energy_eV {energies.shape}: allowed is {key} {_SHAPES[key]}")
    rows = rows_of(found.get("cell_A", lattice))
    if rows is not None and "k_cart_invA" in found:
        off = float(np.abs(k @ reciprocal(rows) - found["k_cart_invA"]).max())
        if off > _SAME:
            raise SemijaxError(
                f"{path}: k_cart_invA is {off:.2g} 1/Å off k_frac times the reciprocal vectors: allowed is {_SAME} 1/Å"
            )
    weights = found.get("weight", np.ones(m))
    if not (weights.sum() > 0 and (weights >= 0).all()):
        raise SemijaxError(f"{path}: weight: not all ≥ 0, or none > 0: allowed are weights [m]")
    energies, occupations = sorted_bands(energies, found.get("occupation"))
    numbers = {key: _one(found.get(key)) for key in ("fermi_eV", "electrons")}
    return BandData(
        k, energies, weights / weights.sum(), rows, occupations, numbers["fermi_eV"], None, numbers["electrons"], None, str(path)
    )


def arrays(path, keys: tuple[str, ...], scalars: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Those of the arrays that the file holds, finite numbers all, and scalars; raises SemijaxError without k_frac and energy_eV."""
    try:
        with np.load(Path(path), allow_pickle=False) as file:
            found = {key: np.asarray(file[key], np.float64) for key in (*keys, *scalars) if key in file.files}
    except OSError as error:
        raise SemijaxError(f"{path}: {error.strerror or 'no .npz'}: {_ALLOWED}") from None
    except _DAMAGE as error:
        raise SemijaxError(f"{path}: cannot be read ({' '.join(str(error).split())[:100]}): {_ALLOWED}") from None
    for key in _NEEDED:
        if key not in found:
            raise SemijaxError(f"{path}: no array {key}: {_ALLOWED}")
    for key in keys:
        if key in found and (
            found[key].ndim != len(_SHAPES[key].split()) or not found[key].size or not np.isfinite(found[key]).all()
        ):
            raise SemijaxError(f"{path}: {key} {found[key].shape}: allowed are finite numbers {_SHAPES[key]}")
    return found


def _one(value: np.ndarray | None) -> float | None:
    """One finite number; None for none, for NaN and for several."""
    level = float(value.reshape(-1)[0]) if value is not None and value.size == 1 else math.nan
    return level if math.isfinite(level) else None
