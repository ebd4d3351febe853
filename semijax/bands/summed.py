"""Matrices that are Fourier sums over many cells, and one band of such: energy, slope and distance to the others in one equation."""

from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from semijax._circle import unit_circle
from semijax._primitive import primitive
from semijax._types import Array
from semijax.bands.eigen import Grouping, eigensystem


def table_of(half) -> Array:
    """Of X(R) [R n n ...], complex, of one of R and −R, what `summed` takes: of X, Hermitian, the n² numbers that are independent, as
    factors of cosines and then of sines, [2R n² ...].
    """
    (upper, above), _, _ = _independent(half.shape[1])
    re, im = half.real, half.imag
    cosines = re[:, *upper] + re[:, *upper[::-1]], im[:, *above] - im[:, *above[::-1]]
    sines = -im[:, *upper] - im[:, *upper[::-1]], re[:, *above] - re[:, *above[::-1]]
    return jnp.concatenate([jnp.concatenate(some, axis=1) for some in (cosines, sines)])


def summed(vectors: Array, table: Array, k: Array) -> Array:
    """Σ_R exp(ik·R) X(R) [n n ...] with X(−R) = X(R)†, R in `vectors` [R d] one of R and −R; table: see `table_of`."""
    return _hermitian(_numbers(vectors, table, k))


def level(grouping: Grouping, index: int, vectors: Array, table: Array, k: Array) -> Array:
    """Eigenvalue number `index` of `summed`, as `eigen.level` has it."""
    return _level(grouping, index, vectors, table, k)


def separation(grouping: Grouping, index: int, vectors: Array, table: Array, k: Array) -> tuple[Array, Array]:
    """As `eigen.separation` of `summed`."""
    _, _, distance, floor = _level_and_slope(grouping, index, vectors, table, k)
    return distance, floor


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _level(grouping: Grouping, index: int, vectors: Array, table: Array, k: Array) -> Array:
    return _level_and_slope(grouping, index, vectors, table, k)[0]


def _change(grouping: Grouping, index: int, primals, tangents):
    vectors, table, k = primals
    energy, slope, _, _ = _level_and_slope(grouping, index, vectors, table, k)
    if all(type(x) is SymbolicZero for x in tangents[:2]):
        return energy, jnp.dot(slope, tangents[2], precision="highest")
    whole = [jnp.zeros_like(x) if type(t) is SymbolicZero else t for x, t in zip(primals, tangents, strict=True)]
    change = jax.jvp(summed, primals, tuple(whole))[1]
    state = _projector(grouping, index, *eigensystem(grouping, summed(*primals)))
    return energy, jnp.sum(state.real * change.real) + jnp.sum(state.imag * change.imag)


_level.defjvp(_change, symbolic_zeros=True)


def _level_and_slope(grouping: Grouping, index: int, vectors: Array, table: Array, k: Array) -> list:
    """(E, ∂E/∂k [d], distance to the nearest other multiplet, floor), eV and Å."""
    how = {"index": index, "floor": grouping.floor, "multiplicity": grouping.multiplicity}
    return _in_one(k, vectors, table, **how)


def _plainly(k: Array, vectors: Array, table: Array, *, index: int, floor: float, multiplicity: int) -> tuple:
    grouping, circle = Grouping(floor, multiplicity), _circle(vectors, k)
    energies, states = eigensystem(grouping, _hermitian(jnp.dot(circle, table, precision="highest")))
    # of ∂E = tr(P ∂H): what each number of H, then each cosine and sine, is multiplied by
    pull = jnp.dot(table, _weights(_projector(grouping, index, energies, states)), precision="highest")
    (cosine, sine), (by_cosine, by_sine) = jnp.split(circle, 2), jnp.split(pull, 2)
    slope = jnp.dot(cosine * by_sine - sine * by_cosine, vectors, precision="highest")
    return energies[index], slope, grouping.separation(energies)[index], grouping.floor_of(energies)


_in_one = primitive("summed_level", _plainly)


def _projector(grouping: Grouping, index: int, energies: Array, states: Array) -> Array:
    """P = Σ_j w_j |j⟩⟨j| [n n] of the group of a band."""
    weights = grouping.weights(energies)[index].astype(states.dtype)
    return jnp.matmul(states * weights[None, :], states.conj().T, precision="highest")


def _weights(state: Array) -> Array:
    """Of Σ_ab Re P_ab Re H_ab + Im P_ab Im H_ab, the factors of the independent numbers of H [n²]."""
    (upper, above), _, _ = _independent(state.shape[0])
    twice = np.where(upper[0] == upper[1], 1.0, 2.0).astype(state.real.dtype)
    return jnp.concatenate([twice * state.real[upper], 2 * state.imag[above]])


def _circle(vectors: Array, k: Array) -> Array:
    return unit_circle(jnp.dot(vectors, k, precision="highest"))


def _numbers(vectors: Array, table: Array, k: Array) -> Array:
    """One product of a vector of cosines and sines with a matrix that all k share, [n² ...]."""
    found = jnp.dot(_circle(vectors, k), jnp.reshape(table, (table.shape[0], -1)), precision="highest")
    return jnp.reshape(found, table.shape[1:])


def _hermitian(numbers: Array) -> Array:
    """The matrix [n n ...] of its independent numbers [n² ...]."""
    _, places, signs = _independent(round(numbers.shape[0] ** 0.5))
    signs = signs.reshape(*signs.shape, *[1] * (numbers.ndim - 1)).astype(numbers.dtype)
    return jax.lax.complex(numbers[places[0]], numbers[places[1]] * signs)


@lru_cache
def _independent(n: int) -> tuple[tuple, tuple, np.ndarray]:
    """(indices of the triangle with and without the diagonal, places of Re and Im [n n] in what is kept of them, signs of Im [n n])."""
    upper, above = (tuple(x.astype(np.int32) for x in np.triu_indices(n, first)) for first in (0, 1))
    real, imag = np.zeros((n, n), np.int32), np.zeros((n, n), np.int32)  # int32: the same in float32 as in float64
    real[upper], imag[above] = np.arange(len(upper[0])), len(upper[0]) + np.arange(len(above[0]))
    signs = np.triu(np.ones((n, n)), 1)
    return (upper, above), (np.maximum(real, real.T), np.maximum(imag, imag.T)), signs - signs.T
