"""Trajectories as data: closed forms of drift and relaxation, exact Jacobians through 1e4 steps, chunks, and a miniband recovered."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.integrate import quad
from scipy.special import iv

import semijax as sj
from semijax import bands, fields, fits, observables
from semijax._pytree import replace
from semijax._types import SemijaxError
from semijax.fits import followed
from semijax.fits.collisions import relaxed, steady
from semijax.fits.measured import settled
from semijax.fits.problem import derivative, problem_of
from semijax.fits.sensitivity import forwards
from semijax.units import HBAR, KB

BAND = bands.cosine(0.018, 114.0)
FIELD, HOT, TAU = 1e-4, 100.0, 300.0  # 10 kV/cm: a Bloch period of 363 fs
TIMES = np.linspace(0, 1500, 51)
PUSH = fields.uniform([FIELD])
SWING = 0.018 * 114.0 / (2 * HBAR) * iv(1, 0.018 / (2 * KB * HOT)) / iv(0, 0.018 / (2 * KB * HOT))
OMEGA = FIELD * 114.0 / HBAR


def predicted(data, band=BAND):
    return np.asarray(jax.jit(lambda band, data: data.predicted(band))(band, settled(band, data)))


def thermal(values=None, **options):
    given = {"field": PUSH, "carriers": fits.over_zone(24), "temperature": HOT, "sigma": 0.01, "component": 0}
    return fits.drift(TIMES, np.zeros(51) if values is None else values, **(given | options))


def test_a_thermal_ensemble_oscillates_as_bloch_says():
    # electrons run against the field; rk4 at the suggested step errs by (2π/40)⁴/120 = 5e-6 of a turn and of the swing in a step's phase
    np.testing.assert_allclose(predicted(thermal()), -SWING * np.sin(OMEGA * TIMES), atol=2e-4 * SWING)
    np.testing.assert_allclose(predicted(thermal(charge=1), -BAND), SWING * np.sin(OMEGA * TIMES), atol=2e-4 * SWING)


def test_relaxation_is_that_of_the_boltzmann_equation():
    def exact(t):
        back = quad(lambda s: np.exp(-s / TAU) * SWING * np.sin(OMEGA * s) / TAU, 0, t, limit=200)[0]
        return -np.exp(-t / TAU) * SWING * np.sin(OMEGA * t) - back

    np.testing.assert_allclose(predicted(thermal(tau=TAU)), [exact(t) for t in TIMES], atol=3e-4 * SWING)


def test_the_integral_over_collisions_is_that_of_a_cubic():
    t, tau = np.arange(12) * 10.0, 37.0

    def cubic(t):
        return 1.0 + 0.3 * t - 0.02 * t**2 + 1e-4 * t**3

    found = relaxed(jnp.asarray(cubic(t)), 10.0, tau)
    exact = [cubic(x) * np.exp(-x / tau) + quad(lambda s: np.exp(-s / tau) * cubic(s) / tau, 0, x)[0] for x in t]
    np.testing.assert_allclose(found, exact, rtol=1e-9)
    values = jnp.cos(jnp.arange(601.0) * 0.05)
    law = 1 / (1 + (0.05 * 40) ** 2)  # ∫ exp(−s) cos(ω τ s) ds = 1/(1 + ω²τ²), over 15 τ
    assert float(steady(values, 1.0, 40.0)) == pytest.approx(law, abs=2e-6)


def test_a_steady_drift_follows_esaki_and_tsu():
    electric = np.linspace(1e-5, 2e-4, 7)
    data = fits.steady_drift(
        electric, np.zeros(7), direction=[2.0], carriers=fits.over_zone(24), temperature=HOT, tau=TAU, sigma=0.01
    )
    turn = electric * 114.0 / HBAR * TAU
    np.testing.assert_allclose(predicted(data), -SWING * turn / (1 + turn**2), atol=1e-4 * SWING)


def test_a_miniband_comes_out_of_its_bloch_oscillations():
    true = predicted(thermal(tau=TAU, dt=10.0))
    noisy = true + 0.01 * np.random.default_rng(3).standard_normal(51)
    fit = sj.least_squares(fits.residuals, bands.cosine(0.02, 110.0), thermal(noisy, tau=200.0))
    assert fit.names == ("bandwidth", "period", "tau")
    assert (np.abs(fit.values - [0.018, 114.0, TAU]) < 3 * fit.sigmas).all()
    np.testing.assert_allclose(fit.band.lattice, [[fit.values[1]]])
    assert 0.5 < float(fit.reduced_chi2) < 1.6  # 48 degrees of freedom: three standard deviations
    assert fit.data.extra["tau"] == fit.values[2]
    samples = fits.bootstrap(fit, fits.residuals, fit.data, 40, jax.random.key(0))
    # 40 samples tell a scatter to 11 %, what 51 data scatter to 10 %
    np.testing.assert_allclose(samples.std(axis=0), fit.sigmas, rtol=0.5)


def test_a_current_is_charge_times_velocity():
    given = {"field": PUSH, "carriers": fits.over_zone(24), "temperature": HOT, "component": 0}
    data = fits.current(TIMES, np.zeros(51), scale=3.0, offset=0.5, **given)
    np.testing.assert_allclose(predicted(data), 0.5 + 3.0 * SWING * np.sin(OMEGA * TIMES), atol=1e-3 * SWING)


def long_run():
    """10,000 steps of four carriers in a two-dimensional lattice and a tilted field."""
    band = bands.tight_binding({(4.0, 0.0): -0.2, (0.0, 4.0): -0.15, (4.0, 4.0): 0.03}, lattice=[[4.0, 0], [0, 4.0]])
    k = np.random.default_rng(0).uniform(-0.5, 0.5, (4, 2))
    times = np.linspace(0, 10_000.0, 21)
    options = {"carriers": sj.Carriers(sj.Phase(np.zeros((4, 2)), k)), "field": fields.uniform([3e-3, 1e-3], 5.0), "dt": 1.0}
    data = fits.ensemble(times, np.zeros((21, 2)), of=observables.position, sigma=1.0, **options)
    return problem_of("test", fits.residuals, band, data, bounds=None, frozen=("vectors", "onsite"), priors=None)[0]


def test_jacobians_through_ten_thousand_steps_are_exact():
    problem = long_run()
    follow = jax.tree.unflatten(problem.layout.tree, problem.leaves)[1].predict
    assert follow.steps * follow.frames == 10_000
    x = np.asarray(problem.layout.start(problem.leaves))
    of = jax.jit(lambda x: problem.residuals(x))
    forward = np.asarray(jax.jit(lambda x: derivative(problem.residuals, x, "forward")[1])(jnp.asarray(x)))
    for i in range(len(x)):
        # k turns round many times: positions curve with parameters over 1e-3 of these, so h² truncates to 1e-8 of the slope
        h = 1e-6 * abs(x[i]) * np.eye(len(x))[i]
        slope = (np.asarray(of(jnp.asarray(x + h))) - np.asarray(of(jnp.asarray(x - h)))) / (2 * h[i])
        assert np.abs(forward[:, i] - slope).max() <= 1e-6 * np.abs(slope).max()


def test_chunks_and_directions_of_derivatives_agree(monkeypatch):
    data = settled(BAND, thermal(carriers=fits.over_zone(1500), dt=20.0))

    def loss(params):
        return jnp.sum(data.predicted(replace(BAND, params=params)) ** 2)

    params = jax.tree.map(jnp.asarray, BAND.params)
    with forwards(True):
        value, whole = jax.jit(lambda params: (loss(params), jax.jacfwd(loss)(params)))(params)
    monkeypatch.setattr(followed, "CHUNK_BYTES", 1)  # 1024 carriers at once, the second chunk filled up
    cut, backwards = jax.jit(jax.value_and_grad(loss))(params)
    np.testing.assert_allclose(cut, value, rtol=1e-12)
    for key in params:
        np.testing.assert_allclose(backwards[key], whole[key], rtol=1e-10)


@pytest.mark.slow
def test_a_descent_through_trajectories_ends_at_the_truth():
    few = {"field": PUSH, "carriers": fits.over_zone(8), "temperature": HOT, "component": 0, "dt": 20.0, "sigma": 0.01}
    true = predicted(fits.drift(TIMES[:11], np.zeros(11), **few))
    data = fits.drift(TIMES[:11], true, **few)
    fit = sj.fit(fits.misfit, bands.cosine(0.02, 112.0), data, optimiser=optax.adam(0.02), steps=150, covariance=False)
    np.testing.assert_allclose(fit.values, [0.018, 114.0], rtol=1e-3)


def test_frames_before_the_data_are_left_out():
    late = fits.drift(TIMES[10:], np.zeros(41), component=0, field=PUSH, carriers=fits.over_zone(24), temperature=HOT, start=0.0)
    np.testing.assert_allclose(predicted(late), predicted(thermal(sigma=None))[10:], rtol=1e-12)


ZERO = np.zeros(51)
BAD = {
    "uneven times": (lambda: fits.drift(TIMES**2, ZERO, carriers=fits.over_zone(8)), "evenly spaced"),
    "times and values": (lambda: fits.drift(TIMES[1:], ZERO, carriers=fits.over_zone(8)), "one for each"),
    "a start in between": (lambda: thermal(start=-17.0), "start = -17"),
    "no carriers": (lambda: thermal(carriers=12), "carriers = int"),
    "a charge": (lambda: thermal(charge=2), "charge = 2"),
    "no temperature": (lambda: thermal(temperature=-1.0), "temperature = -1"),
    "no relaxation time": (lambda: thermal(tau=0.0), "tau = 0"),
    "dt too long": (lambda: settled(BAND, thermal(dt=300.0)), "dt = 300 fs: allowed is at most"),
    "a mesh of one": (lambda: fits.over_zone(1), "n = 1"),
    "no zone": (lambda: settled(bands.parabolic(1.0, dimension=1), thermal()), "over_zone: a band without a lattice"),
    "no direction": (
        lambda: fits.steady_drift([1e-4], [0.1], direction=[0.0], carriers=fits.over_zone(8), temperature=9.0, tau=9.0),
        "direction = ",
    ),
    "odd samples": (
        lambda: fits.steady_drift(
            [1e-4], [0.1], direction=[1.0], carriers=fits.over_zone(8), temperature=9.0, tau=9.0, samples=9
        ),
        "samples = 9",
    ),
}


@pytest.mark.parametrize(("wrong", "says"), BAD.values(), ids=BAD)
def test_bad_data_are_one_line(wrong, says):
    with pytest.raises(SemijaxError, match=says) as error:
        wrong()
    assert "\n" not in str(error.value)
    assert "allowed" in str(error.value)
