"""Functions of real numbers that processors do not have, as instructions on vectors.

Sine and cosine as in `lanes.trig`; both of one angle in units of π from one remainder. exp, expm1 and log from Taylor series of what
is left after a power of two is taken out (Cody, Waite, Software Manual for the Elementary Functions, 1980; for log, fdlibm's order of
the last sums): within two units in the last place, expm1 and log1p within five; NaN for NaN, and the right infinities and zeros.
"""

import math

import numpy as np

from semijax.engine.lanes import trig
from semijax.engine.llvm.code import Code, bits

# A sum with 1.5 × 2^(mantissa bits) leaves the whole number in its low bits.
_WHOLE = {dtype: 1.5 * 2.0 ** np.finfo(dtype).nmant for dtype in map(np.dtype, ("float32", "float64"))}
_PI = {  # n times the parts but the last is exact: with a fused multiply-add two are enough
    np.dtype("float32"): (float(np.float32(np.pi)), np.pi - float(np.float32(np.pi))),
    np.dtype("float64"): (np.pi, 1.2246467991473532e-16),
}
# (cos πr − 1)/r² in r², least errors on 0 ≤ r² ≤ 1/4: of the cosine 9e-10 in float32, 2e-17 in float64.
_COSPI = {
    np.dtype("float32"): (
        -0.0246271115952284581,
        0.235074368322395935,
        -1.33523996070089519,
        4.05871141468343781,
        -4.93480219698698525,
    ),
    np.dtype("float64"): (
        4.16639946272694841e-6,
        -0.000104582863683265848,
        0.00192956265247986611,
        -0.0258068900258753901,
        0.235330630272157695,
        -1.33526276885188038,
        4.05871212641673598,
        -4.93480220054467925,
    ),
}
# ln 2 in two parts: up to n = 2^11 the product of n and the first is exact.
_LN2 = {
    np.dtype("float32"): (0.693359375, math.log(2) - 0.693359375),
    np.dtype("float64"): (0.6931471803691238, 1.9082149292705877e-10),
}
# Where exp is infinite and zero; powers of the series; of the logarithm's.
_ENDS = {np.dtype("float32"): (89.0, -104.0), np.dtype("float64"): (710.0, -746.0)}
_TERMS = {np.dtype("float32"): (7, 5), np.dtype("float64"): (13, 11)}
_SMALL = 0.35  # where expm1 is a series


def sine(code: Code, dtype, x: str) -> str:
    """sin x."""
    number = code.const(dtype, _WHOLE[dtype])
    total = code.fma(dtype, x, code.const(dtype, 1 / np.pi), number)
    return _sine_of_rest(
        code, dtype, x, code.binary("fsub", dtype, total, number), code.cast("bitcast", dtype, total, bits(dtype))
    )


def cosine(code: Code, dtype, x: str) -> str:
    """cos x = −(−1)ⁿ sin(x − (n + 1/2)π)."""
    number, half = code.const(dtype, _WHOLE[dtype]), code.const(dtype, 0.5)
    shifted = code.fma(dtype, x, code.const(dtype, 1 / np.pi), code.const(dtype, -0.5))
    total = code.binary("fadd", dtype, shifted, number)
    turns = code.binary("fadd", dtype, code.binary("fsub", dtype, total, number), half)
    whole = code.add(bits(dtype), code.cast("bitcast", dtype, total, bits(dtype)), code.const(bits(dtype), 1))
    return _sine_of_rest(code, dtype, x, turns, whole)


def _sine_of_rest(code: Code, dtype, x: str, turns: str, whole: str) -> str:
    rest = x
    for part in _PI[dtype] if code.fused else trig._PI[dtype]:
        rest = code.fma(dtype, turns, code.const(dtype, -part), rest)
    z, four = code.binary("fmul", dtype, rest, rest), code.const(dtype, 4)
    z = code.select(dtype, code.compare("olt", dtype, z, four), z, four)  # see `trig`
    value = code.fma(dtype, rest, code.mul(dtype, z, code.polynomial(dtype, z, trig._SIN[dtype])), rest)
    return _signed(code, dtype, value, whole)


def sinpi(code: Code, dtype, x: str) -> str:
    """sin πx."""
    number = code.const(dtype, _WHOLE[dtype])
    total = code.binary("fadd", dtype, x, number)
    turns = code.binary("fsub", dtype, total, number)
    return _sine_of_turn(code, dtype, code.binary("fsub", dtype, x, turns), code.cast("bitcast", dtype, total, bits(dtype)))


def cospi(code: Code, dtype, x: str) -> str:
    """cos πx = −(−1)ⁿ sin π(x − n − 1/2)."""
    number, half = code.const(dtype, _WHOLE[dtype]), code.const(dtype, 0.5)
    total = code.binary("fadd", dtype, code.binary("fsub", dtype, x, half), number)
    turns = code.binary("fadd", dtype, code.binary("fsub", dtype, total, number), half)
    whole = code.add(bits(dtype), code.cast("bitcast", dtype, total, bits(dtype)), code.const(bits(dtype), 1))
    return _sine_of_turn(code, dtype, code.binary("fsub", dtype, x, turns), whole)


def circlepi(code: Code, dtype, x: str) -> tuple[str, str]:
    """(sin πx, cos πx) from one remainder, cos πr = 1 + r² P(r²)."""
    number = code.const(dtype, _WHOLE[dtype])
    total = code.binary("fadd", dtype, x, number)
    rest, whole = (
        code.binary("fsub", dtype, x, code.binary("fsub", dtype, total, number)),
        code.cast("bitcast", dtype, total, bits(dtype)),
    )
    z = code.binary("fmul", dtype, rest, rest)
    cosine = code.fma(dtype, z, code.polynomial(dtype, z, _COSPI[dtype]), code.const(dtype, 1))
    return _sine_of_turn(code, dtype, rest, whole), _signed(code, dtype, cosine, whole)


def _sine_of_turn(code: Code, dtype, rest: str, whole: str) -> str:
    z = code.binary("fmul", dtype, rest, rest)
    value = code.mul(dtype, rest, code.polynomial(dtype, z, (*trig._SINPI[dtype], np.pi)))
    return _signed(code, dtype, value, whole)


def _signed(code: Code, dtype, value: str, whole: str) -> str:
    """The value, or its negative where the whole number is odd."""
    integer = bits(dtype)
    sign = code.binary("shl", integer, whole, code.const(integer, 8 * dtype.itemsize - 1))
    return code.cast("bitcast", integer, code.binary("xor", integer, code.cast("bitcast", dtype, value, integer), sign), dtype)


def exp(code: Code, dtype, x: str) -> str:
    """eˣ = 2ⁿ eʳ, by 2ⁿ as two factors, so that neither is out of range."""
    high, low = (code.const(dtype, end) for end in _ENDS[dtype])
    x = code.select(dtype, code.compare("ogt", dtype, x, high), high, x)
    x = code.select(dtype, code.compare("olt", dtype, x, low), low, x)
    number, integer, width = code.const(dtype, _WHOLE[dtype]), bits(dtype), np.finfo(dtype).nmant
    total = code.fma(dtype, x, code.const(dtype, 1 / math.log(2)), number)
    turns = code.binary("fsub", dtype, total, number)
    for part in _LN2[dtype]:
        x = code.fma(dtype, turns, code.const(dtype, -part), x)
    value = code.polynomial(dtype, x, _taylor(_TERMS[dtype][0]))
    # the low bits of the sum, with their sign
    n = code.sub(
        integer, code.cast("bitcast", dtype, total, integer), code.const(integer, dtype.type(_WHOLE[dtype]).view(integer))
    )
    half = code.binary("ashr", integer, n, code.const(integer, 1))
    for power in (half, code.sub(integer, n, half)):
        shifted = code.add(integer, power, code.const(integer, np.finfo(dtype).maxexp - 1))
        scale = code.binary("shl", integer, shifted, code.const(integer, width))
        value = code.mul(dtype, value, code.cast("bitcast", integer, scale, dtype))
    return value


def expm1(code: Code, dtype, x: str) -> str:
    """eˣ − 1."""
    series = code.mul(dtype, x, code.polynomial(dtype, x, _taylor(_TERMS[dtype][0] + 1)[:-1]))
    small = code.compare("olt", dtype, code.same("fabs", dtype, x), code.const(dtype, _SMALL))
    return code.select(dtype, small, series, code.sub(dtype, exp(code, dtype, x), code.const(dtype, 1)))


def log(code: Code, dtype, x: str) -> str:
    """ln x = e ln 2 + ln(1 + f), with s = f/(2 + f): ln(1 + f) = f − f²/2 + s(f²/2 + 2(s²/3 + s⁴/5 + ...))."""
    info, integer = np.finfo(dtype), bits(dtype)
    number = {name: code.const(dtype, value) for name, value in {"0": 0, "1": 1, "2": 2, "half": 0.5, "inf": np.inf}.items()}
    tiny = code.compare("olt", dtype, x, code.const(dtype, info.tiny))
    scaled = code.select(dtype, tiny, code.mul(dtype, x, code.const(dtype, 2.0 ** (info.nmant + 1))), x)
    pattern = code.cast("bitcast", dtype, scaled, integer)
    root = code.const(integer, dtype.type(math.sqrt(0.5)).view(integer))
    exponent = code.binary("ashr", integer, code.sub(integer, pattern, root), code.const(integer, info.nmant))
    mantissa = code.sub(integer, pattern, code.binary("shl", integer, exponent, code.const(integer, info.nmant)))
    f = code.sub(dtype, code.cast("bitcast", integer, mantissa, dtype), number["1"])
    e = code.cast("sitofp", integer, exponent, dtype)
    e = code.select(dtype, tiny, code.sub(dtype, e, code.const(dtype, info.nmant + 1)), e)
    s = code.binary("fdiv", dtype, f, code.add(dtype, number["2"], f))
    z, square = code.mul(dtype, s, s), code.mul(dtype, number["half"], code.mul(dtype, f, f))
    odd = [2 / (2 * n + 1) for n in range(_TERMS[dtype][1], 0, -1)]
    rest = code.mul(dtype, z, code.polynomial(dtype, z, odd))
    head, tail = (code.const(dtype, part) for part in _LN2[dtype])
    inner = code.fma(dtype, s, code.add(dtype, square, rest), code.mul(dtype, e, tail))
    value = code.fma(dtype, e, head, code.sub(dtype, f, code.sub(dtype, square, inner)))
    value = code.select(dtype, code.compare("oeq", dtype, x, number["inf"]), x, value)
    value = code.select(dtype, code.compare("oeq", dtype, x, number["0"]), code.const(dtype, -np.inf), value)
    return code.select(dtype, code.compare("oge", dtype, x, number["0"]), value, code.const(dtype, np.nan))


def log1p(code: Code, dtype, x: str) -> str:
    """ln(1 + x), with what 1 + x has lost put back."""
    one = code.const(dtype, 1)
    whole = code.binary("fadd", dtype, x, one)
    lost = code.binary("fsub", dtype, x, code.binary("fsub", dtype, whole, one))
    value = code.add(dtype, log(code, dtype, whole), code.binary("fdiv", dtype, lost, whole))
    # where 1 + x is 1, that is x; at the ends nothing is lost
    plain = code.compare("olt", dtype, code.same("fabs", dtype, x), code.const(dtype, np.inf))
    inside = code.binary("and", bool, plain, code.compare("ogt", dtype, x, code.const(dtype, -1)))
    return code.select(dtype, inside, value, log(code, dtype, whole))


def tanh(code: Code, dtype, x: str) -> str:
    """(e²ˣ − 1)/(e²ˣ + 1) of |x|, with the sign of x."""
    size = code.same("fabs", dtype, x)
    t = expm1(code, dtype, code.add(dtype, size, size))
    value = code.binary("fdiv", dtype, t, code.add(dtype, t, code.const(dtype, 2)))
    value = code.select(dtype, code.compare("ogt", dtype, size, code.const(dtype, 22)), code.const(dtype, 1), value)
    return code.same("copysign", dtype, value, x)


def logistic(code: Code, dtype, x: str) -> str:
    """1/(1 + e⁻ˣ)."""
    one = code.const(dtype, 1)
    return code.binary("fdiv", dtype, one, code.add(dtype, one, exp(code, dtype, code.negated(dtype, x))))


def tan(code: Code, dtype, x: str) -> str:
    """sin x/cos x."""
    return code.binary("fdiv", dtype, sine(code, dtype, x), cosine(code, dtype, x))


def _taylor(order: int) -> list[float]:
    return [1 / math.factorial(n) for n in range(order, -1, -1)]
