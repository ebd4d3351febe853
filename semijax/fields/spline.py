"""Cubic splines through a table: twice continuously differentiable, kept as one polynomial per interval."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import solve_banded


def cubic(x, y) -> list[Any]:
    """Coefficients [c0, c1, c2, c3], each [m-1 d], of the not-a-knot spline through y [m d] at increasing x [m], m ≥ 4.

    On interval i it is c0 + c1 s + c2 s² + c3 s³ with s = t − x[i]; exact for cubics. NumPy in, NumPy out; tracers pass too.
    de Boor, A Practical Guide to Splines (1978), chapter IV.
    """
    h = (x[1:] - x[:-1])[:, None]
    chord = (y[1:] - y[:-1]) / h
    slope = _slopes(h, chord)
    c2 = (3 * chord - 2 * slope[:-1] - slope[1:]) / h
    c3 = (slope[:-1] + slope[1:] - 2 * chord) / h**2
    return [y[:-1], slope[:-1], c2, c3]


def derivative(coefficients: list[Any]) -> list[Any]:
    """Coefficients of the derivative of a piecewise polynomial, exact."""
    return [i * c for i, c in enumerate(coefficients)][1:]


def evaluate(x, coefficients, t):
    """The piecewise polynomial with breaks x [m] and coefficients (each [m-1 d]) at one t: [d]; the end pieces go on outside."""
    i = jnp.clip(jnp.searchsorted(x, t, side="right") - 1, 0, x.shape[0] - 2)
    s = t - x[i]
    value = coefficients[-1][i]
    for c in coefficients[-2::-1]:
        value = value * s + c[i]
    return value


def _slopes(h, chord):
    """Slopes at the knots [m d] from the steps h [m-1 1] and the chords [m-1 d]: the tridiagonal not-a-knot system."""
    concrete = isinstance(h, np.ndarray) and isinstance(chord, np.ndarray)
    xp: Any = np if concrete else jnp
    first, last = h[:1] + h[1:2], h[-1:] + h[-2:-1]
    zero = xp.zeros_like(first)
    below = xp.concatenate([zero, h[1:], last])[:, 0]
    middle = xp.concatenate([h[1:2], 2 * (h[:-1] + h[1:]), h[-2:-1]])[:, 0]
    above = xp.concatenate([first, h[:-1], zero])[:, 0]
    start = ((h[:1] + 2 * first) * h[1:2] * chord[:1] + h[:1] ** 2 * chord[1:2]) / first
    end = (h[-1:] ** 2 * chord[-2:-1] + (2 * last + h[-1:]) * h[-2:-1] * chord[-1:]) / last
    right = xp.concatenate([start, 3 * (h[1:] * chord[:-1] + h[:-1] * chord[1:]), end])
    if concrete:  # in float64, whatever JAX's default is
        return solve_banded((1, 1), np.stack([np.roll(above, 1), middle, np.roll(below, -1)]), right)
    return jax.lax.linalg.tridiagonal_solve(below, middle, above, right)
