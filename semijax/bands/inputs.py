"""Checks of what people hand to a band's constructor; traced values pass with their shape alone checked."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from semijax._types import SemijaxError


def traced(value: Any) -> bool:
    """Whether JAX is tracing the value, so that there is no number to check."""
    return isinstance(value, Tracer)


def number(where: str, key: str, value: Any, *, above: float | None = None, least: float | None = None) -> Any:
    """One finite real number as a float; raises SemijaxError unless it is > `above` and ≥ `least`."""
    allowed = "a finite number" if above is None and least is None else f"a number {'>' if least is None else '≥'} "
    allowed += "" if above is None and least is None else f"{above if least is None else least:g}"
    if traced(value):
        if jnp.shape(value) != ():
            raise SemijaxError(f"{where}: {key} has shape {jnp.shape(value)}: allowed is {allowed}")
        return value if jnp.issubdtype(value.dtype, jnp.floating) else value.astype(jnp.result_type(float))
    try:
        x = math.nan if isinstance(value, bool | str | bytes) else float(value)
    except (TypeError, ValueError):
        x = math.nan
    if not math.isfinite(x) or (above is not None and x <= above) or (least is not None and x < least):
        raise SemijaxError(f"{where}: {key} = {value!r}: allowed is {allowed}")
    return x


def array(where: str, key: str, value: Any, *shapes: tuple[int, ...], above: float | None = None) -> Any:
    """An array of finite real numbers of one of the shapes; raises SemijaxError unless all are > `above`."""
    allowed = " or ".join(str(s) for s in shapes)
    try:
        x = value if traced(value) else jnp.stack(value) if _holds_tracers(value) else np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SemijaxError(f"{where}: {key} = {value!r}: allowed are numbers of shape {allowed}") from error
    if x.shape not in shapes:
        raise SemijaxError(f"{where}: {key} has shape {x.shape}: allowed is {allowed}")
    if not traced(x) and (not np.isfinite(x).all() or (above is not None and (x <= above).any())):
        what = "finite" if above is None else f"> {above:g}"
        raise SemijaxError(f"{where}: {key} = {x.tolist()}: allowed are numbers that are {what}")
    return x


def one_of(where: str, key: str, value: Any, allowed: tuple) -> Any:
    """The value if it is among the allowed ones, else a SemijaxError that lists them."""
    if traced(value) or isinstance(value, bool) or value not in allowed:
        raise SemijaxError(f"{where}: {key} = {value!r}: allowed are {', '.join(map(repr, allowed))}")
    return value


def dimension(where: str, value: Any) -> int:
    """The dimension of space, 1, 2 or 3."""
    return int(one_of(where, "dimension", value, (1, 2, 3)))


def _holds_tracers(value) -> bool:
    return isinstance(value, list | tuple) and any(traced(x) for x in value)
