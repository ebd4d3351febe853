"""Fit: what a fit found, with errors and correlations, and what it says about quantities that follow from the parameters."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import record, replace, static
from semijax._types import SemijaxError
from semijax.fits.parameters import Layout, params_of
from semijax.fits.uncertainty import correlation_of

_OF_EACH = "values losses covariance determined at_bound chi2 dof residuals jacobian condition converged evaluations".split()
CORRELATED = 0.9  # correlations from here on are pointed out


@record
class Fit:
    """A fit; of many fits at once all numbers have their axis in front, of `band` and `data` those that were fitted.

    band: of the type that was given, with the parameters found. data: with the offsets and scales found. values [p]: what was fitted;
    names says what they are. losses: as it went (½ χ² of least squares), its start first; NaN after its end in a batch.
    covariance [p p]: of `values`, infinite for what the data do not determine. determined [p], bool. at_bound [p]: −1 or 1 where a
    parameter ended at its lower or upper bound; its error is then formal. chi2, dof, residuals [m] (in standard errors, priors last)
    and jacobian [m p] of least squares; of a general loss twice the loss, and None. condition: of the scaled Hessian.
    converged: whether the last steps changed nothing that matters. evaluations: of the residuals or the loss.
    scaled: whether the scatter about the fit set the size of the errors (χ²/dof), not the standard errors that were stated.
    """

    band: Any
    data: Any
    values: Any
    losses: Any
    covariance: Any
    determined: Any
    at_bound: Any
    chi2: Any
    dof: Any
    residuals: Any
    jacobian: Any
    condition: Any
    converged: Any
    evaluations: Any
    layout: Layout = static()
    scaled: bool = static(default=False)
    stopped: str = static(default="")
    remarks: tuple[str, ...] = static(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """Of what was fitted [p]: "mass", "masses[0]", "onsite.s"."""
        return self.layout.fitted

    @property
    def params(self) -> Any:
        """The parameters found, as the tree that the band has them in."""
        return params_of(self.band)

    @property
    def sigmas(self) -> np.ndarray:
        """Standard errors [p] of `values`; infinite where the data do not determine one."""
        variances = np.diagonal(np.asarray(self.covariance), axis1=-2, axis2=-1)
        return np.sqrt(np.where(variances < 0, np.nan, variances))

    @property
    def errors(self) -> Any:
        """Standard errors in a tree like `params`; NaN for what was frozen, infinite for what the data do not determine."""
        return self.layout.spread(self.band, self.sigmas)

    @property
    def correlation(self) -> np.ndarray:
        """Correlations [p p]."""
        return correlation_of(np.asarray(self.covariance))

    @property
    def reduced_chi2(self) -> Any:
        """χ²/dof; NaN where there are no more data than parameters."""
        dof = np.asarray(self.dof)
        return (np.where(dof > 0, np.asarray(self.chi2) / np.maximum(dof, 1), np.nan))[()]

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Parameters that the data do not determine, alone or against others (of many fits, in any of them)."""
        known = np.asarray(self.determined).reshape(-1, len(self.names))
        return tuple(name for i, name in enumerate(self.names) if not known[:, i].all())

    @property
    def correlated(self) -> list[tuple[str, str, float]]:
        """Pairs of parameters whose correlation is 0.9 or more, either way."""
        matrix = self.correlation
        pairs = zip(*np.triu_indices(len(self.names), 1))
        return [(self.names[i], self.names[j], float(matrix[i, j])) for i, j in pairs if abs(matrix[i, j]) >= CORRELATED]

    def derived(self, function: Callable[[Any], Any]) -> tuple[Any, Any]:
        """(value, standard error) of an array that follows from the band, by its gradient and the covariance.

        function: (band) -> array [...], pure: fit.derived(lambda band: band.effective_mass(k)). Infinite where it depends on what the
        data do not determine. Of one fit, not of many.
        """
        if np.ndim(self.values) != 1:
            raise SemijaxError("derived: of many fits at once: allowed is one, fits.one(fit, i)")
        leaves = jax.tree.leaves((self.band, self.data))
        value, slope = _value_and_slope(jax.tree_util.Partial(function), self.layout, leaves, jnp.asarray(self.values))
        value, slope = np.asarray(value, np.float64), np.asarray(slope, np.float64)
        return value[()], _spread(slope, self.sigmas, np.asarray(self.covariance, np.float64))[()]

    def table(self) -> str:
        """Values with their errors, the correlations from 0.9 on, χ² and remarks, as text."""
        if np.ndim(self.values) != 1:
            raise SemijaxError("table: of many fits at once: allowed is one, fits.one(fit, i)")
        rows = self.rows()
        widest = max(len(row[0]) for row in rows)
        lines = [f"{name:{widest}}  {text}{'  ' + note if note else ''}" for name, text, note in rows]
        lines += [f"correlation of {a} and {b}: {value:+.4f}" for a, b, value in self.correlated]
        return "\n".join([*lines, *self.words()])

    def rows(self) -> list[tuple[str, str, str]]:
        """(name, value ± error, a note or nothing) of every parameter."""
        values, sigmas, bounds = (np.asarray(x, np.float64) for x in (self.values, self.sigmas, self.at_bound))
        notes = ["" if np.isfinite(s) else "not determined by the data" for s in sigmas]
        ends = {-1: "at its lower bound", 1: "at its upper bound"}
        notes = [note if note else ends.get(int(b), note) for b, note in zip(bounds, notes)]
        return [(name, written(x, s), note) for name, x, s, note in zip(self.names, values, sigmas, notes)]

    def words(self) -> list[str]:
        """χ² and remarks, a line each."""
        lines = list(self.remarks)
        if self.jacobian is not None:
            shown = f", χ²/dof = {float(self.reduced_chi2):.4g}" if int(self.dof) > 0 else ""
            how = "the scatter about the fit" if self.scaled else "the standard errors of the data"
            lines = [f"χ² = {float(self.chi2):.6g}, dof = {int(self.dof)}{shown}; errors from {how}", *lines]
        return lines


def one(fit: Fit, number: int) -> Fit:
    """Fit `number` of many."""
    leaves = jax.tree.leaves((fit.band, fit.data))
    places, shapes = fit.layout.places, fit.layout.shapes
    leaves = [x[number] if i in places and np.ndim(x) > len(shapes[places.index(i)]) else x for i, x in enumerate(leaves)]
    band, data = fit.layout.given_back(leaves, np.asarray(fit.values)[number])
    others = {key: getattr(fit, key) for key in _OF_EACH}
    return replace(fit, band=band, data=data, **{key: None if x is None else np.asarray(x)[number] for key, x in others.items()})


def written(value: float, error: float) -> str:
    """A value to the second digit of its error: 0.08131 ± 0.00009 with two digits of error."""
    if not np.isfinite(error) or error <= 0 or not np.isfinite(value):
        return f"{value:.6g} ± {'∞' if error == np.inf else error if np.isnan(error) else f'{error:.2g}'}"
    digits = 1 - int(np.floor(np.log10(float(f"{error:.1e}"))))
    size = np.floor(np.log10(abs(value))) if value else 0
    if -5 <= size < 7 and digits >= 0 and digits < 12:
        return f"{value:.{digits}f} ± {error:.{digits}f}"
    places = max(0, int(digits + size))
    return f"{value:.{places}e} ± {error:.1e}"


@partial(jax.jit, static_argnames=("layout",))
def _value_and_slope(function, layout: Layout, leaves, x):
    def of(x):
        return jnp.asarray(function(layout.filled(leaves, x)[0]))

    return of(x), jax.jacfwd(of)(x)


def _spread(slope: np.ndarray, sigmas: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """sqrt(g C gᵀ) [...] of gradients [... p]; infinite where g has a part in what is infinite."""
    known = np.isfinite(sigmas)
    variance = np.einsum("...i,ij,...j->...", slope[..., known], covariance[np.ix_(known, known)], slope[..., known])
    lost = (slope[..., ~known] != 0).any(axis=-1)
    return np.where(lost, np.inf, np.sqrt(np.maximum(variance, 0.0)))
