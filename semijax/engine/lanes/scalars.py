"""Arithmetic of scalars, real ones and complex ones as pairs, by the names of JAX's primitives."""

from dataclasses import dataclass

import numpy as np

from semijax.engine.lanes.graph import Graph, Node
from semijax.engine.lanes.movement import Unsupported


@dataclass(frozen=True, eq=False)
class Complex:
    """A complex scalar: two real nodes."""

    re: Node
    im: Node

    @property
    def is_const(self) -> bool:
        return self.re.is_const and self.im.is_const

    @property
    def attr(self) -> complex:
        return complex(self.re.attr, self.im.attr)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype("complex64" if self.re.dtype == np.float32 else "complex128")


UNARY = set(
    "sin cos tan exp exp2 log log1p expm1 sqrt rsqrt cbrt tanh sinh cosh asin acos atan asinh acosh atanh sign floor ceil round "
    "not logistic erf erfc erf_inv lgamma digamma is_finite abs square population_count clz reduce_precision".split()
)
BINARY = set(
    "max min pow atan2 rem and or xor nextafter shift_left shift_right_logical shift_right_arithmetic lt le gt ge eq ne".split()
)


class Scalars:
    """One method per kind of operation on the nodes of a graph."""

    def __init__(self, graph: Graph):
        self.graph = graph

    def const(self, value, dtype):
        dtype = np.dtype(dtype)
        if dtype.kind != "c":
            return self.graph.const(value, dtype)
        real = "float32" if dtype == np.complex64 else "float64"
        return Complex(self.graph.const(np.real(value), real), self.graph.const(np.imag(value), real))

    def unary(self, name: str, a, dtype, attr=()):
        g = self.graph
        if isinstance(a, Complex):
            return self._complex_unary(name, a)
        if name == "square":
            return g.mul(a, a)
        if name == "neg":
            return g.neg(a)
        return g.elementwise(name, (a,), dtype, attr)

    def _complex_unary(self, name: str, a: Complex):
        g, dtype = self.graph, a.re.dtype
        if name == "neg":
            return Complex(g.neg(a.re), g.neg(a.im))
        if name == "conj":
            return Complex(a.re, g.neg(a.im))
        if name == "square":
            return self.mul(a, a)
        if name == "exp":
            size = g.elementwise("exp", (a.re,), dtype)
            return Complex(*(g.mul(size, g.elementwise(f, (a.im,), dtype)) for f in ("cos", "sin")))
        if name in ("sin", "cos"):
            s, c = (g.elementwise(f, (a.re,), dtype) for f in ("sin", "cos"))
            sh, ch = (g.elementwise(f, (a.im,), dtype) for f in ("sinh", "cosh"))
            return Complex(g.mul(s, ch), g.mul(c, sh)) if name == "sin" else Complex(g.mul(c, ch), g.neg(g.mul(s, sh)))
        raise Unsupported(f"complex {name}")

    def binary(self, name: str, a, b, dtype, attr=()):
        g = self.graph
        if not isinstance(a, Complex):
            return g.elementwise(name, (a, b), dtype, attr)
        if name in ("eq", "ne"):
            parts = (g.elementwise(name, pair, bool) for pair in ((a.re, b.re), (a.im, b.im)))
            return g.elementwise("and" if name == "eq" else "or", parts, bool)
        raise Unsupported(f"complex {name}")

    def add(self, a, b):
        g = self.graph
        return Complex(g.add(a.re, b.re), g.add(a.im, b.im)) if isinstance(a, Complex) else g.add(a, b)

    def sub(self, a, b):
        g = self.graph
        return Complex(g.sub(a.re, b.re), g.sub(a.im, b.im)) if isinstance(a, Complex) else g.sub(a, b)

    def mul(self, a, b):
        g = self.graph
        if not isinstance(a, Complex):
            return g.mul(a, b)
        re = g.sub(g.mul(a.re, b.re), g.mul(a.im, b.im))
        return Complex(re, g.add(g.mul(a.re, b.im), g.mul(a.im, b.re)))

    def div(self, a, b):
        g = self.graph
        if not isinstance(a, Complex):
            return g.div(a, b)
        if b.im.equals(0):
            return Complex(g.div(a.re, b.re), g.div(a.im, b.re))
        raise Unsupported("complex div")  # a textbook quotient overflows where the compiler's does not

    def power(self, a, n: int):
        if not isinstance(a, Complex):
            if abs(n) > 64:
                raise Unsupported("integer_pow")
            return self.graph.power(a, n)
        if not 0 < n <= 16:
            raise Unsupported("complex integer_pow")
        result = a
        for _ in range(n - 1):
            result = self.mul(result, a)
        return result

    def convert(self, a, dtype):
        dtype = np.dtype(dtype)
        if dtype.kind == "c":
            real = np.dtype("float32" if dtype == np.complex64 else "float64")
            if isinstance(a, Complex):
                return Complex(self.graph.convert(a.re, real), self.graph.convert(a.im, real))
            return Complex(self.graph.convert(a, real), self.graph.const(0, real))
        return self.graph.convert(a.re if isinstance(a, Complex) else a, dtype)

    def select(self, which: Node, *cases):
        if isinstance(cases[0], Complex):
            return Complex(*(self.graph.select(which, [getattr(c, part) for c in cases]) for part in ("re", "im")))
        return self.graph.select(which, cases)
