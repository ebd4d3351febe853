"""Control flow for arrays of scalars: branches are both computed, loops of known length unroll."""

import numpy as np

from semijax.engine.lanes.graph import Node
from semijax.engine.lanes.interpret import LONGEST, Interpreter, settled
from semijax.engine.lanes.movement import Unsupported, wrapped
from semijax.engine.lanes.rules import RULES, rule

__all__ = ["RULES"]  # all of them, with these


@rule("cond")
def _cond(it: Interpreter, eqn, inputs):
    branches = eqn.params["branches"]
    which: Node = it.nodes(inputs[0]).item()
    if which.is_const:
        return it.closed(branches[min(max(int(which.attr), 0), len(branches) - 1)], inputs[1:])
    outs = [it.closed(branch, inputs[1:]) for branch in branches]
    top = it.scalars.const(len(branches) - 1, which.dtype)
    index = which
    if which.dtype != bool:
        zero = it.scalars.const(0, which.dtype)
        index = it.scalars.binary("min", it.scalars.binary("max", which, zero, which.dtype), top, which.dtype)
    if which.dtype != bool and len(branches) == 2:
        index = it.scalars.binary("ne", index, it.scalars.const(0, which.dtype), bool)
    return [it.map(lambda *cases: it.scalars.select(index, *cases), *case) for case in zip(*outs)]


@rule("while")
def _while(it: Interpreter, eqn, inputs):
    p = eqn.params
    a, b = p["cond_nconsts"], p["cond_nconsts"] + p["body_nconsts"]
    carry = inputs[b:]
    for _ in range(LONGEST // max(1, len(p["body_jaxpr"].jaxpr.eqns))):
        (goes_on,) = it.closed(p["cond_jaxpr"], [*inputs[:a], *carry])
        if not bool(it.known(goes_on)):
            return carry
        carry = [settled(x) for x in it.closed(p["body_jaxpr"], [*inputs[a:b], *carry])]
    raise Unsupported("long loop")


def _scan_counts(eqn) -> tuple[int, int]:
    """(constants, carry) of a scan, whose inputs and outputs along the way have one axis more outside than inside."""
    inner = eqn.params["jaxpr"].jaxpr

    def deeper(outer, within):
        return sum(o.aval.ndim != i.aval.ndim for o, i in zip(outer, within, strict=True))

    carry = len(eqn.outvars) - deeper(eqn.outvars, inner.outvars)
    return len(eqn.invars) - deeper(eqn.invars, inner.invars) - carry, carry


@rule("scan")
def _scan(it: Interpreter, eqn, inputs):
    p = eqn.params
    length = p["length"]
    if length * len(p["jaxpr"].jaxpr.eqns) > LONGEST or length == 0:
        raise Unsupported("long loop")
    a, n = _scan_counts(eqn)
    consts, carry, along = inputs[:a], inputs[a : a + n], [it.nodes(x) for x in inputs[a + n :]]
    seen = [[None] * length for _ in eqn.outvars[n:]]
    for i in reversed(range(length)) if p["reverse"] else range(length):
        outs = it.closed(p["jaxpr"], [*consts, *carry, *(settled(wrapped(x[i])) for x in along)])
        carry = [settled(x) for x in outs[:n]]
        for row, out in zip(seen, outs[n:]):
            row[i] = it.nodes(out)
    return [*carry, *(np.stack(row) for row in seen)]
