"""Kernels in CUDA C. Without a GPU their source is compiled as C++ and run by threads, so that all but the launch is tested here."""

import ctypes
import hashlib
import re
import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from heavy import but_for
from test_lanes import CARRIERS, FUNCTIONS, MATRIX, TIME

import semijax as sj
from semijax import bands, fields, observables
from semijax.engine import over
from semijax.engine.cuda import kernel, nvrtc
from semijax.engine.cuda.expressions import PREAMBLE
from semijax.engine.cuda.source import Body, kind, shared_names
from semijax.engine.kernels.parts import numbers
from semijax.engine.lanes import Program, Unsupported
from semijax.engine.llvm import machine
from semijax.engine.over import Engine
from semijax.engine.reduce import BLOCK

SHIM = """
#include <bit>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>
using namespace std;
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(n)
#define __restrict__
#define __shared__ static
struct Place { int x; };
static thread_local Place threadIdx, blockIdx, gridDim;
struct Barrier { // one that sleeps: there are more threads than cores
  int size, here = 0, turn = 0;
  mutex lock;
  condition_variable all;
  void wait() {
    unique_lock<mutex> held(lock);
    int mine = turn;
    if (++here == size) here = 0, turn++, all.notify_all();
    else all.wait(held, [&] { return turn != mine; });
  }
};
static Barrier whole{256}, warp{32};
static void __syncthreads() { whole.wait(); }
template <class T> T __shfl_down_sync(unsigned, T value, int by) {
  static T of[32];
  int lane = threadIdx.x;
  of[lane] = value;
  warp.wait();
  T found = of[lane + by < 32 ? lane + by : lane];
  warp.wait();
  return found;
}
static float __int_as_float(unsigned x) { return bit_cast<float>(x); }
static double __longlong_as_double(long long x) { return bit_cast<double>(x); }
static int __float_as_int(float x) { return bit_cast<int>(x); }
static long long __double_as_longlong(double x) { return bit_cast<long long>(x); }
"""


def built(source, folder):
    """A library of C++."""
    if shutil.which("g++") is None:
        pytest.skip("no C++ compiler")
    name = hashlib.sha256(source.encode()).hexdigest()[:16]
    target = folder / f"{name}.so"
    if not target.exists():
        (folder / f"{name}.cpp").write_text(SHIM + source)
        command = ["g++", "-std=c++20", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-w", "-pthread"]
        subprocess.run([*command, str(folder / f"{name}.cpp"), "-o", str(target)], check=True)
    return ctypes.CDLL(str(target))


def pointers(arrays):
    """What a C function takes as void **."""
    return (ctypes.c_void_p * len(arrays))(*(x.ctypes.data for x in arrays))


# -- expressions ------------------------------------------------------------------------------------------------------------

# What has no word in CUDA C: calls that stay vmapped, tables.
UNSAID = {"argmax", "complex", "sort", "while", "table", "computed index", "own derivative rules"}


def looped(name, program):
    """A C++ function that computes all numbers of a program for every lane, and what it takes: arrays of rows, shared, outputs."""
    names, loads, parameters = shared_names(program, "s")
    wanted = numbers(program)
    rows = {i: f"x{i}" for i in range(program.count)}
    ticks = {tick.id: f"t{tick.id}" for tick in program.ticks}
    body = Body(program, wanted, "n", rows, names | ticks)
    results = [kind(getattr(x, "dtype", np.float64)) for x in wanted]
    lines = [
        f"const {kind(program.inputs[i].dtype)} {x} = ((const {kind(program.inputs[i].dtype)}*)p[{i}])[i];"
        for i, x in rows.items()
    ]
    arrays = [f"{p} = ({p.split('* ')[0]}*)p[{program.count + i}];" for i, p in enumerate(parameters)]
    first = program.count + len(parameters)
    lines += [f"const {kind(t.dtype)} t{t.id} = *({kind(t.dtype)}*)p[{first + i}];" for i, t in enumerate(program.ticks)]
    first += len(program.ticks)
    stores = [f"(({t}*)p[{first + i}])[i] = {body.of(x)};" for i, (t, x) in enumerate(zip(results, wanted, strict=True))]
    inside = " ".join([*loads, *lines, *body.lines, *stores])
    source = f'extern "C" void {name}(int n, void **p) {{ {" ".join(arrays)} for (int i = 0; i < n; i++) {{ {inside} }} }}\n'
    return source.replace("* __restrict__", "*"), [np.dtype(getattr(x, "dtype", np.float64)) for x in wanted]


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """Every function of test_lanes that has words in CUDA C: (library, name -> its program and dtypes), compiled in one go."""
    sources, found = [PREAMBLE], {}
    for name, function in FUNCTIONS.items():
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            program = Program(function, MATRIX, CARRIERS, TIME, scalar=name == "eigenvalues")  # LAPACK's elsewhere
        try:
            source, dtypes = looped("f_" + re.sub(r"\W", "_", name), program)
        except Unsupported:
            continue
        sources.append(source)
        found[name] = program, dtypes
    for name in ("sine", "cosine"):
        for word in ("float", "double"):
            sources.append(f'extern "C" void {name}_{word}(int n, const {word} *x, {word} *y)')
            sources.append(f"{{ for (int i = 0; i < n; i++) y[i] = {name}(x[i]); }}\n")
    return built("".join(sources), tmp_path_factory.mktemp("functions")), found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_people_write_is_the_same_in_cuda_c(name, functions):
    library, found = functions
    assert (name in found) == (name not in UNSAID)
    if name in UNSAID:
        return
    program, dtypes = found[name]
    rows = [np.array(x) for x in Program.rows(CARRIERS)]
    shared = {np.dtype(x.dtype): [] for x in program.needed().values()}
    for x in program.needed().values():
        shared[np.dtype(x.dtype)].append(np.asarray(x))
    lanes = rows[0].shape[0]
    out = [np.zeros(lanes, dtype) for dtype in dtypes]
    clock = [np.array(x) for x in program.clock(TIME)]
    arrays = [*rows, *(np.stack(x) for x in shared.values()), *clock, *out]
    getattr(library, "f_" + re.sub(r"\W", "_", name))(lanes, pointers(arrays))
    wanted = [row for _, own in program(Program.rows(CARRIERS), program.clock(TIME)) for row in own]
    for a, b in zip(out, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * max(1.0, np.abs(b).max()))


@pytest.mark.parametrize(("word", "dtype", "bound"), [("float", "float32", 1.5e-7), ("double", "float64", 3e-16)])
@pytest.mark.parametrize("name", ["sine", "cosine"])
def test_sine_and_cosine_are_as_exact_as_they_say(name, word, dtype, bound, functions):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-1e4, 1e4, 100_000), rng.uniform(-7.0, 7.0, 100_000), [0.0]]).astype(dtype)
    found = np.zeros_like(x)
    getattr(functions[0], f"{name}_{word}")(len(x), *(ctypes.c_void_p(a.ctypes.data) for a in (x, found)))
    exact = getattr(np, {"sine": "sin", "cosine": "cos"}[name])(x.astype(np.longdouble))
    assert np.abs(found.astype(np.longdouble) - exact).max() <= bound
    ends = np.array([np.nan, np.inf, -np.inf, 1e9, 1e30, -3e37], dtype)
    found = np.zeros_like(ends)
    getattr(functions[0], f"{name}_{word}")(len(ends), *(ctypes.c_void_p(a.ctypes.data) for a in (ends, found)))
    assert np.isnan(found[:3]).all()
    assert (np.abs(found[3:]) <= 1 + 2 * np.finfo(dtype).eps * np.abs(ends[3:])).all()


# -- the engine -------------------------------------------------------------------------------------------------------------


def compiled(source, folder):
    """launch(blocks, pointers) of a kernel's source, every block by 256 threads."""
    parameters = re.search(r"carriers\((.*?)\) \{", source, re.S)[1].split(",")
    casts = ", ".join(
        f"({re.sub(r'__restrict__|[a-z_]+[0-9]*$', '', p.strip()).strip()})p[{i}]" for i, p in enumerate(parameters)
    )
    driver = f"""
extern "C" void launch(int blocks, void **p) {{
  for (int block = 0; block < blocks; block++) {{
    vector<thread> lanes;
    for (int lane = 0; lane < {BLOCK}; lane++) lanes.emplace_back([=] {{
      threadIdx = {{lane}}, blockIdx = {{block}}, gridDim = {{blocks}};
      carriers({casts});
    }});
    for (auto &lane : lanes) lane.join();
  }}
}}
"""
    return built(source + driver, folder).launch


@pytest.fixture
def fresh():
    """Nothing traced before or after is taken for what is traced under other circumstances in between."""
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.fixture
def emulated(monkeypatch, tmp_path, fresh):
    """simulate runs kernels, by threads of this machine; the list of their sources."""
    sources = []

    def run(source, moved, arguments, shapes, lanes):
        # the outputs that have the memory of `moved` on a GPU are copies here
        arrays = [np.array(x) for x in moved]
        arrays += [np.array(x) for x in arguments]
        results = [np.array(x) for x in moved] + [np.full(s.shape, 99, s.dtype) for s in shapes]
        compiled(source, tmp_path)(lanes // BLOCK, pointers(arrays + results))
        return results

    def called(source, moved, arguments, outputs):
        sources.append(source)
        results = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in moved] + outputs
        return jax.pure_callback(
            lambda moved, arguments: run(source, moved, arguments, outputs, (*moved, *arguments)[0].shape[-1]),
            results,
            moved,
            arguments,
        )

    monkeypatch.setattr(nvrtc, "compiled", lambda source, architecture: source)
    monkeypatch.setattr(kernel, "called", called)
    monkeypatch.setattr(sys.modules["semijax.simulate"], "chosen", lambda _: Engine(True, "gpu", True))
    return sources


def run(step=sj.rk4, electric=None, count=700, **more):
    hoppings = {(3.0, 0.0, 0.0): -0.1, (0.0, 3.0, 0.0): -0.2, (0.0, 3.0, 3.0): 0.05}
    band = more.pop("band", bands.tight_binding(hoppings, lattice=3.0 * np.eye(3)))
    field = fields.uniform([1e-3, 2e-3, 0.0], [10.0, 0.0, 20.0]) if electric is None else electric
    start = np.random.default_rng(1).normal(0, 0.3, (count, 3))
    carriers = sj.Carriers(sj.Phase(jnp.zeros((count, 3)), jnp.asarray(start)))
    record = {"v": observables.mean(observables.velocity)}
    how = {"duration": 40.0, "dt": 1.0, "every": 20, "record": record, "step": step} | more
    return sj.simulate(sj.Dynamics(sj.electron(band), field), carriers, **how)


def alike(found, wanted, steps=40):
    """Results equal up to rounding: a few hundred roundings each step, in numbers of order ten."""
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=steps * 100 * np.finfo(float).eps * max(1.0, float(jnp.abs(b).max())))


RUNS = {
    "rk4": {},
    "compensated": {"compensated": True},
    "volume": {"step": sj.with_volume(sj.rk4)},
    "jacobian": {"step": sj.with_jacobian(sj.heun)},
    "pulse": {"electric": fields.pulse([1e-3, 0.0, 0.0], 20.0, 10.0, 20.0)},
    "potential": {"electric": fields.potential(lambda r: 0.01 * jnp.cos(r[0] / 20) * jnp.sin(r[1] / 30))},
    "several tiles": {"tile": 256, "record": {"E": observables.covariance(observables.energy)}},
    "no lattice": {"band": bands.kane(0.0135, 4.1)},
    "histogram and samples": {
        "record": {
            "E": observables.histogram(observables.energy, np.linspace(-0.6, 0.6, 12)),
            "two": observables.histogram(lambda d, t, c: (c.phase.wavevector[0], c.phase.wavevector[1]), [-0.5, -0.1, 0.0, 0.3]),
            "k": observables.sample(observables.wavevector, 3),
            "v": observables.sample(observables.velocity, 600),
        },
        "every": 4,
        "tile": 256,
    },
    "collisions": {
        "step": sj.with_relaxation(sj.rk4, tau=50.0, temperature=300.0),
        "band": bands.superlattice(0.02, 100.0, 0.07),
        "electric": fields.uniform([0.0, 0.0, 1e-4]),
    },
}


# of the rest the machine code of CPUs tests the common parts: to compile C++ takes long
@pytest.mark.parametrize(
    "name", but_for(["volume", "collisions"], ["rk4", "volume", "potential", "histogram and samples", "collisions"])
)
def test_a_kernel_gives_the_same_numbers(name, emulated):
    by_kernel = run(**RUNS[name])
    assert len(emulated) == 2, "the look at the start and one launch, each compiled once"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["semijax.simulate"], "chosen", lambda _: Engine(True, "cpu"))
        by_lanes = run(**RUNS[name])
    alike((by_kernel.time, by_kernel.frames, by_kernel.final), (by_lanes.time, by_lanes.frames, by_lanes.final))
    for what, drift in by_lanes.status.drifts.items():
        found = by_kernel.status.drifts[what]
        np.testing.assert_allclose(found.scale, drift.scale, rtol=1e-9)
        np.testing.assert_allclose(found.change, drift.change, atol=1e-12 * float(drift.scale))
    by_kernel.check()


def test_a_carrier_that_breaks_is_named_at_the_same_step(emulated):
    def energy(p, k):
        return p["t"] * (1 - jnp.cos(3.0 * k[0])) + 0.0 * jnp.sqrt(2.0 - jnp.abs(k[0]))  # no number beyond |k| = 2

    found = {}
    for engine in (Engine(True, "gpu", True), Engine(True, "cpu")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys.modules["semijax.simulate"], "chosen", lambda _, engine=engine: engine)
            band = sj.Band(energy, {"t": 0.1}, dimension=3)
            result = run(band=band, electric=fields.uniform([-0.05, 0.0, 0.0]), every=4, count=300)
        found[engine.platform] = [int(x) for x in (result.status.nonfinite, result.status.carrier, result.status.step)]
        with pytest.raises(sj.BrokenInvariant, match="not finite"):
            result.check()
    assert found["gpu"] == found["cpu"]
    assert found["gpu"][0] > 0
    assert len(emulated) == 2


def test_several_launches_and_pairs_run_as_kernels(emulated):
    band = bands.kane(0.0135, 4.1)
    dynamics = {name: sj.Dynamics(make(band), fields.uniform([1e-4, 0.0, 0.0])) for name, make in _KINDS.items()}
    k = jnp.asarray(np.random.default_rng(2).normal(0, 0.01, (300, 3)))
    pairs = {name: sj.Carriers(sj.Phase(jnp.zeros((300, 3)), k)) for name in _KINDS}
    record = {"distance": observables.mean(lambda d, t, c: c["hole"].phase.position - c["electron"].phase.position)}
    how = {"duration": 20.0, "dt": 1.0, "every": 5, "record": record}
    at_once = sj.simulate(dynamics, pairs, **how)
    told = []
    by_pieces = sj.simulate(dynamics, pairs, **how, progress=lambda done, frames: told.append(done))
    assert told == [1, 2, 3, 4]
    assert len(set(emulated)) == 3, "the start, a launch of all frames, and one of a single frame for all four"
    for a, b in zip(*(jax.tree.leaves((r.frames, r.final)) for r in (at_once, by_pieces)), strict=True):
        np.testing.assert_array_equal(a, b)


_KINDS = {"electron": sj.electron, "hole": sj.hole}


@pytest.mark.filterwarnings("ignore:semijax. .*sort in E")
def test_what_kernels_do_not_have_runs_as_lanes(emulated):
    def energy(p, k):
        return jnp.sort(p * jnp.cos(k))[0]

    result = run(band=sj.Band(energy, jnp.asarray([0.0, 0.1, 0.3]), dimension=3)).check()
    assert emulated == []
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(result.frames))


def height(t):
    """How far carriers of a cosine band of this width went on the average."""
    band = bands.cosine(bandwidth=t, period=50.0)
    k = jnp.linspace(-0.05, 0.05, 256)[:, None]
    carriers = sj.Carriers(sj.Phase(jnp.zeros((256, 1)), k))
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform([1e-4]))
    record = {"x": observables.mean(observables.position)}
    return sj.simulate(dynamics, carriers, duration=20.0, dt=1.0, every=20, record=record).frames["x"][-1, 0]


@pytest.mark.slow  # machine code, tested the same way, leaves them to the same lanes
def test_derivatives_and_batches_go_through(emulated):
    t = jnp.asarray(0.02)
    value, slope = jax.value_and_grad(height)(t)
    # the velocity is linear in the bandwidth, so the displacement is
    np.testing.assert_allclose(slope, height(t) / t, rtol=1e-10)
    np.testing.assert_allclose(jax.vmap(height)(jnp.asarray([0.02, 0.04])), [value, 2 * value], rtol=1e-10)
    np.testing.assert_allclose(jax.jvp(height, (t,), (jnp.asarray(1.0),))[1], slope, rtol=1e-10)


# -- the compiler, which needs no GPU ----------------------------------------------------------------------------------------


@pytest.mark.skipif(nvrtc.library() is None, reason="NVRTC is not installed")
@pytest.mark.parametrize(
    ("name", "architecture"),
    [("rk4", "compute_75"), ("rk4", "compute_80"), ("volume", "compute_80"), ("potential", "compute_75")],
)
def test_nvrtc_takes_the_source_and_jax_lowers_the_call(name, architecture, monkeypatch, fresh):
    sources = []
    real = nvrtc.compiled
    monkeypatch.setattr(nvrtc, "architecture", lambda: architecture)
    monkeypatch.setattr(nvrtc, "compiled", lambda *of: sources.append(real(*of)) or sources[-1])
    monkeypatch.setattr(sys.modules["semijax.simulate"], "chosen", lambda _: Engine(True, "gpu", True))
    lowered = jax.jit(lambda: run(**RUNS[name]).frames).trace().lower(lowering_platforms=("cuda",))
    assert ".entry carriers(" in sources[0]
    assert f".target sm_{architecture[-2:]}" in sources[0]
    assert lowered.as_text().count("__gpu$xla.gpu.ptx") >= 1


@pytest.mark.skipif(nvrtc.library() is None, reason="NVRTC is not installed")
def test_newer_gpus_have_a_maximum_that_keeps_nan():
    source = PREAMBLE + 'extern "C" __global__ void carriers(float* x) { *x = larger(*x, smaller(x[1], 2.0f)); }'
    assert ["max.NaN.f32" in nvrtc.compiled(source, name) for name in ("compute_80", "compute_75")] == [True, False]


@pytest.mark.skipif(nvrtc.library() is None, reason="NVRTC is not installed")
def test_a_source_that_is_refused_says_why():
    with pytest.raises(nvrtc.NoCompiler, match="error"):
        nvrtc.compiled('extern "C" __global__ void carriers() { nothing; }', "compute_75")


def test_the_engine_is_chosen_by_the_device_and_what_is_installed(monkeypatch):
    class Gpu:
        client = type("Client", (), {"platform_version": "cuda 13000"})

    monkeypatch.setenv("SEMIJAX_ENGINE", "kernels")
    assert over.chosen(True) == Engine(True, "cpu", True)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(jax, "devices", lambda: [Gpu()])
    monkeypatch.setattr(nvrtc, "library", lambda: "there")
    assert over.chosen(True) == Engine(True, "gpu", True)
    for name in ("lanes", "plain"):
        monkeypatch.setenv("SEMIJAX_ENGINE", name)
        assert str(over.chosen(True)) == name
    monkeypatch.setenv("SEMIJAX_ENGINE", "kernels")
    monkeypatch.setattr(nvrtc, "library", lambda: None)
    monkeypatch.setattr(over, "_told", set())
    with pytest.warns(UserWarning, match="NVRTC is not installed"):
        assert str(over.chosen(True)) == "lanes"
    monkeypatch.undo()
    monkeypatch.setattr(machine, "binding", lambda: None)
    monkeypatch.setattr(over, "_told", set())
    with pytest.warns(UserWarning, match="llvmlite is not installed"):
        assert str(over.chosen(True)) == "lanes"


def test_integers_that_cuda_c_would_take_otherwise_are_left_to_lanes():
    whole = jnp.arange(6).reshape(3, 2)  # int64
    for function in (lambda p, c, t: c[0] >> 3, lambda p, c, t: c[0] % 3, lambda p, c, t: jnp.power(c[0], c[1])):
        program = Program(function, MATRIX, whole, TIME)
        with pytest.raises(Unsupported):
            looped("f", program)
