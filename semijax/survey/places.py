"""Places: which k are the same by the symmetry of the bands, and where a k lies on a path of named points."""

import itertools
from typing import NamedTuple

import numpy as np

from semijax.survey.local import Matrices
from semijax.survey.paths import Line

# Energies of equal k differ by what Wannier functions break of the symmetry: a few meV where bands are disentangled. At a k of no
# symmetry, other k on the star of the lattice alone differ by a good part of the band width.
_ALIKE = 0.02
_TESTED = 4  # places of no symmetry at which operations are tried
_NEAR = 1e-4  # of a fractional coordinate: written with six or eight decimals


class Symmetry(NamedTuple):
    """Operations k → k @ operation, int [m d d], of fractional k, that leave the energies of all bands as they are."""

    operations: np.ndarray

    def star(self, k) -> np.ndarray:
        """The distinct k [m d] that are the same as k by symmetry, in [−½, ½), k's own cell first."""
        images = np.asarray(k, np.float64) @ self.operations
        images = _folded(images)
        found = [images[0]]
        for image in images[1:]:
            if all(np.abs(_folded(image - other)).max() > _NEAR for other in found):
                found.append(image)
        return np.array(found)

    def same(self, k, other) -> bool:
        """Whether two k are the same by symmetry."""
        return bool((np.abs(_folded(np.asarray(k) @ self.operations - np.asarray(other))).max(axis=-1) < _NEAR).any())


def symmetry(matrices: Matrices) -> Symmetry:
    """The symmetry of a model's bands: operations of its lattice, tried on the energies."""
    d, b = matrices.dimension, matrices.reciprocal
    metric = b @ b.T
    entries = np.array(list(itertools.product((-1, 0, 1), repeat=d * d))).reshape(-1, d, d)
    kept = np.abs(entries @ metric @ entries.swapaxes(1, 2) - metric).max(axis=(1, 2)) < 1e-5 * np.abs(metric).max()
    operations = entries[kept]
    k = (0.5 + np.arange(_TESTED * d).reshape(_TESTED, d)) * (5**0.5 - 1) / 2 % 1  # no two components commensurate
    own = matrices.energies(k)
    images = np.einsum("pd,mde->mpe", k, operations)
    theirs = matrices.energies(images.reshape(-1, d)).reshape(len(operations), _TESTED, -1)
    alike = np.abs(theirs - own).mean(axis=(1, 2)) < _ALIKE
    operations = operations[alike]
    identity = np.eye(d, dtype=int)
    return Symmetry(np.array([identity, *(o for o in operations if not (o == identity).all())]))


def on_line(k, line: Line, of: Symmetry) -> list[tuple[int, float]]:
    """Where k, or a k that is the same, lies on the legs of a path: (leg, part of the way along it); [] for nowhere."""
    images = of.star(k)
    places = []
    for i, leg in enumerate(line.legs):
        start, way = np.asarray(leg.start), np.asarray(leg.end) - np.asarray(leg.start)
        shifts = np.array(list(itertools.product(range(-2, 3), repeat=len(way))))
        from_start = (images[:, None, :] + shifts[None] - start).reshape(-1, len(way))
        along = from_start @ way / (way @ way)
        off = np.abs(from_start - along[:, None] * way).max(axis=1)
        on = along[(off < _NEAR) & (along > -_NEAR) & (along < 1 + _NEAR)]
        distinct = np.unique(np.round(on, 4))
        places += [(i, float(x)) for x in distinct]
    return places


def name_of(k, line: Line, of: Symmetry) -> str:
    """A k in words: X, or 0.842 Γ–X, or its fractional coordinates where no leg passes it."""
    for i, part in on_line(k, line, of):
        leg = line.legs[i]
        near = {0: leg.labels[0], 1: leg.labels[1]}
        for end, label in near.items():
            if abs(part - end) < 10 * _NEAR:
                return label
        return f"{part:.3f} {leg.labels[0]}–{leg.labels[1]}" if leg.labels[0] == "Γ" else _reversed(part, leg)
    return "(" + ", ".join(f"{x:.4f}" for x in k) + ")"


def _reversed(part: float, leg) -> str:
    first, last = leg.labels
    return f"{1 - part:.3f} {last}–{first}" if last == "Γ" else f"{part:.3f} {first}–{last}"


def _folded(k: np.ndarray) -> np.ndarray:
    return k - np.round(k)
