"""Measured: numbers with their errors and what a band says they should be; every kind of data is one of these."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from semijax._pytree import record, replace, static
from semijax._types import Array, SemijaxError
from semijax.fits import inputs
from semijax.fits.matching import assigned
from semijax.fits.model import built

MATCHES = ("order", "sorted", "nearest")


@record
class Measured:
    """Numbers that were measured, or computed by another program, and a function that predicts them from a band.

    values, sigma, used: of one shape [...]; sigma are standard errors in the unit of the values (of their logarithms if `relative`),
        used says which count. predict: (band) -> the same shape; a tree, so that JAX sees its arrays. at: where it was measured, along
        `axis`, for pictures. offset, scale: fitted along with the band where they are not None: predicted = scale · predict + offset.
    extra: further numbers that `predict` takes by name, {"tau": ...}, fitted along too; None for none.
    part: the name or number of the band in a dict or tuple that is meant. match: see `measured`. stated: whether somebody stated sigma.
    centred: whether the offset starts where the mean of what is left over is zero.
    """

    values: Any
    sigma: Any
    used: Any
    predict: Any
    at: Any = None
    offset: Any = None
    scale: Any = None
    extra: Any = None
    what: str = static(default="")
    unit: str = static(default="")
    axis: str = static(default="")
    part: Any = static(default=None)
    match: str = static(default="order")
    relative: bool = static(default=False)
    stated: bool = static(default=False)
    centred: bool = static(default=False)

    def predicted(self, band: Any) -> Array:
        """What a band, or a tree with one, says the values are."""
        found = self.raw(band)
        if self.match == "sorted":
            found = jnp.sort(found, axis=-1)
        if self.match == "nearest":
            found = jax.vmap(assigned)(jnp.sort(found, axis=-1), jnp.asarray(self.values), jnp.asarray(self.used))
        return found

    def raw(self, band: Any) -> Array:
        """The prediction with scale and offset, before what is matched to what."""
        made = built(band)
        found = jnp.asarray(self.predict(made if self.part is None else made[self.part], **(self.extra or {})))
        found = found if self.scale is None else found * jnp.asarray(self.scale, found.dtype)
        return found if self.offset is None else found + jnp.asarray(self.offset, found.dtype)

    def residuals(self, band: Any) -> Array:
        """(predicted − measured)/sigma, of the logarithms if `relative`; zero where it does not count."""
        found, values = self.predicted(band), jnp.asarray(self.values)
        found = jnp.where(self.used, found, values)
        off = jnp.log(found) - jnp.log(values) if self.relative else found - values
        return off / jnp.asarray(self.sigma)


def measured(
    predict: Callable[..., Any],
    values: Any,
    *,
    sigma: Any = None,
    weight: Any = None,
    use: Any = None,
    window: tuple[float, float] | None = None,
    offset: Any = None,
    scale: Any = None,
    extra: dict[str, float] | None = None,
    relative: bool = False,
    match: str = "order",
    part: Any = None,
    at: Any = None,
    what: str = "value",
    unit: str = "",
    axis: str = "",
    dimensions: tuple[int, ...] = (1, 2, 3),
) -> Measured:
    """Numbers [...] that somebody measured, for any quantity: the kinds of data below are made of it, and so is yours.

    predict: (band) -> the same shape, of whatever `band` is in sj.least_squares(fits.residuals, band, data). sigma: standard errors > 0,
    one number or of the shape of the values (of the first axis alone); None: the scatter about the fit tells. weight: instead of sigma,
    1/sigma² up to a factor, ≥ 0. use: bool, of the same shape, which values count; the others may be NaN. window: (low, high) of the
    values that count. offset, scale: "free" or a number to start from: fitted along. extra: {"tau": start}, numbers that predict(band,
    tau=...) takes and that are fitted along. relative: sigma are relative errors, and logarithms are compared. match, of values [n m]
    and predictions [n m']: "order" as they stand, "sorted" both ascending, "nearest" the levels with the least sum of squares, m ≤ m'.
    part: the name or number of the band meant, in a dict or tuple of bands. Raises SemijaxError, in one line.
    """
    match = inputs.chosen(what, "match", match, MATCHES)
    if not callable(predict):
        raise SemijaxError(f"{what}: predict = {predict!r}: allowed is a function of the band")
    used = _used(what, values, use)
    values = inputs.numbers(what, what, values, *dimensions, missing=use is not None)
    if np.isnan(values[used]).any():
        raise SemijaxError(f"{what}: NaN among the values that count: allowed are finite numbers; say what counts with use=")
    if relative and (values[used] <= 0).any():
        raise SemijaxError(f"{what}: {what} = {values[used].min():g}: allowed are numbers > 0 where errors are relative")
    errors, stated = _errors(what, sigma, weight, values.shape)
    used &= np.isfinite(errors)
    values = np.where(used, values, 1.0)
    if match != "order":
        values, errors, used = _ascending(what, match, values, errors, used)
    used &= _within(what, window, values)
    if not used.any():
        raise SemijaxError(f"{what}: none of {values.size} values counts: allowed is at least one (use, weight, window)")
    free: Any = {key: _free(what, key, start, first) for key, start, first in (("offset", offset, 0.0), ("scale", scale, 1.0))}
    free["extra"] = {key: _free(what, key, start, 0.0) for key, start in extra.items() if start is not None} if extra else None
    words = {"what": what, "unit": unit, "axis": axis, "part": part, "match": match, "relative": relative, "stated": stated}
    words["centred"] = isinstance(offset, str)
    return Measured(values, np.where(used, errors, 1.0), used, as_tree(predict), at, **free, **words)


def residuals(band: Any, data: Any) -> Array:
    """The residuals [m] of a Measured, or of a tree of them, one after another, each in its standard errors."""
    return jnp.concatenate([one.residuals(band).reshape(-1) for one in parts_of(data)])


def misfit(band: Any, data: Any) -> Array:
    """½ Σ residuals², a loss for sj.fit: −log of the likelihood of normal errors."""
    return 0.5 * jnp.sum(residuals(band, data) ** 2)


def parts_of(data: Any) -> list[Measured]:
    """The Measured of a tree; raises SemijaxError unless there are some and nothing else."""
    parts = jax.tree.leaves(data, is_leaf=_is_measured)
    if not parts or not all(map(_is_measured, parts)):
        kinds = ", ".join(sorted({type(part).__name__ for part in parts})) or "nothing"
        raise SemijaxError(
            f"fits.residuals: data of {kinds}: allowed are fits.energies(...) and the like, or a tuple or dict of them"
        )
    return parts


def settled(band: Any, data: Any) -> Any:
    """The data, each part having looked at the band to start from: time steps are chosen, counts are compared.

    Raises SemijaxError where predictions and data do not go together, and for several parts of which some have no sigma.
    """
    parts = [part for part in jax.tree.leaves(data, is_leaf=_is_measured) if _is_measured(part)]
    if len(parts) > 1 and not all(part.stated for part in parts):
        silent = next(part.what for part in parts if not part.stated)
        raise SemijaxError(
            f"{silent}: sigma is missing: allowed without it is one set of data; of {len(parts)} each needs its own"
        )
    return jax.tree.map(lambda one: _settled(one, band) if _is_measured(one) else one, data, is_leaf=_is_measured)


def _settled(one: Measured, band: Any) -> Measured:
    made = built(band)
    if one.part is not None:
        try:
            made = made[one.part]
        except (KeyError, IndexError, TypeError):
            raise SemijaxError(f"{one.what}: part = {one.part!r}: allowed is the name or number of one of the bands") from None
    if hasattr(one.predict, "settled"):
        one = replace(one, predict=one.predict.settled(made, one))
    found, given = jax.eval_shape(one.raw, band).shape, np.shape(one.values)
    if one.match == "nearest" and found[:-1] == given[:-1] and found[-1] >= given[-1]:
        return one
    if found != given:
        raise SemijaxError(f"{one.what}: data of shape {given}, predictions of shape {found}: allowed are equal shapes")
    if one.centred and not any(isinstance(x, Tracer) for x in jax.tree.leaves((one, band))):
        return replace(one, offset=float(_drifted(one, band)), centred=False)
    return one


@jax.jit
def _drifted(one: Measured, band: Any) -> Array:
    """The offset with which what is left over has the mean zero."""
    weight = jnp.where(one.used, 1.0, 0.0) / jnp.asarray(one.sigma) ** 2
    left = jnp.where(one.used, jnp.asarray(one.values) - one.predicted(band), 0.0)
    return jnp.asarray(one.offset) + jnp.sum(weight * left) / jnp.sum(weight)


def _is_measured(node: Any) -> bool:
    return isinstance(node, Measured)


def as_tree(function: Callable) -> Any:
    """A plain function as a tree without arrays."""
    leaves = jax.tree.leaves(function)
    return jax.tree_util.Partial(function) if len(leaves) == 1 and leaves[0] is function else function


def _used(what: str, values: Any, use: Any) -> np.ndarray:
    shape = np.shape(values)
    used = np.ones(shape, bool) if use is None else np.asarray(use)
    if used.dtype != bool or used.shape != shape:
        raise SemijaxError(
            f"{what}: use of {used.dtype} {used.shape}: allowed are true and false in the shape {shape} of the data"
        )
    return used.copy()


def _errors(what: str, sigma: Any, weight: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, bool]:
    """(standard errors, infinite where the weight is zero; whether they are stated)."""
    if sigma is not None and weight is not None:
        raise SemijaxError(f"{what}: sigma and weight: allowed is one of them; a weight is 1/sigma²")
    if sigma is not None:
        return inputs.positive(what, "sigma", sigma, shape), True
    if weight is None:
        return np.ones(shape), False
    array = inputs.numbers(what, "weight", weight, *range(len(shape) + 1))
    if (array < 0).any():
        raise SemijaxError(f"{what}: weight = {array.min():g}: allowed are numbers ≥ 0")
    shown = inputs.positive(what, "weight", np.where(array > 0, array, 1.0), shape)
    zero = inputs.positive(what, "weight", np.where(array > 0, 1.0, 2.0), shape) > 1
    return np.where(zero, np.inf, 1 / np.sqrt(shown)), False


def _within(what: str, window: Any, values: np.ndarray) -> np.ndarray:
    """Which values are in the window (low, high)."""
    if window is None:
        return np.ones(values.shape, bool)
    pair = np.asarray(window, np.float64) if np.shape(window) == (2,) else np.zeros(2)
    if not pair[0] < pair[1]:
        raise SemijaxError(f"{what}: window = {window!r}: allowed is a pair (low, high), low < high")
    return (pair[0] <= values) & (values <= pair[1])


def _ascending(what: str, match: str, values, errors, used) -> Iterator[np.ndarray]:
    """Values [n m] ascending at each point, with their errors; those that do not count go last."""
    if values.ndim != 2:
        raise SemijaxError(f"{what}: match = {match!r} of shape {values.shape}: allowed is [n m], m levels at each of n points")
    if match == "sorted" and (used != used[:, :1]).any():
        allowed = 'allowed is match = "nearest" where levels are missing at some points'
        raise SemijaxError(f"{what}: match = 'sorted': {allowed}")
    order = np.argsort(np.where(used, values, np.inf), axis=1, kind="stable")
    return (np.take_along_axis(x, order, axis=1) for x in (values, errors, used))


def _free(what: str, key: str, start: Any, first: float) -> float | None:
    if start is None:
        return None
    if start == "free":
        return first
    if isinstance(start, bool) or not isinstance(start, int | float) or not np.isfinite(start):
        raise SemijaxError(f'{what}: {key} = {start!r}: allowed is "free", or a finite number to start from')
    return float(start)
