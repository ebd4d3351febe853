"""Periodic B-splines on equal meshes: coefficients by FFT, values by one window of a table and nested sums."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from semijax._types import Array
from semijax.bands.inputs import traced

DEGREES = (3, 5)  # twice and four times continuously differentiable: 4 and 6 numbers of the table along each axis

# Values at whole numbers of the B-splines times degree!, from the middle outwards.
_AT_KNOTS = {3: (4, 1), 5: (66, 26, 1)}


def coefficients(values: Any, degree: int, axes: int) -> Any:
    """Coefficients, shaped like `values` [n_1 ... n_p ...], of the periodic spline through them; p = axes.

    They are divided by degree! for each axis, which the weights of `evaluate` leave out. NumPy in, float64 out; tracers pass too.
    The interpolation is exact: the Fourier transform divides by the spline's own values at whole numbers, which are positive.
    Unser, Aldroubi, Eden, IEEE Trans. Signal Process. 41, 821 (1993), doi:10.1109/78.193220.
    """
    xp: Any = jnp if traced(values) else np
    along = tuple(range(axes))
    found = xp.fft.fftn(values, axes=along)
    for axis in along:
        turns = 2 * math.pi * np.arange(values.shape[axis]) / values.shape[axis]
        middle, *outer = _AT_KNOTS[degree]
        gain = middle + sum(2 * b * np.cos((m + 1) * turns) for m, b in enumerate(outer))
        shape = [-1 if i == axis else 1 for i in range(values.ndim)]
        found = found / xp.asarray(gain.reshape(shape), dtype=values.dtype)
    return xp.fft.ifftn(found, axes=along).real


def evaluate(table: Array, degree: int, x: Array) -> Array:
    """The spline of coefficients [n_1 ... n_p ...] at fractional coordinates x [p]: a value of the shape that is left over.

    Any x: it is folded first, so that index and fraction keep their digits in float32. (degree + 1)^p numbers are read, each line
    of degree + 1 in one stretch.
    """
    sides = table.shape[: x.shape[0]]
    place = (x - jnp.floor(x)) * jnp.asarray(sides, x.dtype)  # may round to n itself: one more cell stands there
    cell = jnp.floor(place)
    start = [*cell.astype(jnp.int32), *[np.int32(0)] * (table.ndim - len(sides))]
    window = lax.dynamic_slice(_padded(table, degree, len(sides)), start, [degree + 1] * len(sides) + [*table.shape[len(sides) :]])
    weights = _WEIGHTS[degree](place - cell)
    for axis in reversed(range(len(sides))):
        shape = [-1 if i == axis else 1 for i in range(window.ndim)]
        window = jnp.sum(window * weights[:, axis].reshape(shape), axis=axis)
    return window


def _padded(table: Array, degree: int, axes: int) -> Array:
    """The table with what follows the last and precedes the first of each axis, so that no window wraps.

    All carriers share it: it is made once, before a run's loop.
    """
    for axis in range(axes):
        n = table.shape[axis]
        table = jnp.take(table, np.arange(-(degree // 2), n + degree // 2 + 2) % n, axis=axis)
    return table


def _cubic(t: Array) -> Array:
    """6 × the weights [4 p] of the coefficients at −1, 0, 1, 2 for fractions t [p]."""
    u = 1.0 - t
    a, b = t * t, u * u
    return jnp.stack([b * u, a * (3.0 * t - 6.0) + 4.0, b * (3.0 * u - 6.0) + 4.0, a * t])


def _quintic(t: Array) -> Array:
    """120 × the weights [6 p] of the coefficients at −2 ... 3 for fractions t [p]."""
    u = 1.0 - t
    a, b = t * t, u * u

    def inner(x, square):
        return square * (square * (30.0 - 10.0 * x) - 60.0) + 66.0

    def outer(x, square):
        return square * (square * (5.0 - 5.0 * x) + 10.0 * x + 10.0) + 5.0 * x + 1.0

    return jnp.stack([b * b * u, outer(u, b), inner(t, a), inner(u, b), outer(t, a), a * a * t])


_WEIGHTS = {3: _cubic, 5: _quintic}
