"""A tile of carriers through all frames of a launch in one call: a kernel of a GPU, or machine code of a CPU."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from semijax.engine.kernels import parts
from semijax.engine.kernels.parts import Look, Merge, Plan, Row
from semijax.engine.lanes import Program, Unsupported
from semijax.engine.over import program_of
from semijax.engine.reduce import BLOCK
from semijax.engine.steps import Moves

# (arrays that move, further arguments, outputs) -> what is made of the first, in place, and the outputs
Kernel = Callable[[list, list, list[jax.ShapeDtypeStruct]], list]


class Tile:
    """Steps and looks as a kernel.

    moves: of a carrier. look(given, (carrier, more...), scalars) -> (list of parts, a tree of what is kept of carriers, a list of
    `reduce.Slot`); `merges` has (recorder, merge(recorder, left, right)) for each part, `room` the tree of how many first carriers are
    kept, `sizes` how many places there are for each slot. number: the row of the tree (carrier, more...) that numbers the carriers.
    given, carrier, scalars: examples as for `over_lanes`. Raises Unsupported for a look that cannot be a lane program.
    """

    def __init__(
        self,
        moves: Moves,
        look: Callable,
        merges: list[tuple],
        room: Any,
        sizes: list[int],
        number: int,
        given: Any,
        carrier: Any,
        scalars: Any,
    ):
        program = program_of(look, given, carrier, scalars, scalar=True)
        if program is None:
            raise Unsupported("a look")
        shapes = [jax.ShapeDtypeStruct((*parts.shape(out), BLOCK), parts.dtype(out)) for out in program.outputs]
        self.tree, self.lanes = program.out_tree, jax.tree.leaves(carrier)[0].shape[-1]
        found, first = [], 0
        every, kept, slots = jax.tree.unflatten(self.tree, shapes)
        for part, (recorder, merge) in zip(every, merges, strict=True):
            found.append(Merge(_merger(merge, recorder, part), first))
            first += found[-1].width
        places = [(leaf, i) for leaf, x in enumerate(jax.tree.leaves(carrier)) for i in range(x.size // x.shape[-1])]
        used = {i for i in range(program.count) if program.reads(i)} | {number, *moves.moving, *moves.fixed}
        self.rows = {i: Row(program.inputs[i].dtype, *places[i]) for i in sorted(used)}
        binned = tuple((size, weight.dtype) for size, (_, weight) in zip(sizes, slots, strict=True))
        most = jax.tree.map(lambda n, some: jax.tree.map(lambda _: n, some), room, kept)
        # whole blocks, as many as hold those that are kept
        most = [min(self.lanes, -(-n // BLOCK) * BLOCK) for n in jax.tree.leaves(most)]
        rooms = [(x.dtype, n) for x, n in zip(jax.tree.leaves(kept), most, strict=True) for _ in range(x.size // BLOCK)]
        self.moves, self.look = moves, Look(program, tuple(found), tuple(rooms), binned, number)

    def plan(self, *, frames: int, length: int, least: int = 0) -> Plan:
        """The launch of `frames` frames of `length` steps. least: units of work wanted, where there are as many blocks; 0: one for each
        block.
        """
        blocks = self.lanes // BLOCK
        unit = 1 << (blocks // least).bit_length() - 1 if blocks > least > 0 else 1
        return Plan(self.moves, self.look, self.rows, frames, length, blocks, unit)

    def frames_at_once(self, frames: int, room: int) -> int:
        """The most frames, of which `frames` is a whole number of times, so that what is kept of every carrier fits into so many bytes."""
        each = sum(room * dtype.itemsize for dtype, room in self.look.kept)
        return max(n for n in range(1, frames + 1) if frames % n == 0 and (n == 1 or n * each <= room))

    @property
    def shared(self) -> list[list]:
        """What all carriers share, for each program."""
        packs = [parts.shared_by_all(program)[0] for program in (*self.moves.programs, self.look.program)]
        return [[*pack.scalars, *pack.tables.values()] for pack in packs]

    def clocks(self, stepping: Any, looking: Any) -> list[list]:
        """What depends on the time alone, for each program. stepping: times of all steps [frames · length], looking: of the looks
        [frames].
        """
        first = [program.clock(stepping) for program in self.moves.programs[:1]]
        return [*first, *([] for _ in self.moves.programs[1:]), self.look.program.clock(looking)]

    def run(
        self, kernel: Kernel, plan: Plan, carrier: Any, count: int, shared: list[list], clocks: list[list]
    ) -> tuple[Any, list, Any, list]:
        """(the carriers moved, the looks' parts: leaves [frames ... units], what is kept: [frames ... room], what added up: each
        [frames places units]). kernel: of the plan. count: carriers in all. clocks: see `clocks`.
        """
        arrays, tree = jax.tree.flatten(carrier)
        arguments = [*(arrays[i] for i in plan.fixed), jnp.asarray([count, plan.unit], jnp.int32)]
        for mine, clock in zip(shared, clocks, strict=True):
            arguments += [*mine, *clock]
        outputs = [jax.ShapeDtypeStruct((plan.frames, plan.units), dtype) for dtype in self.look.dtypes]
        outputs += [jax.ShapeDtypeStruct((plan.frames, room), dtype) for dtype, room in self.look.kept]
        outputs += [jax.ShapeDtypeStruct((plan.frames, plan.units, size), dtype) for size, dtype in self.look.binned]
        found = kernel([arrays[i] for i in plan.moving], arguments, outputs)
        for i, array in zip(plan.moving, found):
            arrays[i] = array
        first, last = len(plan.moving), len(found) - len(self.look.binned)
        seen = parts.leaves_of(self.look.program, [*found[first:last], *(x for x in found[last:] for _ in range(2))])
        seen = [jnp.moveaxis(x, -2, 0) if x.ndim > 2 else x for x in seen]
        merged, kept, _ = jax.tree.unflatten(self.tree, seen)
        return jax.tree.unflatten(tree, arrays), merged, kept, [jnp.moveaxis(x, 1, -1) for x in found[last:]]


def _merger(merge: Callable, recorder: Any, part: Any) -> Program:
    return Program(lambda recorder, pair, _: merge(recorder, *pair), recorder, (part, part), ())
