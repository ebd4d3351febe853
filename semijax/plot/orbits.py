"""Orbits: tracks of single carriers in k space and in real space."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes

from semijax import units
from semijax.bands.band import Band
from semijax.plot import house, inputs, prefixes, zone

# F = (ħ/2πe) A_k: tesla per Å⁻² (Onsager, Phil. Mag. 43, 1006 (1952)), e = 1
_ONSAGER = units.HBAR / (2 * np.pi * units.TESLA_INTERNAL)


def pair_tracks(time: Any, electron: Any, hole: Any, *, component: int = -1, ax: Axes | None = None) -> Axes:
    """Position of an electron and its hole along one component against time, the distance between them shaded.

    time [f]: fs. electron, hole: positions [f d] or [f], Å.
    """
    t, r_e, r_h = inputs.against("pair_tracks", 1, 2, time=time, electron=electron, hole=hole)
    name = inputs.component("", component, r_e.shape[1]) if r_e.ndim == 2 and r_e.shape[1] > 1 else ""
    r_e, r_h = (r if r.ndim == 1 else r[:, component] for r in (r_e, r_h))
    ax = house.axes_or_new(ax)
    when = prefixes.label(ax.xaxis, "time", t, "time $t$")
    unit = prefixes.label(ax.yaxis, "length", [r_e, r_h], f"position {name}".rstrip())
    ax.fill_between(t / when, r_e / unit, r_h / unit, color=house.GREY, alpha=0.15, linewidth=0, label="separation")
    ax.plot(t / when, r_e / unit, color=house.ELECTRON, label="electron", zorder=3)
    ax.plot(t / when, r_h / unit, color=house.HOLE, label="hole", zorder=3)
    ax.set_xlim(t[0] / when, t[-1] / when)
    house.legend_above(ax)
    return ax


def k_orbits(
    tracks: Any,
    *,
    band: Band | None = None,
    lattice: Any = None,
    axes: tuple[int, int] = (0, 1),
    label: str | None = None,
    color: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Tracks in k space, [f d] or [f n d] (1/Å): a dot where each starts, an arrow for its sense.

    band: draws lines of equal energy in the plane of `axes` through the first point. lattice: a Band or vectors [p d] in Å,
    draws the first zone; a track that is folded back across the zone is broken there, not drawn across.
    """
    k = inputs.numbers("k_orbits", "tracks", tracks, 2, 3)
    k = k[:, None] if k.ndim == 2 else k
    d = k.shape[2]
    pair = inputs.plane("k_orbits", axes, d)
    rows = zone.rows_of("k_orbits", lattice, d)
    k = k if rows is None else _broken(k, rows)
    ax = house.axes_or_new(ax, (5.2, 4.8))
    for i, track in enumerate(np.moveaxis(k, 1, 0)[:, :, list(pair)] * units.NM):
        (line,) = ax.plot(*track.T, color=color, label=label if i == 0 else None, zorder=3)
        _sense(ax, track, line.get_color())
    for axis, i in zip((ax.xaxis, ax.yaxis), pair):
        axis.set_label_text(f"{inputs.component('k', i, d)} (nm⁻¹)")
    if rows is not None and zone.bounded(rows, pair[0]) and zone.bounded(rows, pair[1]):
        corners = zone.outline(rows, pair) * units.NM
        ax.plot(*np.concatenate([corners, corners[:1]]).T, color=house.INK, linewidth=1.2, zorder=2)
    ax.set_aspect("equal", adjustable="datalim" if band is None else "box")
    if band is not None:
        _levels(ax, band, k[0, 0], pair)
    house.legend_above(ax)
    return ax


def fermi_orbit(
    track: Any, *, band: Band | None = None, axes: tuple[int, int] = (0, 1), color: Any = None, ax: Axes | None = None
) -> Axes:
    """One closed orbit [f d] (1/Å) in a plane normal to B, its area shaded and given with its de Haas-van Alphen frequency.

    F = (ħ/2πe) A_k (Onsager, Phil. Mag. 43, 1006 (1952)). Arguments as in `k_orbits`; the track is closed by its first point.
    """
    k = inputs.numbers("fermi_orbit", "track", track, 2)
    pair = list(inputs.plane("fermi_orbit", axes, k.shape[1]))
    area = abs(enclosed(k[:, pair]))
    ax = k_orbits(k, band=band, axes=axes, color=color or house.BLUE, ax=ax)
    x, y = k[:, pair].T * units.NM
    ax.fill(x, y, color=color or house.BLUE, alpha=0.15, linewidth=0, zorder=1)
    text = f"$A_k$ = {area * units.NM**2:.4g} nm⁻²\n$F$ = {area * _ONSAGER:.4g} T"
    ax.text(float(x.mean()), float(y.mean()), text, ha="center", va="center", zorder=5)
    return ax


def enclosed(polygon: np.ndarray) -> float:
    """Signed area of a closed polygon [m 2], positive anticlockwise."""
    x, y = (polygon - polygon[0]).T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def _broken(k: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Tracks [f n d] with a gap (NaN) wherever a step is longer than a third of the shortest reciprocal vector."""
    shortest = np.linalg.norm(2 * np.pi * np.linalg.pinv(rows), axis=0).min()
    far = np.linalg.norm(np.diff(k, axis=0), axis=2) > shortest / 3
    gaps = np.where(far[:, :, None], np.nan, 0.0)
    return np.concatenate([k[:1], k[1:] + gaps])


def _sense(ax: Axes, track: np.ndarray, color: Any) -> None:
    ax.plot(*track[0], "o", color=color, markersize=5, zorder=4)
    steps = np.diff(track, axis=0)
    moving = np.flatnonzero(np.hypot(*steps.T) > 0)
    if len(moving):
        i = moving[len(moving) // 4]
        arrow = {"arrowstyle": "-|>", "color": color, "mutation_scale": 14}
        ax.annotate("", tuple(track[i + 1]), tuple(track[i]), arrowprops=arrow, zorder=4)


def _levels(ax: Axes, band: Band, through: np.ndarray, pair: tuple[int, int]) -> None:
    limits = np.array([ax.get_xlim(), ax.get_ylim()])
    half = np.ptp(limits, axis=1).max() / 2
    (x_low, y_low), (x_high, y_high) = limits.mean(1) - half, limits.mean(1) + half
    x, y = np.linspace(x_low, x_high, 121), np.linspace(y_low, y_high, 121)
    k = np.tile(through, (121, 121, 1))
    k[..., pair[0]], k[..., pair[1]] = (grid / units.NM for grid in np.meshgrid(x, y))
    energy = np.asarray(jax.jit(jax.vmap(band))(jnp.asarray(k.reshape(-1, k.shape[-1]))), np.float64).reshape(121, 121)
    name, unit = prefixes.fitting("energy", np.ptp(energy))
    ax.grid(False)
    shades = ax.contourf(x, y, energy / unit, levels=12, cmap=house.BACKGROUND, zorder=0)
    ax.contour(x, y, energy / unit, levels=shades.levels, colors="white", linewidths=0.6, linestyles="solid", zorder=1)
    house.figure_of(ax).colorbar(shades, ax=ax, label=f"energy $E$ ({name})", pad=0.02, aspect=22, shrink=0.85)
