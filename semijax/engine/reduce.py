"""Bit-reproducible sums over carriers: a halving tree fixed by the carriers' order, whatever the tile size."""

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

BLOCK = 256  # lanes of one block; tiles are powers of two of at least this many


class Slot(NamedTuple):
    """A number that adds up in one of many places; −1: nowhere."""

    place: Any
    number: Any


class Recorder(Protocol):
    """What a run adds up: parts of single carriers merge into the part of the ensemble, and that finishes into a frame.

    `merge` must be elementwise over any trailing axes of its parts, and all-zero parts must change nothing.
    """

    def part(self, dynamics, t, carrier) -> Any: ...

    def merge(self, left, right) -> Any: ...

    def finish(self, total) -> Any: ...


def tree_in_tile(merge, parts):
    """Merges parts with leaves [... lanes] into one part with leaves [...].

    Inside blocks of 256 lanes i merges with i + 128, then i + 64, ...; blocks merge with their right neighbours. A larger tile
    therefore holds the same subtrees as two smaller ones, and every tile size gives the same bits.
    """
    parts = jax.tree.map(lambda x: x.reshape(*x.shape[:-1], -1, BLOCK), parts)
    width = BLOCK
    while width > 1:
        width //= 2
        left, right = (jax.tree.map(lambda x, s=s, w=width: x[..., s * w : (s + 1) * w], parts) for s in (0, 1))
        parts = merge(left, right)
    return _neighbours(merge, jax.tree.map(lambda x: x[..., 0], parts))


def tree_over_tiles(merge, parts):
    """Merges the tiles' parts, leaves [tiles ...], into one part."""
    return _neighbours(merge, jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1), parts))


def tree_over_blocks(merge, parts):
    """Merges blocks' parts, leaves [... blocks], as `tree_in_tile` does."""
    return _neighbours(merge, parts)


def _neighbours(merge, parts):
    """Merges neighbours (0, 1), (2, 3), ... along the last axis until one is left; those missing up to a power of two count as zero."""
    length = jax.tree.leaves(parts)[0].shape[-1]
    missing = (1 << (length - 1).bit_length()) - length
    parts = jax.tree.map(lambda x: jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)]), parts) if missing else parts
    while jax.tree.leaves(parts)[0].shape[-1] > 1:
        parts = merge(jax.tree.map(lambda x: x[..., 0::2], parts), jax.tree.map(lambda x: x[..., 1::2], parts))
    return jax.tree.map(lambda x: x[..., 0], parts)
