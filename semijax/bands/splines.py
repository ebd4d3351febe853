"""Periodic B-splines on equal meshes: coefficients by FFT, values by one window of a table and nested sums."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_derivatives import SymbolicZero

from semijax._types import Array
from semijax.bands.inputs import traced

DEGREES = (3, 4)  # twice and three times continuously differentiable: 4 and 5 numbers of the table along each axis
_NEIGHBOURS = 4  # on either side, of which a coefficient is made where it is local

# degree! × the B-spline at whole numbers, from the middle outwards.
_AT_KNOTS = {3: (4.0, 1.0), 4: (14.375, 4.75, 0.0625)}


def coefficients(values: Any, degree: int, axes: int, local: bool = False) -> Any:
    """Coefficients, shaped like `values` [n_1 ... n_p ...], of the periodic spline that belongs to them; p = axes.

    They are divided by degree! for each axis, which the weights of `evaluate` leave out. NumPy in, float64 out; tracers pass too.
    local = False: the spline passes through the values; the Fourier transform is divided by that of the B-spline's own values, which
    is positive (Unser, Aldroubi, Eden, IEEE Trans. Signal Process. 41, 821 (1993), doi:10.1109/78.193220). Then a kink is felt
    everywhere, less by a factor 3.7 (degree 3), 2.8 (4) with each cell. local = True: the quotient is expanded to the ninth order
    in the frequency, 4 neighbours on either side: the error in ∂E/∂k is the same to leading order, but no kink is felt farther away.
    """
    xp: Any = jnp if traced(values) else np
    along = tuple(range(axes))
    found = xp.fft.fftn(values, axes=along)
    for axis in along:
        turns = 2 * math.pi * np.arange(values.shape[axis]) / values.shape[axis]
        filter = _cosines(_local(degree), turns) if local else 1 / _cosines(_AT_KNOTS[degree], turns)
        shape = [-1 if i == axis else 1 for i in range(values.ndim)]
        found = found * xp.asarray(filter.reshape(shape), dtype=found.dtype)
    return xp.fft.ifftn(found, axes=along).real


def evaluate(table: Array, degree: int, x: Array) -> Array:
    """The spline of coefficients [n_1 ... n_p ...] at fractional coordinates x [p]: a value of the shape that is left over.

    Any x: it is folded first, so that cell and fraction keep their digits in float32. (degree + 1)^p numbers are read, each line
    of degree + 1 in one stretch. Derivatives read the same numbers, with other weights.
    """
    axes = x.shape[0]
    return _derivative(degree, (0,) * axes, table.shape[:axes], _padded(table, degree, axes), x)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _derivative(degree: int, orders: tuple[int, ...], sides: tuple[int, ...], padded: Array, x: Array) -> Array:
    """∂^orders of the spline on a mesh of these sides. Each line of the table meets its weights as it is read, the derivatives' as the
    value's: what reverse mode would do after it has seen all of them.
    """
    place = (x - jnp.floor(x)) * jnp.asarray(sides, x.dtype) + (0.5 if degree % 2 == 0 else 0.0)
    cell = jnp.floor(place)  # may round to n: one more cell stands there
    start = [*cell.astype(jnp.int32), *[np.int32(0)] * (padded.ndim - len(sides))]
    sizes = [degree + 1] * len(sides) + [*padded.shape[len(sides) :]]
    window = lax.dynamic_slice(padded, start, sizes, allow_negative_indices=False)
    weights = {order: _derived(_WEIGHTS[degree], order)(place - cell) for order in {*orders}}
    for axis in reversed(range(len(sides))):
        shape = [-1 if i == axis else 1 for i in range(window.ndim)]
        window = jnp.sum(window * weights[orders[axis]][:, axis].reshape(shape), axis=axis)
    return window * jnp.asarray(math.prod(n**order for n, order in zip(sides, orders)), window.dtype)


def _slope(degree: int, orders: tuple[int, ...], sides: tuple[int, ...], primals, tangents):
    (padded, x), (other, way) = primals, tangents
    parts = []
    if type(other) is not SymbolicZero:  # the spline is linear in its table
        parts.append(_derivative(degree, orders, sides, other, x))
    if type(way) is not SymbolicZero:
        for axis in range(len(sides)):
            more = tuple(order + (i == axis) for i, order in enumerate(orders))
            parts.append(_derivative(degree, more, sides, padded, x) * way[axis])
    value = _derivative(degree, orders, sides, padded, x)
    return value, sum(parts[1:], parts[0]) if parts else jnp.zeros_like(value)


_derivative.defjvp(_slope, symbolic_zeros=True)


def _derived(weights: Callable, order: int) -> Callable:
    """The order-th derivative of weights [m p] of fractions t [p], each of its own t."""
    if order == 0:
        return weights
    lower = _derived(weights, order - 1)
    return lambda t: jax.jvp(lower, (t,), (jnp.ones_like(t),))[1]


def _padded(table: Array, degree: int, axes: int) -> Array:
    """The table with what precedes the first and follows the last of each axis, so that no window wraps.

    All carriers share it: it is made once, before a run's loop.
    """
    before, after = degree // 2, degree - degree // 2 + 1
    for axis in range(axes):
        n = table.shape[axis]
        if n >= after:  # two slices, which a compiler that meets a known table folds faster than a gather
            ends = [lax.slice_in_dim(table, n - before, n, axis=axis), table, lax.slice_in_dim(table, 0, after, axis=axis)]
            table = jnp.concatenate(ends, axis=axis)
        else:
            table = jnp.take(table, np.arange(-before, n + after) % n, axis=axis)
    return table


def _cubic(t: Array) -> Array:
    """6 × the weights [4 p] of the coefficients at −1 ... 2 from the cell at fractions t [p]."""
    u = 1.0 - t
    a, b = t * t, u * u
    return jnp.stack([b * u, a * (3.0 * t - 6.0) + 4.0, b * (3.0 * u - 6.0) + 4.0, a * t])


def _quartic(t: Array) -> Array:
    """24 × the weights [5 p] of the coefficients at −2 ... 2 from the cell, whose middle is at t = 1/2."""
    v, u = t - 0.5, 1.0 - t
    a, b, s = t * t, u * u, v * v
    even, odd = s * (6.0 - 4.0 * s) + 4.75, v * (11.0 - 4.0 * s)
    return jnp.stack([b * b, even - odd, s * (6.0 * s - 15.0) + 14.375, even + odd, a * a])


_WEIGHTS = {3: _cubic, 4: _quartic}


def _cosines(amplitudes, turns: np.ndarray) -> np.ndarray:
    """Σ_m a_m cos(m turns) with both signs of m."""
    middle, *outer = amplitudes
    return middle + sum(2 * a * np.cos((m + 1) * turns) for m, a in enumerate(outer))


def _local(degree: int) -> np.ndarray:
    """Amplitudes [5] whose cosines are the inverse of the B-spline's, to the ninth order in the frequency."""
    order = np.arange(_NEIGHBOURS + 1)
    powers = np.array([[(-1) ** j * m ** (2 * j) / math.factorial(2 * j) * (2 if m else 1) for m in order] for j in order])
    gain = powers[:, : len(_AT_KNOTS[degree])] @ np.array(_AT_KNOTS[degree])  # its powers of the frequency squared
    inverse = np.zeros(len(order))
    inverse[0] = 1 / gain[0]
    for j in order[1:]:
        inverse[j] = -(gain[1 : j + 1] @ inverse[j - 1 :: -1][:j]) / gain[0]
    return np.linalg.solve(powers, inverse)
