"""Paths: lines through named points of the zone, from symmetry (seekpath), a .win or a written path, and the points on them."""

import importlib
import itertools
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from semijax._types import SemijaxError

_GREEK = {"G": "Γ", "GAMMA": "Γ", "GM": "Γ", "SIGMA": "Σ", "DELTA": "Δ", "LAMBDA": "Λ"}
_SAME = 1e-5  # of fractional coordinates with six decimals


class Leg(NamedTuple):
    """A straight line between two named points, fractional [d]."""

    labels: tuple[str, str]
    start: tuple[float, ...]
    end: tuple[float, ...]


class Line(NamedTuple):
    """Points on legs: k [m d], fractional; distance [m], 1/Å; leg [m]: which one; ticks: (distance, label), Γ or U|K at a jump."""

    legs: tuple[Leg, ...]
    k: np.ndarray
    distance: np.ndarray
    leg: np.ndarray
    ticks: tuple[tuple[float, str], ...]
    starts: np.ndarray
    lengths: np.ndarray

    @property
    def words(self) -> str:
        """Γ–X–U|K–Γ."""
        return "–".join(label for _, label in self.ticks)

    def at(self, leg: int, part: float) -> float:
        """The distance, 1/Å, of a part of the way along a leg."""
        return float(self.starts[leg] + part * self.lengths[leg])


def line(legs: Sequence[Leg], reciprocal: np.ndarray, points: int = 300) -> Line:
    """About `points` points, evenly spaced, along legs in a zone of reciprocal vectors [d d], 1/Å; ends of legs are always among them."""
    ends = [(np.asarray(leg.start), np.asarray(leg.end)) for leg in legs]
    lengths = np.array([np.linalg.norm((b - a) @ reciprocal) for a, b in ends])
    if not len(ends) or not lengths.min() > 0:
        raise SemijaxError("path: a leg of no length: allowed are legs between different points")
    counts = np.maximum(2, np.ceil(points * lengths / lengths.sum()).astype(int) + 1)
    starts = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    parts = [np.linspace(0, 1, n) for n in counts]
    k = np.concatenate([a + part[:, None] * (b - a) for (a, b), part in zip(ends, parts)])
    distance = np.concatenate([start + part * length for start, length, part in zip(starts, lengths, parts)])
    leg = np.repeat(np.arange(len(legs)), counts)
    return Line(tuple(legs), k, distance, leg, _ticks(legs, starts, lengths), starts, lengths)


def labelled(label: str) -> str:
    """A name as it is drawn: Γ for G and GAMMA."""
    return _GREEK.get(label.upper(), label.replace("_", ""))


def of_pairs(pairs, dimension: int) -> list[Leg]:
    """Legs of the pairs of corners (label, k [3]) of a .win; of a layer those within its plane."""
    legs = [Leg((labelled(a.label), labelled(b.label)), tuple(a.k[:dimension]), tuple(b.k[:dimension])) for a, b in pairs]
    flat = [dimension == 3 or (abs(a.k[2]) < _SAME and abs(b.k[2]) < _SAME) for a, b in pairs]
    return [leg for leg, within in zip(legs, flat) if within and leg.start != leg.end]


def of_labels(labels, dimension: int) -> list[Leg]:
    """Legs of the labels (label, row, distance, k [3]) of a written path; neighbouring rows at one distance are a jump."""
    pairs = [(a, b) for a, b in itertools.pairwise(labels) if b.distance - a.distance > _SAME]
    return of_pairs(pairs, dimension)


def standard_path(lattice: np.ndarray, symbols: Sequence[str], atoms: np.ndarray, dimension: int) -> list[Leg] | None:
    """The path of Hinuma et al. for a crystal, in the reciprocal vectors of `lattice` [3 3], Å; None without seekpath and spglib.

    Of a layer the legs within its plane. Raises SemijaxError where they find no symmetry. Source: Comput. Mater. Sci. 128, 140 (2017),
    doi:10.1016/j.commatsci.2016.10.015.
    """
    try:
        seekpath = importlib.import_module("seekpath")
    except ImportError:
        return None
    numbers = [sorted(set(symbols)).index(symbol) + 1 for symbol in symbols]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = seekpath.get_path_orig_cell((np.asarray(lattice), np.asarray(atoms), numbers), with_time_reversal=True)
    except Exception as error:  # spglib and seekpath raise their own kinds
        said = " ".join(str(error).split())[:120]
        raise SemijaxError(f"path: seekpath: {said}: allowed is a crystal whose symmetry it finds, or --path win") from None
    corners = {label: np.asarray(k) for label, k in found["point_coords"].items()}
    legs = []
    for a, b in found["path"]:
        if dimension == 3 or (abs(corners[a][2]) < _SAME and abs(corners[b][2]) < _SAME):
            start, end = (tuple(float(x) for x in corners[label][:dimension]) for label in (a, b))
            legs.append(Leg((labelled(a), labelled(b)), start, end))
    return legs


def _ticks(legs: Sequence[Leg], starts: np.ndarray, lengths: np.ndarray) -> tuple[tuple[float, str], ...]:
    ticks = [(0.0, legs[0].labels[0])]
    for i, leg in enumerate(legs):
        label = leg.labels[1]
        if i + 1 < len(legs):
            following = legs[i + 1]
            joined = np.abs(np.subtract(following.start, leg.end)).max() < _SAME
            label = label if joined or following.labels[0] == label else f"{label}|{following.labels[0]}"
        ticks.append((float(starts[i] + lengths[i]), label))
    return tuple(ticks)
