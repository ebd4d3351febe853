"""A Hamiltonian in Wannier functions: H(R), where the functions sit, positions where they are known; and its bands."""

import warnings
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._circle import unit_circle
from semijax._pytree import record
from semijax._types import Array, SemijaxError
from semijax.bands.band import Band
from semijax.bands.bloch import FLOOR, bloch
from semijax.bands.hamiltonian import Hamiltonian, Pair


@record
class Model:
    """H_ab(k) = Σ_R exp(ik·R) ⟨0a|H|Rb⟩, every weight (ndegen) and replica (wsvec) written out.

    lattice: rows are direct lattice vectors [3 3], Å. translations: R in lattice vectors, int [R 3], each once, with R also −R.
    hopping: ⟨0a|H|Rb⟩, complex [R n n], eV. centres: of the functions, [n 3], Å; None where no file tells. positions: ⟨0a|r|Rb⟩, complex
    [R n n 3], Å; None where no file tells.
    """

    lattice: Any
    translations: Any
    hopping: Any
    centres: Any = None
    positions: Any = None


def wannier(
    model: Model,
    index: int,
    *,
    dimension: int = 3,
    positions: bool = True,
    multiplicity: int = 1,
    floor: float = FLOOR,
    curvature: bool = True,
    moment: bool = True,
) -> Band:
    """Band `index` (0 is the lowest) of a Wannier model, as `bands.bloch` makes it; periodic in the model's lattice.

    dimension: 2 for a layer (the first two lattice vectors lie in the plane, R₃ = 0): k [2], and the curvature is a number. positions:
    False leaves their matrix elements out of the curvature, which is then that of H alone; the moment always is. Warns where the
    model has no centres, without which curvature and moment are wrong by tens of percent. Raises SemijaxError for what `bloch` refuses
    and for a model that is no layer.
    """
    chosen = hamiltonian(model, dimension=dimension, positions=positions and curvature, multiplicity=multiplicity)
    if chosen.params["centres"] is None and (curvature or moment):
        warnings.warn(
            "semijax: wannier: the model has no centres: its curvature and moment leave them out and may be wrong by tens of percent; "
            "give centres (Model(centres=...)), or curvature=False and moment=False",
            stacklevel=2,
        )
    return bloch(chosen, index=index, floor=floor, curvature=curvature, moment=moment)


def hamiltonian(model: Model, *, dimension: int = 3, positions: bool = True, multiplicity: int = 1) -> Hamiltonian:
    """The model as a Hamiltonian, its basis with the phases exp(ik·(R + t_b − t_a)) of the centres t where they are known.

    Of R and −R one is kept: the other's matrix is its adjoint, to which the two are averaged. Raises SemijaxError for a model that is no
    layer (dimension = 2), has arrays of other shapes, or lacks −R for some R.
    """
    lattice, whole, first, other = _halves(model, dimension)
    count = np.shape(model.hopping)[1] if np.ndim(model.hopping) == 3 else -1
    _check_shape("hopping", model.hopping, (len(model.translations), count, count))
    centres, places = model.centres, model.positions
    if places is not None:
        _check_shape("positions", places, (len(model.translations), count, count, 3))
        home = int(np.flatnonzero((np.asarray(model.translations) == 0).all(axis=1))[0])
        centres = places[home, np.arange(count), np.arange(count)].real if centres is None else centres
    if centres is not None:
        _check_shape("centres", centres, (count, 3))
        centres = centres[:, :dimension]
    params = {"vectors": whole[first] @ lattice, "hopping": _half(model.hopping, first, other), "centres": centres}
    if places is not None and positions:
        params["positions"] = _half(places[..., :dimension], first, other)
    of = _positions if "positions" in params else None
    return Hamiltonian(_matrix, params, lattice, positions=of, multiplicity=multiplicity)


def _matrix(params, k: Array) -> Array:
    value = _summed(params["vectors"], params["hopping"], k)
    return value if params["centres"] is None else value * _shifts(params["centres"], k)


def _positions(params, k: Array) -> Array:
    """⟨a|i∂_k|b⟩ [n n d] of the basis functions, from their own centres."""
    value = _summed(params["vectors"], params["positions"], k) * _shifts(params["centres"], k)[:, :, None]
    own = jnp.eye(value.shape[0], dtype=k.dtype)[:, :, None] * params["centres"][:, None, :]
    return value - own.astype(value.dtype)


def _summed(vectors: Array, half, k: Array) -> Array:
    """Σ_R exp(ik·R) X(R) [n n ...] with X(−R) = X(R)†, from one of R and −R.

    One product of a vector of cosines and sines with a matrix that all k share: of X, Hermitian, the n² numbers that are independent.
    """
    (upper, above), places, signs = _independent(half.shape[1])
    re, im = half.real, half.imag
    cosines = re[:, *upper] + re[:, *upper[::-1]], im[:, *above] - im[:, *above[::-1]]
    sines = -im[:, *upper] - im[:, *upper[::-1]], re[:, *above] - re[:, *above[::-1]]
    table = jnp.concatenate([jnp.concatenate(some, axis=1) for some in (cosines, sines)])
    phase = jnp.dot(vectors, k, precision="highest")
    numbers = jnp.dot(unit_circle(phase), jnp.reshape(table, (table.shape[0], -1)), precision="highest")
    numbers = jnp.reshape(numbers, table.shape[1:])
    signs = signs.reshape(*signs.shape, *[1] * (numbers.ndim - 1)).astype(k.dtype)
    return jax.lax.complex(numbers[places[0]], numbers[places[1]] * signs)


@lru_cache
def _independent(n: int) -> tuple[tuple, tuple, np.ndarray]:
    """(indices of the triangle with and without the diagonal, places of Re and Im [n n] in what is kept of them, signs of Im [n n])."""
    upper, above = (tuple(x.astype(np.int32) for x in np.triu_indices(n, first)) for first in (0, 1))
    real, imag = np.zeros((n, n), np.int32), np.zeros((n, n), np.int32)  # int32: the same in float32 as in float64
    real[upper], imag[above] = np.arange(len(upper[0])), len(upper[0]) + np.arange(len(above[0]))
    signs = np.triu(np.ones((n, n)), 1)
    return (upper, above), (np.maximum(real, real.T), np.maximum(imag, imag.T)), signs - signs.T


def _shifts(centres: Array, k: Array) -> Array:
    """exp(ik·(t_b − t_a)) [n n]."""
    phase = jnp.sum(centres * k[None, :], axis=1)
    one = jax.lax.complex(jnp.cos(phase), jnp.sin(phase))
    return one.conj()[:, None] * one[None, :]


def _halves(model: Model, dimension: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(lattice [d d], R [R d], places of one of each R and −R, places of the other)."""
    lattice, whole = np.asarray(model.lattice, np.float64), np.asarray(model.translations)
    if lattice.shape != (3, 3) or whole.ndim != 2 or whole.shape[1] != 3:
        raise SemijaxError(
            f"wannier: lattice and translations have shapes {lattice.shape}, {whole.shape}: allowed are (3, 3) and (R, 3)"
        )
    if dimension not in (2, 3):
        raise SemijaxError(f"wannier: dimension = {dimension!r}: allowed are 2, for a layer, and 3")
    if dimension == 2 and (np.abs(lattice[:2, 2]).max() > 1e-6 or whole[:, 2].any()):
        raise SemijaxError(
            f"wannier: dimension = 2 with lattice {lattice.tolist()} Å and R₃ up to {np.abs(whole[:, 2]).max()}: "
            "allowed is a layer, its first two vectors in the x-y plane and R₃ = 0"
        )
    places = {tuple(R): i for i, R in enumerate(whole.tolist())}
    first, other = [], []
    for R, i in places.items():
        opposite = tuple(-x for x in R)
        if opposite not in places or len(places) < len(whole):
            raise SemijaxError(f"wannier: R = {R}: allowed is every R once, with −R among them")
        if opposite <= R:
            first.append(i)
            other.append(places[opposite])
    return lattice[:dimension, :dimension], whole[:, :dimension], np.array(first), np.array(other)


def _half(values, first: np.ndarray, other: np.ndarray):
    """The pair of real arrays [R/2 n n ...] of which the sum over R and −R is made, the two averaged; half of R = 0 itself."""
    mean = (values[first] + values[other].swapaxes(1, 2).conj()) / 2
    weight = np.where(first == other, 0.5, 1.0).reshape(-1, *[1] * (mean.ndim - 1)).astype(mean.real.dtype)
    return Pair(mean.real * weight, mean.imag * weight)


def _check_shape(key: str, value, shape: tuple) -> None:
    if np.shape(value) != shape:
        raise SemijaxError(f"wannier: {key} has shape {np.shape(value)}: allowed is {shape}")
