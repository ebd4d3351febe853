"""The certificate while a run goes on: which carriers failed, and how far the invariants moved, tile by tile."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from semijax import certify
from semijax._pytree import record, replace
from semijax.engine.reduce import tree_in_tile

NEVER = 2**31 - 1


@record
class Watch:
    """The certificate while it is being made: leaves [tiles ...], and the starting values of the invariants [tiles lanes]."""

    reference: dict[str, Any]
    drifts: dict[str, certify.Drift]
    nonfinite: Any
    carrier: Any
    step: Any

    def status(self) -> certify.Status:
        """The verdict over all tiles: of each invariant the tile that drifted most, of failures the earliest."""
        drifts = {}
        for name, drift in self.drifts.items():
            worst = jnp.argmax(drift.change)
            drifts[name] = replace(jax.tree.map(lambda x, i=worst: x[i], drift), scale=jnp.max(drift.scale))
        first = jnp.argmin(self.step)
        return certify.Status(jnp.sum(self.nonfinite), self.carrier[first], self.step[first], drifts)


def glimpsed(values: dict, finite, reference: dict, number, count: int) -> dict:
    """The certificate of lanes whose carriers have these numbers: of each invariant the largest change, whose it is, and the largest
    scale; how many carriers are not finite, and the first of them.
    """
    real = number < count

    def one(value, scale, before):
        change = jnp.where(real, jnp.abs(value - before), 0)
        change = jnp.where(jnp.isfinite(change), change, 0)  # NaN is counted as a failure, not as a drift
        worst = tree_in_tile(jnp.maximum, change)
        whose = tree_in_tile(jnp.minimum, jnp.where(change == worst, number, NEVER))
        return worst, whose, tree_in_tile(jnp.maximum, jnp.where(jnp.isfinite(scale), scale, 0))

    bad = real & ~finite
    return {
        "drifts": {name: one(value, scale, reference[name]) for name, (value, scale) in lax.stop_gradient(values).items()},
        "bad": tree_in_tile(jnp.add, bad.astype(jnp.int32)),
        "first": tree_in_tile(jnp.minimum, jnp.where(bad, number, NEVER)),
    }


def watched(watch: Watch, glimpses: dict, now) -> Watch:
    """The watch after one more frame, at step number `now`, of which each block of lanes had its glimpse: leaves [blocks]."""
    drifts = {name: _larger(watch.drifts[name], glimpse, now) for name, glimpse in glimpses["drifts"].items()}
    bad, first = jnp.sum(glimpses["bad"], dtype=jnp.int32), jnp.min(glimpses["first"])
    news = (bad > 0) & (watch.step == NEVER)
    return Watch(watch.reference, drifts, bad, jnp.where(news, first, watch.carrier), jnp.where(news, now, watch.step))


def _larger(drift: certify.Drift, glimpse: tuple, now) -> certify.Drift:
    change, whose, scale = glimpse
    worst = jnp.argmax(change)
    pick = partial(jnp.where, change[worst] > drift.change)
    return certify.Drift(
        pick(change[worst], drift.change),
        jnp.fmax(drift.scale, jnp.max(scale)),
        pick(whose[worst], drift.carrier),
        pick(now, drift.step),
    )
