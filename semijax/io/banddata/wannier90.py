"""Wannier90's own path: `_band.dat` with `_band.kpt`, the lattice and atoms of the .win beside them."""

from pathlib import Path

import numpy as np

from semijax.io.banddata.record import BandData, rows_of
from semijax.io.structures import structure_from_win
from semijax.io.text import Text, existing
from semijax.io.wannier90.win import read_labelinfo, read_win

_DECIMALS = 2e-6  # of a fractional coordinate: _band.kpt has six decimals, cut off


def read_band_path(prefix, lattice=None) -> BandData:
    """`prefix`_band.dat at the k of `prefix`_band.kpt, each plain or .gz; raises SemijaxError `file:line: ...`.

    Wannier90 cuts k off after six decimals: where a `prefix`_band.labelinfo.dat names the corners, k are put back between them. lattice
    [3 3], Å, else that of `prefix`.win.
    """
    path = Path(str(prefix).removesuffix(".gz").removesuffix("_band.dat"))
    k, weights = _points(path)
    text = Text(path.with_name(path.name + "_band.dat"))
    values = text.numbers()
    if values.size == 0 or values.size % (2 * len(k)):
        raise text.fault(f"{values.size} numbers", f"two for each of {len(k)} k, those of _band.kpt, and each band", 1)
    energies = np.sort(values.reshape(-1, len(k), 2)[..., 1].T, axis=1)
    win = read_win(path) if existing(path.with_name(path.name + ".win")) else None
    structure = structure_from_win(win) if win is not None and win.lattice is not None and win.symbols else None
    rows = rows_of(lattice if lattice is not None or win is None else win.lattice)
    return BandData(_between(path, k), energies, weights, rows, None, None, None, None, structure, text.name)


def _points(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """k [m 3] and weights [m] of a `_band.kpt`."""
    text = Text(path.with_name(path.name + "_band.kpt"))
    count = text.whole("the number of k-points")
    text.room(4 * count)
    begun = text.line
    values = text.numbers()
    if values.size != 4 * count:
        text.line = begun
        raise text.miscounted((4, "k and its weight") for _ in range(count))
    rows = values.reshape(count, 4)
    total = rows[:, 3].sum()
    return rows[:, :3], rows[:, 3] / total if total > 0 else np.full(count, 1 / count)


def _between(path: Path, k: np.ndarray) -> np.ndarray:
    """k with all digits, from the corners of a `_band.labelinfo.dat`, where it is of the same path; else k."""
    if existing(path.with_name(path.name + "_band.labelinfo.dat")) is None:
        return k
    labels = read_labelinfo(path)
    at = [label.row for label in labels]
    if len(at) < 2 or at[0] != 0 or at[-1] != len(k) - 1:
        return k
    exact = np.stack([np.interp(np.arange(len(k)), at, [label.k[i] for label in labels]) for i in range(3)], axis=1)
    return exact if np.abs(exact - k).max() < _DECIMALS else k
