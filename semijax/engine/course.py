"""How a run goes: its chunks through the launches of an engine, with kernels or, where they have no word for something, without."""

import math
import time
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import replace
from semijax.configure import tell_if_late
from semijax.engine import chunks, tiles
from semijax.engine.keeping import Keeper, leaves_of, placed
from semijax.engine.kernels import NoKernel
from semijax.engine.launch import launch, observe_start, whole
from semijax.engine.mesh import gathered, loose, spread
from semijax.engine.over import Engine
from semijax.engine.prepare import enter
from semijax.engine.state import Run

_LONG = 2.0  # s, a launch that is called long: between launches a run can be stopped


class Course:
    """How a run goes: `frames` of `every` steps for each chunk of `size` carriers, by this engine."""

    def __init__(
        self,
        frames: int,
        every: int,
        progress: Callable | None,
        count: int,
        size: int,
        tile: int | None,
        collides: bool,
        engine: Engine,
        keeper: Keeper | None = None,
    ):
        self.given, self.keeper, self.size = (frames, every, progress, count, size, tile, collides), keeper, size
        self.frames, self.every, self.progress, self.collides, self.devices = frames, every, progress, collides, engine.devices
        self.lanes = tiles.tile_size(min(size, count), engine.devices, tile, whole=engine.kernels and engine.devices == 1)
        self.slots = tiles.slots_of(min(size, count), self.lanes, engine.devices)
        self.tiles, self.chunks = tiles.tiles_of(count, self.lanes), -(-count // size)
        self.how = {"count": count, "collides": collides, "engine": engine}

    @property
    def simpler(self) -> "Course":
        """The same without kernels."""
        return Course(*self.given, self.how["engine"].simpler, self.keeper)

    def through(self, given: Run, carriers, first: int, number: int, how: dict) -> tuple:
        """(run, state, watch, parts, frames done) of chunk `number`, whose first carrier is number `first`. how: of `enter`."""
        run, state = enter(given, carriers, lanes=self.lanes, slots=self.slots, **how)
        index = tiles.index_of(first // self.lanes, tiles.tiles_of(chunks.count_of(carriers), self.lanes), self.slots, self.tiles)
        del carriers
        state, index = spread((state, index), self.devices)
        state, watch, part, reached = self.follow(loose(run, self.devices), state, index, number)
        return run, *gathered((state, replace(watch, reference={}), part), self.devices), reached

    def follow(self, run: Run, state, index, number: int) -> tuple:
        """(state, watch, parts, frames done) of chunk `number`: in one launch or, to tell `progress` and keep checkpoints, in about forty
        equal ones, shorter where one takes long.
        """
        if self.progress is None and self.keeper is None:
            return *whole(run, state, index, frames=self.frames, every=self.every, **self.how), self.frames
        start, watch = observe_start(run, state, index, **self.how)
        parts, done, pace = [start], 0, _Pace(self.frames)
        kept = None if self.keeper is None else self.keeper.restored(number)
        if kept is not None:
            done, leaves = kept
            *there, part = placed(leaves, (state, watch, start, start))
            (state, watch, start), parts = there, [there[2], part]
        while done < self.frames:
            length = pace.length(self.frames - done)
            with pace:
                state, watch, part = launch(
                    run, state, index, watch, done * self.every, frames=length, every=self.every, **self.how
                )
                failed = bool((watch.nonfinite > 0).any())  # nothing later in the run is worth its time
            parts.append(part)
            done += length
            stopped = failed or self._stopped(number * self.frames + done)
            if self.keeper is not None and not failed:
                here = partial(_here, state, watch, parts)
                self.keeper.offer(number, done, here, now=stopped)
            if stopped:
                break
        return state, watch, [start, _joined(parts[1:])], done

    def _stopped(self, done: int) -> bool:
        """Whether `progress` wants no more after so many frames of all chunks."""
        return self.progress is not None and bool(self.progress(done, self.chunks * self.frames))


def _here(state, watch, parts: list) -> list:
    """What it takes to go on."""
    return leaves_of((state, watch, parts[0], _joined(parts[1:])))


class _Pace:
    """How many frames a launch takes: a fortieth of all; as many as go into a second, where that takes over two. Of two lengths, and
    the rest: each is compiled.
    """

    def __init__(self, frames: int):
        self.frames, self.times = math.ceil(frames / 40), []

    def length(self, left: int) -> int:
        return min(self.frames, left)

    def __enter__(self):
        self.began = time.monotonic()

    def __exit__(self, *_):
        self.times.append(time.monotonic() - self.began)
        if len(self.times) == 2 and self.times[1] > _LONG:  # the first has compiled
            self.frames = max(1, int(self.frames / self.times[1]))


_unworded: set = set()  # runs that kernels have no word for, so that a second one like it does not try


def followed(course: Course, given: Run, carriers, first: int, number: int, how: dict) -> tuple[Course, tuple]:
    """(the course taken, what `Course.through` returns): without kernels where they have no word for something in the run."""
    engine = course.how["engine"]
    if engine.kernels:
        kind = _kind(given, carriers, course.how) if _unworded else None
        if kind not in _unworded:
            try:
                return course, course.through(given, carriers, first, number, how)
            except NoKernel:
                if len(_unworded) >= 256:  # they keep the user's functions alive
                    _unworded.clear()
                _unworded.add(_kind(given, carriers, course.how))
    course = course.simpler if engine.kernels else course
    if course.devices == 1:
        tell_if_late()
    return course, course.through(given, carriers, first, number, how)


def _kind(given: Run, carriers, how: dict) -> tuple:
    """What a program is compiled for."""
    leaves, tree = jax.tree.flatten((given, carriers))
    return tree, tuple((jnp.shape(x), jnp.result_type(x)) for x in leaves), how["engine"], how["collides"]


def in_turn(parts: list, together: Callable = jnp.concatenate) -> tuple:
    """The launches' parts one after another."""
    sums = jax.tree.map(lambda *x: together(x), *(p[0] for p in parts))
    return sums, jax.tree.map(lambda *x: together(x, axis=1), *(p[1] for p in parts))


def _joined(parts: list) -> tuple:
    """As `in_turn`, on the host: a program of so many arguments would take long to compile."""
    return jax.tree.map(jnp.asarray, in_turn(jax.device_get(parts), np.concatenate))
