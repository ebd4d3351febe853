"""What a launch works with: the run, and a tile's carriers with all they carry written out."""

from typing import Any

import jax
import jax.numpy as jnp

from semijax._pytree import record, replace
from semijax.engine.over import example
from semijax.engine.tiles import numbers
from semijax.observables import Sample


@record
class Run:
    """What does not change during a run: equations, steps (one per species, prepared), recorders, and the clock (start, dt)."""

    dynamics: Any
    step: Any
    recorders: dict[str, Any]
    clock: tuple[Any, Any]

    @property
    def adders(self) -> dict[str, Any]:
        """The recorders that add up."""
        return {name: r for name, r in self.recorders.items() if not isinstance(r, Sample)}

    @property
    def samplers(self) -> dict[str, Sample]:
        """The recorders that store the first carriers."""
        return {name: r for name, r in self.recorders.items() if isinstance(r, Sample)}

    def time(self, i):
        """The time of step number i: start + i dt."""
        start, dt = self.clock
        return start + i.astype(dt.dtype) * dt


def each(function, first, *others):
    """function of one species' things, or of those of each of a pair."""
    if isinstance(first, dict):
        return {name: function(first[name], *(x[name] for x in others)) for name in first}
    return function(first, *others)


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


def like(given, carriers):
    """Carriers back in the shape of the state: what was not stored before is not stored after."""
    if isinstance(given, dict):
        return {name: like(given[name], carriers[name]) for name in given}
    return replace(carriers, weight=given.weight, id=given.id, steps=None if given.steps is None else carriers.steps)


def wavevector(carriers):
    """Of the carriers, or of a pair's first members."""
    return (next(iter(carriers.values())) if isinstance(carriers, dict) else carriers).phase.wavevector


def completed_example(state, count: int):
    """Shapes and dtypes of one tile of the state, completed."""
    return jax.eval_shape(lambda tile: complete(tile, jnp.zeros((), jnp.int32), count, 0), example(state))
