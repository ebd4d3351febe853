"""The driver: frames, folding, tiles, prefix, continuation, pairs, derivatives, no second compilation, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import bloch_displacement

import semijax as sj
from semijax import bands, fields, observables, units

MINIBAND = dict(bandwidth=0.018, period=114.0, mass=0.067)
FIELD = fields.uniform([0.0, 0.0, 1e-4], [0.3, 0.0, 1.0])


def cloud(n, dtype=jnp.float64, seed=0):
    """n carriers scattered over the zone."""
    k = np.random.default_rng(seed).normal(size=(n, 3)) * 0.01
    return sj.Carriers(sj.Phase(jnp.zeros((n, 3), dtype), jnp.asarray(k, dtype)))


def electrons(field=FIELD):
    return sj.Dynamics(sj.electron(bands.superlattice(**MINIBAND)), field)


RECORD = {
    "drift": observables.mean(observables.velocity),
    "spread": observables.covariance(observables.position),
    "zone": observables.histogram(lambda dynamics, t, carrier: carrier.phase.wavevector[2], np.linspace(-0.03, 0.03, 11)),
    "some": observables.sample(observables.wavevector, 5),
    "energy": observables.sum(observables.energy),
}


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_bloch_oscillation_follows_the_closed_form(dtype):
    band = bands.cosine(0.018, 114.0)
    result = sj.simulate(
        sj.Dynamics(sj.electron(band), fields.uniform([1e-4])),
        sj.at_k(jnp.asarray([0.003], dtype), 3),
        duration=1000.0,
        dt=2.0,
        every=5,
        record={"x": observables.mean(observables.position)},
    ).check()
    exact = bloch_displacement(result.time, 0.003, 0.018, 114.0, -1e-4)
    # RK4 in a uniform field is Simpson's rule: relative error (ω dt)⁴/2880 with ω dt = 0.035; float32: 500 steps of rounding 6e-8.
    allowed = 90 * max(0.035**4 / 2880 * 50, 500 * float(jnp.finfo(dtype).eps))
    assert result.frames["x"].dtype == dtype
    assert float(jnp.abs(result.frames["x"][:, 0] - exact).max()) < allowed


def test_times_frames_and_lowered_dt():
    result = sj.simulate(electrons(), cloud(6), duration=100.0, dt=7.0, every=3, record=RECORD, start=5.0)
    assert result.status.steps == 15  # 100/7 → 14.3 steps, up to a multiple of 3
    assert result.status.dt == pytest.approx(100 / 15)
    np.testing.assert_allclose(result.time, np.linspace(5, 105, 6), rtol=1e-14)
    shapes = {name: frame.shape for name, frame in result.frames.items()}
    assert shapes == {"drift": (6, 3), "spread": (6, 3, 3), "zone": (6, 10), "some": (6, 5, 3), "energy": (6,)}


def test_recorders_agree_with_numpy_on_the_final_carriers():
    carriers = sj.Carriers(cloud(700).phase, weight=jnp.linspace(0.5, 2.0, 700))
    result = sj.simulate(electrons(), carriers, duration=300.0, dt=5.0, every=60, record=RECORD)
    dynamics, phase, w = electrons(), result.final.phase, np.linspace(0.5, 2.0, 700)
    velocity = jax.vmap(lambda p: dynamics(0.0, p).position)(phase)
    energy = jax.vmap(lambda p: dynamics.energy(0.0, p))(phase)
    # both sides sum 700 float64 numbers in another order: 700 rounding errors of the largest term
    np.testing.assert_allclose(result.frames["drift"][-1], np.average(velocity, axis=0, weights=w), atol=1e-12)
    np.testing.assert_allclose(result.frames["energy"][-1], (w * energy).sum(), rtol=1e-12)
    np.testing.assert_allclose(
        result.frames["spread"][-1], np.cov(np.asarray(phase.position).T, aweights=w, bias=True), rtol=1e-10
    )
    np.testing.assert_allclose(result.frames["some"][-1], phase.wavevector[:5], rtol=0, atol=1e-15)
    band = electrons().species.band
    folded = np.asarray(phase.wavevector)[:, 2] - np.asarray(result.final.winding)[:, 0] * float(band.reciprocal[0, 2])
    counts, _ = np.histogram(folded, np.linspace(-0.03, 0.03, 11), weights=w)
    np.testing.assert_allclose(result.frames["zone"][-1], counts, rtol=1e-12)


def test_covariance_keeps_its_digits_in_float32_far_from_the_origin():
    rng = np.random.default_rng(1)
    r = jnp.asarray(1e6 + rng.normal(size=(5000, 1)), jnp.float32)  # spacing of float32 at 1e6: 0.06
    carriers = sj.Carriers(sj.Phase(r, jnp.zeros_like(r)))
    free = sj.Dynamics(sj.electron(bands.parabolic(1.0, dimension=1)))
    record = {
        "spread": observables.covariance(observables.position),
        "variance": observables.covariance(lambda d, t, c: c.phase.position[0]),
    }
    result = sj.simulate(free, carriers, duration=1.0, dt=1.0, record=record)
    exact = np.var(np.asarray(r, np.float64))
    # Σ r² − (Σ r)²/n would lose all: 1e12 × 6e-8 = 6e4. Pairwise merging errs by a few roundings of the mean, (0.06)² each.
    assert float(result.frames["spread"][-1, 0, 0]) == pytest.approx(exact, rel=5e-3)
    assert float(result.frames["variance"][-1]) == float(result.frames["spread"][-1, 0, 0])


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_tiles_do_not_change_a_bit(dtype):
    runs = [
        sj.simulate(
            electrons(),
            cloud(1300, dtype),
            duration=100.0,
            dt=5.0,
            every=5,
            record=RECORD,
            step=sj.with_volume(sj.rk4),
            tile=tile,
        )
        for tile in (256, 1024, None)
    ]
    first = jax.tree.leaves((runs[0].frames, runs[0].final))
    for run in runs[1:]:
        for a, b in zip(first, jax.tree.leaves((run.frames, run.final)), strict=True):
            np.testing.assert_array_equal(a, b)


def test_carrier_i_does_not_change_when_n_grows():
    small, large = (sj.simulate(electrons(), cloud(2000), duration=100.0, dt=5.0) for _ in (0, 1))
    few = sj.simulate(electrons(), jax.tree.map(lambda x: x[:300], cloud(2000)), duration=100.0, dt=5.0)
    np.testing.assert_array_equal(few.final.phase.wavevector, large.final.phase.wavevector[:300])
    np.testing.assert_array_equal(few.final.phase.position, small.final.phase.position[:300])


def test_a_run_continues_from_its_final_state():
    whole = sj.simulate(electrons(), cloud(64), duration=200.0, dt=5.0, step=sj.with_volume(sj.rk4))
    half = sj.simulate(electrons(), cloud(64), duration=100.0, dt=5.0, step=sj.with_volume(sj.rk4))
    rest = sj.simulate(electrons(), half.final, duration=100.0, dt=5.0, step=sj.with_volume(sj.rk4), start=100.0)
    # unfolding and folding again at the seam rounds k once
    np.testing.assert_allclose(rest.final.phase.wavevector, whole.final.phase.wavevector, rtol=0, atol=1e-15)
    np.testing.assert_allclose(rest.final.phase.position, whole.final.phase.position, rtol=1e-10, atol=1e-9)


def test_wavevector_is_unfolded_and_the_zone_is_not_left():
    band = bands.cosine(0.018, 114.0)
    result = sj.simulate(
        sj.Dynamics(sj.hole(band), fields.uniform([1e-4])),
        sj.at_k([0.0]),
        duration=3000.0,
        record={"k": observables.mean(observables.wavevector), "zone": observables.mean(observables.folded_wavevector)},
    )
    np.testing.assert_allclose(result.final.phase.wavevector[0, 0], 1e-4 * 3000 / units.HBAR, rtol=1e-12)
    np.testing.assert_allclose(result.frames["k"][:, 0], 1e-4 * result.time / units.HBAR, atol=1e-13)
    assert float(jnp.abs(result.frames["zone"]).max()) <= np.pi / 114.0 * (1 + 1e-12)
    assert int(result.final.winding[0, 0]) == round(1e-4 * 3000 / units.HBAR * 114.0 / (2 * np.pi))


def test_pairs_separate_by_twice_the_impulse_for_any_bands():
    dynamics = {
        "electron": sj.Dynamics(sj.electron(bands.kane(0.063, 0.61)), fields.uniform([1e-3, 0.0, 0.0])),
        "hole": sj.Dynamics(sj.hole(-bands.parabolic(0.3)), fields.uniform([1e-3, 0.0, 0.0])),
    }
    record = {"k": observables.mean(observables.wavevector), "j": observables.mean(observables.current)}
    result = sj.simulate(dynamics, sj.pairs(sj.at_k([0.0, 0.0, 0.0], 2)), duration=100.0, dt=1.0, record=record)
    separation = result.frames["k"]["electron"] - result.frames["k"]["hole"]
    np.testing.assert_allclose(separation[-1, 0], -2 * 1e-3 * 100 / units.HBAR, rtol=1e-12)
    velocity = {name: dynamics[name].species.band.velocity(result.final[name].phase.wavevector[0]) for name in dynamics}
    np.testing.assert_allclose(result.frames["j"][-1], velocity["hole"] - velocity["electron"], rtol=1e-12)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_derivatives_go_through(mode):
    def final_displacement(bandwidth):
        dynamics = sj.Dynamics(sj.electron(bands.superlattice(bandwidth, 114.0, 0.067)), fields.uniform([0.0, 0.0, 1e-4]))
        record = {"x": observables.mean(observables.position)}
        return sj.simulate(dynamics, cloud(300), duration=100.0, dt=5.0, every=5, record=record, tile=256).frames["x"][-1, 2]

    derivative = jax.grad(final_displacement)(0.018) if mode == "reverse" else jax.jvp(final_displacement, (0.018,), (1.0,))[1]
    # x is linear in the bandwidth
    np.testing.assert_allclose(derivative, final_displacement(0.018) / 0.018, rtol=1e-10)


def test_second_call_does_not_compile(caplog):
    def run(bandwidth, field):
        dynamics = sj.Dynamics(sj.electron(bands.superlattice(bandwidth, 114.0, 0.067)), fields.uniform([0.0, 0.0, field]))
        return sj.simulate(dynamics, cloud(300), duration=100.0, dt=5.0, every=5, record=RECORD, step=sj.with_volume(sj.rk4))

    run(0.018, 1e-4)
    with jax.log_compiles(True), caplog.at_level("WARNING"):
        run(0.019, 2e-4)
    compiled = [r.message for r in caplog.records if "Compiling" in r.message or "Finished tracing" in r.message]
    assert compiled == []


def test_compensated_sums_keep_the_energy_in_float32():
    # 4000 steps: plain sums round k and r every step; the error of RK4 itself, (ω dt)⁵/120 a step at ω dt = 0.1, is far below
    drift = {}
    for compensated in (False, True):
        run = sj.simulate(electrons(), cloud(64, jnp.float32), duration=20_000.0, dt=5.0, compensated=compensated)
        drift[compensated] = float(run.status.drifts["energy"].change)
        assert (run.final.residual is not None) == compensated
    assert drift[True] < drift[False] / 3


def test_progress_reports_and_stops():
    seen = []
    record = {"k": observables.mean(observables.wavevector)}
    run = sj.simulate(
        electrons(), cloud(8), duration=500.0, dt=5.0, record=record, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (100, 100) and len(seen) > 10
    stopped = sj.simulate(electrons(), cloud(8), duration=500.0, dt=5.0, record=record, progress=lambda done, total: done >= 50)
    half = stopped.frames["k"].shape[0]
    assert 50 < half < 101 and stopped.time.shape == (half,)
    np.testing.assert_allclose(stopped.frames["k"], run.frames["k"][:half], rtol=0, atol=1e-15)


def test_what_it_refuses():
    good = dict(duration=100.0, dt=5.0)
    cases = [
        (dict(duration=-1.0), "duration = -1.0: allowed is a finite number"),
        (dict(duration=float("nan")), "duration = nan"),
        (dict(duration=100.0, dt=0.0), "dt = 0.0"),
        (dict(duration=1000.0, dt=500.0), "Bloch period"),
        (dict(**good, every=0), "every = 0"),
        (dict(**good, start=float("inf")), "start = inf"),
        (dict(**good, record={"x": observables.position}), "record['x']"),
        (dict(**good, record={"x": observables.sample(observables.position, 9)}), "samples 9 of 4"),
        (dict(**good, step=sj.leapfrog), "magnetic field"),
        (dict(**good, step=3), "step = 3"),
    ]
    for arguments, message in cases:
        with pytest.raises(sj.SemijaxError) as error:
            sj.simulate(electrons(), cloud(4), **arguments)
        assert message in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(sj.SemijaxError, match="two dicts of the same keys"):
        sj.simulate({"electron": electrons()}, cloud(4), **good)
    with pytest.raises(sj.SemijaxError, match="d = 2: allowed is 3"):
        sj.simulate(electrons(), sj.at_k([0.0, 0.0]), **good)
    with pytest.raises(sj.SemijaxError, match="carrier 1 is not finite"):
        sj.simulate(electrons(), sj.Carriers(sj.Phase(jnp.zeros((2, 3)), jnp.array([[0.0, 0, 0], [0, jnp.nan, 0]]))), **good)


def test_a_failure_is_a_value_that_check_raises():
    cliff = fields.potential(lambda r: 1e-3 * jnp.sqrt(100.0 - r[0]))  # not a number beyond 100 Å
    dynamics = sj.Dynamics(sj.electron(bands.parabolic(0.5, dimension=2)), cliff)
    carriers = sj.Carriers(sj.Phase(jnp.array([[0.0, 0.0], [50.0, 0.0]]), jnp.array([[0.0, 0.0], [0.05, 0.0]])))
    result = sj.simulate(dynamics, carriers, duration=100.0, dt=1.0, every=10)
    with pytest.raises(sj.BrokenInvariant, match="carrier 1, seen at step"):
        result.check()


def test_launches_do_not_repeat_random_numbers():
    band = bands.cosine(0.018, 114.0)
    dynamics, start = sj.Dynamics(sj.electron(band), fields.uniform([1e-4])), sj.thermal(0, sj.electron(band), 500, 10.0)
    arguments = dict(duration=500.0, dt=10.0, step=sj.with_relaxation(sj.rk4, tau=100.0, temperature=10.0))
    whole = sj.simulate(dynamics, start, **arguments)
    parts = sj.simulate(dynamics, start, **arguments, progress=lambda done, total: False)
    np.testing.assert_array_equal(parts.final.phase.wavevector, whole.final.phase.wavevector)
    np.testing.assert_array_equal(parts.final.steps, 50)
    half = sj.simulate(dynamics, start, **(arguments | dict(duration=250.0)))
    rest = sj.simulate(dynamics, half.final, **(arguments | dict(duration=250.0)), start=250.0)
    np.testing.assert_array_equal(rest.final.steps, 50)
    pieces = sj.simulate(
        dynamics, half.final, **(arguments | dict(duration=250.0)), start=250.0, progress=lambda done, total: False
    )
    np.testing.assert_array_equal(pieces.final.phase.wavevector, rest.final.phase.wavevector)
    # the seam rounds k once by unfolding; the draws, and so who collides, are the same
    np.testing.assert_allclose(rest.final.phase.wavevector, whole.final.phase.wavevector, rtol=0, atol=1e-15)


def test_carriers_that_a_jit_closes_over():
    carriers = cloud(20)
    run = lambda charge: sj.simulate(electrons(), carriers, duration=50.0, dt=5.0, record={}).final.phase.position * charge  # noqa: E731
    np.testing.assert_allclose(jax.jit(run)(1.0), run(1.0), rtol=1e-12, atol=1e-12)
    broken = sj.Carriers(sj.Phase(jnp.zeros((2, 3)), jnp.asarray([[0.0, 0.0, 0.0], [0.0, jnp.nan, 0.0]])))
    with pytest.raises(sj.SemijaxError, match="carrier 1 is not finite"):
        jax.jit(lambda x: sj.simulate(electrons(), broken, duration=50.0, dt=5.0).final.phase.position * x)(1.0)
