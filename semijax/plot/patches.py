"""Patches: pieces of phase space that move, shear and bend, and keep their area."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from semijax import units
from semijax._types import SemijaxError
from semijax.plot import house, inputs, prefixes
from semijax.plot.orbits import enclosed


def phase_space_patch(
    time: Any,
    wavevectors: Any,
    positions: Any,
    *,
    snapshots: Any = 5,
    name: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A patch of phase space at several times, each with its area over that of the first.

    time [f]: fs. wavevectors, positions [f m]: one component of k (1/Å, unfolded) and of r (Å) of the m corners of the patch,
    in order around it; the more corners, the smoother its sides. snapshots: how many of the times, evenly, or a list of times
    (fs). name: of the component, "z". Raises SemijaxError for arrays that do not match or fewer than three corners.
    """
    t, k, r = inputs.against("phase_space_patch", 2, time=time, wavevectors=wavevectors, positions=positions)
    if k.shape != r.shape or k.shape[1] < 3:
        raise SemijaxError(f"plot.phase_space_patch: wavevectors {k.shape}, positions {r.shape}: allowed are two [f m], m ≥ 3")
    frames = _frames(t, snapshots)
    ax = house.axes_or_new(ax, (7.6, 4.2))
    unit = prefixes.label(ax.xaxis, "length", r[frames], f"position ${name}$" if name else "position")
    ax.set_ylabel(f"wavevector {'$k_' + name + '$' if name else '$k$'} (nm⁻¹)")
    first = enclosed(np.stack([r[frames[0]], k[frames[0]]], 1))
    colors = mpl.colormaps["viridis"](np.linspace(0, 0.85, len(frames)))
    for frame, color in zip(frames, colors):
        area = enclosed(np.stack([r[frame], k[frame]], 1)) / first
        text = f"$t$ = {prefixes.written('time', t[frame])}" if t[frame] else "$t$ = 0"
        x, y = r[frame] / unit, k[frame] * units.NM
        label = f"{text},  $A/A_0$ = {area:.4f}"
        ax.fill(x, y, facecolor=(*color[:3], 0.3), edgecolor=color, linewidth=1.4, label=label, zorder=3)
    house.legend(ax, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    return ax


def _frames(t: np.ndarray, snapshots: Any) -> list[int]:
    if isinstance(snapshots, int):
        count = min(max(snapshots, 1), len(t))
        return list(np.unique(np.linspace(0, len(t) - 1, count).round().astype(int)))
    return [int(np.abs(t - at).argmin()) for at in inputs.numbers("phase_space_patch", "snapshots", snapshots, 1)]
