"""Machine code of a CPU from lane programs: the same numbers as lanes, the same certificate, functions as exact as they say."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_kernels import RUNS, alike, run
from test_lanes import CARRIERS, FUNCTIONS, MATRIX, TIME

from semijax.engine.kernels.parts import numbers, packed
from semijax.engine.lanes import Program, Unsupported, trig
from semijax.engine.llvm import call, functions, machine
from semijax.engine.llvm.body import Body
from semijax.engine.llvm.code import Code
from semijax.engine.over import Engine

KERNELS, LANES = Engine(True, "cpu", True), Engine(True, "cpu")


def elementwise(count, out, write, lanes=8, fused=True):
    """A jitted function of `count` arrays [n], n a multiple of lanes; write(code, vectors) -> names of the results, of dtypes `out`."""

    def source(dtypes):
        code = Code(lanes, fused)
        with call.handled(code, machine.NAME, count, len(out)) as (given, returned, n), code.loop(n, step=lanes) as (at, _, _):
            found = write(code, [code.load(d, x, at) for d, x in zip(dtypes, given, strict=True)])
            for d, x, array in zip(out, found, returned, strict=True):
                code.store(d, x, array, at)
        return "\n".join([*sorted(code.declared), *code.lines]) + "\n"

    def run(*arrays):
        name = machine.registered(source([x.dtype for x in arrays]))
        shapes = [jax.ShapeDtypeStruct(arrays[0].shape, d) for d in out]
        return jax.jit(jax.ffi.ffi_call(name, shapes))(*arrays)

    return run


# -- what people write ------------------------------------------------------------------------------------------------------

# What has no instructions: calls that stay vmapped, tables, functions of which a processor and we have none.
UNSAID = {"argmax", "complex", "eigenvalues", "sort", "while", "table", "computed index", "own derivative rules"}
UNSAID |= {"powers", "inverse functions", "angle", "hyperbolic"}


def of_program(program, rows):
    """All numbers of a program for every lane."""
    wanted = numbers(program)
    pack, clock = packed(program), program.clock(TIME)
    dtypes = [x.dtype for x in wanted]
    n = -(-rows[0].shape[0] // 8) * 8
    # what all lanes share travels as rows of equal numbers
    shared = [jnp.full(n, x) for x in pack.unpacked().values()]
    ids = list(pack.unpacked())

    def write(code, given):
        known = {node.id: x for node, x in zip(program.inputs[: program.count], given)}
        known |= dict(zip([*ids, *(tick.id for tick in program.ticks)], given[program.count :], strict=True))
        return Body(program, {}, {}).of(code, wanted, known)

    padded = [jnp.concatenate([x, jnp.broadcast_to(x[-1:], n - len(x))]) for x in rows]
    arrays = [*padded, *shared, *(jnp.full(n, x) for x in clock)]
    return [x[: rows[0].shape[0]] for x in elementwise(len(arrays), dtypes, write)(*arrays)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_people_write_is_the_same_in_machine_code(name):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        program = Program(FUNCTIONS[name], MATRIX, CARRIERS, TIME)
    rows = [jnp.asarray(x) for x in Program.rows(CARRIERS)]
    try:
        if packed(program).tables:
            raise Unsupported("a table")
        found = of_program(program, rows)
    except Unsupported as error:
        print(name, error)
        assert name in UNSAID
        return
    assert name not in UNSAID
    wanted = [row for _, own in program(rows, program.clock(TIME)) for row in own]
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * max(1.0, np.abs(b).max()))


# -- functions --------------------------------------------------------------------------------------------------------------

CODES = [(8, True), (4, False)]


def evaluated(function, x, lanes=8, fused=True):
    x = np.concatenate([x, np.full(-len(x) % lanes, x[-1])]) if len(x) % lanes else x
    write = lambda code, given: [function(code, np.dtype(x.dtype), *given)]  # noqa: E731
    return np.asarray(elementwise(1, [x.dtype], write, lanes, fused)(x)[0])


def spread(dtype, *ranges):
    rng = np.random.default_rng(0)
    return np.concatenate([*(rng.uniform(a, b, 40_000) for a, b in ranges), np.zeros(8)]).astype(dtype)


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1.5e-7), ("float64", 3e-16)])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", ["sine", "cosine", "sinpi", "cospi"])
def test_sines_are_as_exact_as_they_say(name, code, dtype, bound):
    turns = name.endswith("pi")
    x = spread(dtype, (-1e4, 1e4), (-7.0, 7.0))
    found = evaluated(getattr(functions, name), x, *code).astype(np.longdouble)
    pi = np.longdouble("3.14159265358979323846264338327950288")
    whole = np.rint(x.astype(np.longdouble)) if turns else 0
    angle = (x.astype(np.longdouble) - whole) * pi if turns else x.astype(np.longdouble)
    exact = (np.sin if name.startswith("sin") else np.cos)(angle) * (np.where(whole % 2 == 0, 1, -1) if turns else 1)
    assert np.abs(found - exact).max() <= bound
    ends = np.array([np.nan, np.inf, -np.inf, 1e9, 1e30, -3e37, 0.0, 0.5], dtype)
    found = evaluated(getattr(functions, name), ends, *code)
    assert np.isnan(found[:3]).all()
    slack = 0 if turns else 2 * np.finfo(dtype).eps * np.abs(ends[3:])
    assert (np.abs(found[3:]) <= 1 + bound + slack).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    ("name", "ranges", "units"),
    [
        ("exp", [(-80.0, 80.0), (-1.0, 1.0)], 2),
        ("expm1", [(-80.0, 80.0), (-1.0, 1.0), (-1e-3, 1e-3)], 5),
        ("log", [(0.0, 100.0), (0.5, 2.0), (0.999, 1.001)], 2),
        ("log1p", [(-0.99, 100.0), (-0.5, 0.5), (-1e-3, 1e-3)], 5),
        ("tanh", [(-12.0, 12.0), (-0.5, 0.5), (-1e-3, 1e-3)], 8),
        ("logistic", [(-60.0, 60.0), (-1.0, 1.0)], 4),
        ("tan", [(-1.5, 1.5)], None),
    ],
)
def test_functions_are_as_exact_as_they_say(name, ranges, units, code, dtype):
    x = spread(dtype, *ranges)
    found = evaluated(getattr(functions, name), x, *code).astype(np.longdouble)
    wide = x.astype(np.longdouble)
    with np.errstate(divide="ignore"):
        exact = 1 / (1 + np.exp(-wide)) if name == "logistic" else getattr(np, name)(wide)
    finite = np.isfinite(exact.astype(dtype))
    eps = np.finfo(dtype).eps
    # tan: an absolute error of sine and cosine, so relative to 1 + tan²
    allowed = (units * eps * np.abs(exact) if units else 6 * eps * (1 + exact**2)) + np.finfo(dtype).smallest_subnormal
    assert (np.abs(found[finite] - exact[finite]) <= allowed[finite]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_at_the_ends(dtype):
    info = np.finfo(dtype)
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, info.tiny, info.max, -info.max, -1.0, -2.0, 1e-30], dtype)
    for name in ("exp", "expm1", "log", "log1p", "tanh", "logistic"):
        found = evaluated(getattr(functions, name), x)[: len(x)]
        with np.errstate(all="ignore"):
            exact = (
                1 / (1 + np.exp(-x.astype(np.longdouble))) if name == "logistic" else getattr(np, name)(x.astype(np.longdouble))
            )
            exact = exact.astype(dtype)
        np.testing.assert_allclose(found, exact, rtol=8 * info.eps, atol=info.tiny, err_msg=name)


@pytest.mark.parametrize("target", ["int32", "uint32", "int64"])
def test_real_numbers_become_integers_as_in_jax(target):
    x = np.array([np.nan, np.inf, -np.inf, 1.9, -1.9, 3e9, -3e9, 0.0], np.float32)
    program = Program(lambda p, c, t: c.astype(target), (), jnp.asarray(x), ())

    def write(code, given):
        return Body(program, {}, {}).of(code, numbers(program), {program.inputs[0].id: given[0]})

    found = elementwise(1, [np.dtype(target)], write)(x)[0]
    np.testing.assert_array_equal(found, jax.jit(lambda x: x.astype(target))(x))


# -- sines of angles in units of π, in the lanes themselves ------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1.5e-7), ("float64", 3e-16)])
def test_sines_of_half_turns_are_exact_and_have_the_right_derivatives(dtype, bound):
    x = spread(dtype, (-1e4, 1e4), (-2.0, 2.0))
    pi, whole = np.longdouble("3.14159265358979323846264338327950288"), np.rint(x.astype(np.longdouble))
    sign = np.where(whole % 2 == 0, 1, -1)
    rest = (x - whole) * pi
    for function, exact in ((trig.sinpi, np.sin(rest) * sign), (trig.cospi, np.cos(rest) * sign)):
        found = np.asarray(jax.jit(function)(x)).astype(np.longdouble)
        assert np.abs(found - exact).max() <= bound
        assert np.isnan(jax.jit(function)(np.array([np.nan, np.inf, -np.inf], dtype))).all()
    y = jnp.asarray(0.3, dtype)
    for n, wanted in enumerate([np.sin, np.cos, lambda a: -np.sin(a), lambda a: -np.cos(a)]):
        derived = trig.sinpi
        for _ in range(n):
            derived = jax.grad(derived)
        np.testing.assert_allclose(derived(y), np.pi**n * wanted(0.3 * np.pi), rtol=20 * np.finfo(dtype).eps)


def test_a_shared_factor_of_an_angle_takes_up_the_unit():
    def ops(function):
        found = []

        def traced(a):  # so that the numbers are not known
            found.extend(node.op for node in Program(function, {"a": a}, jnp.zeros((2, 8)), ()).order)
            return a

        jax.eval_shape(traced, jnp.zeros(2))
        return found

    assert "sinpi" in ops(lambda p, k, t: jnp.sin(p["a"][0] * k[0]))
    assert "cospi" in ops(lambda p, k, t: jnp.cos(p["a"] @ k))
    assert "sin" in ops(lambda p, k, t: jnp.sin(k[0])), "no product to save"


# -- the engine -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def by(monkeypatch):
    """run(engine, function): with this engine, and the names of the machine code that was called."""
    real, names = call.called, []
    monkeypatch.setattr(call, "called", lambda name, *of: names.append(name) or real(name, *of))

    def run(engine, function):
        jax.clear_caches()
        names.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys.modules["semijax.simulate"], "chosen", lambda: engine)
            return function()

    run.names = names
    yield run
    jax.clear_caches()


@pytest.mark.parametrize("name", RUNS)
def test_machine_code_gives_the_same_numbers(name, by):
    found = by(KERNELS, lambda: run(**RUNS[name]))
    assert by.names
    wanted = by(LANES, lambda: run(**RUNS[name]))
    assert not by.names
    alike((found.time, found.frames, found.final), (wanted.time, wanted.frames, wanted.final))
    for what, drift in wanted.status.drifts.items():
        np.testing.assert_allclose(found.status.drifts[what].scale, drift.scale, rtol=1e-9)
        np.testing.assert_allclose(found.status.drifts[what].change, drift.change, atol=1e-12 * float(drift.scale))
    found.check()
