"""Eigenvalue problems as lanes: jnp.linalg.eigh and eigvalsh of up to four rows, wherever users write them."""

from functools import lru_cache

import jax
import numpy as np

from semijax import _hermitian
from semijax.engine.lanes.interpret import Interpreter
from semijax.engine.lanes.loops import RULES
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.lanes.rules import rule

__all__ = ["RULES"]  # all of them, with this


@rule("eigh")
def _eigh(it: Interpreter, eqn, inputs):
    p, (n, m) = eqn.params, eqn.invars[0].aval.shape[-2:]
    if (
        eqn.invars[0].aval.ndim != 2
        or n != m
        or not 1 <= n <= _hermitian.LARGEST
        or p.get("subset_by_index") not in (None, (0, n))
    ):
        raise Unsupported("large eigenvalue problem")
    x = it.nodes(inputs[0])
    if not p["lower"]:
        x = it.map(lambda a: it.scalars.unary("conj", a, a.dtype) if a.dtype.kind == "c" else a, np.transpose(x))
    out = it.closed(_program(n, np.dtype(eqn.invars[0].aval.dtype)), [x])
    return [out[0] if v.aval.ndim == 1 else out[1] for v in eqn.outvars]


@lru_cache
def _program(n: int, dtype: np.dtype):
    with jax.numpy_dtype_promotion("strict"):
        return jax.make_jaxpr(_hermitian.eigh)(jax.ShapeDtypeStruct((n, n), dtype))
