"""Matching: which of the computed levels a measured one is, where bands cross and nobody has labelled them."""

import jax
import jax.numpy as jnp

from semijax._types import Array


def assigned(levels: Array, values: Array, used: Array) -> Array:
    """Of computed levels [n] the one for each measured value [m], m ≤ n, both ascending: that with the least Σ (level − value)² of
    those that use no level twice. What is not `used` [m] takes none, and is zero.

    In one dimension the best assignment keeps the order, so the cheapest way through the table of costs is found row by row, and its
    derivative with respect to the costs says which of them it took.
    """
    costs = (levels[None, :] - values[:, None]) ** 2
    taken = jax.grad(_cheapest)(jax.lax.stop_gradient(costs), used)
    return jnp.sum(taken * levels[None, :], axis=1)


def _cheapest(costs: Array, used: Array) -> Array:
    """The least sum of one cost [m n] from each row that is used, in columns that grow with the row."""
    none = jnp.asarray([jnp.inf], costs.dtype)

    def further(best, row):
        cost, use = row
        within = jnp.concatenate([none, jax.lax.cummin(best[:-1] + cost)])  # of these rows, within the first j columns
        return jnp.where(use, within, best), None

    return jax.lax.scan(further, jnp.zeros(costs.shape[1] + 1, costs.dtype), (costs, used))[0][-1]
