"""Hamiltonian: H(k) of several bands, its matrix elements of position, and the energy, velocity and geometry of all bands at once."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import record, static
from semijax._types import Array, SemijaxError, UserCodeError, cast
from semijax.bands.contract import name_of
from semijax.bands.eigen import AXES, Grouping, between, eigensystem
from semijax.units import HBAR


@record
class Hamiltonian:
    """A Hermitian matrix H(k) and what it depends on; `bands.bloch(hamiltonian, index=...)` is one of its bands.

    matrix: (params, k [d]) -> H [n n], eV; any pure JAX function, complex or real. For curvature and moment its basis functions carry
        the phases exp(ik·(R + t_b − t_a)) of their centres t.
    params: any pytree; complex leaves are kept as `Pair`s of real ones, which are cast to the dtype of k and can be differentiated.
    lattice, dimension: as of a Band.
    positions: (params, k) -> ⟨a|i∂_k|b⟩ [n n d], Å, of the basis functions; None where they do not move with k.
    multiplicity: so many neighbouring eigenvalues are equal at every k (2 for Kramers pairs).
    sums: params -> (vectors [R d], table [2R n²]) of a matrix that has the same eigenvalues and is `summed.summed(vectors, table, k)`;
        None where there is none, or the matrix is so small that its energies are better had from itself.
    vector: of a matrix of two rows H = E₀ + h·σ, (params, k) -> (E₀, h_x, h_y, h_z) [4], eV; None: what the matrix says.
    """

    matrix: Callable[[Any, Array], Array] = static()
    params: Any = None
    lattice: Any = None
    dimension: int | None = static(default=None)
    positions: Callable[[Any, Array], Array] | None = static(default=None)
    multiplicity: int = static(default=1)
    sums: Callable[[Any], tuple[Array, Array]] | None = static(default=None)
    vector: Callable[[Any, Array], Array] | None = static(default=None)

    def __post_init__(self):
        if not callable(self.matrix):
            raise SemijaxError(f"Hamiltonian: matrix = {self.matrix!r}: allowed is a function matrix(params, k)")
        if not (isinstance(self.multiplicity, int) and self.multiplicity >= 1):
            raise SemijaxError(f"Hamiltonian: multiplicity = {self.multiplicity!r}: allowed is a whole number ≥ 1")
        object.__setattr__(self, "params", jax.tree.map(_paired, self.params, is_leaf=_is_pair))

    def matrix_at(self, k) -> Array:
        """H of one k [d] -> [n n], eV."""
        k = jnp.asarray(k)
        return matrix_of(self.matrix, cast(self.params, k.dtype), k)


@record
class Pair:
    """A complex array as two real ones, which have a dtype that k decides and derivatives that are plain numbers."""

    real: Any
    imag: Any


class AllBands(NamedTuple):
    """All bands at one k: energy [n], eV; velocity [n d], Å/fs; curvature [n 3] or, d = 2, [n], Å²; moment alike, e Å²/fs."""

    energy: Array
    velocity: Array
    curvature: Array
    moment: Array


def matrix_of(matrix: Callable, params, k: Array) -> Array:
    """H(params, k) [n n] in the precision of k; raises UserCodeError unless it is a square matrix."""
    value = jnp.asarray(matrix(joined(params), k))
    if value.ndim != 2 or value.shape[0] != value.shape[1]:
        raise UserCodeError(
            f"bloch: {name_of(matrix)}(params, k) returns shape {value.shape} for k of shape {k.shape}: allowed is a matrix [n n]"
        )
    complex_valued = jnp.issubdtype(value.dtype, jnp.complexfloating)
    return value.astype(_complex(k.dtype) if complex_valued else k.dtype)


def all_bands(
    matrix: Callable, positions: Callable | None, grouping: Grouping, params, k: Array, averaged: bool = True
) -> AllBands:
    """Energies, velocities, Berry curvatures and orbital moments of all bands at one k; groups have their average, or, where not
    `averaged`, each band that of its own eigenvector.

    Ω_c = −Im Σ_m ε_abc ⟨n|∂_a H|m⟩⟨m|∂_b H|n⟩/(E_n − E_m)², and with positions A the terms of Wang, Yates, Souza, Vanderbilt,
    Phys. Rev. B 74, 195118 (2006), eqs. 27 to 32, doi:10.1103/PhysRevB.74.195118; moment m_c = (1/2ħ) Im Σ_m ε_abc
    ⟨n|∂_a H|m⟩⟨m|∂_b H|n⟩/(E_m − E_n), of H alone: Xiao, Chang, Niu, Rev. Mod. Phys. 82, 1959 (2010), eq. 4.6,
    doi:10.1103/RevModPhys.82.1959.
    """
    energies, states = eigensystem(grouping, matrix_of(matrix, params, k))
    slopes = jax.jacfwd(lambda k: matrix_of(matrix, params, k))(k)
    slopes = [between(states, slopes[..., a]) for a in range(k.shape[0])]
    weights, inverse = grouping.weights(energies), grouping.inverse_gaps(energies)
    velocity = jnp.stack([jnp.diagonal(s).real for s in slopes], axis=1) / HBAR
    mixing = [inverse.astype(s.dtype) * s for s in slopes]  # ∂|n⟩ = Σ_m |m⟩ mixing_mn
    curvature = [-2 * _crossed(mixing[a], mixing[b]) for a, b in AXES[k.shape[0]]]
    if positions is not None:
        curvature = [c + e for c, e in zip(curvature, _external(positions, params, k, states, mixing))]
    moment = [-_crossed(mixing[a], slopes[b]) / HBAR for a, b in AXES[k.shape[0]]]
    if not averaged:
        weights = jnp.eye(weights.shape[0], dtype=weights.dtype)
    average = [
        jnp.dot(weights, x, precision="highest") for x in (velocity, _axial(curvature, energies), _axial(moment, energies))
    ]
    return AllBands(energies, *average)


def _crossed(left: Array, right: Array) -> Array:
    """Im Σ_m left*_mn right_mn [n]."""
    return jnp.sum((left.conj() * right).imag, axis=0)


def _external(positions: Callable, params, k: Array, states: Array, mixing: list) -> list:
    """What the positions A of the basis functions add to the curvature of each band: ⟨n|∂_a A_b − ∂_b A_a|n⟩ and the terms
    2 Re Σ_m ⟨n|A_b|m⟩⟨m|∂_a n⟩ less those with a and b exchanged; a list of [n].
    """

    def of(k):
        return positions(joined(params), k)

    places, slopes = of(k), jax.jacfwd(of)(k)  # [n n b], [n n b a]
    inner = [between(states, places[..., a]) for a in range(k.shape[0])]
    found = []
    for a, b in AXES[k.shape[0]]:
        own = jnp.diagonal(between(states, slopes[..., b, a] - slopes[..., a, b])).real
        mixed = jnp.sum((inner[b] * mixing[a].T - inner[a] * mixing[b].T).real, axis=1)
        found.append(own + 2 * mixed)
    return found


def _axial(components: list, energies: Array) -> Array:
    """Components as [n 3]; [n] when there is one, [n 0] when there is none."""
    if len(components) == 1:
        return components[0]
    return jnp.stack(components, axis=1) if components else jnp.zeros((energies.shape[0], 0), energies.dtype)


def joined(params):
    """The params with `Pair`s as complex arrays."""
    return jax.tree.map(_joined, params, is_leaf=_is_pair)


def _complex(dtype) -> Any:
    return jnp.complex64 if dtype == jnp.float32 else jnp.complex128


def _is_pair(x) -> bool:
    return isinstance(x, Pair)


def _paired(x):
    kind = jnp.result_type(x) if not _is_pair(x) else None
    if kind is None or not jnp.issubdtype(kind, jnp.complexfloating):
        return x
    return Pair(jnp.real(x), jnp.imag(x)) if isinstance(x, jax.Array) else Pair(np.real(x), np.imag(x))


def _joined(x):
    return jax.lax.complex(jnp.asarray(x.real), jnp.asarray(x.imag)) if _is_pair(x) else x
