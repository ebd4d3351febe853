"""Steps of a tile's carriers, one after another: as lane programs where they can be that, else as JAX's vmap."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
from jax import lax

from semijax._pytree import replace
from semijax.engine.lanes import Program
from semijax.engine.over import Engine, apart, program_of, whole
from semijax.engine.pieces import BLOCK, MOST, PIECE, Packed, by_pieces, in_one_piece

GROUP = 16  # steps at most from one settling to the next
UNROLL_GPU = 4  # steps in one kernel: the compiler splits more of them up again

Rows = dict[int, Any]  # some of a carrier's rows [lanes], by number


def steps_over_lanes(step: Callable, settle: Callable | None, given: Any, carrier: Any, scalars: Any, engine: Engine) -> Callable:
    """(carriers apart, scalars [steps ...]) -> carriers apart, after as many calls of step(given, carrier, scalars) -> carrier.

    settle(given, carrier, scalars) -> carrier tidies up after at most GROUP steps each time, and after the last. Call it where
    `given` is at hand, outside the loop; `carrier` (a tree of leaves [... lanes]) and `scalars` are examples.
    """
    moves = moves_of(step, settle, given, carrier, scalars) if engine.lanes else None
    if moves is None:
        functions = [step] if settle is None else [step, settle]
        plain = [partial(jax.vmap(function, in_axes=(None, -1, None), out_axes=-1), given) for function in functions]
        return partial(_plainly, *plain, engine=engine)
    programs = moves.programs
    block = BLOCK // max(x.dtype.itemsize for x in jax.tree.leaves(carrier))

    def steps(carrier, scalars):
        leaves = jax.tree.leaves(scalars)
        run = partial(_at_once, moves, engine, len(leaves[0]))
        if engine.platform == "cpu" and all(program.small(block) for program in programs):
            run = partial(by_pieces, in_one_piece(partial(_by_blocks, moves, len(leaves[0]), block), run), PIECE)
        rows = dict(enumerate(carrier.rows))
        lanes = {i: rows[i] for i in moves.moving}, {i: rows[i] for i in moves.fixed}
        rows |= run(lanes, ([Packed(program.needed()) for program in programs], [leaves[i] for i in moves.timed]))
        return replace(carrier, rows=list(rows.values()))

    return steps


@dataclass(frozen=True)
class Moves:
    """The programs of a step, and of settling after some if there is something to settle. timed: the scalars that a step reads, of
    those of `tree`.
    """

    programs: tuple[Program, ...]
    timed: tuple[int, ...]
    tree: Any

    @property
    def moving(self) -> list[int]:
        """The rows that change."""
        return sorted({i for program in self.programs for i in program.moving})

    @property
    def fixed(self) -> list[int]:
        """The rows that are read and do not change."""
        return sorted({i for program in self.programs for i in program.read} - set(self.moving))

    def scalars(self, read: list) -> Any:
        """The tree of scalars, None where they are not read."""
        leaves = dict(zip(self.timed, read, strict=True))
        return jax.tree.unflatten(self.tree, [leaves.get(i) for i in range(self.tree.num_leaves)])

    def group(self, length: int) -> int:
        """Steps from one settling to the next, of `length` in all: as many as go into it a whole number of times."""
        return _group(length) if len(self.programs) > 1 else length


def moves_of(step: Callable, settle: Callable | None, given: Any, carrier: Any, scalars: Any) -> Moves | None:
    """The programs of functions as for `steps_over_lanes`; None where they cannot be lane programs."""
    programs = []
    for function in [step] if settle is None else [step, settle]:
        program = program_of(function, given, carrier, scalars)
        if program is None:
            return None
        programs.append(program)
    times = jax.tree.structure(scalars)
    timed = tuple(i for i in range(times.num_leaves) if programs[0].reads(programs[0].count + i))
    return Moves(tuple(programs), timed, times)


def _at_once(moves: Moves, engine: Engine, length: int, lanes: tuple[Rows, Rows], given, most: float = math.inf) -> Rows:
    """The rows that move, after all steps. lanes: (rows that move, fixed rows), given: (what all lanes share, scalars [steps])."""
    (rows, fixed), (shared, times) = lanes, given
    how = {"apart": engine.platform == "cpu", "most": most}
    still = [program.still(fixed, x.unpacked(), **how) for program, x in zip(moves.programs, shared, strict=True)]

    def moved(number: int, rows: Rows, times: list) -> Rows:
        return moves.programs[number].moved(rows, moves.scalars(times), still[number], **how)

    def step(rows, stepping, times):
        return moved(0, rows | stepping, times)

    def group(rows, times, length):
        mine = {i: rows[i] for i in moves.programs[0].moving}
        unroll = 1 if how["apart"] else min(UNROLL_GPU, length)
        rows = rows | lax.scan(lambda own, t: (step(rows, own, t), None), mine, times, length=length, unroll=unroll)[0]
        return rows | moved(1, rows, [None] * len(moves.timed)) if len(moves.programs) > 1 else rows

    return _in_groups(group, rows, times, length, moves.group(length))


def _by_blocks(moves: Moves, length: int, block: int, lanes, given) -> Rows:
    """As `_at_once`, block after block of lanes."""
    return by_pieces(partial(_at_once, moves, Engine(True, "cpu"), length, most=MOST / block), block, lanes, given)


def _plainly(step, *rest, engine):
    *settling, carrier, scalars = rest
    length = len(jax.tree.leaves(scalars)[0])

    def group(carrier, scalars, length):
        carrier = lax.scan(lambda c, s: (step(c, s), None), carrier, scalars, length=length)[0]
        for settle in settling:
            carrier = settle(carrier, jax.tree.map(lambda x: x[-1], scalars))
        return carrier

    return apart(_in_groups(group, whole(carrier), scalars, length, _group(length) if settling else length), engine)


def _group(length: int) -> int:
    """Steps from one settling to the next: as many as go into `length` a whole number of times."""
    return max(size for size in range(1, GROUP + 1) if length % size == 0)


def _in_groups(group: Callable, carry, scalars, length: int, size: int):
    """group(carry, scalars [size ...], size) -> carry over groups of steps, one after another."""
    if size == length:
        return group(carry, scalars, length)
    scalars = jax.tree.map(lambda x: x.reshape(-1, size, *x.shape[1:]), scalars)
    return lax.scan(lambda c, s: (group(c, s, size), None), carry, scalars, length=length // size)[0]
