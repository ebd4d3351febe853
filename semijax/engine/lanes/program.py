"""A function of one carrier as a straight-line program over lanes: traced once, then plain elementwise JAX on [lanes] arrays."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core

from semijax.engine.lanes import trig
from semijax.engine.lanes.graph import Graph, Node
from semijax.engine.lanes.interpret import Interpreter, Opaque, Shared, shared
from semijax.engine.lanes.loops import RULES
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.lanes.scalars import Complex


class Program:
    """function(given, carrier, scalars) of one carrier -> tree, for many carriers at once.

    given: what all carriers share, any tree of arrays; computed with once, outside the loop that calls the program. carrier: a
    tree of arrays whose last axis is lanes. scalars: a tree of numbers that change from call to call (the time). Build it where
    `given` is at hand, then call it inside the loop. `vmapped` names the primitives that had to stay vmapped calls. Raises
    Unsupported for a function with side effects.
    """

    def __init__(self, function, given, carrier, scalars):
        one = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[:-1], x.dtype), carrier)
        numbers = jax.tree.map(lambda x: jax.ShapeDtypeStruct((), x.dtype), scalars)
        closed, shape = jax.make_jaxpr(function, return_shape=True)(given, one, numbers)
        if closed.effects:
            raise Unsupported(", ".join(map(str, closed.effects)))
        self.graph = Graph()
        self.leaves, self.tree = jax.tree.flatten(one)
        self.out_tree = jax.tree.structure(shape)
        self.inputs: list[Node] = []
        rows = [self._inputs(leaf) for leaf in self.leaves]
        self.count = len(self.inputs)
        rows += [self._inputs(leaf) for leaf in jax.tree.leaves(numbers)]
        interpreter = Interpreter(self.graph, RULES)
        self.outputs = interpreter.closed(closed, [*map(shared, jax.tree.leaves(given)), *rows])
        self.vmapped = sorted(set(interpreter.noticed))
        self.order = self._live()
        self.implied = self._implications()
        self._before()

    def _inputs(self, leaf) -> np.ndarray:
        out = np.empty(leaf.shape, object)
        for position in np.ndindex(*leaf.shape):
            out[position] = node = self.graph.make("input", (), leaf.dtype, len(self.inputs))
            self.inputs.append(node)
        return out

    def _live(self) -> list[Node]:
        """The nodes the outputs need, arguments first."""
        stack = [node for out in self.outputs if not isinstance(out, Shared) for node in _reals(out)]
        live = set()
        while stack:
            node = stack.pop()
            if node.id not in live:
                live.add(node.id)
                stack.extend(node.args)
        return [node for node in self.graph.nodes if node.id in live]

    def _implications(self) -> dict[int, frozenset]:
        """Of each node, the roots whose being infinite or NaN makes it NaN anyway, so that a guard need not ask."""
        asked = {root.id for node in self.order if node.op == "guard" for root in node.args[1:]}
        implied: dict[int, frozenset] = {}
        for node in self.order:
            known = frozenset()
            if node.op in _NAN_PASSES:
                known = known.union(*(implied[a.id] for a in node.args))
            if node.op in ("sin", "cos") and node.args[0].id in asked:
                known |= {node.args[0].id}
            if node.op == "guard":
                known = implied[node.args[0].id] | {root.id for root in node.args[1:]}
            implied[node.id] = known
        return implied

    def _before(self) -> None:
        """Values that all carriers share, computed now: outside the loop."""
        self.shared: dict[int, Any] = {}
        arrays: dict[int, Any] = {}
        for node in self.order:
            if node.op == "shared":
                array, i = node.attr
                flat = arrays.setdefault(id(array), array.reshape(-1))
                self.shared[node.id] = flat[i]
            elif node.args and node.op not in ("opaque", "part") and all(a.id in self.shared or a.is_const for a in node.args):
                if all(a.is_const for a in node.args):
                    continue
                self.shared[node.id] = self._value(node, self.shared)

    # -- running --------------------------------------------------------------------------------------------------------------

    def rows(self, carrier) -> list:
        """The carrier's leaves as one [lanes] array per scalar."""
        return [
            x.reshape(-1, x.shape[-1])[i] for x in jax.tree.leaves(carrier) for i in range(int(np.prod(x.shape[:-1], dtype=int)))
        ]

    def carrier(self, rows: list):
        """The inverse of `rows`."""
        leaves, i = [], 0
        for leaf in self.leaves:
            n = int(np.prod(leaf.shape, dtype=int))
            leaves.append(jnp.stack(rows[i : i + n]).reshape(*leaf.shape, -1) if leaf.shape else rows[i])
            i += n
        return jax.tree.unflatten(self.tree, leaves)

    @property
    def moving(self) -> list[int]:
        """Of a program that returns a carrier: the numbers of the rows that it changes."""
        flat = [x for out in self.outputs for x in (out.flat if not isinstance(out, Shared) else range(np.size(out.array)))]
        return [i for i, x in enumerate(flat) if x is not self.inputs[i]]

    def still(self, rows: list, moving: list[int]) -> dict[int, Any]:
        """Values that depend on rows that never change alone (a carrier's random key): computed once, before the loop."""
        values = dict(self.shared)
        fixed = set(range(self.count)) - set(moving)
        values.update((self.inputs[i].id, rows[i]) for i in fixed)
        for node in self.order:
            ready = node.args and all(a.id in values or a.is_const for a in node.args)
            if ready and node.id not in values and node.op not in ("opaque", "part"):
                values[node.id] = self._value(node, values)
        return values

    def __call__(self, rows: list, scalars, still: dict | None = None) -> list:
        """Outputs, one per leaf: (shape, list of [lanes] arrays)."""
        lanes = rows[0].shape
        values = dict(self.shared if still is None else still)
        values.update((node.id, x) for node, x in zip(self.inputs, [*rows, *jax.tree.leaves(scalars)], strict=True))
        for node in self.order:
            if node.id not in values:
                values[node.id] = self._value(node, values)
        return [self._output(out, values, lanes) for out in self.outputs]

    def tree_of(self, outputs: list):
        """The function's tree from the outputs of a call: leaves [... lanes]."""
        return jax.tree.unflatten(self.out_tree, [_joined(*output) for output in outputs])

    def _output(self, out, values, lanes):
        if isinstance(out, Shared):
            array = jnp.asarray(out.array)
            return array.shape, [jnp.broadcast_to(x, lanes) for x in array.reshape(-1)]
        flat = [self._full(x, values, lanes) for x in out.flat]
        return out.shape, flat

    def _full(self, x, values, lanes):
        if isinstance(x, Complex):
            return lax.complex(self._full(x.re, values, lanes), self._full(x.im, values, lanes))
        return jnp.broadcast_to(values[x.id], lanes)

    def _value(self, node: Node, values):
        if node.is_const:
            return node.attr
        if node.op == "guard":
            return self._guarded(node, values)
        if node.op == "opaque":
            return self._called(node, values)
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

    def _guarded(self, node: Node, values):
        value, roots = values.get(node.args[0].id, node.args[0].attr), node.args[1:]
        known = self.implied[node.args[0].id]
        for root in roots:
            if root.id not in known:
                x = values[root.id]
                zero = (x - x).astype(node.dtype) if x.dtype.kind == "f" else None
                value = value if zero is None else jnp.add(value, zero)
        return jnp.asarray(value, node.dtype)

    def _called(self, node: Node, values):
        """A vmapped call: inputs stacked into [... lanes], outputs [... lanes]."""
        call: Opaque = node.attr
        arguments, axes = [], []
        for x in call.inputs:
            array = x.array if isinstance(x, Shared) else self._stacked(x, values)
            batched = not isinstance(x, Shared) and array.ndim > x.ndim
            arguments.append(array)
            axes.append(-1 if batched else None)
        if all(axis is None for axis in axes):
            return call.function(*arguments)
        return jax.vmap(call.function, in_axes=tuple(axes), out_axes=-1)(*arguments)

    def _stacked(self, x: np.ndarray, values):
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


def _joined(shape, flat):
    """Leaves [... lanes] from the rows of one output."""
    return jnp.stack(flat).reshape(*shape, *flat[0].shape) if shape else flat[0]


def _alike(values: list) -> list:
    """The values with scalars spread over the lanes that any of them has."""
    shapes = {np.shape(v) for v in values}
    if len(shapes) == 1:
        return [jnp.asarray(v) if isinstance(v, (np.generic, np.ndarray)) else v for v in values]
    (lanes,) = shapes - {()}
    return [v if np.shape(v) == lanes else lax.broadcast(jnp.asarray(v), lanes) for v in values]


def _reals(out: np.ndarray):
    for x in out.flat:
        yield from (x.re, x.im) if isinstance(x, Complex) else (x,)


_TRIG = {"sin": trig.sin, "cos": trig.cos}
_NAN_PASSES = set("add sub mul div neg sin cos exp log sqrt tan tanh abs log1p expm1 max min".split())
_FUNCTIONS = {
    name: getattr(lax, name) for name in "add sub mul div neg max min lt le gt ge eq ne select_n sqrt exp log pow".split()
}
_FUNCTIONS |= {"and": lax.bitwise_and, "or": lax.bitwise_or, "xor": lax.bitwise_xor, "not": lax.bitwise_not}
_PRIMITIVES = {p.name: p for p in vars(core.primitives).values() if isinstance(p, core.Primitive)}
