"""XML with line numbers: the elements of some paths of a file, no entities, no document types."""

from typing import NamedTuple
from xml.parsers import expat

import numpy as np

from semijax.io.text import Text, shown


class Element(NamedTuple):
    """One element: its line, attributes and text."""

    line: int
    attributes: dict[str, str]
    text: bytes


class Elements:
    """The elements of a file by their path below the root, `output/band_structure/nbnd`; names without their namespace.

    Raises SemijaxError `file:line: ...` for what is no well-formed XML.
    """

    def __init__(self, path, wanted: tuple[str, ...]):
        self.file = Text(path)
        self.found: dict[str, list[Element]] = {}
        self._wanted, self._open = frozenset(wanted), []
        self._names: list[str] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        try:
            self._parser.Parse(self.file.data, True)
        except expat.ExpatError as error:
            what = expat.errors.messages[error.code]
            raise self.file.fault(f"no well-formed XML ({what})", "a whole XML file", error.lineno) from None

    def all(self, path: str) -> list[Element]:
        """Every element of a path, in order; raises where there is none."""
        if path not in self.found:
            raise self.file.fault(f"no element {path}", "the data-file-schema.xml of a finished pw.x run", 1)
        return self.found[path]

    def one(self, path: str) -> Element:
        """The last element of a path."""
        return self.all(path)[-1]

    def reals(self, element: Element, what: str, count: int | None = None) -> np.ndarray:
        """The numbers of an element, finite, so many of them."""
        words = element.text.split()
        self.file.line = element.line
        if not words or (count is not None and len(words) != count):
            raise self.file.fault(f"{len(words)} numbers", f"{what}, {count or 'one or more'} of them")
        return np.array([self.file.real(word, what) for word in words])

    def whole(self, path: str) -> int:
        """The whole number ≥ 1 of a path."""
        element = self.one(path)
        if not element.text.strip().isdigit() or not 0 < int(element.text) < 10**9:
            raise self.file.fault(shown(element.text.strip()), f"{path}, a whole number ≥ 1", element.line)
        return int(element.text)

    def true(self, path: str) -> bool:
        """Whether an element says true; where there is none it is false."""
        return path in self.found and self.one(path).text.strip().lower() == b"true"

    def attribute(self, element: Element, name: str) -> float:
        """A finite number among an element's attributes."""
        self.file.line = element.line
        return self.file.real(element.attributes.get(name, "").encode() or b"none", f"the attribute {name}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._names.append(name.rpartition(":")[2])
        path = "/".join(self._names[1:])
        self._open.append((self._parser.CurrentLineNumber, attributes, []) if path in self._wanted else None)

    def _characters(self, text: str) -> None:
        if self._open and self._open[-1] is not None:
            self._open[-1][2].append(text)

    def _end(self, name: str) -> None:
        opened = self._open.pop()
        if opened is not None:
            line, attributes, parts = opened
            element = Element(line, attributes, "".join(parts).encode("utf-8"))
            self.found.setdefault("/".join(self._names[1:]), []).append(element)
        self._names.pop()

    def _doctype(self, *_) -> None:
        raise self.file.fault("a document type", "XML without one", self._parser.CurrentLineNumber)
