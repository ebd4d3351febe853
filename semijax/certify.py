"""What a run certifies: the quantities that must not change, how far they did, and the verdict."""

import warnings
from dataclasses import field
from typing import Any

import jax
import jax.numpy as jnp

from semijax._pytree import record, static
from semijax._types import BrokenInvariant, cast
from semijax.units import HBAR


def invariants(dynamics, t, carrier, collides: bool) -> dict[str, tuple]:
    """Of one carrier (or pair): name -> (value, scale); an exact run keeps the value, the scale is what to compare changes with.

    energy [eV]: band energy plus qφ, where the field is static and has a potential; scale: ħ|v||k|, the energy at play.
    log_volume: the carried log of the phase-space volume less what damping takes, −d·damping·t; scale 1.
    density: log D must exist (D > 0); the value is zero or NaN.
    """
    if isinstance(dynamics, dict):
        parts = {name: invariants(dynamics[name], t, carrier[name], collides) for name in dynamics}
        return {f"{what} of {name}": pair for name, part in parts.items() for what, pair in part.items()}
    found, phase = {}, carrier.phase
    one = jnp.ones((), phase.wavevector.dtype)
    if dynamics.conserves_energy and not collides:
        # Sums of components, which bound the norms and have a derivative at zero. Not |v·k|: that vanishes where v stands across k.
        speed, k = (jnp.sum(jnp.abs(x)) for x in (dynamics.group_velocity(t, phase), phase.wavevector))
        found["energy"] = (dynamics.total_energy(t, phase), HBAR * speed * k)
    if carrier.log_volume is not None:
        lost = 0 if dynamics.damping is None else phase.wavevector.shape[0] * jnp.asarray(dynamics.damping, one.dtype) * t
        found["log_volume"] = (carrier.log_volume + lost, one)
    measure = dynamics.log_measure(t, phase)
    if measure is not None:
        found["density"] = (0 * measure, one)
    return found


def closeness(dynamics, carrier) -> dict[str, tuple]:
    """Of one carrier (or pair): name -> (gap to the nearest other band, floor, components of k), where the band knows its neighbours."""
    if isinstance(dynamics, dict):
        parts = {name: closeness(dynamics[name], carrier[name]) for name in dynamics}
        return {f"{what} of {name}": one for name, part in parts.items() for what, one in part.items()}
    band, k = dynamics.species.band, carrier.phase.wavevector
    if band.gap is None:
        return {}
    return {"gap": (*jax.lax.stop_gradient(band.gap(cast(band.params, k.dtype), k)), tuple(k[i] for i in range(k.shape[0])))}


@record
class Drift:
    """The largest change of one invariant over all carriers and frames, where it happened, and the scale to compare it with."""

    change: Any
    scale: Any
    carrier: Any
    step: Any


@record
class Close:
    """Carriers seen where the gap to another band is below its floor: `count` sightings (carriers × frames, at most 2³¹ − 1), and of the
    first one the carrier, the step at whose frame it was seen, the gap [eV] and the wavevector, a tuple of d numbers [1/Å].
    """

    count: Any
    carrier: Any
    step: Any
    gap: Any
    wavevector: Any


@record
class Status:
    """The certificate of a run, all values under jit; `verdict` turns it into words.

    nonfinite: how many carriers ended non-finite; carrier, step: the first of them and the step at whose frame it showed.
    drifts: name of the invariant -> Drift. steps, dt: what was run. close: name of the gap -> Close, for bands that know their neighbours.
    """

    nonfinite: Any
    carrier: Any
    step: Any
    drifts: dict[str, Drift]
    steps: int = static(default=0)
    dt: float = static(default=0.0)
    close: dict[str, Close] = field(default_factory=dict)


# An exact flow keeps the invariants; a fourth-order step at the coarsest dt not refused (ω dt = π/2) loses percents a period.
TOLERANCE = 1e-3


def check(status: Status, tolerance: float = TOLERANCE) -> None:
    """Raises BrokenInvariant, naming carrier and step, for a carrier that is not finite or an invariant that moved too far.

    Allowed is tolerance × scale. Warns of carriers seen where two bands touch.
    """
    if int(status.nonfinite):
        raise BrokenInvariant(
            f"{int(status.nonfinite)} carriers are not finite, the first is carrier {int(status.carrier)}, "
            f"seen at step {int(status.step)}: lower dt, or look at E(k) and the field there "
            "(D = 1 − (q/ħ) B·Ω must stay above 0)"
        )
    for name, drift in status.drifts.items():
        change, scale = float(drift.change), float(drift.scale)
        if not change <= tolerance * scale:
            raise BrokenInvariant(
                f"{name} of carrier {int(drift.carrier)} moved by {change:.3g} (scale {scale:.3g}, allowed {tolerance:g} of it) "
                f"by step {int(drift.step)}: lower dt (now {status.dt:.4g} fs) or take a higher order"
            )
    for name, close in status.close.items():
        if int(close.count):
            at = ", ".join(f"{float(x):.5g}" for x in close.wavevector)
            warnings.warn(
                f"semijax: {name} below its floor {int(close.count)} times (carriers × frames), first for carrier "
                f"{int(close.carrier)} at step {int(close.step)}: {float(close.gap):.3g} eV at k = ({at}) 1/Å; there a velocity is "
                "the average of the bands that touch, and a carrier may leave its band",
                stacklevel=3,
            )


def finite(carrier, values: dict) -> Any:
    """Whether one carrier's phase and invariants are all finite."""
    leaves = jax.tree.leaves((jax.tree.map(lambda c: c.phase, carrier, is_leaf=_is_carrier), values))
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in leaves]))


def _is_carrier(x) -> bool:
    return hasattr(x, "phase")
