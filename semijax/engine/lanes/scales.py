"""Factors that all carriers share, carried along beside each value and multiplied in only where the value has to be complete.

A velocity is 2ta sin(ka)/ħ, a force qB/ħ times it, a step dt times that: each factor would be one product for each carrier, and most
of them meet again in a sum where their own product, made once for all carriers, does as well. This rounds like any other order of
the same factors.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from semijax.engine.lanes.graph import Graph, Node
from semijax.engine.lanes.scalars import Complex

MOST = 4  # shared factors multiplied together: more might overflow where the value they belong to does not
TURNS = {"sin": "sinpi", "cos": "cospi"}  # of an angle in radians, and of one in units of π
_NEAR = 64.0  # numbers up to this and down to its inverse may move out of a sum


@dataclass(frozen=True)
class Scaled:
    """number × shared × core: a number known while tracing, a value that all carriers share (None: 1), a value of one carrier.

    many: how many factors `shared` is a product of.
    """

    number: Any
    shared: Node | None
    core: Node
    many: int = 0


class Scales:
    """Rewrites nodes, arguments first, into the same graph. uniform: ids of nodes whose values all carriers share."""

    def __init__(self, graph: Graph, order: list[Node], uniform: set[int]):
        self.graph, self.uniform = graph, set(uniform)
        self.known: dict[int, Scaled] = {}
        self.sums: dict[int, tuple[Scaled, Scaled]] = {}  # of a core that is one, by id
        with np.errstate(all="ignore"):
            for node in order:
                self.known[node.id] = self._one(node)

    def of(self, x: Any) -> Any:
        """What a node of the program, or a pair of them, has become."""
        return Complex(self.of(x.re), self.of(x.im)) if isinstance(x, Complex) else self._whole(self.known[x.id])

    def _one(self, node: Node) -> Scaled:
        if node.id in self.uniform or node.is_const or not node.args:
            return _plain(node)
        if node.dtype.kind == "f" and node.op in ("add", "sub", "mul", "div", "neg", "guard"):
            return getattr(self, f"_{node.op}")(*(self.known[a.id] for a in node.args))
        if node.op in TURNS and node.dtype.kind == "f":
            turned = self._turned(self.known[node.args[0].id])
            if turned is not None:
                return _plain(self.graph.make(TURNS[node.op], (self._whole(turned),), node.dtype))
        attr = node.attr
        if node.op == "opaque":
            attr = replace(attr, inputs=tuple(x if isinstance(x, Node) else mapped(self.of, x) for x in attr.inputs))
            return _plain(self.graph.make("opaque", tuple(map(self.of, node.args)), node.dtype, attr, id(attr)))
        return _plain(self.graph.make(node.op, tuple(map(self.of, node.args)), node.dtype, attr))

    # -- rules ----------------------------------------------------------------------------------------------------------------

    def _neg(self, x: Scaled) -> Scaled:
        return replace(x, number=-x.number)

    def _mul(self, x: Scaled, y: Scaled) -> Scaled:
        if self._is_shared(x):
            x, y = y, x
        if self._is_shared(x) or not self._is_shared(y):
            return _plain(self.graph.mul(self._whole(x), self._whole(y)))
        factor = y.core
        if factor.is_const:
            number = x.number * factor.attr
            return replace(x, number=number) if _near(number, 2.0**60) else _plain(self.graph.mul(self._whole(x), factor))
        if x.shared is None:
            return replace(x, shared=factor, many=1)
        if x.many == MOST:
            return Scaled(x.number.dtype.type(1), factor, self._whole(x), 1)
        return replace(x, shared=self._product(x.shared, factor), many=x.many + 1)

    def _add(self, x: Scaled, y: Scaled) -> Scaled:
        if y.shared is x.shared and not (self._is_shared(x) or self._is_shared(y)):
            ratio = y.number / x.number
            if abs(ratio) == 1 or ((x.shared is not None or 1 not in (abs(x.number), abs(y.number))) and _near(ratio, _NEAR)):
                return replace(x, core=self._sum(_plain(x.core), Scaled(ratio, None, y.core)))
        return _plain(self._sum(x, y))

    def _sub(self, x: Scaled, y: Scaled) -> Scaled:
        return self._add(x, self._neg(y))

    def _div(self, x: Scaled, y: Scaled) -> Scaled:
        return _plain(self.graph.div(self._whole(x), self._whole(y)))

    def _guard(self, x: Scaled, *roots: Scaled) -> Scaled:
        if self._is_shared(x):
            return _plain(self.graph.guard(self._whole(x), map(self._whole, roots)))
        return replace(x, core=self.graph.guard(x.core, map(self._whole, roots)))

    def _turned(self, x: Scaled) -> Scaled | None:
        """The angle in units of π, where that costs no product: a factor that all carriers share takes it up."""
        if x.shared is not None:
            return replace(x, number=x.number / x.number.dtype.type(np.pi))
        parts = self.sums.get(x.core.id)
        if parts is None or x.number != 1:
            return None
        inverse = self.graph.const(1 / np.pi, x.core.dtype)
        turned = []
        for part in parts:
            shared = self._is_shared(part)
            turned.append(_plain(self._product(self._whole(part), inverse)) if shared else self._turned(part))
        first, second = turned
        return None if first is None or second is None else _plain(self._sum(first, second))

    # -- values ---------------------------------------------------------------------------------------------------------------

    def _is_shared(self, x: Scaled) -> bool:
        return x.core.is_const or x.core.id in self.uniform

    def _product(self, *factors: Node) -> Node:
        product = factors[0]
        for factor in factors[1:]:
            product = self.graph.mul(product, factor)
        if not product.is_const:
            self.uniform.add(product.id)
        return product

    def _sum(self, x: Scaled, y: Scaled) -> Node:
        """x + y; what all carriers share goes first, so that each product after it is one multiply-add with it."""
        x, y = (y, x) if self._is_shared(y) and not self._is_shared(x) else (x, y)
        parts = self.sums.get(y.core.id)
        if parts is not None and self._is_shared(x) and y.shared is None and y.number == 1:
            first, second = parts
            if all(part.shared is not None for part in parts):
                return self._sum(_plain(self._sum(x, first)), second)
        negative = y.number < 0
        if negative and x.number < 0:
            return self.graph.neg(self._sum(self._neg(x), self._neg(y)))
        if x.number < 0:
            x, y, negative = y, x, True
        other = self._whole(self._neg(y) if negative else y)
        core = (self.graph.sub if negative else self.graph.add)(self._whole(x), other)
        self.sums.setdefault(core.id, (x, y))
        return core

    def _factor(self, x: Scaled) -> Node:
        number = self.graph.const(x.number, x.core.dtype)
        return number if x.shared is None else self._product(x.shared, number)

    def _whole(self, x: Scaled) -> Node:
        """The product of everything."""
        if x.shared is None and x.number == 1:
            return x.core
        if x.shared is None:
            return self.graph.mul(x.core, self.graph.const(x.number, x.core.dtype))
        factor = self._factor(x)
        parts = self.sums.get(x.core.id)
        if parts is not None and parts[1].many + x.many <= MOST and not self._is_shared(parts[1]):
            # Where the factor times the first is there already, the factor of the second takes it up for nothing.
            there = self.graph.product(factor, self._whole(parts[0]))
            if there is not None:
                more = self._mul(replace(parts[1], number=parts[1].number * x.number), _plain(x.shared))
                return self._sum(_plain(there), more)
        return self.graph.mul(factor, x.core)


def mapped(function: Callable, array: np.ndarray) -> np.ndarray:
    """The function of each element of an array of nodes."""
    out = np.empty(array.shape, object)
    for position in np.ndindex(*array.shape):
        out[position] = function(array[position])
    return out


def _plain(node: Node) -> Scaled:
    return Scaled(node.dtype.type(1), None, node)


def _near(number, most: float) -> bool:
    return bool(1 / most <= abs(number) <= most)
