"""Neighbours: how far the other bands are, and how fast they mix with the band as k moves: what interband transitions depend on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from semijax._types import Array
from semijax.bands.eigen import Grouping, between, eigensystem
from semijax.bands.hamiltonian import joined, matrix_of


class Neighbours(NamedTuple):
    """The m other bands (or groups of equal ones) at one k, each with the band a pair of levels whose difference is a vector h, |h| = gap.

    gap [m]: eV, infinite for those that touch the band. slope [m d]: ∂gap/∂k, the change of h along itself, eV Å. turn [m c d]: its
    change across itself in c components, eV Å: |turn·δk| = 2 gap |ξ·δk|, ξ = i⟨n|∂_k|m⟩.
    """

    gap: Array
    slope: Array
    turn: Array


@dataclass(frozen=True)
class BlochNeighbours:
    """Neighbours of band `index` of the matrix `of`: 2 gap ξ = 2 |⟨n|∂_kH|m⟩|, with positions A of the basis ξ + ⟨n|A|m⟩."""

    of: Callable
    index: int
    grouping: Grouping
    positions: Callable | None = None

    def __call__(self, params, k: Array) -> Neighbours:
        grouping, i, d = self.grouping, self.index, k.shape[0]
        matrix = matrix_of(self.of, params, k)
        energies, states = eigensystem(grouping, matrix)
        slopes = jax.jacfwd(lambda k: matrix_of(self.of, params, k))(k)
        inner = [between(states, slopes[..., a]) for a in range(d)]
        away = energies - energies[i]
        diagonal = jnp.stack([jnp.diagonal(x).real for x in inner], axis=1)  # [n d]
        own = jnp.sum(grouping.weights(energies)[i][:, None] * diagonal, axis=0)
        turn = [-1j * x[:, i] for x in (y.astype(_complex(k.dtype)) for y in inner)]
        if self.positions is not None:
            places = self.positions(joined(params), k)
            turn = [x + away.astype(x.dtype) * between(states, places[..., a])[:, i].astype(x.dtype) for a, x in enumerate(turn)]
        turn = 2 * jnp.stack([jnp.stack([x.real, x.imag], axis=1) for x in turn], axis=2)  # [n 2 d]
        groups, each = (-1, grouping.multiplicity), grouping.multiplicity
        apart = jnp.abs(jnp.mean(away.reshape(groups), axis=1))
        gap = jnp.where(jnp.any(grouping.together(energies)[i].reshape(groups), axis=1), jnp.inf, apart)
        side = jnp.sign(jnp.mean(away.reshape(groups), axis=1))
        slope = side[:, None] * (jnp.mean(diagonal.reshape(*groups, d), axis=1) - own[None, :])
        return Neighbours(gap, slope, turn.reshape(-1, 2 * each, d))


def _complex(dtype):
    return jnp.complex64 if dtype == jnp.float32 else jnp.complex128
