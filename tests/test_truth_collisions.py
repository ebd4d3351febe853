"""Relaxation to a thermal law: published drift, energy, transients and velocity distributions through sj.with_relaxation."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library import CASES
from problems import JOULE, KG, relaxing_miniband
from scipy.integrate import simpson
from scipy.stats import exponnorm, kstest

import semijax as sj
from semijax import bands, fields, observables, units

MINIBAND = bands.cosine(CASES["BO6"]["inputs_SI"]["Delta_J"] * JOULE, CASES["BO6"]["inputs_SI"]["d"] * units.M)
HALF_WIDTH = CASES["BO6"]["inputs_SI"]["Delta_J"] * JOULE / 2
FASTEST = HALF_WIDTH * CASES["BO6"]["inputs_SI"]["d"] * units.M / units.HBAR  # v_m, Å/fs
TAU = CASES["BO6"]["inputs_SI"]["tau"] * units.S


def under_force(force):
    """An electron of the miniband under a force in V/m times e."""
    return sj.Dynamics(sj.electron(MINIBAND), fields.uniform([-force * units.V_PER_M]))


def relaxing(force, temperature, dt, seed):
    """Electrons of the miniband under a force in V/m times e."""
    width, period = 2 * HALF_WIDTH, float(MINIBAND.lattice[0, 0])
    return relaxing_miniband(width, period, force * units.V_PER_M, TAU, temperature, dt, seed)


def noise(run, frame):
    """Standard errors of the mean velocity and energy."""
    return [
        math.sqrt(float(run.frames[name][frame].reshape(())) / run.final.count) for name in ("spread of v", "spread of energy")
    ]


def splitting_bias(rotation, collisions):
    """Relative error of ⟨exp(ikd)⟩ in the steady state of half collision, step, half collision, to second order.

    With x = dt/τ and y = ω dt the chain's steady state is r1 2 sinh(x/4) cosh(x/4 − iy/2)/sinh((x − iy)/2); the exact one is
    r1 x/(x − iy), and the ratio of the two is 1 − y²/12 − ixy/24 + O(dt⁴).
    """
    return 1.05 * (rotation**2 / 12 + rotation * collisions / 24)


@pytest.mark.parametrize("row", CASES["BO6"]["expected"]["rows"])
def test_esaki_tsu_drift_and_energy(row):
    temperature, force, turn, v, energy = row
    run = relaxing(force, temperature, dt=TAU / 20, seed=round(turn * 10))
    of_v, of_energy = noise(run, -1)
    z = math.hypot(v * units.M_PER_S / FASTEST, 1 - energy / HALF_WIDTH)
    # after 15 τ the transient is 3e-7 of the start's z ≤ 1
    bias = splitting_bias(turn / 20, 1 / 20) * z + math.exp(-15)
    assert abs(float(run.frames["v"][-1, 0]) - v * units.M_PER_S) < 5 * of_v + bias * FASTEST
    assert abs(float(run.frames["energy"][-1]) - energy) < 5 * of_energy + bias * HALF_WIDTH


@pytest.mark.parametrize("row", CASES["BO6"]["expected"]["rows"])
def test_esaki_tsu_from_free_flights(row):
    # Chambers: the steady mean is that of the thermal ensemble t after its last collision, averaged over exp(−t/τ) dt/τ.
    temperature, force, _turn, v, energy = row
    dynamics = under_force(force)
    k = (np.arange(64) / 64 - 0.5)[:, None] * MINIBAND.reciprocal
    weight = np.exp(HALF_WIDTH * np.cos(k[:, 0] * float(MINIBAND.lattice[0, 0])) / (units.KB * temperature))
    carriers = sj.Carriers(sj.Phase(jnp.zeros((64, 1)), jnp.asarray(k)), weight=jnp.asarray(weight))
    record = {"v": observables.mean(observables.velocity), "energy": observables.mean(observables.energy)}
    run = sj.simulate(dynamics, carriers, duration=25 * TAU, dt=TAU / 100, record=record).check()
    t, flown = np.asarray(run.time), np.exp(-np.asarray(run.time) / TAU) / TAU
    # exp(−25) is left out; Simpson's rule errs by (|1 − iωτ|/100)⁴/180 ≤ 4e-8 of v_m, and RK4 is that rule for the flight
    np.testing.assert_allclose(simpson(flown * np.asarray(run.frames["v"][:, 0]), x=t), v * units.M_PER_S, rtol=1e-6)
    np.testing.assert_allclose(simpson(flown * np.asarray(run.frames["energy"]), x=t), energy, rtol=1e-6)


def test_damped_bloch_oscillation():
    inputs, expected = CASES["BO9"]["inputs_SI"], CASES["BO9"]["expected"]
    force = inputs["wB"] / units.S * units.HBAR / (inputs["d"] * units.M) / units.V_PER_M
    run = relaxing(force, inputs["T"], dt=5.0, seed=9)
    for t, v, cosine in zip(inputs["t"], expected["v"], expected["cos"]):
        frame = round(t * units.S / 100.0)
        of_v, of_energy = noise(run, frame)
        # survivors are exact, so the error at time t is the steady state's times 1 − exp((iω − 1/τ)t), at most 2
        bias = 2 * splitting_bias(inputs["wB"] / units.S * 5.0, 5.0 / TAU)
        assert abs(float(run.frames["v"][frame, 0]) - v * units.M_PER_S) < 5 * of_v + bias * FASTEST
        assert abs(1 - float(run.frames["energy"][frame]) / HALF_WIDTH - cosine) < 5 * of_energy / HALF_WIDTH + bias


# -- constant relaxation time in a parabolic band ---------------------------------------------------------------------------


def test_velocities_of_a_drifting_gas():
    inputs, expected, n = CASES["SC4"]["inputs_SI"], CASES["SC4"]["expected"], 16_384
    species = sj.electron(bands.parabolic(inputs["m"] * KG))
    tau, vd = inputs["tau"] * units.S, expected["vd"] * units.M_PER_S
    dynamics = sj.Dynamics(species, fields.uniform([-inputs["F"] * units.V_PER_M, 0.0, 0.0]))
    record = {"cloud": observables.covariance(observables.position)}
    step = sj.with_relaxation(sj.rk4, tau, inputs["T"], seed=4)
    run = sj.simulate(
        dynamics, sj.thermal(4, species, n, inputs["T"]), duration=16 * tau, dt=tau / 20, every=160, record=record, step=step
    ).check()
    energy, v = (np.asarray(x) for x in jax.vmap(jax.value_and_grad(species.band))(run.final.phase.wavevector))
    v = v / units.HBAR
    x, variance = v[:, 0], expected["var_par"] * units.M_PER_S**2
    # the ages of the splitting are shorter by (dt/τ)²/24 = 1e-4 of themselves: within a tenth of any error bar below
    central = x - x.mean()
    assert abs(x.mean() - vd) < 5 * x.std() / math.sqrt(n)
    assert abs(x.var() - variance) < 5 * (central**2).std() / math.sqrt(n)
    third = central**3 - 3 * x.var() * central  # the influence of one carrier on the third central moment
    assert abs((central**3).mean() - expected["third_central"] * units.M_PER_S**3) < 5 * third.std() / math.sqrt(n)
    assert abs(energy.mean() - expected["mean_E_J"] * JOULE) < 5 * energy.std() / math.sqrt(n)
    # a Gaussian of thermal width convolved with the exponential of mean vd, and thermal across
    width = math.sqrt(variance - vd**2)
    assert kstest(x, exponnorm(vd / width, 0.0, width).cdf).pvalue > 1e-5
    assert kstest(v[:, 1] / width, "norm").pvalue > 1e-5
    # the cloud's variance grows by 2 D t from 8 τ on; that of a variance is 2 (Var)²/n for a nearly Gaussian cloud
    for i, name in ((0, "D_par"), (1, "D_perp"), (2, "D_perp")):
        early, late = (float(run.frames["cloud"][f, i, i]) for f in (1, 2))
        D = expected[name] * units.M**2 / units.S
        assert abs((late - early) / (16 * tau) - D) < 5 * math.sqrt(2 / n) * late / (16 * tau)
