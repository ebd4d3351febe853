"""Cuts: lines through k space along which a band is drawn."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import lattice, units
from semijax._types import SemijaxError
from semijax.bands.band import Band
from semijax.plot import inputs

ZONE = "$\\pi/d$"  # the unit of k in a periodic direction
_REACH = 0.1  # 1/Å, of a cut through a band without a lattice: past the curvature of a semiconductor's valley


@dataclass(frozen=True)
class Cut:
    """Points [m d] (1/Å) along a line: `distance` [m] (1/Å) from the origin, drawn as distance/unit on an axis called `name`.

    along [d]: unit vector (None for a path of several legs). period: d in Å where k is drawn in units of π/d. edges: zone edges
    inside the cut, 1/Å. corners: (distance, name) of named points.
    """

    points: np.ndarray
    distance: np.ndarray
    name: str
    along: np.ndarray | None = None
    period: float | None = None
    edges: tuple[float, ...] = ()
    corners: tuple[tuple[float, str], ...] = ()

    @property
    def unit(self) -> float:
        """What the horizontal axis counts, 1/Å."""
        return np.pi / self.period if self.period else 1 / units.NM

    @property
    def words(self) -> str:
        """The label of the horizontal axis."""
        return f"{self.name} ({ZONE if self.period else 'nm⁻¹'})"

    def energies(self, band: Band) -> np.ndarray:
        """E [m] along the cut, eV."""
        return np.asarray(jax.jit(jax.vmap(band))(jnp.asarray(self.points)), np.float64)


def straight(where: str, band: Band, direction: Any, through: Any, span: Any, samples: int) -> Cut:
    """A straight cut along `direction` through a point: one zone of a periodic direction, or `span` = (low, high) in 1/Å."""
    d = dimension(where, band)
    along = _unit(where, direction, band, d)
    start = np.zeros(d) if through is None else inputs.numbers(where, "through", through, 1)
    half = _half_zone(band, along)
    if span is None:
        span = (-half, half) if half else (-_REACH, _REACH)
    low, high = (float(x) for x in span)
    if start.shape != (d,) or not low < high:
        raise SemijaxError(f"plot.{where}: through, span = {through!r}, {span!r}: allowed are {d} numbers and (low, high), 1/Å")
    distance = np.linspace(low, high, samples)
    axis = np.flatnonzero(np.abs(along) > 1 - 1e-9)
    if len(axis) and along[axis[0]] > 0:
        name = inputs.component("k", axis[0], d)
    else:
        indices = [f"{x:g}" for x in np.round(along / np.abs(along[along != 0]).min(), 3)]
        name = f"$k$ along [{('' if all(len(i) == 1 for i in indices) else ' ').join(indices)}]"
    points = start + distance[:, None] * along
    if half:
        count = math.floor(max(-low, high) / half * (1 + 1e-6))
        edges = tuple(s * n * half for n in range(1, count + 1, 2) for s in (-1, 1) if low < s * n * half * (1 - 1e-6) < high)
        return Cut(points, distance, name, along, np.pi / half, edges)
    return Cut(points, distance, name, along)


def path(where: str, band: Band, points: Any, samples: int) -> Cut:
    """A path through named points, {"Γ": [0, 0], ...} or [("Γ", [0, 0]), ...]: `distance` is its length."""
    d = dimension(where, band)
    pairs = list(points.items()) if hasattr(points, "items") else list(points)
    line = lattice.path(pairs, max(2, samples // max(1, len(pairs) - 1)))
    if line.k.shape[1] != d:
        raise SemijaxError(f"plot.{where}: points have {line.k.shape[1]} components: allowed is {d}, the dimension of the band")
    corners = tuple((float(line.distance[i]), name) for i, name in zip(line.corners, line.labels))
    return Cut(line.k, line.distance, "path in $k$ space", corners=corners)


def dimension(where: str, band: Band) -> int:
    """d of a band; raises SemijaxError where nothing says it."""
    if not isinstance(band, Band) or band.dimension is None:
        raise SemijaxError(f"plot.{where}: band = {band!r}: allowed is an sj.Band with a lattice or a dimension")
    return band.dimension


def _unit(where: str, direction: Any, band: Band, d: int) -> np.ndarray:
    if direction is None:
        direction = np.eye(d)[0] if band.lattice is None else np.asarray(band.reciprocal)[0]
    vector = inputs.numbers(where, "direction", direction, 1)
    length = float(np.linalg.norm(vector))
    if vector.shape != (d,) or not length > 0:
        raise SemijaxError(f"plot.{where}: direction = {direction!r}: allowed are {d} numbers, not all zero")
    return vector / length


def _half_zone(band: Band, along: np.ndarray) -> float | None:
    """π/d along a primitive reciprocal vector, 1/Å; None along other directions, where π/d says nothing."""
    if band.lattice is None:
        return None
    rows = np.asarray(band.reciprocal, np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    same = np.abs(rows @ along) > lengths * (1 - 1e-9)
    return float(lengths[same][0]) / 2 if same.any() else None
