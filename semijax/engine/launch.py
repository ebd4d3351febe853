"""One compiled launch: tiles of carriers through frames of steps, with the ensemble's sums and certificate taken on the way."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from semijax import certify
from semijax._pytree import record, replace
from semijax.engine.mesh import over_devices
from semijax.engine.reduce import tree_in_tile, tree_over_tiles
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


@record
class Watch:
    """The certificate while it is being made: leaves [tiles ...], and the starting values of the invariants [tiles lanes]."""

    reference: dict[str, Any]
    drifts: dict[str, certify.Drift]
    nonfinite: Any
    carrier: Any
    step: Any

    def status(self, steps: int, dt: float) -> certify.Status:
        """The verdict over all tiles: of each invariant the tile that drifted most, of failures the earliest."""
        drifts = {}
        for name, drift in self.drifts.items():
            worst = jnp.argmax(drift.change)
            drifts[name] = replace(jax.tree.map(lambda x, i=worst: x[i], drift), scale=jnp.max(drift.scale))
        first = jnp.argmin(self.step)
        return certify.Status(jnp.sum(self.nonfinite), self.carrier[first], self.step[first], drifts, steps, dt)


NEVER = jnp.iinfo(jnp.int32).max


@partial(jax.jit, static_argnames=("count", "collides"))
def observe_start(run: Run, state, *, count: int, collides: bool):
    """The frame at the start, leaves [1 ...], and the watch that later frames are compared with."""

    def tile(run, samples, xs):
        index, carriers = xs
        carriers = complete(carriers, index, count, 0)
        t = run.clock[0]
        values = _invariants(run, t, carriers, collides)
        zero, none = jnp.zeros((), jnp.int32), jnp.asarray(NEVER, jnp.int32)
        drifts = {
            name: certify.Drift(jnp.zeros((), v.dtype), jnp.zeros((), v.dtype), zero, zero) for name, (v, _) in values.items()
        }
        watch = Watch({name: v for name, (v, _) in values.items()}, drifts, zero, zero, none)
        part = jax.tree.map(lambda x: x[None], _parts(run, t, carriers, index, count))
        watch = _watched(run, watch, t, carriers, jnp.zeros((), jnp.int32), index, count, collides)
        samples = _store(run, samples, jax.tree.map(lambda x: x[None], _samples(run, t, carriers)), index)
        return samples, (part, watch)

    def work(run, tiles):
        return lax.scan(partial(tile, run), _empty_samples(run, tiles[1], 1, count), tiles)

    samples, (parts, watch) = over_devices(work, run, (_indices(state), state))
    return (_merged(run, parts), samples), watch


@partial(jax.jit, static_argnames=("frames", "every", "count", "collides"))
def launch(run: Run, state, watch: Watch, begin, *, frames: int, every: int, count: int, collides: bool):
    """`frames` × `every` steps of every carrier, from step number `begin` on: the state, the watch, the frames' parts."""

    def tile(run, begin, samples, xs):
        index, carriers, watch = xs

        @partial(jax.checkpoint, prevent_cse=False)
        def frame(carry, f):
            carriers, watch = carry
            first = begin + f * every
            carriers = _stepped(run, carriers, first, every)
            # Observing must not fuse with stepping: the same arithmetic then gives the same bits whatever the length of a launch.
            carriers = lax.optimization_barrier(carriers)
            now, t = first + every, _time(run, first + every)
            watch = _watched(run, watch, t, carriers, now, index, count, collides)
            return (carriers, watch), (_parts(run, t, carriers, index, count), _samples(run, t, carriers))

        given = carriers
        carry = (complete(carriers, index, count, begin), watch)
        (carriers, watch), (parts, seen) = lax.scan(frame, carry, jnp.arange(frames, dtype=jnp.int32))
        return _store(run, samples, seen, index), (_like(given, carriers), watch, parts)

    def work(shared, tiles):
        return lax.scan(partial(tile, *shared), _empty_samples(shared[0], tiles[1], frames, count), tiles)

    samples, (state, watch, parts) = over_devices(work, (run, begin), (_indices(state), state, watch))
    return state, watch, (_merged(run, parts), samples)


def _stepped(run: Run, carriers, first, steps: int):
    """A tile's carriers after `steps` steps, from step number `first` on."""
    step = jax.vmap(partial(_step, run), in_axes=(-1, None, None), out_axes=-1)
    numbers = jnp.arange(steps, dtype=jnp.int32)
    return lax.scan(lambda c, j: (step(c, _time(run, first + j), run.clock[1]), None), carriers, numbers)[0]


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
    number = _numbers(k, index)
    weight = jnp.ones(number.shape, k.dtype) if carriers.weight is None else carriers.weight
    identity = number.astype(jnp.uint32) if carriers.id is None else carriers.id
    steps = jnp.full(number.shape, taken, jnp.uint32) if carriers.steps is None else carriers.steps
    return replace(carriers, weight=jnp.where(number < count, weight, jnp.zeros_like(weight)), id=identity, steps=steps)


def _like(given, carriers):
    """Carriers back in the shape of the state: what was not stored before is not stored after."""
    if isinstance(given, dict):
        return {name: _like(given[name], carriers[name]) for name in given}
    kept = {name: None for name in ("id", "steps") if getattr(given, name) is None}
    return replace(carriers, weight=given.weight, **kept)


def _numbers(k, index):
    return index * k.shape[-1] + jnp.arange(k.shape[-1], dtype=jnp.int32)


def _wavevector(carriers):
    return (next(iter(carriers.values())) if isinstance(carriers, dict) else carriers).phase.wavevector


def _indices(state):
    return jnp.arange(_wavevector(state).shape[0], dtype=jnp.int32)


# -- sums -------------------------------------------------------------------------------------------------------------------


def _adders(run: Run):
    return {name: r for name, r in run.recorders.items() if not isinstance(r, Sample)}


def _samplers(run: Run):
    return {name: r for name, r in run.recorders.items() if isinstance(r, Sample)}


def _parts(run: Run, t, carriers, index, count: int):
    """The tile's part of every sum."""
    real = _numbers(_wavevector(carriers), index) < count

    def one(recorder):
        parts = jax.vmap(partial(recorder.part, run.dynamics, t), in_axes=-1, out_axes=-1)(carriers)
        parts = jax.tree.map(lambda x: jnp.where(real.reshape((1,) * (x.ndim - 1) + real.shape), x, jnp.zeros_like(x)), parts)
        return tree_in_tile(recorder.merge, parts)

    return {name: one(recorder) for name, recorder in _adders(run).items()}


def _merged(run: Run, parts):
    """The tiles' parts, leaves [tiles f ...], as one: leaves [f ...]."""
    return {name: jax.vmap(partial(tree_over_tiles, r.merge), in_axes=1)(parts[name]) for name, r in _adders(run).items()}


# -- samples: the first carriers, stored ------------------------------------------------------------------------------------


def _samples(run: Run, t, carriers):
    """Of each sampler, f of the tile's first lanes: leaves [... lanes]."""

    def one(recorder):
        lanes = min(recorder.count, _wavevector(carriers).shape[-1])
        first = jax.tree.map(lambda x: x[..., :lanes], carriers)
        return jax.vmap(partial(recorder.of, run.dynamics, t), in_axes=-1, out_axes=-1)(first)

    return {name: one(recorder) for name, recorder in _samplers(run).items()}


def _empty_samples(run: Run, state, frames: int, count: int):
    """Room for the tiles that hold sampled carriers, and one slot more where the other tiles' values go to be dropped."""

    def shapes(state):
        tile = jax.tree.map(lambda x: x[0], state)
        return _samples(run, run.clock[0], complete(tile, jnp.zeros((), jnp.int32), count, 0))

    lanes = _wavevector(state).shape[-1]
    return {
        name: jax.tree.map(
            lambda s, m=run.recorders[name].count: jnp.zeros((-(-m // lanes) + 1, frames, *s.shape), s.dtype), values
        )
        for name, values in jax.eval_shape(shapes, state).items()
    }


def _store(run: Run, room, seen, index):
    return jax.tree.map(lambda r, s: lax.dynamic_update_index_in_dim(r, s, jnp.minimum(index, r.shape[0] - 1), 0), room, seen)


# -- certificate ------------------------------------------------------------------------------------------------------------


def _invariants(run: Run, t, carriers, collides: bool):
    return jax.vmap(lambda c: certify.invariants(run.dynamics, t, c, collides), in_axes=-1)(carriers)


def _watched(run: Run, watch: Watch, t, carriers, now, index, count: int, collides: bool) -> Watch:
    """The watch after one more frame, at step number `now`."""
    carriers = lax.stop_gradient(carriers)
    values = _invariants(run, t, carriers, collides)
    number = _numbers(_wavevector(carriers), index)
    bad = ~jax.vmap(certify.finite, in_axes=-1)(carriers, jax.tree.map(lambda x: x, values)) & (number < count)
    drifts = {
        name: _larger(
            watch.drifts[name], jnp.where(number < count, jnp.abs(value - watch.reference[name]), 0), scale, number, now
        )
        for name, (value, scale) in values.items()
    }
    failed, fresh = jnp.any(bad), watch.step == NEVER
    carrier = jnp.where(failed & fresh, number[jnp.argmax(bad)], watch.carrier)
    step = jnp.where(failed & fresh, now, watch.step)
    return Watch(watch.reference, drifts, jnp.sum(bad, dtype=jnp.int32), carrier, step)


def _larger(drift: certify.Drift, change, scale, number, now) -> certify.Drift:
    change = jnp.where(jnp.isfinite(change), change, jnp.zeros_like(change))  # NaN is counted as a failure, not as a drift
    worst = jnp.argmax(change)
    more = change[worst] > drift.change
    pick = partial(jnp.where, more)
    return certify.Drift(
        pick(change[worst], drift.change),
        jnp.fmax(drift.scale, jnp.max(scale, initial=0, where=jnp.isfinite(scale))),
        pick(number[worst], drift.carrier),
        pick(now, drift.step),
    )
