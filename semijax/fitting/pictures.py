"""Pictures of a fit: each set of data with the fit and its bands, and how it converged."""

from typing import Any

import jax
import numpy as np

from semijax import fits
from semijax._pytree import replace


def pictures(fit: fits.Fit) -> dict[str, Any]:
    """Name -> matplotlib figure."""
    import matplotlib.pyplot as plt

    from semijax import plot

    made = {}
    with plot.style():
        for name, (part, predicted, spread) in predictions(fit).items():
            many = np.ndim(part.values) > 2
            values, found, size, sigma, used = (
                np.asarray(x).reshape(len(part.at), -1) if many else np.asarray(x)
                for x in (part.values, predicted, spread, part.sigma, part.used)
            )
            label = f"{part.what.replace('_', ' ')}{f' ({part.unit})' if part.unit else ''}"
            errors = None if not part.stated else sigma * (np.abs(found) if part.relative else 1.0)
            options = {"errors": errors, "used": used, "axis": part.axis, "name": label, "curve": _curve(fit, part)}
            upper, _ = plot.fitted(part.at, values, found, size, **options)
            made[name] = upper.get_figure(root=True)
        made["convergence"] = plot.convergence(fit.losses).get_figure(root=True)
    for figure in made.values():
        plt.close(figure)
    return made


def _curve(fit: fits.Fit, part: fits.Measured) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """(places, the fit, its standard errors) between the data, where the kind of data knows what is between."""
    if not hasattr(part.predict, "finer") or len(part.at) < 2:
        return None
    places, between = part.predict.finer(part.at)
    return places, *fit.derived(lambda band: replace(part, predict=between).raw(band))


def predictions(fit: fits.Fit) -> dict[str, tuple[fits.Measured, np.ndarray, np.ndarray]]:
    """Name of the data -> (the data, what the fit says they are, its standard errors)."""
    found, first = {}, 0
    known = np.isfinite(fit.sigmas)
    covariance = np.asarray(fit.covariance)[np.ix_(known, known)]
    for name in sorted(fit.data):  # the order of the residuals
        part = fit.data[name]
        predicted = np.asarray(jax.jit(lambda band, part: part.predicted(band))(fit.band, part), np.float64)
        rows = np.asarray(fit.jacobian)[first : first + predicted.size]
        first += predicted.size
        spread = np.sqrt(np.maximum(np.einsum("mi,ij,mj->m", rows[:, known], covariance, rows[:, known]), 0.0))
        spread = np.where((rows[:, ~known] != 0).any(axis=1), np.inf, spread).reshape(predicted.shape)
        scale = np.asarray(part.sigma) * (np.abs(predicted) if part.relative else 1.0)
        found[name] = part, predicted, spread * scale
    return found
