"""Facts: the numbers of a report on a material: gaps, extrema and masses, velocities at named points, density of states, deviations."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from semijax import survey
from semijax._types import SemijaxError
from semijax.io import Points
from semijax.materials_report.given import Given
from semijax.survey.places import name_of, on_line

MESH = {2: 120, 3: 24}  # divisible by 2, 3 and 4: the special points of all lattices are among them
_BINS = 300
_WITHIN = 0.5  # eV: side valleys this far from a band edge are listed
_MOST = 6  # of them
_NEAR_LEVEL = 0.02  # eV: half the width of the window in which states at a level are counted


@dataclass(frozen=True)
class Edge:
    """An extremum of band `band`: a maximum or a minimum, and how its place is called."""

    band: int
    kind: str
    place: str
    found: survey.Extremum


@dataclass(frozen=True)
class Named:
    """Energies [n], eV, and velocities [n d], Å/fs, at a named point k [d], fractional."""

    label: str
    k: np.ndarray
    energies: np.ndarray
    velocities: np.ndarray


@dataclass(frozen=True)
class Deviation:
    """H(R) less another program's bands at its own k, which begin with its band `first`; rms in eV.

    frozen: of all energies below the top of the frozen window, None where none is known; rms [n]: of each band, there alone if it is
    known, NaN for none; all: of everything, bands too that other bands cross and H(R) has not.
    """

    name: str
    first: int
    k: int
    all: float
    frozen: float | None
    rms: np.ndarray


@dataclass(frozen=True)
class Facts:
    """All numbers of one report; `ranges` [n 2]: lowest and highest energy of each band on the mesh, eV."""

    points: int
    symmetry: survey.Symmetry
    energies: np.ndarray
    ranges: np.ndarray
    filling: survey.Filling | None
    direct: survey.Gap | None
    direct_place: str
    edges: tuple[Edge, ...]
    named: tuple[Named, ...]
    density: survey.Density
    at_level: float | None
    deviations: tuple[Deviation, ...]

    @property
    def indirect(self) -> float | None:
        """The lowest minimum above less the highest maximum below, eV: negative where they overlap; None for a metal."""
        outer = {edge.kind: edge.found.energy for edge in reversed(self.edges)}
        return None if self.direct is None else outer["minimum"] - outer["maximum"]

    @property
    def shown(self) -> tuple[int, ...]:
        """The bands that matter: those about the gap or across the level, else all."""
        bands = tuple(sorted({edge.band for edge in self.edges}))
        return bands or tuple(range(len(self.ranges)))


def facts(given: Given, mesh: int | None = None) -> Facts:
    """Computes them, on `mesh` points along each reciprocal vector; raises SemijaxError for a mesh that is none."""
    matrices, level = given.matrices, given.level
    points = MESH[matrices.dimension] if mesh is None else mesh
    if points < 4:
        raise SemijaxError(f"--mesh {points}: allowed is a whole number ≥ 4")
    try:
        energies = matrices.mesh(points)
    except SemijaxError as error:
        raise SemijaxError(f"--{error}") from None
    of = survey.symmetry(matrices)
    flat = energies.reshape(-1, matrices.count)
    ranges = np.stack([flat.min(axis=0), flat.max(axis=0)], axis=1)
    filled = None if level is None else survey.filling(energies, level, matrices.reciprocal)
    whole = None if filled is None else filled.whole
    direct = None if whole is None else survey.direct_gap(matrices, energies, whole, of)
    margin = 0.02 * np.ptp(flat)
    bins = np.linspace(flat.min() - margin, flat.max() + margin, _BINS + 1)
    return Facts(
        points=points,
        symmetry=of,
        energies=given.matrices.energies(given.line.k),
        ranges=ranges,
        filling=filled,
        direct=direct,
        direct_place="" if direct is None else name_of(direct.k, given.line, of),
        edges=tuple(_edges(given, energies, ranges, whole, of)),
        named=tuple(_named(given)),
        density=survey.density_of_states(energies, bins, matrices.reciprocal),
        at_level=None if level is None else _at_level(energies, level, matrices.reciprocal),
        deviations=tuple(_deviation(given, one) for one in given.points),
    )


def placed(given: Given, found: Facts, points: Points) -> tuple[np.ndarray, np.ndarray]:
    """(distance [q], 1/Å, energies [q bands]) of those points whose k, or one the same by symmetry, lies on the path."""
    distance, rows = [], []
    for k, row in zip(points.k[:, : given.matrices.dimension], points.energies):
        for leg, part in on_line(k, given.line, found.symmetry):
            distance.append(given.line.at(leg, part))
            rows.append(row)
    return np.array(distance), np.array(rows).reshape(len(distance), points.energies.shape[1])


def _edges(given: Given, mesh: np.ndarray, ranges: np.ndarray, whole: int | None, of: survey.Symmetry) -> list[Edge]:
    if whole is not None:
        wanted, within = [(whole - 1, -1), (whole, 1)], _WITHIN
    else:
        level = given.level
        bands = [i for i, (low, high) in enumerate(ranges) if level is None or low < level < high]
        wanted, within = [(i, sign) for i in bands for sign in (-1, 1)], 0.0
    found = []
    for band, sign in wanted:
        for one in survey.extrema(given.matrices, mesh, band, sign, of, within)[:_MOST]:
            kind = "minimum" if sign > 0 else "maximum"
            found.append(Edge(band, kind, name_of(one.k, given.line, of), one))
    return found


def _named(given: Given) -> list[Named]:
    corners: dict[str, Any] = {}
    for leg in given.line.legs:
        for label, k in zip(leg.labels, (leg.start, leg.end)):
            corners.setdefault(label, np.array(k))
    energies = given.matrices.energies(np.array(list(corners.values())))
    return [Named(label, k, e, given.matrices.velocities(k)) for (label, k), e in zip(corners.items(), energies)]


def _at_level(mesh: np.ndarray, level: float, reciprocal: np.ndarray) -> float:
    """States per eV and cell at the level, spin not counted: the mean over a window of 40 meV."""
    window = [level - _NEAR_LEVEL, level + _NEAR_LEVEL]
    return float(survey.density_of_states(mesh, window, reciprocal).states[0])


def _deviation(given: Given, points: Points) -> Deviation:
    """Of the bands that fit best among the other program's, which may have lower ones that were left out."""
    own = given.matrices.energies(points.k[:, : given.matrices.dimension])
    n, more = own.shape[1], points.energies.shape[1] - own.shape[1]
    differences = [own - points.energies[:, i : i + n] for i in range(more + 1)]
    first = int(np.argmin([np.median(np.abs(difference)) for difference in differences]))
    squares, theirs = differences[first] ** 2, points.energies[:, first : first + n]
    below = np.ones_like(theirs, bool) if given.frozen is None else theirs < given.frozen
    counts = below.sum(axis=0)
    each = np.where(counts > 0, np.sqrt((squares * below).sum(axis=0) / np.maximum(counts, 1)), np.nan)
    frozen = float(np.sqrt(squares[below].mean())) if given.frozen is not None and below.any() else None
    return Deviation(points.name, first, len(own), float(np.sqrt(squares.mean())), frozen, each)
