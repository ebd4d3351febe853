"""Replicas: the lattice translations R + T that carry the matrix element ⟨0a|H|Rb⟩, from _wsvec.dat or from the functions' centres."""

import itertools
import math
from typing import NamedTuple

import numpy as np

from semijax.io.text import Text

_TIE = 1e-5  # Å, Wannier90's ws_distance_tol: distances that differ by less are equal
_SEARCH = 2  # supercells tried around the one that the coordinates name, in each direction, as Wannier90's ws_search_size
_FARTHEST = 99999


class Replicas(NamedTuple):
    """One line for each replica: which R [m], a [m], b [m] it is of, T [m 3], and the share 1/n_ws [m]."""

    row: np.ndarray
    a: np.ndarray
    b: np.ndarray
    shift: np.ndarray
    share: np.ndarray


def alone(count: int, n: int) -> Replicas:
    """Every matrix element at its own R."""
    row, a, b = (x.ravel() for x in np.meshgrid(np.arange(count), np.arange(n), np.arange(n), indexing="ij"))
    return Replicas(row, a, b, np.zeros((len(row), 3), np.int64), np.ones(len(row)))


def read_wsvec(path, translations: np.ndarray, n: int) -> Replicas:
    """A `_wsvec.dat` for R [count 3] and n functions: for each (R, a, b) how many T and which; raises SemijaxError `file:line: ...`."""
    text = Text(path)
    if text.data.lstrip()[:1] in (b"#", b"!"):
        text.words("a comment")
    values = text.numbers()
    if not ((values == np.rint(values)) & (np.abs(values) <= _FARTHEST)).all():
        bad = int(np.argmax((values != np.rint(values)) | (np.abs(values) > _FARTHEST)))
        line, word = text.at(bad)
        raise text.fault(word.decode("ascii", "replace"), f"a whole number from −{_FARTHEST} to {_FARTHEST}", line)
    whole = values.astype(np.int64)
    begins, counts = _records(text, whole, len(translations) * n * n, n)
    heads = whole[begins[:, None] + np.arange(5)]
    order = {tuple(R): r for r, R in enumerate(translations.tolist())}
    row = np.array([order.get(tuple(R), -1) for R in heads[:, :3].tolist()])
    a, b = heads[:, 3] - 1, heads[:, 4] - 1
    if (row < 0).any():
        i = int(np.argmin(row))
        raise text.fault(f"R = {_words(heads[i, :3])}", "an R of the Hamiltonian", text.at(int(begins[i]))[0])
    first = np.unique((row * n + a) * n + b, return_index=True)[1]
    if len(first) < len(row):
        i = int(np.setdiff1d(np.arange(len(row)), first)[0])
        raise text.fault(f"R a b = {_words(heads[i])} a second time", "each once", text.at(int(begins[i]))[0])
    which = np.repeat(np.arange(len(row)), counts)
    within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    shift = whole[(begins[which] + 6 + 3 * within)[:, None] + np.arange(3)]
    return Replicas(row[which], a[which], b[which], shift, 1.0 / counts[which])


def nearest(translations: np.ndarray, lattice: np.ndarray, centres: np.ndarray, grid) -> Replicas:
    """For every R [count 3] and pair of functions the T, in periods of the supercell `grid` [3], that bring |R + T + t_b − t_a| to its
    least; equally near ones share.

    Source: Pizzi et al., J. Phys.: Condens. Matter 32, 165902 (2020), section 4.2 (use_ws_distance).
    """
    period = np.asarray(grid)[:, None] * lattice
    tries = np.array(list(itertools.product(range(-_SEARCH, _SEARCH + 1), repeat=3)))
    moves = tries @ period
    parts = []
    for a, b in itertools.product(range(len(centres)), repeat=2):
        apart = translations @ lattice + (centres[b] - centres[a])
        home = -np.rint(apart @ np.linalg.inv(period)).astype(np.int64)
        distance = np.linalg.norm((apart + home @ period)[:, None] + moves, axis=2)
        row, which = np.nonzero(distance < distance.min(axis=1, keepdims=True) + _TIE)
        share = 1.0 / np.bincount(row, minlength=len(translations))[row]
        parts.append((row, np.full_like(row, a), np.full_like(row, b), (home[row] + tries[which]) * np.asarray(grid), share))
    return Replicas(*(np.concatenate(columns) for columns in zip(*parts)))


def fits(translations: np.ndarray, ndegen: np.ndarray, grid) -> bool:
    """Whether R with weights 1/ndegen stand for every point of a k grid once, as Wannier90's do."""
    weight, size = 1.0 / ndegen, math.prod(int(x) for x in grid)
    if abs(weight.sum() - size) > 1e-6 * size:
        return False
    i, j, k = np.mod(translations, grid).T
    return bool(np.allclose(np.bincount((i * grid[1] + j) * grid[2] + k, weight, size), 1.0, atol=1e-6))


def grid_of(translations: np.ndarray, ndegen: np.ndarray) -> tuple[int, int, int] | None:
    """The one k grid that R with weights 1/ndegen can come from; None where no grid or more than one fits."""
    size = round(float((1.0 / ndegen).sum()))
    found = [
        (i, j, size // (i * j))
        for i in range(1, size + 1)
        if size % i == 0
        for j in range(1, size // i + 1)
        if (size // i) % j == 0 and fits(translations, ndegen, (i, j, size // (i * j)))
    ]
    return found[0] if len(found) == 1 else None


def _records(text: Text, whole: np.ndarray, count: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each record begins and how many T it has; raises unless `count` records fill the file."""
    begins, counts, here, words = [], [], 0, whole.tolist()
    while here + 6 <= len(words):
        _, _, _, a, b, many = words[here : here + 6]
        if not (1 <= a <= n and 1 <= b <= n and many >= 1):
            what = f"R a b = {_words(whole[here : here + 5])} with {many} replicas"
            raise text.fault(what, f"a and b from 1 to {n}, with one or more", text.at(here)[0])
        begins.append(here)
        counts.append(many)
        here += 6 + 3 * many
    if here != len(words) or len(begins) != count:
        what = f"the file ends within record {len(begins) or 1}" if here != len(words) else f"{len(begins)} records of R a b"
        raise text.fault(what, f"{count} of them, each with its number of T and as many T", text.at(len(words) - 1)[0])
    return np.array(begins), np.array(counts)


def _words(numbers: np.ndarray) -> str:
    return " ".join(str(int(x)) for x in numbers)
