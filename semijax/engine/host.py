"""Numbers on their way to the device: each transfer takes a GPU's driver longer than a short kernel, so they go together."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np


def jit_together(function: Callable, *, static_argnames: tuple[str, ...] = ()) -> Callable:
    """jax.jit(function), whose NumPy arrays and Python numbers of one floating dtype travel as one array."""

    @functools.partial(jax.jit, static_argnames=("_luggage", *static_argnames))
    def inside(leaves, packs, *, _luggage: _Luggage, **options):
        return function(*_luggage.unpacked(leaves, packs), **options)

    @functools.wraps(function)
    def call(*arguments, **options):
        leaves, packs, luggage = _packed(arguments)
        return inside(leaves, packs, _luggage=luggage, **options)

    return call


@dataclass(frozen=True)
class _Luggage:
    """Where each leaf of a tree is: (number of its pack, its first place there, its shape); None for a leaf that travels by itself."""

    tree: Any
    places: tuple[tuple[int, int, tuple[int, ...]] | None, ...]

    def unpacked(self, leaves: list, packs: list) -> Any:
        """The tree."""
        alone = iter(leaves)

        def one(place):
            if place is None:
                return next(alone)
            pack, first, shape = place
            return packs[pack][first : first + int(np.prod(shape, dtype=int))].reshape(shape)

        return jax.tree.unflatten(self.tree, [one(place) for place in self.places])


def _packed(tree: Any) -> tuple[list, list[np.ndarray], _Luggage]:
    leaves, structure = jax.tree.flatten(tree)
    packs: dict[np.dtype, list[np.ndarray]] = {}
    alone, places = [], []
    for leaf in leaves:
        if not isinstance(leaf, (np.ndarray, np.floating, float)) or np.asarray(leaf).dtype.kind != "f":
            alone.append(leaf)
            places.append(None)
            continue
        array = np.asarray(leaf)
        pack = packs.setdefault(array.dtype, [])
        number = list(packs).index(array.dtype)
        places.append((number, sum(x.size for x in pack), array.shape))
        pack.append(array.reshape(-1))
    return alone, [np.concatenate(pack) for pack in packs.values()], _Luggage(structure, tuple(places))
