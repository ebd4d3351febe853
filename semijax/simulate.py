"""simulate: the only loop over time. It takes carriers in tiles, adds up observables, and knows no physics."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from semijax import certify, stepping
from semijax._pytree import record, replace, static
from semijax.configure import at_first_use
from semijax.engine import tiles
from semijax.engine.launch import launch, observe_start, whole
from semijax.engine.mesh import gathered, spread
from semijax.engine.over import chosen
from semijax.engine.prepare import check_inputs, check_start, enter, first_bad, leave
from semijax.engine.state import Run
from semijax.engine.watch import Watch
from semijax.observables import Sample, described
from semijax.steppers import as_step, rk4
from semijax.timestep import check_times, checked_dt, fitted, is_concrete


@record
class Result:
    """What a run returns.

    time [f], fs: start, start + every·dt, ..., start + duration. frames: name -> array (or tree) with leading axis [f].
    final: the carriers at the end (a dict for pairs), unfolded; a run continues from them. status: the certificate.
    quantities: what the frames hold, in words, as `observables.described` has it; files take units from it.
    """

    time: Any
    frames: dict[str, Any]
    final: Any
    status: certify.Status
    quantities: tuple = static(default=())

    def check(self, tolerance: float = certify.TOLERANCE) -> "Result":
        """Returns the result itself, or raises BrokenInvariant naming the carrier and the step; see `certify.invariants`."""
        certify.check(self.status, tolerance)
        return self


def simulate(
    dynamics,
    carriers,
    *,
    duration: float,
    dt: float | None = None,
    every: int = 1,
    record: dict[str, Any] | None = None,
    step=rk4,
    start: float = 0.0,
    compensated: bool = False,
    tile: int | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> Result:
    """Follows carriers for `duration` fs and adds up what `record` asks for at steps 0, every, 2·every, ...

    dynamics, carriers: one of each, or dicts with the same keys, {"electron": ..., "hole": ...}: a carrier is then a pair.
    dt [fs]: None asks `suggest_dt`; it is lowered so that a whole number of `every` steps fills the duration.
    record: name -> observables.mean(f), ... step: a scheme (sj.rk4) or a transformed one (sj.with_volume(sj.rk4)).
    compensated: keep what rounding loses in every sum (float32 over 1e5 steps). tile: carriers per tile (results do not depend
    on it). progress: called with (frames done, frames in all) while the run goes on; a true return value stops it there, and so
    does a carrier that is no longer finite.

    Everything is cast to the dtype of the carriers. jit, grad, jvp and vmap go through (without `progress`). Raises SemijaxError
    for bad input and for a dt that cannot resolve the motion; a numerical failure is a value in `status`, raised by `check()`.
    """
    at_first_use()
    step, recorders = as_step(step), dict(record or {})
    check_inputs(dynamics, carriers, recorders, every)
    check_times(duration, dt, start)
    starts = first_bad(carriers) if is_concrete(carriers) else {}
    if is_concrete((dynamics, carriers, step)):
        best = checked_dt(dynamics, carriers, dt, start=start, duration=duration, step=step)
        dt = min(best, duration / every) if dt is None else dt
    check_start(starts, carriers)
    dt, frames = fitted(duration, dt, every)
    dtype, count = _first(carriers).phase.wavevector.dtype, _first(carriers).count
    lanes = tiles.tile_size(count, tile)
    run, state = enter(dynamics, carriers, step, recorders, (start, dt), compensated=compensated, lanes=lanes, dtype=dtype)
    state = spread(state)
    how = {"count": count, "collides": stepping.collides(step), "engine": chosen()}
    if progress is None:
        (state, watch, parts), done = whole(run, state, frames=frames, every=every, **how), frames
    else:
        state, watch, parts, done = _in_launches(run, state, frames, every, progress, how)
    state, parts, watch = gathered((state, parts, replace(watch, reference={})))
    times, found, final, verdict = _ended(
        run, state, parts, watch, done * every, done=done, count=count, collides=how["collides"]
    )
    return Result(times, found, final, replace(verdict, steps=done * every, dt=dt), described(recorders))


def _in_launches(run: Run, state, frames: int, every: int, progress: Callable, how: dict) -> tuple:
    """(state, watch, parts, frames done): about forty equal launches (two shapes at most, so two compilations)."""
    start, watch = observe_start(run, state, **how)
    parts, done = [start], 0
    piece = math.ceil(frames / 40)
    while done < frames:
        length = min(piece, frames - done)
        state, watch, part = launch(run, state, watch, done * every, frames=length, every=every, **how)
        parts.append(part)
        done += length
        if _failed(jax.block_until_ready(watch)) or progress(done, frames):
            break
    return state, watch, parts, done


@partial(jax.jit, static_argnames=("done", "count", "collides"))
def _ended(run: Run, state, parts: list, watch: Watch, taken, *, done: int, count: int, collides: bool) -> tuple:
    """(times of the frames, frames, carriers at the end, certificate) after `done` frames, `taken` steps."""
    times = run.time(taken // done * jnp.arange(done + 1, dtype=jnp.int32))
    return times, _finished(run, parts), leave(run.dynamics, state, taken, count, collides), watch.status()


def _finished(run: Run, parts: list) -> dict[str, Any]:
    """The launches' parts one after another, finished into frames [f ...]."""
    sums = jax.tree.map(lambda *x: jnp.concatenate(x), *(p[0] for p in parts))
    samples = jax.tree.map(lambda *x: jnp.concatenate(x, axis=1), *(p[1] for p in parts))
    frames = {}
    for name, recorder in run.recorders.items():
        if isinstance(recorder, Sample):
            frames[name] = jax.tree.map(lambda x, m=recorder.count: _in_rows(x)[:, :m], samples[name])
        else:
            frames[name] = jax.vmap(recorder.finish)(sums[name])
    return frames


def _in_rows(x):
    """[tiles f ... lanes], the last tile being the dropped ones', -> [f carriers ...]."""
    x = jnp.moveaxis(jnp.moveaxis(x[:-1], -1, 1), 2, 0)  # [f tiles lanes ...]
    return x.reshape(x.shape[0], -1, *x.shape[3:])


def _failed(watch) -> bool:
    """Whether a carrier is no longer finite: nothing later in the run is worth its time."""
    return bool((watch.nonfinite > 0).any())


def _first(carriers):
    return next(iter(carriers.values())) if isinstance(carriers, dict) else carriers
