"""Followed: ensemble means of carriers in a field as functions of the band, by sj.simulate, chunk by chunk so that gradients fit."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import fields
from semijax._pytree import record, replace, static
from semijax._types import Array, SemijaxError
from semijax.carriers import Carriers
from semijax.dynamics import Dynamics, electron, hole
from semijax.fits.collisions import relaxed, steady
from semijax.fits.measured import Measured
from semijax.fits.sensitivity import Clock, sums
from semijax.timestep import checked_dt
from semijax.units import KB

CHUNK_BYTES = 1 << 27  # of a trajectory kept for its gradient at once


@record
class Followed:
    """Means [f ...] of an observable over carriers in a field, at `frames` even spacings from `first` on, `skipped` of them left out.

    steps: so many between two frames; 0 until `settled` has seen a band. longest: fs, the step that was asked for.
    """

    field: Any
    carriers: Any
    step: Any
    of: Any
    temperature: Any
    first: float = static(default=0.0)
    spacing: float = static(default=1.0)
    frames: int = static(default=1)
    skipped: int = static(default=0)
    charge: int = static(default=-1)
    longest: float | None = static(default=None)
    steps: int = static(default=0)

    def __call__(self, band: Any, tau: Any = None) -> Array:
        means = self.means(band)
        return (means if tau is None else relaxed(means, self.spacing, tau))[self.skipped :]

    def means(self, band: Any) -> Array:
        """The means without collisions [frames + 1 ...]."""
        dynamics, carriers = self._dynamics(band), self._weighted(band)
        chunk = self._chunk(carriers)
        if carriers.count <= chunk:
            return self._summed(dynamics, carriers) / jnp.sum(carriers.weight)
        chunks = _cut(carriers, chunk)

        @partial(jax.checkpoint, prevent_cse=False)
        def more(total, some):
            return total + self._summed(dynamics, some), None

        example = jax.eval_shape(self._summed, dynamics, jax.tree.map(lambda x: x[0], chunks))
        total, _ = jax.lax.scan(more, jnp.zeros(example.shape, example.dtype), chunks)
        return total / jnp.sum(carriers.weight)

    def settled(self, band: Any, data: Measured) -> "Followed":
        """Itself with a number of steps between frames that resolves the motion of a band."""
        dynamics, carriers = self._dynamics(band), self._weighted(band)
        one = jax.tree.map(lambda x: x[0], carriers)
        looked = jax.eval_shape(lambda one: self.of(dynamics, self.first, one), one)
        if len(jax.tree.leaves(looked)) != 1:
            raise SemijaxError(f"{data.what}: an observable of several arrays: allowed is one array")
        longest = checked_dt(
            dynamics, carriers, self.longest, start=self.first, duration=self.spacing * self.frames, step=self.step
        )
        longest = longest if self.longest is None else min(longest, self.longest)
        return replace(self, steps=max(1, math.ceil(self.spacing / longest * (1 - 1e-9))) if math.isfinite(longest) else 1)

    def _dynamics(self, band: Any) -> Dynamics:
        return Dynamics(electron(band) if self.charge < 0 else hole(band), self.field)

    def _weighted(self, band: Any) -> Carriers:
        """The carriers with their weights, thermal ones where there is a temperature."""
        carriers = self.carriers if isinstance(self.carriers, Carriers) else self.carriers(band)
        k = jnp.asarray(carriers.phase.wavevector)
        weight = jnp.ones(k.shape[0], k.dtype) if carriers.weight is None else jnp.asarray(carriers.weight, k.dtype)
        carriers = replace(carriers, weight=weight)
        if self.temperature is None:
            return carriers
        dynamics = self._dynamics(band)
        energy = jax.vmap(lambda phase: dynamics.energy(self.first, phase))(carriers.phase)
        least = jax.lax.stop_gradient(jnp.min(energy))
        return replace(carriers, weight=weight * jnp.exp(-(energy - least) / jnp.asarray(KB * self.temperature, k.dtype)))

    def _summed(self, dynamics: Dynamics, carriers: Carriers) -> Array:
        """Σ weight · observable [frames + 1 ...]."""
        return sums(Clock(self.first, self.spacing, self.frames, max(1, self.steps)), dynamics, carriers, self.step, self.of)

    def _chunk(self, carriers: Carriers) -> int:
        """Carriers followed at once, so that what a gradient keeps of them stays within bounds."""
        each = (self.frames + max(1, self.steps)) * (2 * carriers.dimension + 2) * carriers.phase.wavevector.dtype.itemsize
        return max(1024, 1 << int(math.log2(max(1, CHUNK_BYTES // each))))


@record
class Steady:
    """Steady drift velocities [n] along `along` [d] in fields `electric` [n] along it."""

    follow: Followed
    electric: Any
    along: Any

    def __call__(self, band: Any, tau: Any) -> Array:
        along = jnp.asarray(self.along, float)

        def one(strength):
            push = replace(self.follow, field=fields.uniform(strength * along))
            means = push.means(band)
            return steady(jnp.sum(means * along[None, :], axis=1), self.follow.spacing, tau)

        return jax.lax.map(one, jnp.asarray(self.electric, float))

    def settled(self, band: Any, data: Measured) -> "Steady":
        """Itself with time steps that resolve the motion in the strongest field."""
        strongest = replace(self.follow, field=fields.uniform(float(np.abs(self.electric).max()) * np.asarray(self.along)))
        return replace(self, follow=replace(self.follow, steps=strongest.settled(band, data).steps))


@record
class Component:
    """One component of a vector observable."""

    of: Any
    axis: int = static(default=0)

    def __call__(self, dynamics, t, carrier):
        return self.of(dynamics, t, carrier)[self.axis]


def _cut(carriers: Carriers, chunk: int) -> Carriers:
    """Leaves [chunks chunk ...]; the last carrier is repeated without weight."""
    count = carriers.count
    whole = math.ceil(count / chunk) * chunk
    index = np.minimum(np.arange(whole), count - 1)
    padded = jax.tree.map(lambda x: jnp.asarray(x)[index], carriers)
    padded = replace(padded, weight=jnp.where(np.arange(whole) < count, padded.weight, 0))
    return jax.tree.map(lambda x: x.reshape(-1, chunk, *x.shape[1:]), padded)
