"""Resampling: synthetic data sets as a band would give them, and the bootstrap."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import replace
from semijax._types import Array, SemijaxError
from semijax.configure import at_first_use
from semijax.fits.batches import reachable, solve
from semijax.fits.measured import Measured, parts_of
from semijax.fits.problem import Problem, problem_of
from semijax.fits.result import Fit


def copies(data: Any, band: Any, key: Any, count: int) -> Any:
    """Data sets [count ...] as the band would give them: its predictions with normal errors of the stated sigma, for `many`."""
    parts = parts_of(data)
    if not all(part.stated for part in parts):
        raise SemijaxError("copies: sigma is missing: allowed are data with standard errors")
    keys = jax.random.split(key, len(parts))
    drawn = iter(_drawn(parts, band, keys, count=count))
    return jax.tree.map(lambda _: next(drawn), data, is_leaf=lambda node: isinstance(node, Measured))


@partial(jax.jit, static_argnames=("count",))
def _drawn(parts: list[Measured], band: Any, keys: Array, *, count: int) -> list[Measured]:
    def one(part: Measured, key) -> Measured:
        shape = (count, *np.shape(part.values))

        def whole(x):
            return jnp.broadcast_to(jnp.asarray(x), (count, *np.shape(x)))

        scatter = jax.random.normal(key, shape, jnp.result_type(float)) * whole(part.sigma)
        true = whole(part.predicted(band))
        noisy = true * jnp.exp(scatter) if part.relative else true + scatter
        return replace(jax.tree.map(whole, part), values=jnp.where(whole(part.used), noisy, whole(part.values)))

    return [one(part, key) for part, key in zip(parts, keys)]


def bootstrap(
    fit: Fit, residuals: Callable, data: Any, count: int, key: Any, *, steps: int = 50, tolerance: float = 1e-6
) -> np.ndarray:
    """Parameters [count p] of fits to resampled data: each datum as often as it was drawn, with replacement, from where `fit` ended.

    Efron, Ann. Stat. 7, 1 (1979), doi:10.1214/aos/1176344552 (of pairs). One compiled call. NaN where a fit did not converge. Bounds and
    priors are left out.
    """
    at_first_use()
    problem, _ = problem_of("bootstrap", residuals, fit.band, data, bounds=None, frozen=_others(fit), priors=None)
    size = jax.eval_shape(problem.residuals, problem.start).shape[0]  # without the priors, which are not drawn again
    found, slopes = np.asarray(fit.residuals)[:size], np.asarray(fit.jacobian)[:size]
    places = np.flatnonzero((slopes != 0).any(axis=1) | (found != 0))
    drawn = jax.random.choice(key, jnp.asarray(places), (count, len(places)))
    how_often = jax.vmap(lambda one: jnp.zeros(size, jnp.result_type(float)).at[one].add(1.0))(drawn)
    return np.asarray(_resampled(problem, problem.start, jnp.sqrt(how_often), steps=steps, tolerance=reachable(tolerance)))


@partial(jax.jit, static_argnames=("steps", "tolerance"))
def _resampled(problem: Problem, start: Array, roots: Array, *, steps: int, tolerance: float) -> Array:
    def one(root):
        mine = replace(problem, sigma=1 / root)  # what was not drawn has an infinite error
        u, _, converged = solve(mine, start, steps, tolerance, None)
        return jnp.where(converged, problem.bounds.inside(u), jnp.nan)

    return jax.vmap(one)(roots)


def _others(fit: Fit) -> tuple[str, ...]:
    """What the fit left frozen."""
    fitted = set(fit.layout.free)
    return tuple(name for i, name in enumerate(fit.layout.names) if i not in fitted)
