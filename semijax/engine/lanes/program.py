"""A function of one carrier as a straight-line program over lanes: traced once, then plain elementwise JAX on [lanes] arrays."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from semijax.engine.lanes.eigen import RULES, refuse_large
from semijax.engine.lanes.evaluate import called, value
from semijax.engine.lanes.graph import Graph, Node
from semijax.engine.lanes.interpret import Interpreter, Shared, shared
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.lanes.rows import Row, needed, planned, written
from semijax.engine.lanes.scalars import Complex
from semijax.engine.lanes.scales import Scales, mapped
from semijax.engine.lanes.small import fits


class Program:
    """function(given, carrier, scalars) of one carrier -> tree, for many carriers at once.

    given: what all carriers share, any tree of arrays; computed with once, outside the loop that calls the program. carrier: a
    tree of arrays whose last axis is lanes. scalars: a tree of numbers that change from call to call (the time); what depends on
    them alone is computed by `clock`, for all calls of a loop together. Build it where `given` is at hand, then call it inside the
    loop. scalar: for a kernel, see `Interpreter`. `vmapped` names the primitives that had to stay vmapped calls. Raises
    Unsupported for a function with side effects or a large eigenvalue problem.
    """

    def __init__(self, function, given, carrier, scalars, scalar: bool = False):
        one = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[:-1], x.dtype), carrier)
        numbers = jax.tree.map(lambda x: jax.ShapeDtypeStruct((), x.dtype), scalars)
        closed, shape = jax.make_jaxpr(function, return_shape=True)(given, one, numbers)
        if closed.effects:
            raise Unsupported(", ".join(map(str, closed.effects)))
        refuse_large(closed.jaxpr)
        self.graph = Graph()
        self.out_tree = jax.tree.structure(shape)
        self.inputs: list[Node] = []
        rows = [self._inputs(leaf) for leaf in jax.tree.leaves(one)]
        self.count = len(self.inputs)
        rows += [self._inputs(leaf) for leaf in jax.tree.leaves(numbers)]
        interpreter = Interpreter(self.graph, RULES, scalar)
        found = interpreter.closed(closed, [*map(shared, jax.tree.leaves(given)), *rows])
        self.outputs = [x if not isinstance(x, Shared) or x.concrete else interpreter.nodes(x) for x in found]
        self.vmapped = sorted(set(interpreter.noticed))
        self._scale()
        self.graph.share_quotients(self._live())
        self.order = self._live()
        self.implied = self._implications()
        self._before()
        self._ticking = self._depends_on_scalars_alone()
        read = {a.id for node in self.order if node.id not in self._ticking for a in node.args} | {n.id for n in self._wanted()}
        self.ticks = [node for node in self.order if node.id in self._ticking & read and node.op != "opaque"]

    def _inputs(self, leaf) -> np.ndarray:
        out = np.empty(leaf.shape, object)
        for position in np.ndindex(*leaf.shape):
            out[position] = node = self.graph.make("input", (), leaf.dtype, len(self.inputs))
            self.inputs.append(node)
        return out

    def _wanted(self) -> list[Node]:
        return [node for out in self.outputs if not isinstance(out, Shared) for node in _reals(out)]

    def _live(self) -> list[Node]:
        """The nodes the outputs need, arguments first."""
        stack = self._wanted()
        live = set()
        while stack:
            node = stack.pop()
            if node.id not in live:
                live.add(node.id)
                stack.extend(node.args)
        return [node for node in self.graph.nodes if node.id in live]

    def _scale(self) -> None:
        """Moves factors that all carriers share to where they cost least."""
        order = self._live()
        uniform = {node.id for node in order if node.op in ("shared", "const")} | {node.id for node in self.inputs[self.count :]}
        for node in order:
            if node.args and node.op not in ("opaque", "part") and all(a.id in uniform for a in node.args):
                uniform.add(node.id)
        scales = Scales(self.graph, order, uniform)
        self.outputs = [out if isinstance(out, Shared) else mapped(scales.of, out) for out in self.outputs]

    def _implications(self) -> dict[int, frozenset]:
        """Of each node, the roots whose being infinite or NaN makes it NaN anyway, so that a guard need not ask."""
        asked = {root.id for node in self.order if node.op == "guard" for root in node.args[1:]}
        implied: dict[int, frozenset] = {}
        for node in self.order:
            known = frozenset()
            if node.op in _NAN_PASSES:
                known = known.union(*(implied[a.id] for a in node.args))
            if node.op in ("sin", "cos", "sinpi", "cospi") and node.args[0].id in asked:
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
            if node.op == "table":
                self.shared[node.id] = node.attr
            elif node.op == "shared":
                array, i = node.attr
                flat = arrays.setdefault(id(array), array.reshape(-1))
                self.shared[node.id] = flat[i]
            elif node.args and node.op not in ("opaque", "part") and all(a.id in self.shared or a.is_const for a in node.args):
                if all(a.is_const for a in node.args):
                    continue
                self.shared[node.id] = value(node, self.shared, self.implied)

    def _depends_on_scalars_alone(self) -> set[int]:
        ticking = {node.id for node in self.inputs[self.count :]}
        for node in self.order:
            if any(a.id in ticking for a in node.args) and all(
                a.id in ticking or a.id in self.shared or a.is_const for a in node.args
            ):
                ticking.add(node.id)
        return ticking

    # -- running --------------------------------------------------------------------------------------------------------------

    @staticmethod
    def rows(carrier) -> list:
        """The carrier's leaves as one [lanes] array per scalar."""
        return [
            x.reshape(-1, x.shape[-1])[i] for x in jax.tree.leaves(carrier) for i in range(int(np.prod(x.shape[:-1], dtype=int)))
        ]

    def small(self, lanes: int) -> bool:
        """Whether the program over so many lanes can be one piece of machine code: no vmapped call needs a kernel of its own."""

        def values(node):
            lanewise = {a.id: jax.ShapeDtypeStruct((lanes,), a.dtype) for a in node.args if not a.is_const and a.op != "table"}
            return lanewise | {a.id: a.attr for a in node.args if a.op == "table"}

        calls = [node for node in self.order if node.op == "opaque" and node.id not in self._ticking]
        return all(fits(partial(called, node), values(node)) for node in calls)

    @property
    def moving(self) -> list[int]:
        """Of a program that returns a carrier: the numbers of the rows that it changes."""
        flat = [x for out in self.outputs for x in (out.flat if not isinstance(out, Shared) else range(np.size(out.array)))]
        return [i for i, x in enumerate(flat) if x is not self.inputs[i]]

    @property
    def read(self) -> list[int]:
        """Of a program that returns a carrier: the numbers of the rows that it reads."""
        used = {a.id for node in self.order for a in node.args} | {node.id for node in self.moved_nodes()}
        return [i for i in range(self.count) if self.inputs[i].id in used]

    def still(self, fixed: dict[int, Any], shared: dict, *, apart: bool = False, most: float = math.inf) -> dict[int, Any]:
        """Values of every lane that no step changes and `moved` reads (a carrier's random key), from rows that stay as they are, by
        number: computed once, before the loop.
        """
        values = shared | {self.inputs[i].id: row for i, row in fixed.items()}
        given, ready = set(values), set(values)
        for node in self.order:
            if node.args and node.op not in ("opaque", "part") and all(a.id in ready or a.is_const for a in node.args):
                ready.add(node.id)
        read = {a.id for node in self.order if node.id not in ready for a in node.args} | {n.id for n in self.moved_nodes()}
        self._run(values, [node for node in self.order if node.id in ready & read - given], apart, most)
        return {i: values[i] for i in ready & read - set(shared)} | shared

    def needed(self) -> dict[int, Any]:
        """Values and tables that all lanes share and a call reads."""
        ready = self._ticking | set(self.shared)
        read = {a.id for node in self.order if node.id not in ready for a in node.args} | {n.id for n in self._wanted()}
        return {i: x for i, x in self.shared.items() if i in read}

    def clock(self, scalars) -> list:
        """Values that depend on the scalars alone and a call reads, in the order of `ticks`. scalars: leaves [...] of one shape: of
        one call, or of many.
        """
        values = self.shared | {node.id: x for node, x in zip(self.inputs[self.count :], jax.tree.leaves(scalars), strict=True)}
        self._run(values, self.ticks, False, math.inf)
        return [values[node.id] for node in self.ticks]

    def reads(self, number: int) -> bool:
        """Whether this row is read."""
        node = self.inputs[number]
        return any(node in other.args for other in self.order) or node in self._wanted()

    def moved(
        self, rows: dict[int, Any], clock: list, still: dict, *, apart: bool = False, most: float = math.inf
    ) -> dict[int, Any]:
        """Of a program that returns a carrier: the rows that it changes, from the rows as they were, by number. clock, still: see
        there. apart, most: as rows, see `planned`.
        """
        lanes = next(iter(rows.values())).shape
        values = still | {self.inputs[i].id: row for i, row in rows.items()}
        values |= {node.id: x for node, x in zip(self.ticks, clock, strict=True)}
        self._run(values, self.moved_nodes(), apart, most)
        return {i: self._full(node, values, lanes) for i, node in zip(self.moving, self.moved_nodes(), strict=True)}

    def moved_nodes(self) -> list[Node]:
        """Of a program that returns a carrier: the values of the rows that it changes, in the order of `moving`."""
        flat = self._wanted()
        return [flat[i] for i in self.moving]

    def __call__(
        self, rows: list, clock: list, shared: dict | None = None, *, apart: bool = False, most: float = math.inf
    ) -> list:
        """Outputs, one per leaf: (shape, list of [lanes] arrays). rows: may be None where they are not read. clock: see there. shared:
        what `needed` returned, where a call must not reach outside. apart, most: as rows, see `planned`.
        """
        values = dict(self.shared if shared is None else shared)
        values |= {node.id: x for node, x in zip(self.inputs, rows)} | {
            node.id: x for node, x in zip(self.ticks, clock, strict=True)
        }
        self._run(values, self._wanted(), apart, most)
        lanes = next(row.shape for row in rows if row is not None)
        return [self._output(out, values, lanes) for out in self.outputs]

    def _run(self, values: dict, wanted: list[Node], apart: bool, most: float) -> None:
        """Adds what is wanted to the values."""
        pieces = planned(self.order, wanted, set(values), most) if apart else needed(self.order, wanted, set(values))
        for piece in pieces:
            if isinstance(piece, Row):
                values[piece.root.id] = written(partial(self._row, piece))(*(values[n.id] for n in piece.reads))
            else:
                values[piece.id] = value(piece, values, self.implied)

    def _row(self, row, *reads):
        values = {node.id: x for node, x in zip(row.reads, reads, strict=True)}
        for node in row.nodes:
            values[node.id] = value(node, values, self.implied)
        return values[row.root.id]

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
        return jnp.broadcast_to(jnp.asarray(x.attr) if x.is_const else values[x.id], lanes)


def _joined(shape, flat):
    """Leaves [... lanes] from the rows of one output."""
    return jnp.stack(flat).reshape(*shape, *flat[0].shape) if shape else flat[0]


def _reals(out: np.ndarray):
    for x in out.flat:
        yield from (x.re, x.im) if isinstance(x, Complex) else (x,)


_NAN_PASSES = set("add sub mul div neg sin cos sinpi cospi exp log sqrt tan tanh abs log1p expm1 max min".split())
