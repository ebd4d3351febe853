"""Pairs, effective masses, filled bands, Berry curvature and moment: published cases through dynamics and sj.simulate."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library import CASES
from problems import CHARGE, JOULE, PER_M

import semijax as sj
from semijax import bands, fields, observables, units
from semijax.lattice import mesh

EPS32 = float(np.finfo(np.float32).eps)


# -- EH1: electron-hole pairs -----------------------------------------------------------------------------------------------

APART = {"k": observables.mean(observables.wavevector)}


@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32])
def test_pairs_separate_by_twice_the_impulse(dtype):
    inputs, expected = CASES["EH1"]["inputs_SI"], CASES["EH1"]["expected"]
    time, field = inputs["t"] * units.S, fields.uniform([inputs["E"] * units.V_PER_M])
    dynamics = {
        "electron": sj.Dynamics(sj.electron(bands.kane(0.063, 0.61, dimension=1)), field),
        "hole": sj.Dynamics(sj.hole(-bands.cosine(0.5, 5.0)), field),
    }
    # float32: 100 steps, each rounding a k up to 4e10 1/m by half an ulp, and the impulse by a few
    tolerance = CASES["EH1"]["tolerance"] if dtype == jnp.float64 else 100 * EPS32
    signed = [-expected["sep_k0_0"], expected["sep_signed_k0_2e9_fieldalong_plusx"]]
    for k0, separation in zip(inputs["k0_list"], signed):
        electrons = sj.at_k(jnp.asarray([k0 * PER_M], dtype))
        run = sj.simulate(dynamics, sj.pairs(electrons), duration=time, dt=time / 100, every=100, record=APART).check()
        apart = np.asarray(run.frames["k"]["electron"][-1] - run.frames["k"]["hole"][-1], np.float64) / PER_M
        np.testing.assert_allclose(apart, [separation], rtol=tolerance)


# -- MA1, MA2: a silicon valley ---------------------------------------------------------------------------------------------

INERTIA = {"v": observables.mean(observables.velocity), "inverse mass": observables.mean(observables.inverse_mass)}
DIRECTIONS = {"001": [0, 0, 1], "101": [1, 0, 1], "111": [1, 1, 1], "tilt20": [math.tan(math.radians(20)), 0, 1]}


def accelerated(masses, force, dtype, axes=None):
    """A carrier from rest in a valley of given masses under `force` [3], V/Å times e, for 100 fs."""
    dynamics = sj.Dynamics(sj.electron(bands.ellipsoidal(masses, axes)), fields.uniform(-np.asarray(force)))
    return sj.simulate(dynamics, sj.at_k(jnp.zeros(3, dtype)), duration=100.0, dt=10.0, every=10, record=INERTIA).check()


# float32: ten steps, and a dozen roundings in the field, the band's gradient and dt
@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float64, CASES["MA1"]["tolerance"]), (jnp.float32, 24 * EPS32)])
@pytest.mark.parametrize("name", CASES["MA1"]["expected"])
def test_acceleration_is_not_parallel_to_the_force(name, dtype, tolerance):
    masses, expected = CASES["MA1"]["inputs_SI"], CASES["MA1"]["expected"][name]
    force = np.array(DIRECTIONS[name]) / np.linalg.norm(DIRECTIONS[name]) * 1e-4
    run = accelerated([masses["mt"], masses["mt"], masses["ml"]], force, dtype)
    acceleration = np.asarray(run.frames["v"][-1] - run.frames["v"][0], np.float64) / 100.0
    a = acceleration / 1e-4 * units.M0
    np.testing.assert_allclose(a, expected["a_over_f_m0"], rtol=tolerance, atol=tolerance)
    along = a @ force / np.linalg.norm(force)
    np.testing.assert_allclose(1 / along, expected["m_parallel"], rtol=tolerance)
    angle = math.degrees(math.atan2(np.linalg.norm(np.cross(a, force)), a @ force))
    np.testing.assert_allclose(angle, expected["angle_deg"], rtol=tolerance, atol=math.degrees(tolerance))


@pytest.mark.parametrize(
    ("name", "ml", "mt", "valleys"),
    [
        ("Si", 0.9163, 0.1905, [[1, 0, 0], [0, 1, 0], [0, 0, 1]] * 2),
        ("Ge", 1.588, 0.08152, [[1, 1, 1], [1, -1, 1], [-1, 1, 1], [1, 1, -1]]),
    ],
)
def test_conductivity_and_density_of_states_masses(name, ml, mt, valleys):
    tensors = []
    for long in valleys:
        across = np.cross(long, [1.0, 0.3, -0.2])
        axes = np.array([across, np.cross(long, across), long])
        tensors.append(np.asarray(accelerated([mt, mt, ml], [1e-4, 0.0, 0.0], jnp.float64, axes).frames["inverse mass"][-1]))
    mean = np.mean(tensors, axis=0) * units.M0
    conductivity, single, total = CASES["MA2"]["expected"][name]
    # the valleys together are isotropic
    np.testing.assert_allclose(mean, np.eye(3) / conductivity, rtol=1e-9, atol=1e-9)
    determinant = np.linalg.det(tensors[0] * units.M0)
    np.testing.assert_allclose(
        [determinant ** (-1 / 3), (len(valleys) ** 2 / determinant) ** (1 / 3)], [single, total], rtol=1e-9
    )


# -- MA3, MA4: the square lattice -------------------------------------------------------------------------------------------


def square_lattice():
    """E = −2t(cos x + cos y) − 4t' cos x cos y, the last term as hops along both diagonals."""
    inputs = CASES["MA3"]["inputs_SI"]
    t, tp, a = inputs["t"] * JOULE, inputs["tp"] * JOULE, inputs["a"] * units.M
    return bands.tight_binding({(a, 0.0): -2 * t, (0.0, a): -2 * t, (a, a): -2 * tp, (a, -a): -2 * tp}, 0.0, a * np.eye(2))


CURRENTS = {
    "current": observables.sum(observables.current),
    "inverse mass": observables.sum(observables.inverse_mass),
    "first v": observables.sample(observables.velocity, 1),
}


def in_field(species, k, weight):
    dynamics = sj.Dynamics(species, fields.uniform([2e-3, -1e-3]))
    carriers = sj.Carriers(sj.Phase(jnp.zeros(k.shape), jnp.asarray(k)), weight=jnp.asarray(weight))
    return sj.simulate(dynamics, carriers, duration=40.0, dt=1.0, every=10, record=CURRENTS).check()


def test_mass_tensor_with_both_signs():
    expected = CASES["MA3"]["expected"]
    k = np.full((64 * 64, 2), np.array(CASES["MA3"]["inputs_SI"]["k"]) * PER_M)
    weight = np.zeros(64 * 64)
    weight[0] = 1.0
    run = in_field(sj.electron(square_lattice()), k, weight)
    found = np.asarray(run.frames["inverse mass"][0]) * units.M0
    np.testing.assert_allclose(found, expected["m0W"], rtol=1e-9)
    np.testing.assert_allclose(np.linalg.eigvalsh(found), expected["eig"], rtol=1e-9)


def test_a_filled_band_carries_no_current_and_one_electron_less_is_a_hole():
    case, band = CASES["MA4"], square_lattice()
    n = case["inputs_SI"]["N"]
    k, (ix, iy) = mesh(band.lattice, n), case["inputs_SI"]["removed"]
    # the removed one goes first, so that it is the sampled one
    k = np.concatenate([k[[n * ix + iy]], np.delete(k, n * ix + iy, axis=0)])
    full = in_field(sj.electron(band), k, np.ones(n * n))
    lacking = in_field(sj.electron(band), k, np.concatenate([[0.0], np.ones(n * n - 1)]))
    hole = in_field(sj.hole(band), -k, np.concatenate([[1.0], np.zeros(n * n - 1)]))
    speeds = np.linalg.norm(jax.vmap(band.velocity)(jnp.asarray(k)), axis=1).sum()
    # all along the way through the zone: the shifted mesh is still even, and sums harmonics below its 64th to zero
    assert np.abs(full.frames["current"]).max() < case["tolerance"] * speeds
    assert np.abs(full.frames["inverse mass"]).max() < 1e-9 * np.abs(hole.frames["inverse mass"]).max() * n * n
    start = float(lacking.frames["current"][0, 0]) * CHARGE / units.M_PER_S
    np.testing.assert_allclose(start, case["expected"]["J_minus_one_A_m"], rtol=1e-9)
    # the missing electron is a carrier +e with its velocity, and with mass −m, for all time
    largest = np.abs(hole.frames["current"]).max()
    np.testing.assert_allclose(lacking.frames["current"], full.frames["first v"][:, 0], atol=1e-9 * largest)
    np.testing.assert_allclose(lacking.frames["current"], hole.frames["current"], atol=1e-9 * largest)
    masses = hole.frames["inverse mass"]
    np.testing.assert_allclose(lacking.frames["inverse mass"], masses, atol=1e-9 * np.abs(masses).max())


# -- BC1: curvature and moment as the motion shows them ---------------------------------------------------------------------


@jax.jit
def rates_and_energies(dynamics, phase):
    return dynamics(0.0, phase), dynamics.group_velocity(0.0, phase), dynamics.energy(0.0, phase)


@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float64, 1e-6), (jnp.float32, 1e-5)])
@pytest.mark.parametrize(("row", "valley"), itertools.product(CASES["BC1"]["expected"]["rows"], (1, -1)))
def test_massive_dirac_electrons_turn_aside_and_are_magnetic(row, valley, dtype, tolerance):
    k, curvature, moment = row
    inputs = CASES["BC1"]["inputs_SI"]
    electric, magnetic = 2e-2, 1e4  # V/Å and T: strong, so that float32 sees the small anomalous terms beside the large ones
    band = bands.massive_dirac(2 * inputs["D"] * JOULE, units.HBAR * inputs["v"] * units.M_PER_S, valley)
    phase = sj.Phase(jnp.zeros(2, dtype), jnp.asarray([0.6 * k * PER_M, 0.8 * k * PER_M], dtype))
    pushed, ordinary, energy = rates_and_energies(sj.Dynamics(sj.electron(band), fields.uniform([electric, 0.0])), phase)
    # dr/dt − v = −dk/dt × Ω with dk/dt = −eE/ħ: along y, −(eE/ħ) Ω
    aside = float(pushed.position[1] - ordinary[1])
    rounded = 4 * float(jnp.finfo(dtype).eps) * float(jnp.abs(ordinary).max())  # the difference of two velocities
    omega = valley * curvature * units.M**2
    np.testing.assert_allclose(aside, -electric / units.HBAR * omega, rtol=tolerance, atol=rounded)
    shifted = rates_and_energies(sj.Dynamics(sj.electron(band), fields.uniform(magnetic=magnetic)), phase)[2]
    assert shifted.dtype == dtype
    shift = float(shifted - energy)
    zeeman = -valley * moment * magnetic * JOULE  # A m² T = J
    rounded = 4 * float(jnp.finfo(dtype).eps) * float(abs(energy))
    np.testing.assert_allclose(shift, zeeman, rtol=tolerance, atol=rounded)
