"""A function as a primitive of JAX: one equation wherever it is traced, by whose name an engine may have code of its own for it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir


def primitive(name: str, function: Callable[..., Any]) -> Callable[..., list]:
    """bind(*arrays, **params) of a new primitive: what function(*arrays, **params) -> tuple of arrays computes.

    Its derivatives and batches are those of the function. params: hashable.
    """
    new = Primitive(name)
    new.multiple_results = True

    def flat(*arrays, **params):
        return list(function(*arrays, **params))

    def abstract(*avals, **params):
        shapes = jax.eval_shape(partial(flat, **params), *(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in avals))
        return [ShapedArray(x.shape, x.dtype) for x in shapes]

    def batch(arrays, axes, **params):
        found = jax.vmap(partial(flat, **params), in_axes=tuple(axes))(*arrays)
        return found, [0] * len(found)

    def derivative(primals, tangents, **params):
        return jax.jvp(partial(flat, **params), tuple(primals), tuple(map(ad.instantiate_zeros, tangents)))

    new.def_impl(lambda *arrays, **params: jax.jit(partial(flat, **params))(*arrays))
    new.def_abstract_eval(abstract)
    mlir.register_lowering(new, mlir.lower_fun(flat, multiple_results=True))
    batching.primitive_batchers[new] = batch
    ad.primitive_jvps[new] = derivative
    return new.bind
