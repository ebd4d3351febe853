"""The source of a kernel: carriers through frames of steps, one thread each, looked at after every frame.

What it takes: see `kernels.parts.Plan`.
"""

from typing import Any

import numpy as np

from semijax.engine.cuda.expressions import PREAMBLE, TYPES, expression, literal
from semijax.engine.kernels.guarded import Guarded, arranged
from semijax.engine.kernels.parts import Look, Merge, Plan, Row, numbers, shared_by_all
from semijax.engine.lanes import Program
from semijax.engine.lanes.graph import Node
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.lanes.rows import needed
from semijax.engine.lanes.scalars import Complex
from semijax.engine.reduce import BLOCK

ROOM = 40_000  # bytes of shared memory that the halving tree may take
UNROLL, UNROLLED = 4, 2_000  # steps written one after another; operations that they may have together


class Body:
    """Lines of CUDA C that compute what is wanted of a program, and the names of the values."""

    def __init__(self, program: Program, wanted: list, letter: str, inputs: dict[int, str], shared: dict[int, str]):
        self.names = {program.inputs[i].id: name for i, name in inputs.items()} | shared
        self.lines: list[str] = []
        self.letter, self.program = letter, program
        wanted = [x for x in wanted if isinstance(x, Node)]
        for item in arranged(needed(program.order, wanted, set(self.names)), wanted):
            if isinstance(item, Guarded):
                self._guarded(item)
            else:
                self._node(item, f"const {kind(item.dtype)} ")

    def _node(self, node: Node, declared: str) -> None:
        value = expression(node, self.names, self.program.implied)
        self.names[node.id] = f"{self.letter}{node.id}"
        self.lines.append(f"{declared}{self.letter}{node.id} = {value};")

    def _guarded(self, block: Guarded) -> None:
        """What only some carriers need, if this one does."""
        results = {node.id for node in block.results}
        self.lines += [f"{kind(node.dtype)} {self.letter}{node.id} = 0;" for node in block.results]
        self.lines.append(f"if ({'' if block.value else '!'}{self.of(block.condition)}) {{")
        for node in block.nodes:
            self._node(node, "" if node.id in results else f"const {kind(node.dtype)} ")
        self.lines.append("}")

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
    """Names of what all carriers share, the lines that load and make them, and the parameters they come from, one for each dtype."""
    pack, made = shared_by_all(program)
    names, lines, parameters = {}, [], []
    for number, (dtype, ids) in enumerate(pack.names.items()):
        array = f"shared_{letter}{number}"
        parameters.append(f"const {kind(dtype)}* __restrict__ {array}")
        for place, i in enumerate(ids):
            names[i] = f"{letter}{i}"
            lines.append(f"const {kind(dtype)} {letter}{i} = {array}[{place}];")
    for i, table in pack.tables.items():
        names[i] = f"table_{letter}{i}"
        parameters.append(f"const {kind(table.dtype)}* __restrict__ {names[i]}")
    for node in made:
        lines.append(f"const {kind(node.dtype)} {letter}{node.id} = {expression(node, names, program.implied)};")
        names[node.id] = f"{letter}{node.id}"
    return names, lines, parameters


class Frame:
    """The pieces of a kernel: parameters, the lines that load them, and the bodies of step, settling and look with their clocks."""

    def __init__(self, plan: Plan):
        look, rows, moving = plan.look, plan.rows, plan.moves.moving
        self.parameters = [f"const {kind(dtype)}* in{i}" for i, dtype in plan.moving.items()]
        self.parameters += [f"const {kind(dtype)}* __restrict__ in{i}" for i, dtype in plan.fixed.items()]
        self.parameters.append("const int* __restrict__ counted")
        self.loads = ["const int count = counted[0];"]
        self.loads += [
            f"{'' if i in moving else 'const '}{kind(row.dtype)} x{i} = {_place(row, 'in')};" for i, row in rows.items()
        ]
        self.bodies: list[Body] = []
        self.times: list[list[tuple[str, str, str]]] = []  # of each body: type, name of the value, array
        for letter, program in zip(["a", "b"][: len(plan.programs) - 1] + ["c"], plan.programs):
            self._add(letter, program, numbers(program) if program is look.program else program.moved_nodes(), rows)
        self.parameters += [f"{kind(dtype)}* out{i}" for i, dtype in plan.moving.items()]
        self.parameters += [f"{kind(dtype)}* part{i}" for i, dtype in enumerate(look.dtypes)]
        self.parameters += [f"{kind(dtype)}* kept{i}" for i, (dtype, _) in enumerate(look.kept)]

    def _add(self, letter: str, program: Program, wanted: list, rows: dict[int, Row]) -> None:
        names, lines, arrays = shared_names(program, letter)
        self.times.append([(kind(tick.dtype), f"{letter}{tick.id}", f"clock_{letter}{tick.id}") for tick in program.ticks])
        names |= {tick.id: f"{letter}{tick.id}" for tick in program.ticks}
        self.bodies.append(Body(program, wanted, letter, {i: f"x{i}" for i in rows if i < program.count}, names))
        self.loads += lines
        self.parameters += arrays + [f"const {word}* __restrict__ {array}" for word, _, array in self.times[-1]]


def written(plan: Plan) -> str:
    """The source."""
    moves, look, rows = plan.moves, plan.look, plan.rows
    if sum(max(4, dtype.itemsize) for dtype in look.dtypes) * BLOCK // 2 > ROOM:
        raise Unsupported("so many sums")
    if plan.unit > 1:
        raise ValueError(f"units of {plan.unit} blocks")  # each block of threads merges its own
    if look.binned:
        raise Unsupported("numbers that add up in places of their own")  # in which order, no two runs would agree
    frame = Frame(plan)
    lines = [
        *(_merging(merge, number) for number, merge in enumerate(look.merges)),
        f'extern "C" __global__ void __launch_bounds__({BLOCK}) carriers({", ".join(frame.parameters)}) {{',
        "const int lane = threadIdx.x, block = blockIdx.x, blocks = gridDim.x;",
        f"const long long lanes = (long long)blocks * {BLOCK}, at = (long long)block * {BLOCK} + lane;",
        *frame.loads,
        "#pragma unroll 1",
        f"for (int frame = 0; frame < {plan.frames}; frame++) {{",
        *(_stepped(plan, frame) if moves.programs else []),
        *_looked(look, frame.bodies[-1], frame.times[-1]),
        "}",
        *(f"{_place(rows[i], 'out')} = x{i};" for i in moves.moving),
        "}",
    ]
    return PREAMBLE + "\n".join(lines) + "\n"


def _place(row: Row, name: str) -> str:
    """Where the number of this thread's carrier is."""
    return f"{name}{row.leaf}[{row.place} * lanes + at]"


def _stepped(plan: Plan, frame: Frame) -> list[str]:
    """Lines of the steps of a frame, and of settling after each group."""
    moves, length = plan.moves, plan.length
    return [
        "#pragma unroll 1",
        f"for (int done = 0; done < {length}; done += {moves.group(length)}) {{",
        f"#pragma unroll {UNROLL if UNROLL * len(moves.programs[0].order) <= UNROLLED else 1}",
        f"for (int i = 0; i < {moves.group(length)}; i++) {{",
        *_moved(moves.programs[0], frame.bodies[0], frame.times[0], f"frame * {length} + done + i"),
        "}",
        *(["{", *_moved(moves.programs[1], frame.bodies[1], [], ""), "}"] if len(moves.programs) > 1 else []),
        "}",
    ]


def _moved(program: Program, body: Body, times: list, number: str) -> list[str]:
    """Lines of one step: everything computed, then the rows changed."""
    lines = [f"const {word} {name} = {array}[{number}];" for word, name, array in times] + body.lines
    changed = dict(zip(program.moving, program.moved_nodes(), strict=True))
    lines += [f"const {kind(node.dtype)} new_x{i} = {body.of(node)};" for i, node in changed.items()]
    return lines + [f"x{i} = new_x{i};" for i in changed]


def _looked(look: Look, body: Body, times: list) -> list[str]:
    """Lines of one look: numbers of every lane, nothing for lanes without a carrier, merged in the order of `reduce.tree_in_tile`."""
    words, every = [_wide(dtype) for dtype in look.dtypes], range(len(look.dtypes))
    calls = "".join(
        f"merge{number}({', '.join(f'{letter}{i}' for letter in 'pq' for i in range(m.first, m.first + m.width))}); "
        for number, m in enumerate(look.merges)
    )
    found = [body.of(x) for x in numbers(look.program)]
    values = (f"{w} p{i} = real ? ({w})({x}) : ({w})0;" for i, (w, x) in enumerate(zip(words, found)))
    kept = (
        f"if (at < {room}) kept{i}[(long long)frame * {room} + at] = {x};"
        for i, ((_, room), x) in enumerate(zip(look.kept, found[len(words) :], strict=True))
    )
    return [
        "{",
        *(f"const {word} {name} = {array}[frame];" for word, name, array in times),
        *body.lines,
        f"const bool real = x{look.number} < count;",
        *kept,
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
