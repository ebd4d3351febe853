"""The value of one node of a lane program from the values of its arguments, as ordinary JAX."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core

from semijax.engine.lanes import trig
from semijax.engine.lanes.graph import Node
from semijax.engine.lanes.interpret import Opaque
from semijax.engine.lanes.scalars import Complex


def value(node: Node, values: dict, implied: dict):
    """The value of a node from those of its arguments; implied: of each node, the roots whose infinity makes it NaN anyway."""
    if node.is_const:
        return node.attr
    if node.op == "guard":
        return _guarded(node, values, implied)
    if node.op == "opaque":
        return called(node, values)
    if node.op == "part":
        leaf, position, part = node.attr
        value = values[node.args[0].id][leaf][position]
        return value if part is None else getattr(lax, part)(value)
    arguments = _alike([values.get(a.id, a.attr) for a in node.args])
    if node.op in _TRIG and node.dtype in (np.float32, np.float64):
        return _TRIG[node.op](arguments[0])
    if node.op == "convert_element_type":
        return lax.convert_element_type(arguments[0], node.dtype)
    if node.op in _FUNCTIONS:
        return _FUNCTIONS[node.op](*arguments)
    return _PRIMITIVES[node.op].bind(*arguments, **dict(node.attr or ()))


def _guarded(node: Node, values, implied):
    value, roots = values.get(node.args[0].id, node.args[0].attr), node.args[1:]
    known = implied[node.args[0].id]
    for root in roots:
        if root.id not in known:
            x = values[root.id]
            zero = (x - x).astype(node.dtype) if x.dtype.kind == "f" else None
            value = value if zero is None else jnp.add(value, zero)
    return jnp.asarray(value, node.dtype)


def called(node: Node, values: dict):
    """A vmapped call: inputs stacked into [... lanes], outputs [... lanes]."""
    call: Opaque = node.attr
    arguments, axes = [], []
    for x in call.inputs:
        array = values[x.id] if isinstance(x, Node) else _stacked(x, values)
        batched = not isinstance(x, Node) and array.ndim > x.ndim
        arguments.append(array)
        axes.append(-1 if batched else None)
    if all(axis is None for axis in axes):
        return call.function(*arguments)
    return jax.vmap(call.function, in_axes=tuple(axes), out_axes=-1)(*arguments)


def _stacked(x: np.ndarray, values):
    flat = []
    for node in x.flat:
        parts = [values.get(part.id, part.attr) for part in ((node.re, node.im) if isinstance(node, Complex) else (node,))]
        flat.append(lax.complex(*_alike(parts)) if len(parts) == 2 else parts[0])
    if x.ndim == 0:
        return jnp.asarray(flat[0], x.flat[0].dtype)
    if not flat:
        return jnp.zeros(x.shape)
    flat = _alike([jnp.asarray(f, x.flat[0].dtype) for f in flat])
    return jnp.stack(flat).reshape(*x.shape, *flat[0].shape)


def _alike(values: list) -> list:
    """The values with scalars spread over the lanes that any of them has."""
    shapes = {np.shape(v) for v in values}
    if len(shapes) == 1:
        return [jnp.asarray(v) if isinstance(v, (np.generic, np.ndarray)) else v for v in values]
    (lanes,) = shapes - {()}
    return [v if np.shape(v) == lanes else lax.broadcast(jnp.asarray(v), lanes) for v in values]


_TRIG = {"sin": trig.sin, "cos": trig.cos, "sinpi": trig.sinpi, "cospi": trig.cospi}
_FUNCTIONS = {
    name: getattr(lax, name) for name in "add sub mul div neg max min lt le gt ge eq ne select_n sqrt exp log pow".split()
}
_FUNCTIONS |= {"and": lax.bitwise_and, "or": lax.bitwise_or, "xor": lax.bitwise_xor, "not": lax.bitwise_not}
_PRIMITIVES = {p.name: p for p in vars(core.primitives).values() if isinstance(p, core.Primitive)}
