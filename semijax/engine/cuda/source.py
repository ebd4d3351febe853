"""The source of a kernel: carriers through frames of steps, one thread each, looked at after every frame if wanted.

extern "C" kernel `carriers`: parameters are arrays with rows that move, arrays with fixed rows, what all carriers share, the clocks,
then the outputs: the arrays that moved (the same memory), and the parts of blocks of 256 carriers, [frames blocks] for each of
their numbers.
"""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from semijax.engine.cuda.expressions import PREAMBLE, TYPES, expression, literal
from semijax.engine.lanes import Program
from semijax.engine.lanes.graph import Node
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.lanes.rows import needed
from semijax.engine.lanes.scalars import Complex
from semijax.engine.pieces import Packed
from semijax.engine.reduce import BLOCK

ROOM = 40_000  # bytes of shared memory that the halving tree may take
UNROLL, UNROLLED = 4, 2_000  # steps written one after another; operations that they may have together


@dataclass(frozen=True)
class Row:
    """Where one of a carrier's numbers is: row `place` of array number `leaf`, [... lanes]."""

    dtype: np.dtype
    leaf: int
    place: int

    def of(self, name: str) -> str:
        """The number of this thread's carrier."""
        return f"{name}{self.leaf}[{self.place} * lanes + at]"


@dataclass(frozen=True)
class Merge:
    """How one recorder's parts of two lanes become one: its program, and which numbers of a look it merges."""

    program: Program
    first: int

    @property
    def width(self) -> int:
        """Numbers in a part."""
        return self.program.count // 2


@dataclass(frozen=True)
class Look:
    """What a frame looks at: the program of one carrier, whose outputs are numbers to merge, and the merges; number: the row that
    has the carriers' own numbers.
    """

    program: Program
    merges: tuple[Merge, ...]
    number: int

    @property
    def dtypes(self) -> list[np.dtype]:
        """Of all numbers that are merged."""
        return [merge.program.inputs[i].dtype for merge in self.merges for i in range(merge.width)]


class Body:
    """Lines of CUDA C that compute what is wanted of a program, and the names of the values."""

    def __init__(self, program: Program, wanted: list, letter: str, inputs: dict[int, str], shared: dict[int, str]):
        self.names = {program.inputs[i].id: name for i, name in inputs.items()} | shared
        self.lines: list[str] = []
        for node in needed(program.order, [x for x in wanted if isinstance(x, Node)], set(self.names)):
            self.names[node.id] = f"{letter}{node.id}"
            value = expression(node, self.names, program.implied)
            self.lines.append(f"const {kind(node.dtype)} {letter}{node.id} = {value};")

    def of(self, x: Any) -> str:
        """A value that the program returns."""
        if isinstance(x, Complex):
            raise Unsupported("complex")
        if isinstance(x, Node):
            return self.names[x.id] if x.id in self.names else literal(x)
        raise Unsupported(f"a {type(x).__name__}")


def kind(dtype) -> str:
    """The type of CUDA C; raises Unsupported for one that kernels do not have."""
    if np.dtype(dtype) not in TYPES:
        raise Unsupported(f"{np.dtype(dtype)}")
    return TYPES[np.dtype(dtype)]


def shared_names(program: Program, letter: str) -> tuple[dict[int, str], list[str], list[str]]:
    """Names of what all carriers share, the lines that load them, and the parameters they come from, one for each dtype."""
    packed = Packed(program.needed())
    if packed.tables:
        raise Unsupported("a table")
    names, lines, parameters = {}, [], []
    for number, (dtype, ids) in enumerate(packed.names.items()):
        array = f"shared_{letter}{number}"
        parameters.append(f"const {kind(dtype)}* __restrict__ {array}")
        for place, i in enumerate(ids):
            names[i] = f"{letter}{i}"
            lines.append(f"const {kind(dtype)} {letter}{i} = {array}[{place}];")
    return names, lines, parameters


class Frame:
    """The pieces of a kernel: parameters, the lines that load them, and the bodies of step, settling and look with their clocks."""

    def __init__(self, moves, look: Look, rows: dict[int, Row]):
        self.moving = leaves(rows, moves.moving)
        fixed = {i: dtype for i, dtype in leaves(rows, rows).items() if i not in self.moving}
        self.parameters = [f"const {kind(dtype)}* in{i}" for i, dtype in self.moving.items()]
        self.parameters += [f"const {kind(dtype)}* __restrict__ in{i}" for i, dtype in fixed.items()]
        self.loads = [
            f"{'' if i in moves.moving else 'const '}{kind(row.dtype)} x{i} = {row.of('in')};" for i, row in rows.items()
        ]
        self.bodies: list[Body] = []
        self.times: list[list[tuple[str, str, str]]] = []  # of each body: type, name of the value, array
        for letter, program in zip(["a", "b"][: len(moves.programs)] + ["c"], [*moves.programs, look.program]):
            self._add(letter, program, numbers(program) if program is look.program else program.moved_nodes(), rows)
        self.parameters += [f"{kind(dtype)}* out{i}" for i, dtype in self.moving.items()]
        self.parameters += [f"{kind(dtype)}* part{i}" for i, dtype in enumerate(look.dtypes)]

    def _add(self, letter: str, program: Program, wanted: list, rows: dict[int, Row]) -> None:
        names, lines, arrays = shared_names(program, letter)
        self.times.append([(kind(tick.dtype), f"{letter}{tick.id}", f"clock_{letter}{tick.id}") for tick in program.ticks])
        names |= {tick.id: f"{letter}{tick.id}" for tick in program.ticks}
        self.bodies.append(Body(program, wanted, letter, {i: f"x{i}" for i in rows if i < program.count}, names))
        self.loads += lines
        self.parameters += arrays + [f"const {word}* __restrict__ {array}" for word, _, array in self.times[-1]]


def written(moves, look: Look, rows: dict[int, Row], frames: int, length: int, count: int) -> str:
    """The source. moves: see `engine.steps.Moves`. rows: those that are read or move, by number. length: steps of a frame. count:
    carriers in all; the looks leave out lanes beyond the last.
    """
    if sum(max(4, dtype.itemsize) for dtype in look.dtypes) * BLOCK // 2 > ROOM:
        raise Unsupported("so many sums")
    frame = Frame(moves, look, rows)
    lines = [
        *(_merging(merge, number) for number, merge in enumerate(look.merges)),
        f'extern "C" __global__ void __launch_bounds__({BLOCK}) carriers({", ".join(frame.parameters)}) {{',
        "const int lane = threadIdx.x, block = blockIdx.x, blocks = gridDim.x;",
        f"const long long lanes = (long long)blocks * {BLOCK}, at = (long long)block * {BLOCK} + lane;",
        *frame.loads,
        "#pragma unroll 1",
        f"for (int frame = 0; frame < {frames}; frame++) {{",
        "#pragma unroll 1",
        f"for (int done = 0; done < {length}; done += {moves.group(length)}) {{",
        f"#pragma unroll {UNROLL if UNROLL * len(moves.programs[0].order) <= UNROLLED else 1}",
        f"for (int i = 0; i < {moves.group(length)}; i++) {{",
        *_moved(moves.programs[0], frame.bodies[0], frame.times[0], f"frame * {length} + done + i"),
        "}",
        *(["{", *_moved(moves.programs[1], frame.bodies[1], [], ""), "}"] if len(moves.programs) > 1 else []),
        "}",
        *_looked(look, frame.bodies[-1], frame.times[-1], count),
        "}",
        *(f"{rows[i].of('out')} = x{i};" for i in moves.moving),
        "}",
    ]
    return PREAMBLE + "\n".join(lines) + "\n"


def leaves(rows: dict[int, Row], some) -> dict[int, np.dtype]:
    """The arrays that hold some of the rows, by number, and their dtypes."""
    return dict(sorted({rows[i].leaf: rows[i].dtype for i in some}.items()))


def _moved(program: Program, body: Body, times: list, number: str) -> list[str]:
    """Lines of one step: everything computed, then the rows changed."""
    lines = [f"const {word} {name} = {array}[{number}];" for word, name, array in times] + body.lines
    changed = dict(zip(program.moving, program.moved_nodes(), strict=True))
    lines += [f"const {kind(node.dtype)} new_x{i} = {body.of(node)};" for i, node in changed.items()]
    return lines + [f"x{i} = new_x{i};" for i in changed]


def _looked(look: Look, body: Body, times: list, count: int) -> list[str]:
    """Lines of one look: numbers of every lane, nothing for lanes without a carrier, merged in the order of `reduce.tree_in_tile`."""
    words, every = [_wide(dtype) for dtype in look.dtypes], range(len(look.dtypes))
    calls = "".join(
        f"merge{number}({', '.join(f'{letter}{i}' for letter in 'pq' for i in range(m.first, m.first + m.width))}); "
        for number, m in enumerate(look.merges)
    )
    values = (f"{w} p{i} = real ? ({w})({body.of(x)}) : ({w})0;" for i, (w, x) in enumerate(zip(words, numbers(look.program))))
    return [
        "{",
        *(f"const {word} {name} = {array}[frame];" for word, name, array in times),
        *body.lines,
        f"const bool real = x{look.number} < {count};",
        *values,
        f"__shared__ struct {{ {''.join(f'{w} s{i}[{BLOCK // 2}]; ' for i, w in enumerate(words))}}} upper;",
        "#pragma unroll 1",
        f"for (int width = {BLOCK // 2}; width >= 32; width /= 2) {{",
        "  __syncthreads();",
        f"  if (lane >= width && lane < 2 * width) {{ {''.join(f'upper.s{i}[lane - width] = p{i}; ' for i in every)}}}",
        "  __syncthreads();",
        f"  if (lane < width) {{ {''.join(f'const {w} q{i} = upper.s{i}[lane]; ' for i, w in enumerate(words))}{calls}}}",
        "}",
        "if (lane < 32) {",
        "#pragma unroll 1",
        "  for (int width = 16; width > 0; width /= 2) {",
        *(f"    const {w} q{i} = __shfl_down_sync(0xffffffffu, p{i}, width);" for i, w in enumerate(words)),
        f"    {calls}",
        "  }",
        f"  if (lane == 0) {{ {''.join(f'part{i}[frame * blocks + block] = p{i}; ' for i in every)}}}",
        "}",
        "}",
    ]


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


def _merging(merge: Merge, number: int) -> str:
    """The function that merges the part `q` of another lane into the part `p`."""
    width = merge.width
    dtypes = [merge.program.inputs[i].dtype for i in range(width)]
    if merge.program.needed():
        raise Unsupported("sums with parameters")
    inputs = {i: f"p{i}" for i in range(width)} | {width + i: f"q{i}" for i in range(width)}
    wanted = numbers(merge.program)
    body = Body(merge.program, wanted, "m", inputs, {})
    results = [body.of(x) for x in wanted]
    parameters = [f"{_wide(d)}& p{i}" for i, d in enumerate(dtypes)] + [f"const {_wide(d)} q{i}" for i, d in enumerate(dtypes)]
    lines = [*body.lines, *(f"const {_wide(d)} r{i} = {r};" for i, (d, r) in enumerate(zip(dtypes, results, strict=True)))]
    lines += [f"p{i} = r{i};" for i in range(width)]
    return f"__device__ __forceinline__ void merge{number}({', '.join(parameters)}) {{\n  " + "\n  ".join(lines) + "\n}\n"


def _wide(dtype) -> str:
    """The type in which a number travels between lanes."""
    return "int" if np.dtype(dtype) == bool else kind(dtype)


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
