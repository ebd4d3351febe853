"""What a kernel is made of: steps, the look at the end of a frame, and how the looks of many carriers merge."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from semijax.engine.lanes import Program
from semijax.engine.lanes.graph import Node
from semijax.engine.pieces import Packed
from semijax.engine.steps import Moves


@dataclass(frozen=True)
class Row:
    """Where one of a carrier's numbers is: row `place` of array number `leaf`, [... lanes]."""

    dtype: np.dtype
    leaf: int
    place: int


@dataclass(frozen=True)
class Merge:
    """How one recorder's parts of two lanes become one: its program, and which numbers of a look it merges."""

    program: Program
    first: int

    @property
    def width(self) -> int:
        """Numbers in a part."""
        return self.program.count // 2

    @property
    def dtypes(self) -> list[np.dtype]:
        """Of the numbers of a part."""
        return [node.dtype for node in self.program.inputs[: self.width]]


@dataclass(frozen=True)
class Look:
    """What a frame looks at: the program of one carrier, whose outputs are numbers to merge, and the merges; then numbers that are kept
    of the first carriers, and of each its dtype and how many have room; then pairs (place, number) of what adds up in places of its
    own, and how many of which dtype there are. number: the row that has the carriers' own numbers.
    """

    program: Program
    merges: tuple[Merge, ...]
    kept: tuple[tuple[np.dtype, int], ...]
    binned: tuple[tuple[int, np.dtype], ...]
    number: int

    @property
    def dtypes(self) -> list[np.dtype]:
        """Of all numbers that are merged."""
        return [dtype for merge in self.merges for dtype in merge.dtypes]


@dataclass(frozen=True)
class Plan:
    """A launch of one tile. rows: those that are read or move, by number. length: steps of a frame. blocks: of 256 carriers, in the tile.
    unit: blocks whose parts the kernel merges, a power of two.

    A kernel takes arrays with rows that move, arrays with fixed rows, how many carriers there are in all (the looks leave out lanes beyond
    the last) and how many blocks in a unit (int32 [2]), and for each program what all carriers share, its tables and its clock. It
    returns the arrays that moved, in the same memory, and what the looks find: for each number that is merged [frames units]; for
    each that is kept [frames room]; for each that adds up in places [frames units places].
    """

    moves: Moves
    look: Look
    rows: dict[int, Row]
    frames: int
    length: int
    blocks: int
    unit: int = 1

    @property
    def units(self) -> int:
        """How many there are; the last may have fewer blocks."""
        return -(-self.blocks // self.unit)

    @property
    def programs(self) -> tuple[Program, ...]:
        """Of a step, of settling where there is something to settle, and of the look."""
        return (*self.moves.programs, self.look.program)

    @property
    def moving(self) -> dict[int, np.dtype]:
        """The arrays that hold rows that move, by number, and their dtypes."""
        return leaves(self.rows, self.moves.moving)

    @property
    def fixed(self) -> dict[int, np.dtype]:
        """The other arrays."""
        return {i: dtype for i, dtype in leaves(self.rows, self.rows).items() if i not in self.moving}


def leaves(rows: dict[int, Row], some) -> dict[int, np.dtype]:
    """The arrays that hold some of the rows, by number, and their dtypes."""
    return dict(sorted({rows[i].leaf: rows[i].dtype for i in some}.items()))


_PLAIN = {"add", "sub", "mul", "div", "neg"}


def shared_by_all(program: Program) -> tuple[Packed, list[Node]]:
    """What a kernel is given of what all carriers share, and what it makes of that before anything else, arguments first: plain
    arithmetic, each piece of which XLA would compile, and a GPU launch, by itself.
    """
    nodes = {node.id: node for node in program.order}
    given: set[int] = set()
    made: set[int] = set()
    stack = list(program.needed())
    while stack:
        node = nodes[stack.pop()]
        if node.id in given or node.id in made:
            continue
        plain = node.op in _PLAIN and node.dtype.kind == "f" and all(a.is_const or a.id in program.shared for a in node.args)
        (made if plain else given).add(node.id)
        stack += [a.id for a in node.args if plain and not a.is_const]
    return Packed({i: program.shared[i] for i in sorted(given)}), [node for node in program.order if node.id in made]


def numbers(program: Program) -> list:
    """All numbers that a program returns, output by output."""
    graph, found = program.graph, []
    for out in program.outputs:
        if isinstance(out, np.ndarray):
            found += list(out.flat)
        else:
            array = np.asarray(out.array)
            found += [graph.const(x, array.dtype) for x in array.flat]
    return found


def shape(out) -> tuple[int, ...]:
    """The shape of one output of a program."""
    return out.shape if isinstance(out, np.ndarray) else np.shape(out.array)


def dtype(out) -> np.dtype:
    """The dtype of one output of a program."""
    return next(iter(out.flat)).dtype if isinstance(out, np.ndarray) else np.asarray(out.array).dtype


def leaves_of(program: Program, flat: list) -> list:
    """The program's outputs [shape ...] from their numbers [...], which are in the order of `numbers`."""
    place, found = 0, []
    for out in program.outputs:
        size = int(np.prod(shape(out), dtype=int))
        own = flat[place : place + size]
        found.append(jnp.stack(own).reshape(*shape(out), *own[0].shape) if shape(out) else own[0])
        place += size
    return found
