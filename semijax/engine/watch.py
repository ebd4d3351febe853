"""The certificate while a run goes on: which carriers failed, and how far the invariants moved, tile by tile."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from semijax import certify
from semijax._pytree import record, replace
from semijax.engine.tiles import numbers

NEVER = jnp.iinfo(jnp.int32).max


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


def watched(watch: Watch, seen, now, index, count: int) -> Watch:
    """The watch after one more frame, at step number `now`."""
    ok = seen["finite"]
    number = numbers(index, ok.shape[-1])
    bad = ~ok & (number < count)
    values = lax.stop_gradient(seen["values"])
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
