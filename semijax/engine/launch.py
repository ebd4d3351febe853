"""One compiled launch: tiles of carriers through frames of steps, with the ensemble's sums and certificate taken on the way."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from semijax import stepping
from semijax._pytree import replace
from semijax.engine import over
from semijax.engine.cuda import kernel as on_gpu
from semijax.engine.kernels.frames import by_kernel, start_by_kernel
from semijax.engine.llvm import kernel as on_cpu
from semijax.engine.look import looker, near_of, room, sampler, store, watcher
from semijax.engine.mesh import over_devices
from semijax.engine.over import Engine, apart
from semijax.engine.reduce import tree_over_tiles
from semijax.engine.state import Run, complete, completed_example, each, like
from semijax.engine.steps import moves_of, steps_over_lanes
from semijax.engine.tiles import grouped, groups_of, ungrouped
from semijax.engine.watch import Watch, at_start
from semijax.engine.wide import wide_jit
from semijax.lattice import fold


@partial(wide_jit, static_argnames=("count", "collides", "engine"))
def observe_start(run: Run, state, index, *, count: int, collides: bool, engine: Engine):
    """The frame at the start, leaves [1 ...], and the watch that later frames are compared with. index [tiles]: which of the tiles of
    all carriers these are.
    """

    def work(run, tiles):
        how = {"count": count, "collides": collides}
        plain = partial(_start, engine=engine.simpler, **how)
        look = start_by_kernel(_writer(engine), run, tiles[1], plain, platform=engine.platform, **how) if engine.kernels else None
        look = look or partial(plain, run)

        def tile(samples, xs):
            part, seen, watch = look(*xs)
            return store(samples, seen, xs[0]), (part, watch)

        samples, (parts, watch) = lax.scan(tile, room(run, tiles[1], 1, count), tiles)
        return samples, (parts, watch)

    samples, (parts, watch) = over_devices(work, run, (index, state))
    return (_merged(run, parts), samples), watch


@partial(wide_jit, static_argnames=("frames", "every", "count", "collides", "engine"), donate_argnames=("state", "watch"))
def launch(run: Run, state, index, watch: Watch, begin, *, frames: int, every: int, count: int, collides: bool, engine: Engine):
    """`frames` × `every` steps of every carrier, from step number `begin` on: the state, the watch, the frames' parts."""

    def work(shared, tiles):
        run, begin = shared
        how, through = {"frames": frames, "every": every, "count": count, "collides": collides}, None
        if engine.kernels:
            moves = moves_of(*_motions(tiles[1]), run, completed_example(tiles[1], count), run.clock[0], True)
            plain = partial(_through, engine=engine.simpler, **how)
            through = by_kernel(_writer(engine), run, begin, tiles[1], moves, plain, platform=engine.platform, **how)
        if through is None:
            through = _by_frames(run, begin, tiles[1], engine=engine, **how)

        def tile(samples, xs):
            moved, (parts, seen) = through(*xs)
            return store(samples, seen, xs[0]), (moved, parts)

        def group(samples, xs):
            samples, (tiles, parts) = lax.scan(tile, samples, xs)
            return samples, (tiles, _merged(run, parts))

        size = groups_of(tiles[0].shape[0])
        samples, (moved, parts) = lax.scan(group, room(run, tiles[1], frames, count), grouped(tiles, size))
        return samples, (*ungrouped(moved), parts)

    samples, (state, watch, parts) = over_devices(work, (run, begin), (index, state, watch))
    return state, watch, (_merged(run, parts), samples)


@partial(wide_jit, static_argnames=("frames", "every", "count", "collides", "engine"), donate_argnames=("state",))
def whole(run: Run, state, index, *, frames: int, every: int, count: int, collides: bool, engine: Engine):
    """A run in one launch: the state, the watch, the parts of the start and of the frames after it."""
    how = {"count": count, "collides": collides, "engine": engine}
    start, watch = observe_start(run, state, index, **how)
    state, watch, parts = launch(run, state, index, watch, jnp.zeros((), jnp.int32), frames=frames, every=every, **how)
    return state, watch, [start, parts]


def _writer(engine: Engine):
    """What makes kernels for this platform."""
    return on_cpu.kernel if engine.platform == "cpu" else on_gpu.kernel


def _start(run: Run, index, given, *, count: int, collides: bool, engine: Engine):
    """(parts [1 ...], samples [1 ...], watch) of a tile before any step."""
    state = jax.tree.map(lambda x: x[None], given)
    of, carriers, now = (run, state, count), complete(given, index, count, 0), jnp.zeros((), jnp.int32)
    watch = at_start(watcher(*of, collides, engine)(carriers, run.clock[0]), near_of(*of))
    part, watch = looker(*of, collides, engine)(carriers, now, index, watch)
    return *jax.tree.map(lambda x: x[None], (part, sampler(*of, engine)(carriers, now, index))), watch


def _through(run: Run, begin, index, given, watch: Watch, **how):
    """A tile through all frames, see `_by_frames`."""
    return _by_frames(run, begin, jax.tree.map(lambda x: x[None], given), **how)(index, given, watch)


def _by_frames(run: Run, begin, state, *, frames: int, every: int, count: int, collides: bool, engine: Engine):
    """(index of the tile, its carriers, watch) -> ((carriers, watch), (parts [f ...], samples [f ...])), frame after frame."""
    of = (run, state, count)
    move, look, sample = _mover(*of, engine), looker(*of, collides, engine), sampler(*of, engine)

    @partial(jax.checkpoint, prevent_cse=False)
    def frame(index, carry, f):
        carriers, watch = carry
        first = begin + f * every
        carriers = move(carriers, run.time(first + jnp.arange(every, dtype=jnp.int32)))
        # Observing must not fuse with stepping, so that the bits do not depend on the length of a launch. For a GPU: XLA's CPU
        # compiler drops the barrier before it fuses, and there a frame's steps are a loop or a call by themselves.
        carriers, now = lax.optimization_barrier(carriers), first + every
        part, watch = look(carriers, now, index, watch)
        return (carriers, watch), (part, sample(carriers, now, index))

    def through(index, given, watch):
        carry = (apart(complete(given, index, count, begin), engine), watch)
        (carriers, watch), seen = lax.scan(partial(frame, index), carry, jnp.arange(frames, dtype=jnp.int32))
        return (like(given, over.whole(carriers)), watch), seen

    return through


def _mover(run: Run, state, count: int, engine: Engine):
    """(carriers, times [steps]) -> carriers: a tile's carriers after these steps."""
    return steps_over_lanes(*_motions(state), run, completed_example(state, count), run.clock[0], engine)


def _motions(state):
    """(one step of one carrier or pair, what folds its k afterwards; None where there is no zone)."""

    def step(run, carrier, t):
        return each(partial(_move, t, run.clock[1]), run.dynamics, run.step, carrier)

    def settle(run, carrier):
        return each(_folded, run.dynamics, carrier)

    folds = any(one.winding is not None for one in (state.values() if isinstance(state, dict) else [state]))
    return step, settle if folds else None


def _move(t, dt, dynamics, step, carrier):
    """One step of one carrier."""
    carrier = stepping.advance(step, dynamics, t, carrier, dt)
    return replace(carrier, steps=carrier.steps + jnp.uint32(1)) if stepping.collides(step) else carrier


def _folded(dynamics, carrier):
    """One carrier with its k in the zone."""
    if carrier.winding is None:
        return carrier
    band = dynamics.species.band
    k, turns = fold(carrier.phase.wavevector, band.lattice, band.reciprocal)
    return replace(carrier, phase=replace(carrier.phase, wavevector=k), winding=carrier.winding + turns)


def _merged(run: Run, parts):
    """The tiles' parts, leaves [tiles f ...], as one: leaves [f ...]."""
    return {name: jax.vmap(partial(tree_over_tiles, r.merge), in_axes=1)(parts[name]) for name, r in run.adders.items()}
