"""Data movement on arrays of nodes: every rule is NumPy indexing, so what it costs is paid once, when a step is traced."""

import itertools

import numpy as np
from jax import lax


class Unsupported(Exception):
    """The equation cannot be written as scalars; it runs as a vmapped call."""


def broadcast_in_dim(x: np.ndarray, params: dict) -> np.ndarray:
    shape, axes = params["shape"], params["broadcast_dimensions"]
    spread = x.reshape([x.shape[axes.index(i)] if i in axes else 1 for i in range(len(shape))])
    return np.broadcast_to(spread, shape)


def sliced(x: np.ndarray, params: dict) -> np.ndarray:
    strides = params["strides"] or [1] * x.ndim
    return x[tuple(slice(*each) for each in zip(params["start_indices"], params["limit_indices"], strides))]


def pad(x: np.ndarray, value, params: dict) -> np.ndarray:
    config = params["padding_config"]
    grown = [low + high + n + max(n - 1, 0) * inner for (low, high, inner), n in zip(config, x.shape)]
    wide = [max(g, g - min(low, 0) - min(high, 0)) for g, (low, high, _) in zip(grown, config)]
    out = np.empty(wide, object)
    out[...] = value
    out[
        tuple(
            slice(max(low, 0), max(low, 0) + n + max(n - 1, 0) * inner, inner + 1) for (low, _, inner), n in zip(config, x.shape)
        )
    ] = x
    # negative padding cuts off
    return out[tuple(slice(max(-low, 0), max(-low, 0) + g) for (low, _, _), g in zip(config, grown))]


def split(x: np.ndarray, params: dict) -> list:
    return np.split(x, np.cumsum(params["sizes"])[:-1], axis=params["axis"])


def unstack(x: np.ndarray, params: dict) -> list:
    return [wrapped(part) for part in np.moveaxis(x, params["axis"], 0)]


def gather(x: np.ndarray, indices: np.ndarray, params: dict, fill) -> np.ndarray:
    """lax.gather with known indices; what is out of bounds is clipped or filled as the mode says."""
    rule, sizes = params["dimension_numbers"], params["slice_sizes"]
    mode = lax.GatherScatterMode.from_any(params["mode"])
    hidden = set(rule.collapsed_slice_dims) | set(rule.operand_batching_dims)
    window = [i for i in range(x.ndim) if i not in hidden]
    batch_shape = indices.shape[:-1]
    ndim = len(batch_shape) + len(window)
    batch_axes = [i for i in range(ndim) if i not in rule.offset_dims]
    shape = [0] * ndim
    for axis, n in zip(batch_axes, batch_shape):
        shape[axis] = n
    for axis, i in zip(rule.offset_dims, window):
        shape[axis] = sizes[i]
    out = np.empty(shape, object)
    for position in np.ndindex(*shape):
        start = _start(x.ndim, rule.start_index_map, indices, tuple(position[a] for a in batch_axes))
        for axis, other in zip(rule.operand_batching_dims, rule.start_indices_batching_dims):
            start[axis] = position[batch_axes[other]]
        inside = all(0 <= s <= n - size for s, n, size in zip(start, x.shape, sizes))
        if not inside and mode == lax.GatherScatterMode.FILL_OR_DROP:
            out[position] = fill
            continue
        start = [min(max(s, 0), n - size) for s, n, size in zip(start, x.shape, sizes)]
        for axis, i in zip(rule.offset_dims, window):
            start[i] += position[axis]
        out[position] = x[tuple(start)]
    return out


def scatter_places(shape: tuple, indices: np.ndarray, updates: np.ndarray, params: dict):
    """Of lax.scatter with known indices: (place in the operand, place in the updates), those out of bounds left out."""
    rule = params["dimension_numbers"]
    mode = lax.GatherScatterMode.from_any(params["mode"])
    hidden = set(rule.inserted_window_dims) | set(rule.operand_batching_dims)
    window = [i for i in range(len(shape)) if i not in hidden]
    batch_axes = [i for i in range(updates.ndim) if i not in rule.update_window_dims]
    sizes = [1] * len(shape)
    for axis, i in zip(rule.update_window_dims, window):
        sizes[i] = updates.shape[axis]
    for position in np.ndindex(*updates.shape):
        batch = tuple(position[a] for a in batch_axes)
        start = _start(len(shape), rule.scatter_dims_to_operand_dims, indices, batch)
        for axis, other in zip(rule.operand_batching_dims, rule.scatter_indices_batching_dims):
            start[axis] = batch[other]
        if not all(0 <= s <= n - size for s, n, size in zip(start, shape, sizes)):
            if mode != lax.GatherScatterMode.CLIP:
                continue
            start = [min(max(s, 0), n - size) for s, n, size in zip(start, shape, sizes)]
        for axis, i in zip(rule.update_window_dims, window):
            start[i] += position[axis]
        yield tuple(start), position


def _start(ndim: int, axes, indices: np.ndarray, batch: tuple) -> list:
    start = [0] * ndim
    for j, axis in enumerate(axes):
        start[axis] = int(indices[(*batch, j)])
    return start


def reduced(x: np.ndarray, axes, function, empty) -> np.ndarray:
    """x with `axes` combined by `function`, in order; `empty` where there is nothing to combine."""
    kept = [i for i in range(x.ndim) if i not in axes]
    flat = np.transpose(x, [*kept, *axes]).reshape([*(x.shape[i] for i in kept), -1])
    out = np.empty(flat.shape[:-1], object)
    for position in np.ndindex(*out.shape):
        terms = list(flat[position])
        total = terms[0] if terms else empty
        for term in terms[1:]:
            total = function(total, term)
        out[position] = total
    return out


def dotted(a: np.ndarray, b: np.ndarray, params: dict, multiply, add, empty) -> np.ndarray:
    """lax.dot_general as sums of products, in order."""
    (ca, cb), (ba, bb) = params["dimension_numbers"]
    fa = [i for i in range(a.ndim) if i not in ca and i not in ba]
    fb = [i for i in range(b.ndim) if i not in cb and i not in bb]
    left, right = np.transpose(a, [*ba, *fa, *ca]), np.transpose(b, [*bb, *fb, *cb])
    batch = [a.shape[i] for i in ba]
    free_a, free_b, inner = ([x.shape[i] for i in axes] for x, axes in ((a, fa), (b, fb), (a, ca)))
    out = np.empty((*batch, *free_a, *free_b), object)
    steps = list(itertools.product(*map(range, inner)))
    for position in np.ndindex(*out.shape):
        head = position[: len(batch)]
        i, j = position[len(batch) : len(batch) + len(free_a)], position[len(batch) + len(free_a) :]
        total = None
        for c in steps:
            term = multiply(left[(*head, *i, *c)], right[(*head, *j, *c)])
            total = term if total is None else add(total, term)
        out[position] = empty if total is None else total
    return out


def wrapped(x) -> np.ndarray:
    """An object array, also of a single scalar."""
    if isinstance(x, np.ndarray) and x.dtype == object:
        return x
    out = np.empty((), object)
    out[()] = x
    return out
