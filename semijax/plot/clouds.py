"""Clouds: many carriers at one time, in the Brillouin zone and in real space."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, Polygon

from semijax import units
from semijax.plot import house, inputs, prefixes, zone

_MOST = 5000  # dots: more only darken the middle and the file
_FLAT = 5.0  # a cloud more than this much longer than wide is drawn to two scales


def zone_cloud(
    wavevectors: Any,
    lattice: Any = None,
    *,
    axes: tuple[int, int] | None = None,
    label: str | None = None,
    color: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Wavevectors [n d] (1/Å) folded into the first Brillouin zone, with its outline.

    lattice: a Band, or lattice vectors [p d] in Å; None folds nothing. axes: the components to the right and up; of three
    dimensions (0, 2): a superlattice, periodic along z alone, shows its zone edges at k_z = ±π/d, and a lattice periodic in
    all directions the outline of its zone as seen along the third. d = 1: a histogram. Of more than 5000 the first are drawn.
    """
    k = inputs.numbers("zone_cloud", "wavevectors", wavevectors, 2)
    d = k.shape[1]
    rows = zone.rows_of("zone_cloud", lattice, d)
    ax = house.axes_or_new(ax, (5.0, 4.6) if d > 1 else None)
    if d == 1:
        return _zone_line(ax, zone.folded(k, rows)[:, 0], rows, label, color)
    pair = inputs.plane("zone_cloud", axes or (0, d - 1), d)
    k = zone.folded(k[:_MOST], rows)[:, list(pair)] * units.NM
    dots(ax, k, label, color)
    for axis, i in zip((ax.xaxis, ax.yaxis), pair):
        axis.set_label_text(f"{inputs.component('k', i, d)} (nm⁻¹)")
    if rows is not None:
        _outline(ax, rows, pair)
    house.legend_above(ax, markerscale=3)
    return ax


def real_space_cloud(
    positions: Any,
    *,
    mean: Any = None,
    covariance: Any = None,
    axes: tuple[int, int] | None = None,
    label: str | None = None,
    color: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Positions [n d] (Å) with their mean and the ellipses that hold one and two standard deviations along each principal axis.

    mean [d] (Å) and covariance [d d] (Å²): of the whole ensemble, where the positions are a sample of it; None takes the
    sample's. axes: the components to the right and up, of three dimensions (0, 2). d = 1: a histogram. Of more than 5000 the
    first are drawn.
    """
    r = inputs.numbers("real_space_cloud", "positions", positions, 2)
    d = r.shape[1]
    centre = r.mean(0) if mean is None else inputs.numbers("real_space_cloud", "mean", mean, 1)
    spread = np.cov(r.T).reshape(d, d) if covariance is None else inputs.numbers("real_space_cloud", "covariance", covariance, 2)
    ax = house.axes_or_new(ax, (5.2, 4.6) if d > 1 else None)
    if d == 1:
        return _space_line(ax, r[:, 0], centre[0], np.sqrt(spread[0, 0]), label, color)
    pair = list(inputs.plane("real_space_cloud", axes or (0, d - 1), d))
    r, centre, spread = r[:_MOST, pair], centre[pair], spread[np.ix_(pair, pair)]
    unit = prefixes.label(ax.xaxis, "length", r, f"position {inputs.component('', pair[0], d)}")
    prefixes.label(ax.yaxis, "length", [unit], f"position {inputs.component('', pair[1], d)}")
    color = dots(ax, r / unit, label, color)
    sizes, turned = np.linalg.eigh(spread)
    angle = np.degrees(np.arctan2(turned[1, 1], turned[0, 1]))
    for sigmas in (1, 2):
        short, long = 2 * sigmas * np.sqrt(np.maximum(sizes, 0)) / unit
        outline = {"fill": False, "edgecolor": color, "linewidth": 1.4, "zorder": 4}
        ax.add_patch(Ellipse((centre[0] / unit, centre[1] / unit), long, short, angle=angle, **outline))
    ax.plot(*centre / unit, "+", color=house.INK, markersize=9, markeredgewidth=1.4, zorder=5)
    low, high = sorted(ax.dataLim.size)
    ax.set_aspect("equal" if high < _FLAT * low else "auto", adjustable="datalim")
    house.legend_above(ax, markerscale=3)
    return ax


def dots(ax: Axes, points: np.ndarray, label: str | None, color: Any) -> Any:
    """Points [n 2] as small dots, the more transparent the more there are; returns their colour."""
    alpha = float(np.clip(1500 / len(points), 0.3, 0.9))
    (line,) = ax.plot(*points.T, ".", markersize=3.0, alpha=alpha, color=color, label=label, rasterized=True, markeredgewidth=0)
    return line.get_color()


def _outline(ax: Axes, rows: np.ndarray, pair: tuple[int, int]) -> None:
    corners = zone.outline(rows, pair) * units.NM
    ends = [zone.bounded(rows, i) for i in pair]
    reach = [np.abs(corners[:, j]).max() if end else np.abs(ax.dataLim.get_points()[:, j]).max() for j, end in enumerate(ends)]
    # an artist rather than a line: along open directions the corners are far outside, and must not count as data
    ax.add_artist(Polygon(corners, fill=False, edgecolor=house.INK, linewidth=1.2, zorder=4))
    ax.set_xlim(-1.15 * reach[0], 1.15 * reach[0])
    ax.set_ylim(-1.15 * reach[1], 1.15 * reach[1])
    if all(ends):
        ax.set_aspect("equal")
    elif len(rows) == 1 and ends[1] and not ax.texts:
        for sign, va in ((1, "bottom"), (-1, "top")):
            text = f"{inputs.component('k', pair[1], rows.shape[1])[:-1]} = {'+' if sign > 0 else '-'}\\pi/d$"
            place = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "va": va, "fontsize": "small"}
            ax.annotate(text, (0.02, sign * reach[1]), (0, 2 * sign), color=house.INK, **place)


def _histogram(ax: Axes, x: np.ndarray, label: str | None, color: Any) -> Any:
    bins = int(np.clip(np.sqrt(len(x)), 10, 80))
    height, edges = np.histogram(x, bins, density=True)
    centre = (edges[1:] + edges[:-1]) / 2
    (line,) = ax.plot(centre, height, drawstyle="steps-mid", color=color, linewidth=1.2, label=label)
    ax.fill_between(centre, height, step="mid", color=line.get_color(), alpha=0.3, linewidth=0)
    ax.set_ylim(0, None)
    return line.get_color()


def _zone_line(ax: Axes, k: np.ndarray, rows: np.ndarray | None, label: str | None, color: Any) -> Axes:
    half = None if rows is None else np.pi / np.abs(rows).max()
    _histogram(ax, k / half if half else k * units.NM, label, color)
    ax.set_xlabel("$k$ ($\\pi/d$)" if half else "$k$ (nm⁻¹)")
    ax.set_ylabel("probability density ($d/\\pi$)" if half else "probability density (nm)")
    if half:
        for edge in (-1, 1):
            ax.axvline(edge, color=house.INK, linewidth=1.2)
        ax.set_xlim(-1.05, 1.05)
        house.zone_ticks(ax.xaxis)
    house.legend_above(ax)
    return ax


def _space_line(ax: Axes, r: np.ndarray, mean: float, deviation: float, label: str | None, color: Any) -> Axes:
    unit = prefixes.label(ax.xaxis, "length", r, "position")
    color = _histogram(ax, r / unit, label, color)
    ax.axvline(mean / unit, color=color, linewidth=1.4)
    for sign in (-1, 1):
        ax.axvline((mean + sign * deviation) / unit, color=color, linewidth=1.0, linestyle=(0, (2, 2)))
    ax.set_ylabel(f"probability density ({ax.get_xlabel().rpartition('(')[2][:-1]}⁻¹)")
    house.legend_above(ax)
    return ax
