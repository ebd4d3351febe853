"""Inputs: what people measured as float64 arrays, or one line that says what is wrong with it."""

from typing import Any

import numpy as np

from semijax._types import SemijaxError


def numbers(where: str, key: str, value: Any, *dimensions: int, missing: bool = False) -> np.ndarray:
    """Real finite numbers with one of the given numbers of axes, at least one number; raises SemijaxError otherwise.

    missing: NaN is allowed, for data that are not there.
    """
    allowed = " or ".join(str(n) for n in dimensions)
    try:
        array = np.asarray(value)
        real = array.dtype.kind in "fiu"
    except ValueError:  # ragged
        array, real = np.zeros(0), False
    if not real or array.ndim not in dimensions:
        raise SemijaxError(f"{where}: {key} has shape {array.shape}: allowed are real numbers with {allowed} axes")
    if array.size == 0:
        raise SemijaxError(f"{where}: {key} is empty, shape {array.shape}: allowed is at least one number")
    array = array.astype(np.float64)
    bad = np.isinf(array) if missing else ~np.isfinite(array)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        place = ", ".join(map(str, at))
        hint = "" if missing else "; say what counts with use="
        raise SemijaxError(f"{where}: {key}[{place}] = {array[at]}: allowed are finite numbers{hint}")
    return array


def rows(where: str, key: str, value: Any, count: int, *, of: str, dimension: int | None = None) -> np.ndarray:
    """Vectors [count d], one for each of what `of` names; raises SemijaxError otherwise."""
    array = numbers(where, key, value, 2)
    if len(array) != count or array.shape[1] not in ((1, 2, 3) if dimension is None else (dimension,)):
        d = "d" if dimension is None else dimension
        raise SemijaxError(f"{where}: {key} has shape {array.shape}: allowed is [{count} {d}], one row for each of {count} {of}")
    return array


def positive(where: str, key: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Finite numbers > 0 in a shape; raises SemijaxError otherwise. A vector goes to the first axis."""
    array = numbers(where, key, value, *range(len(shape) + 1))
    if array.ndim == 1 and len(shape) > 1 and array.shape[0] == shape[0]:
        array = array.reshape(-1, *(1,) * (len(shape) - 1))
    if (array <= 0).any():
        raise SemijaxError(f"{where}: {key} = {array.min():g}: allowed are numbers > 0")
    try:
        return np.broadcast_to(array, shape).copy()
    except ValueError:
        raise SemijaxError(f"{where}: {key} has shape {array.shape}: allowed is one number, or {shape}, as the data") from None


def chosen(where: str, key: str, value: Any, allowed: tuple[str, ...]) -> str:
    """A word out of some; raises SemijaxError otherwise."""
    if value not in allowed:
        raise SemijaxError(f"{where}: {key} = {value!r}: allowed are {', '.join(map(repr, allowed))}")
    return value
