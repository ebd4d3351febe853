"""Sums over the carriers of a tile in LLVM's language, in an order that does not depend on anything else."""

import numpy as np

from semijax.engine.kernels.parts import Look, Merge, numbers
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.llvm.body import Body
from semijax.engine.llvm.code import Code, stored
from semijax.engine.reduce import BLOCK


def in_block(code: Code, merges: tuple[Merge, ...], buffers: list[str]) -> list[str]:
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


def in_places(code: Code, size: int, dtype, pair: tuple[str, str], bins: str) -> None:
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


def over_blocks(code: Code, look: Look, parts: list[str], binned: list[str], blocks: str) -> None:
    """Merges neighbours (0, 1), (2, 3), ... among the parts of the blocks of one frame, a power of two, until the first has all: in the
    order of `reduce.tree_over_blocks`.
    """
    levels = code.emit(f"call i64 @llvm.cttz.i64(i64 {blocks}, i1 true)")
    code.declared.add("declare i64 @llvm.cttz.i64(i64, i1)")
    with code.when(code.emit(f"icmp ugt i64 {levels}, 0")), code.loop(levels) as (level, _, _):
        half = code.emit(f"lshr i64 {blocks}, {code.emit(f'add i64 {level}, 1')}")
        with code.loop(half) as (i, _, _):
            left = code.emit(f"shl i64 {i}, 1")
            right = code.emit(f"add i64 {left}, 1")
            pairs = [[code.scalar(d, part, at) for d, part in zip(look.dtypes, parts)] for at in (left, right)]
            for dtype, x, part in zip(look.dtypes, _merged(code, look.merges, *pairs), parts, strict=True):
                code.keep_first(dtype, x, part, i)
            for (size, dtype), bins in zip(look.binned, binned, strict=True):
                own, one, other = (code.place(dtype, bins, code.emit(f"mul i64 {at}, {size}")) for at in (i, left, right))
                _added(code, size, dtype, own, one, other)


def _added(code: Code, size: int, dtype, own: str, one: str, other: str) -> None:
    """own = one + other, of arrays [size]."""
    word = stored(dtype)
    with code.loop(size) as (i, _, _):
        a, b = (code.emit(f"load {word}, ptr {code.place(dtype, array, i)}") for array in (one, other))
        code.line(f"store {word} {code.emit(f'fadd {word} {a}, {b}')}, ptr {code.place(dtype, own, i)}")


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
