"""Command: `semijax fit FIT.toml`: the fit, its table, its figures and fit.json, which has what it takes to repeat it."""

import json
import tempfile
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from semijax import fits
from semijax._types import BrokenInvariant, SemijaxError
from semijax.fitting import data as data_of
from semijax.fitting import models
from semijax.fitting.case import Reference, kinds_of
from semijax.fitting.pictures import pictures
from semijax.fitting.record import document
from semijax.io.atomic import replacing
from semijax.progress import descent
from semijax.quantities import internal
from semijax.schema.fitting import FitCase

_WIDTH = 110


def run(case: FitCase, references: list[Reference], out: Any, console: Console | None = None) -> fits.Fit:
    """Fits the model to the data, writes fit.json, fit.txt and the figures into `out`, and prints the table.

    Raises SemijaxError for what cannot be fitted, before anything is written, and BrokenInvariant, after everything is, for a fit that
    stopped before it converged; OSError.
    """
    console, out = console or Console(quiet=True), Path(out)
    data, model = data_of.data(case), models.model(case, references)
    out.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=out).close()
    try:
        fit = _fitted(case, references, model, data, console)
        samples = _samples(case, fit, data, console)
    except SemijaxError as error:
        raise SemijaxError(f"{case.where}: {error}") from None
    units = models.units_of(case, references, fit.names)
    _show(console, fit, samples, units)
    with replacing(out / "fit.txt") as path, path.open("w", encoding="utf-8") as file:
        _show(Console(file=file, width=_WIDTH, color_system=None), fit, samples, units)
    with replacing(out / "fit.json") as path:
        text = json.dumps(document(case, fit, samples, units), indent=1, ensure_ascii=False, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")
    made = pictures(fit)
    for name, figure in made.items():
        with replacing(out / f"{name}.png") as path:
            figure.savefig(path, format="png", dpi=150)
    console.print(f"written to {out}: fit.json, fit.txt, {len(made)} figures", highlight=False, markup=False, soft_wrap=True)
    if not fit.converged:
        raise BrokenInvariant(fit.stopped)
    return fit


def _fitted(case: FitCase, references: list[Reference], model: Any, data: Any, console: Console) -> fits.Fit:
    how = case.fit
    bounds, priors, frozen, starts = known(case, references)
    options: dict[str, Any] = {"bounds": bounds, "priors": priors, "frozen": frozen}
    options["scaled"] = None if how.errors is None else how.errors == "scatter"
    options |= {"steps": how.steps, "tolerance": how.tolerance, "starts": how.starts, "spread": how.spread or 1.0}
    key = jax.random.key(how.seed) if how.starts > 1 else None
    model, data = fits.restarted(model, data, starts)
    with warnings.catch_warnings(), descent(console, case.title or case.where, how.steps) as progress:
        warnings.simplefilter("ignore", UserWarning)  # the table says it
        return fits.least_squares(fits.residuals, model, data, key=key, progress=progress, **options)


def known(case: FitCase, references: list[Reference]) -> tuple[dict, dict, tuple, dict]:
    """(bounds, priors, names of what is frozen, starts of what no model names) in the units inside."""
    bounds, priors, frozen, starts = {}, {}, list(case.fit.frozen), {}
    used = {reference.name for reference in references}
    for name, one in case.parameters.items():
        inside = partial(_inside, kinds_of(case, references, name))
        if one.low is not None or one.high is not None:
            bounds[name] = (inside(one.low), inside(one.high))
        if one.prior is not None:
            priors[name] = tuple(inside(value) for value in one.prior)
        if one.frozen:
            frozen.append(name)
        if one.start is not None and name not in used:
            starts[name] = inside(one.start)
    return bounds, priors, tuple(frozen), starts


def _inside(kinds: tuple[str, ...], value: Any) -> float | None:
    return None if value is None else internal(value, *kinds)


def _samples(case: FitCase, fit: fits.Fit, data: Any, console: Console) -> np.ndarray | None:
    """Parameters [n p] of fits to resampled data."""
    if not case.fit.bootstrap:
        return None
    console.print(f"bootstrap: {case.fit.bootstrap} fits", highlight=False, markup=False)
    return fits.bootstrap(fit, fits.residuals, fit.data, case.fit.bootstrap, jax.random.key(case.fit.seed))


def _show(console: Console, fit: fits.Fit, samples: np.ndarray | None, units: list[str]) -> None:
    table = Table("parameter", box=None)
    table.add_column("value", justify="right")
    for heading in ("unit", *(() if samples is None else ("bootstrap, 68 %",)), ""):
        table.add_column(heading)
    for i, (name, text, note) in enumerate(fit.rows()):
        cells = [name, text, units[i]]
        cells += [] if samples is None else [_interval(samples[:, i])]
        table.add_row(*cells, note, style="yellow" if note else None)
    console.print(table)
    for a, b, value in fit.correlated:
        console.print(f"correlation of {a} and {b}: {value:+.4f}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    for line in fit.words():
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if samples is not None and np.isnan(samples).any():
        lost = int(np.isnan(samples).any(axis=1).sum())
        console.print(
            f"bootstrap: {lost} of {len(samples)} fits did not converge and are left out", highlight=False, markup=False
        )


def _interval(samples: np.ndarray) -> str:
    found = samples[np.isfinite(samples)]
    if not len(found):
        return "none converged"
    low, high = np.percentile(found, [15.8655, 84.1345])
    return f"{low:.6g} to {high:.6g}"
