"""Neighbours in a table: read for every carrier in one stretch instead of number by number."""

from collections.abc import Iterable

from semijax.engine.lanes.graph import Node
from semijax.engine.llvm.code import Code

_STRETCH = 16  # bytes, which every processor that has vectors reads at once


class Stretches:
    """Which of some lookups stand side by side, 16 bytes of real numbers from one place on."""

    def __init__(self, nodes: Iterable[Node], lanes: int):
        self.of: dict[int, tuple[Node, ...]] = {}
        self._starts: dict[int, list[str]] = {}  # of a place
        places: dict[tuple[int, int], dict[int, Node]] = {}
        for node in nodes:
            if node.op == "lookup" and node.dtype.kind == "f" and lanes % (_STRETCH // node.dtype.itemsize) == 0:
                places.setdefault((node.args[0].id, node.args[1].id), {})[node.attr] = node
        for some in places.values():
            self._cut(some)

    def _cut(self, some: dict[int, Node]) -> None:
        for first, node in sorted(some.items()):
            beside = [some.get(first + i) for i in range(_STRETCH // node.dtype.itemsize)]
            stretch = tuple(one for one in beside if one is not None and one.id not in self.of)
            if len(stretch) == len(beside):
                self.of |= {one.id: stretch for one in stretch}

    def read(self, code: Code, node: Node, names: dict[int, str]) -> dict[int, str]:
        """The values of all that stand in the stretch of a node."""
        stretch, (table, place) = self.of[node.id], node.args
        if place.id not in self._starts:
            self._starts[place.id] = code.each(place.dtype, names[place.id])
        start = code.place(node.dtype, names[table.id], str(stretch[0].attr))
        rows = [code.piece(node.dtype, start, each, len(stretch)) for each in self._starts[place.id]]
        return dict(zip((one.id for one in stretch), _turned(code, node.dtype, rows, len(stretch)), strict=True))


def _turned(code: Code, dtype, pieces: list[str], m: int) -> list[str]:
    """m vectors of lanes from pieces of m numbers, one for each lane: m × m transpositions side by side, each within 16 bytes.

    Interleaving the first half of the rows with the second turns one bit of the position into one of the row; log2(m) times.
    """
    rows = [code.joined(dtype, pieces[i::m], m) for i in range(m)]
    half = m // 2
    for _ in range(half.bit_length()):
        rows = [x for a, b in zip(rows[:half], rows[half:], strict=True) for x in code.interleaved(dtype, a, b, m)]
    return rows
