"""One node of a lane program as instructions of LLVM."""

import numpy as np
from jax import lax

from semijax.engine.lanes.graph import Node
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.llvm import functions, hermitian, routine, summed
from semijax.engine.llvm.code import Code

_ARITHMETIC = {"add": Code.add, "sub": Code.sub, "mul": Code.mul}
_COMPARISONS = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_BITWISE = {"and", "or", "xor"}
_FUNCTIONS = {
    "sin": functions.sine,
    "cos": functions.cosine,
    "sinpi": functions.sinpi,
    "cospi": functions.cospi,
    "exp": functions.exp,
    "log": functions.log,
    "log1p": functions.log1p,
    "expm1": functions.expm1,
    "tanh": functions.tanh,
    "tan": functions.tan,
    "logistic": functions.logistic,
}
_INTRINSICS = {"sqrt": "sqrt", "floor": "floor", "ceil": "ceil"}
_ROUTINES = {"eigh": hermitian.eigh, "summed_level": summed.level}
_SHIFTS = {"shift_left": "shl", "shift_right_logical": "lshr", "shift_right_arithmetic": "ashr"}


def value(code: Code, node: Node, names: dict[int, str], implied: dict[int, frozenset]) -> str:
    """The value of a node from the names of its arguments' values. Raises Unsupported for what there are no instructions for."""
    given = [names[a.id] if a.id in names else literal(code, a) for a in node.args]
    op, dtype = node.op, node.dtype
    if op == "guard":
        return _guarded(code, node, given[0], names, implied)
    if op == "lookup":
        return code.lookup(dtype, code.place(dtype, given[0], str(node.attr)), given[1])
    if op == "opaque":
        return routine.called(code, node, given, _ROUTINES)
    if op == "part":
        return routine.part(code, node, given[0])
    of = node.args[0].dtype if node.args else dtype
    if op in _ARITHMETIC and dtype.kind in "fiu":
        return _ARITHMETIC[op](code, dtype, *given)
    if op in _COMPARISONS:
        return code.compare(_COMPARISONS[op] if of.kind == "f" else _compared(op, of), of, *given)
    if op in _BITWISE:
        return code.binary(op, dtype, *given)
    if op == "select_n" and of.kind == "b" and len(given) == 3:
        return code.select(dtype, given[0], given[2], given[1])
    if op == "neg":
        return code.negated(dtype, *given)
    if op == "not":
        return code.binary("xor", dtype, given[0], code.const(dtype, 1 if dtype.kind == "b" else -1))
    if op in ("max", "min"):
        return _extreme(code, op, dtype, *given)
    if op == "convert_element_type":
        return _converted(code, of, given[0], dtype)
    if op in _SHIFTS:
        return _shifted(code, _SHIFTS[op], dtype, *given)
    if dtype.kind == "f" or op == "is_finite":
        return _real(code, node, of, given)
    if op == "abs" and dtype.kind == "i":
        return _extreme(code, "max", dtype, given[0], code.negated(dtype, given[0]))
    raise Unsupported(op)


def literal(code: Code, node: Node) -> str:
    """A constant, exactly."""
    if not node.is_const:
        raise Unsupported(node.op)
    return code.const(node.dtype, node.attr)


def _real(code: Code, node: Node, dtype, given: list[str]) -> str:
    op, one = node.op, code.const(dtype, 1) if dtype.kind == "f" else ""
    if op in _FUNCTIONS:
        return _FUNCTIONS[op](code, dtype, *given)
    if op in _INTRINSICS:
        return code.same(_INTRINSICS[op], dtype, *given)
    if op == "abs":
        return code.same("fabs", dtype, *given)
    if op == "div":
        return code.binary("fdiv", dtype, *given)
    if op == "rsqrt":
        return code.binary("fdiv", dtype, one, code.same("sqrt", dtype, *given))
    if op == "round" and dict(node.attr)["rounding_method"] == lax.RoundingMethod.TO_NEAREST_EVEN:
        return code.same("roundeven", dtype, *given)
    if op == "sign":
        zero = code.const(dtype, 0)
        signed = code.same("copysign", dtype, one, *given)
        nonzero = code.compare("one", dtype, given[0], zero)  # false for NaN too
        return code.select(dtype, nonzero, signed, given[0])
    if op == "is_finite":
        return code.compare("olt", dtype, code.same("fabs", dtype, *given), code.const(dtype, np.inf))
    raise Unsupported(op)


def _guarded(code: Code, node: Node, value: str, names: dict[int, str], implied: dict[int, frozenset]) -> str:
    for root in node.args[1:]:
        if root.id not in implied[node.args[0].id] and root.dtype.kind == "f":
            zero = code.binary("fsub", root.dtype, names[root.id], names[root.id])
            value = code.add(node.dtype, value, _converted(code, root.dtype, zero, node.dtype))
    return value


def _compared(op: str, dtype) -> str:
    return op if op in ("eq", "ne") else f"{'s' if dtype.kind == 'i' else 'u'}{op}"


def _extreme(code: Code, op: str, dtype, a: str, b: str) -> str:
    if dtype.kind != "f":
        more = code.compare(_compared("gt" if op == "max" else "lt", dtype), dtype, a, b)
        return code.select(dtype, more, a, b)
    more = code.compare("ogt" if op == "max" else "olt", dtype, a, b)
    return code.select(dtype, code.binary("or", bool, more, code.compare("uno", dtype, a, a)), a, b)


def _converted(code: Code, source, a: str, target) -> str:
    if source == target:
        return a
    if target.kind == "b":
        return code.compare("une" if source.kind == "f" else "ne", source, a, "zeroinitializer")
    if source.kind == "f" and target.kind == "f":
        return code.cast("fpext" if target.itemsize > source.itemsize else "fptrunc", source, a, target)
    if target.kind == "f":
        return code.cast("sitofp" if source.kind == "i" else "uitofp", source, a, target)
    if source.kind == "f":
        return _whole(code, source, a, target)
    if source.kind != "b" and source.itemsize == target.itemsize:
        return a
    if source.kind != "b" and source.itemsize > target.itemsize:
        return code.cast("trunc", source, a, target)
    return code.cast("sext" if source.kind == "i" else "zext", source, a, target)


def _whole(code: Code, source, a: str, target) -> str:
    """A real number without its fraction as an integer: NaN is zero, what is too large the largest."""
    ends = np.iinfo(target)
    low, high = code.const(source, ends.min), code.const(source, np.nextafter(source.type(ends.max), source.type(0)))
    inside = code.select(source, code.compare("ogt", source, a, low), a, low)
    inside = code.select(source, code.compare("olt", source, inside, high), inside, high)
    found = code.cast("fptosi" if target.kind == "i" else "fptoui", source, inside, target)
    most = code.const(source, source.type(ends.max))
    found = code.select(target, code.compare("oge", source, a, most), code.const(target, ends.max), found)
    return code.select(target, code.compare("ord", source, a, a), found, "zeroinitializer")


def _shifted(code: Code, word: str, dtype, a: str, by: str) -> str:
    """Beyond the width, what is left: nothing, or the sign."""
    width = 8 * dtype.itemsize
    inside = code.compare("ult", dtype, by, code.const(dtype, width))
    if word == "ashr":
        return code.binary(word, dtype, a, code.select(dtype, inside, by, code.const(dtype, width - 1)))
    return code.select(dtype, inside, code.binary(word, dtype, a, by), "zeroinitializer")
