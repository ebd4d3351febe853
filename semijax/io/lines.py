"""Energies along lines of k: those of a density-functional program in .npz, and the path Wannier90 itself drew."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from semijax._types import SemijaxError
from semijax.io.banddata.npz import arrays
from semijax.io.text import Text

_ARRAYS = {"k_frac": "[m 3]", "energy_eV": "[m bands]"}
_ALLOWED = "allowed is a .npz with arrays k_frac [m 3] and energy_eV [m bands]"


class Points(NamedTuple):
    """Energies [m bands], eV, at k [m 3], fractional; the Fermi level, eV, or None; the file they are from."""

    k: np.ndarray
    energies: np.ndarray
    fermi: float | None
    name: str


def read_points(path) -> Points:
    """A .npz with k_frac [m 3] and energy_eV [m bands], in rising order, and maybe fermi_eV; raises SemijaxError `file: ...`."""
    found = arrays(path, tuple(_ARRAYS), ("fermi_eV",))
    k, energies, fermi = found["k_frac"], found["energy_eV"], found.get("fermi_eV", np.array(np.nan))
    if k.shape != (len(energies), 3):
        raise SemijaxError(f"{path}: k_frac {k.shape}, energy_eV {energies.shape}: {_ALLOWED}")
    level = float(fermi.reshape(-1)[0]) if fermi.size == 1 else math.nan
    return Points(k, np.sort(energies, axis=1), level if math.isfinite(level) else None, str(path))


def read_band_dat(prefix, labels) -> Points:
    """`prefix`_band.dat, plain or .gz, at the k that labels (`read_labelinfo`) tell; raises SemijaxError `file:line: ...`."""
    path = Path(prefix)
    text = Text(path.with_name(path.name + "_band.dat"))
    values = text.numbers()
    rows = labels[-1].row + 1 if labels else 0
    if not rows or values.size == 0 or values.size % (2 * rows):
        raise text.fault(f"{values.size} numbers", f"two for each of {rows} points, the rows of the labels, and each band", 1)
    energies = values.reshape(-1, rows, 2)[..., 1].T
    at = [label.row for label in labels]
    k = np.stack([np.interp(np.arange(rows), at, [label.k[i] for label in labels]) for i in range(3)], axis=1)
    return Points(k, energies, None, text.name)
