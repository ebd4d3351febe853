"""Pieces of lanes: on a CPU the steps of a few lanes are one piece of machine code that stays in the first-level cache.

XLA's CPU runtime calls one kernel for each operation, which costs more than the operation where lanes are few. A call that is
marked `xla_cpu_small_call` becomes one function instead, loops included (SmallWhileLoopHoistingPass marks loops so).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jax.experimental.xla_metadata import set_xla_metadata

from semijax.engine import reduce
from semijax.engine.lanes.rows import unmarked

BLOCK = 512  # bytes of each row that a loop over steps touches
LANES = reduce.BLOCK  # lanes of which sums are made at once
PIECE = 8192  # lanes of one piece of machine code, which takes them block after block
# What an operation may cost, so that the compiler does not give it several threads (ParallelTaskAssigner: from 200 000 on), which
# a piece of machine code cannot have.
MOST = 60_000


def by_pieces(run: Callable, size: int, lanes, given):
    """run(lanes, given) -> leaves [lanes], for one piece of the lanes after another. lanes: leaves [lanes]."""
    pieces = cut(lanes, size)
    return jax.tree.map(lambda x: x.reshape(-1), one_by_one(run, pieces, given))


def cut(tree, size: int, axis: int = -1):
    """Leaves [... lanes] -> [pieces ... size], or all lanes as one piece where there are not more; axis 0: of leaves [lanes ...]."""

    def one(x):
        x = jnp.moveaxis(x, axis, -1)
        x = x.reshape(*x.shape[:-1], -1, min(size, x.shape[-1]))
        x = jnp.moveaxis(x, -2, 0)
        return x if axis == -1 else jnp.moveaxis(x, -1, 1)

    return jax.tree.map(one, tree)


def one_by_one(run: Callable, pieces, given):
    """run(piece, given) of every piece, stacked; leaves [pieces ...]."""
    if jax.tree.leaves(pieces)[0].shape[0] == 1:
        return jax.tree.map(lambda x: x[None], run(jax.tree.map(lambda x: x[0], pieces), given))
    return lax.scan(lambda _, piece: (None, run(piece, given)), None, pieces)[1]


def in_one_piece(function: Callable, plain: Callable) -> Callable:
    """function(lanes, given) as one piece of machine code. Batches run one after another, as a piece has a largest size; derivatives
    are those of `plain`, another way to compute the same.
    """
    called = jax.jit(unmarked(function))

    @jax.custom_jvp
    def call(lanes, given):
        return one(lanes, given)

    @custom_vmap
    def one(lanes, given):
        with set_xla_metadata(inlineable="false", xla_cpu_small_call="true"):
            return called(lanes, given)

    @one.def_vmap
    def _(axis_size, in_batched, *arguments):
        leaves, tree = jax.tree.flatten(arguments)
        batched = jax.tree.leaves(in_batched)

        def each(mine):
            mine = iter(mine)
            return one(*jax.tree.unflatten(tree, [next(mine) if b else x for x, b in zip(leaves, batched, strict=True)]))

        out = lax.map(each, [x for x, b in zip(leaves, batched, strict=True) if b])
        return out, jax.tree.map(lambda _: True, out)

    call.defjvp(lambda primals, tangents: jax.jvp(plain, primals, tangents))
    return call


@jax.tree_util.register_pytree_node_class
class Packed:
    """Values by name, the scalars of one dtype in one array: a piece of machine code with an argument that turns out to be unused
    makes XLA's CPU compiler of JAX 0.10 abort, and a scalar may turn out so.
    """

    def __init__(self, values: dict):
        self.tables = {name: x for name, x in values.items() if jnp.ndim(x)}
        self.names: dict[Any, tuple] = {}
        for name, x in values.items():
            if name not in self.tables:
                kind = jnp.result_type(x)
                self.names[kind] = (*self.names.get(kind, ()), name)
        self.scalars = [jnp.stack([values[name] for name in names]) for names in self.names.values()]

    def unpacked(self) -> dict:
        """The values by name."""
        scalars = {}
        for names, array in zip(self.names.values(), self.scalars, strict=True):
            scalars |= dict(zip(names, array, strict=True))
        return self.tables | scalars

    def tree_flatten(self):
        """Arrays, and what they are called."""
        return (*self.tables.values(), *self.scalars), (tuple(self.tables), tuple(self.names.items()))

    @classmethod
    def tree_unflatten(cls, called, arrays):
        """The inverse."""
        self = object.__new__(cls)
        tables, names = called
        self.tables, self.names = dict(zip(tables, arrays)), dict(names)
        self.scalars = list(arrays[len(tables) :])
        return self
