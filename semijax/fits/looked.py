"""Looked: residuals and their exact Jacobian at a point, and the Fit that a point is."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import record
from semijax._types import Array
from semijax.fits.problem import Problem, derivative
from semijax.fits.result import Fit
from semijax.fits.uncertainty import counted, hopeful, of_jacobian, scaled_to_scatter


@record
class Looked:
    """At numbers without bounds u [p]: parameters [p], ∂(parameters)/∂u [p], residuals [m], their Jacobian [m p] by the parameters."""

    values: Any
    stretch: Any
    residuals: Any
    jacobian: Any
    at_bound: Any


def look(problem: Problem, u: Array, mode: str | None) -> Looked:
    """What there is at u [p]; mode: see `derivative`."""
    x, stretch = jax.jvp(problem.bounds.inside, (u,), (jnp.ones_like(u),))  # each x depends on its own u alone
    found, slopes = derivative(problem.residuals, x, mode)
    return Looked(x, stretch, found, slopes, problem.bounds.at(x))


@jax.jit
def values_at(problem: Problem, u: Array) -> Array:
    """Residuals [m] at u [p]."""
    return problem.residuals(problem.bounds.inside(u))


@partial(jax.jit, static_argnames=("mode",))
def look_at(problem: Problem, u: Array, *, mode: str | None) -> Looked:
    """`look`, compiled."""
    return look(problem, u, mode)


def fit_of(where: str, problem: Problem, given: list, at: Looked, losses: np.ndarray, scaled: bool, **states: Any) -> Fit:
    """The Fit of a point, or of many; given: the leaves of (band, data). Raises SemijaxError where float32 is hopeless."""
    x, found, slopes = (np.asarray(one) for one in (at.values, at.residuals, at.jacobian))
    uncertain = of_jacobian(slopes)
    hopeful(where, uncertain.condition, slopes.dtype)
    band, data = problem.layout.given_back(given, x)
    chi2 = np.sum(found.astype(np.float64) ** 2, axis=-1)[()]
    dof = counted(slopes, found) - x.shape[-1]
    covariance = scaled_to_scatter(uncertain.covariance, chi2, dof) if scaled else uncertain.covariance
    numbers = (band, data, x, losses, covariance, uncertain.determined, np.asarray(at.at_bound), chi2, dof, found, slopes)
    return Fit(*numbers, uncertain.condition, layout=problem.layout, scaled=scaled, **states)
