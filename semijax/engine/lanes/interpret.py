"""A jaxpr read as scalars: what is the same for all carriers stays ordinary JAX, what differs becomes nodes of the lane program."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import Literal

from semijax.engine.lanes.graph import Graph, Node
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.lanes.scalars import Complex, Scalars

LARGEST = 1024  # elements of a shared array that may become scalars; a larger one is a table
LONGEST = 20_000  # equations that a loop may unroll to


@dataclass(frozen=True, eq=False)
class Shared:
    """An array that is the same for all carriers; concrete (NumPy) where its numbers are known while tracing."""

    array: Any

    @property
    def concrete(self) -> bool:
        return isinstance(self.array, np.ndarray)


@dataclass(frozen=True)
class Routine:
    """What a kernel of a processor may do in place of a call: a routine of its own, with loops (`llvm.routine`). outputs: of each its shape
    and whether it is complex; all of one real dtype.
    """

    name: str
    params: tuple
    dtype: np.dtype
    outputs: tuple[tuple[tuple[int, ...], bool], ...]

    @property
    def count(self) -> int:
        """Real numbers in all."""
        return sum(math.prod(shape) * (1 + pairs) for shape, pairs in self.outputs)

    def place(self, i: int, position: tuple[int, ...], half: str | None) -> int:
        """Where among them one of output i is."""
        before = sum(math.prod(shape) * (1 + pairs) for shape, pairs in self.outputs[:i])
        shape, pairs = self.outputs[i]
        return before + int(np.ravel_multi_index(position, shape)) * (1 + pairs) + (half == "imag") if shape else before


@dataclass(frozen=True, eq=False)
class Opaque:
    """A call that stays vmapped: function of inputs, each an array of nodes, or a "table" node for what all carriers share."""

    function: Any
    inputs: tuple
    routine: Routine | None = None


# Left as vmapped calls by design, which costs nothing: tables, and functions with derivative or batching rules of their own.
QUIET = {"gather", "dynamic_slice", "custom_jvp_call", "custom_vjp_call", "custom_vmap_call", "lt_to", "le_to"}


class Interpreter:
    """Walks equations by rules: name of a primitive -> rule(interpreter, equation, inputs) -> outputs.

    scalar: for a kernel, which has words for numbers of a table and takes functions with a derivative or batching rule of their
    own carrier by carrier. `noticed` collects the primitives that had to stay vmapped.
    """

    def __init__(self, graph: Graph, rules: dict, scalar: bool = False):
        self.graph, self.scalars, self.rules, self.scalar = graph, Scalars(graph), rules, scalar
        # Nothing differentiates or batches a kernel, so that there a function is what it computes; lanes keep its rules.
        own = {"custom_vmap_call": ("call",), "custom_jvp_call": ("call_jaxpr",)}
        self.inlined = INLINE | (own if scalar else {})
        self.noticed: list[str] = []
        self.done: dict[Any, tuple] = {}  # equations of what all carriers share
        self.halves: dict[int, tuple] = {}  # of complex arrays that all carriers share

    def run(self, jaxpr, consts, inputs: list) -> list:
        """Values (arrays of nodes, or Shared) of the outputs of a jaxpr."""
        values = {}

        def read(atom):
            return Shared(np.asarray(atom.val, dtype_of(atom))) if isinstance(atom, Literal) else values[atom]

        for var, const in zip(jaxpr.constvars, consts):
            values[var] = shared(const)
        values.update(zip(jaxpr.invars, inputs))
        for eqn in jaxpr.eqns:
            for var, value in zip(eqn.outvars, self.equation(eqn, [read(atom) for atom in eqn.invars]), strict=True):
                values[var] = value
        return [read(atom) for atom in jaxpr.outvars]

    def closed(self, closed, inputs: list) -> list:
        """As `run`, of a closed or an open jaxpr."""
        return self.run(closed.jaxpr if hasattr(closed, "jaxpr") else closed, getattr(closed, "consts", ()), inputs)

    def equation(self, eqn, inputs: list) -> list:
        alike = all(isinstance(x, Shared) for x in inputs)
        rule = self.rules.get(eqn.primitive.name)
        inline = eqn.primitive.name in self.inlined
        if alike and not inline and not all(x.concrete for x in inputs):
            return self._as_it_is(eqn, inputs)
        if rule is None and not inline:
            return self._as_it_is(eqn, inputs) if alike else self.opaque(eqn, inputs)
        mark = len(self.noticed)
        try:
            if inline:
                return self.closed(next(eqn.params[key] for key in self.inlined[eqn.primitive.name] if key in eqn.params), inputs)
            assert rule is not None
            return [settled(out) for out in rule(self, eqn, inputs)]
        except Unsupported:
            del self.noticed[mark:]
            return self._as_it_is(eqn, inputs) if alike else self.opaque(eqn, inputs)

    def _as_it_is(self, eqn, inputs: list) -> list:
        """The same equation of the same arrays once: a scheme's stages each ask for the parameters again."""
        arrays = [x.array for x in inputs]
        # Known numbers are new arrays each time. The arrays are kept so that no other gets their id.
        names = tuple((x.dtype, x.shape, x.tobytes()) if isinstance(x, np.ndarray) else id(x) for x in arrays)
        key = (eqn.primitive, tuple(eqn.params.items()), names)
        try:
            if key not in self.done:
                self.done[key] = arrays, _call(eqn)(*arrays)
            outs = self.done[key][1]
        except TypeError:  # parameters that cannot be compared
            outs = _call(eqn)(*arrays)
        return [Shared(out) for out in outs]

    def opaque(self, eqn, inputs: list, routine: Routine | None = None) -> list:
        """The equation as a vmapped call, its outputs as nodes. One with a routine is one node wherever it has the same inputs."""
        elementwise = all(v.aval.shape == () for v in (*eqn.invars, *eqn.outvars))
        if eqn.primitive.name not in QUIET and not elementwise and routine is None:
            self.noticed.append(eqn.primitive.name)
        inputs = [self.table(x) if isinstance(x, Shared) else x for x in inputs]
        call = Opaque(_call(eqn), tuple(inputs), routine)
        flat = tuple(_flat_nodes(inputs))
        node = self.graph.make("opaque", flat, np.float32, call, id(call) if routine is None else routine)
        return [self._parts(node, i, var.aval) for i, var in enumerate(eqn.outvars)]

    def table(self, x: Shared) -> Node:
        """An array that all carriers share, as a whole."""
        return self.graph.make("table", (), np.float32, x.array, id(x.array))

    def _parts(self, node, i: int, aval) -> np.ndarray:
        out = np.empty(aval.shape, object)
        for position in np.ndindex(*aval.shape):
            if np.dtype(aval.dtype).kind == "c":
                real = np.dtype("float32" if aval.dtype == np.complex64 else "float64")
                halves = (self.graph.make("part", (node,), real, (i, position, part)) for part in ("real", "imag"))
                out[position] = Complex(*halves)
            else:
                out[position] = self.graph.make("part", (node,), aval.dtype, (i, position, None))
        return out

    def nodes(self, value) -> np.ndarray:
        """The value as an array of nodes; raises Unsupported for a shared array too large to be scalars."""
        if not isinstance(value, Shared):
            return value
        shape = np.shape(value.array)
        if value.concrete:
            if value.array.size > LARGEST:
                raise Unsupported("table")
            out = np.empty(shape, object)
            for position in np.ndindex(*shape):
                out[position] = self.scalars.const(value.array[position], value.array.dtype)
            return out
        if value.array.size > LARGEST:
            raise Unsupported("table")
        if value.array.dtype.kind == "c":
            return self._pairs(value.array)
        if jnp.issubdtype(value.array.dtype, jax.dtypes.prng_key):
            raise Unsupported("random keys")
        out = np.empty(shape, object)
        for i, position in enumerate(np.ndindex(*shape)):
            array = value.array
            out[position] = self.graph.make("shared", (), array.dtype, (array, i), (id(array), i))
        return out

    def _pairs(self, array) -> np.ndarray:
        """A complex array that all carriers share as pairs, its two halves made once."""
        if id(array) not in self.halves:
            self.halves[id(array)] = array, Shared(jnp.real(array)), Shared(jnp.imag(array))
        _, *halves = self.halves[id(array)]
        return self.map(Complex, *halves)

    def known(self, value) -> np.ndarray:
        """The numbers of a value known while tracing; raises Unsupported for any other."""
        value = settled(value) if not isinstance(value, Shared) else value
        if isinstance(value, Shared) and value.concrete:
            return value.array
        raise Unsupported("computed index")

    def map(self, function, *values) -> np.ndarray:
        """The function of scalars, element by element."""
        arrays = np.broadcast_arrays(*(self.nodes(v) for v in values))
        out = np.empty(arrays[0].shape, object)
        for position in np.ndindex(*out.shape):
            out[position] = function(*(a[position] for a in arrays))
        return out


INLINE = {
    "jit": ("jaxpr",),
    "pjit": ("jaxpr",),
    "closed_call": ("call_jaxpr", "jaxpr"),
    "core_call": ("call_jaxpr",),
    "remat2": ("jaxpr",),
    "remat": ("jaxpr",),
    "checkpoint": ("jaxpr",),
}


def shared(x) -> Shared:
    """An array that is the same for all carriers, as NumPy where its numbers are known."""
    if isinstance(x, Tracer) or (hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jax.dtypes.extended)):
        return Shared(x)
    return Shared(np.asarray(x))


def dtype_of(atom) -> np.dtype:
    """The dtype of a variable or literal of a jaxpr."""
    return np.dtype(atom.aval.dtype)


def _call(eqn):
    def call(*arguments):
        outs = eqn.primitive.bind(*arguments, **eqn.primitive.get_bind_params(eqn.params))
        return list(outs) if eqn.primitive.multiple_results else [outs]

    return call


def settled(value):
    """An array of constants as a known Shared, anything else as it is."""
    if isinstance(value, Shared) or not value.size or not all(x.is_const for x in value.flat):
        return value
    flat = [x.attr for x in value.flat]
    return Shared(np.array(flat, next(iter(value.flat)).dtype).reshape(value.shape))


def _flat_nodes(inputs):
    for value in inputs:
        for x in [value] if isinstance(value, Node) else value.flat:
            yield from (x.re, x.im) if isinstance(x, Complex) else (x,)
