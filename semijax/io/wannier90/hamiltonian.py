"""_tb.dat and _hr.dat of Wannier90: H(R), its weights and the matrix elements of position, as the files have them."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from semijax.io.text import Text

_FARTHEST = 99999  # of a component of R: Wannier90 prints five digits


class Blocks(NamedTuple):
    """What one file says, weights and replicas not yet put in.

    translations: int [R 3]; ndegen: int [R]; hopping: complex [R n n], eV; positions: complex [R n n 3], Å, or None; lattice: [3 3], Å,
    or None; name: of the file.
    """

    translations: np.ndarray
    ndegen: np.ndarray
    hopping: np.ndarray
    positions: np.ndarray | None
    lattice: np.ndarray | None
    name: str


def read_tb(path) -> Blocks:
    """A `_tb.dat`: lattice, H(R) with eight digits and, where they follow, positions; raises SemijaxError `file:line: ...`."""
    text = Text(path)
    text.words("a comment")
    lattice = np.array([text.reals(3, "a lattice vector [Å]") for _ in range(3)])
    if np.linalg.matrix_rank(lattice) < 3:
        raise text.fault(f"lattice vectors {lattice.tolist()}", "three independent ones")
    n, count, ndegen = _header(text, lambda n, count: count * (3 + 4 * n * n))
    values, energies = text.numbers(), count * (3 + 4 * n * n)
    if len(values) not in (energies, energies + count * (3 + 8 * n * n)):
        pattern = itertools.chain(*(_lines(count, n, width) for width in ((4,) if len(values) < energies else (4, 8))))
        raise text.miscounted(pattern)
    translations, hopping = _blocks(text, values[:energies], 0, count, n, 4)
    _distinct(text, translations, lambda r: r * (3 + 4 * n * n))
    if len(values) == energies:
        return Blocks(translations, ndegen, _complex(hopping)[..., 0], None, lattice, text.name)
    again, positions = _blocks(text, values[energies:], energies, count, n, 8)
    differs = (again != translations).any(axis=1)
    if differs.any():
        r = int(np.argmax(differs))
        line, _ = text.at(energies + r * (3 + 8 * n * n))
        raise text.fault(f"R = {_row(again[r])}", f"R = {_row(translations[r])}, in the order of the energies", line)
    return Blocks(translations, ndegen, _complex(hopping)[..., 0], _complex(positions), lattice, text.name)


def read_hr(path) -> Blocks:
    """A `_hr.dat`: H(R) with six decimals; no lattice, no positions; raises SemijaxError `file:line: ...`."""
    text = Text(path)
    text.words("a comment")
    n, count, ndegen = _header(text, lambda n, count: count * 7 * n * n)
    values = text.numbers()
    if len(values) != count * 7 * n * n:
        raise text.miscounted(itertools.repeat((7, "R a b Re H Im H"), count * n * n))
    rows = values.reshape(count, n * n, 7)
    translations = _whole(text, rows[..., :3], lambda r, p, c: (r * n * n + p) * 7 + c, -_FARTHEST, _FARTHEST)
    moved = (translations != translations[:, :1]).any(axis=2)
    if moved.any():
        r, p = np.argwhere(moved)[0]
        line, _ = text.at((r * n * n + p) * 7)
        what = f"R = {_row(translations[r, p])} after {p} lines of R = {_row(translations[r, 0])}"
        raise text.fault(what, f"{n * n} lines together", line)
    _distinct(text, translations[:, 0], lambda r: r * n * n * 7)
    hopping = _placed(text, rows[..., 3:], n, lambda r, p, c: (r * n * n + p) * 7 + 3 + c)
    return Blocks(translations[:, 0], ndegen, _complex(hopping)[..., 0], None, None, text.name)


def _header(text: Text, size: Callable) -> tuple[int, int, np.ndarray]:
    """num_wann, nrpts and ndegen [nrpts]; refused before anything is stored where the file cannot hold them."""
    n, count = text.whole("num_wann"), text.whole("nrpts")
    text.room(count + size(n, count))
    return n, count, text.wholes(count, "ndegen")


def _lines(count: int, n: int, width: int):
    """What stands on every line that is not blank, of one kind of blocks."""
    what = "a b Re H Im H" if width == 4 else "a b and the complex x y z"
    return (line for _ in range(count) for line in itertools.chain([(3, "R")], itertools.repeat((width, what), n * n)))


def _blocks(text: Text, values: np.ndarray, first: int, count: int, n: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """R [count 3] and what stands after a, b [count n n width−2], of blocks of one line R and n² lines; `first` word of the rest."""
    size = 3 + n * n * width
    rows = values.reshape(count, size)
    translations = _whole(text, rows[:, None, :3], lambda r, p, c: first + r * size + c, -_FARTHEST, _FARTHEST)[:, 0]
    body = rows[:, 3:].reshape(count, n * n, width)
    return translations, _placed(text, body, n, lambda r, p, c: first + r * size + 3 + p * width + c)


def _placed(text: Text, body: np.ndarray, n: int, index: Callable) -> np.ndarray:
    """Lines (a, b, numbers) [count n² 2+m], in any order, as [count n n m]; `index` tells which word of the rest an element is."""
    a, b = np.moveaxis(_whole(text, body[..., :2], index, 1, n), 2, 0) - 1
    place = a * n + b
    once = (np.sort(place, axis=1) == np.arange(n * n)).all(axis=1)
    if not once.all():
        r = int(np.argmin(once))
        first = np.unique(place[r], return_index=True)[1]
        p = int(np.setdiff1d(np.arange(n * n), first)[0])
        line, _ = text.at(index(r, p, 0))
        raise text.fault(f"a, b = {a[r, p] + 1} {b[r, p] + 1} a second time for one R", "each pair once", line)
    placed = np.empty_like(body[..., 2:])
    placed[np.arange(len(body))[:, None], place] = body[..., 2:]
    return placed.reshape(len(body), n, n, -1)


def _whole(text: Text, values: np.ndarray, index: Callable, least: int, most: int) -> np.ndarray:
    """Values [count p c] as integers; raises for one that is none or lies outside."""
    good = (values >= least) & (values <= most) & (values == np.rint(values))
    if not good.all():
        line, word = text.at(index(*(int(i) for i in np.argwhere(~good)[0])))
        raise text.fault(word.decode("ascii", "replace"), f"a whole number from {least} to {most}", line)
    return values.astype(np.int64)


def _distinct(text: Text, translations: np.ndarray, index: Callable) -> None:
    first = np.unique(translations, axis=0, return_index=True)[1]
    if len(first) < len(translations):
        r = int(np.setdiff1d(np.arange(len(translations)), first)[0])
        raise text.fault(f"R = {_row(translations[r])} a second time", "each R once", text.at(index(r))[0])


def _complex(pairs: np.ndarray) -> np.ndarray:
    """(Re, Im, Re, Im, ...) [... 2m] as complex [... m]."""
    return pairs[..., 0::2] + 1j * pairs[..., 1::2]


def _row(numbers: np.ndarray) -> str:
    return " ".join(str(int(x)) for x in numbers)
