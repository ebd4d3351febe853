"""A launch of one tile in LLVM's language: blocks of carriers one after another, each through all frames, vector after vector.

A vector of carriers stays in registers for the steps of a frame. What the look at the end finds is kept for one block, and merged
in the order of `reduce.tree_in_tile`; in the end the blocks' parts are merged into the first. What it takes: see `kernels.parts.Plan`.
"""

from collections.abc import Iterable

import numpy as np

from semijax.engine.kernels.parts import Plan, numbers, packed
from semijax.engine.lanes import Program
from semijax.engine.llvm import call, sums
from semijax.engine.llvm.body import Body, Values
from semijax.engine.llvm.code import Code
from semijax.engine.pieces import Packed
from semijax.engine.reduce import BLOCK

IN_FLIGHT = 2  # vectors of carriers that move together: a step alone would wait for its own results half of the time


def written(plan: Plan, name: str, code: Code) -> str:
    """The module, whose function `name` takes a call of XLA's."""
    kernel = Kernel(plan, code)
    with call.handled(code, name, kernel.given, kernel.returned) as (given, returned, lanes):
        kernel.run(given, returned, lanes)
    return "\n".join([*sorted(code.declared), *code.lines]) + "\n"


class Kernel:
    """The lines of a launch."""

    def __init__(self, plan: Plan, code: Code):
        self.plan, self.code = plan, code
        self.packs = [packed(program) for program in plan.programs]
        self.given = len(plan.moving) + len(plan.fixed) + 1
        self.given += sum(len(pack.names) + len(pack.tables) for pack in self.packs)
        self.given += sum(len(program.ticks) for program in plan.programs)
        self.returned = len(plan.moving) + sum(map(len, (plan.look.dtypes, plan.look.kept, plan.look.binned)))

    def run(self, given: list[str], returned: list[str], lanes: str) -> None:
        """Writes everything."""
        code, plan, look = self.code, self.plan, self.plan.look
        rest, results = iter(given[len(plan.moving) :]), iter(returned[len(plan.moving) :])
        arrays = dict(zip(plan.moving, returned)) | dict(zip(plan.fixed, rest))
        count = code.scalar(np.int32, next(rest), "0")
        bodies = [self._body(program, pack, rest) for program, pack in zip(plan.programs, self.packs, strict=True)]
        parts, kept, binned = ([next(results) for _ in some] for some in (look.dtypes, look.kept, look.binned))
        buffers = [code.room(dtype, BLOCK) for dtype in look.dtypes]
        pairs = [(code.room(np.int32, BLOCK), code.room(dtype, BLOCK)) for _, dtype in look.binned]
        blocks = code.emit(f"udiv i64 {lanes}, {BLOCK}")
        starts = {i: code.emit(f"mul i64 {lanes}, {row.place}") for i, row in plan.rows.items()}
        with code.loop(blocks) as (block, _, _), code.loop(plan.frames) as (frame, _, _):
            first = code.emit(f"mul i64 {block}, {BLOCK}")
            with code.loop(BLOCK, step=code.lanes) as (lane, _, _):
                at = code.emit(f"add i64 {first}, {lane}")
                rows = self._went(bodies, arrays, frame, {i: code.emit(f"add i64 {x}, {at}") for i, x in starts.items()})
                place = code.emit(f"add i64 {code.emit(f'mul i64 {frame}, {lanes}')}, {at}")
                places = [
                    *((x, lane) for x in buffers),
                    *((x, place) for x in kept),
                    *((x, lane) for pair in pairs for x in pair),
                ]
                self._looked(bodies[-1], rows, frame, count, places)
            slot = code.emit(f"add i64 {code.emit(f'mul i64 {frame}, {blocks}')}, {block}")
            for dtype, part, x in zip(look.dtypes, parts, sums.in_block(code, look.merges, buffers), strict=True):
                code.keep_first(dtype, x, part, slot)
            for (size, dtype), pair, bins in zip(look.binned, pairs, binned, strict=True):
                sums.in_places(code, size, dtype, pair, code.place(dtype, bins, code.emit(f"mul i64 {slot}, {size}")))
        with code.loop(plan.frames) as (frame, _, _):
            slot = code.emit(f"mul i64 {frame}, {blocks}")
            own = [code.place(dtype, part, slot) for dtype, part in zip(look.dtypes, parts, strict=True)]
            sized = zip(look.binned, binned, strict=True)
            bins = [code.place(dtype, x, code.emit(f"mul i64 {slot}, {size}")) for (size, dtype), x in sized]
            sums.over_blocks(code, look, own, bins, blocks)

    def _went(self, bodies: list[Body], arrays: dict[int, str], frame: str, places: dict[int, str]) -> Values:
        """The rows of a vector of carriers after the steps of a frame, written back."""
        code, plan = self.code, self.plan
        rows = {i: code.load(row.dtype, arrays[row.leaf], places[i]) for i, row in plan.rows.items()}
        rows |= self._moved(bodies, rows, frame) if plan.moves.programs else {}
        for i in plan.moves.moving:
            code.store(plan.rows[i].dtype, rows[i], arrays[plan.rows[i].leaf], places[i])
        return rows

    def _body(self, program: Program, pack: Packed, arrays: Iterable[str]) -> Body:
        shared, rest = {}, iter(arrays)
        for dtype, ids in pack.names.items():
            array = next(rest)
            shared |= {i: self.code.scalar(dtype, array, str(place)) for place, i in enumerate(ids)}
        shared |= {i: next(rest) for i in pack.tables}
        return Body(program, shared, {tick.id: next(rest) for tick in program.ticks})

    def _moved(self, bodies: list[Body], rows: Values, frame: str) -> Values:
        """The rows that move after the steps of a frame."""
        plan, code, moves = self.plan, self.code, self.plan.moves
        group, fixed = moves.group(plan.length), {i: x for i, x in rows.items() if i not in moves.moving}
        still = [body.still(code, {i: x for i, x in fixed.items() if i < body.program.count}) for body in bodies[:-1]]
        begin = code.emit(f"mul i64 {frame}, {plan.length}")

        def move(body: Body, known: Values, now: Values) -> Values:
            known = known | {body.program.inputs[i].id: x for i, x in now.items()}
            return dict(zip(body.program.moving, body.of(code, body.program.moved_nodes(), known), strict=True))

        def steps(now: Values, done: str) -> Values:
            with code.loop(group, self._carried(now)) as (i, now, after):
                number = code.emit(f"add i64 {done}, {i}")
                after |= now | move(bodies[0], still[0] | bodies[0].at(code, number), now)
            return after

        now = {i: rows[i] for i in moves.moving}
        if len(moves.programs) == 1:
            return steps(now, begin)
        with code.loop(plan.length, self._carried(now), step=group) as (done, now, after):
            now = steps(now, code.emit(f"add i64 {begin}, {done}"))
            after |= now | move(bodies[1], still[1], now)
        return after

    def _carried(self, rows: Values) -> dict[int, tuple]:
        return {i: (self.plan.rows[i].dtype, x) for i, x in rows.items()}

    def _looked(self, body: Body, rows: Values, frame: str, count: str, places: list[tuple[str, str]]) -> None:
        """Keeps what a look finds in this vector of carriers; what will be added up is nothing in lanes without a carrier. places:
        (array, where in it).
        """
        code, look, program = self.code, self.plan.look, body.program
        known = body.shared | body.at(code, frame) | {program.inputs[i].id: x for i, x in rows.items() if i < program.count}
        real = code.compare("slt", np.dtype(np.int32), rows[look.number], count)
        found = body.of(code, numbers(program), known)
        found[: len(look.dtypes)] = [code.select(d, real, x, "zeroinitializer") for d, x in zip(look.dtypes, found)]
        first, nowhere = len(look.dtypes) + len(look.kept), code.const(np.int32, -1)
        found[first::2] = [code.select(np.int32, real, x, nowhere) for x in found[first::2]]
        dtypes = [*look.dtypes, *look.kept, *(d for _, dtype in look.binned for d in (np.int32, dtype))]
        for dtype, x, (array, place) in zip(dtypes, found, places, strict=True):
            code.store(dtype, x, array, place)


def lanes_of(plan: Plan, width: int) -> int:
    """Carriers in a vector: as many of the widest real number as processors of vectors of `width` bytes take."""
    sizes = [row.dtype.itemsize for row in plan.rows.values() if row.dtype.kind == "f"]
    return min(BLOCK, IN_FLIGHT * width // max(sizes))
