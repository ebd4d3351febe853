"""Fitted: data with a fit, its 68 and 95 % bands and what is left over, and how the fit converged."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from semijax._types import SemijaxError
from semijax.plot import house, inputs

_BANDS = ((1.959964, 0.16, "95 %"), (1.0, 0.3, "68 %"))  # normal law: half-width in standard errors, opacity, share


def fitted(
    at: Any,
    values: Any,
    predicted: Any,
    spread: Any = None,
    *,
    errors: Any = None,
    used: Any = None,
    curve: tuple[Any, Any, Any] | None = None,
    axis: str = "",
    name: str = "",
    ax: Axes | None = None,
) -> tuple[Axes, Axes]:
    """Data [n] or [n m] at places [n] and a fit to them, and below what is left over; returns both Axes.

    predicted, spread: the fit and its standard errors, of the shape of the values; bands of 68 and 95 %. errors: of the data; what is
    left over is then in standard errors. used: bool, of their shape; the others are drawn pale. curve: (places, fit, standard errors)
    between the data, to draw instead of straight lines. axis, name: labels with their units.
    ax: an Axes of a grid (plt.subplots), which is parted in two. Raises SemijaxError for other shapes.
    """
    x = inputs.numbers("fitted", "at", at, 1)
    y, fit = (_columns(key, value, len(x)) for key, value in (("values", values), ("predicted", predicted)))
    size = None if spread is None else _columns("spread", spread, len(x), finite=False)
    error = None if errors is None else _columns("errors", errors, len(x))
    count = np.ones(y.shape, bool) if used is None else np.asarray(used, bool).reshape(y.shape)
    upper, lower = _parted(ax)
    line = (x, fit, size) if curve is None else _curve(*curve)
    for i in range(y.shape[1]):
        _line(upper, *(None if z is None else z[:, i] if z.ndim == 2 else z for z in line), first=i == 0)
        _points(upper, lower, x, y[:, i], fit[:, i], error if error is None else error[:, i], count[:, i], first=i == 0)
    lower.axhline(0, color=house.INK, linewidth=0.8)
    if error is not None:
        lower.axhspan(-2, 2, color=house.PALE, alpha=0.5, linewidth=0, zorder=0)
    upper.set_ylabel(name)
    upper.tick_params(labelbottom=False)
    lower.set(xlabel=axis, ylabel="data − fit" if error is None else "data − fit\n(std. errors)")
    house.legend(upper)
    house.figure_of(upper).align_ylabels([upper, lower])
    return upper, lower


def convergence(losses: Any, *, ax: Axes | None = None) -> Axes:
    """A loss [n] as it went, above its least, on a logarithmic axis."""
    values = inputs.numbers("convergence", "losses", losses, 1)
    ax = house.axes_or_new(ax)
    above = values - np.nanmin(values)
    ax.semilogy(
        np.arange(len(values)), np.where(above > 0, above, np.nan), marker="o" if len(values) < 60 else None, markersize=3
    )
    ax.set(xlabel="step", ylabel="loss above its least")
    return ax


def _line(ax: Axes, x, fit, size, *, first: bool) -> None:
    """The fit with its bands."""
    order = np.argsort(x, kind="stable")
    x, fit = x[order], fit[order]
    ax.plot(x, fit, color=house.VERMILION, linewidth=1.4, zorder=3, label="fit" if first else None)
    if size is None or not np.isfinite(size).all():
        return
    for width, alpha, share in _BANDS:
        low, high = fit - width * size[order], fit + width * size[order]
        ax.fill_between(x, low, high, color=house.VERMILION, alpha=alpha, linewidth=0, zorder=2, label=share if first else None)


def _points(upper: Axes, lower: Axes, x, y, fit, error, count, *, first: bool) -> None:
    """The data, and what is left over of them."""
    for mine, alpha, label in ((count, 1.0, "data"), (~count, 0.25, "left out")):
        if not mine.any():
            continue
        bars = error[mine] if error is not None and mine is count else None
        style = {"color": house.BLUE, "markersize": 3.5, "alpha": alpha, "linewidth": 0.8, "zorder": 4}
        upper.errorbar(x[mine], y[mine], yerr=bars, fmt="o", label=label if first else None, **style)
    left = (y - fit) if error is None else (y - fit) / error
    lower.plot(x[count], left[count], "o", color=house.BLUE, markersize=3)


def _curve(x: Any, fit: Any, size: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three as columns."""
    x = inputs.numbers("fitted", "curve", x, 1)
    return x, _columns("curve", fit, len(x)), _columns("curve", size, len(x), finite=False)


def _columns(key: str, value: Any, count: int, finite: bool = True) -> np.ndarray:
    """Numbers [n m]."""
    array = inputs.numbers("fitted", key, value, 1, 2)
    array = array[:, None] if array.ndim == 1 else array
    if len(array) != count or (finite and not np.isfinite(array).all()):
        raise SemijaxError(
            f"plot.fitted: {key} has shape {array.shape}: allowed are finite numbers, one row for each of {count} places"
        )
    return array


def _parted(ax: Axes | None) -> tuple[Axes, Axes]:
    """Two Axes, one above the other."""
    if ax is None:
        _, (upper, lower) = plt.subplots(2, 1, figsize=(6.4, 5.0), height_ratios=[3, 1], sharex=True, layout="constrained")
        return upper, lower
    grid = ax.get_subplotspec()
    if grid is None:
        raise SemijaxError("plot.fitted: ax: allowed is an Axes of a grid (plt.subplots)")
    above, below = grid.subgridspec(2, 1, height_ratios=[3, 1], hspace=0.05)
    ax.set_subplotspec(above)
    return ax, house.figure_of(ax).add_subplot(below, sharex=ax)
