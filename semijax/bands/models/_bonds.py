"""Bonds: the neighbours of every atom of a crystal, in shells of equal or nearly equal distance; NumPy, once."""

import itertools
from typing import Any, NamedTuple

import numpy as np

from semijax._types import SemijaxError
from semijax.bands.structure import Structure

_COINCIDE = 1e-3  # Å: atoms nearer than this are one atom written twice
_MOST = 10_000_000  # distances computed at once


class Bonds(NamedTuple):
    """One line for each bond of an atom of cell 0: atoms i, j [m], the cell R of j [m p], j − i [m 3], Å, and its shell [m] from 1."""

    i: np.ndarray
    j: np.ndarray
    cell: np.ndarray
    vector: np.ndarray
    shell: np.ndarray

    @property
    def length(self) -> np.ndarray:
        """[m], Å."""
        return np.linalg.norm(self.vector, axis=1)


def bonds(where: str, structure: Structure, shells: Any, tolerance: float) -> Bonds:
    """Every bond, both ways, of the first `shells` distances, or up to the last of the distances that part the shells, Å.

    Distances that differ by less than `tolerance`, Å, are of one shell. Raises SemijaxError.
    """
    if isinstance(shells, int | np.integer) and not isinstance(shells, bool) and shells >= 1:
        return _counted(where, structure, int(shells), tolerance)
    try:
        ends = np.array(shells, np.float64)
    except (TypeError, ValueError):
        ends = np.array(np.nan)
    if ends.ndim != 1 or len(ends) == 0 or not np.isfinite(ends).all() or not (np.diff(ends, prepend=0) > 0).all():
        raise SemijaxError(f"{where}: shells = {shells!r}: allowed are a whole number ≥ 1, or rising distances > 0, Å")
    found = within(where, structure, float(ends[-1]))
    if not len(found.i):
        raise SemijaxError(f"{where}: shells = {shells!r}: no neighbour is so near: allowed are larger distances, Å")
    return found._replace(shell=1 + np.searchsorted(ends, found.length))


def within(where: str, structure: Structure, radius: float) -> Bonds:
    """Every bond of a length up to `radius`, Å, the shells all 0; raises SemijaxError where atoms coincide."""
    lattice, places = structure.lattice, structure.positions
    # The cell R holds a point within `reach` only if R·(height of the cell) is less.
    reach = radius + np.ptp(places, axis=0) @ np.ones(3)
    counts = np.floor(reach * np.linalg.norm(np.linalg.pinv(lattice), axis=0)).astype(int) + 1
    if np.prod(2.0 * counts + 1) * len(places) ** 2 > _MOST:
        raise SemijaxError(f"{where}: shells: bonds up to {radius:.4g} Å are too many: allowed are shorter ones")
    cells = np.array(list(itertools.product(*(range(-n, n + 1) for n in counts))))
    vectors = (cells @ lattice)[None, None] + (places[None, :] - places[:, None])[:, :, None]  # [i j R 3]
    length = np.linalg.norm(vectors, axis=3)
    own = np.eye(len(places), dtype=bool)[:, :, None] & ~cells.any(axis=1)
    if (length[~own] < _COINCIDE).any():
        i, j, _ = np.argwhere((length < _COINCIDE) & ~own)[0]
        raise SemijaxError(f"{where}: atoms {i + 1} and {j + 1} are at one place: allowed are atoms apart from each other")
    i, j, R = np.nonzero((length <= radius) & ~own)
    return Bonds(i, j, cells[R], vectors[i, j, R], np.zeros(len(i), int))


def _counted(where: str, structure: Structure, shells: int, tolerance: float) -> Bonds:
    """The first shells by distance."""
    radius = 1.5 * float(np.linalg.norm(structure.lattice, axis=1).min())
    while True:
        found = within(where, structure, radius)
        lengths = np.sort(found.length)
        ends = np.flatnonzero(np.diff(lengths) > tolerance)  # the last of each shell but the farthest, which may go on
        if len(ends) >= shells:
            break
        radius *= 1.4
    middles = (lengths[ends] + lengths[ends + 1])[:shells] / 2
    shell = 1 + np.searchsorted(middles, found.length)
    kept = shell <= shells
    return Bonds(found.i[kept], found.j[kept], found.cell[kept], found.vector[kept], shell[kept])
