"""The certificate while a run goes on: which carriers failed, and how far the invariants moved, tile by tile."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from semijax import certify
from semijax._pytree import record, replace

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


def at_start(values: dict[str, Any]) -> Watch:
    """The watch of a tile that nothing has happened to yet; values: of the invariants, name -> [lanes]."""
    zero = jnp.zeros((), jnp.int32)
    still = {name: certify.Drift(jnp.zeros((), v.dtype), jnp.zeros((), v.dtype), zero, zero) for name, v in values.items()}
    return Watch(values, still, zero, zero, jnp.asarray(NEVER, jnp.int32))


def glimpse_of(values: dict, finite, reference: dict, number) -> dict:
    """The certificate of one carrier (or, element by element, of many), to be merged by `merged_glimpses`; zeros merge as nothing.

    Of each invariant the change, whose it is, and the scale; how many carriers are not finite, and the first of them as NEVER − number.
    """

    def one(value, scale, before):
        change = jnp.abs(value - before)
        zero = jnp.zeros_like(change)
        # NaN is counted as a failure, not as a drift
        return jnp.where(jnp.isfinite(change), change, zero), number, jnp.where(jnp.isfinite(scale), scale, zero)

    none = jnp.zeros_like(number)
    return {
        "drifts": {name: one(value, scale, reference[name]) for name, (value, scale) in lax.stop_gradient(values).items()},
        "bad": jnp.where(finite, none, none + 1),
        "first": jnp.where(finite, none, NEVER - number),
    }


def merged_glimpses(left: dict, right: dict) -> dict:
    """The glimpse of the carriers of both; of equal changes the carrier with the lower number counts."""

    def one(a, b):
        more = (b[0] > a[0]) | ((b[0] == a[0]) & (b[1] < a[1]))
        return jnp.where(more, b[0], a[0]), jnp.where(more, b[1], a[1]), jnp.maximum(a[2], b[2])

    drifts = {name: one(left["drifts"][name], right["drifts"][name]) for name in left["drifts"]}
    return {"drifts": drifts, "bad": left["bad"] + right["bad"], "first": jnp.maximum(left["first"], right["first"])}


def watched(watch: Watch, glimpses: dict, now) -> Watch:
    """The watch after frames at step numbers `now` [f], of which each block of lanes had its glimpse: leaves [f blocks]."""

    def one(drift: certify.Drift, glimpse: tuple) -> certify.Drift:
        change, whose, scale = (x.reshape(-1) for x in glimpse)
        worst = jnp.argmax(change)  # the first, so that an equal one later does not count
        pick = partial(jnp.where, change[worst] > drift.change)
        frame = worst // glimpse[0].shape[1]
        return certify.Drift(
            pick(change[worst], drift.change),
            jnp.fmax(drift.scale, jnp.max(scale)),
            pick(whose[worst], drift.carrier),
            pick(now[frame], drift.step),
        )

    drifts = {name: one(watch.drifts[name], glimpse) for name, glimpse in glimpses["drifts"].items()}
    bad, first = jnp.sum(glimpses["bad"], axis=1, dtype=jnp.int32), NEVER - jnp.max(glimpses["first"], axis=1)
    frame = jnp.argmax(bad > 0)
    news = (bad[frame] > 0) & (watch.step == NEVER)
    return Watch(
        watch.reference, drifts, bad[-1], jnp.where(news, first[frame], watch.carrier), jnp.where(news, now[frame], watch.step)
    )
