"""How a run goes: its chunks through the launches of an engine, with kernels or, where they have no word for something, without."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import replace
from semijax.configure import tell_if_late
from semijax.engine import chunks, tiles
from semijax.engine.kernels import NoKernel
from semijax.engine.launch import launch, observe_start, whole
from semijax.engine.mesh import gathered, loose, spread
from semijax.engine.over import Engine
from semijax.engine.prepare import enter
from semijax.engine.state import Run


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
    ):
        self.given = frames, every, progress, count, size, tile, collides
        self.frames, self.every, self.progress, self.collides, self.devices = frames, every, progress, collides, engine.devices
        self.lanes = tiles.tile_size(min(size, count), engine.devices, tile, whole=engine.kernels and engine.devices == 1)
        self.slots = tiles.slots_of(min(size, count), self.lanes, engine.devices)
        self.tiles, self.chunks = tiles.tiles_of(count, self.lanes), -(-count // size)
        self.how = {"count": count, "collides": collides, "engine": engine}

    @property
    def simpler(self) -> "Course":
        """The same without kernels."""
        return Course(*self.given, self.how["engine"].simpler)

    def through(self, given: Run, carriers, first: int, number: int, how: dict) -> tuple:
        """(run, state, watch, parts, frames done) of chunk `number`, whose first carrier is number `first`. how: of `enter`."""
        run, state = enter(given, carriers, lanes=self.lanes, slots=self.slots, **how)
        index = tiles.index_of(first // self.lanes, tiles.tiles_of(chunks.count_of(carriers), self.lanes), self.slots, self.tiles)
        del carriers
        state, index = spread((state, index), self.devices)
        state, watch, part, reached = self.follow(loose(run, self.devices), state, index, number)
        return run, *gathered((state, replace(watch, reference={}), part), self.devices), reached

    def follow(self, run: Run, state, index, number: int) -> tuple:
        """(state, watch, parts, frames done) of chunk `number`: in one launch or, to tell `progress`, about forty equal ones (two shapes
        at most, so two compilations).
        """
        if self.progress is None:
            return *whole(run, state, index, frames=self.frames, every=self.every, **self.how), self.frames
        start, watch = observe_start(run, state, index, **self.how)
        parts, done, piece = [start], 0, math.ceil(self.frames / 40)
        while done < self.frames:
            length = min(piece, self.frames - done)
            state, watch, part = launch(run, state, index, watch, done * self.every, frames=length, every=self.every, **self.how)
            parts.append(part)
            done += length
            failed = bool((watch.nonfinite > 0).any())  # nothing later in the run is worth its time
            if failed or self.progress(number * self.frames + done, self.chunks * self.frames):
                break
        return state, watch, [start, _joined(parts[1:])], done


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
