"""Lattice: reciprocal vectors, folding into the zone and back, meshes, the Brillouin zone and paths through it."""

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from semijax._types import Array, SemijaxError


class Path(NamedTuple):
    """Points along straight lines through k space: k [m d] and the way so far [m], 1/Å; labels at the rows `corners`."""

    k: np.ndarray
    distance: np.ndarray
    corners: tuple[int, ...]
    labels: tuple[str, ...]


def reciprocal(lattice: Any) -> Any:
    """Reciprocal vectors b [p d], 1/Å, of lattice vectors a [p d], Å: a_i·b_j = 2π δ_ij, within the span of the a_i.

    float64 NumPy for numbers, the tracer's dtype for a traced lattice. Raises SemijaxError unless p ≤ d rows are independent.
    """
    if isinstance(lattice, Tracer):
        return 2 * math.pi * jnp.linalg.pinv(lattice).T
    return 2 * math.pi * np.linalg.pinv(_checked("reciprocal", lattice)).T


def fold(k: Array, lattice: Any, reciprocal: Any) -> tuple[Array, Array]:
    """One k [d] -> (folded [d], winding [p] int32): k = folded + winding @ reciprocal, fractional coordinates in [−1/2, 1/2]."""
    turns = jnp.round(fractional(k, lattice))
    return k - _combined(turns, reciprocal), turns.astype(jnp.int32)


def unfold(k: Array, winding: Array, reciprocal: Any) -> Array:
    """The wavevector [d] that `fold` folded away: k + winding @ reciprocal."""
    return k + _combined(winding.astype(k.dtype), reciprocal)


def fractional(k: Array, lattice: Any) -> Array:
    """Coordinates [p] of one k [d] in units of the reciprocal vectors: a_i·k/2π."""
    # A sum of products, not a matrix product: exact float32 on every device and the same for any batch.
    return jnp.sum(jnp.asarray(lattice, k.dtype) * k[None, :], axis=1) / (2 * math.pi)


def to_brillouin_zone(k: Array, lattice: Any) -> Array:
    """One k [d] moved by a reciprocal vector into the first Brillouin zone, where no other lattice point is nearer than zero.

    For pictures: the cell of `fold` is a parallelepiped. `lattice` [p d], Å, must be numbers.
    """
    short = _reduced(reciprocal(lattice))
    k, _ = fold(k, reciprocal(short), short)
    # The reduced vectors are the shortest pairwise; the nearest point of such a lattice is within two of them.
    shifts = np.array(list(itertools.product((0, -1, 1, -2, 2), repeat=len(short))), dtype=float)
    near = k[None, :] - jnp.asarray(shifts @ short, k.dtype)
    # Ties on the zone's surface go to the first: k itself stays where it is.
    tolerance = jnp.finfo(k.dtype).eps * 32 * float(np.max(short**2))
    length = jnp.sum(near * near, axis=1)
    return near[jnp.argmax(length <= jnp.min(length) + tolerance)]


def mesh(lattice: Any, n: int | Sequence[int], shift: float = 0.0) -> np.ndarray:
    """Wavevectors [N d], 1/Å, at fractional coordinates (i + shift)/n_j, i = 0 ... n_j − 1, the last index fastest.

    n: points along every reciprocal vector, or one number for each of the p. Raises SemijaxError for n < 1.
    """
    lattice = _checked("mesh", lattice)
    counts = [n] * len(lattice) if isinstance(n, int | np.integer) else list(n)
    if len(counts) != len(lattice) or any(int(c) != c or c < 1 for c in counts):
        raise SemijaxError(f"mesh: n = {n}: allowed is a whole number ≥ 1, or {len(lattice)} of them")
    axes = [(np.arange(int(c)) + shift) / int(c) for c in counts]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes)) @ reciprocal(lattice)


def brillouin_zone(lattice: Any) -> np.ndarray:
    """Vertices of the first Brillouin zone, 1/Å: the two ends [2 1] for d = 1, the polygon [m 2], anticlockwise, for d = 2.

    Raises SemijaxError unless the lattice [p d], Å, has p = d = 1 or 2.
    """
    lattice = _checked("brillouin_zone", lattice)
    if lattice.shape == (1, 1):
        return np.array([[-0.5], [0.5]]) * np.abs(reciprocal(lattice))
    if lattice.shape != (2, 2):
        raise SemijaxError(f"brillouin_zone: lattice has shape {lattice.shape}: allowed are (1, 1) and (2, 2)")
    from scipy.spatial import Voronoi

    whole = np.array(list(itertools.product(range(-2, 3), repeat=2)))
    cells = Voronoi(whole @ _reduced(reciprocal(lattice)))
    vertices = cells.vertices[cells.regions[cells.point_region[len(whole) // 2]]]
    return vertices[np.argsort(np.arctan2(vertices[:, 1], vertices[:, 0]))]


def zone_faces(lattice: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of a first Brillouin zone in three dimensions each face: (the G [3] that it halves, its corners in order [m 3]), 1/Å.

    Inside is where k·G < G²/2 for all. Raises SemijaxError unless the lattice is [3 3], Å.
    """
    lattice = _checked("zone_faces", lattice)
    if lattice.shape != (3, 3):
        raise SemijaxError(f"zone_faces: lattice has shape {lattice.shape}: allowed is (3, 3)")
    from scipy.spatial import Voronoi

    points = np.array(list(itertools.product(range(-2, 3), repeat=3))) @ _reduced(reciprocal(lattice))
    cells, middle = Voronoi(points), len(points) // 2
    found = []
    for (i, j), corners in zip(cells.ridge_points, cells.ridge_vertices):
        if middle in (i, j) and -1 not in corners:
            found.append((points[j if i == middle else i], cells.vertices[corners]))
    return found


def path(points: Sequence[tuple[str, Any]], n: int) -> Path:
    """Straight lines through labelled corners [("Γ", k [d]), ("X", k [d]), ...], 1/Å, each in n equal parts.

    Raises SemijaxError for fewer than two corners, corners of unequal length or n < 1.
    """
    labels = tuple(str(label) for label, _ in points)
    corners = [np.asarray(k, dtype=np.float64) for _, k in points]
    if len(corners) < 2 or any(c.ndim != 1 or c.shape != corners[0].shape for c in corners):
        raise SemijaxError(f"path: points = {list(points)}: allowed are two or more pairs (label, k [d])")
    if int(n) != n or n < 1:
        raise SemijaxError(f"path: n = {n}: allowed is a whole number ≥ 1")
    part = np.arange(int(n))[:, None] / n
    lines = [a + part * (b - a) for a, b in itertools.pairwise(corners)]
    k = np.concatenate([*lines, corners[-1][None]])
    distance = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(k, axis=0), axis=1))])
    return Path(k, distance, tuple(range(0, len(k), int(n))), labels)


def _combined(numbers: Array, vectors: Any) -> Array:
    return jnp.sum(numbers[:, None] * jnp.asarray(vectors, numbers.dtype), axis=0)


def _reduced(vectors: np.ndarray) -> np.ndarray:
    """The same lattice spanned by vectors none of which gets shorter by adding another one (Lagrange, Gauss)."""
    vectors = vectors.copy()
    changed = True
    while changed:
        changed = False
        for i, j in itertools.permutations(range(len(vectors)), 2):
            times = np.round(vectors[i] @ vectors[j] / (vectors[j] @ vectors[j]))
            shorter = vectors[i] - times * vectors[j]
            # Only a real gain counts: ties would turn in circles by rounding.
            if shorter @ shorter < (1 - 1e-12) * (vectors[i] @ vectors[i]):
                vectors[i], changed = shorter, True
    return vectors


def _checked(where: str, lattice) -> np.ndarray:
    rows = np.asarray(lattice, dtype=np.float64)
    shape_ok = rows.ndim == 2 and 1 <= rows.shape[0] <= rows.shape[1] <= 3 and np.isfinite(rows).all()
    if not shape_ok or np.linalg.matrix_rank(rows) < rows.shape[0]:
        raise SemijaxError(f"{where}: lattice = {rows.tolist()}: allowed are p ≤ d independent rows of length d ≤ 3, in Å")
    return rows
