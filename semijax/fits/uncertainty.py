"""Uncertainty: covariances from Jacobians and Hessians, and which parameters the data do not determine; NumPy, of one fit or of many."""

from typing import Any, NamedTuple

import numpy as np

from semijax._types import SemijaxError


class Uncertainty(NamedTuple):
    """covariance [... p p], infinite on the diagonal and NaN beside it where a parameter is not determined; determined [... p], bool;
    condition [...]: of the Hessian scaled to a diagonal of ones. falls: whether the loss falls along some direction, so that this is no
    minimum.
    """

    covariance: np.ndarray
    determined: np.ndarray
    condition: Any
    falls: Any


def of_jacobian(jacobian: np.ndarray) -> Uncertainty:
    """(JᵀJ)⁻¹ of Jacobians [... m p] of residuals in their standard errors, by their singular values.

    Columns are scaled to length one, so that units do not matter. A direction whose singular value is below ε^(2/3) of the largest
    (4e-11 in double precision) changes no residual: the parameters with a share of it are not determined.
    """
    eps, p = float(np.finfo(jacobian.dtype).eps), jacobian.shape[-1]
    jacobian = jacobian.astype(np.float64)
    finite = np.isfinite(jacobian).all(axis=(-2, -1), keepdims=True)
    jacobian = np.where(finite, jacobian, 0.0)
    sizes = np.sqrt(np.sum(jacobian**2, axis=-2))
    sizes = np.where(sizes > 0, sizes, 1.0)
    lacking = max(0, p - jacobian.shape[-2])
    rows = np.concatenate([jacobian / sizes[..., None, :], np.zeros((*jacobian.shape[:-2], lacking, p))], axis=-2)
    values, directions = np.linalg.svd(rows, full_matrices=False)[1:]
    return _inverted(values**2, directions, sizes, values > eps ** (2 / 3) * values[..., :1], eps)


def of_hessian(hessian: np.ndarray) -> Uncertainty:
    """H⁻¹ of the Hessian [p p] of −log of a probability at its maximum: Laplace's approximation of the posterior.

    Scaled to a diagonal of ones. Directions along which it does not curve upwards by ε^(2/3) of its largest are not determined.
    """
    eps = float(np.finfo(hessian.dtype).eps)
    hessian = np.where(np.isfinite(hessian).all(), hessian, 0.0).astype(np.float64)
    sizes = np.sqrt(np.abs(np.diagonal(hessian)))
    sizes = np.where(sizes > 0, sizes, 1.0)
    scaled = hessian / (sizes[:, None] * sizes[None, :])
    values, directions = np.linalg.eigh((scaled + scaled.T) / 2)
    level = eps ** (2 / 3) * np.abs(values).max()
    return _inverted(values, directions.T, sizes, values > level, eps)._replace(falls=bool((values < -level).any()))


def _inverted(values: np.ndarray, directions: np.ndarray, sizes: np.ndarray, known: np.ndarray, eps: float) -> Uncertainty:
    """values [... p] of scaled Hessians, their directions as rows [... p p], and which of them are known."""
    inverse = np.where(known, 1.0 / np.where(known, values, 1.0), 0.0)
    covariance = np.einsum("...i,...ij,...ik->...jk", inverse, directions, directions)
    covariance = covariance / (sizes[..., :, None] * sizes[..., None, :])
    share = np.sum(np.where(known, 0.0, 1.0)[..., :, None] * directions**2, axis=-2)
    determined = share < eps**0.5  # rounding leaves about ε² of a direction in parameters that have no part in it
    both = determined[..., :, None] & determined[..., None, :]
    covariance = np.where(both, covariance, np.where(np.eye(sizes.shape[-1], dtype=bool), np.inf, np.nan))
    largest, least = np.abs(values).max(axis=-1), np.abs(values).min(axis=-1)
    condition = np.where(least > 0, largest / np.where(least > 0, least, 1.0), np.inf)[()]
    return Uncertainty(covariance, determined, condition, False)


def counted(jacobian: np.ndarray, residuals: np.ndarray) -> Any:
    """How many data say something [...]: rows of zeros throughout are data that do not count."""
    return np.sum((jacobian != 0).any(axis=-1) | (residuals != 0), axis=-1)


def hopeful(where: str, condition: Any, dtype: Any) -> None:
    """Raises SemijaxError where float32 cannot tell the parameters apart: its rounding is more than what tells them apart."""
    limit = 1 / float(np.finfo(np.float32).eps)
    if np.dtype(dtype) == np.float32 and not (np.asarray(condition) < limit).all():
        raise SemijaxError(
            f"{where}: the Hessian's condition number is {float(np.max(condition)):.1e} in float32: allowed is less than {limit:.1e}; "
            'call sj.configure(precision="float64") first, or freeze what the data do not determine'
        )


def scaled_to_scatter(covariance: np.ndarray, chi2: Any, dof: Any) -> np.ndarray:
    """The covariance [... p p] times χ²/dof; NaN where there are no more data than parameters, which leaves no scatter to see."""
    factor = np.where(np.asarray(dof) > 0, np.asarray(chi2) / np.maximum(dof, 1), np.nan)
    return covariance * factor[..., None, None]


def correlation_of(covariance: np.ndarray) -> np.ndarray:
    """Correlations [... p p]; NaN for what is not determined."""
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return covariance / np.sqrt(variances[..., :, None] * variances[..., None, :])
