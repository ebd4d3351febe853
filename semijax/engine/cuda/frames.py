"""All frames of a launch for one tile: by a kernel, with the plain way for derivatives and batches."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from semijax import certify
from semijax.engine.cuda.nvrtc import NoCompiler
from semijax.engine.cuda.tile import Tile
from semijax.engine.lanes import Unsupported
from semijax.engine.reduce import tree_over_blocks
from semijax.engine.state import Run, complete, completed_example, like, wavevector
from semijax.engine.steps import Moves
from semijax.engine.tiles import numbers
from semijax.engine.watch import glimpse_of, merged_glimpses, watched


def by_kernel(
    run: Run, begin, state, moves: Moves | None, plain: Callable, *, frames: int, every: int, count: int, collides: bool
):
    """(index of the tile, its carriers, watch) -> as `plain`(run, begin, index, carriers, watch) does, by a kernel; None where
    something in the run has no word in CUDA C. state: tiles, an example.
    """
    if moves is None or run.samplers or any(hasattr(recorder, "in_tile") for recorder in run.adders.values()):
        return None
    lanes = wavevector(state).shape[-1]
    carrier, number = completed_example(state, count), jax.ShapeDtypeStruct((lanes,), jnp.int32)
    reference = {
        name: jax.ShapeDtypeStruct((lanes,), value.dtype) for name, (value, _) in _invariants(run, carrier, collides).items()
    }
    names, place = list(run.adders), sum(leaf.size // lanes for leaf in jax.tree.leaves(carrier))
    merges = [(run.adders[name], lambda recorder, a, b: recorder.merge(a, b)) for name in names]
    merges.append((None, lambda recorder, a, b: merged_glimpses(a, b)))

    def look(run, seen, t):
        carrier, number, reference = seen
        values = certify.invariants(run.dynamics, t, carrier, collides)
        parts = [run.adders[name].part(run.dynamics, t, carrier) for name in names]
        return [*parts, glimpse_of(values, certify.finite(carrier, values), reference, number)]

    try:
        tile = Tile(moves, look, merges, place, run, (carrier, number, reference), run.clock[0])
        ptx = tile.ptx(frames=frames, length=every, count=count)
    except (Unsupported, NoCompiler):
        return None

    now = begin + every * (1 + jnp.arange(frames, dtype=jnp.int32))

    def kernel(run, begin, index, given, watch, beside):
        shared, clocks, now = beside
        seen = complete(given, index, count, begin), numbers(index, lanes), watch.reference
        (moved, *_), (*parts, glimpses) = tile(ptx, frames, seen, shared, clocks)
        found = {name: jax.vmap(partial(tree_over_blocks, run.adders[name].merge))(part) for name, part in zip(names, parts)}
        return (like(given, moved), watched(watch, glimpses, now)), (found, {})

    clocks = tile.clocks(run.time(begin + jnp.arange(frames * every, dtype=jnp.int32)), run.time(now))
    call, beside = _differentiable(kernel, plain), (tile.shared, clocks, now)
    return lambda index, given, watch: call(run, begin, index, given, watch, beside)


def _invariants(run: Run, carrier, collides: bool) -> dict:
    one = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[:-1], x.dtype), carrier)
    return jax.eval_shape(lambda c: certify.invariants(run.dynamics, run.clock[0], c, collides), one)


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
