"""The contract of a field: shapes, finite numbers and pure functions, checked when it is built or traced, in the user's words."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from semijax._types import Array, EMField, SemijaxError, UserCodeError

_TRACING = (
    jax.errors.TracerBoolConversionError,
    jax.errors.TracerArrayConversionError,
    jax.errors.ConcretizationTypeError,
)
_MAGNETIC = {1: None, 2: (), 3: (3,)}


def check(field: Callable, dimension: int) -> None:
    """Raises SemijaxError unless field(t, r [d]) -> EMField has the shapes of d = `dimension` (1, 2, 3); computes nothing.

    electric: [d]. magnetic: [3] when d = 3, a scalar B_z when d = 2, None when d = 1.
    """
    if dimension not in _MAGNETIC:
        raise SemijaxError(f"field: dimension = {dimension}: allowed are 1, 2, 3")
    value = jax.eval_shape(lambda t, r: called(field, t, r), 0.0, jnp.zeros(dimension))
    fitting(name_of(field), value, dimension)


def fitting(where: str, field: EMField, d: int) -> EMField:
    """`field` as it is; raises SemijaxError unless its shapes suit one place of d dimensions."""
    if field.electric is not None and np.shape(field.electric) != (d,):
        raise SemijaxError(f"{where}: electric has shape {np.shape(field.electric)} in {d} dimensions: allowed is ({d},)")
    if field.magnetic is not None and np.shape(field.magnetic) != _MAGNETIC[d]:
        allowed = {1: "None", 2: "a scalar, B_z", 3: "(3,)"}[d]
        raise SemijaxError(f"{where}: magnetic has shape {np.shape(field.magnetic)} in {d} dimensions: allowed is {allowed}")
    return field


def called(function: Callable, *args) -> Any:
    """function(*args) of a user; raises UserCodeError where it uses a traced value in Python."""
    try:
        return function(*args)
    except _TRACING as error:
        raise UserCodeError(
            f"field: {name_of(function)} uses the value of t or r in Python (if, float(), numpy): "
            "allowed are jax.numpy operations; write jnp.where instead of if"
        ) from error


def name_of(function) -> str:
    """What a user calls the function: its name, or the name of its type."""
    function = getattr(function, "func", function)  # inside jax.tree_util.Partial
    return getattr(function, "__qualname__", None) or type(function).__name__


def numbers(where: str, key: str, value, allowed: str, shape_fits=None, value_fits=None) -> Any:
    """`value` as a float array; raises SemijaxError unless finite, real and fitting. Traced values are checked by shape alone.

    shape_fits(shape), value_fits(array): tests; without the first a number without shape is meant.
    """
    array, traced = as_array(value)
    real = array.dtype.kind in "iuf" or jnp.issubdtype(array.dtype, jnp.floating)
    fits = real and (shape_fits(array.shape) if shape_fits else array.shape == ())
    if fits and not traced:
        fits = np.isfinite(array).all() and (value_fits is None or np.all(value_fits(array)))
    if not fits:
        raise SemijaxError(f"{where}: {key} = {_short(value)}: allowed is {allowed}")
    return array if traced else array.astype(np.float64)[()]


def as_array(value) -> tuple[Any, bool]:
    """`value` as an array, whatever its dtype, and whether it is traced; a ragged list becomes an array of text."""
    traced = any(isinstance(x, Tracer) for x in jax.tree.leaves(value))
    try:
        return (jnp if traced else np).asarray(value), traced
    except (TypeError, ValueError):
        return np.asarray("ragged"), traced


def vector(where: str, key: str, value, unit: str) -> Any:
    """A vector [d], d = 1, 2, 3, as a float array; a scalar is the vector of one dimension."""
    array = numbers(
        where, key, value, f"a finite vector [d], d = 1, 2, 3, in {unit}", lambda shape: shape in ((), (1,), (2,), (3,))
    )
    return array if array.shape else array[None]


def place(r) -> Array:
    """One place [d] as a float array."""
    r = jnp.asarray(r)
    if r.ndim != 1 or r.shape[0] not in _MAGNETIC:
        raise SemijaxError(f"field: r has shape {r.shape}: allowed is one place [d]; use jax.vmap(field, (None, 0)) for many")
    return r if jnp.issubdtype(r.dtype, jnp.floating) else r.astype(jnp.result_type(float))


def _short(value) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
