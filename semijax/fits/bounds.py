"""Bounds and priors: smooth maps from numbers without bounds to parameters within theirs, and Gaussians that pull at parameters."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import record, static
from semijax._types import SemijaxError
from semijax.fits.parameters import Layout, entries_of


@record
class Bounds:
    """x(u) of every fitted parameter, [p] each; low = −∞ or high = ∞ where there is none.

    Between two bounds x = low + (high − low)/(1 + exp(−u)). Above one x = low + scale·log(1 + exp(u)), which far from the bound is a
    straight line, so that a quadratic stays one; below one the same reflected. Else x = origin + scale·u. scale: the distance of the
    start from its bound, or its size: a step of u by one is a step of x by about so much, whatever its unit. any: whether one is bound.
    """

    low: Any
    high: Any
    origin: Any
    scale: Any
    any: bool = static(default=True)

    def inside(self, u: Any) -> Any:
        """x [p] of u [p]."""
        if not self.any:
            return self.origin + self.scale * u
        above, below = jnp.isfinite(self.low), jnp.isfinite(self.high)
        low, high = jnp.where(above, self.low, 0.0), jnp.where(below, self.high, 0.0)
        both = low + (high - low) * jax.nn.sigmoid(u)
        half = jnp.where(above, low + self.scale * jax.nn.softplus(u), high - self.scale * jax.nn.softplus(-u))
        return jnp.where(above & below, both, jnp.where(above | below, half, self.origin + self.scale * u))

    def outside(self, x: np.ndarray) -> np.ndarray:
        """u [p] of x [p], strictly within the bounds."""
        low, high, origin, scale = (np.asarray(one, np.float64) for one in (self.low, self.high, self.origin, self.scale))
        above, below = np.isfinite(low), np.isfinite(high)
        low, high = np.where(above, low, x - 1.0), np.where(below, high, x + 1.0)
        both = np.log(x - low) - np.log(high - x)
        way = np.where(above, x - low, high - x) / scale
        half = way + np.log(-np.expm1(-way))  # the inverse of log(1 + exp(u)) that large ones do not overflow
        half = np.where(above, half, -half)
        return np.where(above & below, both, np.where(above | below, half, (x - origin) / scale))

    def at(self, x: Any) -> Any:
        """−1 or 1 [p] where x has come as near to its lower or upper bound as makes no difference, else 0."""
        if not self.any:
            return jnp.zeros(jnp.shape(x), int)
        room = jnp.where(jnp.isfinite(self.low) & jnp.isfinite(self.high), self.high - self.low, self.scale)
        near = 1e-6 * room
        return jnp.where(x - self.low < near, -1, jnp.where(self.high - x < near, 1, 0))


def bounds_of(where: str, bounds: Any, layout: Layout, start: np.ndarray) -> Bounds:
    """The bounds of what is fitted: a pair (low, high) for all, or a tree of pairs; None or infinite is no bound.

    Raises SemijaxError for pairs that are none, names that are none, and a start that is not strictly within its bounds.
    """
    given = {} if bounds is None else entries_of(where, "bounds", bounds, layout)
    lows, highs = np.full(len(start), -np.inf), np.full(len(start), np.inf)
    for i, (entry, x) in enumerate(zip(layout.free, start)):
        name = layout.names[entry]
        low, high = _pair(where, "bounds", name, given.get(entry, (None, None)), "(low, high), None for no bound")
        lows[i], highs[i] = -math.inf if low is None else low, math.inf if high is None else high
        if not lows[i] < highs[i]:
            raise SemijaxError(f"{where}: bounds of {name} = ({low}, {high}): allowed are low < high")
        if not lows[i] < x < highs[i]:
            raise SemijaxError(
                f"{where}: {name} starts at {x:g}: allowed is a start between its bounds, {lows[i]:g} and {highs[i]:g}"
            )
    scale = np.where(np.isfinite(lows), start - lows, np.where(np.isfinite(highs), highs - start, _sizes(layout, start)))
    limited = bool(np.isfinite(lows).any() or np.isfinite(highs).any())
    return Bounds(*(jnp.asarray(x, float) for x in (lows, highs, start, scale)), any=limited)


def priors_of(where: str, priors: Any, layout: Layout) -> tuple[Any, Any]:
    """(means [p], 1/standard deviations [p], zero where there is no prior) of a tree of pairs (mean, sigma)."""
    given = {} if priors is None else entries_of(where, "priors", priors, layout)
    means, rates = np.zeros(len(layout.free)), np.zeros(len(layout.free))
    for i, entry in enumerate(layout.free):
        if entry in given:
            mean, sigma = _pair(where, "priors", layout.names[entry], given[entry], "(mean, sigma), sigma > 0")
            if mean is None or sigma is None or not math.isfinite(mean) or not 0 < sigma < math.inf:
                raise SemijaxError(
                    f"{where}: prior of {layout.names[entry]} = ({mean}, {sigma}): allowed is (mean, sigma), sigma > 0"
                )
            means[i], rates[i] = mean, 1 / sigma
    return jnp.asarray(means, float), jnp.asarray(rates, float)


def _pair(where: str, key: str, name: str, value: Any, allowed: str) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list) or len(value) != 2 or any(isinstance(x, float) and math.isnan(x) for x in value):
        raise SemijaxError(f"{where}: {key} of {name} = {value!r}: allowed is a pair {allowed}")
    low, high = (None if x is None else float(x) for x in value)
    return low, high


def _sizes(layout: Layout, start: np.ndarray) -> np.ndarray:
    """The size of every start [p]; of a zero that of the largest of its array, or one."""
    largest: dict[str, float] = {}
    stems = [layout.names[i].partition("[")[0] for i in layout.free]
    for stem, x in zip(stems, start):
        largest[stem] = max(largest.get(stem, 0.0), abs(float(x)))
    return np.array([abs(float(x)) or largest[stem] or 1.0 for stem, x in zip(stems, start)])
