"""Checkpoints of runs: stopped or killed anywhere, a run goes on to the same bits; damage and other runs are noticed."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import semijax as sj
from semijax import bands, fields, observables
from semijax._types import SemijaxError

COUNT, FRAMES = 700, 60


def arguments(**more):
    """Of a run of 120 steps with collisions, which need their random numbers in place."""
    band = bands.superlattice(0.02, 100.0, 0.07)
    k = jnp.asarray(np.random.default_rng(1).normal(0, 0.02, (COUNT, 3)))
    record = {
        "v": observables.mean(observables.velocity),
        "E": observables.covariance(observables.energy),
        "k": observables.sample(observables.wavevector, 300),
    }
    how = {
        "duration": 240.0,
        "dt": 2.0,
        "every": 2,
        "record": record,
        "step": sj.with_relaxation(sj.rk4, tau=50.0, temperature=300.0),
    }
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform([0.0, 0.0, 1e-4], [1.0, 0.0, 2.0]))
    return (dynamics, sj.Carriers(sj.Phase(jnp.zeros((COUNT, 3)), k))), how | more


def run(directory=None, stop=None, **more):
    (dynamics, carriers), how = arguments(**more)
    if directory is not None:
        how["checkpoints"] = sj.io.Checkpoints(directory, every=0)
    return sj.simulate(dynamics, carriers, progress=lambda done, total: stop is not None and done >= stop, **how)


def assert_same_bits(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype and np.shape(x) == np.shape(y) and np.asarray(x).tobytes() == np.asarray(y).tobytes()


def whole_of(result):
    return result.time, result.frames, result.final, result.status


@pytest.fixture(scope="module")
def whole():
    return whole_of(run())


@pytest.mark.parametrize("stops", [(1,), (30,), (7, 23, 58), (60,)])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(stops, whole, tmp_path):
    for stop in stops:
        part = run(tmp_path / "kept", stop=stop)
        assert len(part.time) <= FRAMES + 1 and part.final.count == COUNT
    assert_same_bits(whole_of(run(tmp_path / "kept")), whole)
    assert_same_bits(whole_of(run(tmp_path / "new")), whole)


@pytest.mark.parametrize("stops", [(20,), (70, 100, 160)])
def test_chunks_that_are_through_are_not_run_again(stops, whole, tmp_path):
    """Three chunks of 256 carriers have 60 frames each."""
    for stop in stops:
        run(tmp_path, stop=stop, chunk=256)
    kept = sorted(path.name for path in tmp_path.glob("chunk-*"))
    assert kept == [f"chunk-{i:06d}.npz" for i in range((stops[-1] - 1) // FRAMES)]
    assert_same_bits(whole_of(run(tmp_path, chunk=256)), whole)
    assert_same_bits(whole_of(run(tmp_path)), whole)  # as many at once as the run there has


def test_without_carriers_at_the_end(tmp_path):
    (dynamics, _), how = arguments()
    make = sj.prepared(lambda first, n: sj.thermal(0, dynamics.species, n, 300.0, first=first), COUNT)
    how |= {"chunk": 256, "keep": False}
    wanted = sj.simulate(dynamics, make, **how)
    sj.simulate(dynamics, make, progress=lambda done, _: done >= 90, checkpoints=sj.io.Checkpoints(tmp_path, every=0), **how)
    found = sj.simulate(dynamics, make, checkpoints=sj.io.Checkpoints(tmp_path, every=0), **how)
    assert_same_bits(whole_of(found), whole_of(wanted))


# -- damage -----------------------------------------------------------------------------------------------------------------------


def flipped(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_a_damaged_checkpoint_is_left_for_the_one_before(whole, tmp_path):
    run(tmp_path, stop=40)
    newer = max(tmp_path.glob("state-*"))
    flipped(newer, newer.stat().st_size // 2)
    with pytest.warns(UserWarning, match=r"state-.*\.npz: .*(hash|CRC-32).*; the one before is taken"):
        assert_same_bits(whole_of(run(tmp_path)), whole)
    run(tmp_path / "both", stop=40)
    for path in (tmp_path / "both").glob("state-*"):
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="damaged or no checkpoint"):
        assert_same_bits(whole_of(run(tmp_path / "both")), whole)  # from the start


def test_a_damaged_chunk_is_run_again(whole, tmp_path):
    run(tmp_path, stop=150, chunk=256)
    flipped(tmp_path / "chunk-000000.npz", 2000)
    with pytest.warns(UserWarning, match="chunk-000000.npz"):
        assert_same_bits(whole_of(run(tmp_path)), whole)


# -- honesty ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"duration": 200.0}, "frames = 50, there 60"),
        ({"dt": 1.0}, "frames = 120, there 60"),
        ({"every": 4}, "every = 4, there 2"),
        ({"compensated": True}, "compensated = True, there False"),
        ({"record": {"v": observables.mean(observables.velocity)}}, r"recorded = \['v'\], there \['E', 'k', 'v'\]"),
        ({"start": 1.0}, "equations"),
        ({"step": sj.with_relaxation(sj.rk4, tau=49.0, temperature=300.0)}, "equations"),
        ({"tile": 256}, "tile"),
        ({"chunk": 256}, "chunk = 256, there 700"),
    ],
)
def test_another_run_is_refused_by_what_differs(change, named, tmp_path):
    run(tmp_path, stop=5)
    with pytest.raises(
        SemijaxError, match=rf"checkpoints of another run \(.*{named}.*\): allowed are the same run, or another place"
    ):
        run(tmp_path, **change)


def test_mistakes_are_one_line(tmp_path):
    for every in (-1, float("nan"), float("inf"), "soon", True):
        with pytest.raises(SemijaxError, match="Checkpoints: every = .*: allowed is a number of seconds ≥ 0"):
            sj.io.Checkpoints(tmp_path, every=every)
    run(tmp_path, stop=5)
    (tmp_path / "key.json").write_text("{")
    with pytest.raises(SemijaxError, match=r"key\.json: damaged: allowed is what a run wrote"):
        run(tmp_path)


def test_a_full_disk_is_said_and_the_last_checkpoint_stays(whole, tmp_path):
    import resource

    run(tmp_path, stop=5)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, old[1][1]))
        with pytest.raises(OSError, match=r"no room for a checkpoint of \d+ bytes, \d+ are free: .*state-"):
            run(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old[1])
        signal.signal(signal.SIGXFSZ, old[0])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert_same_bits(whole_of(run(tmp_path)), whole)


# -- kill -9 ----------------------------------------------------------------------------------------------------------------------

KILLED = """
    import sys
    sys.path.insert(0, {tests!r})
    import jax
    jax.config.update("jax_enable_x64", True)
    import test_checkpoints as tests
    tests.run(sys.argv[1], tile=256)
"""


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_to_the_same_bits(tmp_path):
    """Whenever a checkpoint is there, whatever is being written; the campaign does it 200 times."""
    script = textwrap.dedent(KILLED.format(tests=os.path.dirname(__file__)))
    rng = np.random.default_rng(5)
    for attempt in range(3):
        child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
        until = time.monotonic() + 120
        seen = len(list(tmp_path.glob("state-*")))
        while time.monotonic() < until and len(list(tmp_path.glob("state-*"))) <= min(seen, attempt) and child.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.05))
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert_same_bits(whole_of(run(tmp_path, tile=256)), whole_of(run(tile=256)))
