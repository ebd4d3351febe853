"""Band lines: all bands of a material along a path through its zone, points of another program over them, density of states beside."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from semijax._types import SemijaxError
from semijax.plot import house, inputs


def band_lines(
    line: Any,
    energies: Any,
    *,
    points: Sequence[tuple[Any, Any, str]] = (),
    density: Any = None,
    level: float | None = None,
    window: tuple[float, float] | None = None,
    ax: Sequence[Axes] | None = None,
) -> tuple[Axes, Axes | None]:
    """Bands along a path, and their density of states in a panel beside it; returns both Axes, the second None without density.

    line: a survey.Line of m points. energies [m n]: eV, there. points: (distance [q], 1/Å, energies [q bands], eV, label).
    density: a survey.Density. level: eV, drawn across. window: (low, high), eV; None is the range of the bands. ax: two Axes that
    share y, or one without density. Raises SemijaxError for other shapes.
    """
    values = inputs.numbers("band_lines", "energies", energies, 2)
    if len(values) != len(line.distance):
        raise SemijaxError(
            f"plot.band_lines: energies {values.shape}: allowed is one row for each of {len(line.distance)} points"
        )
    left, right = _panels(ax, density is not None)
    low, high = window or _range(values)
    segments = [np.stack([line.distance[of], band[of]], axis=1) for of in _legs(line) for band in values.T]
    left.add_collection(LineCollection(segments, colors=house.BLUE, linewidths=1.4, zorder=3, label="bands of H(R)"))
    for marker, color, (distance, other, words) in zip("o.", (house.VERMILION, house.INK), points):
        rows = inputs.numbers("band_lines", words, other, 2)
        x = np.repeat(np.asarray(distance, np.float64)[:, None], rows.shape[1], axis=1)
        size, face = (3.2, "none") if marker == "o" else (1.6, color)
        left.plot(
            x.ravel(), rows.ravel(), marker, color=color, markersize=size, markerfacecolor=face, label=words, zorder=4, mew=0.6
        )
    for distance, _ in line.ticks:
        left.axvline(distance, color=house.GREY, linewidth=0.8, zorder=1)
    left.set_xticks([distance for distance, _ in line.ticks], [label for _, label in line.ticks])
    left.set(xlim=(line.distance[0], line.distance[-1]), ylim=(low, high), ylabel="energy $E$ (eV)")
    left.grid(axis="x", visible=False)
    if right is not None:
        _density(right, density, low, high)
    if level is not None:
        _level(left, right, level, low, high)
    house.legend(left, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.2, handletextpad=0.4)
    return left, right


def _density(ax: Axes, density: Any, low: float, high: float) -> None:
    edges, states = np.asarray(density.edges), np.asarray(density.states)
    ax.stairs(states, edges, orientation="horizontal", color=house.BLUE, linewidth=1.0, fill=False, zorder=3)
    ax.stairs(states, edges, orientation="horizontal", color=house.SKY, alpha=0.35, fill=True, zorder=2)
    seen = states[(edges[1:] > low) & (edges[:-1] < high)]
    ax.set(xlim=(0, 1.05 * max(seen.max(initial=0.0), 1e-9)), xlabel="states\n(per eV, cell)")
    ax.tick_params(labelleft=False)


def _level(left: Axes, right: Axes | None, level: float, low: float, high: float) -> None:
    for ax in (left, right):
        if ax is not None:
            ax.axhline(level, color=house.GREEN, linewidth=1.1, linestyle=(0, (5, 2.5)), zorder=5)
    if low < level < high:
        place = {"xycoords": left.get_yaxis_transform(), "textcoords": "offset points", "va": "bottom", "zorder": 6}
        note = left.annotate("$E_F$", (0.0, level), (3, 1), color=house.GREEN, **place)
        note.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6})


def _range(values: np.ndarray) -> tuple[float, float]:
    margin = 0.03 * (np.ptp(values) or 1.0)
    return float(values.min() - margin), float(values.max() + margin)


def _legs(line: Any) -> list[np.ndarray]:
    return [line.leg == i for i in range(len(line.legs))]


def _panels(ax: Sequence[Axes] | None, two: bool) -> tuple[Axes, Axes | None]:
    if ax is None:
        if not two:
            return house.axes_or_new(None, (6.4, 5.0)), None
        options = {"width_ratios": (3.4, 1)}
        axes = plt.subplots(1, 2, sharey=True, figsize=(8.0, 5.0), layout="constrained", gridspec_kw=options)[1]
        return axes[0], axes[1]
    given = list(np.asarray(ax, object).ravel())
    if len(given) != 1 + two:
        raise SemijaxError(f"plot.band_lines: ax: allowed {'are two Axes, bands and density' if two else 'is one Axes'}")
    return given[0], given[1] if two else None
