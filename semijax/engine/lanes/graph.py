"""The lane program: scalars of one carrier as nodes of a graph in which equal expressions are one node and zeros fold away."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(eq=False, repr=False)
class Node:
    """One scalar of one carrier.

    op: "input" (attr: its number), "const" (attr: the number), "shared" (attr: (array, flat index), one value for all carriers),
    "guard" (args: a value and roots; NaN unless all roots are finite), "opaque" and "part" (a vmapped call and one of its
    scalars), "table" (attr: an array that such a call takes), else an elementwise primitive (attr: its parameters).
    """

    op: str
    args: tuple["Node", ...]
    dtype: np.dtype
    attr: Any
    id: int

    def __repr__(self) -> str:
        return f"{self.op} {self.id}"  # with its arguments it would be as long as the program unshared

    @property
    def is_const(self) -> bool:
        return self.op == "const"

    def equals(self, number) -> bool:
        """Whether this is the constant `number`."""
        return self.op == "const" and self.attr == number


_SAFE = {"sin", "cos", "sinpi", "cospi", "neg", "abs"}  # finite exactly where their argument is
_MODERATE = 2.0**60  # products of constants below stay far from overflow in float32


@dataclass
class Graph:
    """Makes nodes. Every rewriting is exact up to the sign of a zero and the rounding of a product of two constants."""

    nodes: list[Node] = field(default_factory=list)
    memo: dict[Any, Node] = field(default_factory=dict)

    def make(self, op: str, args: tuple[Node, ...], dtype, attr: Any = None, key: Any = None) -> Node:
        """The one node of this operation, arguments and attributes."""
        key = (op, tuple(a.id for a in args), np.dtype(dtype), attr if key is None else key)
        node = self.memo.get(key)
        if node is None:
            node = self.memo[key] = Node(op, args, np.dtype(dtype), attr, len(self.nodes))
            self.nodes.append(node)
        return node

    def product(self, a: Node, b: Node) -> Node | None:
        """The node of a × b where there is one."""
        return self.memo.get(("mul", tuple(x.id for x in _sorted(a, b)), a.dtype, None))

    def const(self, value, dtype) -> Node:
        """The node of a number."""
        with np.errstate(all="ignore"):
            number = np.asarray(value).astype(dtype)[()]
        return self.make("const", (), dtype, number, number.tobytes())

    # -- finiteness: a zero times x is zero only where x is finite ----------------------------------------------------------

    def guard(self, value: Node, roots) -> Node:
        """`value` where every root is finite, else NaN."""
        value, more = self.unguarded(value)
        every = {r.id: r for r in (*roots, *more)}
        if not every:
            return value
        return self.make("guard", (value, *(every[i] for i in sorted(every))), value.dtype)

    def unguarded(self, node: Node) -> tuple[Node, tuple[Node, ...]]:
        """The value inside a guard, and the roots it asks to be finite."""
        return (node.args[0], node.args[1:]) if node.op == "guard" else (node, ())

    def roots(self, node: Node) -> tuple[Node, ...]:
        """Nodes that are all finite exactly where `node` is."""
        if node.op == "guard":
            return (*self.roots(node.args[0]), *node.args[1:])
        if node.op in _SAFE:
            return self.roots(node.args[0])
        if node.is_const and np.isfinite(node.attr):
            return ()
        if node.op == "convert_element_type" and node.args[0].dtype.kind != "f":
            return ()
        return (node,)

    # -- arithmetic ---------------------------------------------------------------------------------------------------------

    def neg(self, a: Node) -> Node:
        a, roots = self.unguarded(a)
        if a.is_const:
            with np.errstate(all="ignore"):
                result = self.const(-a.attr, a.dtype)
        elif a.op == "neg":
            result = a.args[0]
        elif a.op == "mul" and a.args[1].is_const:
            result = self.mul(a.args[0], self.neg(a.args[1]))
        elif a.op == "sub":
            result = self.make("sub", (a.args[1], a.args[0]), a.dtype)
        else:
            result = self.make("neg", (a,), a.dtype)
        return self.guard(result, roots)

    def add(self, a: Node, b: Node) -> Node:
        (a, ra), (b, rb) = self.unguarded(a), self.unguarded(b)
        return self.guard(self._add(a, b), (*ra, *rb))

    def _add(self, a: Node, b: Node) -> Node:
        if a.is_const and b.is_const:
            return self._folded(np.add, a, b)
        if a.equals(0):
            return b
        if b.equals(0):
            return a
        if b.op == "neg":
            return self._sub(a, b.args[0])
        if a.op == "neg":
            return self._sub(b, a.args[0])
        return self.make("add", _sorted(a, b), a.dtype)

    def sub(self, a: Node, b: Node) -> Node:
        (a, ra), (b, rb) = self.unguarded(a), self.unguarded(b)
        return self.guard(self._sub(a, b), (*ra, *rb))

    def _sub(self, a: Node, b: Node) -> Node:
        if a.is_const and b.is_const:
            return self._folded(np.subtract, a, b)
        if b.equals(0):
            return a
        if a.equals(0):
            return self.neg(b)
        if b.op == "neg":
            return self._add(a, b.args[0])
        if a.op == "neg":
            return self.neg(self._add(a.args[0], b))
        return self.make("sub", (a, b), a.dtype)

    def mul(self, a: Node, b: Node) -> Node:
        (a, ra), (b, rb) = self.unguarded(a), self.unguarded(b)
        roots = (*ra, *rb)
        if a.dtype.kind == "f" and (a.equals(0) or b.equals(0)) and not (a.is_const and b.is_const):
            zero, other = (a, b) if a.equals(0) else (b, a)
            return self.guard(zero, (*roots, *self.roots(other)))
        return self.guard(self._mul(a, b), roots)

    def _mul(self, a: Node, b: Node) -> Node:
        if a.is_const and b.is_const:
            return self._folded(np.multiply, a, b)
        if a.is_const:
            a, b = b, a  # constants last
        if b.is_const:
            if b.equals(0):  # of integers
                return b
            if b.equals(1):
                return a
            if a.dtype.kind != "f":
                return self.make("mul", (a, b), a.dtype)
            if b.equals(-1):
                return self.neg(a)
            if a.op == "neg":
                return self._mul(a.args[0], self.neg(b))
            if a.op == "mul" and a.args[1].is_const and _moderate(a.args[1].attr) and _moderate(b.attr):
                return self._mul(a.args[0], self._folded(np.multiply, a.args[1], b))
            return self.make("mul", (a, b), a.dtype)
        if a.dtype.kind == "f" and (a.op == "neg" or b.op == "neg"):
            inner = self._mul(*(x.args[0] if x.op == "neg" else x for x in (a, b)))
            return inner if a.op == b.op else self.neg(inner)
        return self.make("mul", _sorted(a, b), a.dtype)

    def div(self, a: Node, b: Node) -> Node:
        if a.dtype.kind != "f":
            return self.make("div", (a, b), a.dtype)
        (a, ra), (b, rb) = self.unguarded(a), self.unguarded(b)
        roots = (*ra, *rb)
        if a.is_const and b.is_const:
            return self.guard(self._folded(np.divide, a, b), roots)
        if b.is_const and _moderate(b.attr):  # one rounding more, as the compiler does it too
            return self.guard(self.mul(a, self._folded(np.divide, self.const(1, a.dtype), b)), roots)
        if a.equals(0):
            return self.guard(a, (*roots, *self.roots(self.div(self.const(1, a.dtype), b))))
        if b.op == "shared" and not a.is_const:
            return self.guard(self.mul(a, self.make("div", (self.const(1, a.dtype), b), a.dtype)), roots)
        if a.op == "neg":
            return self.guard(self.neg(self.div(a.args[0], b)), roots)
        self.make("div", (self.const(1, a.dtype), b), a.dtype)  # ready for `share_quotients`, if there are more of them
        return self.guard(self.make("div", (a, b), a.dtype), roots)

    def share_quotients(self, live: list[Node]) -> None:
        """Several quotients by the same number become products with its reciprocal: a division costs as much as ten products."""
        quotients: dict[int, list[Node]] = {}
        for node in live:
            if node.op == "div" and node.dtype.kind == "f":
                quotients.setdefault(node.args[1].id, []).append(node)
        for some in quotients.values():
            if len(some) > 1:
                inverse = self.make("div", (self.const(1, some[0].dtype), some[0].args[1]), some[0].dtype)
                for node in some:
                    if node is not inverse:
                        node.op, node.args = (
                            "mul",
                            (inverse, node.args[0]) if node.args[0].is_const else _sorted(inverse, node.args[0]),
                        )

    def power(self, a: Node, n: int) -> Node:
        """a^n by repeated squaring."""
        if n < 0:
            return self.div(self.const(1, a.dtype), self.power(a, -n))
        result = None
        while n:
            if n & 1:
                result = a if result is None else self.mul(result, a)
            n >>= 1
            a = self.mul(a, a) if n else a
        return self.const(1, a.dtype) if result is None else result

    def select(self, which: Node, cases) -> Node:
        """cases[which]; which is a bool or an integer."""
        if which.is_const:
            return cases[int(which.attr)]
        if all(c is cases[0] for c in cases):
            return cases[0]
        if which.dtype == bool:
            cases = tuple(c.args[1 + i] if c.op == "select_n" and c.args[0] is which else c for i, c in enumerate(cases))
            return cases[0] if cases[0] is cases[1] else self.make("select_n", (which, *cases), cases[0].dtype)
        chosen = cases[-1]
        for i in range(len(cases) - 2, -1, -1):
            hit = self.elementwise("eq", (which, self.const(i, which.dtype)), bool)
            chosen = self.make("select_n", (hit, chosen, cases[i]), chosen.dtype)
        return chosen

    def elementwise(self, op: str, args, dtype, attr: Any = ()) -> Node:
        """Any other elementwise primitive; constants fold where NumPy has the same function."""
        args = tuple(args)
        if all(a.is_const for a in args) and op in _NUMPY:
            return self._folded(_NUMPY[op], *args, dtype=dtype)
        if args[0].dtype.kind in "iub":
            simpler = self._identity(op, *args) if len(args) == 2 else None
            if simpler is not None:
                return simpler
        return self.make(op, args, dtype, attr)

    def convert(self, a: Node, dtype) -> Node:
        dtype = np.dtype(dtype)
        if a.dtype == dtype:
            return a
        if a.is_const and (dtype.kind in "fb" or np.isfinite(a.attr)):
            return self.const(a.attr, dtype)
        return self.make("convert_element_type", (a,), dtype)

    def _identity(self, op: str, a: Node, b: Node) -> Node | None:
        if op in ("or", "xor") and (a.equals(0) or b.equals(0)):
            return b if a.equals(0) else a
        if op == "and" and (a.equals(0) or b.equals(0)):
            return a if a.equals(0) else b
        if op == "and" and a.dtype == bool and (a.equals(1) or b.equals(1)):
            return b if a.equals(1) else a
        if op.startswith("shift") and b.equals(0):
            return a
        return None

    def _folded(self, function, *args: Node, dtype=None) -> Node:
        with np.errstate(all="ignore"):
            return self.const(function(*(a.attr for a in args)), args[0].dtype if dtype is None else dtype)


def _sorted(a: Node, b: Node) -> tuple[Node, Node]:
    return (a, b) if a.id <= b.id else (b, a)


def _moderate(x) -> bool:
    return bool(1 / _MODERATE < abs(x) < _MODERATE)


_NUMPY = {
    "max": np.maximum, "min": np.minimum, "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "tanh": np.tanh, "abs": np.abs, "sign": np.sign, "floor": np.floor, "ceil": np.ceil, "pow": np.power,
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "not": np.bitwise_not, "log1p": np.log1p,
    "expm1": np.expm1, "is_finite": np.isfinite, "atan2": np.arctan2,
}  # fmt: skip
