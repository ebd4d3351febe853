"""Devices: the tiles of a launch are dealt out to them, all or one; they never talk to one another."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding, PartitionSpec

_SPLIT = PartitionSpec("tiles")


def dealt(tiles: int, devices: int, group: int = 1) -> int:
    """How many tiles to make of `tiles` so that every device gets the same number, and whole groups, if there is more than one."""
    whole = devices * group
    return tiles if tiles == 1 else -(-tiles // whole) * whole


def over_devices(work, shared, tiles, devices: int):
    """work(shared, tiles) -> (sums, tiles), run on each device's share of the tiles.

    tiles: leaves [tiles ...], the same in and out. sums: added up over the devices; each device must add to other elements than
    the rest, so that the order does not matter.
    """
    if not _shared_out(jax.tree.leaves(tiles), devices):
        return work(shared, tiles)

    def share(shared, tiles):
        sums, tiles = work(shared, tiles)
        return jax.tree.map(lambda x: x[None], sums), tiles

    everywhere = PartitionSpec()
    run = jax.shard_map(share, mesh=_mesh(), in_specs=(everywhere, _SPLIT), out_specs=(_SPLIT, _SPLIT), check_vma=False)
    sums, tiles = run(shared, tiles)
    return jax.tree.map(lambda x: jnp.sum(x, axis=0), sums), tiles


def spread(tree, devices: int):
    """The tree, leaves [tiles ...], with each device's share of the tiles where `over_devices` will want it: the first launch is then
    compiled for the same places as the others.
    """
    leaves = jax.tree.leaves(tree)
    if _shared_out(leaves, devices) and not any(isinstance(x, Tracer) for x in leaves):
        return jax.device_put(tree, NamedSharding(_mesh(), _SPLIT))
    return tree


def loose(tree, devices: int):
    """A small tree that may go to every device: what enters together with carriers that are committed to one is so too."""
    leaves = jax.tree.leaves(tree)
    if devices == 1 or any(isinstance(x, Tracer) for x in leaves):
        return tree
    return jax.device_get(tree) if any(getattr(x, "committed", False) for x in leaves) else tree


def gathered(tree, devices: int):
    """The tree on the first device, where what follows a run is done; traced values stay where they are."""
    leaves, structure = jax.tree.flatten(tree)
    if devices == 1 or any(isinstance(x, Tracer) for x in leaves):
        return tree
    # What every device has needs no copy; each of those takes a third of a millisecond.
    leaves = [x.addressable_data(0) if x.is_fully_replicated else x for x in leaves]
    return jax.device_put(jax.tree.unflatten(structure, leaves), jax.devices()[0])


def _shared_out(leaves: list, devices: int) -> bool:
    """Whether the tiles of these leaves [tiles ...] go to several devices."""
    return devices > 1 and leaves[0].shape[0] % devices == 0


def _mesh() -> Mesh:
    return Mesh(np.array(jax.devices()), ("tiles",))
