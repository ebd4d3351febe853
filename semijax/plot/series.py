"""Series: quantities against time with their standard errors and theory, and the certificates of a run."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from semijax._types import SemijaxError
from semijax.plot import house, inputs, prefixes


def time_series(
    time: Any,
    values: Any,
    *,
    kind: str | None = None,
    name: str = "",
    theory: Any = None,
    errors: Any = None,
    sigmas: float = 1.0,
    label: str | None = None,
    theory_label: str = "theory",
    color: Any = None,
    residual: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """A quantity against time, with its theory and a band of standard errors.

    time [f]: fs. values [f], errors [f] (standard errors, drawn as ± sigmas): in the units inside (Å, Å/fs, eV, ...; current
    densities in A/cm²). kind: which units the axis may show ("velocity", "length", ...: semijax.plot.prefixes.KINDS) or None
    for a plain number; name: of the quantity. theory: a function of the time in fs, a pair (times, values), values [f], or a
    constant. residual: adds a panel below with values − theory (in standard errors where errors are given); it is the last of
    the figure's axes. Raises SemijaxError for arrays that do not match, and for a residual without theory.
    """
    t, y = inputs.against("time_series", 1, time=time, values=values)
    ax = house.axes_or_new(ax, (6.4, 4.6) if residual else None)
    when = prefixes.label(ax.xaxis, "time", t, "time $t$")
    unit = prefixes.label(ax.yaxis, kind, y, name)
    (line,) = ax.plot(t / when, y / unit, label=label, color=color, zorder=3)
    if errors is not None:
        _spread(ax, t, y, errors, sigmas, (when, unit), line.get_color())
    if theory is not None:
        x, exact = inputs.curve("time_series", theory, t)
        ax.plot(x / when, exact / unit, label=theory_label, **house.THEORY_LINE)
    ax.set_xlim(t[0] / when, t[-1] / when)
    house.legend(ax)
    if residual:
        _residual(ax, t, y, theory, errors, unit, line.get_color())
    return ax


def drift(time: Any, velocity: Any, **options: Any) -> Axes:
    """Mean velocity [f] (Å/fs) against time [f] (fs); options as in `time_series`."""
    return _zero_line(time_series(time, velocity, **{"kind": "velocity", "name": "drift velocity $v$", **options}))


def current_density(time: Any, current: Any, **options: Any) -> Axes:
    """Current density [f] (A/cm²) against time [f] (fs); options as in `time_series`."""
    return _zero_line(time_series(time, current, **{"kind": "current density", "name": "current density $J$", **options}))


def energy_drift(
    time: Any, change: Any, *, allowed: float | None = None, label: str | None = None, color: Any = None, ax: Axes | None = None
) -> Axes:
    """Change of a conserved energy, |ΔE|, on a logarithmic axis: change [f] or [f n] (eV), the largest of n carriers drawn bold.

    time [f]: fs. allowed: a bound, eV, drawn as a line. Exact zeros are left out.
    """
    t, moved = inputs.against("energy_drift", 1, 2, time=time, change=change)
    ax = house.axes_or_new(ax)
    when = prefixes.label(ax.xaxis, "time", t, "time $t$")
    size = np.abs(moved.reshape(len(t), -1))
    size = np.where(size > 0, size, np.nan)
    largest = np.max(np.nan_to_num(size), axis=1)
    (line,) = ax.semilogy(t / when, np.where(largest > 0, largest, np.nan), label=label, color=color, zorder=3)
    if size.shape[1] > 1:
        ax.semilogy(t / when, size[:, :100], color=line.get_color(), alpha=0.2, linewidth=0.7, zorder=2)
    if allowed is not None:
        ax.axhline(allowed, color=house.INK, linewidth=1.2, linestyle=":", label="allowed")
    ax.set_xlim(t[0] / when, t[-1] / when)
    ax.set_ylabel(r"change of energy $|\Delta E|$ (eV)")
    house.legend_above(ax)
    return ax


def liouville(
    time: Any, log_volume: Any, *, theory: Any = None, label: str | None = None, color: Any = None, ax: Axes | None = None
) -> Axes:
    """Log of the carried phase-space volume, [f] or [f n], against time [f] (fs): zero where Liouville's theorem holds.

    Of n carriers the mean is drawn with the range from least to most. theory: as in `time_series` (with damping −d·damping·t;
    zero if None).
    """
    t, volume = inputs.against("liouville", 1, 2, time=time, log_volume=log_volume)
    ax = house.axes_or_new(ax)
    when = prefixes.label(ax.xaxis, "time", t, "time $t$")
    volume = volume.reshape(len(t), -1)
    (line,) = ax.plot(t / when, volume.mean(1), label=label, color=color, zorder=3)
    if volume.shape[1] > 1:
        low, high = volume.min(1), volume.max(1)
        text = f"least to most of {volume.shape[1]}"
        ax.fill_between(t / when, low, high, color=line.get_color(), alpha=0.25, linewidth=0, label=text)
    x, exact = inputs.curve("liouville", 0.0 if theory is None else theory, t)
    ax.plot(x / when, exact, label="Liouville: 0" if theory is None else "theory", **house.THEORY_LINE)
    ax.set_xlim(t[0] / when, t[-1] / when)
    ax.set_ylabel(r"phase-space volume $\ln(V/V_0)$")
    house.legend(ax)
    return ax


def _spread(ax: Axes, t, y, errors, sigmas, units, color) -> None:
    _, error = inputs.against("time_series", 1, time=t, errors=errors)
    text = f"± {sigmas:g} standard error{'' if sigmas == 1 else 's'}"
    low, high = (y - sigmas * error) / units[1], (y + sigmas * error) / units[1]
    ax.fill_between(t / units[0], low, high, color=color, alpha=0.25, linewidth=0, label=text, zorder=2)


def _residual(ax: Axes, t, y, theory, errors, unit, color) -> None:
    grid = ax.get_subplotspec()
    if theory is None or grid is None:
        raise SemijaxError("plot.time_series: residual = True: allowed with a theory, on an Axes of a grid (plt.subplots)")
    upper, lower = grid.subgridspec(2, 1, height_ratios=[3, 1], hspace=0.05)
    ax.set_subplotspec(upper)
    below = house.figure_of(ax).add_subplot(lower, sharex=ax)
    x, exact = inputs.curve("time_series", theory, t)
    # a function is taken at the times themselves: interpolating its curve would show up in a small residual
    off = y - (np.asarray(theory(t), np.float64) if callable(theory) else np.interp(t, x, exact))
    when = prefixes.label(below.xaxis, "time", t, "time $t$")
    if errors is None:
        shown = ax.get_ylabel().rpartition(" (")[2]
        below.set_ylabel(f"residual\n({shown}" if shown.endswith(")") else "residual")
        off = off / unit
    else:
        spread = np.asarray(errors, np.float64)
        off = np.divide(off, spread, out=np.full(len(t), np.nan), where=spread > 0)
        below.set_ylabel("residual\n(std. errors)")
        below.axhspan(-2, 2, color=house.PALE, alpha=0.5, linewidth=0, zorder=0)
    below.axhline(0, color=house.INK, linewidth=0.8)
    below.plot(t / when, off, color=color, linewidth=1.0)
    ax.set_xlabel("")
    ax.tick_params(labelbottom=False)
    house.figure_of(ax).align_ylabels([ax, below])


def _zero_line(ax: Axes) -> Axes:
    low, high = ax.get_ylim()
    if low < 0 < high:
        ax.axhline(0, color=house.GREY, linewidth=0.8, zorder=1)
    return ax
