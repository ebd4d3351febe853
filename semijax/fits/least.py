"""least_squares: parameters from residuals, by a trust region with exact Jacobians, and their covariance."""

import warnings
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from semijax._pytree import replace
from semijax._types import SemijaxError
from semijax.configure import at_first_use
from semijax.fits import batches
from semijax.fits.looked import Looked, fit_of, look_at, values_at
from semijax.fits.measured import parts_of
from semijax.fits.measured import residuals as of_measured
from semijax.fits.problem import Problem, checked_count, checked_start, problem_of
from semijax.fits.result import Fit
from semijax.fits.uncertainty import counted

POOR_FIT = 1.5  # χ²/dof beyond which a fit to stated errors is remarked upon, if chance alone makes it so once in 1e4


def least_squares(
    residuals: Callable[[Any, Any], Any],
    band: Any,
    data: Any,
    *,
    sigma: Any = None,
    bounds: Any = None,
    frozen: Any = (),
    priors: Any = None,
    scaled: bool | None = None,
    steps: int = 200,
    tolerance: float = 1e-10,
    jacobian: str | None = None,
    starts: int = 1,
    key: Any = None,
    spread: float = 1.0,
    progress: Callable[[int, int, float], Any] | None = None,
) -> Fit:
    """The parameters with the least ½ Σ residuals², from where `band` starts, with their covariance.

    residuals: (band, data) -> array, pure; `fits.residuals` for data of `fits.energies(...)` and the like. band: a Band, whose params are
    fitted, fits.Model, or any tree of numbers and of these. data: any tree of arrays. sigma: standard errors of the residuals, one number
    or of their shape. bounds: (low, high) for all, or a tree of pairs by name, {"mass": (0, None)}. frozen: names of what stays ("mass",
    "masses[0]", all below "onsite"), or a tree of true and false. priors: a tree of pairs (mean, sigma), residuals more.
    scaled: whether the scatter about the fit sets the size of the errors, (JᵀJ)⁻¹ χ²/dof, or the standard errors that were stated,
    (JᵀJ)⁻¹; None: the scatter, unless standard errors are stated. steps: evaluations at most. tolerance: relative, of χ² and of steps.
    jacobian: "forward" or "reverse"; None: forward (p passes, no memory) where there are no more parameters than residuals.
    starts: so many, the given one and others drawn with `key` (a jax.random.key) as far as `spread` times its size, or between bounds,
    are tried at once, and the best goes on. progress: called with (evaluations, steps, loss); a true value stops it there.

    scipy's trust-region reflective algorithm (Branch, Coleman, Li, SIAM J. Sci. Comput. 21, 1 (1999), doi:10.1137/S1064827595289108)
    in numbers without bounds. Warns where the data do not determine a parameter or it stops before it converged; raises SemijaxError.
    """
    where = "least_squares"
    at_first_use()
    problem, given = problem_of(where, residuals, band, data, bounds=bounds, frozen=frozen, priors=priors, sigma=sigma)
    scaled = _scaled(where, scaled, problem, data)
    batches.check_numbers(where, steps=steps, starts=starts, tolerance=tolerance, jacobian=jacobian)
    way, start = _Way(problem, jacobian, steps, progress), np.asarray(problem.start, np.float64)
    first = np.asarray(way.look(start).residuals)
    checked_start(where, problem, first)
    checked_count(where, problem, int(counted(np.asarray(way.look(start).jacobian), first)))
    if starts > 1:
        start = np.asarray(batches.best_start(where, problem, starts, key, spread, steps, tolerance, jacobian), np.float64)
    u, converged, stopped = _solved(way, start, max(tolerance, 4 * float(np.finfo(first.dtype).eps)))
    at = way.look(u)
    states = {"converged": converged, "evaluations": way.evaluations, "stopped": stopped}
    fit = fit_of(where, problem, given, at, np.asarray(way.losses), scaled, **states)
    fit = replace(fit, remarks=remarks_of(fit))
    for remark in fit.remarks[: bool(fit.undetermined) + (not converged)]:
        warnings.warn(f"{where}: {remark}", stacklevel=2)
    return fit


class _Way:
    """The residuals and Jacobians of one fit as scipy wants them, and the losses of the steps taken."""

    def __init__(self, problem: Problem, mode: str | None, steps: int, progress: Callable | None):
        self.problem, self.mode, self.steps, self.progress = problem, mode, steps, progress
        self.losses: list[float] = []
        self.evaluations, self.best = 0, np.zeros(0)
        self.seen: tuple[np.ndarray, Any] = np.zeros(0), None

    def look(self, u: np.ndarray) -> Looked:
        """Residuals and Jacobian, which the last call for the same u has found already."""
        if not np.array_equal(self.seen[0], u):
            self.seen = u.copy(), look_at(self.problem, jnp.asarray(u, float), mode=self.mode)
        return self.seen[1]

    def value(self, u: np.ndarray) -> np.ndarray:
        """Residuals [m]."""
        self.evaluations += 1
        self.latest = u.copy(), np.asarray(values_at(self.problem, jnp.asarray(u, float)), np.float64)
        return self.latest[1]

    def slope(self, u: np.ndarray) -> np.ndarray:
        """Jacobian [m p]; asked for at the start and after each step that was taken."""
        if not np.array_equal(self.latest[0], u):
            self.value(u)
        self.losses.append(0.5 * float(self.latest[1] @ self.latest[1]))
        self.best = u.copy()
        if self.progress is not None and self.progress(self.evaluations, self.steps, self.losses[-1]):
            raise _Stopped("stopped by progress")
        at = self.look(u)
        slope = np.asarray(at.jacobian, np.float64) * np.asarray(at.stretch, np.float64)[None]
        if not np.isfinite(slope).all():
            raise _Stopped("diverged: the Jacobian is not finite; the best point is kept")
        return slope


class _Stopped(Exception):
    """A fit that goes no further; its best point is kept."""


def _solved(way: _Way, start: np.ndarray, tolerance: float) -> tuple[np.ndarray, bool, str]:
    """(u [p], whether it converged, why it stopped)."""
    from scipy.optimize import least_squares as solver

    each = {"ftol": tolerance, "xtol": tolerance, "gtol": tolerance}
    try:
        done = solver(way.value, start, jac=way.slope, method="trf", x_scale="jac", max_nfev=way.steps, **each)  # pyright: ignore[reportArgumentType]
    except _Stopped as stopped:
        return way.best, False, str(stopped)
    if done.status == 0:
        return done.x, False, f"stopped after {way.steps} evaluations before it converged"
    return done.x, True, "converged"


def remarks_of(fit: Fit) -> tuple[str, ...]:
    """What there is to say about a fit beside its numbers, what is worth a warning first."""
    said = []
    if fit.undetermined:
        names = ", ".join(fit.undetermined)
        said.append(
            f"the data do not determine {names}: residuals stay as they are along a direction of these; their errors are infinite"
        )
    if not bool(fit.converged):
        said.append(fit.stopped)
    if not fit.scaled and fit.jacobian is not None and _poor(float(fit.chi2), int(fit.dof)):
        allowed = "the model does not describe the data within their errors; scaled=True takes the scatter instead"
        said.append(f"χ²/dof = {float(fit.reduced_chi2):.3g}: {allowed}")
    return tuple(said)


def _poor(chi2: float, dof: int) -> bool:
    from scipy.stats import chi2 as law

    return bool(dof > 0 and chi2 > POOR_FIT * dof and law.sf(chi2, dof) < 1e-4)


def _scaled(where: str, scaled: bool | None, problem: Problem, data: Any) -> bool:
    """Whether the scatter sets the errors."""
    measured = problem.of is of_measured
    stated = problem.sigma is not None or (measured and all(part.stated for part in parts_of(data)))
    if problem.prior and not stated and scaled is None:
        raise SemijaxError(
            f"{where}: priors without sigma: allowed are priors beside data with standard errors (sigma=), or scaled=False"
        )
    return not stated if scaled is None else bool(scaled)
