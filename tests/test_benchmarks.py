"""The benchmark suite: answers are right, limits compile, files have their form. Nothing here measures a speed."""

import copy
import ctypes
import json
import warnings
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from semijax import cli, io, suite
from semijax.bands.bloch import FLOOR

bench = suite.load()
aot, cases, command, compare, counting, machine, metal, peers, plan, pool, ratios, reference, report, run = (
    suite.part(name)
    for name in (
        "aot",
        "cases",
        "command",
        "compare",
        "counting",
        "machine",
        "metal",
        "peers",
        "plan",
        "pool",
        "ratios",
        "reference",
        "report",
        "run",
    )
)
build, numbers = suite.part("limits.build"), suite.part("limits.numbers")
Spec = suite.part("spec").Spec

compiler = pytest.mark.skipif(build.compiler() is None, reason="no C compiler")


@pytest.fixture(autouse=True)
def users_jax():
    """JAX as the peers' users have it; the suite's strictness comes back afterwards."""
    double = jax.config.read("jax_enable_x64")
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
    jax.config.update("jax_enable_x64", double)


def small(peer, case, dtype="float64", n=37, steps=8, **more):
    """A spec of few trajectories and steps."""
    return Spec(peer, case, n, dtype, **({"steps": steps, "every": 4} | more))


def verdict(spec):
    """What the check says of an entry run in this process."""
    case = cases.CASES[spec.case]
    job = peers.module(spec.peer).prepare(spec, case)
    out = job.once()
    if job.verdict is not None:
        return job.verdict(out)
    return reference.judge(case, spec, *job.unpack(out), exact=job.exact, allowed=job.allowed)


CASES = [name for name in cases.CASES if name not in ("miniband",)]
LIMITED = [name for name in CASES if name.removesuffix("_split") in build.SHAPES]


@compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", LIMITED)
def test_hand_written_c_matches_the_reference(case, dtype):
    assert verdict(small("C", case, dtype, n=301)).right


@compiler
@pytest.mark.parametrize("width", [64, 32, 16])
def test_the_polynomial_sine_is_as_accurate_as_it_says(width):
    try:
        lib = build.library("w1", width)
    except build.NoCompiler:
        pytest.skip("the processor has no vectors of this width")
    for dtype, suffix, bound in ((np.float32, "f", 1.5e-7), (np.float64, "d", 3e-16)):
        x, s, c = build.aligned((3, 1 << 14), dtype)
        x[:] = np.random.default_rng(0).uniform(-1e4, 1e4, x.shape)
        x[: len(x) // 2] = np.linspace(-4, 4, len(x) // 2)
        x[:3] = np.nan, np.inf, -np.inf
        getattr(lib, f"sines_{suffix}")(*(ctypes.c_void_p(array.ctypes.data) for array in (x, s, c)), ctypes.c_long(len(x)))
        exact = x[3:].astype(np.longdouble)
        assert np.abs(s[3:] - np.sin(exact)).max() <= bound
        assert np.abs(c[3:] - np.cos(exact)).max() <= bound
        assert np.isnan(s[:3]).all() and np.isnan(c[:3]).all()


@compiler
@pytest.mark.parametrize("option", ["half-turns", "three parts"])
def test_other_sines_of_the_limit_are_right_too(option):
    assert verdict(small("C", "w1", "float32", option=option)).right


@compiler
def test_a_wrong_constant_is_a_wrong_answer(monkeypatch):
    monkeypatch.setattr(
        numbers, "of", lambda case, option, right=numbers.of: ([1.001 * x for x in right(case)[0]], right(case)[1])
    )
    assert not verdict(small("C", "w1")).right


@pytest.mark.parametrize("case", CASES)
def test_plain_jax_matches_the_reference(case):
    assert verdict(small("plain JAX", case)).right


@pytest.mark.filterwarnings("ignore:semijax. runs as plain JAX, slower. an eigenvalue problem of 7 rows:UserWarning")
@pytest.mark.parametrize("case", ["superlattice", "dirac", "user", "lorenz", "copper", "copper_exact"])
def test_semijax_and_numpy_match_the_reference(case):
    assert verdict(small("semijax", case)).right
    assert verdict(small("NumPy", case, cores=2)).right


@pytest.mark.parametrize("peer", ["semijax", "numba"])
def test_a_table_is_read_the_same_in_float32(peer):
    if peers.missing(peer):
        pytest.skip(f"{peer} is not installed")
    assert verdict(small(peer, "copper", "float32", n=301, steps=20)).right


@pytest.mark.filterwarnings("ignore")  # some peers warn when they are loaded
@pytest.mark.parametrize("peer", peers.PEERS)
@pytest.mark.parametrize("case", ["copper", "copper_exact"])
def test_who_cannot_follow_copper_says_so(peer, case):
    if peers.missing(peer):
        pytest.skip(f"{peer} is not installed")
    written = {"semijax", "plain JAX", "NumPy", "diffrax", "gradsolve"} | ({"numba"} if case == "copper" else set())
    assert (peers.module(peer).supports(small(peer, case)) is None) == (peer in written)


@pytest.mark.parametrize("peer", ["semijax", "plain JAX"])
def test_gradients_match_the_complex_step(peer):
    assert verdict(small(peer, "w1", variant="gradient")).right


@pytest.mark.parametrize("step", ["euler", "heun", "midpoint", "dop8"])
def test_every_tableau_has_the_same_meaning_everywhere(step):
    assert verdict(small("plain JAX", "w1_split", variant=step)).right


@pytest.mark.parametrize("step", ["leapfrog", "strang", "yoshida4"])
def test_split_steps_match_the_reference(step):
    assert verdict(small("semijax", "w1_split", variant=step)).right


def test_an_ensemble_repeats_and_its_mean_is_known():
    case = cases.CASES["w1"]
    n = cases.BASE + 5
    z = case.start(n)
    np.testing.assert_array_equal(z[:, cases.BASE :], z[:, :5])
    weights = case.times_drawn(n)
    np.testing.assert_allclose((z[:, : cases.BASE] * weights).sum(1) / n, z.mean(1), atol=1e-14)


def test_a_parabolic_band_takes_few_operations_and_a_cosine_band_twelve_sines():
    cheap, dear = (counting.flops(cases.CASES[name]) for name in ("parabolic", "w1"))
    assert dear - cheap >= 12 * (counting.SINE - 1)


def test_the_counts_of_copper_are_those_of_their_sums():
    # a table: positions, 30 weights, 2 × 125 multiply-adds and those of 25 lines and 5 planes by three, Cartesian axes
    assert counting.table() == 33 + 180 + 2 * (250 + 75 + 15) + 15
    # the Hamiltonian: nearly all of it are two products with 834 × 49 numbers
    assert 1.0 < counting.wannier() / (2 * 2 * 834 * 49) < 1.2
    step = counting.flops(cases.CASES["copper_exact"])
    assert 4 * counting.wannier() < step < 4.01 * counting.wannier()


# -- copper -----------------------------------------------------------------------------------------------------------------


def zone(n, seed=5):
    """Wavevectors [n 3] anywhere in copper's zone."""
    turns = np.random.default_rng(seed).uniform(-np.pi, np.pi, (n, 3))
    return turns @ np.linalg.inv(metal.LATTICE).T


def test_the_table_has_the_symmetry_of_the_cube():
    table, n = metal.energies(), metal.SIDE
    reciprocal = np.linalg.inv(metal.LATTICE).T
    rng = np.random.default_rng(2)
    cells = rng.integers(0, n, (50, 3))
    for _ in range(10):
        turned = np.eye(3)[rng.permutation(3)] * rng.choice([-1, 1], 3)
        there = np.round(cells @ reciprocal @ turned @ metal.LATTICE.T).astype(int) % n
        np.testing.assert_array_equal(table[tuple(there.T)], table[tuple(cells.T)])


def test_the_table_is_that_of_the_hamiltonian():
    cells = np.random.default_rng(3).integers(0, metal.SIDE, (500, 3))
    level, _ = metal.exact(cells / metal.SIDE @ (2 * np.pi * np.linalg.inv(metal.LATTICE).T))
    # 4.4e-5 eV is how far the mean over 48 operations is from the Wannier functions, which are not symmetric, at most
    assert np.abs(metal.energies()[tuple(cells.T)] - level).max() < 4.5e-5


def test_slopes_near_the_fermi_level_are_right():
    k = zone(1000)
    k = k[np.abs(metal.exact(k)[0] - metal.FERMI) < 0.3]
    assert len(k) > 50
    off = np.linalg.norm(np.stack(metal.gradient(tuple(k.T)), axis=1) - metal.averaged(k)[1], axis=1)
    assert off.max() < 1e-4  # what a tabulated band is asked for, eV Å


def test_the_hamiltonian_is_that_of_the_reader():
    """With the energies of postw90, from hoppings of 6 decimals: 1e-4 eV."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = io.read_wannier90(Path(__file__).with_name("data") / "cu" / "cu")
    cells, hopping, _ = metal.hoppings()
    there = {tuple(R): i for i, R in enumerate(np.asarray(model.translations).tolist())}
    np.testing.assert_array_equal(hopping, np.asarray(model.hopping)[[there[tuple(R)] for R in cells.tolist()]])
    assert 2 * len(cells) - 1 == len(there)


def test_copper_keeps_to_the_band_whose_slope_eigenvectors_give():
    """No trajectory of the check comes near another band: nobody has to average over a group."""
    case = cases.CASES["copper_exact"]
    _, end = reference.solve("copper_exact", "rk4", case.steps, case.every, case.base)
    vectors, hopping = metal.halves()
    for k in (case.start(case.base)[3:].T, end[3:].T):
        half = np.tensordot(np.exp(1j * (k @ vectors.T)), hopping, 1)
        levels = np.linalg.eigvalsh(half + half.conj().swapaxes(1, 2))
        assert np.abs(np.delete(levels, metal.BAND, 1) - levels[:, metal.BAND :][:, :1]).min() > 10 * FLOOR


# -- plans ------------------------------------------------------------------------------------------------------------------


def test_no_mode_forgets_a_peer_or_a_step():
    planned = [spec for mode in ("quick", "full", "gpu") for group in plan.MODES[mode](2).groups for spec in group]
    assert {spec.peer for spec in planned} == set(peers.PEERS)
    assert {spec.variant for spec in planned} >= {*reference.STEPS, "volume", "jacobian", "relaxation", "gradient", "precision"}
    assert {spec.case for spec in planned} == set(cases.CASES)
    assert {spec.peer for group in plan.quick(2).groups for spec in group} >= set(peers.PEERS) - {"CUDA"}


# -- what a run writes ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results_file(tmp_path_factory):
    """A whole run, of a size that takes no time: worker processes, checks, rounds, JSON."""
    entries = [Spec(peer, "w1", 64, "float32", steps=4, every=2, cores=1) for peer in ("NumPy", "plain JAX", "C")]
    entries.append(replace(entries[0], peer="heyoka", variant="rk4"))
    mode = plan.Mode("tiny", [entries], 300, 10, 0.1, (2, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(peers.PEERS, "heyoka", ("with_heyoka", ("a_package_that_nobody_has",)))
        patch.setattr(run, "probes", lambda *_: {"float32": {"flops": 1e11, "bytes": 1e10}})
        return run.main(mode, tmp_path_factory.mktemp("results"), lambda line: None)


def test_the_json_says_what_was_measured_and_where(results_file):
    results = json.loads(results_file.read_text())
    assert results["schema"] == run.SCHEMA
    assert {"kind", "processor", "flags", "cores", "versions", "compiler", "compiler_flags", "xla_flags", "commit", "gpu"} <= set(
        results["machine"]
    )
    status = {row["peer"]: row["status"] for row in results["rows"]}
    assert status["heyoka"] == "not installed"
    assert status["NumPy"] == status["plain JAX"] == "right"
    for row in results["rows"]:
        if row["status"] == "right":
            assert len(row["rounds"]) == 2
            assert set(row["seconds"]) == {"median", "lower", "upper", "best"}
            assert row["error"] <= row["allowed"]
            assert row["psteps"] > 0 and row["compile"] >= 0
    assert str(results_file.parent) not in results_file.read_text()


def test_a_worker_says_what_went_wrong_and_goes_on():
    with pool.Pool() as workers:
        worker = workers.of(Spec("NumPy", "w1", 1))
        assert worker.ask(60, do="run", id=7)["status"] == "failed"
        wrong = Spec("NumPy", "w1", 8, steps=4, every=2).as_dict()
        assert worker.ask(60, do="prepare", id=1, spec=wrong | {"variant": "gradient"}) == {
            "status": "cannot",
            "note": "not written",
        }
        assert worker.ask(60, do="prepare", id=1, spec=wrong)["status"] == "right"


def fabricated(seconds, granted=2.0):
    """Results of two entries whose times are given: peer -> [s, ...]."""
    rows = []
    for peer, rounds in seconds.items():
        spec = Spec(peer, "w1", 10_000, cores=2)
        row = spec.as_dict() | {
            "name": spec.name,
            "group": 0,
            "status": "right",
            "error": 1e-7,
            "allowed": 1e-4,
            "rounds": rounds,
        }
        rows.append(row | {"first": 1.0} | run.summary(spec, row | {"first": 1.0}))
    made = {"schema": 1, "mode": "quick", "machine": machine.facts("cpu") | {"granted": [granted]}, "rows": rows}
    made["limits"] = {"float32": {"flops": 1e11, "bytes": 1e10}}
    made["targets"] = [target.as_dict() for target in ratios.targets(rows, granted)]
    return made


def test_the_report_has_its_tables_and_figures(results_file, tmp_path):
    made = fabricated({"semijax": [1.0, 1.1, 1.0], "C": [1.0, 1.0, 1.0], "plain JAX": [30.0, 31.0, 32.0]})
    path = tmp_path / "made.json"
    path.write_text(json.dumps(made))
    names = {file.name for file in report.make(path)}
    assert names == {"made.md", "made-throughput.png", "made-roofline.png"}
    text = (tmp_path / "made.md").read_text()
    assert "w1 float32 N = 1e+04 / C | ≥ 0.95 × | 1 [0.955, 1] | holds" in text
    assert "w1 float32 N = 1e+04 / plain JAX | ≥ 25 × | 30" in text
    assert "not installed" in report.markdown(report.load(results_file))
    assert len(report.tables(made)) == 2


def test_nothing_is_said_about_scaling_where_the_cores_are_not_granted():
    one = Spec("semijax", "w1", 10_000, cores=1)

    def scaling(granted):
        made = fabricated({"semijax": [1.0, 1.0], "C": [1.0, 1.0]}, granted)
        row = one.as_dict() | {"name": one.name, "group": 0, "status": "right", "rounds": [2.0, 2.0], "first": 2.0}
        rows = [*made["rows"], row | run.summary(one, row)]
        return next(target for target in ratios.targets(rows, granted) if "1 to 2 cores" in target.name)

    assert scaling(2.0).holds is True
    assert scaling(1.0).holds is None


def test_copper_is_held_against_numba_a_speed_and_its_bound():
    rows = []
    for peer, case, seconds in (("semijax", "copper", 0.5), ("numba", "copper", 1.0), ("semijax", "copper_exact", 2.0)):
        spec = Spec(peer, case, 1000, "float64" if case == "copper_exact" else "float32", steps=cases.CASES[case].steps, cores=2)
        row = spec.as_dict() | {"name": spec.name, "group": 0, "status": "right", "rounds": [seconds] * 3, "first": 3.0}
        rows.append(row | run.summary(spec, row))
    work = 20 * 1000 / 2.0 * counting.flops(cases.CASES["copper_exact"])
    found = {target.name: target for target in ratios.targets(rows, 2.0, {"float64": {"flops": 4 * work}})}
    assert found["copper_exact float64 N = 1e+03 / its bound"].found == pytest.approx(0.25)
    assert found["copper float32 N = 1e+03 / numba"].found == 2.0
    speed = found["copper float32 N = 1e+03"]
    assert (speed.found, speed.unit, speed.holds) == (400_000.0, "psteps/s", False)
    assert not any("bound" in target.name for target in ratios.targets(rows, 2.0))


def test_a_fabricated_regression_is_flagged_and_noise_is_not(tmp_path):
    before = fabricated({"semijax": [1.0, 1.0, 1.0], "C": [1.0, 1.01, 0.99]})
    slower = fabricated({"semijax": [1.3, 1.3, 1.3], "C": [1.0, 1.01, 0.99]})
    noisy = fabricated({"semijax": [1.0, 1.3, 0.9], "C": [1.0, 1.0, 1.0]})
    [found] = compare.regressions(slower, before)
    assert found.now < found.before
    assert "C, 2 cores" in found.name
    assert compare.regressions(before, before) == compare.regressions(noisy, before) == []
    wrong = copy.deepcopy(before)
    wrong["rows"][0]["status"] = "wrong answer"
    assert compare.lost(wrong, before) == ["w1 rk4 float32 N = 1e+04: semijax, 2 cores: wrong answer"]
    assert compare.lost(before, before) == []


def test_results_are_compared_with_the_newest_of_the_same_kind(tmp_path):
    now = fabricated({"semijax": [1.0], "C": [1.0]})
    for name, changed in {"old": {}, "new": {"created": "2999"}, "other": {"kind": "another", "created": "3000"}}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(now | {"machine": now["machine"] | changed}))
    assert compare.last(now, tmp_path).name == "new.json"
    assert compare.last(now, tmp_path, tmp_path / "new.json").name == "old.json"
    assert compare.last(now | {"mode": "full"}, tmp_path) is None


# -- the command line -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--quick", "--gpu"], ["--only", "w2"], ["--compare", "none.json"], ["--gpu"]])
def test_a_mistake_is_one_line(arguments, capsys, monkeypatch):
    monkeypatch.setattr(machine, "graphics", lambda: None)
    assert cli.code(["bench", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "allowed" in err


def test_without_the_suite_the_command_says_so(capsys, monkeypatch, tmp_path):
    monkeypatch.delitem(__import__("sys").modules, suite.NAME)
    monkeypatch.setattr(suite, "__file__", str(tmp_path / "semijax" / "suite.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.code(["bench", "--quick"]) == 2
    assert "not installed" in capsys.readouterr().err


def test_the_command_compares_and_exits_with_1(monkeypatch, tmp_path, capsys):
    before = fabricated({"semijax": [1.0] * 3, "C": [1.0] * 3})
    slower = fabricated({"semijax": [2.0] * 3, "C": [1.0] * 3})
    earlier, path = tmp_path / "before.json", tmp_path / "now.json"
    earlier.write_text(json.dumps(before))
    path.write_text(json.dumps(slower))
    monkeypatch.setattr(run, "main", lambda *_: path)
    assert cli.code(["bench", "--quick", "--compare", str(earlier)]) == 1
    out = capsys.readouterr().out
    assert "worse: w1 rk4 float32" in out
    assert "Targets" in out


# -- compiled for a GPU -----------------------------------------------------------------------------------------------------


HLO = """
%fused (p: f32[8,3]) -> f32[8,3] {
}

%inner.body (arg: (s32[], f32[8,3])) -> (s32[], f32[8,3]) {
  %arg = (s32[], f32[8,3]{1,0}) parameter(0)
  %i = s32[] get-tuple-element(%arg), index=0
  %k = f32[8,3]{1,0} get-tuple-element(%arg), index=1
  %step = f32[8,3]{1,0} fusion(%k), kind=kLoop, calls=%fused
  ROOT %out = (s32[], f32[8,3]{1,0}) tuple(%i, %step)
}

%outer.body (arg: (s32[], f32[8,3])) -> (s32[], f32[8,3]) {
  %loop = (s32[], f32[8,3]{1,0}) while(%arg), condition=%c, body=%inner.body
}

ENTRY %main (x: f32[8,3]) -> f32[8,3] {
  %loop = (s32[], f32[8,3]{1,0}) while(%t), condition=%c, body=%outer.body
}
"""


def test_kernels_and_bytes_are_counted_in_the_innermost_loop():
    assert aot.loop(HLO) == (1, 2 * 8 * 3 * 4)


def test_aot_says_why_without_a_plugin(capsys, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(aot.importlib, "import_module", absent)
    monkeypatch.setattr(aot, "plain", lambda name: aot.cost(None, (), 1))
    monkeypatch.setattr(aot.os, "environ", {})
    assert aot.main([]) == 0
    assert capsys.readouterr().out.count("\n") == 1
