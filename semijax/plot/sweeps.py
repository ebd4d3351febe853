"""Sweeps: what a scan over the electric field found, with the laws of Bloch and of Esaki and Tsu."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from semijax import units
from semijax.plot import house, inputs, prefixes


def frequency_against_field(
    fields: Any,
    found: Any,
    errors: Any = None,
    *,
    period: float | None = None,
    label: str | None = "found",
    color: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Oscillation frequencies found [f] (THz, with standard errors) at fields [f] (V/Å), and the Bloch law f = eFd/h.

    period: d in Å; None leaves the line out.
    """
    field, frequency = inputs.against("frequency_against_field", 1, fields=fields, found=found)
    ax = house.axes_or_new(ax)
    x = prefixes.label(ax.xaxis, "electric field", field, "electric field $F$")
    y = prefixes.label(ax.yaxis, "frequency", frequency, "Bloch frequency $f$")
    _points(ax, field / x, frequency / y, errors, y, label, color)
    if period is not None:
        reach = np.array([0.0, 1.05 * field.max()])
        bloch = reach * period / units.PLANCK / units.THZ_INTERNAL
        ax.plot(reach / x, bloch / y, label=f"$eFd/h$,  $d$ = {prefixes.written('length', period)}", **house.THEORY_LINE)
    ax.set_xlim(0, 1.05 * field.max() / x)
    ax.set_ylim(0, None)
    house.legend(ax, loc="upper left")
    return ax


def drift_against_field(
    fields: Any,
    drift: Any,
    errors: Any = None,
    *,
    theory: Any = None,
    theory_label: str = "Esaki–Tsu",
    label: str | None = "found",
    color: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Steady drift velocities [f] (Å/fs, with standard errors) at fields [f] (V/Å), and their theory.

    theory: a function of the field in V/Å, a pair (fields, velocities), or velocities [f]. Where it falls with the field, the
    region of negative differential velocity is shaded.
    """
    field, velocity = inputs.against("drift_against_field", 1, fields=fields, drift=drift)
    ax = house.axes_or_new(ax)
    x = prefixes.label(ax.xaxis, "electric field", field, "electric field $F$")
    y = prefixes.label(ax.yaxis, "velocity", velocity, "drift velocity $v$")
    _points(ax, field / x, velocity / y, errors, y, label, color)
    if theory is not None:
        reach = np.array([0.0, 1.05 * field.max()]) if callable(theory) else field
        at, exact = inputs.curve("drift_against_field", theory, reach)
        ax.plot(at / x, exact / y, label=theory_label, **house.THEORY_LINE)
        _shade_falling(ax, at / x, exact)
    ax.set_xlim(0, 1.05 * field.max() / x)
    ax.set_ylim(min(0.0, ax.get_ylim()[0]) if velocity.min() < 0 else 0, None)
    house.legend(ax)
    return ax


def _points(ax: Axes, x, y, errors, unit, label, color) -> None:
    spread = None if errors is None else inputs.against("sweep", 1, fields=x, errors=errors)[1] / unit
    ax.errorbar(x, y, yerr=spread, fmt="o", markeredgecolor="white", markeredgewidth=0.6, label=label, color=color, zorder=5)


def _shade_falling(ax: Axes, x: np.ndarray, y: np.ndarray) -> None:
    peak = int(y.argmax())
    if 0 < peak < len(y) - 2 and not ax.patches:
        words = "negative differential velocity"
        ax.axvspan(x[peak], 1.05 * x[-1], color=house.VERMILION, alpha=0.1, linewidth=0, zorder=0, label=words)
