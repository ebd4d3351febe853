"""Collisions that bring back the distribution of the start (BGK): means with a relaxation time, from the means without collisions."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from semijax._types import Array


def relaxed(means: Array, spacing: float, tau: Any) -> Array:
    """exp(−t/τ) V(t) + ∫_0^t exp(−s/τ) V(s) ds/τ [f ...] of V at even times: each interval exactly for the cubic through the four
    nearest V.
    """
    tau = jnp.asarray(tau, means.dtype)
    count = means.shape[0]
    rows = (1,) * (means.ndim - 1)
    decay = jnp.exp(-spacing / tau * jnp.arange(count, dtype=means.dtype)).reshape(-1, *rows)
    integral = jnp.concatenate([jnp.zeros_like(means[:1]), jnp.cumsum(decay[:-1] * _cubic(means, spacing / tau), axis=0)])
    return decay * means + integral


def _cubic(means: Array, x: Any) -> Array:
    """∫_0^1 exp(−x s) V(s) x ds [f − 1 ...] over each interval."""
    count = means.shape[0]
    order = min(4, count)
    nodes, weights = np.polynomial.legendre.leggauss(8)
    s, weights = (nodes + 1) / 2, weights / 2
    first = np.clip(np.arange(count - 1) - 1, 0, max(0, count - order))
    offset = np.arange(count - 1) - first  # of the interval among its points
    basis = np.stack([_lagrange(order, s + o) for o in range(order)])  # [place of the interval, point, node]
    damped = jnp.asarray(weights) * jnp.exp(-x * jnp.asarray(s)) * x
    share = jnp.dot(jnp.asarray(basis, means.dtype), damped.astype(means.dtype), precision="highest")[offset]  # [f − 1, order]
    points = means[first[:, None] + np.arange(order)[None, :]]  # [f − 1, order ...]
    return jnp.sum(share.reshape(*share.shape, *(1,) * (means.ndim - 1)) * points, axis=1)


def _lagrange(order: int, at: np.ndarray) -> np.ndarray:
    """The polynomials that are one at one of the points 0 ... order − 1 and zero at the others, at `at`: [order nodes]."""
    points = np.arange(order)
    return np.stack([np.prod([(at - m) / (j - m) for m in points if m != j], axis=0) for j in points])


def steady(values: Array, spacing: float, tau: Any) -> Array:
    """∫ exp(−s/τ) V(s) ds/τ over all of it, of V at an odd number of even times, as a part of ∫ exp(−s/τ) ds/τ there."""
    count = values.shape[0]
    rule = np.ones(count)
    rule[1:-1:2], rule[2:-1:2] = 4.0, 2.0
    weight = jnp.asarray(rule, values.dtype) * jnp.exp(-spacing / tau * jnp.arange(count, dtype=values.dtype))
    return jnp.sum(weight * values) / jnp.sum(weight)
