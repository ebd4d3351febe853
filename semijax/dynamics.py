"""Species (electron, hole) and the equations of motion of ONE carrier in any field, Berry curvature and moment included."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from semijax._pytree import record, replace, static
from semijax._types import Array, EMField, Phase, SemijaxError, cast
from semijax.bands.band import Band
from semijax.fields import as_field
from semijax.units import HBAR, TESLA_INTERNAL


@record
class Species:
    """What moves: the band it moves in, its charge in units of e > 0, and how many states share each k (spin × valleys)."""

    band: Band
    charge: int = static()
    degeneracy: int = static(default=2)


def electron(band: Band, degeneracy: int = 2) -> Species:
    """An electron (charge −1) of `band`; degeneracy = spin × valleys."""
    return Species(_as_band("electron", band), -1, _as_degeneracy("electron", degeneracy))


def hole(valence_band: Band, degeneracy: int = 2) -> Species:
    """A hole (charge +1) of a valence band: E_h(k) = −E_v(−k), Ω_h(k) = −Ω_v(−k), m_h(k) = −m_v(−k).

    Its mass, −M_v, is positive at the top of the band.
    """
    band = (-_as_band("hole", valence_band)).reflected()
    curvature = band.curvature and _Opposite(band.curvature)
    return Species(replace(band, curvature=curvature), +1, _as_degeneracy("hole", degeneracy))


@record
class Dynamics:
    """The equations of motion of one carrier, a callable (t [fs], Phase) -> rates: Phase(dr/dt [Å/fs], dk/dt [1/(Å fs)]).

        dr/dt = ∂ε/∂k/ħ − dk/dt × Ω,   ħ dk/dt = q (E + dr/dt × B) + ∂(m·B)/∂r,   ε = E(k) − m·B

    solved for the rates (Xiao, Shi, Niu, PRL 95, 137204 (2005), doi:10.1103/PhysRevLett.95.137204, with q = −e).

    species: electron(...) or hole(...). field: any (t, r) -> EMField. damping: adds −damping·k to dk/dt, 1/fs (unfolded bands
    only: k of a folded band has no origin). moment: False leaves the orbital moment out.
    """

    species: Species
    field: Any = None
    damping: Any = 0.0
    moment: bool = static(default=True)

    def __post_init__(self):
        if not isinstance(self.species, Species):
            raise SemijaxError(f"Dynamics: species = {self.species!r}: allowed is sj.electron(band) or sj.hole(band)")
        object.__setattr__(self, "field", as_field(self.field))
        if isinstance(self.damping, (int, float)):
            if not 0 <= self.damping < float("inf"):
                raise SemijaxError(f"Dynamics: damping = {self.damping}: allowed is a finite rate ≥ 0 in 1/fs")
            object.__setattr__(self, "damping", float(self.damping) or None)
        if self.damping is not None and self.species.band.lattice is not None:
            raise SemijaxError(
                "Dynamics: damping with a periodic band: allowed only where the band has no lattice (k has an origin)"
            )

    def __call__(self, t, phase: Phase) -> Phase:
        r, k = phase.position, phase.wavevector
        field = self.at(t, r)
        velocity = self.group_velocity(t, phase)
        force = jnp.zeros_like(k) if field.electric is None else self.species.charge * field.electric
        force = force + self._moment_force(t, phase) if self._has_moment(field) and not self.decoupled else force
        magnetic, curvature = self._magnetic(field), self._curvature(k)
        if curvature is None:
            rates = Phase(velocity, force / HBAR if magnetic is None else force / HBAR + cross(velocity, magnetic))
        else:
            rates = _berry_rates(velocity, force / HBAR, magnetic, curvature)
        if self.damping is None:
            return rates
        return Phase(rates.position, rates.wavevector - jnp.asarray(self.damping, k.dtype) * k)

    def at(self, t, r: Array) -> EMField:
        """The field at time t [fs] and place r [d], in V/Å and tesla, in the dtype of r."""
        field = cast(self.field, r.dtype)(jnp.asarray(t, r.dtype), r)
        d = r.shape[-1]
        for key, value, shape in (("electric", field.electric, (d,)), ("magnetic", field.magnetic, {2: (), 3: (3,)}.get(d))):
            if value is not None and jnp.shape(value) != shape:
                allowed = "None" if shape is None else f"shape {shape}"
                raise SemijaxError(f"field: {key} has shape {jnp.shape(value)} in {d} dimensions: allowed is {allowed}")
        return cast(field, r.dtype)

    def energy(self, t, phase: Phase) -> Array:
        """Band energy ε = E(k) − m(k)·B, eV."""
        field = self.at(t, phase.position)
        energy = self.species.band(phase.wavevector)
        return energy - self._zeeman(phase.wavevector, field) if self._has_moment(field) else energy

    def total_energy(self, t, phase: Phase) -> Array:
        """Band energy plus q φ(r), eV; φ is the potential of the field's static part (zero where it has none)."""
        energy = self.energy(t, phase)
        if getattr(self.field, "static", False) and hasattr(self.field, "potential"):
            energy = energy + self.species.charge * cast(self.field, energy.dtype).potential(phase.position)
        return energy

    def group_velocity(self, t, phase: Phase) -> Array:
        """∂ε/∂k/ħ, Å/fs (without the anomalous velocity −dk/dt × Ω)."""
        return jax.grad(lambda k: self.energy(t, Phase(phase.position, k)))(phase.wavevector) / HBAR

    def log_measure(self, t, phase: Phase) -> Array | None:
        """log D, D = 1 − (q/ħ) B·Ω: the density of states that Berry curvature and B share; None where D is 1."""
        magnetic, curvature = self._magnetic(self.at(t, phase.position)), self._curvature(phase.wavevector)
        if magnetic is None or curvature is None:
            return None
        return jnp.log1p(-jnp.sum(magnetic * curvature))

    @property
    def decoupled(self) -> bool:
        """Whether dk/dt is independent of r, so that the Jacobian is block triangular."""
        return bool(getattr(self.field, "uniform", False))

    @property
    def conserves_energy(self) -> bool:
        """Whether `total_energy` is a constant of the motion: a static field with a potential, and no damping."""
        return bool(getattr(self.field, "static", False)) and hasattr(self.field, "potential") and self.damping is None

    def kick(self, t, phase: Phase) -> Phase:
        """The part of the rates that moves k at fixed r; raises SemijaxError where the flow does not split."""
        field = self._splits(self.at(t, phase.position))
        force = jnp.zeros_like(phase.wavevector) if field.electric is None else self.species.charge * field.electric
        return Phase(jnp.zeros_like(phase.position), force / HBAR)

    def drift(self, t, phase: Phase) -> Phase:
        """The part of the rates that moves r at fixed k; raises SemijaxError where the flow does not split."""
        self._splits(self.at(t, phase.position))
        return Phase(self.group_velocity(t, phase), jnp.zeros_like(phase.wavevector))

    def _splits(self, field: EMField) -> EMField:
        causes = {
            "a magnetic field (return magnetic=None where there is none)": field.magnetic is not None,
            "Berry curvature": self.species.band.curvature is not None,
            "damping": self.damping is not None,
        }
        for cause, present in causes.items():
            if present:
                raise SemijaxError(
                    f"step: leapfrog, strang and yoshida4 need kicks and drifts, and {cause} mixes them: use sj.rk4"
                )
        return field

    def _has_moment(self, field: EMField) -> bool:
        return self.moment and self.species.band.moment is not None and field.magnetic is not None

    def _zeeman(self, k: Array, field: EMField) -> Array:
        return jnp.sum(self.species.band.orbital_moment(k) * field.magnetic) * TESLA_INTERNAL

    def _moment_force(self, t, phase: Phase) -> Array:
        return jax.grad(lambda r: self._zeeman(phase.wavevector, self.at(t, r)))(phase.position)

    def _magnetic(self, field: EMField) -> Array | None:
        """b = (q/ħ) B, 1/Å²: dk/dt = v × b."""
        return None if field.magnetic is None else self.species.charge * TESLA_INTERNAL / HBAR * field.magnetic

    def _curvature(self, k: Array) -> Array | None:
        return None if self.species.band.curvature is None else self.species.band.berry_curvature(k)


def _berry_rates(velocity: Array, push: Array, magnetic: Array | None, curvature: Array) -> Phase:
    """The pair of equations solved for the rates; push = (q/ħ) E, magnetic b = (q/ħ) B, D = 1 − b·Ω.

    D dr/dt = v − (q/ħ) E×Ω − (v·Ω) b,   D dk/dt = (q/ħ) E + v×b − (q/ħ)(E·b) Ω.
    """
    if magnetic is None:
        return Phase(velocity - cross(push, curvature), push)
    density = 1 - jnp.sum(magnetic * curvature)
    position = velocity - cross(push, curvature)
    wavevector = push + cross(velocity, magnetic)
    if curvature.ndim == 1:  # in two dimensions Ω and b are normal to v and E
        position = position - jnp.sum(velocity * curvature) * magnetic
        wavevector = wavevector - jnp.sum(push * magnetic) * curvature
    return Phase(position / density, wavevector / density)


def cross(a: Array, b: Array) -> Array:
    """a × b of a vector [3] with a vector [3], or of a vector [2] with the z component b (scalar)."""
    if a.shape[0] == 2:
        return jnp.stack([a[1] * b, -a[0] * b])
    return jnp.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _as_band(where: str, band) -> Band:
    if not isinstance(band, Band):
        raise SemijaxError(f"{where}: band = {band!r}: allowed is an sj.Band, e.g. bands.parabolic(0.067)")
    return band


def _as_degeneracy(where: str, degeneracy) -> int:
    if not isinstance(degeneracy, int) or degeneracy < 1:
        raise SemijaxError(f"{where}: degeneracy = {degeneracy!r}: allowed is a whole number ≥ 1")
    return degeneracy


@dataclass(frozen=True)
class _Opposite:
    of: Callable

    def __call__(self, params, k):
        return -self.of(params, k)
