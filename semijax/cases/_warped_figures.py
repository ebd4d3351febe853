"""The figures of the case warped_holes: a patch of holes going round, force and acceleration, the volume it keeps."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import units
from semijax.cases import _shared


def film(dynamics: Any, patch: Any, frames: int = 6) -> Any:
    """The patch at some times over lines of equal energy in its plane, with its area over that at the start."""
    from semijax.plot import house, prefixes

    corners, areas = patch.corners * units.NM, patch.area()
    inside = corners @ patch.plane.T
    shown = np.linspace(0, len(patch.time) - 1, frames).round().astype(int)
    with _shared.sheet(9.0, 6.2) as figure:
        axes = figure.subplots(2, frames // 2, sharex=True, sharey=True)
        for ax, frame in zip(axes.ravel(), shown):
            path = inside[: frame + 1].mean(1)
            ax.plot(*path.T, color=house.SKY, linewidth=1.0, zorder=2)
            ax.fill(
                *inside[frame].T, facecolor=(*_rgb(house.VERMILION), 0.35), edgecolor=house.VERMILION, linewidth=1.2, zorder=3
            )
            time = prefixes.written("time", patch.time[frame]) if frame else "0"
            ax.set_title(f"$t$ = {time},  $A/A_0$ = {areas[frame]:.5f}", fontsize="medium")
            ax.set_aspect("equal", adjustable="box")
        reach = 1.08 * float(np.abs(inside).max())
        for ax, frame in zip(axes.ravel(), shown):
            ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
            levels(ax, dynamics, patch.plane, patch.corners[frame].mean(0), reach)
        for ax in axes[-1]:
            ax.set_xlabel(_name(patch.plane[0]))
        for ax in axes[:, 0]:
            ax.set_ylabel(_name(patch.plane[1]))
        return figure


def levels(ax: Any, dynamics: Any, plane: np.ndarray, through: np.ndarray, reach: float) -> None:
    """Lines of equal energy in the plane through a point [3], 1/Å, out to `reach` in 1/nm."""
    from semijax.plot import house

    line = np.linspace(-reach, reach, 121)
    a, b = np.meshgrid(line / units.NM, line / units.NM)
    normal = through - plane.T @ (plane @ through)
    k = normal + a[..., None] * plane[0] + b[..., None] * plane[1]
    energy = _shared.as_numbers(jax.vmap(dynamics.species.band)(jnp.asarray(k.reshape(-1, 3)))).reshape(a.shape)
    ax.contourf(line, line, energy, levels=12, cmap=house.BACKGROUND, zorder=0)
    ax.contour(line, line, energy, levels=12, colors="white", linewidths=0.6, zorder=1)
    ax.grid(False)


def arrows(dynamics: Any, motion: Any, patch: Any) -> Any:
    """Force and acceleration along the track of one hole in the plane normal to B, and the angle between them in time."""
    from semijax.plot import house

    track = motion.wavevector @ patch.plane.T * units.NM
    reach = 1.15 * float(np.abs(track).max())
    with _shared.sheet(9.4, 4.4) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
        left.plot(*track.T, color=house.BLUE, linewidth=1.4, zorder=3)
        left.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel=_name(patch.plane[0]), ylabel=_name(patch.plane[1]))
        left.set_aspect("equal")
        levels(left, dynamics, patch.plane, motion.wavevector[0], reach)
        shown = np.linspace(0, len(track) - 1, 9).round().astype(int)[:-1]
        for vectors, color, label in (
            (motion.force, house.INK, "force $F$"),
            (motion.found, house.VERMILION, "acceleration $a$"),
        ):
            flat = vectors[shown] @ patch.plane.T
            flat /= np.linalg.norm(vectors @ patch.plane.T, axis=1).max()
            style = {"color": color, "scale": 4.0, "scale_units": "width", "width": 0.008, "zorder": 5}
            left.quiver(*track[shown].T, *flat.T, **style, label=label)
        house.legend_above(left)
        t, f = motion.time / units.PS, motion.force
        for a, style in (
            (motion.found, {"color": house.VERMILION, "linewidth": 2.6, "label": "found"}),
            (motion.exact, house.THEORY_LINE | {"label": "from $M^{-1}F$"}),
        ):
            right.plot(t, degrees(a, f), **style)
        right.axhspan(90, 180, color=house.VERMILION, alpha=0.10, linewidth=0, zorder=0, label="against $F$")
        right.set(xlabel="time $t$ (ps)", ylabel="angle between $a$ and $F$ (degrees)", xlim=(t[0], t[-1]), ylim=(0, 180))
        right.set_yticks(range(0, 181, 30))
        house.legend_above(right)
        return figure


def degrees(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles between vectors [f 3]."""
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), np.sum(a * b, axis=1)))


def volumes(runs: list[Any], name: str) -> Any:
    """The mean of ln(V/V₀) against time for every time step: zero but for what the scheme does."""
    from semijax.plot import house

    with _shared.sheet(6.4, 4.0) as figure:
        ax = figure.subplots()
        for one, color in zip(runs, (house.BLUE, house.VERMILION, house.GREEN, house.PURPLE)):
            time, volume = _shared.times(one), _shared.recorded(one.case, one, "volume")[name]
            label = f"$\\Delta t$ = {one.result.status.dt:g} fs"
            ax.semilogy(time[1:] / units.PS, np.abs(volume[1:]), color=color, label=label)
        ax.set(xlabel="time $t$ (ps)", ylabel="$|\\langle\\ln(V/V_0)\\rangle|$", xlim=(0, time[-1] / units.PS))
        house.legend_above(ax)
        return figure


def _name(direction: np.ndarray) -> str:
    """The axis of a picture along a unit vector [3]: k_x, −k_x or the component along it."""
    axis = int(np.abs(direction).argmax())
    if abs(direction[axis]) > 1 - 1e-9:
        return f"${'-' if direction[axis] < 0 else ''}k_{'xyz'[axis]}$ (nm⁻¹)"
    return f"$k$ along {np.round(direction, 2).tolist()} (nm⁻¹)"


def _rgb(color: str) -> tuple:
    from matplotlib.colors import to_rgb

    return to_rgb(color)
