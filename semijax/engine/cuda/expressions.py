"""One node of a lane program as an expression of CUDA C."""

import numpy as np
from jax import lax

from semijax.engine.lanes import trig
from semijax.engine.lanes.graph import Node
from semijax.engine.lanes.movement import Unsupported

TYPES = {
    np.dtype(name): word
    for name, word in {
        "float32": "float",
        "float64": "double",
        "int32": "int",
        "uint32": "unsigned",
        "int64": "long long",
        "uint64": "unsigned long long",
        "bool": "bool",
    }.items()
}
_INFIX = {"add": "+", "sub": "-", "mul": "*", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_INFIX |= {"and": "&", "or": "|", "xor": "^"}
# What has the same name and the same values at NaN and infinity in CUDA's library.
_LIBRARY = set(
    "tan exp exp2 log log1p expm1 sqrt rsqrt cbrt tanh sinh cosh asin acos atan asinh acosh atanh floor ceil erf erfc lgamma".split()
)
_RENAMED = {
    "max": "larger",
    "min": "smaller",
    "sin": "sine",
    "cos": "cosine",
    "sinpi": "sine_of_turns",
    "cospi": "cosine_of_turns",
    "erf_inv": "erfinv",
    "rem": "fmod",
    "atan2": "atan2",
}
_RENAMED |= {"pow": "pow", "nextafter": "nextafter", "sign": "sign_of", "is_finite": "is_finite", "logistic": "logistic"}
_RENAMED |= {"shift_left": "shifted_left", "shift_right_logical": "shifted_right", "shift_right_arithmetic": "shifted_signed"}
_ROUNDING = {lax.RoundingMethod.TO_NEAREST_EVEN: "rint", lax.RoundingMethod.AWAY_FROM_ZERO: "round"}


def expression(node: Node, names: dict[int, str], implied: dict[int, frozenset]) -> str:
    """The value of a node from the names of its arguments' values. Raises Unsupported for what CUDA C has no word for."""
    arguments = [names[a.id] if a.id in names else literal(a) for a in node.args]
    kind, op = node.dtype.kind, node.op
    if op in _INFIX:
        return f"{arguments[0]} {_INFIX[op]} {arguments[1]}"
    if op == "div" and kind == "f":
        return f"{arguments[0]} / {arguments[1]}"
    if op == "neg":
        return f"-{arguments[0]}"
    if op == "not":
        return f"{'!' if kind == 'b' else '~'}{arguments[0]}"
    if op == "abs" and kind in "fi":
        return f"{'fabs' if kind == 'f' else 'abs'}({arguments[0]})"
    if op == "select_n" and node.args[0].dtype == bool and len(arguments) == 3:
        return f"{arguments[0]} ? {arguments[2]} : {arguments[1]}"
    if op == "convert_element_type":
        return f"{arguments[0]} != 0" if kind == "b" else f"({TYPES[node.dtype]}){arguments[0]}"
    if op == "round" and kind == "f":
        return f"{_ROUNDING[dict(node.attr)['rounding_method']]}({arguments[0]})"
    if op == "lookup":
        return f"{arguments[0]}[{arguments[1]} + {node.attr}]"
    if op == "guard":
        roots = [r for r in node.args[1:] if r.id not in implied[node.args[0].id] and r.dtype.kind == "f"]
        zeros = [f"({TYPES[node.dtype]})({names[r.id]} - {names[r.id]})" for r in roots]
        return " + ".join([arguments[0], *zeros])
    if op in ("pow", "rem") and kind != "f":
        raise Unsupported(f"{op} of integers")
    if op.startswith("shift_right") and node.dtype.itemsize != 4:
        raise Unsupported(f"{op} of {node.dtype}")
    if (op in _LIBRARY and kind == "f") or op in _RENAMED:
        return f"{_RENAMED.get(op, op)}({', '.join(arguments)})"
    raise Unsupported(op)


def literal(node: Node) -> str:
    """A constant, exactly."""
    if not node.is_const:
        raise Unsupported(node.op)
    value, dtype = node.attr, node.dtype
    if dtype.kind == "b":
        return "true" if value else "false"
    if dtype.kind in "iu":
        return f"({TYPES[dtype]}){int(value)}{'u' if dtype.kind == 'u' else ''}{'ll' if dtype.itemsize == 8 else ''}"
    if not np.isfinite(value):
        word = "__int_as_float(0x%08x)" if dtype == np.float32 else "__longlong_as_double(0x%016xll)"
        return word % int(np.asarray(value).view("u4" if dtype == np.float32 else "u8"))
    return f"({_number(value, dtype)})"


def _number(value, dtype) -> str:
    """The shortest decimals that are this number of this dtype."""
    return f"{np.dtype(dtype).type(value)!s}{'f' if dtype == np.float32 else ''}"


def _sine(dtype: str) -> str:
    """Sine and cosine of one dtype: x − nπ by fused multiply-adds, then the polynomial of `lanes.trig`; n is the low bits of a sum with
    1.5 × 2^(mantissa bits), which is faster than to round and to convert.
    """
    kind = np.dtype(dtype)
    real, integer = TYPES[kind], {"float32": "int", "float64": "long long"}[dtype]
    to, back = {"float32": ("__float_as_int", "__int_as_float"), "float64": ("__double_as_longlong", "__longlong_as_double")}[
        dtype
    ]
    head = kind.type(np.pi)
    tail = np.pi - float(head) if dtype == "float32" else 1.2246467991473532e-16
    numbers = 1 / np.pi, head, tail, 1.5 * 2.0 ** np.finfo(kind).nmant, *trig._SIN[kind]
    inverse, head, tail, large, first, *rest = (f"({real}){_number(x, kind)}" for x in numbers)
    terms = "".join(f"\n  p = fma(p, z, {c});" for c in rest)
    start, *others = (f"({real}){_number(x, kind)}" for x in (*trig._SINPI[kind], np.pi))
    more = "".join(f"\n  p = fma(p, z, {c});" for c in others)
    return f"""
__device__ __forceinline__ {real} sine_of_rest({real} x, {real} turns, {integer} whole) {{
  {real} r = fma(-turns, {tail}, fma(-turns, {head}, x));
  {real} z = fmin(r * r, ({real})4), p = {first};{terms}
  {real} value = fma(r, z * p, r);
  return {back}({to}(value) ^ (whole << {8 * kind.itemsize - 1}));
}}
__device__ __forceinline__ {real} sine({real} x) {{
  {real} sum = fma(x, {inverse}, {large});
  return sine_of_rest(x, sum - {large}, {to}(sum));
}}
__device__ __forceinline__ {real} cosine({real} x) {{
  {real} sum = fma(x, {inverse}, ({real})-0.5) + {large};
  return sine_of_rest(x, (sum - {large}) + ({real})0.5, {to}(sum) + 1);
}}
__device__ __forceinline__ {real} sine_of_turn({real} r, {integer} whole) {{
  {real} z = r * r, p = {start};{more}
  return {back}({to}(r * p) ^ (whole << {8 * kind.itemsize - 1}));
}}
__device__ __forceinline__ {real} sine_of_turns({real} x) {{
  {real} sum = x + {large};
  return sine_of_turn(x - (sum - {large}), {to}(sum));
}}
__device__ __forceinline__ {real} cosine_of_turns({real} x) {{
  {real} sum = (x - ({real})0.5) + {large};
  return sine_of_turn(x - ((sum - {large}) + ({real})0.5), {to}(sum) + 1);
}}"""


PREAMBLE = (
    """
template <class T> __device__ __forceinline__ T larger(T a, T b) { return a > b || a != a ? a : b; }
template <class T> __device__ __forceinline__ T smaller(T a, T b) { return a < b || a != a ? a : b; }
#if __CUDA_ARCH__ >= 800
__device__ __forceinline__ float larger(float a, float b) { asm("max.NaN.f32 %0, %0, %1;" : "+f"(a) : "f"(b)); return a; }
__device__ __forceinline__ float smaller(float a, float b) { asm("min.NaN.f32 %0, %0, %1;" : "+f"(a) : "f"(b)); return a; }
#endif
template <class T> __device__ __forceinline__ T sign_of(T x) { return x > 0 ? (T)1 : x < 0 ? (T)-1 : x; }
template <class T> __device__ __forceinline__ bool is_finite(T x) { return x - x == 0; }
template <class T> __device__ __forceinline__ T logistic(T x) { return 1 / (1 + exp(-x)); }
template <class T> __device__ __forceinline__ T shifted_left(T x, T n) { return n >= 0 && n < 8 * sizeof(T) ? x << n : 0; }
__device__ __forceinline__ unsigned shifted_right(unsigned x, unsigned n) { return n < 32 ? x >> n : 0; }
__device__ __forceinline__ int shifted_right(int x, int n) { return n >= 0 && n < 32 ? (int)((unsigned)x >> n) : 0; }
__device__ __forceinline__ int shifted_signed(int x, int n) { return x >> (n >= 0 && n < 32 ? n : 31); }
"""
    + _sine("float32")
    + _sine("float64")
    + "\n"
)
