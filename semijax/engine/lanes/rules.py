"""What each primitive of JAX means for arrays of scalars: rule(interpreter, equation, inputs) -> outputs."""

import numpy as np

from semijax.engine.lanes import lookups, movement
from semijax.engine.lanes.interpret import Interpreter, Shared
from semijax.engine.lanes.movement import Unsupported, wrapped
from semijax.engine.lanes.scalars import BINARY, UNARY, Complex

RULES = {}


def rule(*names):
    """Registers what follows for the primitives of these names."""

    def register(function):
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def _attributes(eqn) -> tuple:
    """The equation's parameters as a hashable attribute of a node."""
    return tuple(sorted(eqn.params.items(), key=lambda item: item[0]))


# -- element by element -----------------------------------------------------------------------------------------------------


@rule(*UNARY, "neg", "conj")
def _unary(it: Interpreter, eqn, inputs):
    name, dtype, attr = eqn.primitive.name, eqn.outvars[0].aval.dtype, _attributes(eqn)
    return [it.map(lambda a: it.scalars.unary(name, a, dtype, attr), inputs[0])]


@rule(*BINARY)
def _binary(it: Interpreter, eqn, inputs):
    name, dtype, attr = eqn.primitive.name, eqn.outvars[0].aval.dtype, _attributes(eqn)
    return [it.map(lambda a, b: it.scalars.binary(name, a, b, dtype, attr), *inputs)]


@rule("add", "add_any", "sub", "mul", "div")
def _arithmetic(it: Interpreter, eqn, inputs):
    name = "add" if eqn.primitive.name == "add_any" else str(eqn.primitive.name)
    out = eqn.outvars[0].aval.dtype
    if any(v.aval.dtype != out for v in eqn.invars):
        raise Unsupported("mixed dtypes")
    return [it.map(getattr(it.scalars, name), *inputs)]


@rule("integer_pow")
def _integer_pow(it: Interpreter, eqn, inputs):
    return [it.map(lambda a: it.scalars.power(a, eqn.params["y"]), inputs[0])]


@rule("pow")
def _pow(it: Interpreter, eqn, inputs):
    dtype, attr = eqn.outvars[0].aval.dtype, _attributes(eqn)

    def power(a, b):
        exponent = 0.5 if isinstance(b, Complex) or not b.is_const else float(b.attr)
        if exponent.is_integer() and abs(exponent) <= 16:
            return it.scalars.power(a, int(exponent))
        return it.scalars.binary("pow", a, b, dtype, attr)

    return [it.map(power, *inputs)]


@rule("real", "imag", "complex")
def _parts(it: Interpreter, eqn, inputs):
    rules = {"real": lambda a: a.re, "imag": lambda a: a.im, "complex": Complex}
    return [it.map(rules[eqn.primitive.name], *inputs)]


@rule("convert_element_type")
def _convert(it: Interpreter, eqn, inputs):
    return [it.map(lambda a: it.scalars.convert(a, eqn.params["new_dtype"]), inputs[0])]


@rule("select_n")
def _select(it: Interpreter, eqn, inputs):
    return [it.map(it.scalars.select, *inputs)]


@rule("clamp")
def _clamp(it: Interpreter, eqn, inputs):
    dtype = eqn.outvars[0].aval.dtype

    def clamped(low, x, high):
        return it.scalars.binary("min", it.scalars.binary("max", x, low, dtype), high, dtype)

    return [it.map(clamped, *inputs)]


@rule("stop_gradient", "optimization_barrier", "copy", "sharding_constraint")
def _as_is(it: Interpreter, eqn, inputs):
    return list(inputs)


# -- data movement ----------------------------------------------------------------------------------------------------------


@rule("broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose", "rev", "slice")
def _moved(it: Interpreter, eqn, inputs):
    if len(inputs) > 1:
        raise Unsupported("dynamic shape")
    x, p = it.nodes(inputs[0]), eqn.params
    shape = eqn.outvars[0].aval.shape
    name = eqn.primitive.name
    if name in ("reshape", "squeeze", "expand_dims"):
        return [x.reshape(shape)]
    if name == "transpose":
        return [np.transpose(x, p["permutation"])]
    if name == "rev":
        return [np.flip(x, p["dimensions"])]
    return [{"broadcast_in_dim": movement.broadcast_in_dim, "slice": movement.sliced}[name](x, p)]


@rule("concatenate")
def _concatenate(it: Interpreter, eqn, inputs):
    return [np.concatenate([it.nodes(x) for x in inputs], axis=eqn.params["dimension"])]


@rule("stack")
def _stack(it: Interpreter, eqn, inputs):
    return [np.stack([it.nodes(x) for x in inputs], axis=eqn.params["axis"])]


@rule("split")
def _split(it: Interpreter, eqn, inputs):
    return movement.split(it.nodes(inputs[0]), eqn.params)


@rule("unstack")
def _unstack(it: Interpreter, eqn, inputs):
    return movement.unstack(it.nodes(inputs[0]), eqn.params)


@rule("pad")
def _pad(it: Interpreter, eqn, inputs):
    return [movement.pad(it.nodes(inputs[0]), it.nodes(inputs[1])[()], eqn.params)]


@rule("iota")
def _iota(it: Interpreter, eqn, inputs):
    p = eqn.params
    along = [1] * len(p["shape"])
    along[p["dimension"]] = -1
    line = np.arange(p["shape"][p["dimension"]]).astype(p["dtype"]).reshape(along)
    return [Shared(np.array(np.broadcast_to(line, p["shape"])))]


@rule("gather")
def _gather(it: Interpreter, eqn, inputs):
    if it.scalar and isinstance(inputs[0], Shared) and not isinstance(inputs[1], Shared):
        return [lookups.gathered(it, inputs[0], inputs[1], eqn)]
    indices, dtype = it.known(inputs[1]), eqn.outvars[0].aval.dtype
    fill = eqn.params["fill_value"]
    if fill is None:
        fill = np.nan if np.dtype(dtype).kind in "fc" else np.iinfo(dtype).min if np.dtype(dtype).kind == "i" else 0
    return [movement.gather(it.nodes(inputs[0]), indices, eqn.params, it.scalars.const(fill, dtype))]


@rule("dynamic_slice")
def _dynamic_slice(it: Interpreter, eqn, inputs):
    if it.scalar and isinstance(inputs[0], Shared) and not all(isinstance(s, Shared) for s in inputs[1:]):
        return [lookups.sliced(it, inputs[0], inputs[1:], eqn)]
    x, sizes = it.nodes(inputs[0]), eqn.params["slice_sizes"]
    start = [min(max(int(it.known(s)), 0), n - size) for s, n, size in zip(inputs[1:], x.shape, sizes)]
    return [x[tuple(slice(s, s + size) for s, size in zip(start, sizes))]]


@rule("dynamic_update_slice")
def _dynamic_update_slice(it: Interpreter, eqn, inputs):
    x, new = np.array(it.nodes(inputs[0])), it.nodes(inputs[1])
    start = [min(max(int(it.known(s)), 0), n - size) for s, n, size in zip(inputs[2:], x.shape, new.shape)]
    x[tuple(slice(s, s + size) for s, size in zip(start, new.shape))] = new
    return [x]


@rule("scatter", "scatter-add", "scatter_add")
def _scatter(it: Interpreter, eqn, inputs):
    x, new = np.array(it.nodes(inputs[0])), it.nodes(inputs[2])
    adds = "add" in eqn.primitive.name
    for place, source in movement.scatter_places(x.shape, it.known(inputs[1]), new, eqn.params):
        x[place] = it.scalars.add(x[place], new[source]) if adds else new[source]
    return [x]


# -- sums, products, extremes -----------------------------------------------------------------------------------------------


def _combiner(it: Interpreter, name: str, dtype):
    """(function of two scalars, value of nothing) of a reduction."""
    bottom, top = (-np.inf, np.inf) if np.dtype(dtype).kind == "f" else (0, 0)
    functions = {
        "sum": (it.scalars.add, 0),
        "prod": (it.scalars.mul, 1),
        "max": (lambda a, b: it.scalars.binary("max", a, b, dtype), bottom),
        "min": (lambda a, b: it.scalars.binary("min", a, b, dtype), top),
        "and": (lambda a, b: it.scalars.binary("and", a, b, dtype), 1),
        "or": (lambda a, b: it.scalars.binary("or", a, b, dtype), 0),
    }
    function, empty = functions[name]
    return function, it.scalars.const(empty, dtype)


@rule(*(f"reduce_{name}" for name in ("sum", "prod", "max", "min", "and", "or")))
def _reduce(it: Interpreter, eqn, inputs):
    function, empty = _combiner(it, eqn.primitive.name[7:], eqn.outvars[0].aval.dtype)
    return [movement.reduced(it.nodes(inputs[0]), eqn.params["axes"], function, empty)]


@rule("cumsum", "cumprod", "cummax", "cummin")
def _cumulative(it: Interpreter, eqn, inputs):
    function, _ = _combiner(it, eqn.primitive.name[3:], eqn.outvars[0].aval.dtype)
    x = np.array(np.moveaxis(it.nodes(inputs[0]), eqn.params["axis"], 0))
    x = x[::-1].copy() if eqn.params["reverse"] else x
    for i in range(1, len(x)):
        x[i] = it.map(function, wrapped(x[i - 1]), wrapped(x[i])) if x.ndim > 1 else function(x[i - 1], x[i])
    return [np.moveaxis(x[::-1] if eqn.params["reverse"] else x, 0, eqn.params["axis"])]


@rule("argmax", "argmin")
def _arg(it: Interpreter, eqn, inputs):
    (axis,), kind = eqn.params["axes"], eqn.params["index_dtype"]
    x = np.moveaxis(it.nodes(inputs[0]), axis, 0)
    out = np.empty(x.shape[1:], object)
    better = "gt" if eqn.primitive.name == "argmax" else "lt"
    binary, select = it.scalars.binary, it.scalars.select
    for position in np.ndindex(*out.shape):
        best, index = x[(0, *position)], it.scalars.const(0, kind)
        for j in range(1, len(x)):
            one = x[(j, *position)]
            nan = binary("and", binary("ne", one, one, bool), binary("eq", best, best, bool), bool)
            more = binary("or", binary(better, one, best, bool), nan, bool)
            best, index = select(more, best, one), select(more, index, it.scalars.const(j, kind))
        out[position] = index
    return [out]


@rule("dot_general")
def _dot_general(it: Interpreter, eqn, inputs):
    dtype = eqn.outvars[0].aval.dtype
    a, b = (it.map(lambda x: it.scalars.convert(x, dtype), x) for x in inputs)
    if a.size * b.size > 1 << 16:
        raise Unsupported("large product")
    return [movement.dotted(a, b, eqn.params, it.scalars.mul, it.scalars.add, it.scalars.const(0, dtype))]
