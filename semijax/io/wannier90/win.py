"""The small files beside a Hamiltonian: .win (cell, atoms, k-path, grid), _centres.xyz, _band.labelinfo.dat."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from semijax._types import SemijaxError
from semijax.io.text import Text

_BOHR = 0.529177210903  # Å, CODATA 2018
_UNITS = {"ang": 1.0, "angstrom": 1.0, "bohr": _BOHR}
_KEPT = ("unit_cell_cart", "atoms_frac", "atoms_cart", "kpoint_path")
_Lines = list[tuple[int, list[bytes]]]


class Corner(NamedTuple):
    """A named point of the zone: k [3], fractional."""

    label: str
    k: tuple[float, float, float]


class Label(NamedTuple):
    """A named point on a written path: the row of `_band.dat` from 0, the way so far [1/Å], k [3], fractional."""

    label: str
    row: int
    distance: float
    k: tuple[float, float, float]


class Win(NamedTuple):
    """A .win file: lattice [3 3], Å; mp_grid; symbols and atoms [m 3], fractional; path: pairs of corners; keywords: the rest, as text.

    What the file does not say is None or empty.
    """

    lattice: np.ndarray | None
    mp_grid: tuple[int, int, int] | None
    symbols: tuple[str, ...]
    atoms: np.ndarray
    path: tuple[tuple[Corner, Corner], ...]
    keywords: dict[str, str]


def read_win(prefix) -> Win:
    """`prefix`.win, or a path that ends in .win, plain or .gz; raises SemijaxError `file:line: ...`."""
    path = Path(prefix)
    text = Text(path if path.name.removesuffix(".gz").endswith(".win") else path.with_name(path.name + ".win"))
    keywords, blocks = _split(text)
    lattice = _cell(text, blocks.get("unit_cell_cart"))
    symbols, atoms = _atoms(text, blocks, lattice)
    path = tuple(_segment(text, *line) for line in blocks.get("kpoint_path", []))
    return Win(lattice, _grid(text, keywords), symbols, atoms, path, {key: value for key, (_, value) in keywords.items()})


def read_labelinfo(prefix) -> tuple[Label, ...]:
    """`prefix`_band.labelinfo.dat: the corners of the path that Wannier90 drew; raises SemijaxError `file:line: ...`."""
    path = Path(prefix)
    text = Text(path.with_name(path.name + "_band.labelinfo.dat"))
    labels = []
    for number, words in _lines(text):
        text.line = number
        if len(words) != 6 or not words[1].isdigit() or int(words[1]) < 1:
            raise text.fault(f"{len(words)} words", "a label, a row from 1, a distance and k in three numbers")
        distance, *k = (text.real(word, "a number of the path") for word in words[2:])
        labels.append(Label(_label(words[0]), int(words[1]) - 1, distance, (k[0], k[1], k[2])))
    return tuple(labels)


def read_centres(path, n: int) -> np.ndarray:
    """Centres [n 3], Å, of a `_centres.xyz`, where they are the first n lines, marked X; raises SemijaxError `file:line: ...`."""
    text = Text(path)
    count = text.whole("the number of lines")
    text.words("a comment")
    if count < n:
        raise text.fault(f"{count} lines", f"{n} or more, one for each Wannier function", 1)
    centres = []
    for _ in range(n):
        words = text.words(f"{n} centres")
        if len(words) != 4 or words[0].upper() != b"X":
            raise text.fault(f"{len(words)} words, no centre", "X and three coordinates [Å]")
        centres.append([text.real(word, "a coordinate") for word in words[1:]])
    return np.array(centres)


def _lines(text: Text) -> _Lines:
    """Lines that say something, with their numbers, comments cut off."""
    found = []
    while text.offset < len(text.data):
        words = text.words("a line")
        line = re.split(rb"[!#]", b" ".join(words))[0].split()
        found += [(text.line, line)] if line else []
    return found


def _split(text: Text) -> tuple[dict[str, tuple[int, str]], dict[str, _Lines]]:
    """Keywords with their lines, and the blocks that are kept."""
    keywords, blocks, inside, begun = {}, {}, None, 0
    for number, words in _lines(text):
        text.line, first = number, words[0].lower()
        if first in (b"begin", b"end"):
            inside = _turned(text, first, words[1:], inside, blocks)
            begun = number
        elif inside is not None:
            blocks[inside] += [(number, words)] if inside in _KEPT else []
        else:
            key, _, value = re.sub(r"\s*[=:\s]\s*", "\n", _label(b" ".join(words)), count=1).partition("\n")
            keywords[key.lower()] = (number, value.strip())
    if inside is not None:
        raise text.fault(f"{inside} has no end", f"a line `end {inside}`", begun)
    return keywords, blocks


def _turned(text: Text, first: bytes, rest: list[bytes], inside: str | None, blocks: dict[str, _Lines]) -> str | None:
    """The block inside of which the lines after a `begin` or an `end` are, None for outside."""
    name = _label(b" ".join(rest).lower())
    right = name == inside if first == b"end" else bool(name) and inside is None and name not in blocks
    if not right:
        where = "" if inside is None else f", inside of {inside}"
        raise text.fault(f"{_label(first)} {name[:24]}{where}", "each block begun and ended once, by its name")
    if first == b"end":
        return None
    blocks[name] = []
    return name


def _united(text: Text, lines: _Lines) -> tuple[float, _Lines]:
    """Å for one unit of a block whose first line may name it, and the other lines."""
    if not lines or len(lines[0][1]) != 1:
        return 1.0, lines
    text.line, unit = lines[0][0], _label(lines[0][1][0]).lower()
    if unit not in _UNITS:
        raise text.fault(f"unit {unit!r}", "ang or bohr")
    return _UNITS[unit], lines[1:]


def _cell(text: Text, lines: _Lines | None) -> np.ndarray | None:
    if lines is None:
        return None
    unit, lines = _united(text, lines)
    rows = [_vector(text, number, words) for number, words in lines]
    text.line = lines[-1][0] if lines else text.line
    if len(rows) != 3 or np.linalg.matrix_rank(np.array(rows)) < 3:
        raise text.fault(f"unit_cell_cart = {rows}", "three independent rows of three numbers")
    return unit * np.array(rows)


def _atoms(text: Text, blocks: dict[str, _Lines], lattice: np.ndarray | None) -> tuple[tuple[str, ...], np.ndarray]:
    name = "atoms_frac" if "atoms_frac" in blocks else "atoms_cart"
    unit, lines = _united(text, blocks.get(name, []))
    places = np.array([_vector(text, number, words[1:]) for number, words in lines]).reshape(-1, 3)
    if name == "atoms_cart" and lines:
        if lattice is None:
            raise text.fault("atoms_cart without unit_cell_cart", "a cell")
        places = unit * places @ np.linalg.inv(lattice)
    return tuple(_label(words[0]) for _, words in lines), places


def _segment(text: Text, number: int, words: list[bytes]) -> tuple[Corner, Corner]:
    words = b" ".join(words).replace(b",", b" ").split()
    if len(words) != 8:
        text.line = number
        raise text.fault(f"{len(words)} words of kpoint_path", "a label and k in three numbers, twice")
    first, second = (Corner(_label(part[0]), _vector(text, number, part[1:])) for part in (words[:4], words[4:]))
    return first, second


def _grid(text: Text, keywords: dict[str, tuple[int, str]]) -> tuple[int, int, int] | None:
    if "mp_grid" not in keywords:
        return None
    text.line, value = keywords["mp_grid"]
    words = value.replace(",", " ").split()
    if len(words) != 3 or not all(word.isascii() and word.isdigit() and len(word) < 9 and int(word) > 0 for word in words):
        raise text.fault(f"mp_grid = {value[:40]!r}", "three whole numbers ≥ 1")
    return int(words[0]), int(words[1]), int(words[2])


def _vector(text: Text, number: int, words: list[bytes]) -> tuple[float, float, float]:
    text.line = number
    words = b" ".join(words).replace(b",", b" ").split()
    if len(words) != 3:
        raise text.fault(f"{len(words)} words", "three numbers")
    x, y, z = (text.real(word, "a coordinate") for word in words)
    return x, y, z


def _label(word: bytes) -> str:
    return word.decode("utf-8", "replace")


def cell_of(prefix) -> np.ndarray:
    """The cell [3 3], Å, of `prefix`.win; raises SemijaxError where there is no such file or no cell in it."""
    win = read_win(prefix)
    if win.lattice is None:
        raise SemijaxError(f"{prefix}.win: no unit_cell_cart: allowed is a file with a cell, or lattice= [3 3] in Å")
    return win.lattice
