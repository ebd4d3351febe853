"""All frames of a launch for one tile, and the look at its start: by kernels, with the plain way for derivatives and batches."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap

from semijax import certify
from semijax.engine.kernels import NoCompiler
from semijax.engine.kernels.parts import Plan
from semijax.engine.kernels.tile import Kernel, Tile
from semijax.engine.lanes import Unsupported
from semijax.engine.look import near_of
from semijax.engine.reduce import Slot, tree_in_tile, tree_over_blocks
from semijax.engine.state import Run, complete, completed_example, like, wavevector
from semijax.engine.steps import Moves
from semijax.engine.tiles import numbers
from semijax.engine.watch import at_start, glimpse_of, merged_glimpses, watched

ROOM = {"cpu": 1 << 22, "gpu": 1 << 28}  # bytes of what is kept of every carrier before it is looked through


def by_kernel(
    write: Callable[[Plan], Kernel],
    run: Run,
    begin,
    state,
    moves: Moves | None,
    plain: Callable,
    *,
    frames: int,
    every: int,
    count: int,
    collides: bool,
    platform: str,
):
    """(index of the tile, its carriers, watch) -> as `plain`(run, begin, index, carriers, watch) does, by the kernel that `write` makes;
    None where it has no word for something in the run. state: tiles, an example.
    """
    if moves is None:
        return None
    try:
        tile, trees = _tile(moves, run, state, count, collides, platform)
        length = tile.frames_at_once(frames, ROOM[platform])
        plan = tile.plan(frames=length, length=every)
        kernel = write(plan)
    except (Unsupported, NoCompiler):
        return None

    def through(run, begin, index, given, watch, beside):
        shared, clocks, now = beside
        number = numbers(index, wavevector(state).shape[-1])

        def some(carry, beside):
            carriers, watch = carry
            clocks, now = beside
            (carriers, *_), *found = tile.run(kernel, plan, (carriers, number, watch.reference), count, shared, clocks)
            parts, seen, glimpses, _ = _sorted(run, platform, number < count, trees, *found)
            return (carriers, watched(watch, glimpses, now)), (parts, seen)

        groups = jax.tree.map(lambda x: x.reshape(frames // length, -1), (clocks, now))
        (carriers, watch), seen = lax.scan(some, (complete(given, index, count, begin), watch), groups)
        return (like(given, carriers), watch), jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), seen)

    steps, ends = jnp.arange(frames * every, dtype=jnp.int32), every * (1 + jnp.arange(frames, dtype=jnp.int32))
    clocks = tile.clocks(run.time(begin + steps), run.time(begin + ends))
    call, beside = _differentiable(through, plain), (tile.shared, clocks, begin + ends)
    return lambda index, given, watch: call(run, begin, index, given, watch, beside)


def start_by_kernel(
    write: Callable[[Plan], Kernel], run: Run, state, plain: Callable, *, count: int, collides: bool, platform: str
):
    """(index of the tile, its carriers) -> as `plain`(run, index, carriers) does: what is seen at the start, and the watch."""
    try:
        tile, trees = _tile(Moves(()), run, state, count, collides, platform, start=True)
        plan = tile.plan(frames=1, length=0)
        kernel = write(plan)
    except (Unsupported, NoCompiler):
        return None

    def look(run, index, given, beside):
        number, (shared, clocks) = numbers(index, wavevector(state).shape[-1]), beside
        _, *found = tile.run(kernel, plan, (complete(given, index, count, 0), number, {}), count, shared, clocks)
        parts, seen, glimpses, values = _sorted(run, platform, number < count, trees, *found)
        still = at_start(jax.tree.map(lambda x: x[0], values), near_of(run, state, count))
        watch = watched(still, glimpses, jnp.zeros(1, jnp.int32))
        return parts, seen, watch

    now = jnp.zeros(1, jnp.int32)
    call, beside = _differentiable(look, plain), (tile.shared, tile.clocks(None, run.time(now)))
    return lambda index, given: call(run, index, given, beside)


def _tile(moves: Moves, run: Run, state, count: int, collides: bool, platform: str, start: bool = False) -> tuple[Tile, dict]:
    """Moves and looks of a tile, and the trees that it adds up in places. What is not added up in the kernel is kept of every carrier:
    parts that a recorder adds up in its own way, samples and, at the start, the values of the invariants.
    """
    lanes = wavevector(state).shape[-1]
    carrier, number = completed_example(state, count), jax.ShapeDtypeStruct((lanes,), jnp.int32)
    reference = {
        name: jax.ShapeDtypeStruct((lanes,), value.dtype) for name, (value, _) in _invariants(run, carrier, collides).items()
    }
    merged, binned, own = (_adders(run, kind, platform) for kind in ("merged", "binned", "own"))
    merges = [(recorder, lambda recorder, a, b: recorder.merge(a, b)) for recorder in merged.values()]
    merges.append((None, lambda recorder, a, b: merged_glimpses(a, b)))

    def look(run, seen, t):
        carrier, number, reference = seen
        parts = {name: recorder.part(run.dynamics, t, carrier) for name, recorder in run.adders.items()}
        invariants = certify.invariants(run.dynamics, t, carrier, collides)
        values = {name: value for name, (value, _) in invariants.items()}
        found = invariants, certify.finite(carrier, invariants), certify.closeness(run.dynamics, carrier)
        glimpse = glimpse_of(*found, values if start else reference, number)
        slots = [run.adders[name].slots(parts[name]) for name in binned]
        kept = {name: parts[name] for name in own}
        samples = {name: recorder.of(run.dynamics, t, carrier) for name, recorder in run.samplers.items()}
        everything = kept, samples, lax.stop_gradient(values) if start else {}
        return [*(parts[name] for name in merged), glimpse], everything, jax.tree.leaves(slots, is_leaf=_slot)

    place = sum(leaf.size // lanes for leaf in jax.tree.leaves(carrier))
    trees = {name: _slots(run, recorder, carrier) for name, recorder in binned.items()}
    sizes = [binned[name].size for name, tree in trees.items() for _ in range(tree.num_leaves)]
    tile = Tile(moves, look, merges, sizes, place, run, (carrier, number, {} if start else reference), run.clock[0])
    return tile, trees


def _slot(x) -> bool:
    return isinstance(x, Slot)


def _slots(run: Run, recorder, carrier):
    """The tree of what a recorder adds up in places."""
    found = jax.eval_shape(lambda c: recorder.slots(recorder.part(run.dynamics, run.clock[0], c)), _one(carrier))
    return jax.tree.structure(found, is_leaf=_slot)


def _adders(run: Run, kind: str, platform: str) -> dict:
    """The recorders whose parts are "merged", those whose numbers are "binned": added up in one of many places, where the threads of
    a GPU would add in any order; and those that add up in their "own" way.
    """

    def of(recorder):
        if not hasattr(recorder, "in_tile"):
            return "merged"
        return "binned" if platform == "cpu" and hasattr(recorder, "slots") else "own"

    return {name: recorder for name, recorder in run.adders.items() if of(recorder) == kind}


def _sorted(run: Run, platform: str, real, trees: dict, parts: list, kept: Any, binned: list) -> tuple:
    """(the tile's part of every sum [f ...], samples [f ... lanes], glimpses [f blocks], values of the invariants [f lanes])."""

    def over_blocks(recorder, part):
        if platform == "cpu":  # the kernel has merged all into the first
            return jax.tree.map(lambda x: x[..., 0], part)
        return jax.vmap(partial(tree_over_blocks, recorder.merge))(part)

    others, samples, values = kept
    found = {name: over_blocks(recorder, part) for (name, recorder), part in zip(_adders(run, "merged", platform).items(), parts)}
    rest = iter(binned)
    for name, recorder in run.adders.items():
        if name in others:
            lanes = jax.tree.map(lambda x: jnp.where(real, x, jnp.zeros_like(x)), others[name])
            found[name] = jax.vmap(lambda lanes, recorder=recorder: recorder.in_tile(lanes, tree_in_tile))(lanes)
        elif name in trees:
            mine = jax.tree.unflatten(trees[name], [next(rest) for _ in range(trees[name].num_leaves)])
            found[name] = over_blocks(recorder, mine)
    first = {name: jax.tree.map(lambda x, n=r.count: x[..., :n], samples[name]) for name, r in run.samplers.items()}
    glimpses = jax.tree.map(lambda x: x[..., :1], parts[-1]) if platform == "cpu" else parts[-1]
    return {name: found[name] for name in run.adders}, first, glimpses, values


def _one(carrier):
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[:-1], x.dtype), carrier)


def _invariants(run: Run, carrier, collides: bool) -> dict:
    return jax.eval_shape(lambda c: certify.invariants(run.dynamics, run.clock[0], c, collides), _one(carrier))


def _differentiable(kernel: Callable, plain: Callable) -> Callable:
    """kernel(*arguments, beside), whose derivatives and batches are those of plain(*arguments)."""

    @jax.custom_jvp
    def call(*arguments):
        return one(*arguments)

    @custom_vmap
    def one(*arguments):
        return kernel(*arguments)

    @one.def_vmap
    def _(axis_size, in_batched, *arguments):
        axes = jax.tree.map(lambda b: 0 if b else None, tuple(in_batched[:-1]))
        out = jax.vmap(plain, in_axes=axes, axis_size=axis_size)(*arguments[:-1])
        return out, jax.tree.map(lambda _: True, out)

    call.defjvp(lambda primals, tangents: jax.jvp(plain, primals[:-1], tangents[:-1]))
    return call
