"""Bands of a matrix of two rows, H = E₀ + h·σ: E₀ ± |h| and all that follows from E₀, h and their slopes, in closed form."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from semijax._types import Array
from semijax.bands.eigen import AXES, Grouping
from semijax.bands.hamiltonian import joined, matrix_of
from semijax.bands.neighbours import Neighbours
from semijax.units import HBAR


@dataclass(frozen=True)
class VectorOf:
    """(params, k) -> (E₀, h_x, h_y, h_z) [4], eV, of the matrix `of`."""

    of: Callable

    def __call__(self, params, k: Array) -> Array:
        matrix = matrix_of(self.of, params, k)
        (a, b), d = matrix[0], matrix[1, 1]
        return jnp.stack([(a.real + d.real) / 2, b.real, -jnp.imag(b), (a.real - d.real) / 2])


@dataclass(frozen=True)
class TwoRows:
    """What the quantities of one band are made of. vector: (params, k) -> (E₀, h) [4], eV. sign: +1: upper band, −1: lower."""

    vector: Callable
    sign: int
    grouping: Grouping

    def slots(self) -> dict[str, Callable]:
        """A Band's energy, gap, curvature, moment and neighbours."""
        kinds = {"energy": Energy, "gap": Gap, "curvature": Curvature, "moment": Moment, "neighbours": OtherRow}
        return {name: kind(self) for name, kind in kinds.items()}

    def at(self, params, k: Array) -> Array:
        """(E₀, h) [4] at k."""
        return _at(self.vector, joined(params), k)

    def slopes(self, params, k: Array) -> Array:
        """∂(E₀, h)/∂k [4 d]."""
        return _slopes(self.vector, joined(params), k)


# Traced once for all that ask: a step asks at every stage, for the velocity, the curvature and the moment.


@partial(jax.jit, static_argnums=0)
def _at(vector: Callable, params, k: Array) -> Array:
    return vector(params, k)


@partial(jax.jit, static_argnums=0)
def _slopes(vector: Callable, params, k: Array) -> Array:
    return jax.jacfwd(partial(vector, params))(k)


@dataclass(frozen=True)
class Energy:
    """E₀ ± |h|, eV."""

    rows: TwoRows

    def __call__(self, params, k: Array) -> Array:
        return _energy(self.rows, params, k)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _energy(rows: TwoRows, params: Any, k: Array) -> Array:
    parts = rows.at(params, k)
    return parts[0] + rows.sign * _length(parts)


def _change(rows: TwoRows, primals, tangents):
    """dE = dE₀ ± h·dh/|h|, without the second term where the bands are one group."""
    (params, k), (change, way) = primals, tangents
    parts = rows.at(params, k)
    if all(type(x) is SymbolicZero for x in jax.tree.leaves(change, is_leaf=_is_zero)):
        # slopes first: curvature and moment are made of the same
        moved = [jnp.sum(x * way) for x in rows.slopes(params, k)]
    else:
        moved = jax.jvp(rows.at, primals, jax.tree.map(_filled, tangents, primals, is_leaf=_is_zero))[1]
    return _energy(rows, params, k), moved[0] + rows.sign * _inverse(rows.grouping, parts) * _dot(parts[1:], moved[1:])


_energy.defjvp(_change, symbolic_zeros=True)


@dataclass(frozen=True)
class Gap:
    """(2|h|, floor below which the bands count as touching), eV."""

    rows: TwoRows

    def __call__(self, params, k: Array) -> tuple[Array, Array]:
        parts = self.rows.at(params, k)
        length = _length(parts)
        return 2 * length, _floor(self.rows.grouping, parts[0], length)


@dataclass(frozen=True)
class Curvature:
    """∓ h·(∂_a h × ∂_b h)/2|h|³, Å², zero where the bands touch; [3], or a number in a plane."""

    rows: TwoRows

    def __call__(self, params, k: Array) -> Array:
        inverse = _inverse(self.rows.grouping, self.rows.at(params, k))
        return _axial([-self.rows.sign / 2 * x * inverse**3 for x in _triples(self.rows, params, k)])


@dataclass(frozen=True)
class Moment:
    """−h·(∂_a h × ∂_b h)/2ħh², e Å²/fs, of either band."""

    rows: TwoRows

    def __call__(self, params, k: Array) -> Array:
        inverse = _inverse(self.rows.grouping, self.rows.at(params, k))
        return _axial([-x * inverse**2 / (2 * HBAR) for x in _triples(self.rows, params, k)])


@dataclass(frozen=True)
class OtherRow:
    """The other band as a neighbour: of H = E₀ + h·σ the difference of the levels is 2h."""

    rows: TwoRows

    def __call__(self, params, k: Array) -> Neighbours:
        parts, slopes = self.rows.at(params, k), self.rows.slopes(params, k)
        inverse = _inverse(self.rows.grouping, parts)
        way, change = parts[1:] * inverse, 2 * slopes[1:]
        slope = jnp.sum(way[:, None] * change, axis=0)
        apart = jnp.where(inverse > 0, 2 * _length(parts), jnp.inf)
        return Neighbours(apart[None], slope[None], (change - way[:, None] * slope[None, :])[None])


def _triples(rows: TwoRows, params, k: Array) -> list[Array]:
    """h·(∂_a h × ∂_b h) for every pair of directions."""
    (_, x, y, z), (_, p, q, r) = rows.at(params, k), rows.slopes(params, k)
    found = []
    for a, b in AXES[k.shape[0]]:
        across = q[a] * r[b] - r[a] * q[b], r[a] * p[b] - p[a] * r[b], p[a] * q[b] - q[a] * p[b]
        found.append(x * across[0] + y * across[1] + z * across[2])
    return found


def _axial(components: list[Array]) -> Array:
    return jnp.stack(components) if len(components) > 1 else components[0]


def _dot(a, b) -> Array:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _length(parts: Array) -> Array:
    return jnp.sqrt(_dot(parts[1:], parts[1:]))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _inverse(grouping: Grouping, parts: Array) -> Array:
    """1/|h|; zero where the bands are one group."""
    length = _length(parts)
    together = 2 * length <= _floor(grouping, parts[0], length)
    return jnp.where(together, 0.0, 1 / jnp.where(together, 1.0, length))


@_inverse.defjvp
def _(grouping, primals, tangents):
    inverse = _inverse(grouping, *primals)
    return inverse, -(inverse**3) * _dot(primals[0][1:], tangents[0][1:])


def _floor(grouping: Grouping, mean: Array, length: Array) -> Array:
    return grouping.floor_of(jnp.reshape(jnp.abs(mean) + length, (1,)))  # the larger |E|


def _is_zero(x) -> bool:
    return type(x) is SymbolicZero


def _filled(tangent, primal):
    return jnp.zeros_like(primal) if _is_zero(tangent) else tangent
