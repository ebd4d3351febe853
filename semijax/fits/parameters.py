"""Parameters: which numbers of a band a fit may change, what they are called, and the band with other numbers in their places."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import SemijaxError
from semijax.bands.band import Band
from semijax.fits.measured import Measured
from semijax.fits.model import followed, holds

MOST_NAMES = 12  # that a message lists


@dataclass(frozen=True)
class Layout:
    """Where the parameters are in the leaves of (band, data); hashable, so that a second fit of the same kind does not compile.

    tree: of (band, data). places: which leaves hold parameters, those of the band first. shapes: of these leaves. names: of all their
    entries, one after another. free: which of the entries a fit changes. own: how many of the leaves are the band's.
    """

    tree: Any
    places: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    free: tuple[int, ...]
    own: int

    @property
    def fitted(self) -> tuple[str, ...]:
        """The names of what is fitted [p]."""
        return tuple(self.names[i] for i in self.free)

    def start(self, leaves: list) -> np.ndarray:
        """The values of what is fitted [p]."""
        entries = [np.asarray(leaves[i]).reshape(-1) for i in self.places]
        return np.concatenate(entries)[np.asarray(self.free, int)]

    def filled(self, leaves: list, x: Any) -> tuple[Any, Any]:
        """(band, data) with x [p] in the places of what is fitted; lattices follow where they are made of it."""
        together = jnp.concatenate([jnp.reshape(leaves[i], -1) for i in self.places])
        return self._with(leaves, together.at[np.asarray(self.free, int)].set(x))

    def given_back(self, leaves: list, x: np.ndarray) -> tuple[Any, Any]:
        """The same as NumPy arrays, of x [... p]; only what holds parameters, and lattices made of it, has the axes in front."""
        together = np.concatenate([np.asarray(leaves[i], np.float64).reshape(-1) for i in self.places])
        together = np.broadcast_to(together, (*x.shape[:-1], len(together))).copy()
        together[..., list(self.free)] = x
        return self._with(leaves, together)

    def _with(self, leaves: list, together: Any) -> tuple[Any, Any]:
        """(band, data) with the entries [... all] in their places."""
        leaves, first, changed = list(leaves), 0, np.isin(np.arange(len(self.names)), self.free)
        before, _ = jax.tree.unflatten(self.tree, leaves)
        for place, shape in zip(self.places, self.shapes, strict=True):
            size = int(np.prod(shape, dtype=int))
            if changed[first : first + size].any():  # what is frozen depends on nothing
                leaves[place] = together[..., first : first + size].reshape((*together.shape[:-1], *shape))
            first += size
        leaves = [x[()] if isinstance(x, np.ndarray) else x for x in leaves]
        band, data = jax.tree.unflatten(self.tree, leaves)
        return jax.tree.map(_followed, band, before, is_leaf=holds), data

    def spread(self, band: Any, values: Any) -> Any:
        """values [... p] in a tree like the parameters of the band, NaN where nothing is fitted."""
        values = np.asarray(values)
        lead = values.shape[:-1]
        every = np.full((*lead, len(self.names)), np.nan)
        every[..., list(self.free)] = values
        parts, first = [], 0
        for shape in self.shapes[: self.own]:
            size = int(np.prod(shape, dtype=int))
            parts.append(every[..., first : first + size].reshape((*lead, *shape))[()])
            first += size
        left = iter(parts)
        return jax.tree.map(lambda x: next(left) if _is_floating(x) else np.nan, params_of(band))


def layout_of(where: str, band: Any, data: Any, frozen: Any = ()) -> tuple[Layout, list]:
    """(the layout, the leaves of (band, data) as arrays in JAX's precision). frozen: see `entries_of`.

    Raises SemijaxError where nothing is left to fit, for names that are none, and for leaves that are no numbers.
    """
    dtype = jnp.result_type(float)
    leaves, tree = jax.tree.flatten((band, data))
    for leaf in leaves:
        if not hasattr(leaf, "dtype") and not isinstance(leaf, bool | int | float | complex):
            raise SemijaxError(
                f"{where}: {leaf!r} in band or data: allowed are numbers and arrays; a function belongs into fits.Model"
            )
    of_band, of_data = list(_band_leaves(where, band)), _data_leaves(band, data)
    places, called = tuple(place for place, _ in [*of_band, *of_data]), [name for _, name in [*of_band, *of_data]]
    arrays = [jnp.asarray(leaf, dtype) if _is_floating(leaf) else jnp.asarray(leaf) for leaf in leaves]
    shapes = tuple(arrays[i].shape for i in places)
    names = tuple(name for leaf, shape in zip(called, shapes) for name in _entries(leaf, shape))
    _check_free(where, band, [leaves[i] for i in places], called)
    layout = Layout(tree, places, shapes, names, tuple(range(len(names))), len(of_band))
    fixed = entries_of(where, "frozen", frozen, layout)
    free = tuple(i for i in layout.free if not fixed.get(i, False))
    if not free:
        raise SemijaxError(f"{where}: frozen = {frozen!r}: allowed is to leave a parameter free; there are {_listed(names)}")
    return Layout(layout.tree, places, shapes, names, free, layout.own), arrays


def restarted(band: Any, data: Any, starts: Any) -> tuple[Any, Any]:
    """(band, data) with other numbers to start from, by name or as a part of the tree of parameters; see `entries_of`."""
    layout, _ = layout_of("starts", band, data)
    found = entries_of("starts", "start", starts, layout)
    x = layout.start(jax.tree.leaves((band, data))).astype(np.float64)
    for i, value in found.items():
        x[i] = value
    return layout.given_back(jax.tree.leaves((band, data)), x) if found else (band, data)


def entries_of(where: str, key: str, given: Any, layout: Layout) -> dict[int, Any]:
    """Number of an entry -> its value, of names or of a tree.

    given: a name or several ("masses", "masses[0]", "onsite.s": an entry, a leaf, or all below), which mean True; or a tree like the
    parameters or a part of it, {"masses": value}, whose leaves hold for all entries below or are arrays of their shape; pairs are leaves.
    """
    if isinstance(given, str):
        given = (given,)
    if isinstance(given, tuple | list | set | frozenset) and all(isinstance(name, str) for name in given):
        given = dict.fromkeys(given, True)
    found: dict[int, Any] = {}
    for path, value in jax.tree_util.tree_flatten_with_path(given, is_leaf=_is_value)[0]:
        if value is None:
            continue
        name = jax.tree_util.keystr(_within_params(path), simple=True, separator=".")
        places = [i for i, one in enumerate(layout.names) if name == "" or belongs(one, name)]
        if not places:
            near = difflib.get_close_matches(name, layout.names, n=1)
            nearest = f"; nearest is {near[0]}" if near else ""
            raise SemijaxError(f"{where}: {key}: {name!r}: allowed are the parameters {_listed(layout.names)}{nearest}")
        found |= {i: _entry(where, key, name, value, number, len(places)) for number, i in enumerate(places)}
    return found


def belongs(entry: str, name: str) -> bool:
    """Whether an entry is the one of this name, or one of the array or the subtree of this name."""
    return entry == name or entry.startswith((f"{name}[", f"{name}."))


def params_of(band: Any) -> Any:
    """The tree of the parameters of a band: its params, or a tree with those of every band in it."""
    return jax.tree.map(lambda node: node.params if holds(node) else node, band, is_leaf=holds)


def _band_leaves(where: str, band: Any) -> Iterator[tuple[int, str]]:
    """(number of the leaf among those of the band, its name) for each that holds parameters."""
    number = 0
    for path, node in jax.tree_util.tree_flatten_with_path(band, is_leaf=holds)[0]:
        inner: list[Any] = jax.tree_util.tree_flatten_with_path(node)[0] if holds(node) else [((), node)]
        for way, leaf in inner:
            mine = not holds(node) or getattr(way[0], "name", None) == "params"
            if mine and isinstance(leaf, int) and not isinstance(leaf, bool):
                called = _called((*path, *way[holds(node) :]))
                raise SemijaxError(
                    f"{where}: {called} = {leaf}: allowed is a float, {leaf}.0, so that it is clear whether it is fitted"
                )
            if mine and _is_floating(leaf):
                yield number, _called((*path, *way[holds(node) :]))
            number += 1


def _data_leaves(band: Any, data: Any) -> list[tuple[int, str]]:
    """The same of what the data bring along to be fitted: offsets and scales, numbered after the leaves of the band."""
    own = {name for _, name in _band_leaves("", band)}
    number, found = len(jax.tree.leaves(band)), []
    for path, node in jax.tree_util.tree_flatten_with_path(data, is_leaf=lambda x: isinstance(x, Measured))[0]:
        for way, _ in jax.tree_util.tree_flatten_with_path(node)[0]:
            if isinstance(node, Measured) and getattr(way[0], "name", None) in ("offset", "scale", "extra"):
                name = _called((*path, way[-1]))
                found.append((number, f"data.{name}" if name in own else name))
            number += 1
    return found


def _check_free(where: str, band: Any, leaves: list, names: list[str]) -> None:
    if not leaves:
        raise SemijaxError(f"{where}: band = {type(band).__name__}: allowed is a band, or a tree, with floating numbers to fit")
    for leaf, name in zip(leaves, names):
        if not np.isfinite(np.asarray(leaf)).all():
            raise SemijaxError(f"{where}: {name} = {np.asarray(leaf).tolist()}: allowed is a finite number to start from")


def _followed(after: Any, before: Any) -> Any:
    return followed(after, before) if isinstance(after, Band) else after


def _is_floating(leaf: Any) -> bool:
    return jnp.issubdtype(jnp.result_type(leaf), jnp.floating)


def _is_value(node: Any) -> bool:
    """Pairs (low, high) and None are leaves of a tree of bounds."""
    return node is None or (isinstance(node, tuple | list) and len(node) == 2 and all(_is_number(x) for x in node))


def _is_number(x: Any) -> bool:
    return x is None or (isinstance(x, int | float | np.ndarray | jax.Array) and not isinstance(x, bool))


def _within_params(path: tuple) -> tuple:
    return tuple(key for key in path if getattr(key, "name", None) != "params")


def _entry(where: str, key: str, name: str, value: Any, number: int, count: int) -> Any:
    """The value of one of `count` entries; arrays have one for each."""
    if isinstance(value, tuple | list):
        low, high = (_entry(where, key, name, x, number, count) for x in value)
        return low, high
    array = np.asarray(value)
    if array.ndim == 0 or value is None:
        return value
    if array.size != count:
        raise SemijaxError(f"{where}: {key} of {name}: {array.size} numbers: allowed is one, or {count}, the entries of it")
    return array.reshape(-1)[number].item()


def _called(path: tuple) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".") or "x"


def _entries(name: str, shape: tuple[int, ...]) -> Iterable[str]:
    return [name] if not shape else [f"{name}[{','.join(map(str, place))}]" for place in np.ndindex(shape)]


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")
