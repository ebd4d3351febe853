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

    settle(given, carrier) -> carrier tidies up after at most GROUP steps each time, and after the last. Call it where
    `given` is at hand, outside the loop; `carrier` (a tree of leaves [... lanes]) and `scalars` are examples.
    """
    moves = moves_of(step, settle, given, carrier, scalars) if engine.lanes else None
    if moves is None:
        plain = partial(jax.vmap(step, in_axes=(None, -1, None), out_axes=-1), given)
        tidy = None if settle is None else partial(jax.vmap(settle, in_axes=(None, -1), out_axes=-1), given)
        return partial(_plainly, plain, tidy, engine=engine)
    block = BLOCK // max(x.dtype.itemsize for x in jax.tree.leaves(carrier))

    def steps(carrier, scalars):
        length = len(jax.tree.leaves(scalars)[0])
        run = partial(_at_once, moves, engine, length)
        if engine.platform == "cpu" and all(program.small(block) for program in moves.programs):
            run = partial(by_pieces, in_one_piece(partial(_by_blocks, moves, length, block), run), PIECE)
        rows = dict(enumerate(carrier.rows))
        lanes = {i: rows[i] for i in moves.moving}, {i: rows[i] for i in moves.fixed}
        rows |= run(lanes, ([Packed(program.needed()) for program in moves.programs], moves.programs[0].clock(scalars)))
        return replace(carrier, rows=list(rows.values()))

    return steps


@dataclass(frozen=True)
class Moves:
    """The programs of a step, and of settling after some if there is something to settle."""

    programs: tuple[Program, ...]

    @property
    def moving(self) -> list[int]:
        """The rows that change."""
        return sorted({i for program in self.programs for i in program.moving})

    @property
    def fixed(self) -> list[int]:
        """The rows that are read and do not change."""
        return sorted({i for program in self.programs for i in program.read} - set(self.moving))

    def group(self, length: int) -> int:
        """Steps from one settling to the next, of `length` in all: as many as go into it a whole number of times."""
        return _group(length) if len(self.programs) > 1 else length


def moves_of(
    step: Callable, settle: Callable | None, given: Any, carrier: Any, scalars: Any, scalar: bool = False
) -> Moves | None:
    """The programs of functions as for `steps_over_lanes`; None where they cannot be lane programs. scalar: for a kernel."""
    first = program_of(step, given, carrier, scalars, scalar)
    if first is None or settle is None:
        return None if first is None else Moves((first,))
    second = program_of(lambda given, carrier, _: settle(given, carrier), given, carrier, (), scalar)
    return None if second is None else Moves((first, second))


def _at_once(moves: Moves, engine: Engine, length: int, lanes: tuple[Rows, Rows], given, most: float = math.inf) -> Rows:
    """The rows that move, after all steps. lanes: (rows that move, fixed rows), given: (what all lanes share, clock [steps])."""
    (rows, fixed), (shared, clock) = lanes, given
    how = {"apart": engine.platform == "cpu", "most": most}
    still = [program.still(fixed, x.unpacked(), **how) for program, x in zip(moves.programs, shared, strict=True)]
    unroll = 1 if how["apart"] else UNROLL_GPU

    def group(rows, clock, length):
        def step(own, now):
            return moves.programs[0].moved(rows | own, now, still[0], **how), None

        mine = {i: rows[i] for i in moves.programs[0].moving}
        rows = rows | lax.scan(step, mine, clock, length=length, unroll=min(unroll, length))[0]
        return rows | moves.programs[1].moved(rows, [], still[1], **how) if len(moves.programs) > 1 else rows

    return _in_groups(group, rows, clock, length, moves.group(length))


def _by_blocks(moves: Moves, length: int, block: int, lanes, given) -> Rows:
    """As `_at_once`, block after block of lanes."""
    return by_pieces(partial(_at_once, moves, Engine(True, "cpu"), length, most=MOST / block), block, lanes, given)


def _plainly(step: Callable, settle: Callable | None, carrier, scalars, *, engine: Engine):
    length = len(jax.tree.leaves(scalars)[0])

    def group(carrier, scalars, length):
        carrier = lax.scan(lambda c, s: (step(c, s), None), carrier, scalars, length=length)[0]
        return carrier if settle is None else settle(carrier)

    return apart(_in_groups(group, whole(carrier), scalars, length, length if settle is None else _group(length)), engine)


def _group(length: int) -> int:
    """Steps from one settling to the next: as many as go into `length` a whole number of times."""
    return max(size for size in range(1, GROUP + 1) if length % size == 0)


def _in_groups(group: Callable, carry, scalars, length: int, size: int):
    """group(carry, scalars [size ...], size) -> carry over groups of steps, one after another."""
    if size == length:
        return group(carry, scalars, length)
    scalars = jax.tree.map(lambda x: x.reshape(-1, size, *x.shape[1:]), scalars)
    return lax.scan(lambda c, s: (group(c, s, size), None), carry, scalars, length=length // size)[0]
