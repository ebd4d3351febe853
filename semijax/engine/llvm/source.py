"""A launch of one tile in LLVM's language: blocks of carriers one after another, each through all frames, vector after vector.

A vector of carriers stays in registers for the steps of a frame. What the look at the end finds is kept for one block, and merged
in the order of `reduce.tree_in_tile`; the blocks of a unit are merged as they come. What it takes: see `kernels.parts.Plan`.
"""

from collections.abc import Iterable

import numpy as np

from semijax.engine.kernels.parts import Plan, numbers, shared_by_all
from semijax.engine.lanes import Program
from semijax.engine.lanes.graph import Node
from semijax.engine.llvm.body import Body, Values
from semijax.engine.llvm.call import Arrays, Handler
from semijax.engine.llvm.code import Code
from semijax.engine.llvm.sums import Sums, over_units
from semijax.engine.llvm.words import value
from semijax.engine.pieces import Packed
from semijax.engine.reduce import BLOCK

IN_FLIGHT = 2  # vectors of carriers that move together: a step alone would wait for its own results half of the time


def written(plan: Plan, name: str, code: Code, threads: int) -> str:
    """The module, whose function `name` takes a call of XLA's. Beside what the plan says it fills arrays that are of no use outside: see
    `Sums.room`.
    """
    counted = len(plan.moving) + len(plan.fixed)

    def units(given: list[str], lanes: str) -> str:
        return _units(code, lanes, _unit(code, given[counted]))

    handler = Handler(code, name, units, threads)
    kernel = Kernel(plan, handler)
    handler.written(kernel.given, kernel.returned, kernel.run, kernel.end)
    return "\n".join([*sorted(code.declared), *code.lines]) + "\n"


class Kernel:
    """The lines of a launch."""

    def __init__(self, plan: Plan, handler: Handler):
        self.plan, self.handler, self.code = plan, handler, handler.code
        self.shared = [shared_by_all(program) for program in plan.programs]
        self.given = len(plan.moving) + len(plan.fixed) + 1
        self.given += sum(len(pack.names) + len(pack.tables) for pack, _ in self.shared)
        self.given += sum(len(program.ticks) for program in plan.programs)
        self.returned = len(plan.moving) + 2 * (len(plan.look.dtypes) + len(plan.look.binned)) + len(plan.look.kept)

    def run(self, call: Arrays) -> None:
        """Writes what a thread does."""
        code, plan, look, lanes = self.code, self.plan, self.plan.look, call.lanes
        rest, results = iter(call.given[len(plan.moving) :]), iter(call.returned[len(plan.moving) :])
        arrays = dict(zip(plan.moving, call.returned)) | dict(zip(plan.fixed, rest))
        counted = next(rest)
        count, of_unit = code.scalar(np.int32, counted, "0"), _unit(code, counted)
        bodies = [self._body(program, *shared, rest) for program, shared in zip(plan.programs, self.shared, strict=True)]
        parts, kept, binned = ([next(results) for _ in some] for some in (look.dtypes, look.kept, look.binned))
        blocks, units = code.emit(f"udiv i64 {lanes}, {BLOCK}"), _units(code, lanes, of_unit)
        sums = Sums(code, plan, self.handler.threads, call.thread, parts, binned, list(results))
        starts = {i: code.emit(f"mul i64 {lanes}, {row.place}") for i, row in plan.rows.items()}
        with self.handler.unit() as unit:
            before = code.emit(f"mul i64 {unit}, {of_unit}")
            with code.loop(of_unit) as (mine, _, _):
                block = code.emit(f"add i64 {before}, {mine}")
                there = code.emit(f"icmp ult i64 {block}, {blocks}")
                first = code.emit(f"mul i64 {block}, {BLOCK}")
                with code.loop(plan.frames) as (frame, _, _):
                    with code.when(there):
                        with code.loop(BLOCK, step=code.lanes) as (lane, _, _):
                            at = code.emit(f"add i64 {first}, {lane}")
                            rows = self._went(
                                bodies, arrays, frame, {i: code.emit(f"add i64 {x}, {at}") for i, x in starts.items()}
                            )
                            self._looked(bodies[-1], rows, frame, count, sums.places(lane))
                            self._kept(bodies[-1], rows, frame, at, kept)
                        sums.of_block()
                    with code.when(code.emit(f"xor i1 {there}, true")):
                        sums.of_nothing()
                    sums.merge(frame, mine)
            sums.end(unit, units, of_unit)

    def end(self, call: Arrays) -> None:
        """Writes what is left to do after all units: of each frame the first has the part of all."""
        look = self.plan.look
        results = call.returned[len(self.plan.moving) :]
        first = len(look.dtypes) + len(look.kept)
        units = _units(self.code, call.lanes, _unit(self.code, call.given[len(self.plan.moving) + len(self.plan.fixed)]))
        over_units(self.code, self.plan, units, results[: len(look.dtypes)], results[first : first + len(look.binned)])

    def _went(self, bodies: list[Body], arrays: dict[int, str], frame: str, places: dict[int, str]) -> Values:
        """The rows of a vector of carriers after the steps of a frame, written back."""
        code, plan = self.code, self.plan
        rows = {i: code.load(row.dtype, arrays[row.leaf], places[i]) for i, row in plan.rows.items()}
        rows |= self._moved(bodies, rows, frame) if plan.moves.programs else {}
        for i in plan.moves.moving:
            code.store(plan.rows[i].dtype, rows[i], arrays[plan.rows[i].leaf], places[i])
        return rows

    def _body(self, program: Program, pack: Packed, made: list[Node], arrays: Iterable[str]) -> Body:
        code, rest = self.code, iter(arrays)
        single: Values = {}
        with code.narrow() as wide:
            for dtype, ids in pack.names.items():
                array = next(rest)
                single |= {i: code.scalar(dtype, array, str(place)) for place, i in enumerate(ids)}
            for node in made:
                single[node.id] = value(code, node, single, program.implied)
        dtypes = {node.id: node.dtype for node in program.order}
        shared = {i: wide(dtypes[i], x) for i, x in single.items()} | {i: next(rest) for i in pack.tables}
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
        """Puts what a look finds in this vector of carriers where it will be added up; nothing in lanes without a carrier. places:
        (array, where in it).
        """
        code, look = self.code, self.plan.look
        real = code.compare("slt", np.dtype(np.int32), rows[look.number], count)
        merged, _, binned = self._outputs(body)
        found = body.of(code, [*merged, *binned], self._seen(body, rows, frame))
        nowhere = code.const(np.int32, -1)
        found[: len(merged)] = [code.select(d, real, x, "zeroinitializer") for d, x in zip(look.dtypes, found)]
        found[len(merged) :: 2] = [code.select(np.int32, real, x, nowhere) for x in found[len(merged) :: 2]]
        dtypes = [*look.dtypes, *(d for _, dtype in look.binned for d in (np.int32, dtype))]
        for dtype, x, (array, place) in zip(dtypes, found, places, strict=True):
            code.store(dtype, x, array, place)

    def _kept(self, body: Body, rows: Values, frame: str, at: str, arrays: list[str]) -> None:
        """Keeps of this vector of carriers, where there is room for them, what a look finds."""
        code, look = self.code, self.plan.look
        _, wanted, _ = self._outputs(body)
        for size in sorted({size for _, size in look.kept}):
            with code.when(code.emit(f"icmp ult i64 {at}, {size}")):
                mine = [(x, dtype, array) for x, (dtype, room), array in zip(wanted, look.kept, arrays) if room == size]
                found = body.of(code, [x for x, _, _ in mine], self._seen(body, rows, frame))
                place = code.emit(f"add i64 {code.emit(f'mul i64 {frame}, {size}')}, {at}")
                for x, (_, dtype, array) in zip(found, mine, strict=True):
                    code.store(dtype, x, array, place)

    def _outputs(self, body: Body) -> tuple[list, list, list]:
        """What a look finds: to be merged, to be kept, to be added up in places."""
        every, look = numbers(body.program), self.plan.look
        first = len(look.dtypes)
        return every[:first], every[first : first + len(look.kept)], every[first + len(look.kept) :]

    def _seen(self, body: Body, rows: Values, frame: str) -> Values:
        program = body.program
        return body.shared | body.at(self.code, frame) | {program.inputs[i].id: x for i, x in rows.items() if i < program.count}


def _unit(code: Code, counted: str) -> str:
    """Blocks of a unit: a number that is given, so that runs of any size share their machine code."""
    number = code.emit(f"load i32, ptr {code.place(np.int32, counted, '1')}")
    return code.emit(f"zext i32 {number} to i64")


def _units(code: Code, lanes: str, of_unit: str) -> str:
    """Units in all."""
    blocks, less = code.emit(f"udiv i64 {lanes}, {BLOCK}"), code.emit(f"sub i64 {of_unit}, 1")
    return code.emit(f"udiv i64 {code.emit(f'add i64 {blocks}, {less}')}, {of_unit}")


def lanes_of(plan: Plan, width: int) -> int:
    """Carriers in a vector: as many of the widest real number as processors of vectors of `width` bytes take."""
    sizes = [row.dtype.itemsize for row in plan.rows.values() if row.dtype.kind == "f"]
    return min(BLOCK, IN_FLIGHT * width // max(sizes))
