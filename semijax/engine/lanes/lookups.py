"""Numbers of a table at places that differ from carrier to carrier, as nodes: "lookup" (args: table, place; attr: how far beyond it)."""

from typing import Any

import numpy as np
from jax import lax

from semijax.engine.lanes.graph import Node
from semijax.engine.lanes.interpret import Interpreter, Shared
from semijax.engine.lanes.movement import Unsupported

_LARGEST = 2**31 - 1  # numbers of a table, whose places are int32


def gathered(it: Interpreter, table: Shared, indices: np.ndarray, eqn) -> np.ndarray:
    """lax.gather from a table with computed indices [... index]."""
    rule, sizes = eqn.params["dimension_numbers"], eqn.params["slice_sizes"]
    if rule.operand_batching_dims:
        raise Unsupported("computed index")
    mode, ndim = lax.GatherScatterMode.from_any(eqn.params["mode"]), np.ndim(table.array)
    window = [i for i in range(ndim) if i not in rule.collapsed_slice_dims]
    shape = eqn.outvars[0].aval.shape
    batch_axes = [i for i in range(len(shape)) if i not in rule.offset_dims]
    starts, out = {}, np.empty(shape, object)
    for position in np.ndindex(*shape):
        batch = tuple(position[a] for a in batch_axes)
        if batch not in starts:
            start = dict(zip(rule.start_index_map, indices[batch]))
            starts[batch] = start, _place(it, table, start, sizes)
        offset = [0] * ndim
        for axis, i in zip(rule.offset_dims, window):
            offset[i] = position[axis]
        start, place = starts[batch]
        out[position] = found = _lookup(it, table, place, offset)
        if mode == lax.GatherScatterMode.FILL_OR_DROP:
            out[position] = _filled(it, table, start, sizes, found, eqn)
    return out


def sliced(it: Interpreter, table: Shared, starts: list, eqn) -> np.ndarray:
    """lax.dynamic_slice of a table from computed starts on."""
    sizes = eqn.params["slice_sizes"]
    place = _place(it, table, {i: it.nodes(start).item() for i, start in enumerate(starts)}, sizes)
    out = np.empty(sizes, object)
    for position in np.ndindex(*sizes):
        out[position] = _lookup(it, table, place, position)
    return out


def _place(it: Interpreter, table: Shared, start: dict[int, Node], sizes) -> Any:
    """The place of the first number of a window, kept inside the table."""
    shape = np.shape(table.array)
    if np.prod(shape) > _LARGEST or table.array.dtype.kind == "c":
        raise Unsupported("table")
    place = it.scalars.const(0, np.int32)
    for axis, node in start.items():
        low, high = (it.scalars.const(n, node.dtype) for n in (0, shape[axis] - sizes[axis]))
        inside = it.scalars.binary("min", it.scalars.binary("max", node, low, node.dtype), high, node.dtype)
        step = it.scalars.const(int(np.prod(shape[axis + 1 :], dtype=int)), np.int32)
        place = it.scalars.add(place, it.scalars.mul(it.scalars.convert(inside, np.int32), step))
    return place


def _lookup(it: Interpreter, table: Shared, place: Any, offset) -> Node:
    steps = [int(np.prod(np.shape(table.array)[i + 1 :], dtype=int)) for i in range(len(offset))]
    return it.graph.make("lookup", (it.table(table), place), table.array.dtype, int(np.dot(offset, steps)))


def _filled(it: Interpreter, table: Shared, start: dict[int, Node], sizes, found: Any, eqn) -> Any:
    """The number, or what fills where the window is not inside the table."""
    fill = eqn.params["fill_value"]
    if fill is None:
        kind = found.dtype.kind
        fill = np.nan if kind == "f" else np.iinfo(found.dtype).min if kind == "i" else 0
    for axis, node in start.items():
        last = it.scalars.const(np.shape(table.array)[axis] - sizes[axis], node.dtype)
        outside = it.scalars.binary("gt", node, last, bool)
        if node.dtype.kind == "i":
            negative = it.scalars.binary("lt", node, it.scalars.const(0, node.dtype), bool)
            outside = it.scalars.binary("or", outside, negative, bool)
        found = it.scalars.select(outside, found, it.scalars.const(fill, found.dtype))
    return found
