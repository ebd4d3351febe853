"""Band: any pure function E(k) with its exact derivatives (group velocity, inverse mass) and optional geometry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from semijax._pytree import record, replace, static
from semijax._types import Array, EnergyFn, SemijaxError, cast
from semijax.bands.contract import in_users_words
from semijax.units import HBAR, M0


@record
class Band:
    """One band E(k).

    energy: energy(params, k[d]) -> scalar, eV; any pure JAX function.
    params: any pytree; its floating leaves are cast to the dtype of k.
    lattice: rows are direct lattice vectors [p d], Å, p ≤ d, along which E is periodic; None for an unfolded band.
    dimension: d; taken from `lattice` when that is given.
    curvature, moment: closed forms (params, k) -> Berry curvature [Å²] and orbital moment [e Å²/fs]; [3] when d = 3, a scalar
        (the z component) when d = 2.
    gap: (params, k) -> (distance to the nearest other band, floor below which the two count as touching), eV; a run counts the
        carriers it sees below the floor.
    neighbours: (params, k) -> bands.neighbours.Neighbours, the gaps to the other bands and how fast k mixes them: what tunnelling and
        magnetic breakdown depend on (`probes.one_band`); None where the band knows no other.
    reciprocal: follows from `lattice`: rows are the reciprocal vectors [p d], 1/Å, a_i·b_j = 2π δ_ij (do not pass it).
    law: closed form of the Boltzmann law exp(−E/kT), (params, kT [eV]) -> semijax.bands.laws.Law; None where none is known.
        A negative kT stands for −E; it raises SemijaxError where the law cannot be normalised.
    """

    energy: EnergyFn = static()
    params: Any = None
    lattice: Any = None
    dimension: int | None = static(default=None)
    curvature: Callable[[Any, Array], Array] | None = static(default=None)
    moment: Callable[[Any, Array], Array] | None = static(default=None)
    law: Callable[[Any, Any], Any] | None = static(default=None)
    gap: Callable[[Any, Array], tuple[Array, Array]] | None = static(default=None)
    neighbours: Callable[[Any, Array], Any] | None = static(default=None)
    reciprocal: Any = None

    def __post_init__(self):
        if not callable(self.energy):
            raise SemijaxError(f"Band: energy = {self.energy!r}: allowed is a function energy(params, k)")
        if self.lattice is None:
            return
        traced = isinstance(self.lattice, Tracer)  # a period that is differentiated or swept
        lattice = self.lattice if traced else np.asarray(self.lattice, dtype=np.float64)
        shape_ok = lattice.ndim == 2 and 1 <= lattice.shape[0] <= lattice.shape[1] <= 3
        if not shape_ok or (not traced and np.linalg.matrix_rank(lattice) < lattice.shape[0]):
            value = np.shape(lattice) if traced else lattice.tolist()
            raise SemijaxError(f"Band: lattice = {value}: allowed are p ≤ d independent rows of length d ≤ 3, in Å")
        if self.dimension not in (None, lattice.shape[1]):
            raise SemijaxError(
                f"Band: dimension = {self.dimension}: allowed is {lattice.shape[1]}, the length of a lattice vector"
            )
        object.__setattr__(self, "lattice", lattice)
        object.__setattr__(self, "reciprocal", 2 * np.pi * (jnp if traced else np).linalg.pinv(lattice).T)
        object.__setattr__(self, "dimension", lattice.shape[1])

    def __call__(self, k) -> Array:
        """E(k) of one k [d], eV. Raises UserCodeError where the user's function breaks its contract."""
        k = _floating(k)
        if k.ndim == 1 and self.dimension not in (None, k.shape[0]):
            raise SemijaxError(f"band: k has shape {k.shape}: allowed is ({self.dimension},), the dimension of the band")
        with jax.default_matmul_precision("highest"):
            return in_users_words(self.energy, cast(self.params, k.dtype), k)

    def velocity(self, k) -> Array:
        """Group velocity ∂E/∂k/ħ of one k [d] -> [d], Å/fs."""
        return jax.grad(self)(_floating(k)) / HBAR

    def inverse_mass(self, k) -> Array:
        """Inverse effective mass (1/ħ²) ∂²E/∂k∂k of one k [d] -> [d d], Å²/(eV fs²)."""
        return jax.hessian(self)(_floating(k)) / HBAR**2

    def effective_mass(self, k) -> Array:
        """Effective mass tensor of one k [d] -> [d d], free-electron masses: the inverse of `inverse_mass`."""
        return jnp.linalg.inv(self.inverse_mass(k) * M0)

    def berry_curvature(self, k) -> Array:
        """Berry curvature Ω of one k [d], Å²: [3] when d = 3, else the scalar Ω_z; zero where the band has none.

        Ω = ∇×A, A = i⟨u|∇u⟩ (Xiao, Chang, Niu, RMP 82, 1959 (2010), eq. 1.8; doi:10.1103/RevModPhys.82.1959).
        """
        return self._axial(self.curvature, _floating(k))

    def orbital_moment(self, k) -> Array:
        """Orbital magnetic moment m of one k [d], e Å²/fs (shape as `berry_curvature`): E(k) becomes E(k) − m·B."""
        return self._axial(self.moment, _floating(k))

    def separation(self, k) -> Array:
        """Distance of one k [d] to the nearest other band, eV; infinite where the band knows of none."""
        k = _floating(k)
        return jnp.asarray(jnp.inf, k.dtype) if self.gap is None else self.gap(cast(self.params, k.dtype), k)[0]

    def __neg__(self) -> "Band":
        """E → −E: a valence band from an electron-like one, sj.hole(-bands.superlattice(...)).

        The states stay the same, so Ω does; m·B is part of the energy, so m changes sign. The law of −E is law(params, −kT).
        """
        slots = (self.energy, _Negated), (self.moment, _Negated), (self.law, _NegatedLaw)
        energy, moment, law = (f and (f.of if isinstance(f, kind) else kind(f)) for f, kind in slots)
        return replace(self, energy=energy, moment=moment, law=law)

    def reflected(self) -> "Band":
        """k → −k: E'(k) = E(−k). Ω and m are reflected with their signs as they are."""
        slots = {name: getattr(self, name) for name in ("energy", "curvature", "moment", "gap")}
        reflected = {name: slot and _Reflected(slot) for name, slot in slots.items()}
        reflected["neighbours"] = self.neighbours and _ReflectedNeighbours(self.neighbours)
        return replace(self, law=self.law and _ReflectedLaw(self.law), **reflected)

    def _axial(self, slot, k):
        if slot is None:
            return jnp.zeros((3,) if k.shape[-1] == 3 else (), k.dtype)
        return slot(cast(self.params, k.dtype), k)


def _floating(k) -> Array:
    k = jnp.asarray(k)
    return k if jnp.issubdtype(k.dtype, jnp.floating) else k.astype(jnp.result_type(float))


# Wrappers compare by what they wrap, so that the same band built twice is the same program to JAX.
@dataclass(frozen=True)
class _Negated:
    of: Callable

    def __call__(self, params, k):
        return -self.of(params, k)


@dataclass(frozen=True)
class _Reflected:
    of: Callable

    def __call__(self, params, k):
        return self.of(params, -k)


@dataclass(frozen=True)
class _ReflectedNeighbours:
    of: Callable

    def __call__(self, params, k):
        found = self.of(params, -k)
        return found._replace(slope=-found.slope, turn=-found.turn)


@dataclass(frozen=True)
class _ReflectedLaw:
    of: Callable

    def __call__(self, params, kT):
        return -self.of(params, kT)


@dataclass(frozen=True)
class _NegatedLaw:
    of: Callable

    def __call__(self, params, kT):
        return self.of(params, -kT)
