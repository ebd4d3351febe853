"""Ellipsoids: cyclotron orbits in three dimensions on the energy surfaces they run on."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.axes3d import Axes3D

from semijax import units
from semijax._types import SemijaxError
from semijax.bands.band import Band
from semijax.plot import house, inputs


def energy_ellipsoid(band: Band, energy: float, center: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """The surface of constant energy (eV) about a minimum, from the mass there: centre [3] and half axes (rows [3 3]), 1/Å.

    center: the minimum, 1/Å; None takes the `center` parameter of sj.bands.ellipsoidal, else the origin. Exact for a parabolic
    band. Raises SemijaxError where E is not above the minimum or the mass there is not positive.
    """
    if center is None and isinstance(band.params, dict):
        center = band.params.get("center")
    middle = np.zeros(3) if center is None else inputs.numbers("energy_ellipsoid", "center", center, 1)
    k = jnp.asarray(middle)
    inverse, turned = np.linalg.eigh(np.asarray(band.inverse_mass(k), np.float64) * units.HBAR**2)
    above = energy - float(band(k))
    if not (inverse > 0).all() or not above > 0:
        raise SemijaxError(f"plot.energy_ellipsoid: energy = {energy}: allowed is an energy above a minimum at center")
    return middle, (turned * np.sqrt(2 * above / inverse)).T


def orbit_3d(
    tracks: Any,
    ellipsoids: Sequence[tuple[Any, Any]] = (),
    *,
    magnetic: Any = None,
    label: str | None = None,
    color: Any = None,
    ax: Axes3D | None = None,
) -> Axes3D:
    """Tracks in k space, [f 3] or [f n 3] (1/Å), on energy surfaces.

    ellipsoids: pairs (centre [3], half axes as rows [3 3]), 1/Å, as `energy_ellipsoid` gives them. magnetic [3]: the direction
    of B, drawn as an arrow. All axes have the same scale.
    """
    k = inputs.numbers("orbit_3d", "tracks", tracks, 2, 3) * units.NM
    k = k[:, None] if k.ndim == 2 else k
    if k.shape[2] != 3:
        raise SemijaxError(f"plot.orbit_3d: tracks have {k.shape[2]} components: allowed is 3")
    ax = axes_3d("orbit_3d", ax)
    for centre, axes in ellipsoids:
        _surface(ax, np.asarray(centre) * units.NM, np.asarray(axes) * units.NM)
    for i in range(k.shape[1]):
        x, y, z = k[:, i].T
        ax.plot(x, y, z, color=color or house.VERMILION, linewidth=1.8, label=label if i == 0 else None, zorder=10)
    if magnetic is not None:
        _arrow(ax, np.asarray(magnetic, np.float64))
    for axis, name in ((ax.xaxis, "x"), (ax.yaxis, "y"), (ax.zaxis, "z")):
        axis.set_label_text(f"$k_{name}$ (nm⁻¹)")
        axis.set_major_locator(MaxNLocator(3))
        axis.pane.set_facecolor("white")  # pyright: ignore[reportAttributeAccessIssue]
        axis.labelpad = 10
    ax.set_aspect("equal")
    # smaller than the default, which cuts the label of the vertical axis
    ax.set_box_aspect(ax.get_box_aspect(), zoom=0.8)  # pyright: ignore[reportArgumentType]
    return ax


def _surface(ax: Axes3D, centre: np.ndarray, axes: np.ndarray) -> None:
    around, down = np.meshgrid(np.linspace(0, 2 * np.pi, 25), np.linspace(0, np.pi, 13))
    sphere = np.stack([np.cos(around) * np.sin(down), np.sin(around) * np.sin(down), np.cos(down)], -1)
    x, y, z = np.moveaxis(centre + sphere @ axes, -1, 0)
    ax.plot_surface(x, y, z, color=house.SKY, alpha=0.18, linewidth=0, shade=True, rstride=1, cstride=1)
    ax.plot_wireframe(x, y, z, color=house.BLUE, alpha=0.35, linewidth=0.4, rstride=3, cstride=3)


def _arrow(ax: Axes3D, direction: np.ndarray) -> None:
    limits = np.array([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()])
    length = 0.65 * np.ptp(limits, axis=1).max()
    start, arrow = limits.mean(1), length * direction / np.linalg.norm(direction)
    ax.quiver(*start, *arrow, color=house.INK, linewidth=1.6, arrow_length_ratio=0.12)
    x, y, z = start + 1.08 * arrow
    ax.text(x, y, z, "$B$", color=house.INK)


def axes_3d(where: str, ax: Axes3D | None) -> Axes3D:
    """The given three-dimensional Axes, or that of a new figure; raises SemijaxError for a flat one."""
    if ax is None:
        return plt.figure(figsize=(5.6, 5.2)).add_subplot(projection="3d")
    if not isinstance(ax, Axes3D):
        raise SemijaxError(f'plot.{where}: ax: allowed is a three-dimensional Axes (projection="3d")')
    return ax
