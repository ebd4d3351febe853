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
    """The certificate while it is being made: leaves [tiles ...], and the starting values of the invariants [tiles lanes].

    close: of bands that know their neighbours; empty where there are none.
    """

    reference: dict[str, Any]
    drifts: dict[str, certify.Drift]
    nonfinite: Any
    carrier: Any
    step: Any
    close: dict[str, certify.Close]

    def status(self) -> certify.Status:
        """The verdict over all tiles: of each invariant the tile that drifted most, of failures the earliest."""
        drifts = {}
        for name, drift in self.drifts.items():
            worst = jnp.argmax(drift.change)
            drifts[name] = replace(jax.tree.map(lambda x, i=worst: x[i], drift), scale=jnp.max(drift.scale))
        first = jnp.argmin(self.step)
        close = {name: _earliest(close) for name, close in self.close.items()}
        return certify.Status(jnp.sum(self.nonfinite), self.carrier[first], self.step[first], drifts, close=close)


def _earliest(close: certify.Close) -> certify.Close:
    """Of what the tiles saw: leaves [tiles ...]."""
    return replace(jax.tree.map(lambda x: x[jnp.argmin(close.step)], close), count=_counted(close.count))


def _counted(counts):
    """The sum of counts, or NEVER where int32 cannot hold it."""
    return jnp.where(jnp.sum(counts.astype(jnp.float32)) < 2e9, jnp.sum(counts, dtype=jnp.int32), NEVER)


def at_start(values: dict[str, Any], near: dict[str, tuple]) -> Watch:
    """The watch of a tile that nothing has happened to yet; values: of the invariants, name -> [lanes]. near: example of
    `certify.closeness`.
    """
    zero = jnp.zeros((), jnp.int32)
    still = {name: certify.Drift(jnp.zeros((), v.dtype), jnp.zeros((), v.dtype), zero, zero) for name, v in values.items()}
    never = jnp.asarray(NEVER, jnp.int32)

    def far(gap, floor, k):
        return certify.Close(zero, zero, never, *jax.tree.map(lambda x: jnp.zeros((), x.dtype), (gap, k)))

    return Watch(values, still, zero, zero, never, {name: far(*one) for name, one in near.items()})


def glimpse_of(values: dict, finite, near: dict, reference: dict, number) -> dict:
    """The certificate of one carrier (or, element by element, of many), to be merged by `merged_glimpses`; zeros merge as nothing.

    Of each invariant the change, whose it is, and the scale; how many carriers are not finite, and the first of them as NEVER − number; the
    same of those in a gap below its floor, with gap and k of the first.
    """

    def one(value, scale, before):
        change = jnp.abs(value - before)
        zero = jnp.zeros_like(change)
        # NaN is counted as a failure, not as a drift
        return jnp.where(jnp.isfinite(change), change, zero), number, jnp.where(jnp.isfinite(scale), scale, zero)

    none = jnp.zeros_like(number)

    def seen(gap, floor, k):
        below = gap < floor
        place = jax.tree.map(lambda x: jnp.where(below, x, jnp.zeros_like(x)), (gap, k))
        return jnp.where(below, none + 1, none), jnp.where(below, NEVER - number, none), place

    return {
        "drifts": {name: one(value, scale, reference[name]) for name, (value, scale) in lax.stop_gradient(values).items()},
        "bad": jnp.where(finite, none, none + 1),
        "first": jnp.where(finite, none, NEVER - number),
        "close": {name: seen(*one) for name, one in near.items()},
    }


def merged_glimpses(left: dict, right: dict) -> dict:
    """The glimpse of the carriers of both; of equal changes the carrier with the lower number counts."""

    def one(a, b):
        more = (b[0] > a[0]) | ((b[0] == a[0]) & (b[1] < a[1]))
        return jnp.where(more, b[0], a[0]), jnp.where(more, b[1], a[1]), jnp.maximum(a[2], b[2])

    def both(a, b):
        place = jax.tree.map(partial(jnp.where, b[1] > a[1]), b[2], a[2])
        return a[0] + b[0], jnp.maximum(a[1], b[1]), place

    return {
        "drifts": {name: one(left["drifts"][name], right["drifts"][name]) for name in left["drifts"]},
        "bad": left["bad"] + right["bad"],
        "first": jnp.maximum(left["first"], right["first"]),
        "close": {name: both(left["close"][name], right["close"][name]) for name in left["close"]},
    }


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
    close = {name: _approached(watch.close[name], glimpse, now) for name, glimpse in glimpses["close"].items()}
    bad, first = jnp.sum(glimpses["bad"], axis=1, dtype=jnp.int32), NEVER - jnp.max(glimpses["first"], axis=1)
    frame = jnp.argmax(bad > 0)
    news = (bad[frame] > 0) & (watch.step == NEVER)
    whose, when = jnp.where(news, first[frame], watch.carrier), jnp.where(news, now[frame], watch.step)
    return Watch(watch.reference, drifts, bad[-1], whose, when, close)


def _approached(close: certify.Close, glimpse: tuple, now) -> certify.Close:
    """What was seen close before, and in frames at step numbers `now` [f]: leaves [f blocks]."""
    counts, first, place = glimpse
    frame = jnp.argmax(jnp.max(first, axis=1) > 0)
    block = jnp.argmax(first[frame])
    news = (counts[frame, block] > 0) & (close.step == NEVER)
    found = NEVER - first[frame, block], now[frame], *jax.tree.map(lambda x: x[frame, block], place)
    kept = (close.carrier, close.step, close.gap, close.wavevector)
    total = _counted(jnp.append(counts.reshape(-1), close.count))
    carrier, step, gap, k = jax.tree.map(partial(jnp.where, news), found, kept)
    return certify.Close(total, carrier, step, gap, k)
