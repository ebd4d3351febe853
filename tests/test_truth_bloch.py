"""Bloch oscillations, dynamic localisation, thermal ensembles and harmonics: published cases through sj.simulate."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from library import CASES
from problems import CHARGE, JOULE, first_passage

import semijax as sj
from semijax import bands, fields, observables, units

# E(t) is a field; the cases give the force on the electron, which is −e times it.


def miniband(case):
    inputs = CASES[case]["inputs_SI"]
    bandwidth = inputs.get("Delta_J", inputs.get("D"))
    return bands.cosine(bandwidth * JOULE, inputs["d"] * units.M)


def square(dynamics, t, carrier):
    return carrier.phase.position**2


PATH = {
    "x": observables.mean(observables.position),
    "x2": observables.mean(square),
    "v": observables.mean(observables.velocity),
    "energy": observables.mean(observables.energy),
}


def bloch_rate(case):
    """ω_B, rad/fs."""
    inputs = CASES[case]["inputs_SI"]
    return inputs["field"] * units.V_PER_M * inputs["d"] * units.M / units.HBAR


MESH = 64  # the mean of a periodic function over an even mesh: exact up to its 64th harmonic, I64(β) ~ 1e-60


def zone_mesh(band, temperature, dtype=jnp.float64):
    """The Boltzmann law as weights of carriers on an even mesh of the zone."""
    k = (np.arange(MESH) / MESH - 0.5)[:, None] * band.reciprocal
    energy = np.array([float(band(jnp.asarray(one))) for one in k])
    weight = np.exp(-(energy - energy.min()) / (units.KB * temperature))
    return sj.Carriers(sj.Phase(jnp.zeros((MESH, 1), dtype), jnp.asarray(k, dtype)), weight=jnp.asarray(weight, dtype))


def follow(band, force, carriers, duration):
    """2000 steps, each of them a frame; `force` in V/m. In float32 the sums over steps keep what rounding loses.

    RK4 in a uniform field is Simpson's rule: it errs by (ω dt)⁴/2880 = 1e-13 at 1.25 · 2π/2000 a step.
    """
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform([-force * units.V_PER_M]))
    single, dt = carriers.phase.position.dtype == jnp.float32, duration / 2000
    return sj.simulate(dynamics, carriers, duration=duration, dt=dt, record=PATH, compensated=single).check()


# float32: field, dt and increment round by 6e-8 each, so a phase of 1.25 · 2π is off by 1.4e-6; where a velocity is evaluated its
# phase, up to π, rounds by 2e-7. Compensated sums add nothing.
SINGLE = 2e-6


@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float64, 1e-9), (jnp.float32, SINGLE)])
def test_bloch_oscillation(dtype, tolerance):
    inputs, expected = CASES["BO1"]["inputs_SI"], CASES["BO1"]["expected"]
    period, largest = expected["T_s"] * units.S, expected["x_pp_m"] * units.M
    carriers = sj.Carriers(sj.Phase(jnp.zeros((MESH, 1), dtype), jnp.zeros((MESH, 1), dtype)), weight=jnp.ones(MESH, dtype))
    run = follow(miniband("BO1"), inputs["field_V_per_m"], carriers, 1.25 * period)
    x, v = (np.asarray(run.frames[name][:, 0], np.float64) for name in ("x", "v"))
    assert run.frames["x"].dtype == dtype
    # 1600 frames make a period: 0.1, 0.25, 0.5 and 0.9 of it are frames
    np.testing.assert_allclose(x[[160, 400, 800, 1440]], np.array(expected["x_m"]) * units.M, atol=tolerance * largest)
    np.testing.assert_allclose(x.max() - x.min(), largest, rtol=tolerance)
    np.testing.assert_allclose(v.max(), expected["vmax"] * units.M_PER_S, rtol=tolerance)
    # between T/2 and T the velocity is negative; it comes back to zero, rising, after one period
    found = first_passage(run.time[801:], v[801:], 0.0)
    np.testing.assert_allclose(found, period, rtol=tolerance)
    np.testing.assert_allclose(1 / found * units.S, expected["f_Hz"], rtol=tolerance)


# -- alternating fields: 128 frames of 4 steps over one cycle ---------------------------------------------------------------


def cycle(band, z, k0d, phase, omega):
    """One cycle of the force f1 cos(ωt + φ), z = f1 d/ħω, ω in rad/s: f1 in V/Å and the run."""
    d, period = float(band.lattice[0, 0]), 2 * math.pi / omega * units.S
    force = z * units.PLANCK / (period * d)
    dynamics = sj.Dynamics(sj.electron(band), fields.ac([-force], omega / (2 * math.pi) * units.HZ, phase))
    record = {name: PATH[name] for name in ("x", "v")}
    carriers = sj.at_k([k0d / d])
    run = sj.simulate(dynamics, carriers, duration=period, dt=period / 512, every=4, record=record, step=sj.dop8).check()
    return force, run


@pytest.mark.parametrize("row", CASES["BO3"]["expected"]["rows"])
def test_dynamic_localisation(row):
    inputs, tolerance = CASES["BO3"]["inputs_SI"], CASES["BO3"]["tolerance"]
    z, field, k0d, phase, mean = row
    force, run = cycle(miniband("BO3"), z, k0d, phase, inputs["omega"])
    np.testing.assert_allclose(force / units.V_PER_M, field, rtol=1e-9)
    found = float(run.frames["x"][-1, 0] / run.time[-1]) / units.M_PER_S
    assert found == pytest.approx(mean, rel=tolerance["rel"], abs=tolerance["abs_over_vm"] * inputs["vm"])


@pytest.mark.parametrize("z", CASES["BO3"]["expected"]["J0_zeros"])
def test_every_carrier_is_localised_at_the_zeros_of_j0(z):
    inputs = CASES["BO3"]["inputs_SI"]
    for k0d in (0.3, 2.0):
        _, run = cycle(miniband("BO3"), z, k0d, 0.4, inputs["omega"])
        assert abs(float(run.frames["x"][-1, 0] / run.time[-1])) < 1e-9 * inputs["vm"] * units.M_PER_S


@pytest.mark.parametrize("row", CASES["HH1"]["expected"]["rows"])
def test_harmonics_of_a_cosine_band(row):
    z, k0d, *harmonics = row
    _, run = cycle(miniband("HH1"), z, k0d, 0.0, CASES["HH1"]["inputs_SI"]["omega"])
    # 128 samples of a cycle alias harmonic n with 128 − n, J116(5) ~ 1e-145
    spectrum = np.fft.fft(np.asarray(run.frames["v"][:-1, 0])) / 128
    n = np.arange(12)
    found = 2 * np.where(n % 2, -spectrum[:12].imag, spectrum[:12].real) / units.M_PER_S
    np.testing.assert_allclose(found, harmonics, atol=1e-9 * CASES["HH1"]["expected"]["vm"])


# -- thermal ensembles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float64, 1e-8), (jnp.float32, SINGLE)])
def test_thermal_ensemble_on_a_mesh(dtype, tolerance):
    inputs, expected, band = CASES["BO5_300K"]["inputs_SI"], CASES["BO5_300K"]["expected"], miniband("BO5_300K")
    carriers = zone_mesh(band, inputs["T"], dtype)
    for theta, x, x2 in zip(inputs["theta"], expected["mean_x"], expected["mean_x2"]):
        run = follow(band, inputs["field"], carriers, theta / bloch_rate("BO5_300K"))
        # single carriers go as far as Δ/f, far beyond the mean: that is what is rounded in float32
        rounded = 0.0 if dtype == jnp.float64 else tolerance * inputs["Delta_J"] / (CHARGE * inputs["field"])
        np.testing.assert_allclose(float(run.frames["x"][-1, 0]) / units.M, x, rtol=tolerance, atol=rounded)
        np.testing.assert_allclose(
            float(run.frames["x2"][-1, 0]) / units.M**2, x2, rtol=2 * tolerance, atol=rounded * math.sqrt(x2)
        )
        ratio = 1 - float(run.frames["energy"][0]) * 2 / (inputs["Delta_J"] * JOULE)
        np.testing.assert_allclose(ratio, expected["I1_over_I0"], rtol=tolerance)


def test_thermal_ensemble_drawn_at_random():
    inputs, expected, band = CASES["BO5_300K"]["inputs_SI"], CASES["BO5_300K"]["expected"], miniband("BO5_300K")
    n = 16_384
    species = sj.electron(band)
    carriers = sj.thermal(1, species, n, inputs["T"])
    dynamics = sj.Dynamics(species, fields.uniform([-inputs["field"] * units.V_PER_M]))
    for theta, x, x2 in zip(inputs["theta"], expected["mean_x"], expected["mean_x2"]):
        time = theta / bloch_rate("BO5_300K")
        run = sj.simulate(dynamics, carriers, duration=time, dt=time / 32, every=32, record=PATH).check()
        # RK4 in a uniform field is Simpson's rule: (5/32)⁴/2880 = 2e-7 of x, far below the noise
        assert abs(float(run.frames["x"][-1, 0]) / units.M - x) < 5 * math.sqrt((x2 - x**2) / n)
        # the fourth moment is at most the largest displacement squared (Δ/f)² times the second
        assert abs(float(run.frames["x2"][-1, 0]) / units.M**2 - x2) < 5 * math.sqrt(x2 / n) * inputs["Delta_J"] / (
            CHARGE * inputs["field"]
        )
