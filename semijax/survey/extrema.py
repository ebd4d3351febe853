"""Extrema of a band: found on a mesh, refined by Newton's method with the exact gradient and Hessian, and their masses."""

import itertools
from typing import NamedTuple

import numpy as np

from semijax.survey.local import Local, Matrices
from semijax.survey.places import Symmetry
from semijax.units import HBAR2_M0

_STEPS = 30
_FLAT = 1e-9  # eV Å: a slope that moves k by less than the rounding of k does
_CONE = 0.05  # eV Å: Wannier functions break symmetry by less; cones of crystals have 1 to 10
AXES = {2: ((1, 0), (0, 1)), 3: ((1, 0, 0), (1, 1, 0), (1, 1, 1))}  # directions along which bands that touch are told apart


class Extremum(NamedTuple):
    """An extremum of a band at k [d], fractional, of energy [eV]; count: of places the same by symmetry.

    masses [d]: principal ones, m0, negative at a maximum; axes [d d]: rows are their Cartesian directions. Where bands touch (`bands`, more
    than one) there is no mass tensor: `along` has (direction, masses of the bands, m0), or, `cone`, ħv in eV Å. refined: whether Newton's
    method came to an end there; else k is the mesh's.
    """

    k: np.ndarray
    energy: float
    count: int
    bands: tuple[int, ...]
    masses: np.ndarray | None
    axes: np.ndarray | None
    along: tuple[tuple[tuple[int, ...], np.ndarray], ...]
    cone: bool
    refined: bool


def extrema(matrices: Matrices, mesh: np.ndarray, index: int, sign: int, of: Symmetry, within: float = 0.5) -> list[Extremum]:
    """Minima (sign = +1) or maxima (−1) of band `index`, the outermost first, each star once; those within [eV] of the outermost.

    mesh: energies [n ... bands] of the primitive cell, at fractional k i/n. A minimum narrower than the mesh is missed.
    """
    energies = sign * mesh[..., index]
    points = mesh.shape[0]
    starts = np.argwhere(_lowest(energies))
    values = energies[tuple(starts.T)]
    order = np.argsort(values, kind="stable")
    found: list[Extremum] = []
    seen: list[np.ndarray] = []
    for i in order:
        k = starts[i] / points
        if values[i] > values[order[0]] + within + _slack(energies) or any(of.same(k, other) for other in seen):
            continue
        seen.append(k)
        one = _refined(matrices, k, index, sign, of, 1 / points)
        if not one.refined and len(one.bands) == 1 and found:
            continue  # a ripple of the mesh along a ridge
        if not any(of.same(one.k, other.k) for other in found):
            found.append(one)
    found.sort(key=lambda one: sign * one.energy)
    return [one for one in found if sign * (one.energy - found[0].energy) <= within]


def newton(slope, hessian, matrices: Matrices, k: np.ndarray, sign: int, reach: float) -> tuple[np.ndarray, bool]:
    """Where a slope (k -> [d], eV Å) vanishes near fractional k, by Newton steps of at most `reach` (fractional) in all twice that.

    hessian: k -> [d d], eV Å². Returns (k, whether it came to an end, and the Hessian has the sign).
    """
    at = k
    for _ in range(_STEPS):
        g, h = slope(at), hessian(at)
        if not (sign * np.linalg.eigvalsh(h) > 0).all():
            return k, False
        if np.linalg.norm(g) < _FLAT:
            return at, True
        step = matrices.fractional(-np.linalg.solve(h, g))
        at = at + step * min(1.0, reach / np.abs(step).max())
        if np.abs(at - k).max() > 2 * reach:
            return k, False
        if np.abs(step).max() < 1e-14:
            return at, True
    return k, False


def _refined(matrices: Matrices, k: np.ndarray, index: int, sign: int, of: Symmetry, reach: float) -> Extremum:
    local = matrices.local(k)
    if len(local.group(index)) == 1:
        about = matrices.local
        k, done = newton(lambda k: about(k).slope(index), lambda k: about(k).hessian(index), matrices, k, sign, reach)
        local = matrices.local(k)
    else:
        done = bool(
            np.linalg.norm(local.slope(index)) < _CONE
        )  # symmetry holds it there, up to what Wannier functions break of it
    return _described(local, index, of, done)


def _described(local: Local, index: int, of: Symmetry, refined: bool) -> Extremum:
    group, k = local.group(index), local.k - np.round(local.k)
    common = k, float(local.energies[index]), len(of.star(k)), tuple(int(i) for i in group)
    if len(group) == 1:
        curvatures, axes = np.linalg.eigh(local.hessian(index))
        with np.errstate(divide="ignore"):
            return Extremum(*common, HBAR2_M0 / curvatures, axes.T, (), False, refined)
    linear, quadratic = local.linear(index), local.expansion(index)
    cone = bool(np.abs(linear).max() > _CONE)
    along = []
    for direction in AXES[len(k)]:
        u = np.array(direction) / np.linalg.norm(direction)
        if cone:
            along.append((direction, np.linalg.eigvalsh(linear @ u)))
        else:
            along.append((direction, HBAR2_M0 / np.linalg.eigvalsh(np.einsum("ijab,a,b->ij", quadratic, u, u))))
    return Extremum(*common, None, None, tuple(along), cone, refined)


def _lowest(energies: np.ndarray) -> np.ndarray:
    """Where no neighbour on a periodic mesh, diagonal ones too, is lower."""
    lowest = np.ones(energies.shape, bool)
    for move in itertools.product((-1, 0, 1), repeat=energies.ndim):
        if any(move):
            lowest &= energies <= np.roll(energies, move, tuple(range(energies.ndim)))
    return lowest


def _slack(energies: np.ndarray) -> float:
    """How far refining can move an energy: what neighbours on the mesh differ by at the most."""
    return max(float(np.abs(np.diff(energies, axis=axis)).max()) for axis in range(energies.ndim)) / 2
