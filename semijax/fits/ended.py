"""Ended: where a fit has come to, with what follows from it: residuals, Jacobian, covariance."""

import jax.numpy as jnp

from semijax._pytree import record
from semijax._types import Array
from semijax.fits.problem import Problem, derivative
from semijax.fits.uncertainty import Uncertainty, of_jacobian, scaled_to_scatter


@record
class Ended:
    """Where a fit is: parameters [p], residuals [m], Jacobian [m p] by the parameters themselves, and what follows from these."""

    values: Array
    residuals: Array
    jacobian: Array
    uncertain: Uncertainty
    at_bound: Array
    chi2: Array
    dof: Array
    scattered: Array


def ended(problem: Problem, u: Array, mode: str | None) -> Ended:
    """A fit that has come to u [p]."""
    x = problem.bounds.inside(u)
    found = problem.residuals(x)
    slopes = derivative(problem.residuals, x, found.shape[0], mode)
    uncertain, chi2 = of_jacobian(slopes, found), jnp.sum(found**2)
    dof = uncertain.count - u.shape[0]
    return Ended(x, found, slopes, uncertain, problem.bounds.at(x), chi2, dof, scaled_to_scatter(uncertain, chi2, dof))
