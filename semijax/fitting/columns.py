"""Columns: numbers of a text file or of a .npz, by number, heading or name, in the units inside."""

import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from semijax import quantities
from semijax._types import SemijaxError
from semijax.io.text import Text
from semijax.schema import words
from semijax.schema.fitting import Column

_INVERSE = re.compile(r"^1 ?/")  # a unit such as 1/angstrom
_NUMBER, _UNIT = re.compile(r'"[\d.e]+ '), re.compile('"/')  # of a quantity, "0.1 / nm", as an example its unit, "1 / nm"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, RuntimeError, MemoryError, OSError)


class File:
    """A file of data, read once: arrays by name, or a table with columns by heading and number."""

    def __init__(self, path: Path):
        self.path = path
        self.arrays: dict[str, np.ndarray] = {}
        self.table, self.headings = np.zeros((0, 0)), []
        if path.suffix == ".npz":
            self.arrays = _arrays(path)
        else:
            self.table, self.headings = _table(path)

    def numbers(self, key: str, column: Column) -> np.ndarray:
        """The numbers of a column [n], or of several [n m], as they stand. Raises SemijaxError, naming `key`."""
        wanted = column.column if isinstance(column.column, list) else [column.column]
        found = [self._one(key, name) for name in wanted]
        if isinstance(column.column, list):
            lengths = {x.shape for x in found}
            if len(lengths) > 1 or found[0].ndim != 1:
                raise SemijaxError(f"{key} = {words.shown(column.column)}: allowed are columns of one length")
            return np.stack(found, axis=1)
        return found[0]

    def _one(self, key: str, name: Any) -> np.ndarray:
        if self.arrays:
            if name in self.arrays:
                return self.arrays[name]
            raise SemijaxError(f"{key} = {words.shown(name)}: {words.one_of(self.arrays, name)}, the arrays of {self.path.name}")
        if isinstance(name, str) and name in self.headings:
            return self.table[:, self.headings.index(name)]
        if isinstance(name, int) and 1 <= name <= self.table.shape[1]:
            return self.table[:, name - 1]
        headings = f", or {', '.join(self.headings)}" if self.headings else ""
        allowed = f"allowed are 1 to {self.table.shape[1]}{headings}, the columns of {self.path.name}"
        raise SemijaxError(f"{key} = {words.shown(name)}: {allowed}")


def quantity(file: File, key: str, column: Column, *kinds: str) -> np.ndarray:
    """The numbers of a column in the unit inside of one of `kinds`, or the one quantity for all. Raises SemijaxError, naming `key`."""
    if column.column is None:
        try:
            return np.asarray(quantities.internal(column.constant, *kinds))
        except ValueError as error:
            raise SemijaxError(words.line([key], column.constant, str(error))) from None
    return file.numbers(f"{key}.column", column) * factor(key, column, *kinds)


def factor(key: str, column: Column, *kinds: str) -> float:
    """What one of the column's unit is inside."""
    unit = column.unit or ""
    try:
        if unit == "1" and "number" in kinds:
            return 1.0
        return quantities.internal(f"1 {_INVERSE.sub('/', unit)}" if unit != "1" else "1 1", *kinds)
    except ValueError as error:
        allowed = str(error).replace("allowed is ", "allowed is the unit of ")
        raise SemijaxError(words.line([f"{key}.unit"], unit, _UNIT.sub('"1 /', _NUMBER.sub('"', allowed)))) from None


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: np.asarray(file[name]) for name in file.files}
    except _DAMAGE as error:
        what = " ".join(str(error).split())[:100]
        raise SemijaxError(f"{path.name}: cannot be read ({what}): allowed is a .npz of numbers") from None


def _table(path: Path) -> tuple[np.ndarray, list[str]]:
    """The rows of numbers, and the headings: the words of the first line, behind # or not, if they are no numbers."""
    text = Text(path)
    lines = [(i, line) for i, line in enumerate(text.data.decode("utf-8", "replace").splitlines(), 1) if line.strip()]
    if not lines:
        raise SemijaxError(f"{text.name}: empty: allowed are rows of numbers")
    headings = _words(lines[0][1].lstrip("# \t"))
    if any(_number(word) is not None for word in headings):
        headings = []
    rows = [(i, _words(line)) for i, line in lines if not line.lstrip().startswith("#")]
    rows = rows[1:] if headings and not lines[0][1].lstrip().startswith("#") else rows
    if not rows:
        raise SemijaxError(f"{text.name}: no rows of numbers: allowed is at least one")
    found = []
    for i, row in rows:
        numbers = [_number(word) for word in row]
        if None in numbers or len(row) != len(rows[0][1]):
            what = f"{len(row)} columns" if None not in numbers else words.shown(row[numbers.index(None)])
            raise SemijaxError(f"{text.name}:{i}: {what}: allowed are {len(rows[0][1])} numbers, as in the first row")
        found.append(numbers)
    return np.array(found, np.float64), headings if len(headings) == len(rows[0][1]) else []


def _words(line: str) -> list[str]:
    return [word.strip() for word in line.split(",")] if "," in line else line.split()


def _number(word: str) -> float | None:
    try:
        return float(word) if "_" not in word else None
    except ValueError:
        return None
