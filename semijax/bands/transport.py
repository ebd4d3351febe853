"""Transport: the monotone map of one probability density onto another, tabulated from exact integrals and interpolated."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import Array

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_STENCIL = 6
_NEWTON = 6


def integral(density: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """∫ of the density from `low` to `high` (arrays of one shape) by 8 Gauss-Legendre points; the density is elementwise."""
    points = jnp.asarray((1 + _POINTS) / 2, low.dtype).reshape((8,) + (1,) * low.ndim)
    weights = jnp.asarray(_WEIGHTS / 2, low.dtype).reshape(points.shape)
    width = high - low
    return jnp.sum(weights * density(low[None] + points * width[None]), axis=0) * width


def monotone(source: Callable, target: Callable, nodes: Array, edges: Array, power: int = 1) -> Array:
    """T at the nodes [n], where ∫^T target = ∫^node source, both normalised: source on `nodes`, target on `edges` [m].

    The target starts as x^(power − 1). Masses are summed from the nearer end, so that T is accurate relative to the tail
    in both tails; the last Newton step carries the derivatives with respect to whatever the densities depend on.
    """
    below, above = _cumulated(integral(source, nodes[:-1], nodes[1:]))
    mass = integral(target, edges[:-1], edges[1:])
    below_edge, above_edge = _cumulated(mass)
    lower = below < 0.5
    last = mass.shape[0] - 1
    from_below = jnp.searchsorted(below_edge, below, side="right") - 1
    from_above = last - (jnp.searchsorted(above_edge[::-1], above, side="left") - 1)
    cell = jnp.clip(jnp.where(lower, from_below, from_above), 0, last)
    beyond = jnp.where(lower, below - below_edge[cell], above_edge[cell] - above) * jnp.sum(mass)
    left, right = edges[cell], edges[cell + 1]

    def newton(x):
        slope = target(x)
        return x - (integral(target, left, x) - beyond) / jnp.where(slope > 0, slope, 1.0)

    part = jnp.clip(beyond / mass[cell], 0.0, 1.0)
    x = jax.lax.stop_gradient(left + (right - left) * jnp.where(cell == 0, part ** (1 / power), part))
    x = jax.lax.stop_gradient(jax.lax.fori_loop(0, _NEWTON, lambda _, x: jnp.clip(newton(x), left, right), x))
    return jnp.clip(newton(x), left, right).at[0].set(edges[0])


def interpolate(table: Array, *coordinates: Array) -> Array:
    """The table [n ...] at one point, in units of its cells: Lagrange interpolation of degree 5 along every axis.

    Its error along an axis of spacing h is at most 16.9/720 h⁶|f⁽⁶⁾| at the ends and 3.6/720 h⁶|f⁽⁶⁾| elsewhere.
    """
    starts, weights = zip(*(_stencil(x, n) for x, n in zip(coordinates, table.shape, strict=True)), strict=True)
    values = jax.lax.dynamic_slice(table, starts, (_STENCIL,) * table.ndim)
    for w in reversed(weights):
        values = jnp.sum(values * w.reshape((1,) * (values.ndim - 1) + (_STENCIL,)), axis=-1)
    return values


def _stencil(x: Array, n: int) -> tuple[Array, Array]:
    """First node and weights [6] of the six nodes around x, which at the ends lie on one side."""
    start = jnp.clip(jnp.floor(x) - (_STENCIL // 2 - 1), 0.0, n - _STENCIL)
    f = x - start
    weights = []
    for m in range(_STENCIL):
        factors = [(f - i) / (m - i) for i in range(_STENCIL) if i != m]
        weights.append(factors[0] * factors[1] * factors[2] * factors[3] * factors[4])
    return start.astype(jnp.int32), jnp.stack(weights)


def _cumulated(mass: Array) -> tuple[Array, Array]:
    """Parts of the whole below and above each edge [m + 1]."""
    zero, whole = jnp.zeros(1, mass.dtype), jnp.sum(mass)
    below = jnp.concatenate([zero, jnp.cumsum(mass)]) / whole
    above = jnp.concatenate([zero, jnp.cumsum(mass[::-1])])[::-1] / whole
    return below, above
