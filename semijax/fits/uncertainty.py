"""Uncertainty: covariances from Jacobians and Hessians, and which parameters the data do not determine."""

import jax.numpy as jnp
import numpy as np

from semijax._pytree import record, replace
from semijax._types import Array, SemijaxError


@record
class Uncertainty:
    """covariance [p p], infinite on the diagonal and NaN beside it where a parameter is not determined; determined [p], bool;
    condition: of the Hessian scaled to a diagonal of ones; count: how many data say something at all. falls: whether the loss falls
    along some direction, so that this is no minimum.
    """

    covariance: Array
    determined: Array
    condition: Array
    count: Array
    falls: Array


def of_jacobian(jacobian: Array, residuals: Array) -> Uncertainty:
    """(JᵀJ)⁻¹ of a Jacobian [m p] of residuals [m] in their standard errors, by its singular values.

    Columns are scaled to length one, so that units do not matter. A direction whose singular value is below ε^(2/3) of the largest
    (4e-11 in double precision) changes no residual: the parameters with a share of it are not determined. Rows that are zero
    throughout are data that do not count.
    """
    eps = float(jnp.finfo(jacobian.dtype).eps)
    p = jacobian.shape[1]
    count = jnp.sum(jnp.any(jacobian != 0, axis=1) | (residuals != 0))
    finite = jnp.all(jnp.isfinite(jacobian))
    sizes = jnp.sqrt(jnp.sum(jacobian**2, axis=0))
    sizes = jnp.where(sizes > 0, sizes, 1.0)
    scaled = jnp.where(finite, jacobian / sizes[None, :], 0.0)
    rows = jnp.concatenate([scaled, jnp.zeros((max(0, p - scaled.shape[0]), p), scaled.dtype)])
    values, directions = jnp.linalg.svd(rows, full_matrices=False)[1:]
    return _inverted(values**2, directions, sizes, count, values > eps ** (2 / 3) * values[0])


def of_hessian(hessian: Array, count: Array) -> Uncertainty:
    """H⁻¹ of the Hessian [p p] of −log of a probability at its maximum: Laplace's approximation of the posterior.

    Scaled to a diagonal of ones. Directions along which it does not curve upwards by ε^(2/3) of its largest are not determined.
    """
    eps = float(jnp.finfo(hessian.dtype).eps)
    sizes = jnp.sqrt(jnp.abs(jnp.diagonal(hessian)))
    sizes = jnp.where(sizes > 0, sizes, 1.0)
    scaled = hessian / (sizes[:, None] * sizes[None, :])
    scaled = jnp.where(jnp.all(jnp.isfinite(scaled)), scaled, 0.0)
    values, directions = jnp.linalg.eigh((scaled + scaled.T) / 2)
    values, directions = values[::-1], directions.T[::-1]
    level = eps ** (2 / 3) * jnp.max(jnp.abs(values))
    return replace(_inverted(values, directions, sizes, count, values > level), falls=jnp.any(values < -level))


def _inverted(values: Array, directions: Array, sizes: Array, count: Array, known: Array) -> Uncertainty:
    """values [p] of a scaled Hessian, its directions as rows [p p], and which of them are known."""
    eps = float(jnp.finfo(values.dtype).eps)
    inverse = jnp.where(known, 1.0 / jnp.where(known, values, 1.0), 0.0)
    covariance = jnp.einsum("i,ij,ik->jk", inverse, directions, directions, precision="highest")
    covariance = covariance / (sizes[:, None] * sizes[None, :])
    share = jnp.sum(jnp.where(known, 0.0, 1.0)[:, None] * directions**2, axis=0)
    determined = share < eps ** (1 / 2)  # rounding leaves about eps² of a direction in parameters that have no part in it
    both = determined[:, None] & determined[None, :]
    covariance = jnp.where(both, covariance, jnp.where(jnp.eye(len(sizes), dtype=bool), jnp.inf, jnp.nan))
    largest, least = jnp.max(jnp.abs(values)), jnp.min(jnp.abs(values))
    return Uncertainty(covariance, determined, _ratio(largest, least), count, jnp.zeros((), bool))


def _ratio(largest: Array, least: Array) -> Array:
    return jnp.where(least > 0, largest / jnp.where(least > 0, least, 1.0), jnp.inf)


def hopeful(where: str, condition, dtype) -> None:
    """Raises SemijaxError where float32 cannot tell the parameters apart: its rounding is more than what tells them apart."""
    limit = 1 / float(jnp.finfo(jnp.float32).eps)
    if dtype == jnp.float32 and not float(condition) < limit:
        raise SemijaxError(
            f"{where}: the Hessian's condition number is {float(condition):.1e} in float32: allowed is less than {limit:.1e}; "
            'call sj.configure(precision="float64") first, or freeze what the data do not determine'
        )


def scaled_to_scatter(of: Uncertainty, chi2: Array, dof: Array) -> Array:
    """The covariance [p p] times χ²/dof; NaN where there are no more data than parameters, which leaves no scatter to see."""
    factor = jnp.where(dof > 0, chi2 / jnp.maximum(dof, 1).astype(chi2.dtype), jnp.nan)
    return of.covariance * factor


def correlation_of(covariance):
    """Correlations [... p p]; NaN for what is not determined."""
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return covariance / np.sqrt(variances[..., :, None] * variances[..., None, :])
