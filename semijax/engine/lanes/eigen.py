"""Eigenvalue problems as lanes: jnp.linalg.eigh and eigvalsh of up to four rows in kernels, of two for XLA."""

from functools import lru_cache

import jax
import numpy as np

from semijax import _hermitian
from semijax.engine.lanes.interpret import Interpreter
from semijax.engine.lanes.loops import RULES
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.lanes.rules import rule

__all__ = ["RULES", "refuse_large"]  # the rules: all of them, with this


# XLA computes a value again where it needs it, with other roundings: what is left of numbers that cancel then differs from itself, and
# vectors of degenerate eigenvalues are not normalised. A kernel computes every value once.
_TWICE = 2


@rule("eigh")
def _eigh(it: Interpreter, eqn, inputs):
    p, (n, m) = eqn.params, eqn.invars[0].aval.shape[-2:]
    if (
        eqn.invars[0].aval.ndim != 2
        or n != m
        or not 1 <= n <= (_hermitian.LARGEST if it.scalar else _TWICE)
        or p.get("subset_by_index") not in (None, (0, n))
    ):
        raise Unsupported("large eigenvalue problem")
    x = it.nodes(inputs[0])
    if not p["lower"]:
        x = it.map(lambda a: it.scalars.unary("conj", a, a.dtype) if a.dtype.kind == "c" else a, np.transpose(x))
    out = it.closed(_program(n, np.dtype(eqn.invars[0].aval.dtype)), [x])
    return [out[0] if v.aval.ndim == 1 else out[1] for v in eqn.outvars]


def refuse_large(jaxpr) -> None:
    """Raises Unsupported for a function that has an eigenvalue problem of more rows, which costs more than anything around it: all of
    the function is better off as one program of XLA.
    """
    for eqn in jaxpr.eqns:
        rows = eqn.invars[0].aval.shape[-1] if eqn.primitive.name == "eigh" else 0
        if rows > _hermitian.LARGEST:
            raise Unsupported(f"an eigenvalue problem of {rows} rows (bands.tabulate makes a table of a band, which is fast)")
        for inner in jax.tree.leaves(list(eqn.params.values()), is_leaf=_is_jaxpr):
            if _is_jaxpr(inner):
                refuse_large(getattr(inner, "jaxpr", inner))


def _is_jaxpr(x) -> bool:
    return hasattr(x, "eqns") or hasattr(getattr(x, "jaxpr", None), "eqns")


@lru_cache
def _program(n: int, dtype: np.dtype):
    with jax.numpy_dtype_promotion("strict"):
        return jax.make_jaxpr(_hermitian.eigh)(jax.ShapeDtypeStruct((n, n), dtype))
