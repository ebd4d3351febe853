"""Eigenvalues and eigenvectors of a Hermitian matrix with derivatives of every order, finite where bands touch."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from semijax._types import Array

_ROUNDING = 64.0  # units in the last place of the largest |E| below which a gap may be rounding


@dataclass(frozen=True)
class Grouping:
    """Which bands count as one group: those nearer than `floor` [eV], and the `multiplicity` bands that always coincide.

    Where float32 cannot resolve the floor, its rounding takes the floor's place: 64 units in the last place of the largest |E|.
    """

    floor: float
    multiplicity: int = 1

    def floor_of(self, energies: Array) -> Array:
        """The floor for eigenvalues [n], eV."""
        rounding = _ROUNDING * float(jnp.finfo(energies.dtype).eps) * jnp.max(jnp.abs(energies))
        return jax.lax.stop_gradient(jnp.maximum(jnp.asarray(self.floor, energies.dtype), rounding))

    def together(self, energies: Array) -> Array:
        """Whether bands i and j are of one group, bool [n n]; always so for i = j."""
        multiplets = jnp.arange(energies.shape[0]) // self.multiplicity
        near = jnp.abs(_gaps(energies)) <= self.floor_of(energies)
        return near | (multiplets[:, None] == multiplets[None, :])

    def weights(self, energies: Array) -> Array:
        """Rows w [n n] with which the group of band i averages over its bands: Σ_j w_ij = 1."""
        one = self.together(energies).astype(energies.dtype)
        return one / jnp.sum(one, axis=1, keepdims=True)

    def inverse_gaps(self, energies: Array) -> Array:
        """1/(E_j − E_i) [n n], zero within a group."""
        together = self.together(energies)
        return jnp.where(together, 0.0, 1.0 / jnp.where(together, 1.0, _gaps(energies)))

    def separation(self, energies: Array) -> Array:
        """Of every band the distance to the nearest one that is not of its multiplet [n], eV; infinite where there is none."""
        multiplets = jnp.arange(energies.shape[0]) // self.multiplicity
        others = multiplets[:, None] != multiplets[None, :]
        return jnp.min(jnp.where(others, jnp.abs(_gaps(energies)), jnp.inf), axis=1)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def eigensystem(grouping: Grouping, matrix: Array) -> tuple[Array, Array]:
    """Eigenvalues [n], ascending, and eigenvectors [n n], columns, of a Hermitian matrix [n n].

    Derivatives: dE_i = ⟨i|dH|i⟩ averaged over the group of i, d|i⟩ = Σ_j |j⟩⟨j|dH|i⟩/(E_i − E_j) over the bands outside the
    group. They are exact to every order for quantities that do not depend on the phases of the eigenvectors, or on the basis within
    a group: terms within a group cancel in its average.
    """
    energies, states = jnp.linalg.eigh(matrix)
    return energies, states


@eigensystem.defjvp
def _(grouping: Grouping, primals, tangents):
    (matrix,), (change,) = primals, tangents
    energies, states = eigensystem(grouping, matrix)  # itself, so that the derivative has derivatives by the same rule
    inner = between(states, change)
    slopes = jnp.dot(grouping.weights(energies), jnp.diagonal(inner).real, precision="highest")
    mixing = grouping.inverse_gaps(energies).astype(inner.dtype) * inner
    return (energies, states), (slopes, jnp.matmul(states, mixing, precision="highest"))


def between(states: Array, operator: Array) -> Array:
    """⟨i|operator|j⟩ [n n] of eigenvectors that are columns [n n]."""
    return jnp.matmul(states.conj().T, jnp.matmul(operator, states, precision="highest"), precision="highest")


def _gaps(energies: Array) -> Array:
    return energies[None, :] - energies[:, None]
