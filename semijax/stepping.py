"""How a step of any kind moves one carrier: schemes move its phase, transformed steps the whole carrier."""

from typing import Any

import jax
import jax.numpy as jnp

from semijax._pytree import record, replace
from semijax._types import Array, Flow, Phase
from semijax.steppers import increment_of


@record
class Residual:
    """What rounding lost so far in each sum of a carrier; a leaf is None where the sum is not compensated."""

    phase: Any = None
    log_volume: Any = None


def advance(step, flow: Flow, t, carrier, dt):
    """One step of one carrier. Steps with `on_carrier` take the record whole; any other step moves its phase.

    Where `carrier.residual.phase` is there, the sum z + increment is compensated.
    """
    if getattr(step, "on_carrier", False):
        return step(flow, t, carrier, dt)
    if carrier.residual is None or carrier.residual.phase is None:
        return replace(carrier, phase=step(flow, t, carrier.phase, dt))
    change = increment_of(step, flow, t, carrier.phase, dt)
    sums = jax.tree.map(lambda z, dz, lost: two_sum(z, dz + lost), carrier.phase, change, carrier.residual.phase)
    phase, lost = (jax.tree.map(lambda pair, i=i: pair[i], sums, is_leaf=lambda x: isinstance(x, tuple)) for i in (0, 1))
    return replace(carrier, phase=phase, residual=replace(carrier.residual, phase=lost))


def nested(step) -> list:
    """The step and the steps inside it, outermost first: with_relaxation(with_volume(rk4)) has three."""
    steps = [step]
    while hasattr(steps[-1], "step"):
        steps.append(steps[-1].step)
    return steps


def collides(step) -> bool:
    """Whether the step or one inside it draws random numbers, counted by the steps of each carrier."""
    return any(getattr(one, "collides", False) for one in nested(step))


def scheme_of(step):
    """The scheme inside a transformed step: with_volume(rk4) -> rk4."""
    return nested(step)[-1]


def prepared(step, dynamics, stream: int, dtype):
    """The step with what a run computes once (a thermal law, a random stream); most steps need nothing.

    stream numbers the species of a run, so that an electron and its hole draw different numbers.
    """
    return step.prepared(dynamics, stream, dtype) if hasattr(step, "prepared") else step


def lifted(step, carriers):
    """Carriers with the extra fields that the step and the steps inside it carry along (log_volume, jacobian)."""
    for one in nested(step):
        carriers = one.lifted(carriers) if hasattr(one, "lifted") else carriers
    return carriers


def compensated(carriers):
    """Carriers whose position and wavevector remember what rounding lost in each sum."""
    residual = Residual() if carriers.residual is None else carriers.residual
    if residual.phase is not None:
        return carriers
    return replace(carriers, residual=replace(residual, phase=jax.tree.map(jnp.zeros_like, carriers.phase)))


def forget_wavevector(carrier, wavevector: Array):
    """The carrier with a fresh wavevector: what k accumulated (windings, lost digits) belongs to the old one."""
    residual = carrier.residual
    if residual is not None and residual.phase is not None:
        residual = replace(residual, phase=Phase(residual.phase.position, jnp.zeros_like(wavevector)))
    winding = None if carrier.winding is None else jnp.zeros_like(carrier.winding)
    return replace(carrier, phase=Phase(carrier.phase.position, wavevector), winding=winding, residual=residual)


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """a + b and what its rounding lost (Knuth, TAOCP vol. 2, 4.2.2, theorem B); no assumption on |a| and |b|."""
    total = a + b
    virtual = total - a
    return total, (a - (total - virtual)) + (b - virtual)
