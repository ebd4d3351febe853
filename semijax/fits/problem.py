"""Problem: a fit made ready: residuals or loss as functions of numbers without bounds, compiled once for every problem of its kind."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import record, replace, static
from semijax._types import Array, SemijaxError
from semijax.bands.band import Band
from semijax.fits import bounds as limits
from semijax.fits.measured import settled
from semijax.fits.model import follows, holds
from semijax.fits.parameters import Layout, layout_of
from semijax.fits.sensitivity import forwards


@record
class Problem:
    """Everything a fit needs, as a tree: leaves of (band, data), where the parameters are in them, bounds, priors, standard errors.

    of: residuals(band, data) or loss(band, data), the user's. rates: 1/standard deviations of priors, zero for none. sigma [m] without
    the priors: None where the residuals are taken as they are.
    """

    of: Callable = static()
    layout: Layout = static()
    leaves: Any = None
    bounds: Any = None
    means: Any = None
    rates: Any = None
    sigma: Any = None
    prior: bool = static(default=False)

    @property
    def start(self) -> Array:
        """u [p] of the numbers given."""
        return jnp.asarray(self.bounds.outside(self.layout.start(self.leaves).astype(np.float64)), float)

    def filled(self, x: Array) -> tuple[Any, Any]:
        """(band, data) with the parameters x [p]."""
        return self.layout.filled(self.leaves, x)

    def residuals(self, x: Array) -> Array:
        """Residuals [m] at x [p] in standard errors, those of the priors last."""
        found = jnp.asarray(self.of(*self.filled(x)))
        found = found.reshape(-1).astype(x.dtype)
        found = found if self.sigma is None else found / self.sigma
        return jnp.concatenate([found, (x - self.means) * self.rates]) if self.prior else found

    def loss(self, x: Array) -> Array:
        """The loss at x [p], with ½ Σ ((x − mean)/sigma)² of the priors."""
        found = jnp.asarray(self.of(*self.filled(x))).astype(x.dtype)
        return found + 0.5 * jnp.sum(((x - self.means) * self.rates) ** 2) if self.prior else found


def problem_of(
    where: str, of: Callable, band: Any, data: Any, *, bounds: Any, frozen: Any, priors: Any, sigma: Any = None
) -> tuple[Problem, list]:
    """A problem, and the leaves of (band, data) as they were given; raises SemijaxError, in one line, for anything in it that cannot be
    fitted.
    """
    if not callable(of):
        raise SemijaxError(f"{where}: {of!r}: allowed is a function of (band, data)")
    data = settled(band, data)
    layout, leaves = layout_of(where, band, data, frozen)
    limited = limits.bounds_of(where, bounds, layout, layout.start(leaves))
    means, rates = limits.priors_of(where, priors, layout)
    of = _named(of)
    problem = Problem(of, layout, leaves, limited, means, rates, None, prior=bool(np.any(rates > 0)))
    _check_lattices(where, problem)
    given = jax.tree.leaves((band, data))
    if sigma is None:
        return problem, given
    shape = jax.eval_shape(lambda leaves: of(*jax.tree.unflatten(layout.tree, leaves)), leaves).shape
    return replace(problem, sigma=_checked_sigma(where, sigma, shape)), given


def _named(of: Callable) -> Callable:
    """The user's function, which has to be hashable; a bound method of a record is not the same one twice."""
    try:
        hash(of)
    except TypeError:
        return lambda band, data: of(band, data)
    return of


def _checked_sigma(where: str, sigma: Any, shape: tuple[int, ...]) -> Array:
    try:
        array = np.asarray(sigma, np.float64)
        whole = np.broadcast_shapes(array.shape, shape) == shape
    except (TypeError, ValueError):
        array, whole = np.zeros(1), False
    if not whole:
        raise SemijaxError(f"{where}: sigma has shape {np.shape(sigma)}: allowed is one number, or {shape}, as the residuals")
    if not (np.isfinite(array).all() and (array > 0).all()):
        worst = array.min() if np.isfinite(array).all() else "not finite"
        raise SemijaxError(f"{where}: sigma = {worst}: allowed are finite numbers > 0")
    return jnp.asarray(np.broadcast_to(array, shape).reshape(-1), float)


def checked_start(where: str, problem: Problem, found: np.ndarray) -> None:
    """Raises SemijaxError where the residuals at the start are no vector of finite numbers, or fewer than the parameters."""
    if not np.isfinite(found).all():
        bad = int((~np.isfinite(found)).sum())
        raise SemijaxError(
            f"{where}: {bad} of {found.size} residuals are not finite at the start: allowed is a start where they are"
        )
    if found.size < len(problem.layout.free):
        raise SemijaxError(
            f"{where}: {len(problem.layout.free)} parameters and {found.size} data: allowed are at most as many parameters; freeze some"
        )


def checked_count(where: str, problem: Problem, count: int) -> None:
    """Raises SemijaxError for fewer data that count than parameters."""
    if count < len(problem.layout.free):
        raise SemijaxError(
            f"{where}: {len(problem.layout.free)} parameters and {count} data that count: allowed are at most as many parameters; "
            f"freeze some of {', '.join(problem.layout.fitted[:8])}"
        )


def _check_lattices(where: str, problem: Problem) -> None:
    """Raises SemijaxError for a parameter that changes the periods of a band whose lattice cannot follow it."""
    band, _ = jax.tree.unflatten(problem.layout.tree, problem.leaves)
    parts = [one for one in jax.tree.leaves(band, is_leaf=holds) if isinstance(one, Band)]
    if all(one.lattice is None or follows(one) for one in parts):
        return
    slopes = np.asarray(_apart(problem, jnp.asarray(problem.layout.start(problem.leaves))))
    # what leaves the periods alone differs by rounding only
    off = np.abs(slopes[:, 0]).max(axis=0) > np.sqrt(np.finfo(slopes.dtype).eps) * np.abs(slopes[:, 1]).max(axis=0)
    if off.any():
        name = problem.layout.fitted[int(off.argmax())]
        raise SemijaxError(
            f"{where}: {name} moves the periods of the band, whose lattice stays: allowed is frozen={name!r}, "
            "or a band that is made of its parameters, fits.Model(build, params)"
        )


@jax.jit
def _apart(problem: Problem, x: Array) -> Array:
    """∂/∂x of E(k + b) − E(k), and of E(k), [bands·vectors 2 p] at a k of no symmetry."""

    def differences(x):
        band, _ = problem.filled(x)
        found = []
        for one in jax.tree.leaves(band, is_leaf=holds):
            if isinstance(one, Band) and one.lattice is not None and not follows(one):
                k = jnp.asarray([0.137, -0.211, 0.093][: one.lattice.shape[1]], x.dtype)
                for b in jnp.asarray(one.reciprocal, x.dtype):
                    found.append(jnp.stack([one(k + b) - one(k), one(k) + one(1.7 * k)]))
        return jnp.stack(found)

    return jax.jacrev(differences)(x)


def derivative(function: Callable, x: Array, mode: str | None) -> tuple[Array, Array]:
    """(values [m], Jacobian [m p]) of a function of x [p], forwards where there are no more parameters than values, else backwards."""
    forward = x.shape[0] <= jax.eval_shape(function, x).shape[0] if mode is None else mode == "forward"
    with forwards(forward):
        slopes, values = (jax.jacfwd if forward else jax.jacrev)(lambda x: (function(x),) * 2, has_aux=True)(x)
    return values, slopes


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def residuals_at(mode: str | None, u: Array, problem: Problem) -> Array:
    """Residuals [m] at u [p]; their linear part is the Jacobian as a matrix, found at once in the direction that `derivative` takes."""
    return problem.residuals(problem.bounds.inside(u))


@residuals_at.defjvp
def _(mode, primals, tangents):
    u, problem = primals
    values, slopes = derivative(lambda u: problem.residuals(problem.bounds.inside(u)), u, mode)
    return values, jnp.matmul(slopes, tangents[0], precision="highest")
