"""Liouville: published Jacobians, determinants and rates through with_jacobian, with_volume and the equations of motion."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library import CASES
from problems import JOULE, KG, PER_M

import semijax as sj
from semijax import bands, fields, units

EPS32 = float(np.finfo(np.float32).eps)


def carried(dynamics, k, duration, steps, step):
    """The one carrier at the end, from r = 0 and k [d]: position, wavevector, Jacobian, log of the volume."""
    run = sj.simulate(dynamics, sj.at_k(k), duration=duration, dt=duration / steps, every=steps, step=step).check()
    final = jax.tree.map(lambda x: np.asarray(x[0], np.float64), run.final)
    return final.phase.position, final.phase.wavevector, final.jacobian, final.log_volume


def rescaled(jacobian, length):
    """∂(r/L, kL)/∂(r/L, kL) from ∂(r, k)/∂(r, k)."""
    d = len(jacobian) // 2
    units_of = np.repeat([length, 1 / length], d)
    return jacobian * units_of[None, :] / units_of[:, None]


# -- LV1, LV2: ellipsoids ---------------------------------------------------------------------------------------------------


def ellipsoid(W):
    """The valley of an inverse mass tensor W in free-electron masses."""
    inverse, axes = np.linalg.eigh(W)
    return bands.ellipsoidal(1 / inverse, axes.T)


# float32: 400 products of matrices near one, and as many rounded sums
@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float64, CASES["LV1"]["tolerance"]), (jnp.float32, 400 * EPS32)])
def test_free_streaming_shears_phase_space(dtype, tolerance):
    inputs, expected = CASES["LV1"]["inputs_SI"], CASES["LV1"]["expected"]
    m, time = inputs["m"] * KG, inputs["T"] * units.S
    W = np.array([[1 / m, 0.3 / m, 0.0], [0.3 / m, 2 / m, -0.1 / m], [0.0, -0.1 / m, 0.5 / m]])
    dynamics = sj.Dynamics(sj.electron(ellipsoid(W)), fields.uniform([1e-5, -2e-5, 3e-5], [0.0, 0.0, 0.0]))
    _, _, J, _ = carried(dynamics, jnp.asarray([0.01, 0.02, -0.03], dtype), time, 400, sj.with_jacobian(sj.rk4))
    shear = expected["J12"] * units.M**2 * W * m  # ħT/m times the tensor in units of 1/m
    exact = np.block([[np.eye(3), shear], [np.zeros((3, 3)), np.eye(3)]])
    length = 100.0
    np.testing.assert_allclose(rescaled(J, length), rescaled(exact, length), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(np.linalg.det(J), expected["det"], rtol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float64, CASES["LV2"]["tolerance"]), (jnp.float32, 400 * EPS32)])
def test_monodromy_of_a_tilted_ellipsoid(dtype, tolerance):
    inputs, expected = CASES["LV2"]["inputs_SI"], CASES["LV2"]["expected"]
    dynamics = sj.Dynamics(sj.electron(ellipsoid(np.array(inputs["W"]) / KG)), fields.uniform([0.0, 0.0, 0.0], inputs["B"]))
    k = jnp.asarray([0.01, 0.02, -0.03], dtype)
    # it turns by 1.6 rad (2.7 T, m = 0.3): RK4 errs by 1.6 (0.004)⁴/120 = 3e-12
    _, turned, J, _ = carried(dynamics, k, inputs["T"] * units.S, 400, sj.with_jacobian(sj.rk4))
    J = rescaled(J, inputs["Lx"] * units.M)
    np.testing.assert_allclose(J, expected["J_scaled"], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(np.linalg.det(J), expected["det"], rtol=tolerance)
    # E and k·B are kept (a wavevector of 0.04 1/Å)
    along = np.array(inputs["B"]) / np.linalg.norm(inputs["B"])
    np.testing.assert_allclose(turned @ along, np.asarray(k, np.float64) @ along, atol=tolerance * 0.04)
    band = dynamics.species.band
    np.testing.assert_allclose(float(band(jnp.asarray(turned))), float(band(k)), rtol=4 * tolerance)
    # a flow in B keeps the form with qB in it, not dr∧dk alone
    form = magnetic_form(inputs["B"], inputs["Lx"] * units.M)
    np.testing.assert_allclose(J.T @ form @ J, form, atol=30 * tolerance)


def magnetic_form(magnetic, length):
    """Ω_B = [[−(q/ħ)L² ε_abc B_c, −1], [1, 0]] of an electron, in units (r/L, kL)."""
    x, y, z = -units.TESLA_INTERNAL / units.HBAR * length**2 * np.asarray(magnetic)
    cross = np.array([[0, z, -y], [-z, 0, x], [y, -x, 0]])
    return np.block([[cross, -np.eye(3)], [np.eye(3), np.zeros((3, 3))]])


# -- LV4, LV5: nonlinear and damped -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES["LV4"]["expected"])
def test_jacobian_of_a_nonlinear_band(name):
    inputs, expected = CASES["LV4"]["inputs_SI"], CASES["LV4"]["expected"][name]
    t, tp, a = inputs["t"] * JOULE, inputs["tp"] * JOULE, inputs["a"] * units.M
    hoppings = {(a, 0.0): -2 * t, (0.0, a): -2 * t, (a, a): -2 * tp, (a, -a): -2 * tp}
    # damping needs an origin of k, so the band unfolded
    damped = name != "canonical"
    band = bands.tight_binding(hoppings, 0.0, None if damped else a * np.eye(2))
    field = fields.uniform(np.array([3e6, 1e6]) * units.V_PER_M, 20.0)
    dynamics = sj.Dynamics(sj.electron(band), field, damping=1 / 200 if damped else 0.0)
    # k turns and shifts by some 10 rad: RK4 errs by 10 (0.005)⁴/120 = 5e-11
    step = sj.with_volume(sj.with_jacobian(sj.rk4))
    r, k, J, log_volume = carried(dynamics, jnp.asarray([0.9, 2.3]) / a, inputs["T"] * units.S, 2000, step)
    tolerance = CASES["LV4"]["tolerance"]
    np.testing.assert_allclose(r / a, expected["x_over_a"], rtol=tolerance["state"])
    np.testing.assert_allclose(k * a, expected["ka"], rtol=tolerance["state"])
    np.testing.assert_allclose(rescaled(J, a), expected["J"], rtol=tolerance["state"], atol=tolerance["state"])
    np.testing.assert_allclose(math.exp(log_volume), expected["det"], rtol=tolerance["det"])
    # the determinant of the carried matrix agrees up to what its entries of 4e3 and 18, rounded 2000 times, cancel
    _, log_det = np.linalg.slogdet(J)
    np.testing.assert_allclose(log_det, log_volume, atol=1e-7)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_damping_contracts_phase_space(d):
    tau = 150.0
    dynamics = sj.Dynamics(sj.electron(bands.parabolic(0.2, dimension=d)), fields.uniform(np.full(d, 1e-5)), damping=1 / tau)
    # RK4 of exp(−x), x = 1/1000: relative error x⁵/120 a step, 1e-14 in all
    step = sj.with_volume(sj.rk4)
    _, _, _, log_volume = carried(dynamics, jnp.full(d, 0.03), tau, 1000, step)
    np.testing.assert_allclose(math.exp(log_volume), CASES["LV5"]["expected"][f"d{d}"], rtol=CASES["LV5"]["tolerance"])
    # after 35 τ what is left of k0 is 6e-16 of it: k = f τ/ħ (the same program, with a step of τ/28)
    _, k, _, _ = carried(dynamics, jnp.full(d, 0.03), 35 * tau, 1000, step)
    np.testing.assert_allclose(k, -1e-5 * tau / units.HBAR, rtol=CASES["LV5"]["tolerance"])


# -- BC5: a Weyl node -------------------------------------------------------------------------------------------------------


def cone(params, k):
    return params * jnp.sqrt(jnp.sum(k * k))


def monopole(params, k):
    return k / (2 * jnp.sum(k * k) ** 1.5)


def weyl():
    inputs = CASES["BC5"]["inputs_SI"]
    speed = units.HBAR * inputs["vF"] * units.M_PER_S
    field = fields.uniform(np.array(inputs["E"]) * units.V_PER_M, inputs["B"])
    dynamics = sj.Dynamics(sj.electron(sj.Band(cone, speed, dimension=3, curvature=monopole)), field)
    return dynamics, np.array(inputs["k"]) * PER_M


@jax.jit
def rates_and_measure(dynamics, k):
    phase = sj.Phase(jnp.zeros_like(k), k)
    return dynamics(0.0, phase), dynamics.log_measure(0.0, phase)


# float32: v and the anomalous terms add up with a few roundings each; D − 1 = 0.007 is computed without cancellation
@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float64, CASES["BC5"]["tolerance"]["rel"]), (jnp.float32, 8 * EPS32)])
def test_rates_at_a_weyl_node(dtype, tolerance):
    expected, (dynamics, k) = CASES["BC5"]["expected"], weyl()
    rates, log_d = rates_and_measure(dynamics, jnp.asarray(k, dtype))
    assert rates.position.dtype == rates.wavevector.dtype == log_d.dtype == dtype
    np.testing.assert_allclose(math.exp(log_d), expected["D"], rtol=tolerance)
    np.testing.assert_allclose(rates.position / units.M_PER_S, expected["xdot"], rtol=tolerance)
    np.testing.assert_allclose(rates.wavevector / PER_M * units.S, expected["kdot"], rtol=tolerance)


@jax.jit
def divergence(dynamics, z):
    """Terms of ∂D/∂t + ∇·(D dz/dt) over z = (r, k): the diagonal of the derivative of D dz/dt."""

    def current(z):
        phase = sj.Phase(z[:3], z[3:])
        rates = dynamics(0.0, phase)
        return jnp.exp(dynamics.log_measure(0.0, phase)) * jnp.concatenate([rates.position, rates.wavevector])

    return jnp.diagonal(jax.jacfwd(current)(z))


def test_weighted_phase_space_does_not_diverge():
    dynamics, k = weyl()
    terms = np.asarray(divergence(dynamics, jnp.concatenate([jnp.zeros(3), jnp.asarray(k)])))
    assert np.abs(terms).max() > 0
    assert abs(terms.sum()) < CASES["BC5"]["tolerance"]["div_rel"] * np.abs(terms).max()


def test_weighted_volume_is_kept_on_the_way_to_a_weyl_node():
    dynamics, k = weyl()
    # from 0.06 to 0.03 1/Å away, 7e-5 1/Å nearer every fs: RK4 errs by less than (7e-5 · 0.5/0.03)⁴ = 2e-12
    _, last, _, log_volume = carried(dynamics, jnp.asarray(k), 500.0, 1000, sj.with_volume(sj.rk4))
    start, end = (float(rates_and_measure(dynamics, jnp.asarray(x))[1]) for x in (k, last))
    # det J alone would have fallen by as much as D has risen
    assert end - start > 1e-2
    np.testing.assert_allclose(log_volume, 0.0, atol=1e-11)
