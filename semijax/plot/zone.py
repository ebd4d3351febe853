"""Zone: the outline of the first Brillouin zone as it is seen in a plane, and points folded into it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import lattice as lattices
from semijax._types import SemijaxError
from semijax.bands.band import Band

_OPEN = 1e3  # how much longer than wide the zone is made along a direction without a period


def rows_of(where: str, lattice: Any, dimension: int) -> np.ndarray | None:
    """Lattice vectors [p d], Å, of a band or of an array; None where there are none. Raises SemijaxError for another d."""
    rows = lattice.lattice if isinstance(lattice, Band) else lattice
    if rows is None:
        return None
    rows = np.asarray(rows, np.float64)
    if rows.ndim != 2 or rows.shape[1] != dimension:
        raise SemijaxError(f"plot.{where}: lattice has shape {rows.shape}: allowed are rows of length {dimension}, in Å")
    return rows


def folded(k: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
    """Wavevectors [n d] moved into the first Brillouin zone."""
    if rows is None:
        return k
    move = jax.jit(jax.vmap(lambda one: lattices.to_brillouin_zone(one, rows)))
    return np.asarray(move(jnp.asarray(k)), np.float64)


def outline(rows: np.ndarray, axes: tuple[int, int]) -> np.ndarray:
    """Corners [m 2], 1/Å, of the first zone seen along the third direction (d = 3) or as it is (d = 2)."""
    from scipy.spatial import ConvexHull, Voronoi

    full = _completed(rows)
    if full.shape[1] == 2:
        return lattices.brillouin_zone(full)[:, list(axes)]
    b = lattices.reciprocal(full)
    whole = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    cells = Voronoi(whole @ b)
    corners = cells.vertices[cells.regions[cells.point_region[len(whole) // 2]]][:, list(axes)]
    return corners[ConvexHull(corners / np.abs(corners).max(0)).vertices]


def bounded(rows: np.ndarray, i: int) -> bool:
    """Whether the zone ends along component i: whether that direction is within the span of the lattice."""
    return bool((np.linalg.pinv(rows) @ rows)[i, i] > 1 - 1e-9)


def _completed(rows: np.ndarray) -> np.ndarray:
    """The lattice with very short periods along its open directions, where the zone then ends far outside of any picture."""
    _, _, basis = np.linalg.svd(rows)
    length = np.linalg.norm(rows, axis=1).min() / _OPEN
    return np.concatenate([rows, length * basis[len(rows) :]])
