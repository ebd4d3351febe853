"""Surfaces: where bands cross a level, coloured by speed: Fermi surfaces in three dimensions, Fermi lines in two."""

import importlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from semijax import lattice as lattices
from semijax import units
from semijax._types import SemijaxError
from semijax.bands.band import Band
from semijax.bands.wannier import Model
from semijax.plot import brillouin, house, inputs, prefixes
from semijax.plot.ellipsoids import axes_3d
from semijax.survey.local import Matrices

_POINTS = {2: 120, 3: 40}  # along each reciprocal vector


def fermi_surface(
    of: Band | Model, level: float, *, mesh: int | None = None, view: tuple[float, float] = brillouin.VIEW, ax: Any = None
) -> Any:
    """Where E(k) = level (eV) in the first Brillouin zone, coloured by |velocity|; returns the Axes.

    of: a Band whose lattice has as many rows as dimensions, 2 or 3, or a Wannier Model, of which all bands that cross are drawn.
    mesh: points along each reciprocal vector (40; in two dimensions 120). view: elevation and azimuth, degrees. In three dimensions this
    needs scikit-image (the extra `viz`). Raises SemijaxError without it, or where nothing crosses the level.
    """
    rows = brillouin.rows_of("fermi_surface", of)
    points = _POINTS[len(rows)] if mesh is None else mesh
    if isinstance(points, bool) or not isinstance(points, int | np.integer) or not 4 <= points <= 400:
        raise SemijaxError(f"plot.fermi_surface: mesh = {points!r}: allowed is a whole number from 4 to 400")
    level = float(inputs.numbers("fermi_surface", "level", level, 0))
    energies, speeds = _on_mesh(of, rows, int(points))
    crossing = [i for i in range(energies.shape[-1]) if energies[..., i].min() < level < energies[..., i].max()]
    if not crossing:
        near = ", ".join(f"{energies[..., i].min():.4g} to {energies[..., i].max():.4g}" for i in range(energies.shape[-1]))
        raise SemijaxError(f"plot.fermi_surface: level = {level:g} eV: allowed is one that a band crosses: {near}")
    draw = _sheets if len(rows) == 3 else _contours
    return draw(rows, [(energies[..., i] - level, speeds[..., i]) for i in crossing], view, ax)


def _on_mesh(of: Band | Model, rows: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Energies and speeds [points ... bands] at fractional k i/points."""
    if isinstance(of, Model):
        return Matrices(of).speeds(points)
    k = lattices.mesh(rows, points)
    found = jax.jit(lambda k: jax.lax.map(lambda k: (of(k), of.velocity(k)), k, batch_size=4096))(jnp.asarray(k))
    energies, velocities = (np.asarray(part, np.float64) for part in found)
    shape = (*(points,) * len(rows), 1)
    return energies.reshape(shape), np.linalg.norm(velocities, axis=1).reshape(shape)


def _window(rows: np.ndarray, points: int) -> tuple[np.ndarray, tuple]:
    """Mesh steps [d] from Γ of the first point of a box around the zone, and the places of its points on the periodic mesh."""
    corners = lattices.brillouin_zone(rows) if len(rows) == 2 else np.concatenate([c for _, c in lattices.zone_faces(rows)])
    fractional = corners @ rows.T / (2 * np.pi)
    low = np.floor(fractional.min(axis=0) * points).astype(int) - 1
    high = np.ceil(fractional.max(axis=0) * points).astype(int) + 1
    return low, np.ix_(*(np.arange(a, b + 1) % points for a, b in zip(low, high)))


def _sheets(rows: np.ndarray, bands: list, view: tuple[float, float], ax: Any) -> Any:
    try:
        measure = importlib.import_module("skimage.measure")
    except ImportError:
        raise SemijaxError('plot.fermi_surface: needs scikit-image: allowed is with it, pip install "semijax[viz]"') from None
    points = bands[0][0].shape[0]
    low, places = _window(rows, points)
    b, normals = lattices.reciprocal(rows), [normal for normal, _ in lattices.zone_faces(rows)]
    triangles, colours = [], []
    for energy, speed in bands:
        corners, of, _, _ = measure.marching_cubes(np.ascontiguousarray(energy[places]), 0.0)
        at = np.concatenate([(corners + low) / points @ b, _interpolated(speed[places], corners)[:, None]], axis=1)
        kept = within(at[of], normals)
        triangles.append(kept[..., :3] * units.NM)
        colours.append(kept[..., 3].mean(axis=1))
    corners, colour = np.concatenate(triangles), np.concatenate(colours)
    ax = axes_3d("fermi_surface", ax)
    ax.view_init(*view)
    scale = Normalize(colour.min(), colour.max())
    sheet = Poly3DCollection(list(corners), linewidths=0.25)
    colours = _lit(corners, house.SPEED(scale(colour)), view)
    sheet.set(facecolor=colours, edgecolor=colours)  # without edges the seams between triangles show
    ax.add_collection3d(sheet)
    brillouin.draw_edges(ax, rows, view)
    brillouin.dress(ax, brillouin.reach(rows) * units.NM)
    _bar(ax, scale, colour)
    return ax


def within(triangles: np.ndarray, normals: list[np.ndarray]) -> np.ndarray:
    """Triangles [m 3 3 + c], corners in 1/Å and c values each, cut to the zone k·G < G²/2; values are interpolated along the cuts."""
    for normal in normals:
        depth = normal @ normal / 2 - triangles[..., :3] @ normal
        inside = depth > 0
        count = inside.sum(axis=1)
        # turned so that the corner unlike the other two is the first
        lone = np.where(count == 1, inside.argmax(axis=1), (~inside).argmax(axis=1))
        turn = (lone[:, None] + np.arange(3)) % 3
        a, b, c = np.moveaxis(np.take_along_axis(triangles, turn[..., None], axis=1), 1, 0)
        da, db, dc = np.take_along_axis(depth, turn, axis=1).T
        one, two = count == 1, count == 2
        ab, ac = (_cut(a, x, da, dx, one | two) for x, dx in ((b, db), (c, dc)))
        parts = [triangles[count == 3], _three(a, ab, ac, one), _three(ab, b, c, two), _three(ab, c, ac, two)]
        triangles = np.concatenate(parts)
    return triangles


def _cut(a: np.ndarray, b: np.ndarray, da: np.ndarray, db: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Where the edges from a to b leave the zone."""
    part = np.where(used, da / np.where(da == db, 1.0, da - db), 0.0)
    return a + part[:, None] * (b - a)


def _three(a: np.ndarray, b: np.ndarray, c: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return np.stack([a, b, c], axis=1)[chosen]


def _contours(rows: np.ndarray, bands: list, view: tuple[float, float], ax: Axes | None) -> Axes:
    from contourpy import contour_generator

    points = bands[0][0].shape[0]
    low, places = _window(rows, points)
    b = lattices.reciprocal(rows)
    pieces, colours = [], []
    for energy, speed in bands:
        for curve in contour_generator(z=energy[places].T).lines(0.0):
            at = np.asarray(curve)
            k, colour = (at + low) / points @ b, _interpolated(speed[places], at)
            ends = np.stack([k[:-1], k[1:]], axis=1)
            middle = ends.mean(axis=1)
            kept = _in_zone(middle, rows)
            pieces.append(ends[kept] * units.NM)
            colours.append((colour[:-1] + colour[1:])[kept] / 2)
    ax = house.axes_or_new(ax, (5.4, 4.4))
    brillouin.brillouin_zone(rows, ax=ax)
    colour = np.concatenate(colours)
    scale = Normalize(colour.min(), colour.max())
    lines = LineCollection(list(np.concatenate(pieces)), linewidths=2.2, zorder=4, capstyle="round")
    lines.set(color=house.SPEED(scale(colour)))
    ax.add_collection(lines)
    _bar(ax, scale, colour)
    return ax


def _in_zone(k: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Whether k [m 2] are nearer to Γ than to any other point of the reciprocal lattice."""
    corners = lattices.brillouin_zone(rows)  # anticlockwise
    ways = np.roll(corners, -1, axis=0) - corners
    from_corners = k[:, None, :] - corners
    left = ways[:, 0] * from_corners[..., 1] - ways[:, 1] * from_corners[..., 0] >= 0
    return np.all(left, axis=1)


def _interpolated(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    from scipy.ndimage import map_coordinates

    return map_coordinates(values, at.T, order=1)


def _lit(corners: np.ndarray, colours: np.ndarray, view: tuple[float, float]) -> np.ndarray:
    """Colours [m 4] as a lamp beside the eye shows them: both sides of a sheet alike."""
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    elevation, azimuth = np.radians(view[0] + 20), np.radians(view[1] - 25)
    lamp = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    shade = 0.55 + 0.45 * np.abs(normals @ lamp)
    return np.concatenate([colours[:, :3] * shade[:, None], colours[:, 3:]], axis=1)


def _bar(ax: Any, scale: Normalize, colour: np.ndarray) -> None:
    figure = house.figure_of(ax)
    name, size = prefixes.fitting("velocity", colour)
    shown = Normalize((scale.vmin or 0.0) / size, (scale.vmax or 0.0) / size)
    figure.colorbar(ScalarMappable(shown, house.SPEED), ax=ax, shrink=0.7, pad=0.08, label=f"speed $|v|$ ({name})")
