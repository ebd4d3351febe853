"""Machine code of a CPU from lane programs: the same numbers as lanes, the same certificate, functions as exact as they say."""

import functools
import itertools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from heavy import but_for
from test_kernels import RUNS, alike, height, run
from test_lanes import CARRIERS, FUNCTIONS, MATRIX, TIME

import semijax as sj
from semijax import bands, fields, observables
from semijax.engine.kernels import frames
from semijax.engine.kernels.guarded import Guarded, arranged
from semijax.engine.kernels.parts import numbers, shared_by_all
from semijax.engine.lanes import Program, Unsupported, trig
from semijax.engine.llvm import call, functions, machine
from semijax.engine.llvm.body import Body
from semijax.engine.llvm.code import Code
from semijax.engine.over import Engine

KERNELS, LANES = Engine(True, "cpu", True, threads=3), Engine(True, "cpu")


def elementwise(count, out, write, lanes=8, fused=True):
    """A jitted function of `count` arrays [n], n a multiple of lanes; write(code, vectors) -> names of the results, of dtypes `out`."""

    def source(dtypes):
        code = Code(lanes, fused)
        handler = call.Handler(code, machine.NAME, lambda given, lanes: "1", 1)

        def work(arrays):
            with handler.unit(), code.loop(arrays.lanes, step=lanes) as (at, _, _):
                found = write(code, [code.load(d, x, at) for d, x in zip(dtypes, arrays.given, strict=True)])
                for d, x, array in zip(out, found, arrays.returned, strict=True):
                    code.store(d, x, array, at)

        handler.written(count, len(out), work)
        return "\n".join([*sorted(code.declared), *code.lines]) + "\n"

    def run(*arrays):
        name = machine.registered(source([x.dtype for x in arrays]))
        shapes = [jax.ShapeDtypeStruct(arrays[0].shape, d) for d in out]
        return jax.jit(jax.ffi.ffi_call(name, shapes))(*arrays)

    return run


# -- what people write ------------------------------------------------------------------------------------------------------

# What has no instructions: calls that stay vmapped, tables, functions of which a processor and we have none.
UNSAID = {"argmax", "complex", "sort", "while", "table", "computed index", "own derivative rules"}
UNSAID |= {"powers", "inverse functions", "angle", "hyperbolic"}


def by_tables(program, table, x):
    """The number of a program of one row and one table, for every lane."""
    code = Code(8, True)
    wanted, (place,) = numbers(program), shared_by_all(program)[0].tables
    handler = call.Handler(code, machine.NAME, lambda given, lanes: "1", 1)

    def work(arrays):
        with handler.unit(), code.loop(arrays.lanes, step=8) as (at, _, _):
            known = {place: arrays.given[1], program.inputs[0].id: code.load(x.dtype, arrays.given[0], at)}
            code.store(x.dtype, Body(program, {}, {}).of(code, wanted, known)[0], arrays.returned[0], at)

    handler.written(2, 1, work)
    name = machine.registered("\n".join([*sorted(code.declared), *code.lines]) + "\n")
    return jax.jit(jax.ffi.ffi_call(name, jax.ShapeDtypeStruct(x.shape, x.dtype)))(x, table)


def of_program(program, rows):
    """All numbers of a program for every lane."""
    wanted = numbers(program)
    (pack, _), clock = shared_by_all(program), program.clock(TIME)
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
        program = Program(FUNCTIONS[name], MATRIX, CARRIERS, TIME, scalar=name == "eigenvalues")
    rows = [jnp.asarray(x) for x in Program.rows(CARRIERS)]
    try:
        if shared_by_all(program)[0].tables:
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
            patch.setattr(sys.modules["semijax.simulate"], "chosen", lambda _: engine)
            return function()

    run.names = names
    yield run
    jax.clear_caches()


@pytest.mark.parametrize("name", but_for(["rk4", "several tiles", "collisions"], RUNS))
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


def test_a_carrier_that_breaks_is_named_at_the_same_step(by):
    def energy(p, k):
        return p["t"] * (1 - jnp.cos(3.0 * k[0])) + 0.0 * jnp.sqrt(2.0 - jnp.abs(k[0]))  # no number beyond |k| = 2

    how = {"band": sj.Band(energy, {"t": 0.1}, dimension=3), "electric": fields.uniform([-0.05, 0.0, 0.0])}
    found = []
    for engine in (KERNELS, LANES):
        status = by(engine, lambda: run(**how, every=4, count=300)).status
        found.append([int(x) for x in (status.nonfinite, status.carrier, status.step)])
        assert bool(by.names) == (engine == KERNELS)
    assert found[0] == found[1]
    assert found[0][0] > 0


def test_several_launches_and_pairs_run_as_machine_code(by):
    band = bands.kane(0.0135, 4.1)
    kinds = {"electron": sj.electron, "hole": sj.hole}
    dynamics = {name: sj.Dynamics(make(band), fields.uniform([1e-4, 0.0, 0.0])) for name, make in kinds.items()}
    k = jnp.asarray(np.random.default_rng(2).normal(0, 0.01, (300, 3)))
    pairs = {name: sj.Carriers(sj.Phase(jnp.zeros((300, 3)), k)) for name in kinds}
    record = {"distance": observables.mean(lambda d, t, c: c["hole"].phase.position - c["electron"].phase.position)}
    how = {"duration": 20.0, "dt": 1.0, "every": 5, "record": record}
    at_once = by(KERNELS, lambda: sj.simulate(dynamics, pairs, **how))
    told = []
    in_turn = by(KERNELS, lambda: sj.simulate(dynamics, pairs, **how, progress=lambda done, frames: told.append(done)))
    assert told == [1, 2, 3, 4]
    assert len(set(by.names)) == 2, "the start, and a launch of a single frame for all four"
    for a, b in zip(*(jax.tree.leaves((r.frames, r.final)) for r in (at_once, in_turn)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", but_for(["collisions"], ["rk4", "histogram and samples", "collisions"]))
def test_the_same_bits_for_any_tile_and_weight(name, by):
    """Weights that differ, so that no order of a sum is like another."""
    how = RUNS[name] | {"count": 3000}
    results = [by(KERNELS, lambda tile=tile: run(**(how | {"tile": tile}))) for tile in (256, 1024, None)]
    for other in results[1:]:
        for a, b in zip(*(jax.tree.leaves((r.frames, r.final)) for r in (results[0], other)), strict=True):
            np.testing.assert_array_equal(a, b)


def test_frames_are_taken_in_groups_where_much_is_kept_of_every_carrier(by, monkeypatch):
    found = by(KERNELS, lambda: run(**RUNS["histogram and samples"]))
    monkeypatch.setattr(frames, "ROOM", {"cpu": 256 * 9 * 8 * 2 + 1})  # two frames of the nine numbers kept
    grouped = by(KERNELS, lambda: run(**RUNS["histogram and samples"]))
    for a, b in zip(*(jax.tree.leaves((r.frames, r.final)) for r in (found, grouped)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.filterwarnings("ignore:semijax. .*sort in E")
def test_what_machine_code_does_not_have_runs_as_lanes(by):
    def energy(p, k):
        return jnp.sort(p * jnp.cos(k))[0]

    result = by(KERNELS, lambda: run(band=sj.Band(energy, jnp.asarray([0.0, 0.1, 0.3]), dimension=3)).check())
    assert by.names == []
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(result.frames))


def test_derivatives_and_batches_go_through(by):
    t = jnp.asarray(0.02)
    value, slope = by(KERNELS, lambda: jax.value_and_grad(height)(t))
    # the velocity is linear in the bandwidth, so the displacement is
    np.testing.assert_allclose(slope, by(KERNELS, lambda: height(t)) / t, rtol=1e-10)
    np.testing.assert_allclose(by(KERNELS, lambda: jax.vmap(height)(jnp.asarray([0.02, 0.04]))), [value, 2 * value], rtol=1e-10)
    np.testing.assert_allclose(by(KERNELS, lambda: jax.jvp(height, (t,), (jnp.asarray(1.0),))[1]), slope, rtol=1e-10)


# -- blocks that only some carriers need -------------------------------------------------------------------------------------


def test_what_only_some_carriers_need_is_set_apart():
    def dear(x):
        return functools.reduce(lambda y, _: jnp.sin(y) + x, range(6), x)

    def blocks(function):
        program = Program(lambda p, c, t: function(c), (), jnp.zeros((2, 8)), ())
        wanted = list(program.outputs[0].flat)
        return program, [item for item in arranged(program.order, wanted) if isinstance(item, Guarded)]

    program, found = blocks(lambda c: jnp.where(c[0] > 0, dear(c[1]), c[1]))
    assert [block.value for block in found] == [True]
    assert sum(node.op == "sin" for node in found[0].nodes) == 6
    assert [node.id for node in found[0].results] == [program.outputs[0].item().args[2].id]
    _, found = blocks(lambda c: jnp.where(c[0] > 0, c[1], dear(c[1])))
    assert [block.value for block in found] == [False]
    _, found = blocks(lambda c: jnp.where(c[0] > 0, dear(c[1]), c[1]) + dear(c[1]))
    assert found == [], "needed anyway"
    _, found = blocks(lambda c: jnp.where(c[0] > 0, jnp.sin(c[1]), c[1]))
    assert found == [], "not worth it"
    _, found = blocks(lambda c: jnp.where(dear(c[1]) > 0, dear(c[1]), c[1]))
    assert found == [], "the condition needs it"


def test_a_block_that_runs_for_some_vectors_gives_what_each_carrier_needs():
    def function(p, c, t):
        return jnp.where(c > 0, jnp.exp(-jnp.sin(c) * jnp.log1p(c)) + jnp.sin(jnp.sin(jnp.sin(c))), 2 * c)

    program = Program(function, (), jnp.zeros(8), ())
    assert any(isinstance(item, Guarded) for item in arranged(program.order, list(program.outputs[0].flat)))

    def write(code, given):
        return Body(program, {}, {}).of(code, numbers(program), {program.inputs[0].id: given[0]})

    for signs in itertools.product((1.0, -1.0), repeat=3):  # vectors with all, some and none
        x = np.concatenate([np.linspace(0.1, 2.0, 8) * s for s in signs]).astype("float64")
        x[5] *= -1
        found = elementwise(1, [x.dtype], write)(x)[0]
        with np.errstate(invalid="ignore"):
            wanted = np.where(x > 0, np.exp(-np.sin(x) * np.log1p(x)) + np.sin(np.sin(np.sin(x))), 2 * x)
        np.testing.assert_allclose(found, wanted, rtol=1e-14)


@pytest.mark.parametrize("mode", ["clip", "fill"])
def test_numbers_of_a_table_at_computed_places(mode):
    table = jnp.asarray(np.random.default_rng(3).normal(size=(40, 50)))

    def function(p, c, t):
        i = jnp.floor(c * 10).astype(jnp.int32)
        return p.at[i, 2 * i].get(mode=mode) + jax.lax.dynamic_slice(p, (i, i + 1), (2, 2)).sum()

    x = jnp.asarray(np.random.default_rng(4).uniform(-2.0, 6.0, 64))
    program = Program(function, table, x, (), scalar=True)
    assert not any(node.op == "opaque" for node in program.order)
    found = by_tables(program, table, x)
    np.testing.assert_allclose(found, jax.vmap(function, in_axes=(None, 0, None))(table, x, 0.0), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neighbours_in_a_table_are_read_in_stretches(dtype):
    table = jnp.asarray(np.random.default_rng(5).normal(size=(6, 11, 9)), dtype)

    def function(p, c, t):
        i = jnp.floor(c).astype(jnp.int32)
        window = jax.lax.dynamic_slice(p, (i, i + 1, i), (2, 3, 7))  # rows of a stretch or more, and what is left over
        far = p[i, i, :5] * p[i + 1, i, 3:5].sum()
        return jnp.sum(window * (1 + jnp.arange(42, dtype=p.dtype)).reshape(2, 3, 7)) + jnp.sum(
            far * jnp.arange(5, dtype=p.dtype)
        )

    x = jnp.asarray(np.random.default_rng(6).uniform(0.0, 3.0, 64), dtype)
    program = Program(function, table, x, (), scalar=True)
    wanted = jax.vmap(function, in_axes=(None, 0, None))(table, x, 0.0)
    # 52 products and sums of either order, of size 42 at most.
    np.testing.assert_allclose(
        by_tables(program, table, x), wanted, rtol=0, atol=52 * 42 * np.finfo(dtype).eps * float(abs(table).max())
    )


def test_vectors_of_equal_eigenvalues_are_orthonormal():
    """What is left of numbers that cancel is a phase only where every use of it sees the same digits."""
    n, rng = 3, np.random.default_rng(7)
    basis = np.linalg.qr(rng.normal(size=(2048, n, n)) + 1j * rng.normal(size=(2048, n, n)))[0]
    values = rng.normal(size=(2048, n))
    values[:, 1] = values[:, 0]
    matrix = ((basis * values[:, None, :]) @ basis.conj().swapaxes(1, 2)).astype("complex64")
    lower = [(i, j) for i in range(n) for j in range(i + 1)]
    rows = np.stack([part(matrix[:, i, j]) for part in (np.real, np.imag) for i, j in lower])

    def function(p, c, t):
        entries = {at: jax.lax.complex(c[i], c[i + len(lower)]) for i, at in enumerate(lower)}
        whole = jnp.stack([jnp.stack([entries[max(i, j), min(i, j)] for j in range(n)]) for i in range(n)])
        vectors = jnp.linalg.eigh(whole, symmetrize_input=False)[1]
        return vectors.real, vectors.imag

    x = jnp.asarray(rows)
    program = Program(function, np.zeros((), "float32"), x, (), scalar=True)
    wanted = numbers(program)

    def write(code, given):
        return Body(program, {}, {}).of(code, wanted, {node.id: value for node, value in zip(program.inputs, given, strict=True)})

    found = np.stack(elementwise(len(rows), [np.dtype("float32")] * len(wanted), write)(*x)).reshape(2, n, n, -1)
    vectors = (found[0] + 1j * found[1].astype(complex)).transpose(2, 0, 1)
    # as in tests/test_eigen.py: 24 n roundings
    assert np.abs(vectors.conj().swapaxes(1, 2) @ vectors - np.eye(n)).max() <= 24 * n * np.finfo("float32").eps
