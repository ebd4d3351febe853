"""What a frame looks at: a part of every sum and a glimpse of the certificate from each block of a tile, and samples."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from semijax import certify
from semijax.engine.over import Engine, blocks_over_lanes, over_lanes
from semijax.engine.reduce import tree_in_tile, tree_over_tiles
from semijax.engine.state import Run, completed_example, wavevector
from semijax.engine.tiles import numbers
from semijax.engine.watch import Watch, glimpse_of, merged_glimpses, watched


def watcher(run: Run, state, count: int, collides: bool, engine: Engine):
    """(carriers, t) -> invariants of a tile's carriers: name -> [lanes]."""

    def one(run, carrier, t):
        values = lax.stop_gradient(certify.invariants(run.dynamics, t, carrier, collides))
        return {name: value for name, (value, _) in values.items()}

    return over_lanes(one, run, completed_example(state, count), run.clock[0], engine)


def near_of(run: Run, state, count: int) -> dict:
    """Shapes of `certify.closeness` of one carrier."""
    one = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[:-1], x.dtype), completed_example(state, count))
    return jax.eval_shape(lambda carrier: certify.closeness(run.dynamics, carrier), one)


def looker(run: Run, state, count: int, collides: bool, engine: Engine):
    """(carriers, step number, index of the tile, watch) -> (the tile's part of every sum, the watch after it)."""

    def one(run, carrier, t):
        values = lax.stop_gradient(certify.invariants(run.dynamics, t, carrier, collides))
        return {
            "parts": {name: r.part(run.dynamics, t, carrier) for name, r in run.adders.items()},
            "values": values,
            "finite": certify.finite(carrier, values),
            "near": certify.closeness(run.dynamics, carrier),
        }

    recorders = run.adders

    def keep(seen, beside):
        number, reference = beside
        real = number < count
        parts = {name: _kept(recorders[name], parts, real) for name, parts in seen["parts"].items()}
        glimpse = _only(real, glimpse_of(seen["values"], seen["finite"], seen["near"], reference, number))
        return parts, tree_in_tile(merged_glimpses, glimpse)

    blocks = blocks_over_lanes(one, keep, run, completed_example(state, count), run.clock[0], engine)

    def look(carriers, now, index, watch: Watch):
        beside = numbers(index, jax.tree.leaves(carriers)[0].shape[-1]), watch.reference
        parts, glimpses = blocks(carriers, beside, run.time(now))
        glimpses = jax.tree.map(lambda x: x[None], glimpses)  # of this one frame
        return {name: _part(recorders[name], part) for name, part in parts.items()}, watched(watch, glimpses, now[None])

    return look


def _kept(recorder, parts, real):
    """Of one block of lanes, those that are carriers: the merged part; the lanes themselves where the recorder adds up in its own way."""
    parts = _only(real, parts)
    return parts if hasattr(recorder, "in_tile") else tree_in_tile(recorder.merge, parts)


def _only(real, parts):
    """Leaves [... lanes], zero in lanes that are no carriers."""
    return jax.tree.map(lambda x: jnp.where(real.reshape((1,) * (x.ndim - 1) + real.shape), x, jnp.zeros_like(x)), parts)


def _part(recorder, blocks):
    """The tile's part from those of its blocks, leaves [blocks ...]."""
    if not hasattr(recorder, "in_tile"):
        return tree_over_tiles(recorder.merge, blocks)
    lanes = jax.tree.map(lambda x: jnp.moveaxis(x, 0, -2).reshape(*x.shape[1:-1], -1), blocks)
    return recorder.in_tile(lanes, tree_in_tile)


# -- samples: the first carriers, stored ------------------------------------------------------------------------------------


def sampler(run: Run, state, count: int, engine: Engine):
    """(carriers, step number, index of the tile) -> f of the tile's first carriers, leaves [... lanes]; only tiles that hold some of
    the sampled carriers are looked at.
    """
    tile = completed_example(state, count)
    looks = {name: _sampled(run, name, r.count, tile, engine) for name, r in run.samplers.items()}
    slots = {name: -(-r.count // wavevector(tile).shape[-1]) for name, r in run.samplers.items()}

    def sample(carriers, now, index):
        t, found = run.time(now), {}
        for name, look in looks.items():
            nothing = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(look, carriers, t))
            found[name] = lax.cond(index < slots[name], look, lambda c, t, nothing=nothing: nothing, carriers, t)
        return found

    return sample


def _sampled(run: Run, name: str, most: int, tile, engine: Engine):
    first = partial(jax.tree.map, lambda x: x[..., :most])

    def one(run, carrier, t):
        return run.recorders[name].of(run.dynamics, t, carrier)

    look = over_lanes(one, run, jax.eval_shape(first, tile), run.clock[0], engine)
    return lambda carriers, t: look(first(carriers), t)


def room(run: Run, state, frames: int, count: int):
    """Room for the tiles that hold sampled carriers, and one slot more where the other tiles' values go to be dropped."""
    tile, lanes = completed_example(state, count), wavevector(state).shape[-1]

    def shapes(tile, t):
        return {name: _sampled(run, name, r.count, tile, Engine(False, "cpu"))(tile, t) for name, r in run.samplers.items()}

    return {
        name: jax.tree.map(
            lambda s, m=run.recorders[name].count: jnp.zeros((-(-m // lanes) + 1, frames, *s.shape), s.dtype), values
        )
        for name, values in jax.eval_shape(shapes, tile, run.clock[0]).items()
    }


def store(room, seen, index):
    """The room with the values of tile `index`, leaves [f ... lanes]."""
    return jax.tree.map(lambda r, s: lax.dynamic_update_index_in_dim(r, s, jnp.minimum(index, r.shape[0] - 1), 0), room, seen)
