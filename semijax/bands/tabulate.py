"""A band tabulated once: any E(k) on a mesh of its zone, as a spline whose errors are measured."""

import math
import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import SemijaxError
from semijax.bands import inputs
from semijax.bands.accuracy import Accuracy, Truth, in_blocks, points_within, random_points, tabled
from semijax.bands.band import Band
from semijax.bands.sampled import sampled

_FIRST = {1: 64, 2: 48, 3: 24}  # points along the longest reciprocal vector to begin with
_LEAST_ORDER = 0.75  # a largest error that falls more slowly as the mesh gets finer sits at a kink


class Tabulated(NamedTuple):
    """A tabulated band, and how far it is from the exact one."""

    band: Band
    accuracy: Accuracy


def tabulate(
    band: Band,
    tolerance: float | None = None,
    *,
    mesh: Any = None,
    window: tuple[float, float] | None = None,
    degree: int = 3,
    points: int = 4096,
    most: int = 1 << 24,
    dtype: Any = None,
    seed: int = 0,
) -> Tabulated:
    """A band that is periodic along all d directions as a table, `bands.sampled`, with its errors measured.

    tolerance: on the largest |error of ∂E/∂k|, eV Å, of the test points. The mesh becomes finer until it is met; where `most` points are
    not enough, or finer meshes do not help because bands cross, a warning says so in one line and what there is comes back. None:
    `mesh` as it is. mesh: points along each reciprocal vector, a number or p of them; with a tolerance, where to begin. window:
    (lowest, highest) energy, eV, within which the tolerance is to hold; None is the whole zone. degree: see `sampled`. points: random
    wavevectors of the zone that test it, and as many in the window. dtype: of k in the tests; None is JAX's default. The table
    is computed in float64, from 16,384 wavevectors at a time, with Berry curvature and orbital moment where the band has them.
    Raises SemijaxError.
    """
    sides = _checked(band, tolerance, mesh, window, points)
    dtype = np.dtype(dtype or jnp.result_type(float))
    with jax.enable_x64(True):
        tests = _tests(band, points, window, seed, dtype)
        found, earlier = _once(band, sides, degree, window, tests, tolerance), None
        while not found.accuracy.meets:
            now = found.accuracy
            larger = _finer(now)
            stuck = earlier is not None and _order(earlier, now) < _LEAST_ORDER
            if stuck or math.prod(larger) > most:
                warnings.warn(_told(now, None if stuck else most), stacklevel=2)
                break
            earlier, found = now, _once(band, larger, degree, window, tests, tolerance)
    return found


def _tests(band: Band, points: int, window, seed: int, dtype) -> list[Truth]:
    """The exact band at random points of the zone, and of the window where there is one."""
    k = [random_points(band, points, seed, dtype)]
    k += [] if window is None else [points_within(band, points, window, seed, dtype)]
    return [Truth.of(band, one) for one in k]


def _once(band: Band, sides: tuple[int, ...], degree: int, window, tests: list[Truth], tolerance) -> Tabulated:
    """The band on one mesh, with its errors; the tests get points where it is worst."""
    fractions = np.stack(np.unravel_index(np.arange(math.prod(sides)), sides), axis=-1) / np.asarray(sides)
    k = fractions @ band.reciprocal
    found = in_blocks(("energy", *tabled(band)), band, k)
    energies = found.pop("energy").reshape(sides)
    more = {name: x.reshape(*sides, *x.shape[1:]) for name, x in found.items()}
    reference = None if window is None else (window[0] + window[1]) / 2
    table = sampled(band.lattice, energies, degree, local=True, reference=reference, **more)
    cell = band.reciprocal / np.asarray(sides)[:, None]
    tests[:] = [test.sharpened(band, table, cell, between) for test, between in zip(tests, (None, window))]
    errors = [test.against(table) for test in tests]
    numbers = energies.size + sum(x.size for x in more.values())
    within = None if window is None else errors[1]
    points, dtype = tests[0].random, tests[0].k.dtype.name
    return Tabulated(table, Accuracy(errors[0], within, window, points, sides, degree, 4 * numbers, dtype, tolerance))


def _finer(now: Accuracy) -> tuple[int, ...]:
    """The mesh at which an error that falls as h^degree would meet the tolerance, at most twice as fine along each axis."""
    assert now.tolerance is not None
    factor = 1.03 * (now.worst.largest / now.tolerance) ** (1 / now.degree)
    return tuple(_convenient(n * min(max(factor, 1.1), 2.0)) for n in now.mesh)


def _convenient(n: float) -> int:
    """The next even number without prime factors beyond 5, of which fast Fourier transforms are fast."""
    number = 2 * math.ceil(n / 2)
    while _without(number, 2, 3, 5) > 1:
        number += 2
    return number


def _without(number: int, *factors: int) -> int:
    for factor in factors:
        while number % factor == 0:
            number //= factor
    return number


def _order(coarse: Accuracy, fine: Accuracy) -> float:
    """The order at which the largest error fell."""
    steps = math.log(math.prod(fine.mesh) / math.prod(coarse.mesh)) / len(fine.mesh)
    return math.log(coarse.worst.largest / max(fine.worst.largest, 1e-300)) / steps


def _told(now: Accuracy, most: int | None) -> str:
    mesh, at = " × ".join(map(str, now.mesh)), ", ".join(f"{x:.4f}" for x in now.worst.where)
    why = "a finer mesh does not help there, as where bands cross" if most is None else f"{most} points are not enough"
    return (
        f"tabulate: tolerance = {now.tolerance:g} eV Å not met by {mesh} points: ∂E/∂k is off by up to {now.worst.largest:.2g} eV Å, at "
        f"k = ({at}) 1/Å, by {now.worst.rms:.2g} on average; {why}: allowed are a narrower window, a larger tolerance, or the exact band"
    )


def _checked(band, tolerance, mesh, window, points) -> tuple[int, ...]:
    """The sides of the first mesh; raises SemijaxError for what cannot be tabulated."""
    if not isinstance(band, Band) or band.lattice is None or np.shape(band.lattice) != (band.dimension,) * 2:
        what = "has no lattice" if isinstance(band, Band) and band.lattice is None else f"= {band!r}"
        what = f"has a lattice of shape {np.shape(band.lattice)}" if isinstance(band, Band) and band.lattice is not None else what
        raise SemijaxError(f"tabulate: band {what}: allowed is a band with d lattice vectors in d dimensions")
    if tolerance is None and mesh is None:
        raise SemijaxError("tabulate: neither tolerance nor mesh: allowed is one of them, or both")
    if tolerance is not None:
        inputs.number("tabulate", "tolerance", tolerance, above=0.0)
    if window is not None:
        low, high = inputs.array("tabulate", "window", window, (2,))
        if not low < high:
            raise SemijaxError(f"tabulate: window = {tuple(window)}: allowed are (lowest, highest) energies, eV")
    if not isinstance(points, int) or points < 2:
        raise SemijaxError(f"tabulate: points = {points!r}: allowed is a whole number ≥ 2")
    return _sides(band, mesh)


def _sides(band: Band, mesh) -> tuple[int, ...]:
    p = len(band.lattice)
    if mesh is None:
        lengths = np.linalg.norm(band.reciprocal, axis=1)
        return tuple(_convenient(max(4.0, n)) for n in _FIRST[p] * lengths / lengths.max())
    sides = (mesh,) * p if np.ndim(mesh) == 0 else tuple(mesh)
    if len(sides) != p or any(int(n) != n or n < 1 for n in sides):
        raise SemijaxError(f"tabulate: mesh = {mesh!r}: allowed is a whole number ≥ 1, or {p} of them")
    return tuple(map(int, sides))
