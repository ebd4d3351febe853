"""Tiles: carriers cut into padded blocks of one shape, components apart and lanes last: leaves [tiles ... lanes]."""

import jax
import jax.numpy as jnp

from semijax.engine.mesh import dealt
from semijax.engine.reduce import BLOCK

DEFAULT = 8192  # lanes: one float32 component is 32 kB, so the arrays a step touches stay in the second-level cache


def tile_size(count: int, wanted: int | None = None) -> int:
    """Lanes per tile for `count` carriers: a power of two, at least one block, no larger than holds them all."""
    largest = max(BLOCK, 1 << (count - 1).bit_length())
    wanted = DEFAULT if wanted is None else max(BLOCK, 1 << (wanted - 1).bit_length())
    return min(wanted, largest)


def pack(tree, lanes: int):
    """Leaves [n ...] -> [tiles ... lanes], as many tiles for every device, filled up with copies of the last carrier."""

    def one(x):
        missing = dealt(tiles_of(x.shape[0], lanes)) * lanes - x.shape[0]
        x = jnp.concatenate([x, jnp.broadcast_to(x[-1:], (missing, *x.shape[1:]))]) if missing else x
        return jnp.moveaxis(x.reshape(-1, lanes, *x.shape[1:]), 1, -1)

    return jax.tree.map(one, tree)


def unpack(tree, count: int):
    """The inverse of `pack`: leaves [tiles ... lanes] -> [n ...]."""

    def one(x):
        x = jnp.moveaxis(x, -1, 1)
        return x.reshape(-1, *x.shape[2:])[:count]

    return jax.tree.map(one, tree)


def tiles_of(count: int, lanes: int) -> int:
    """How many tiles hold `count` carriers."""
    return -(-count // lanes)
