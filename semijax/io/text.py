"""Text files of numbers, plain or .gz, read from the top; every fault names the file and the line."""

import re
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from semijax._types import SemijaxError

_WORD = re.compile(rb"\S+")
_NO_LETTER = re.compile(rb"(\d)([+-]\d{3})$")  # Fortran drops the E of a three-digit exponent: 0.12-100
_TO_E = bytes.maketrans(b"dD", b"ee")
# Columns of numbers deflate to a tenth or a twentieth; what inflates a thousandfold is no such file.
_MOST_INFLATED = 200


def existing(path) -> Path | None:
    """`path` itself or `path`.gz, whichever is there, the plain one first."""
    path = Path(path)
    return next((one for one in (path, path.with_name(path.name + ".gz")) if one.is_file()), None)


class Text:
    """A file and how far it has been read: `offset` in bytes, `line` of the line last read, from 1.

    Raises SemijaxError for a file that is missing, cannot be opened, is damaged or is not text.
    """

    def __init__(self, path):
        found = existing(path)
        if found is None:
            raise SemijaxError(f"{path}: no such file: allowed is {Path(path).name}, plain or .gz")
        self.name, self.offset, self.line = str(found), 0, 0
        try:
            content = found.read_bytes()
        except OSError as error:
            raise SemijaxError(f"{found}: {error.strerror}: allowed is a file that can be read") from None
        self.data = _inflated(self.name, content) if content[:2] == b"\x1f\x8b" else content
        if b"\0" in self.data:
            line = self.data.count(b"\n", 0, self.data.index(b"\0")) + 1
            raise self.fault("a byte 0, so it is not text", "a text file, plain or .gz", line)

    def fault(self, what: str, allowed: str, line: int | None = None) -> SemijaxError:
        """The error `file:line: what: allowed is ...`, for the line last read or the one named."""
        return SemijaxError(f"{self.name}:{line or self.line}: {what}: allowed is {allowed}")

    def words(self, what: str) -> list[bytes]:
        """The words of the next line, which should hold `what`; raises at the end of the file."""
        if self.offset >= len(self.data):
            raise self.fault(f"the file ends before {what}", f"a file with {what}", self.line or 1)
        end = self.data.find(b"\n", self.offset)
        end = len(self.data) if end < 0 else end
        line, self.offset, self.line = self.data[self.offset : end], end + 1, self.line + 1
        return line.split()

    def reals(self, count: int, what: str) -> list[float]:
        """`count` numbers, the whole of the next line."""
        words = self.words(what)
        if len(words) != count:
            raise self.fault(f"{len(words)} words", f"{what}, {count} numbers")
        return [self.real(word, what) for word in words]

    def real(self, word: bytes, what: str) -> float:
        """One finite number as Fortran or anyone else prints it."""
        value = _real(word)
        if value is None or not np.isfinite(value):
            raise self.fault(f"{shown(word)} for {what}", "a finite number")
        return value

    def whole(self, what: str, least: int = 1) -> int:
        """The whole number that begins the next line; a word that is no number may follow it (`4 !num_wann`)."""
        words = self.words(what)
        if not words or not words[0].isdigit() or len(words[0]) > 9 or int(words[0]) < least:
            raise self.fault(f"{shown(b' '.join(words))} for {what}", f"a whole number ≥ {least}")
        if len(words) > 1 and _real(words[1]) is not None:
            raise self.fault(f"{shown(b' '.join(words))} for {what}", "one number")
        return int(words[0])

    def wholes(self, count: int, what: str) -> np.ndarray:
        """`count` whole numbers ≥ 1 from as many lines as hold them; more on the last line are not read, as in Fortran."""
        found: list[int] = []
        while len(found) < count:
            for word in self.words(what)[: count - len(found)]:
                if not word.isdigit() or len(word) > 9 or int(word) < 1:
                    raise self.fault(f"{shown(word)} for {what}", f"{count} whole numbers ≥ 1")
                found.append(int(word))
        return np.array(found)

    def room(self, numbers: int) -> None:
        """Raises unless the rest of the file can hold so many numbers, of one character and a space each, before any is stored."""
        left = len(self.data) - self.offset
        if 2 * numbers - 1 > left:
            raise self.fault(
                f"the header asks for {numbers} numbers, the file has {max(left, 0)} bytes more", "a file as long as it says"
            )

    def numbers(self, end: int | None = None) -> np.ndarray:
        """All numbers of the rest, or up to byte `end`, to which the file is then read; raises for ****, NaN and infinity."""
        body = self.data[self.offset : end]
        try:
            if b"_" in body:
                raise ValueError  # Python reads 1_000, no file does
            values = np.array(list(map(float, body.split())), dtype=np.float64)
        except ValueError:
            values = self._one_by_one(body)
        if not np.isfinite(values).all():
            line, word = self.at(int(np.argmin(np.isfinite(values))))
            raise self.fault(shown(word), "a finite number", line)
        if end is not None:
            self.line, self.offset = self.line + body.count(b"\n"), end
        return values

    def at(self, index: int) -> tuple[int, bytes]:
        """Line and text of word `index` of the rest."""
        for i, found in enumerate(_WORD.finditer(self.data, self.offset)):
            if i == index:
                return self.data.count(b"\n", 0, found.start()) + 1, found.group()
        return self.data.count(b"\n") + 1, b""

    def miscounted(self, pattern: Iterable[tuple[int, str]]) -> SemijaxError:
        """The first line of the rest that does not have as many words as `pattern` says of one line after another that is not blank."""
        pattern, last = iter(pattern), self.line
        for number, line in enumerate(self.data[self.offset :].split(b"\n"), self.line + 1):
            words = len(line.split())
            if words == 0:
                continue
            expected, what = next(pattern, (0, "the end of the file, of which the header tells"))
            if words != expected:
                return self.fault(
                    f"{words} word{'s' * (words != 1)}", f"{what}{f', {expected} numbers' * (expected > 0)}", number
                )
            last = number
        missing = next(pattern, (0, "no more"))[1]
        return self.fault("the file ends here, truncated", f"another line, with {missing}", last)

    def _one_by_one(self, body: bytes) -> np.ndarray:
        values = [_real(word) for word in body.split()]
        if None in values:
            line, word = self.at(values.index(None))
            raise self.fault(shown(word), "a number", line)
        return np.array(values, dtype=np.float64)


def shown(word: bytes) -> str:
    """A word as it can stand in a message."""
    return repr(word if len(word) <= 24 else word[:21] + b"...")[1:]


def _real(word: bytes) -> float | None:
    """A number as Fortran prints it (1.0D-3, 0.12-100); None for anything else."""
    if b"_" in word:
        return None
    for spelling in (word, word.translate(_TO_E), _NO_LETTER.sub(rb"\1e\2", word)):
        try:
            return float(spelling)
        except ValueError:
            continue
    return None


def _inflated(name: str, content: bytes) -> bytes:
    """The text of gzip members one after another, never more than `_MOST_INFLATED` times as much."""
    parts, left = [], _MOST_INFLATED * len(content) + (1 << 20)
    try:
        while content:
            stream = zlib.decompressobj(wbits=31)
            parts.append(stream.decompress(content, left))
            left -= len(parts[-1])
            if left <= 0 or not stream.eof:
                what = f"inflates to more than {_MOST_INFLATED} times its size" if left <= 0 else "gzip data end early, truncated"
                raise SemijaxError(f"{name}:1: {what}: allowed is a whole .gz of columns of numbers")
            content = stream.unused_data
    except zlib.error as error:
        raise SemijaxError(f"{name}:1: damaged gzip data ({error}): allowed is a whole .gz") from None
    return b"".join(parts)
