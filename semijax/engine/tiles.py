"""Tiles: carriers cut into padded blocks of one shape, components apart and lanes last: leaves [tiles ... lanes]."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from semijax.engine.mesh import dealt
from semijax.engine.reduce import BLOCK

# Lanes at most by default. CPU: one float32 component is 32 kB, so the arrays of a tile stay in the second-level cache. GPU: a
# kernel has to fill the device, and each costs what many steps do: one for all carriers up to WHOLE_GPU.
DEFAULT, DEFAULT_GPU, WHOLE_GPU = 8192, 1 << 23, 1 << 24
_SMALLEST = 512
_OVERHEAD = 400  # lanes whose steps to the next frame take as long as what a tile costs by itself
GROUP = 8  # tiles whose sums are merged before they are stored; only where there are so many that filling up costs little


def tile_size(count: int, devices: int, wanted: int | None = None, whole: bool = False) -> int:
    """Lanes per tile for `count` carriers: a power of two, at least one block, no larger than holds them all; or the whole blocks
    that hold them all. whole: whether the latter is best on a CPU.
    """
    largest = max(BLOCK, 1 << (count - 1).bit_length())
    if wanted is not None:
        return min(largest, max(BLOCK, 1 << (wanted - 1).bit_length()))
    cpu = jax.default_backend() == "cpu"
    if whole if cpu else devices == 1 and count <= WHOLE_GPU:
        return BLOCK * -(-count // BLOCK)
    return min(largest, _fastest_size(count, devices)) if cpu else min(DEFAULT_GPU, max(BLOCK, largest // devices))


def _fastest_size(count: int, devices: int) -> int:
    """The size whose tiles, dealt out to all devices, take least time: few that are not filled, and few."""
    sizes = [_SMALLEST << i for i in range((DEFAULT // _SMALLEST).bit_length())]
    return min(reversed(sizes), key=lambda size: dealt(tiles_of(count, size), devices) * (size + _OVERHEAD))


def groups_of(tiles: int) -> int:
    """Tiles per group."""
    return GROUP if tiles % GROUP == 0 else 1


def grouped(tree, size: int):
    """Leaves [tiles ...] -> [groups size ...]."""
    return jax.tree.map(lambda x: x.reshape(-1, size, *x.shape[1:]), tree)


def ungrouped(tree):
    """The inverse of `grouped`."""
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), tree)


def numbers(index, lanes: int):
    """Numbers [lanes] of the carriers of tile `index`; the last tile goes beyond the last carrier."""
    return index * lanes + jnp.arange(lanes, dtype=jnp.int32)


def slots_of(count: int, lanes: int, devices: int) -> int:
    """Room for so many carriers, in tiles: as many for every device, and whole groups of them if there are many."""
    tiles = tiles_of(count, lanes)
    return dealt(tiles, devices, GROUP if tiles >= 64 * GROUP else 1)


def index_of(first: int, tiles: int, slots: int, total: int) -> np.ndarray:
    """Numbers [slots] of the tiles from `first` on, of `total` in all; slots beyond so many tiles are numbered beyond the last."""
    i = np.arange(slots, dtype=np.int32)
    return np.where(i < tiles, first + i, total + i - tiles).astype(np.int32)


@partial(jax.jit, static_argnames=("lanes", "slots"))
def pack(tree, lanes: int, slots: int):
    """Leaves [n ...] -> [slots ... lanes], filled up with copies of the last carrier."""

    def one(x):
        missing = slots * lanes - x.shape[0]
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
