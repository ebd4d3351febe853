"""Electrostatic potentials φ(r) in closed form, for fields.potential; their parameters are leaves."""

import math
from typing import Any

import jax.numpy as jnp

from semijax._pytree import record
from semijax._types import Array


@record
class Harmonic:
    """φ(r) = ½ Σ stiffness_i (r_i − center_i)², V; stiffness [d] V/Å², center [d] Å (None: the origin)."""

    stiffness: Any
    center: Any = None

    def __call__(self, r) -> Array:
        x = r if self.center is None else r - jnp.asarray(self.center, r.dtype)
        return jnp.sum(jnp.asarray(self.stiffness, r.dtype) * x * x) / 2


@record
class Cosine:
    """φ(r) = amplitude cos(direction·r 2π/period + phase), V; direction [d] a unit vector, period Å, phase radians."""

    amplitude: Any
    period: Any
    direction: Any
    phase: Any = 0.0

    def __call__(self, r) -> Array:
        along = jnp.sum(jnp.asarray(self.direction, r.dtype) * r)
        return self.amplitude * jnp.cos(2 * math.pi * along / self.period + self.phase)


@record
class Gaussian:
    """φ(r) = amplitude exp(−|r − center|²/(2 width²)), V; width Å, center [d] Å (None: the origin)."""

    amplitude: Any
    width: Any
    center: Any = None

    def __call__(self, r) -> Array:
        x = r if self.center is None else r - jnp.asarray(self.center, r.dtype)
        return self.amplitude * jnp.exp(-jnp.sum(x * x) / (2 * self.width**2))
