"""Sums over the carriers of a tile in LLVM's language, in an order that does not depend on anything else."""

import jax
import numpy as np

from semijax.engine.kernels.parts import Look, Merge, Plan, numbers
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.llvm.body import Body
from semijax.engine.llvm.code import Code, stored
from semijax.engine.reduce import BLOCK


class Sums:
    """Of one thread: what its unit adds up, block after block, each frame by itself.

    A block's part is merged with that of the block before it, those of both with those of the two before, and so on, as soon as there
    are as many: neighbours merge as in `reduce.tree_over_blocks`, and of each frame no more parts wait than there are levels.
    parts, binned: arrays [frames units (places)] to be filled. thread: of `threads`. waiting: see `room`.
    """

    def __init__(
        self, code: Code, plan: Plan, threads: int, thread: str, parts: list[str], binned: list[str], waiting: list[str]
    ):
        self.code, self.plan, self.look, self.threads, self.thread = code, plan, plan.look, threads, thread
        self.filled = [
            *zip(self.look.dtypes, [1] * len(parts), parts),
            *((d, n, x) for (n, d), x in zip(self.look.binned, binned)),
        ]
        self.waiting = waiting
        self.buffers = [code.room(dtype, BLOCK) for dtype in self.look.dtypes]
        self.pairs = [(code.room(np.int32, BLOCK), code.room(dtype, BLOCK)) for _, dtype in self.look.binned]
        self.now = [code.room(dtype, size) for dtype, size, _ in self.filled]  # the part at hand

    def places(self, lane: str) -> list[tuple[str, str]]:
        """Where a look puts its numbers: (array, where in it)."""
        return [(x, lane) for x in (*self.buffers, *(x for pair in self.pairs for x in pair))]

    def of_block(self) -> None:
        """The part at hand is that of the block whose numbers are in the buffers."""
        code, merged = self.code, len(self.buffers)
        for (dtype, _, _), x, now in zip(self.filled, _in_block(code, self.look.merges, self.buffers), self.now):
            code.keep_first(dtype, x, now, "0")
        for (size, dtype), pair, now in zip(self.look.binned, self.pairs, self.now[merged:], strict=True):
            _in_places(code, size, dtype, pair, now)

    def of_nothing(self) -> None:
        """The part at hand is that of a block without carriers."""
        for (dtype, size, _), now in zip(self.filled, self.now, strict=True):
            _emptied(self.code, size, dtype, now)

    def merge(self, frame: str, block: str) -> None:
        """Merges what waits with the part at hand, which is that of this block of the unit, as far as it goes; the rest waits."""
        code = self.code
        code.declared.add("declare i64 @llvm.cttz.i64(i64, i1)")
        levels = code.emit(f"call i64 @llvm.cttz.i64(i64 {code.emit(f'add i64 {block}, 1')}, i1 true)")
        with code.when(code.emit(f"icmp ugt i64 {levels}, 0")), code.loop(levels) as (level, _, _):
            left = [code.place(d, x, self._at(level, frame, n)) for (d, n, _), x in zip(self.filled, self.waiting)]
            _merge_into(code, self.look, self.now, left, self.now)
        for (dtype, size, _), now, array in zip(self.filled, self.now, self.waiting, strict=True):
            _copied(code, size, dtype, now, code.place(dtype, array, self._at(levels, frame, size)))

    def end(self, unit: str, units: str, of_unit: str) -> None:
        """Of all frames the part of the whole unit into the arrays to be filled."""
        code = self.code
        last = code.emit(f"call i64 @llvm.cttz.i64(i64 {of_unit}, i1 true)")
        with code.loop(self.plan.frames) as (frame, _, _):
            slot = code.emit(f"add i64 {code.emit(f'mul i64 {frame}, {units}')}, {unit}")
            for (dtype, size, array), waiting in zip(self.filled, self.waiting, strict=True):
                source = code.place(dtype, waiting, self._at(last, frame, size))
                _copied(code, size, dtype, source, code.place(dtype, array, code.emit(f"mul i64 {slot}, {size}")))

    def _at(self, level: str, frame: str, size: int) -> str:
        mine = self.code.emit(f"add i64 {self.code.emit(f'mul i64 {level}, {self.threads}')}, {self.thread}")
        slot = self.code.emit(f"add i64 {self.code.emit(f'mul i64 {mine}, {self.plan.frames}')}, {frame}")
        return self.code.emit(f"mul i64 {slot}, {size}")


def room(plan: Plan, threads: int) -> list[jax.ShapeDtypeStruct]:
    """Arrays for what waits: of each frame one part for each level, the whole unit's among them."""
    levels = plan.unit.bit_length()
    sizes = [*((dtype, 1) for dtype in plan.look.dtypes), *((dtype, size) for size, dtype in plan.look.binned)]
    return [jax.ShapeDtypeStruct((levels, threads, plan.frames, size), dtype) for dtype, size in sizes]


def over_units(code: Code, plan: Plan, units: str, parts: list[str], binned: list[str]) -> None:
    """Merges neighbours (0, 1), (2, 3), ... among the parts of the units of each frame until the first has all: in the order of
    `reduce.tree_over_blocks`. parts, binned: arrays [frames units (places)].
    """
    sized = [
        *((dtype, 1, x) for dtype, x in zip(plan.look.dtypes, parts)),
        *((d, n, x) for (n, d), x in zip(plan.look.binned, binned)),
    ]
    nothing = [code.room(dtype, size) for dtype, size, _ in sized]
    for (dtype, size, _), x in zip(sized, nothing, strict=True):
        _emptied(code, size, dtype, x)

    def at(slot: str) -> list[str]:
        return [code.place(dtype, x, code.emit(f"mul i64 {slot}, {size}")) for dtype, size, x in sized]

    code.declared.add("declare i64 @llvm.ctlz.i64(i64, i1)")
    less = code.emit(f"sub i64 {units}, 1")
    high = code.emit(f"call i64 @llvm.ctlz.i64(i64 {less}, i1 false)")
    levels = code.emit(f"sub i64 64, {high}")  # as many doublings as take one to all of them
    with code.when(code.emit(f"icmp ugt i64 {levels}, 0")), code.loop(plan.frames) as (frame, _, _):
        first = code.emit(f"mul i64 {frame}, {units}")
        with code.loop(levels) as (level, _, _):
            step, above = code.emit(f"shl i64 1, {level}"), code.emit(f"add i64 {level}, 1")
            pairs = code.emit(f"add i64 {code.emit(f'lshr i64 {less}, {above}')}, 1")
            with code.loop(pairs) as (i, _, _):
                left = code.emit(f"shl i64 {code.emit(f'shl i64 {i}, 1')}, {level}")
                right = code.emit(f"add i64 {left}, {step}")
                there = code.emit(f"icmp ult i64 {right}, {units}")
                own, other = (at(code.emit(f"add i64 {first}, {x}")) for x in (left, right))
                other = [code.emit(f"select i1 {there}, ptr {x}, ptr {none}") for x, none in zip(other, nothing, strict=True)]
                _merge_into(code, plan.look, own, own, other)


def _merge_into(code: Code, look: Look, own: list[str], left: list[str], right: list[str]) -> None:
    """own = left and right merged: pointers to the numbers of a part."""
    pairs = [[code.scalar(dtype, x, "0") for dtype, x in zip(look.dtypes, some)] for some in (left, right)]
    for dtype, x, target in zip(look.dtypes, _merged(code, look.merges, *pairs), own):
        code.keep_first(dtype, x, target, "0")
    places = zip(look.binned, *(some[len(look.dtypes) :] for some in (own, left, right)), strict=True)
    for (size, dtype), target, *pair in places:
        word = stored(dtype)
        with code.loop(size) as (i, _, _):
            a, b = (code.emit(f"load {word}, ptr {code.place(dtype, x, i)}") for x in pair)
            code.line(f"store {word} {code.emit(f'fadd {word} {a}, {b}')}, ptr {code.place(dtype, target, i)}")


def _emptied(code: Code, size: int, dtype, array: str) -> None:
    with code.loop(size) as (i, _, _):
        code.line(f"store {stored(dtype)} zeroinitializer, ptr {code.place(dtype, array, i)}")


def _copied(code: Code, size: int, dtype, source: str, target: str) -> None:
    with code.loop(size) as (i, _, _):
        x = code.emit(f"load {stored(dtype)}, ptr {code.place(dtype, source, i)}")
        code.line(f"store {stored(dtype)} {x}, ptr {code.place(dtype, target, i)}")


def _in_block(code: Code, merges: tuple[Merge, ...], buffers: list[str]) -> list[str]:
    """Of a block's numbers in the buffers, vectors whose first lane has the merged ones."""
    dtypes = [dtype for merge in merges for dtype in merge.dtypes]
    width = BLOCK // 2
    while width >= code.lanes:
        with code.loop(width, step=code.lanes) as (lane, _, _):
            other = code.emit(f"add i64 {lane}, {width}")
            pairs = [[code.load(d, buffer, at) for d, buffer in zip(dtypes, buffers)] for at in (lane, other)]
            for dtype, x, buffer in zip(dtypes, _merged(code, merges, *pairs), buffers, strict=True):
                code.store(dtype, x, buffer, lane)
        width //= 2
    found = [code.load(dtype, buffer, "0") for dtype, buffer in zip(dtypes, buffers)]
    while width:
        order = ", ".join(f"i32 {min(i + width, code.lanes - 1)}" for i in range(code.lanes))
        others = [
            code.emit(f"shufflevector {code.vector(d)} {x}, {code.vector(d)} poison, <{code.lanes} x i32> <{order}>")
            for d, x in zip(dtypes, found, strict=True)
        ]
        found = _merged(code, merges, found, others)
        width //= 2
    return found


def _in_places(code: Code, size: int, dtype, pair: tuple[str, str], bins: str) -> None:
    """Fills bins [size] with a block's numbers, in the carriers' order, each added up in its place; place −1 counts nowhere."""
    one = stored(dtype)
    with code.loop(size) as (i, _, _):
        code.line(f"store {one} zeroinitializer, ptr {code.place(dtype, bins, i)}")
    with code.loop(BLOCK) as (lane, _, _):
        slot = code.emit(f"load i32, ptr {code.place(np.int32, pair[0], lane)}")
        number = code.emit(f"load {one}, ptr {code.place(dtype, pair[1], lane)}")
        with code.when(code.emit(f"icmp sge i32 {slot}, 0")):
            place = code.place(dtype, bins, code.emit(f"zext i32 {slot} to i64"))
            total = code.emit(f"fadd {one} {code.emit(f'load {one}, ptr {place}')}, {number}")
            code.line(f"store {one} {total}, ptr {place}")


def _merged(code: Code, merges: tuple[Merge, ...], left: list[str], right: list[str]) -> list[str]:
    """The parts of two lanes as one, recorder by recorder."""
    found = []
    for merge in merges:
        program, own = merge.program, slice(merge.first, merge.first + merge.width)
        if program.needed():
            raise Unsupported("sums with parameters")
        known = {node.id: x for node, x in zip(program.inputs, [*left[own], *right[own]], strict=True)}
        found += Body(program, {}, {}).of(code, numbers(program), known)
    return found
