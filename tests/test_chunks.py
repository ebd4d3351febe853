"""Chunks: a run that does not fit at once is taken in parts, and nothing of its result depends on them."""

import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import semijax as sj
from semijax import bands, fields, observables
from semijax.engine import chunks

ELECTRON = sj.electron(bands.superlattice(0.018, 114.0, 0.067))
FIELD = fields.uniform([0.0, 0.0, 1e-4], [0.0, 1.0, 2.0])
STEP = sj.with_relaxation(sj.rk4, tau=200.0, temperature=10.0)
RECORD = {
    "drift": observables.mean(observables.velocity),
    "spread": observables.covariance(observables.position),
    "zone": observables.histogram(lambda d, t, c: observables.folded_wavevector(d, t, c)[2], np.linspace(-0.03, 0.03, 9)),
    "some": observables.sample(observables.energy, 200),
}


def made(first, n):
    return sj.thermal(0, ELECTRON, n, 10.0, first=first)


def follow(carriers, **more):
    how = {"duration": 100.0, "dt": 10.0, "every": 5, "record": RECORD, "step": STEP, "tile": 256} | more
    return sj.simulate(sj.Dynamics(ELECTRON, FIELD), carriers, **how)


def same(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


@pytest.mark.parametrize("chunk", [256, 1000, 2048])
def test_the_result_does_not_depend_on_chunks(chunk):
    whole = follow(made(0, 3000)).check()
    for carriers in (made(0, 3000), sj.prepared(made, 3000)):
        parts = follow(carriers, chunk=chunk)
        same((whole.time, whole.frames, whole.final, whole.status), (parts.time, parts.frames, parts.final, parts.status))


def test_pairs_go_in_chunks_too():
    hole = sj.hole(-ELECTRON.band)
    dynamics = {"electron": sj.Dynamics(ELECTRON, FIELD), "hole": sj.Dynamics(hole, FIELD)}
    record = {"drift": observables.mean(lambda d, t, c: observables.velocity(d["hole"], t, c["hole"]))}
    how = {"duration": 50.0, "dt": 10.0, "record": record, "step": STEP, "tile": 256}
    whole = sj.simulate(dynamics, sj.pairs(made(0, 600)), **how)
    parts = sj.simulate(dynamics, sj.prepared(lambda first, n: sj.pairs(made(first, n)), 600), chunk=256, **how)
    same((whole.frames, whole.final, whole.status), (parts.frames, parts.final, parts.status))


def test_the_end_may_be_left_out():
    whole = follow(made(0, 600))
    for chunk in (None, 256):
        short = follow(made(0, 600), chunk=chunk, keep=False)
        assert short.final is None
        same((whole.frames, whole.status), (short.frames, short.status))


def test_progress_counts_the_frames_of_all_chunks_and_stops_between_chunks():
    told = []
    follow(made(0, 600), chunk=256, progress=lambda done, total: told.append((done, total)))
    assert told == [(i, 6) for i in range(1, 7)]
    first = follow(made(0, 256))
    stopped = follow(made(0, 600), chunk=256, progress=lambda done, total: done == 3)  # in the second chunk
    assert stopped.final.count == 256
    same(first.frames["drift"], stopped.frames["drift"])
    within = follow(made(0, 600), chunk=256, progress=lambda done, total: done == 1)
    assert (within.final.count, len(within.time)) == (256, 2)


def test_a_failure_is_found_in_any_chunk():
    bad = made(0, 600)
    k = bad.phase.wavevector.at[500, 1].set(jnp.nan)
    bad = sj.Carriers(sj.Phase(bad.phase.position, k))
    told = []
    with pytest.raises(sj.SemijaxError, match="carrier 500 is not finite"):
        follow(bad, chunk=256, progress=lambda *done: told.append(done))
    assert told == []  # before anything ran
    made_late = sj.prepared(lambda first, n: jax.tree.map(lambda x: x[first : first + n], bad), 600)
    with pytest.raises(sj.SemijaxError, match="carrier 500 is not finite"):
        follow(made_late, chunk=256)


@pytest.mark.parametrize(
    "draw",
    [
        lambda n, **more: sj.thermal(3, ELECTRON, n, 300.0, **more),
        lambda n, **more: sj.thermal(3, sj.electron(bands.warped(4.2, 0.8, 4.8)), n, 300.0, cutoff=0.2, **more),
        lambda n, **more: sj.packet(3, n, [0.0], [0.1], 1.0, 0.1, **more),
    ],
    ids=["closed law", "cells", "packet"],
)
def test_carriers_from_some_number_on_are_those_of_the_whole(draw):
    same(draw(100, first=50).phase, jax.tree.map(lambda x: x[50:150], draw(200).phase))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: follow(made(0, 300), chunk=0), "chunk = 0: allowed is a whole number"),
        (lambda: follow(made(0, 300), chunk=2.5), "chunk = 2.5: allowed is a whole number"),
        (lambda: sj.prepared(3, 10), "make = 3, count = 10: allowed are"),
        (lambda: sj.prepared(made, 0), "count = 0: allowed are"),
        (lambda: follow(sj.prepared(lambda first, n: 3, 300)), r"make\(0, 256\) returns int: allowed are sj.Carriers, 256"),
        (lambda: follow(sj.prepared(lambda first, n: made(0, 7), 300)), r"make\(0, 256\) returns 7 carriers"),
        (lambda: sj.thermal(0, ELECTRON, 5, 10.0, first=-1), "first = -1: allowed is a whole number ≥ 0"),
        (lambda: sj.thermal(0, ELECTRON, 5, 10.0, first=2**32 - 1), "allowed are ids below"),
    ],
)
def test_mistakes_are_one_line(call, words):
    with pytest.raises(sj.SemijaxError, match=words) as error:
        call()
    assert "\n" not in str(error.value)


# -- memory -----------------------------------------------------------------------------------------------------------------


def test_chunks_shrink_to_what_is_free_and_more_than_fits_is_refused(monkeypatch):
    dynamics, many = sj.Dynamics(ELECTRON, FIELD), sj.prepared(made, 50_000_000)
    monkeypatch.setattr(chunks, "available", lambda: 6 << 30)
    found = sj.forecast(dynamics, many)
    assert found.chunk == chunks.LARGEST
    assert found.bytes < found.free
    monkeypatch.setattr(chunks, "available", lambda: 1 << 29)
    smaller = sj.forecast(dynamics, many, keep=False)
    assert smaller.chunk < chunks.LARGEST
    assert "memory: about" in str(smaller)
    with pytest.raises(sj.SemijaxError, match="50000000 carriers need about .* GiB are free.* keep = False"):
        sj.forecast(dynamics, many)
    monkeypatch.setattr(chunks, "available", lambda: None)
    assert sj.forecast(dynamics, made(0, 10)).chunk == 10


MEASURE = """
import json, sys
import semijax as sj
from semijax.provenance import peak_memory
n, how, step = json.loads(sys.argv[1])
sj.configure(devices=2, precision="float32")
from semijax import bands, fields, observables
electron = sj.electron(bands.superlattice(0.018, 114.0, 0.067))
dynamics = sj.Dynamics(electron, fields.uniform([0.0, 0.0, 1e-4], [0.0, 1.0, 2.0]))
carriers = sj.prepared(lambda first, n: sj.thermal(0, electron, n, 10.0, first=first), n)
carriers.make(0, 256)
how["step"] = getattr(sj, step)(sj.rk4) if step else sj.rk4
before = int(open("/proc/self/statm").read().split()[1]) * 4096
record, frames = {"drift": observables.mean(observables.velocity)}, how.pop("frames", 2)
if frames > 2:
    record |= {f.__name__: observables.sample(f, 2000) for f in (observables.position, observables.wavevector, observables.energy)}
foreseen = sj.forecast(dynamics, carriers, record=record, frames=frames, **how).bytes
watch = (lambda done, frames: None) if frames > 2 else None
sj.simulate(dynamics, carriers, duration=10.0 * frames, dt=10.0, record=record, progress=watch, **how).check()
print(foreseen / (peak_memory() - before))
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the system does not say what a process holds")
@pytest.mark.parametrize(
    ("n", "how", "step"),
    [
        (1 << 20, {}, None),
        pytest.param(1 << 23, {}, None, marks=pytest.mark.slow),
        pytest.param(1 << 23, {"keep": False}, None, marks=pytest.mark.slow),
        pytest.param(1 << 22, {"keep": False}, "with_volume", marks=pytest.mark.slow),
        pytest.param(1 << 22, {}, "with_jacobian", marks=pytest.mark.slow),
        pytest.param(1 << 19, {"frames": 400}, None, marks=pytest.mark.slow),
    ],
)
def test_the_forecast_is_within_a_factor_of_1_3_of_the_peak(n, how, step):
    environment = {name: value for name, value in os.environ.items() if name not in ("XLA_FLAGS", "SEMIJAX_ENGINE")}
    command = [sys.executable, "-c", MEASURE, json.dumps([n, how, step])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment | {"JAX_PLATFORMS": "cpu"})
    assert 1 / 1.3 < float(done.stdout) < 1.3
