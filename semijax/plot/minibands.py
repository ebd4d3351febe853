"""Minibands: the occupation f(k, t) as an image, alone or beside the band it fills."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from semijax import units
from semijax._types import SemijaxError
from semijax.bands.band import Band
from semijax.plot import cuts, house, inputs, prefixes

_EVEN = "occupation $f$  (1 = even filling)"


def occupation_map(
    time: Any,
    edges: Any,
    counts: Any,
    *,
    period: float | None = None,
    name: str = "$k_z$",
    highest: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """f(k, t) as an image, in units of an even filling: 1 everywhere if the carriers were spread over all of the k shown.

    time [f]: fs. edges [b + 1]: 1/Å. counts [f b]: a histogram of k. period: Å, draws k in units of π/d, else in nm⁻¹. name: of
    the k axis. highest: top of the colour scale.
    """
    ax = house.axes_or_new(ax)
    _image(ax, time, edges, counts, period, name, highest)
    return ax


def miniband_with_occupation(
    band: Band,
    time: Any,
    edges: Any,
    counts: Any,
    *,
    direction: Any = None,
    snapshots: Sequence[float] = (),
    highest: float | None = None,
    ax: Sequence[Axes] | None = None,
) -> tuple[Axes, Axes]:
    """A miniband on its side, k upwards, beside the image of its occupation f(k, t): Bloch oscillation at a glance.

    time, edges, counts, highest as in `occupation_map`; direction [d]: along which the histogram's k was taken (the first
    reciprocal vector). snapshots: times, fs, at which the occupation also stands on the band as a hill (none: the first frame).
    ax: two Axes, the band's and the map's.
    """
    left, right = _two(ax)
    cut = cuts.straight("miniband_with_occupation", band, direction, None, None, 401)
    _image(right, time, edges, counts, cut.period, cut.name, highest)
    k, t, filled = (np.asarray(x, np.float64) for x in (edges, time, counts))
    energies, density = cut.energies(band), filled / np.diff(k)
    unit = prefixes.label(left.xaxis, "energy", energies, "energy $E$")
    x, y = energies / unit, cut.distance / cut.unit
    left.plot(x, y, color=house.INK, zorder=3)
    frames = [int(np.abs(t - at).argmin()) for at in snapshots] or [0]
    for frame, color in zip(frames, (house.VERMILION, house.GREEN, house.PURPLE, house.ORANGE)):
        hill = np.interp(cut.distance, (k[1:] + k[:-1]) / 2, density[frame]) / max(density[frames].max(), np.finfo(float).tiny)
        text = f"$t$ = {prefixes.written('time', t[frame])}" if t[frame] else "$t$ = 0"
        left.fill_betweenx(y, x, x + 0.4 * np.ptp(x) * hill, color=color, alpha=0.45, linewidth=0, label=text, zorder=2)
        right.axvline(t[frame] / prefixes.label(right.xaxis, "time", t, ""), color=color, linewidth=1.2, zorder=4)
    left.set(ylabel=cut.words, ylim=(y[0], y[-1]))
    right.set(ylabel="", ylim=(y[0], y[-1]))
    right.tick_params(labelleft=False)
    if cut.period:
        house.zone_ticks(left.yaxis)
    # above the wide panel, where the same colours mark the times
    place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": len(frames), "borderaxespad": 0.2}
    right.legend(*left.get_legend_handles_labels(), **place)
    return left, right


def _image(ax: Axes, time, edges, counts, period, name, highest) -> None:
    t, filled = inputs.against("occupation_map", 2, time=time, counts=counts)
    k = inputs.numbers("occupation_map", "edges", edges, 1)
    if len(k) != filled.shape[1] + 1 or not (np.diff(k) > 0).all() or len(t) < 2:
        shapes = f"time {t.shape}, edges {k.shape}, counts {filled.shape}"
        raise SemijaxError(f"plot.occupation_map: {shapes}: allowed are [f], increasing [b + 1] and [f b], f ≥ 2")
    when = np.concatenate([t[:1], (t[1:] + t[:-1]) / 2, t[-1:]]) / prefixes.label(ax.xaxis, "time", t, "time $t$")
    where = k * (period / np.pi if period else units.NM)
    even = filled / np.diff(k) * (k[-1] - k[0]) / np.maximum(filled.sum(1, keepdims=True), np.finfo(float).tiny)
    # rasterized: a hundred thousand cells as vectors make a PDF nobody can open
    top = float(highest or even.max())
    image = ax.pcolormesh(when, where, even.T, cmap=house.SEQUENTIAL, vmin=0, vmax=top, rasterized=True)
    ax.set_ylabel(f"{name} ({cuts.ZONE if period else 'nm⁻¹'})")
    ax.grid(False)
    if period:
        house.zone_ticks(ax.yaxis)
    beyond = "max" if even.max() > top else "neither"
    house.figure_of(ax).colorbar(image, ax=ax, label=_EVEN, pad=0.02, aspect=25, extend=beyond)


def _two(ax: Sequence[Axes] | None) -> tuple[Axes, Axes]:
    if ax is None:
        figure = plt.figure(figsize=(8.6, 4.0), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1, 2.6], gridspec_kw={"wspace": 0.06})
        return left, right
    if np.size(np.asarray(ax, object)) != 2:
        raise SemijaxError("plot.miniband_with_occupation: ax: allowed are two Axes, the band's and the map's")
    left, right = np.asarray(ax, object).ravel()
    return left, right
