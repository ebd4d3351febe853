"""Devices: the tiles of a launch are dealt out to all local devices, which never talk to one another."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import Mesh, PartitionSpec


def dealt(tiles: int, group: int = 1) -> int:
    """How many tiles to make of `tiles` so that every device gets the same number, and whole groups, if there is more than one."""
    whole = jax.device_count() * group
    return tiles if tiles == 1 else -(-tiles // whole) * whole


def over_devices(work, shared, tiles):
    """work(shared, tiles) -> (sums, tiles), run on each device's share of the tiles.

    tiles: leaves [tiles ...], the same in and out. sums: added up over the devices; each device must add to other elements than
    the rest, so that the order does not matter.
    """
    devices = jax.devices()
    if len(devices) == 1 or jax.tree.leaves(tiles)[0].shape[0] % len(devices):
        return work(shared, tiles)

    def share(shared, tiles):
        sums, tiles = work(shared, tiles)
        return jax.tree.map(lambda x: x[None], sums), tiles

    split = PartitionSpec("tiles")
    mesh = Mesh(np.array(devices), ("tiles",))
    spread = jax.shard_map(share, mesh=mesh, in_specs=(PartitionSpec(), split), out_specs=(split, split), check_vma=False)
    sums, tiles = spread(shared, tiles)
    return jax.tree.map(lambda x: jnp.sum(x, axis=0), sums), tiles


def gathered(tree):
    """The tree on the first device, where what follows a run is done; traced values stay where they are."""
    if jax.device_count() == 1 or any(isinstance(x, Tracer) for x in jax.tree.leaves(tree)):
        return tree
    return jax.device_put(tree, jax.devices()[0])
