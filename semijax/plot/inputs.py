"""Inputs: what people hand to a picture as NumPy arrays, or one line that says what is wrong with it."""

from typing import Any

import numpy as np

from semijax._types import SemijaxError

COMPONENTS = {1: ("",), 2: ("x", "y"), 3: ("x", "y", "z")}


def numbers(where: str, key: str, value: Any, *dimensions: int) -> np.ndarray:
    """Real numbers as float64, with one of the given numbers of axes; raises SemijaxError otherwise."""
    array = np.asarray(value)
    if array.ndim not in dimensions or array.dtype.kind not in "fiub" or array.size == 0:
        allowed = " or ".join(str(n) for n in dimensions)
        raise SemijaxError(f"plot.{where}: {key} has shape {array.shape}: allowed are real numbers with {allowed} axes")
    return array.astype(np.float64)


def against(where: str, *dimensions: int, **arrays: Any) -> list[np.ndarray]:
    """The first of the arrays [f], then values [f ...] over it, as float64; raises SemijaxError unless the lengths match."""
    (axis, first), *values = arrays.items()
    found = [numbers(where, axis, first, 1), *(numbers(where, key, value, *dimensions) for key, value in values)]
    for (key, _), array in zip(values, found[1:]):
        if len(array) != len(found[0]):
            raise SemijaxError(
                f"plot.{where}: {key} has shape {array.shape}: allowed is one row for each of {len(found[0])} {axis}"
            )
    return found


def curve(where: str, theory: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A theory as a curve: a function of x, a pair (x, y), values at x, or one constant."""
    if callable(theory):
        fine = np.linspace(x.min(), x.max(), 801)
        return fine, numbers(where, "theory(x)", theory(fine), 1)
    if isinstance(theory, tuple):
        theory_x, theory_y = against(where, 1, x=theory[0], theory=theory[1])
        return theory_x, theory_y
    if np.ndim(theory) == 0:
        return x, np.full(len(x), float(theory))
    return x, against(where, 1, x=x, theory=theory)[1]


def plane(where: str, axes: Any, dimension: int) -> tuple[int, int]:
    """The two components a plane is spanned by; raises SemijaxError for others than 0 … d − 1."""
    pair = tuple(axes) if isinstance(axes, tuple | list) else ()
    if len(pair) != 2 or any(not isinstance(i, int) or not 0 <= i < dimension for i in pair) or pair[0] == pair[1]:
        raise SemijaxError(f"plot.{where}: axes = {axes!r}: allowed are two different numbers from 0 to {dimension - 1}")
    return pair


def component(symbol: str, i: int, dimension: int) -> str:
    """A component's name in mathtext: $k$ (d = 1), $k_x$, ...; without a symbol the coordinate's, $x$."""
    name = COMPONENTS[dimension][i]
    return f"${symbol}_{name}$" if symbol and name else f"${symbol or name}$"
