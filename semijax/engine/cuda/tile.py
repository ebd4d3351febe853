"""A tile of carriers through all frames of a launch in one kernel of an NVIDIA GPU."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from semijax.engine.cuda import kernel, nvrtc, source
from semijax.engine.lanes import Program, Unsupported
from semijax.engine.over import program_of
from semijax.engine.pieces import Packed
from semijax.engine.reduce import BLOCK
from semijax.engine.steps import Moves


class Tile:
    """Steps and looks as a kernel.

    moves: of a carrier. look(given, (carrier, more...), scalars) -> list of parts, of which `merges` has (recorder, merge(recorder,
    left, right)) for each. number: the row of the tree (carrier, more...) that numbers the carriers. given, carrier, scalars:
    examples as for `over_lanes`. Raises Unsupported for what has no word in CUDA C, and NoCompiler where NVRTC is missing.
    """

    def __init__(self, moves: Moves, look: Callable, merges: list[tuple], number: int, given: Any, carrier: Any, scalars: Any):
        program = program_of(look, given, carrier, scalars)
        if program is None:
            raise Unsupported("a look")
        shapes = [jax.ShapeDtypeStruct((*source.shape(out), BLOCK), source.dtype(out)) for out in program.outputs]
        self.tree = program.out_tree
        found, first = [], 0
        for part, (recorder, merge) in zip(jax.tree.unflatten(self.tree, shapes), merges, strict=True):
            found.append(source.Merge(_merger(merge, recorder, part), first))
            first += found[-1].width
        places = [(leaf, i) for leaf, x in enumerate(jax.tree.leaves(carrier)) for i in range(x.size // x.shape[-1])]
        used = {i for i in range(program.count) if program.reads(i)} | {number, *moves.moving, *moves.fixed}
        self.rows = {i: source.Row(program.inputs[i].dtype, *places[i]) for i in sorted(used)}
        self.moves, self.look = moves, source.Look(program, tuple(found), number)

    def ptx(self, *, frames: int, length: int, count: int) -> str:
        """The kernel of `frames` frames of `length` steps; carriers from number `count` on are left out of the looks."""
        return nvrtc.compiled(source.written(self.moves, self.look, self.rows, frames, length, count), nvrtc.architecture())

    @property
    def shared(self) -> list[list]:
        """What all carriers share, for each program."""
        return [Packed(program.needed()).scalars for program in (*self.moves.programs, self.look.program)]

    def clocks(self, stepping: Any, looking: Any) -> list[list]:
        """What depends on the time alone, for each program. stepping: times of all steps [frames · length], looking: of the looks
        [frames].
        """
        settling = [[] for _ in self.moves.programs[1:]]
        return [self.moves.programs[0].clock(stepping), *settling, self.look.program.clock(looking)]

    def __call__(self, ptx: str, frames: int, carrier: Any, shared: list[list], clocks: list[list]) -> tuple[Any, Any]:
        """(the carriers moved, the looks' parts: leaves [frames ... blocks]). clocks: see `clocks`."""
        arrays, tree = jax.tree.flatten(carrier)
        moving = source.leaves(self.rows, self.moves.moving)
        arguments = [arrays[i] for i in source.leaves(self.rows, self.rows) if i not in moving]
        for mine, clock in zip(shared, clocks, strict=True):
            arguments += [*mine, *clock]
        lanes = arrays[0].shape[-1]
        outputs = [jax.ShapeDtypeStruct((frames, lanes // BLOCK), dtype) for dtype in self.look.dtypes]
        found = kernel.called(ptx, arguments, [arrays[i] for i in moving], outputs, lanes)
        for i, array in zip(moving, found):
            arrays[i] = array
        parts = source.leaves_of(self.look.program, found[len(moving) :])
        parts = [jnp.moveaxis(x, -2, 0) if x.ndim > 2 else x for x in parts]
        return jax.tree.unflatten(tree, arrays), jax.tree.unflatten(self.tree, parts)


def _merger(merge: Callable, recorder: Any, part: Any) -> Program:
    return Program(lambda recorder, pair, _: merge(recorder, *pair), recorder, (part, part), ())
