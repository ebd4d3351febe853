"""What a run keeps of itself as it goes, and goes on from: leaves of trees, whose structure the same run knows."""

import hashlib
from collections.abc import Callable
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np


class Keeper(Protocol):
    """See `io.checkpoints.Checkpoints`."""

    def recorded(self, name: str) -> Any: ...
    def begin(self, key: dict[str, Any]) -> None: ...
    def finished(self, chunk: int) -> list[np.ndarray] | None: ...
    def keep(self, chunk: int, leaves: list[np.ndarray]) -> None: ...
    def restored(self, chunk: int) -> tuple[int, list[np.ndarray]] | None: ...
    def offer(self, chunk: int, frames: int, leaves: Callable[[], list[np.ndarray]], now: bool = False) -> None: ...
    def end(self) -> None: ...


def leaves_of(tree: Any) -> list[np.ndarray]:
    """The leaves of a tree on the host."""
    return [np.asarray(x) for x in jax.device_get(jax.tree.leaves(tree))]


def placed(leaves: list[np.ndarray], like: Any) -> Any:
    """The tree with the structure of `like`, each leaf where that of `like` is."""
    flat, tree = jax.tree.flatten(like)
    return jax.tree.unflatten(tree, [jax.device_put(x, old.sharding) for x, old in zip(leaves, flat, strict=True)])


def tree_of(leaves: list[np.ndarray], like: Any) -> Any:
    """The tree with the structure of `like`."""
    return jax.tree.unflatten(jax.tree.structure(like), [jnp.asarray(x) for x in leaves])


def digest(tree: Any) -> str:
    """SHA-256 of the numbers of a tree, their dtypes and shapes."""
    total = hashlib.sha256()
    for x in leaves_of(tree):
        total.update(f"{x.dtype.str}{x.shape}".encode())
        total.update(np.ascontiguousarray(x).tobytes())
    return total.hexdigest()
