"""Record: a fit as plain numbers and words, with what it takes to repeat it."""

import math
from typing import Any

import numpy as np

from semijax import fits, provenance
from semijax.fitting.pictures import predictions
from semijax.schema.fitting import FitCase


def document(case: FitCase, fit: fits.Fit, samples: np.ndarray | None, units: list[str]) -> dict[str, Any]:
    """The file as it was written, hashes of the files it names, versions, and everything found; what is not finite is null."""
    files = {case.directory / table.file for table in case.data.values()}
    found = {
        "title": case.title,
        "case": case.document,
        "case_file": case.where,
        "files": provenance.hashes(sorted(files)),
        **provenance.facts(),
        "parameters": _parameters(fit, samples, units),
        "frozen": _frozen(fit),
        "covariance": fit.covariance,
        "correlation": fit.correlation,
        "chi2": fit.chi2,
        "dof": fit.dof,
        "errors_from": "scatter" if fit.scaled else "stated",
        "condition_of_the_hessian": fit.condition,
        "stopped": fit.stopped,
        "converged": fit.converged,
        "evaluations": fit.evaluations,
        "losses": fit.losses,
        "remarks": list(fit.words()),
        "data": {name: _data(*one) for name, one in predictions(fit).items()},
        "bootstrap": samples,
    }
    return _plain(found)


def _parameters(fit: fits.Fit, samples: np.ndarray | None, units: list[str]) -> dict[str, Any]:
    found = {}
    for i, name in enumerate(fit.names):
        found[name] = {"value": fit.values[i], "error": fit.sigmas[i], "unit": units[i] or None, "determined": fit.determined[i]}
        if samples is not None:
            mine = samples[:, i][np.isfinite(samples[:, i])]
            found[name]["bootstrap_68"] = np.percentile(mine, [15.8655, 84.1345]) if len(mine) else None
    return found


def _frozen(fit: fits.Fit) -> list[str]:
    fitted = set(fit.layout.free)
    return [name for i, name in enumerate(fit.layout.names) if i not in fitted]


def _data(part: fits.Measured, predicted: np.ndarray, spread: np.ndarray) -> dict[str, Any]:
    return {
        "what": part.what,
        "unit": part.unit,
        "at": part.at,
        "along": part.axis,
        "values": part.values,
        "used": part.used,
        "sigma": part.sigma if part.stated else None,
        "relative": part.relative,
        "predicted": predicted,
        "error_of_prediction": spread,
    }


def _plain(value: Any) -> Any:
    """Trees of numbers as JSON has them."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, str | None | bool | int) and not isinstance(value, np.generic):
        return value
    if hasattr(value, "tolist") and not isinstance(value, float):
        return _plain(value.tolist())
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return str(value)
