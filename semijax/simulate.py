"""simulate: the only loop over time. It takes carriers in tiles, adds up observables, and knows no physics."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from semijax import certify, limits, stepping
from semijax._pytree import record, replace, static
from semijax.configure import at_first_use, instruction_set
from semijax.engine import chunks
from semijax.engine.course import Course, followed, in_turn
from semijax.engine.keeping import Keeper, digest, leaves_of
from semijax.engine.over import chosen
from semijax.engine.prepare import check_inputs, check_start, enter, first_bad, leave, prepared
from semijax.engine.reduce import BLOCK, tree_over_tiles
from semijax.engine.state import Run, completed_example
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
        """Returns the result itself, or raises BrokenInvariant naming the carrier and the step; see `certify.invariants`.

        Warns where carriers came too near to leaving their bands, see `probes.one_band`.
        """
        certify.check(self.status, tolerance)
        limits.warn(self)
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
    chunk: int | None = None,
    keep: bool = True,
    checkpoints: Keeper | None = None,
) -> Result:
    """Follows carriers for `duration` fs and adds up what `record` asks for at steps 0, every, 2·every, ...

    dynamics, carriers: one of each, or dicts with the same keys, {"electron": ..., "hole": ...}: a carrier is then a pair.
    Carriers may be `sj.prepared` ones, which never exist all at once.
    dt [fs]: None asks `suggest_dt`; it is lowered so that a whole number of `every` steps fills the duration.
    record: name -> observables.mean(f), ... step: a scheme (sj.rk4) or a transformed one (sj.with_volume(sj.rk4)).
    compensated: keep what rounding loses in every sum (float32 over 1e5 steps). tile: carriers per tile (results do not depend
    on it). progress: called with (frames done, frames in all) while the run goes on; a true return value stops it there, and so
    does a carrier that is no longer finite. chunk: carriers followed at once, each chunk through the whole duration (results do not
    depend on it; None: what fits and pays, see `sj.forecast`; under jit, grad and vmap all go together); `progress` then counts the
    frames of all chunks, and a run stopped in a later chunk has the carriers of those before it. keep: False leaves `final` out.
    checkpoints: sj.io.Checkpoints(directory), which keeps the run now and then; the same call goes on from there, bit for bit.

    Everything is cast to the dtype of the carriers. jit, grad, jvp and vmap go through (without `progress`). Raises SemijaxError
    for bad input and for a dt that cannot resolve the motion; a numerical failure is a value in `status`, raised by `check()`.
    """
    at_first_use()
    step, recorders = as_step(step), dict(record or {})
    count, head = chunks.count_of(carriers), chunks.first_of(carriers)
    check_inputs(dynamics, head, recorders, every, count, chunk)
    check_times(duration, dt, start)
    concrete = is_concrete((dynamics, carriers, step))
    bad, best = first_bad(head) if is_concrete(head) else {}, None
    if concrete:
        best = checked_dt(dynamics, head, dt, start=start, duration=duration, step=step)
        dt = min(best, duration / every) if dt is None else dt
    check_start(bad, head)
    dt, frames = fitted(duration, dt, every)
    dtype = _first(head).phase.wavevector.dtype
    given = Run(dynamics, prepared(step, dynamics, dtype), recorders, (float(start), float(dt)))
    if checkpoints is not None and chunk is None:
        chunk = checkpoints.recorded("chunk")
    size = chunks.chosen(carriers, head, partial(_inside, given, head, compensated), chunk, keep) if concrete else count
    course = Course(frames, every, progress, count, size, tile, stepping.collides(step), chosen(concrete), checkpoints)
    if checkpoints is not None:
        checkpoints.begin(_key(given, carriers, head, course, compensated))
    how = {"compensated": compensated, "dtype": dtype}
    run, state, through, done = _through(course, given, carriers, size, how, keep)
    times, found, final, verdict = _ended(
        run, state, through.parts, through.watches, done * every, done=done, count=count, collides=course.collides
    )
    final = through.kept.all() if size < count else final
    result = Result(times, found, final, replace(verdict, steps=done * every, dt=dt), described(recorders))
    if best is not None:
        limits.remember(result, dynamics, head, step, start, best)
    if checkpoints is not None:
        checkpoints.end()
    return result


def _through(course: Course, given: Run, carriers, size: int, how: dict, keep: bool) -> tuple[Run, Any, Any, int]:
    """(run, state at the end where all carriers go together, what its chunks left, frames done)."""
    count, frames, keeper = chunks.count_of(carriers), course.frames, course.keeper
    through, run, state, done = chunks.Through(count), given, None, 0
    for number, first in enumerate(range(0, count, size)):
        n = min(size, count - first)
        past = keeper.finished(number) if keeper and first + n < count else None
        if past is not None:
            through.again(past)
            done = frames
            continue
        some = chunks.part_of(carriers, first, n)
        if isinstance(carriers, chunks.Prepared):  # those given were looked at before anything ran
            check_start(first_bad(some), some, first)
        course, (run, state, watch, part, reached) = followed(course, given, some, first, number, how)
        del some  # here and below: memory for what comes next
        stopped = bool(number) and reached < frames  # then there are fewer frames of these carriers than of those before
        left = None
        if size < count:
            left = _left(run, state, reached * course.every, count=n, collides=course.collides) if keep else None
        through.add(part, watch, left, counts=not stopped)
        state = state if keep and size >= count else None
        done = done if stopped else reached
        if reached < frames:
            break
        if keeper and first + n < count:
            keeper.keep(number, leaves_of((part, watch, left)))
    return run, state, through, done


def _key(given: Run, carriers, head, course: Course, compensated: bool) -> dict[str, Any]:
    """What decides every bit of a run, in words."""
    made = isinstance(carriers, chunks.Prepared)
    return {
        "equations": digest(given),
        "recorded": sorted(given.recorders),
        "carriers": course.how["count"],
        "start": digest(head if made else carriers),
        "frames": course.frames,
        "every": course.every,
        "chunk": course.size,
        "tile": [course.lanes, course.slots],
        "compensated": compensated,
        "engine": str(course.how["engine"]),
        "jax": jax.__version__,
        "instructions": instruction_set(),
    }


def forecast(
    dynamics,
    carriers,
    *,
    step=rk4,
    compensated: bool = False,
    chunk: int | None = None,
    keep: bool = True,
    record: dict[str, Any] | None = None,
    frames: int = 1,
) -> chunks.Forecast:
    """What `simulate` with these arguments will need: bytes at its peak beside the carriers given, and carriers at once.

    record, frames: samples of many carriers in many frames (duration / (dt · every)) take room too. Raises SemijaxError where they
    cannot fit.
    """
    at_first_use()
    step, count, head = as_step(step), chunks.count_of(carriers), chunks.first_of(carriers)
    check_inputs(dynamics, head, dict(record or {}), 1, count, chunk)
    run = Run(dynamics, prepared(step, dynamics, _first(head).phase.wavevector.dtype), dict(record or {}), (0.0, 1.0))
    samples = frames * _sampled(run, head)
    return chunks.forecast(carriers, chunks.bytes_of(head), _inside(run, head, compensated), chunk, keep, samples)


def _inside(run: Run, head, compensated: bool) -> int:
    """Bytes of one carrier inside the engine."""
    _, state = _entered(run, head, compensated)
    return _bytes(state) // BLOCK


def _sampled(run: Run, head) -> int:
    """Bytes of a frame's samples."""
    run, state = _entered(run, head, False)

    def looked(run, carrier):
        return {name: recorder.of(run.dynamics, run.clock[0], carrier) for name, recorder in run.samplers.items()}

    one = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[:-1], x.dtype), completed_example(state, BLOCK))
    return sum(run.samplers[name].count * _bytes(x) for name, x in jax.eval_shape(looked, run, one).items())


def _entered(run: Run, head, compensated: bool) -> tuple[Run, Any]:
    """Shapes of the run and of a block of carriers inside the engine."""
    some = jax.tree.map(lambda x: jax.ShapeDtypeStruct((BLOCK, *x.shape[1:]), x.dtype), head)
    how = {"compensated": compensated, "lanes": BLOCK, "slots": 1, "dtype": _first(head).phase.wavevector.dtype}
    return jax.eval_shape(partial(enter, **how), run, some)


def _bytes(tree) -> int:
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(tree))


@partial(jax.jit, static_argnames=("count", "collides"))
def _left(run: Run, state, taken, *, count: int, collides: bool):
    """The carriers of a chunk at the end."""
    return leave(run.dynamics, state, taken, count, collides)


@partial(jax.jit, static_argnames=("done", "count", "collides"))
def _ended(run: Run, state, parts: list, watches: list, taken, *, done: int, count: int, collides: bool) -> tuple:
    """(times of the frames, frames, carriers at the end, certificate) after `done` frames, `taken` steps. parts, watches: of each chunk.
    state: None where the carriers are not wanted or were left before.
    """
    times = run.time(taken // done * jnp.arange(done + 1, dtype=jnp.int32))
    final = None if state is None else leave(run.dynamics, state, taken, count, collides)
    watch = jax.tree.map(lambda *x: jnp.concatenate(x), *watches)
    return times, _finished(run, _together(run, [in_turn(part) for part in parts])), final, watch.status()


def _together(run: Run, parts: list) -> tuple:
    """The chunks' parts as one; a sample is in the chunk that has the carrier, and zero in the others."""
    if len(parts) == 1:
        return parts[0]
    sums, samples = (jax.tree.map(lambda *x: jnp.stack(x), *some) for some in zip(*parts))
    sums = {name: jax.vmap(partial(tree_over_tiles, r.merge), in_axes=1)(sums[name]) for name, r in run.adders.items()}
    return sums, jax.tree.map(lambda x: x.sum(0), samples)


def _finished(run: Run, parts: tuple) -> dict[str, Any]:
    """The parts finished into frames [f ...]."""
    (sums, samples), frames = parts, {}
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


def _first(carriers):
    return next(iter(carriers.values())) if isinstance(carriers, dict) else carriers
