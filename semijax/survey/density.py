"""Density of states of energies on a mesh, by linear interpolation in simplices (tetrahedra, in a plane triangles)."""

import itertools
import math
from typing import NamedTuple

import numpy as np

from semijax._types import SemijaxError


class Density(NamedTuple):
    """Edges of bins [m + 1], eV; states [m] per eV and primitive cell, each the mean over its bin, spin not counted; below [m + 1]: states
    per cell below an edge.
    """

    edges: np.ndarray
    states: np.ndarray
    below: np.ndarray


def density_of_states(energies, edges, reciprocal=None) -> Density:
    """Of energies [n1 ... nd bands], eV, at fractional k i/n in the primitive cell, d = 2 or 3, in bins of these edges [m + 1], eV.

    The number of states below every edge is that of the bands interpolated linearly within simplices, exact for them; their difference is
    the density, with no broadening. Blöchl, Jepsen, Andersen, Phys. Rev. B 49, 16223 (1994), doi:10.1103/PhysRevB.49.16223, appendix A.
    reciprocal [d d], 1/Å: tells which diagonal of a cell is the shortest, along which it is then cut. Raises SemijaxError for other shapes.
    """
    energies, edges = np.asarray(energies, np.float64), np.asarray(edges, np.float64)
    d = energies.ndim - 1
    if d not in (2, 3) or edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        shapes = f"energies {energies.shape}, edges {edges.shape}"
        raise SemijaxError(f"density_of_states: {shapes}: allowed are energies [n n bands] or [n n n bands] and rising edges")
    turned = () if reciprocal is None else _turned(np.asarray(reciprocal) / np.array(energies.shape[:d])[:, None])
    energies = np.flip(energies, turned)
    below = np.zeros(len(edges))
    for band in np.moveaxis(energies, -1, 0):
        corners = np.sort(_simplices(band), axis=1)
        below += _filled(corners, edges) / len(corners)
    return Density(edges, np.diff(below) / np.diff(edges), below)


def _turned(steps: np.ndarray) -> tuple[int, ...]:
    """The axes of a mesh with these steps [d d] to walk backwards, so that the common diagonal of the simplices is the shortest."""
    signs = [np.array([1, *rest]) for rest in itertools.product((1, -1), repeat=len(steps) - 1)]
    shortest = min(signs, key=lambda sign: np.round(np.linalg.norm(sign @ steps), 9))
    return tuple(int(axis) for axis in np.flatnonzero(shortest < 0))


def _simplices(band: np.ndarray) -> np.ndarray:
    """Energies of the corners of all simplices [m d + 1]: d! in each cell, along the orders in which its axes can be walked (Kuhn)."""
    d = band.ndim
    found = []
    for order in itertools.permutations(range(d)):
        at = band
        corners = [at]
        for axis in order:
            at = np.roll(at, -1, axis)
            corners.append(at)
        found.append(np.stack(corners, axis=-1).reshape(-1, d + 1))
    return np.concatenate(found)


def _filled(corners: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How many simplices [m d + 1], corners in order, lie below each edge, partly filled ones by their part."""
    corners = corners[np.argsort(corners[:, 0])]
    highest = np.sort(corners[:, -1])
    part = _triangle if corners.shape[1] == 3 else _tetrahedron
    total = np.searchsorted(highest, edges, side="right").astype(float)
    widest = float((corners[:, -1] - corners[:, 0]).max())
    for i, edge in enumerate(edges):
        near = corners[np.searchsorted(corners[:, 0], edge - widest) : np.searchsorted(corners[:, 0], edge)]
        cut = near[near[:, -1] > edge]
        total[i] += part(cut, edge).sum() if len(cut) else 0.0
    return total


def _triangle(e: np.ndarray, edge: float) -> np.ndarray:
    """The part of triangles [m 3] below `edge`, e0 < edge < e2."""
    a, b, c = e.T
    low = edge <= b
    first = (edge - a) ** 2 / _safe((b - a) * (c - a), low)
    last = 1 - (c - edge) ** 2 / _safe((c - a) * (c - b), ~low)
    return np.where(low, first, last)


def _tetrahedron(e: np.ndarray, edge: float) -> np.ndarray:
    """The part of tetrahedra [m 4] below `edge`, e0 < edge < e3."""
    a, b, c, d = e.T
    low, high = edge <= b, edge > c
    middle = ~low & ~high
    first = (edge - a) ** 3 / _safe((b - a) * (c - a) * (d - a), low)
    last = 1 - (d - edge) ** 3 / _safe((d - a) * (d - b) * (d - c), high)
    x = edge - b
    bent = (c - a + d - b) / _safe((c - b) * (d - b), middle) * x**3
    between = ((b - a) ** 2 + 3 * (b - a) * x + 3 * x**2 - bent) / _safe((c - a) * (d - a), middle)
    return np.where(low, first, np.where(high, last, between))


def _safe(denominator: np.ndarray, used: np.ndarray) -> np.ndarray:
    return np.where(used & (denominator > 0), denominator, math.inf)
