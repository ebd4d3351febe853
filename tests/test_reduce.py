"""The halving tree: the same bits however carriers are cut into tiles."""

import jax.numpy as jnp
import numpy as np
import pytest

from semijax.engine.reduce import BLOCK, tree_in_tile, tree_over_tiles


@pytest.mark.parametrize("count", [1, 255, 700, 1500])
@pytest.mark.parametrize("merge", [jnp.add, jnp.maximum])
def test_tiles_of_any_size_and_whole_blocks_give_the_same_bits(count, merge):
    values = np.abs(np.random.default_rng(count).normal(size=count)).astype(np.float32)
    found = set()
    whole = BLOCK * -(-count // BLOCK)
    for lanes in (whole, BLOCK, 2 * BLOCK, 4 * BLOCK, 8 * BLOCK):
        tiles = -(-count // lanes)
        padded = jnp.asarray(np.pad(values, (0, tiles * lanes - count))).reshape(tiles, lanes)
        found.add(float(tree_over_tiles(merge, tree_in_tile(merge, padded))))
    assert len(found) == 1
    expected = values.max() if merge is jnp.maximum else values.astype(np.float64).sum()
    np.testing.assert_allclose(found.pop(), expected, rtol=12 * np.finfo(np.float32).eps)  # a depth of at most eleven sums
