"""Brillouin: the first zone as a body in three dimensions, or an area in two, with the path through its named points."""

import itertools
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.art3d import Line3DCollection
from mpl_toolkits.mplot3d.axes3d import Axes3D

from semijax import lattice as lattices
from semijax import units
from semijax._types import SemijaxError
from semijax.bands.wannier import Model
from semijax.plot import house, inputs
from semijax.plot.ellipsoids import axes_3d
from semijax.survey.local import Matrices

VIEW = (18.0, 28.0)  # elevation and azimuth, degrees


def brillouin_zone(lattice: Any, path: Any = None, *, view: tuple[float, float] = VIEW, ax: Any = None) -> Any:
    """The first Brillouin zone of a lattice [d d], Å, or of a Band or Model that has one; d = 2 or 3; returns the Axes.

    path: a survey.Line, or named points {"Γ": [0, 0, 0], ...} or [("Γ", k [d]), ...], 1/Å, joined in their order. view: elevation and
    azimuth, degrees; edges behind the body are dashed. Raises SemijaxError for other shapes.
    """
    rows = rows_of("brillouin_zone", lattice)
    legs = _legs(path, rows)
    if len(rows) == 2:
        return _flat(rows, legs, house.axes_or_new(ax, (4.6, 4.4)))
    ax = axes_3d("brillouin_zone", ax)
    ax.view_init(*view)
    draw_edges(ax, rows, view)
    size = reach(rows) * units.NM
    for (first, last), ends in legs:
        ax.plot(*(np.array(ends).T * units.NM), color=house.VERMILION, linewidth=2.0, zorder=10)
        for label, k in zip((first, last), ends):
            _named(ax, label, np.asarray(k) * units.NM, size)
    dress(ax, size)
    return ax


def rows_of(where: str, lattice: Any) -> np.ndarray:
    """Lattice vectors [d d], Å, d = 2 or 3; of a layer's Model the two in its plane."""
    rows = Matrices(lattice).lattice if isinstance(lattice, Model) else getattr(lattice, "lattice", lattice)
    rows = np.asarray(np.nan if rows is None else rows, np.float64)
    if rows.shape not in ((2, 2), (3, 3)) or not np.linalg.matrix_rank(rows) == len(rows):
        raise SemijaxError(f"plot.{where}: lattice has shape {rows.shape}: allowed are 2 or 3 independent rows of as many, in Å")
    return rows


def reach(rows: np.ndarray) -> float:
    """Distance of the farthest corner of a zone, 1/Å."""
    return max(float(np.linalg.norm(corners, axis=1).max()) for _, corners in lattices.zone_faces(rows))


def draw_edges(ax: Axes3D, rows: np.ndarray, view: tuple[float, float]) -> None:
    """The edges of a zone, nm⁻¹: solid where a face towards the eye has them, dashed behind."""
    elevation, azimuth = np.radians(view)
    eye = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    front, back = {}, {}
    for normal, corners in lattices.zone_faces(rows):
        for a, b in zip(corners, np.roll(corners, -1, axis=0)):
            key = tuple(np.round((a + b) / 2, 6) + 0.0)
            (front if normal @ eye > 0 else back)[key] = np.array([a, b]) * units.NM
    hidden = [edge for key, edge in back.items() if key not in front]
    ax.add_collection3d(Line3DCollection(list(front.values()), colors=house.INK, linewidths=1.1))
    ax.add_collection3d(Line3DCollection(hidden, colors=house.GREY, linewidths=0.8, linestyles="--"))


def dress(ax: Axes3D, size: float) -> None:
    """The three axes of k, one scale, as far as `size`, nm⁻¹."""
    for axis, name, limits in ((ax.xaxis, "x", ax.set_xlim), (ax.yaxis, "y", ax.set_ylim), (ax.zaxis, "z", ax.set_zlim)):
        limits(-size, size)
        axis.set_label_text(f"$k_{name}$ (nm⁻¹)")
        axis.pane.set_facecolor("white")  # pyright: ignore[reportAttributeAccessIssue]
        axis.set_major_locator(MaxNLocator(3))
    ax.set_box_aspect((1, 1, 1), zoom=0.88)  # pyright: ignore[reportArgumentType]


def _named(ax: Axes3D, label: str, k: np.ndarray, size: float) -> None:
    if any(text.get_text() == label and np.allclose(text.get_position_3d(), _beside(k, size)) for text in ax.texts):  # pyright: ignore[reportAttributeAccessIssue]
        return
    ax.plot(*k[:, None], "o", color=house.VERMILION, markersize=4, zorder=11)
    x, y, z = _beside(k, size)
    note = ax.text(x, y, z, label, color=house.INK, zorder=12, ha="center", va="center", fontsize="medium")
    note.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.5, "pad": 0.2})


def _beside(k: np.ndarray, size: float) -> np.ndarray:
    """Where a name stands: a little farther out than its point; Γ a little above."""
    length = np.linalg.norm(k)
    return k * (1 + 0.16 * size / length) if length > 1e-6 else np.array([0.0, 0.0, 0.12 * size])


def _flat(rows: np.ndarray, legs: list, ax: Axes) -> Axes:
    corners = lattices.brillouin_zone(rows) * units.NM
    ax.fill(*corners.T, facecolor="#f4f8fb", edgecolor=house.INK, linewidth=1.2, zorder=1)
    drawn = {}
    for labels, ends in legs:
        ax.plot(*(np.array(ends).T * units.NM), color=house.VERMILION, linewidth=1.8, zorder=3)
        drawn |= {label: np.asarray(k) * units.NM for label, k in zip(labels, ends)}
    size = np.abs(corners).max()
    for label, k in drawn.items():
        ax.plot(*k[:, None], "o", color=house.VERMILION, markersize=4, zorder=4)
        length = np.linalg.norm(k)
        x, y = k * (1 + 0.09 * size / length) if length > 1e-6 else np.array([-0.07, 0.05]) * size
        ax.text(x, y, label, ha="center", va="center", zorder=5)
    ax.set(xlim=(-1.2 * size, 1.2 * size), ylim=(-1.2 * size, 1.2 * size), aspect="equal")
    ax.set(xlabel="$k_x$ (nm⁻¹)", ylabel="$k_y$ (nm⁻¹)")
    return ax


def _legs(path: Any, rows: np.ndarray) -> list[tuple[tuple[str, str], tuple[np.ndarray, np.ndarray]]]:
    """((label, label), (k, k)) of each leg, k in 1/Å."""
    if path is None:
        return []
    if hasattr(path, "legs"):
        b = lattices.reciprocal(rows)
        return [(leg.labels, (np.asarray(leg.start) @ b, np.asarray(leg.end) @ b)) for leg in path.legs]
    pairs = list(path.items()) if hasattr(path, "items") else list(path)
    corners = [(str(label), inputs.numbers("brillouin_zone", f"path, {label}", k, 1)) for label, k in pairs]
    if any(len(k) != len(rows) for _, k in corners):
        raise SemijaxError(f"plot.brillouin_zone: path = {path!r}: allowed are names with {len(rows)} numbers, 1/Å")
    return [((a, b), (j, k)) for (a, j), (b, k) in itertools.pairwise(corners)]
