"""Stars: a band as a Fourier series that has the symmetry of its crystal, one number for each star of lattice translations."""

import importlib
import itertools
import math
import warnings
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from semijax._types import Array, SemijaxError
from semijax.bands import inputs
from semijax.bands.band import Band
from semijax.bands.constants import Constants
from semijax.bands.sampled import checked_lattice
from semijax.bands.structure import Structure

_WHERE = "stars"
_EQUAL = 1e-6  # of a lattice vector's length: translations that differ by less are equally long
_MOST = 400_000  # lattice translations of a series


def stars(lattice: Any, coefficients: Any, rotations: Any = None, *, dimension: int | None = None) -> Band:
    """E(k) = Σ_s c_s S_s(k), S_s the mean of cos(k·R) over the star s: those R that rotations of the crystal and R → −R make of one.

    lattice: rows [p d], Å; or a Structure, whose rotations spglib finds. coefficients: c [n], eV, of the n shortest stars, that of R = 0
    (the mean energy) first; a number n stands for as many zeros. rotations: integer matrices W [m p p], R → W R of translations in lattice
    vectors, as spglib has them; None: that of the structure, or the identity. dimension: 2 for a layer (its first two vectors).

    params: {"coefficients": [n]}. The series has time reversal, E(−k) = E(k). Raises SemijaxError. Chadi, Cohen, Phys. Rev. B 8, 5747
    (1973), doi:10.1103/PhysRevB.8.5747.
    """
    lattice, rotations = _crystal(lattice, rotations, dimension)
    if isinstance(coefficients, int | np.integer) and not isinstance(coefficients, bool):
        coefficients = np.zeros(max(int(coefficients), 0))
    if np.ndim(coefficients) != 1 or np.size(coefficients) == 0:
        raise SemijaxError(
            f"{_WHERE}: coefficients have shape {np.shape(coefficients)}: allowed are one or more numbers [n], or n > 0"
        )
    coefficients = inputs.array(_WHERE, "coefficients", coefficients, np.shape(coefficients))
    cells, star = _shortest(lattice, rotations, len(coefficients))
    return Band(StarSeries(Constants(vectors=cells @ lattice, star=star)), {"coefficients": coefficients}, lattice)


def rotations_of(structure: Structure, tolerance: float = 1e-4) -> np.ndarray:
    """Rotations W [m p p] of a crystal, R → W R of translations in its p lattice vectors; by spglib (extra `symmetry`).

    tolerance: by how much atoms may be off, Å. Raises SemijaxError without spglib, or where it finds no symmetry.
    """
    try:
        spglib = importlib.import_module("spglib")
    except ImportError:
        raise SemijaxError(
            "stars: rotations of a structure need spglib: allowed is `pip install semijax[symmetry]`, or rotations="
        ) from None
    p = len(structure.lattice)
    lattice, extent = np.zeros((3, 3)), np.ptp(structure.positions, axis=0)
    lattice[:p] = structure.lattice
    # Along directions without a period: longer than anything else, so that no rotation exchanges them with a lattice vector.
    lattice[p:] = (3 * np.linalg.norm(structure.lattice, axis=1).max() + 2 * extent.sum()) * np.linalg.svd(lattice[:p])[2][p:]
    numbers = [structure.species.index(symbol) + 1 for symbol in structure.symbols]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = spglib.get_symmetry((lattice, structure.positions @ np.linalg.inv(lattice), numbers), symprec=tolerance)
        except Exception:  # spglib raises its own kinds, or returns None
            found = None
    if found is None:
        raise SemijaxError("stars: spglib finds no symmetry of the structure: allowed is one with atoms apart from each other")
    whole = np.asarray(found["rotations"], dtype=np.int64)
    within = ~(whole[:, :p, p:].any(axis=(1, 2)) | whole[:, p:, :p].any(axis=(1, 2)))
    return np.unique(whole[within][:, :p, :p], axis=0)


@dataclass(frozen=True)
class StarSeries:
    """A callable (params, k [d]) -> E, eV; table: vectors [m d], Å, one of R and −R each, and the star of each [m]."""

    table: Constants

    def __call__(self, params, k: Array) -> Array:
        coefficients = params["coefficients"]
        share = coefficients / jnp.asarray(np.bincount(self.table.star), coefficients.dtype)
        phases = jnp.sum(jnp.asarray(self.table.vectors, k.dtype) * k[None, :], axis=1)
        return jnp.sum(share[self.table.star] * jnp.cos(phases))

    def functions(self, k: np.ndarray) -> np.ndarray:
        """S_s(k) of every star at k [m d] -> [m n], in float64 NumPy: E = functions @ coefficients."""
        star = self.table.star
        first = np.flatnonzero(np.diff(star, prepend=-1))  # stars lie one after another
        sums = [
            np.add.reduceat(np.cos(part @ self.table.vectors.T), first, axis=1)
            for part in np.array_split(k, 1 + len(k) * len(star) // 2**24)
        ]
        return np.concatenate(sums) / np.bincount(star)


def _crystal(lattice: Any, rotations: Any, dimension: int | None) -> tuple[np.ndarray, np.ndarray]:
    """lattice [p d] and its rotations [m p p]."""
    if isinstance(lattice, Structure):
        structure = lattice.layer(_WHERE) if dimension == 2 else lattice
        found = rotations_of(structure) if rotations is None else rotations
        p = len(structure.lattice)
        flat = np.abs(structure.lattice[:, p:]).max(initial=0.0) < _EQUAL
        lattice, rotations = structure.lattice[:, : p if flat and dimension is None else dimension or 3], found
    lattice = checked_lattice(_WHERE, lattice)
    if dimension not in (None, lattice.shape[1]):
        raise SemijaxError(f"{_WHERE}: dimension = {dimension}: allowed is {lattice.shape[1]}, the length of a lattice vector")
    p = len(lattice)
    whole = np.eye(p)[None] if rotations is None else np.asarray(rotations, np.float64)
    if whole.ndim != 3 or whole.shape[1:] != (p, p) or (whole != np.rint(whole)).any():
        raise SemijaxError(f"{_WHERE}: rotations have shape {whole.shape}: allowed are matrices of whole numbers [m {p} {p}]")
    metric = lattice @ lattice.T
    off = np.abs(whole.swapaxes(1, 2) @ metric @ whole - metric).max(axis=(1, 2))
    if off.max() > 1e-3 * metric.max():
        worst = whole[int(off.argmax())].astype(int).tolist()
        raise SemijaxError(f"{_WHERE}: rotation {worst} changes lengths: allowed are rotations of the lattice")
    whole = whole.astype(np.int64)
    return lattice, np.unique(whole, axis=0)


def _shortest(lattice: np.ndarray, rotations: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells [m p] of the `count` shortest stars, one of R and −R each, and the star of each [m], in order."""
    size = abs(np.linalg.det(lattice @ lattice.T)) ** 0.5
    p = len(lattice)
    ball = {1: 2.0, 2: math.pi, 3: 4 * math.pi / 3}[p]
    radius = 0.8 * (count * len(rotations) * size / ball) ** (1 / p)  # at first: most stars are as large as there are rotations
    while True:
        cells = _within(lattice, radius)
        found = _into_stars(lattice, rotations, cells)
        if found[1][-1] + 1 >= count:
            kept = found[1] < count
            return found[0][kept], found[1][kept]
        radius *= 1.15


def _within(lattice: np.ndarray, radius: float) -> np.ndarray:
    """Cells [m p] of translations up to `radius`, Å."""
    heights = np.floor(radius * np.linalg.norm(np.linalg.pinv(lattice), axis=0)).astype(int)
    if np.prod(2.0 * heights + 1) > _MOST:
        raise SemijaxError(f"{_WHERE}: coefficients: translations up to {radius:.4g} Å are too many: allowed are fewer stars")
    cells = np.array(list(itertools.product(*(range(-n, n + 1) for n in heights))))
    return cells[np.linalg.norm(cells @ lattice, axis=1) <= radius * (1 + _EQUAL)]


def _into_stars(lattice: np.ndarray, rotations: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One of R and −R each [m p], star after star, and the star of each [m]; short stars come first."""
    p = cells.shape[1]
    span = 2 * int(np.abs(rotations).sum(axis=2).max() * np.abs(cells).max(initial=1)) + 1

    def code(cells):
        return (cells + span // 2) @ span ** np.arange(p)[::-1]  # orders cells; that of −R is span^p − 1 less that of R

    cells = cells[code(cells) >= span**p // 2]
    images = np.einsum("mpq,nq->nmp", rotations, cells)
    images = np.concatenate([images, -images], axis=1)
    name = images[np.arange(len(cells)), code(images).argmax(axis=1)]  # the last of its images names a star
    # The length of the one that names it is the same number for all members, to the last bit.
    length = np.rint(np.linalg.norm(name @ lattice, axis=1) / (_EQUAL * np.linalg.norm(lattice, axis=1).max()))
    order = np.lexsort((-code(cells), -code(name), length))
    return cells[order], np.cumsum(np.diff(code(name)[order], prepend=code(name)[order[0]]) != 0)
