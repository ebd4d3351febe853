"""Eigenvalues and eigenvectors of a Hermitian matrix with derivatives of every order, finite where bands touch."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from semijax import _hermitian
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
        multiplets = np.arange(energies.shape[0]) // self.multiplicity
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
        multiplets = np.arange(energies.shape[0]) // self.multiplicity
        others = multiplets[:, None] != multiplets[None, :]
        return jnp.min(jnp.where(others, jnp.abs(_gaps(energies)), jnp.inf), axis=1)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def eigensystem(grouping: Grouping, matrix: Array) -> tuple[Array, Array]:
    """Eigenvalues [n], ascending, and eigenvectors [n n], columns, of a Hermitian matrix [n n].

    Derivatives: dE_i = ⟨i|dH|i⟩ averaged over the group of i, d|i⟩ = Σ_j |j⟩⟨j|dH|i⟩/(E_i − E_j) over the bands outside the
    group. They are exact to every order for quantities that do not depend on the phases of the eigenvectors, or on the basis within
    a group: terms within a group cancel in its average.
    """
    return _hermitian.eigh(matrix) if matrix.shape[0] == 2 else _lapack(matrix)


@jax.custom_batching.custom_vmap
def _lapack(matrix: Array) -> tuple[Array, Array]:
    return tuple(jnp.linalg.eigh(matrix))


@_lapack.def_vmap
def _(axis_size, batched, matrix):
    # In JAX 0.10 a batch of LAPACK's on a CPU waits for threads of the pool it holds a thread of: as many batches at once as there are
    # threads wait forever. One matrix waits for nothing.
    if jax.default_backend() == "cpu" and jax.__version_info__ < (0, 11):
        return jax.lax.map(_lapack, matrix), (True, True)
    return tuple(jnp.linalg.eigh(matrix)), (True, True)


@eigensystem.defjvp
def _(grouping: Grouping, primals, tangents):
    (matrix,), (change,) = primals, tangents
    energies, states = eigensystem(grouping, matrix)  # itself, so that the derivative has derivatives by the same rule
    inner = between(states, change)
    slopes = jnp.dot(grouping.weights(energies), jnp.diagonal(inner).real, precision="highest")
    mixing = grouping.inverse_gaps(energies).astype(inner.dtype) * inner
    return (energies, states), (slopes, jnp.matmul(states, mixing, precision="highest"))


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def level(grouping: Grouping, index: int, matrix: Array) -> Array:
    """Eigenvalue number `index` of a Hermitian matrix [n n], with the derivatives that `eigensystem` gives it: dE = tr(P dH).

    Of n = 2 × multiplicity rows, which have two eigenvalues, in closed form, E = tr H/n ± √(tr (H − tr H/n)²/n): no eigenvectors.
    """
    if not _is_pair(grouping, matrix):
        return eigensystem(grouping, matrix)[0][index]
    mean, radius, _ = _pair(matrix)
    return mean + radius if index >= grouping.multiplicity else mean - radius


@level.defjvp
def _(grouping: Grouping, index: int, primals, tangents):
    (matrix,), (change,) = primals, tangents
    projector = _projector(grouping, index, matrix)
    slope = jnp.sum(projector.real * change.real)
    if jnp.iscomplexobj(projector):
        slope = slope + jnp.sum(projector.imag * change.imag)
    return level(grouping, index, matrix), slope


def separation(grouping: Grouping, index: int, matrix: Array) -> tuple[Array, Array]:
    """Distance [eV] of eigenvalue number `index` to the nearest one that is not of its multiplet, and the floor there."""
    if not _is_pair(grouping, matrix):
        energies, _ = eigensystem(grouping, matrix)
        return grouping.separation(energies)[index], grouping.floor_of(energies)
    lower, upper = level(grouping, 0, matrix), level(grouping, grouping.multiplicity, matrix)
    return upper - lower, grouping.floor_of(jnp.stack([lower, upper]))


def _projector(grouping: Grouping, index: int, matrix: Array) -> Array:
    """P = Σ_j w_j |j⟩⟨j| [n n] of the group of a band, tr P = 1."""
    if not _is_pair(grouping, matrix):
        energies, states = eigensystem(grouping, matrix)
        weights = grouping.weights(energies)[index].astype(states.dtype)
        return jnp.matmul(states * weights[None, :], states.conj().T, precision="highest")
    n, (mean, radius, square) = matrix.shape[0], _pair(jax.lax.stop_gradient(matrix))
    together = 2 * radius <= grouping.floor_of(jnp.stack([mean - radius, mean + radius]))
    mean, _, square = _pair(matrix)
    inverse = jnp.where(together, 0.0, 1 / jnp.sqrt(jnp.where(together, 1.0, square)))
    one = jnp.asarray(np.eye(n), matrix.dtype)
    way = (matrix - mean.astype(matrix.dtype) * one) * inverse.astype(matrix.dtype)
    return (one + way if index >= grouping.multiplicity else one - way) / n


def _is_pair(grouping: Grouping, matrix: Array) -> bool:
    return matrix.shape[0] == 2 * grouping.multiplicity


def _pair(matrix: Array) -> tuple[Array, Array, Array]:
    """(mean, half distance R, R²) of the two eigenvalues of a matrix that has no more, each as often."""
    n = matrix.shape[0]
    diagonal = [matrix[i, i].real for i in range(n)]
    mean = sum(diagonal[1:], diagonal[0]) / n
    others = [matrix[i, j] for i in range(n) for j in range(i)]
    squares = [(x - mean) ** 2 for x in diagonal] + [2 * (x.real**2 + x.imag**2 if jnp.iscomplexobj(x) else x**2) for x in others]
    square = sum(squares[1:], squares[0]) / n
    return mean, jnp.sqrt(square), square


def between(states: Array, operator: Array) -> Array:
    """⟨i|operator|j⟩ [n n] of eigenvectors that are columns [n n]."""
    return jnp.matmul(states.conj().T, jnp.matmul(operator, states, precision="highest"), precision="highest")


def _gaps(energies: Array) -> Array:
    return energies[None, :] - energies[:, None]
