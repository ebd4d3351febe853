"""Rejection: draws of k, counted by (carrier, step, try), from closed-form laws or from the cells of a partition."""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import record, static
from semijax._types import Array, SemijaxError, cast
from semijax.bands.band import Band
from semijax.bands.inputs import traced
from semijax.cells import Partition
from semijax.domain import Domain
from semijax.occupation import Occupation, boltzmann
from semijax.random import carrier_key as key_of_carrier
from semijax.random import normals, uniforms
from semijax.states import States

TILE = 1024  # carriers drawn at once: always the same program, so that a draw does not depend on its neighbours
_TABLE = 4096  # smallest alias table; they grow by factors of four, so that few shapes are ever compiled
_EXCESS = 1e-5  # how far log(w/bound) may pass zero by rounding
_TRIES = 1 << 16  # of one carrier inside a run


@record
class ClosedForm:
    """A law of k in closed form; draws cannot fail."""

    law: Any

    def draw(self, carrier_key, step, first, dtype) -> Array:
        """k [d] of one carrier, using the random numbers `first`, first + 1, ... of this step."""
        law = cast(self.law, dtype)
        return law(uniforms(carrier_key, step, law.count, dtype, first))


@record
class StandardNormal:
    """The law of `count` independent standard normal numbers."""

    count: int = static()

    def draw(self, carrier_key, step, first, dtype) -> Array:
        """Numbers [count] of one carrier."""
        return normals(carrier_key, step, self.count, dtype, first)


@record
class CellLaw:
    """The law of k with weight w(E(k)), times D(k) in a magnetic field, drawn under a bound that is constant in each cell.

    centre, half [m d]: the cells, m a power of two, so that each is picked with the same chance. log_top [m]: bound of log w.
    keep, other [m]: Walker's alias table of their probabilities (Walker, ACM Trans. Math. Softw. 3, 253 (1977),
    doi:10.1145/355744.355749).
    """

    band: Band | States
    occupation: Occupation
    domain: Domain
    centre: Any
    half: Any
    log_top: Any
    keep: Any
    other: Any

    @property
    def count(self) -> int:
        """Random numbers one try takes: two for the cell, d for the place in it, one to keep or reject."""
        return self.half.shape[1] + 3

    def attempt(self, carrier_key, step, first, dtype) -> tuple[Array, Array, Array]:
        """One try of one carrier: k [d], whether it is kept, and log(w/bound), which must not be positive."""
        law = cast(self, dtype)
        u = uniforms(carrier_key, step, self.count, dtype, first)
        m = law.keep.shape[0]
        column = jnp.minimum((u[0] * m).astype(jnp.int32), m - 1)
        cell = jnp.where(u[1] < law.keep[column], column, law.other[column])
        c = law.centre[cell] + law.half[cell] * (2 * u[2:-1] - 1)
        k = law.domain.wavevector(c)
        log_ratio = law.occupation.log(law.band(k)) - law.log_top[cell]
        if isinstance(law.band, States):
            log_ratio = log_ratio + jnp.log(law.band.density(k))
        log_ratio = jnp.where(jnp.isnan(log_ratio), jnp.inf, log_ratio)
        return k, law.domain.inside(c) & (jnp.log(u[-1]) < log_ratio), log_ratio

    def draw(self, carrier_key, step, first, dtype) -> Array:
        """k [d] of one carrier after as many tries as it takes; NaN where a bound fails, so that no wrong law goes unseen."""
        law = cast(jax.tree.map(jax.lax.stop_gradient, self), dtype)  # a redrawn k does not depend on where the carrier was

        def undecided(state):
            tried, _, kept, worst = state
            return ~kept & (worst <= _EXCESS) & (tried < _TRIES)

        def again(state):
            tried, *_ = state
            k, kept, log_ratio = law.attempt(carrier_key, step, first + tried * self.count, dtype)
            return tried + 1, k, kept, log_ratio

        start = (0, jnp.zeros(self.half.shape[1], dtype), jnp.asarray(False), jnp.asarray(-jnp.inf, dtype))
        _, k, kept, worst = jax.lax.while_loop(undecided, again, start)
        return jnp.where(kept & (worst <= _EXCESS), k, jnp.nan)


def cell_law(band: Band | States, occupation: Occupation, cells: Partition) -> CellLaw:
    """The law of a partition, ready to draw from."""
    if occupation.shape is boltzmann(0.0, 1.0).shape:  # factors relative to the lowest energy, where float32 resolves them best
        lowest = boltzmann(float(cells.low.min()), occupation.kT)
        cells = replace(cells, log_top=cells.log_top + (lowest.level - occupation.level) / occupation.kT)
        occupation = lowest
    log_mass = cells.log_top + cells.log_volume
    mass = np.exp(log_mass - log_mass.max())
    m = _TABLE
    while m < len(mass):
        m *= 4
    keep, other = _alias(np.pad(mass / mass.sum(), (0, m - len(mass))))

    def filled(x):
        return np.concatenate([x, np.broadcast_to(x[-1:], (m - len(x), *x.shape[1:]))])

    centre, half, log_top = (filled(x) for x in (cells.centre, cells.half, cells.log_top))
    return CellLaw(band, occupation, cells.domain, centre, half, log_top, keep, jnp.asarray(other))


def draws(law, key, ids: np.ndarray, dtype) -> tuple[Any, float, bool]:
    """k [n d] of the carriers `ids` in the stream `key`, the part of all tries that was kept, and whether every bound held."""
    if not isinstance(law, CellLaw):
        return _joined([_draws(law, key, tile, dtype) for tile in _tiles(ids)])[: len(ids)], 1.0, True
    k, left = np.empty((len(ids), law.half.shape[1]), dtype), np.arange(len(ids))
    number, tries = 0, 0
    while left.size:
        tiles = [_attempts(law, key, tile, number * law.count, dtype) for tile in _tiles(ids[left])]
        tried, kept, log_ratio = (np.concatenate([np.asarray(x) for x in column])[: len(left)] for column in zip(*tiles))
        number, tries = number + 1, tries + len(left)
        k[left[kept]] = tried[kept]
        left = left[~kept]
        if log_ratio.max() > _EXCESS:
            return k, 0.0, False
        if number > 20 * _TRIES:
            raise SemijaxError(
                f"sampling: {left.size} of {len(ids)} carriers found no state in {number} tries: allowed is a higher temperature"
            )
    return k, len(ids) / tries, True


def _joined(tiles: list):
    """The tiles as one array; numbers on the host, where no program of so many arguments has to be compiled."""
    return jnp.concatenate(tiles) if any(map(traced, tiles)) else np.concatenate([np.asarray(x) for x in tiles])


def _tiles(ids: np.ndarray) -> list[np.ndarray]:
    return list(np.concatenate([ids, np.zeros(-len(ids) % TILE, ids.dtype)]).reshape(-1, TILE))


@partial(jax.jit, static_argnames="dtype")
def _draws(law, key, ids, dtype):
    return jax.vmap(lambda id: law.draw(key_of_carrier(key, id), 0, 0, dtype))(ids)


@partial(jax.jit, static_argnames="dtype")
def _attempts(law: CellLaw, key, ids, first, dtype):
    return jax.vmap(lambda id: law.attempt(key_of_carrier(key, id), 0, first, dtype))(ids)


def _alias(probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walker's table of m probabilities: column i stays i with chance keep[i], else becomes other[i]."""
    left = (probability * len(probability)).tolist()
    keep, other = np.ones(len(left)), np.arange(len(left), dtype=np.int32)
    poor = [i for i, share in enumerate(left) if share < 1]
    rich = [i for i, share in enumerate(left) if share >= 1]
    while poor and rich:
        i, j = poor.pop(), rich[-1]
        keep[i], other[i] = left[i], j
        left[j] -= 1 - left[i]
        if left[j] < 1:
            poor.append(rich.pop())
    return keep, other
