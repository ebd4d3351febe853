"""One compiled launch: tiles of carriers through frames of steps, with the ensemble's sums and certificate taken on the way."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from semijax import certify
from semijax._pytree import record, replace
from semijax.engine.mesh import over_devices
from semijax.engine.over import example, over_lanes, steps_over_lanes
from semijax.engine.reduce import tree_in_tile, tree_over_tiles
from semijax.engine.tiles import grouped, groups_of, numbers, ungrouped
from semijax.engine.watch import NEVER, Watch, watched
from semijax.lattice import fold
from semijax.observables import Sample
from semijax.stepping import advance


@record
class Run:
    """What does not change during a run: equations, steps (one per species, prepared), recorders, and the clock (start, dt)."""

    dynamics: Any
    step: Any
    recorders: dict[str, Any]
    clock: tuple[Any, Any]


@partial(jax.jit, static_argnames=("count", "collides", "engine"))
def observe_start(run: Run, state, *, count: int, collides: bool, engine: str):
    """The frame at the start, leaves [1 ...], and the watch that later frames are compared with."""

    def work(run, tiles):
        look = _looker(run, tiles[1], count, collides, engine)

        def tile(samples, xs):
            index, carriers = xs
            carriers = complete(carriers, index, count, 0)
            seen = look(carriers, run.clock[0])
            zero, none = jnp.zeros((), jnp.int32), jnp.asarray(NEVER, jnp.int32)
            still = {
                name: certify.Drift(jnp.zeros((), v.dtype), jnp.zeros((), v.dtype), zero, zero)
                for name, (v, _) in seen["values"].items()
            }
            watch = Watch({name: v for name, (v, _) in seen["values"].items()}, still, zero, zero, none)
            watch = watched(watch, seen, zero, index, count)
            part, mine = jax.tree.map(lambda x: x[None], (_parts(run, seen, index, count), seen["samples"]))
            return _store(samples, mine, index), (part, watch)

        samples, (parts, watch) = lax.scan(tile, _empty_samples(run, tiles[1], 1, count), tiles)
        return samples, (parts, watch)

    samples, (parts, watch) = over_devices(work, run, (_indices(state), state))
    return (_merged(run, parts), samples), watch


@partial(jax.jit, static_argnames=("frames", "every", "count", "collides", "engine"))
def launch(run: Run, state, watch: Watch, begin, *, frames: int, every: int, count: int, collides: bool, engine: str):
    """`frames` × `every` steps of every carrier, from step number `begin` on: the state, the watch, the frames' parts."""

    def work(shared, tiles):
        run, begin = shared
        look = _looker(run, tiles[1], count, collides, engine)
        move = _mover(run, tiles[1], count, engine)

        @partial(jax.checkpoint, prevent_cse=False)
        def frame(index, carry, f):
            carriers, watch = carry
            first = begin + f * every
            steps = first + jnp.arange(every, dtype=jnp.int32)
            # Observing must not fuse with stepping: the same arithmetic then gives the same bits whatever the length of a launch.
            carriers = lax.optimization_barrier(move(carriers, _time(run, steps)))
            now = first + every
            seen = look(carriers, _time(run, now))
            watch = watched(watch, seen, now, index, count)
            return (carriers, watch), (_parts(run, seen, index, count), seen["samples"])

        def tile(samples, xs):
            index, given, watch = xs
            carry = (complete(given, index, count, begin), watch)
            (carriers, watch), (parts, seen) = lax.scan(partial(frame, index), carry, jnp.arange(frames, dtype=jnp.int32))
            return _store(samples, seen, index), ((_like(given, carriers), watch), parts)

        def group(samples, xs):
            samples, (tiles, parts) = lax.scan(tile, samples, xs)
            return samples, (tiles, _merged(run, parts))

        room = _empty_samples(run, tiles[1], frames, count)
        size = groups_of(tiles[0].shape[0])
        samples, (moved, parts) = lax.scan(group, room, grouped(tiles, size))
        return samples, (*ungrouped(moved), parts)

    samples, (state, watch, parts) = over_devices(work, (run, begin), (_indices(state), state, watch))
    return state, watch, (_merged(run, parts), samples)


def _mover(run: Run, state, count: int, engine: str):
    """(carriers, times [steps]) -> carriers: a tile's carriers after these steps."""

    def one(run, carrier, t):
        return _step(run, carrier, t, run.clock[1])

    return steps_over_lanes(one, run, _completed_example(state, count), run.clock[0], engine)


def _looker(run: Run, state, count: int, collides: bool, engine: str):
    """(carriers, t) -> what a frame looks at, leaves [... lanes]: "parts", "values" and "finite" in one program, so that what they
    share is computed once; "samples" of the first lanes alone.
    """
    tile = _completed_example(state, count)

    def one(run, carrier, t):
        values = lax.stop_gradient(certify.invariants(run.dynamics, t, carrier, collides))
        return {
            "parts": {name: r.part(run.dynamics, t, carrier) for name, r in _adders(run).items()},
            "values": values,
            "finite": certify.finite(carrier, values),
        }

    look = over_lanes(one, run, tile, run.clock[0], engine)
    samplers = {name: _sampler(run, name, r.count, tile, engine) for name, r in _samplers(run).items()}
    return lambda carriers, t: look(carriers, t) | {"samples": {name: sample(carriers, t) for name, sample in samplers.items()}}


def _sampler(run: Run, name: str, most: int, tile, engine: str):
    """(carriers, t) -> f of the tile's first lanes, leaves [... lanes]."""
    first = partial(jax.tree.map, lambda x: x[..., :most])

    def one(run, carrier, t):
        return run.recorders[name].of(run.dynamics, t, carrier)

    look = over_lanes(one, run, jax.eval_shape(first, tile), run.clock[0], engine)
    return lambda carriers, t: look(first(carriers), t)


def _completed_example(state, count: int):
    return jax.eval_shape(lambda tile: complete(tile, jnp.zeros((), jnp.int32), count, 0), example(state))


def _time(run: Run, i):
    """The time of step number i: start + i dt."""
    start, dt = run.clock
    return start + i.astype(dt.dtype) * dt


def _step(run: Run, carriers, t, dt):
    """One step of one carrier (or of each member of a pair), its k folded back into the zone."""
    if isinstance(carriers, dict):
        return {name: _move(run.dynamics[name], run.step[name], carriers[name], t, dt) for name in carriers}
    return _move(run.dynamics, run.step, carriers, t, dt)


def _move(dynamics, step, carrier, t, dt):
    carrier = advance(step, dynamics, t, carrier, dt)
    carrier = replace(carrier, steps=carrier.steps + jnp.uint32(1))
    if carrier.winding is None:
        return carrier
    band = dynamics.species.band
    k, turns = fold(carrier.phase.wavevector, band.lattice, band.reciprocal)
    return replace(carrier, phase=replace(carrier.phase, wavevector=k), winding=carrier.winding + turns)


# -- what a tile's carriers carry beside their state ------------------------------------------------------------------------


def complete(carriers, index, count: int, taken):
    """A tile's carriers with weight, id and step count written out; lanes beyond the last carrier weigh nothing.

    taken: steps of this run so far; carriers that come from an earlier run keep their own count.
    """
    if isinstance(carriers, dict):
        return {name: complete(c, index, count, taken) for name, c in carriers.items()}
    k = carriers.phase.wavevector
    number = numbers(index, k.shape[-1])
    weight = jnp.ones(number.shape, k.dtype) if carriers.weight is None else carriers.weight
    identity = number.astype(jnp.uint32) if carriers.id is None else carriers.id
    steps = jnp.full(number.shape, taken, jnp.uint32) if carriers.steps is None else carriers.steps
    return replace(carriers, weight=jnp.where(number < count, weight, jnp.zeros_like(weight)), id=identity, steps=steps)


def _like(given, carriers):
    """Carriers back in the shape of the state: what was not stored before is not stored after."""
    if isinstance(given, dict):
        return {name: _like(given[name], carriers[name]) for name in given}
    return replace(carriers, weight=given.weight, id=given.id, steps=given.steps)


def _wavevector(carriers):
    return (next(iter(carriers.values())) if isinstance(carriers, dict) else carriers).phase.wavevector


def _indices(state):
    return jnp.arange(_wavevector(state).shape[0], dtype=jnp.int32)


# -- sums -------------------------------------------------------------------------------------------------------------------


def _adders(run: Run):
    return {name: r for name, r in run.recorders.items() if not isinstance(r, Sample)}


def _samplers(run: Run):
    return {name: r for name, r in run.recorders.items() if isinstance(r, Sample)}


def _parts(run: Run, seen, index, count: int):
    """The tile's part of every sum."""
    adders = _adders(run)
    return {name: _part(adders[name], parts, index, count) for name, parts in seen["parts"].items()}


def _part(recorder, parts, index, count: int):
    lanes = jax.tree.leaves(parts)[0].shape[-1]
    real = numbers(index, lanes) < count
    parts = jax.tree.map(lambda x: jnp.where(real.reshape((1,) * (x.ndim - 1) + real.shape), x, jnp.zeros_like(x)), parts)
    if hasattr(recorder, "in_tile"):
        return recorder.in_tile(parts, tree_in_tile)
    return tree_in_tile(recorder.merge, parts)


def _merged(run: Run, parts):
    """The tiles' parts, leaves [tiles f ...], as one: leaves [f ...]."""
    return {name: jax.vmap(partial(tree_over_tiles, r.merge), in_axes=1)(parts[name]) for name, r in _adders(run).items()}


# -- samples: the first carriers, stored ------------------------------------------------------------------------------------


def _empty_samples(run: Run, state, frames: int, count: int):
    """Room for the tiles that hold sampled carriers, and one slot more where the other tiles' values go to be dropped."""

    tile = _completed_example(state, count)

    def shapes(tile, t):
        return {name: _sampler(run, name, r.count, tile, "plain")(tile, t) for name, r in _samplers(run).items()}

    lanes = _wavevector(state).shape[-1]
    return {
        name: jax.tree.map(
            lambda s, m=run.recorders[name].count: jnp.zeros((-(-m // lanes) + 1, frames, *s.shape), s.dtype), values
        )
        for name, values in jax.eval_shape(shapes, tile, run.clock[0]).items()
    }


def _store(room, seen, index):
    return jax.tree.map(lambda r, s: lax.dynamic_update_index_in_dim(r, s, jnp.minimum(index, r.shape[0] - 1), 0), room, seen)
