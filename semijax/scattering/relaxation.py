"""Relaxation in the BGK sense: collisions at rate 1/τ that redraw k from the thermal law."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from semijax._pytree import record, replace, static
from semijax._types import Flow, SemijaxError
from semijax.random import bits, carrier_key, stream_key
from semijax.sampling import thermal_law
from semijax.scattering.redraw import redraw
from semijax.steppers import as_step
from semijax.stepping import advance, forget_wavevector, prepared

_STREAM = 0x52454C58  # the purpose "RELX", so that no other use of the same seed shares these numbers
_HALF = 1 << 20  # draw numbers set aside for each half collision; a rejection loop counts up inside them


@record
class Relaxation:
    """A step between two half collisions, each redrawing k with probability 1 − exp(−dt/2τ); see `with_relaxation`."""

    step: Any
    tau: Any
    temperature: Any
    seed: Any = 0
    law: Any = None
    key: Any = None
    on_carrier: bool = static(default=True)
    collides: bool = static(default=True)

    def __call__(self, flow: Flow, t, carrier, dt):
        key, step = carrier_key(self.key, carrier.id), carrier.steps
        before, after = bits(key, step, 0)  # one draw decides both half collisions
        carrier = self._collide(carrier, before, dt / 2, key, step, first=1)
        carrier = advance(self.step, flow, t, carrier, dt)
        return self._collide(carrier, after, dt / 2, key, step, first=_HALF)

    @property
    def rate(self):
        """1/τ, 1/fs: the time step has to resolve it."""
        return 1 / self.tau

    def prepared(self, dynamics, stream: int, dtype):
        """The step with the thermal law of the species and the key of its random stream."""
        field = {"magnetic": _steady_magnetic(dynamics), "moment": dynamics.moment}
        law = thermal_law(dynamics.species, self.temperature, **field)
        return replace(
            self,
            step=prepared(self.step, dynamics, stream, dtype),
            seed=None,
            law=law,
            key=stream_key(self.seed, _STREAM + stream),
        )

    def _collide(self, carrier, chance, interval, key, step, first: int):
        hit = chance < _of_32_bits(-jnp.expm1(-interval / self.tau))
        redrawn = redraw(self.law, jnp.uint32(first), hit, key, step, tuple(carrier.phase.wavevector))
        fresh = forget_wavevector(carrier, jnp.stack(redrawn))
        return jax.tree.map(lambda new, old: jnp.where(hit, new, old), fresh, carrier)


def _steady_magnetic(dynamics):
    """The magnetic field [T] of which the thermal law depends, None where it does not; raises SemijaxError for one that varies."""
    band = dynamics.species.band
    if band.dimension is None or (band.curvature is None and (band.moment is None or not dynamics.moment)):
        return None

    def magnetic(t, r):
        return dynamics.at(t, r).magnetic

    nowhere = jnp.zeros(band.dimension)
    if jax.eval_shape(magnetic, 0.0, nowhere) is None:
        return None
    try:
        two = jnp.zeros(2), jnp.zeros((2, band.dimension))
        jax.eval_shape(jax.vmap(magnetic, out_axes=None), *two)
    except ValueError:
        raise SemijaxError(
            "with_relaxation: the magnetic field varies and the band has Berry curvature or a moment, so that its thermal law varies too: "
            "allowed is one field everywhere, or a band with curvature=False and moment=False"
        ) from None
    return magnetic(0.0, nowhere)


def _of_32_bits(probability):
    """The number below which a random word of 32 bits falls with this probability."""
    return jnp.minimum(probability * 2.0**32, 2.0**32 - 256).astype(jnp.uint32)


def with_relaxation(step, tau, temperature, seed: int = 0) -> Relaxation:
    """Collisions at rate 1/tau [1/fs] that redraw k from the thermal law at `temperature` [K] (Bhatnagar, Gross, Krook,
    Phys. Rev. 94, 511 (1954), doi:10.1103/PhysRev.94.511; in a miniband the model of Esaki and Tsu, IBM J. 14, 61 (1970)).

    Half a collision, the step, half a collision: the distribution is second order in dt/tau, survivors are exact. Random numbers
    are counted by (carrier id, step), so neither tiles, devices nor order matter. In a magnetic field the thermal law is that of
    `sj.thermal` with it; a band with Berry curvature or moment needs one that does not vary. Raises SemijaxError for tau or
    temperature ≤ 0.
    """
    for key, value in (("tau", tau), ("temperature", temperature)):
        if isinstance(value, (int, float)) and not 0 < value < math.inf:
            raise SemijaxError(f"with_relaxation: {key} = {value}: allowed is a finite number > 0")
    return Relaxation(as_step(step), tau, temperature, seed)
