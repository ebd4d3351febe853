"""The equations of motion of one carrier: signs, closed form with Berry curvature, moment, damping, splitting, holes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import semijax as sj
from semijax import bands, fields
from semijax.units import HBAR, TESLA_INTERNAL

VECTOR = st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=3, max_size=3).map(np.array)


def curved(moment=False):
    """A band with curvature and moment of a general direction."""

    def energy(params, k):
        return 3.0 * jnp.sum(k**2) + 0.7 * k[0] * k[1]

    def axial(params, k):
        return jnp.stack([1.0 + k[1], -0.5 + k[2] ** 2, 2.0 + k[0]])

    return sj.Band(energy, None, dimension=3, curvature=axial, moment=axial if moment else None)


@given(VECTOR, VECTOR, VECTOR)
def test_rates_satisfy_the_implicit_equations(k, electric, magnetic):
    # magnetic in units that make b·Ω of order 0.1; substituting back must leave rounding only
    magnetic = magnetic * 0.05 * HBAR / TESLA_INTERNAL
    dynamics = sj.Dynamics(sj.electron(curved()), fields.uniform(electric, magnetic))
    rates = dynamics(0.0, sj.Phase(jnp.zeros(3), jnp.asarray(k)))
    omega, v = (np.asarray(x) for x in (curved().berry_curvature(k), curved().velocity(k)))
    rdot, kdot = np.asarray(rates.position), np.asarray(rates.wavevector)
    scale = 1 + np.abs(rdot).max() + np.abs(kdot).max()
    np.testing.assert_allclose(rdot, v - np.cross(kdot, omega), atol=1e-13 * scale * 10)
    np.testing.assert_allclose(HBAR * kdot, -(electric + np.cross(rdot, magnetic * TESLA_INTERNAL)), atol=1e-13 * scale * 10)


def test_two_dimensions_are_the_plane_of_three():
    flat = bands.massive_dirac(1.66, 3.51)

    def lifted(f):
        return lambda params, k: jnp.stack([jnp.zeros(()), jnp.zeros(()), f(params, k[:2])])

    solid = sj.Band(
        lambda p, k: flat.energy(p, k[:2]), flat.params, dimension=3, curvature=lifted(flat.curvature), moment=lifted(flat.moment)
    )
    k, electric, magnetic = jnp.array([0.1, -0.2]), np.array([1e-3, 2e-3]), 12.0
    two = sj.Dynamics(sj.electron(flat), fields.uniform(electric, magnetic))(0.0, sj.Phase(jnp.zeros(2), k))
    field = fields.uniform([*electric, 0.0], [0.0, 0.0, magnetic])
    three = sj.Dynamics(sj.electron(solid), field)(0.0, sj.Phase(jnp.zeros(3), jnp.array([0.1, -0.2, 0.0])))
    np.testing.assert_allclose(two.position, three.position[:2], rtol=1e-13)
    np.testing.assert_allclose(two.wavevector, three.wavevector[:2], rtol=1e-13)


def test_signs_of_force_and_magnetic_turn():
    # an electron (q = −e) at rest is pushed against E; moving along +x with B along +z it feels −v×B = +v B ŷ
    dynamics = sj.Dynamics(sj.electron(bands.parabolic(1.0)), fields.uniform([1e-4, 0.0, 0.0]))
    at_rest = dynamics(0.0, sj.Phase(jnp.zeros(3), jnp.zeros(3)))
    np.testing.assert_allclose(at_rest.wavevector, [-1e-4 / HBAR, 0, 0], rtol=1e-14)
    turning = sj.Dynamics(sj.electron(bands.parabolic(1.0)), fields.uniform(magnetic=[0.0, 0.0, 5.0]))
    rates = turning(0.0, sj.Phase(jnp.zeros(3), jnp.array([0.01, 0.0, 0.0])))
    assert float(rates.wavevector[1]) == pytest.approx(float(rates.position[0]) * 5e-5 / HBAR, rel=1e-13)


def test_hole_is_the_missing_electron():
    valence = bands.massive_dirac(1.66, 3.51, sign=-1)
    hole = sj.hole(valence).band
    k = jnp.array([0.03, -0.08])
    assert float(hole(k)) == -float(valence(-k))
    np.testing.assert_array_equal(hole.velocity(k), valence.velocity(-k))
    np.testing.assert_allclose(hole.inverse_mass(k), -valence.inverse_mass(-k), rtol=1e-14)
    assert float(hole.berry_curvature(k)) == -float(valence.berry_curvature(-k))
    assert float(hole.orbital_moment(k)) == -float(valence.orbital_moment(-k))
    # in the same fields the missing electron at −k and the hole at k move with dk_h = −dk_e and the same velocity, −m·B included
    field = fields.uniform([1e-3, 2e-3], 7.0)
    missing = sj.Dynamics(sj.electron(valence), field)(0.0, sj.Phase(jnp.zeros(2), -k))
    rates = sj.Dynamics(sj.hole(valence), field)(0.0, sj.Phase(jnp.zeros(2), k))
    np.testing.assert_allclose(rates.wavevector, -missing.wavevector, rtol=1e-12)
    np.testing.assert_allclose(rates.position, missing.position, rtol=1e-12)


def test_moment_shifts_the_energy_and_pushes_where_b_varies():
    band, b0, slope = curved(moment=True), 10.0, 0.01

    def field(t, r):
        return sj.EMField(None, jnp.stack([jnp.zeros(()), jnp.zeros(()), b0 + slope * r[0]]))

    dynamics = sj.Dynamics(sj.electron(band), field)
    phase = sj.Phase(jnp.array([3.0, 0.0, 0.0]), jnp.array([0.1, 0.2, -0.3]))
    m = np.asarray(band.orbital_moment(phase.wavevector))
    assert float(dynamics.energy(0.0, phase)) == pytest.approx(
        float(band(phase.wavevector)) - m[2] * (b0 + 3 * slope) * 1e-5, rel=1e-13
    )
    silent = sj.Dynamics(sj.electron(band), field, moment=False)
    assert float(silent.energy(0.0, phase)) == float(band(phase.wavevector))
    # +∂(m·B)/∂r along x, seen once Lorentz force and curvature are switched off
    flat = sj.Band(band.energy, None, dimension=3, moment=band.moment)
    push = (
        sj.Dynamics(sj.electron(flat), field)(0.0, phase).wavevector[0]
        - sj.Dynamics(sj.electron(flat), fields.uniform(magnetic=[0.0, 0.0, b0 + 3 * slope]))(0.0, phase).wavevector[0]
    )
    assert float(push) == pytest.approx(m[2] * slope * 1e-5 / HBAR, rel=1e-9)


def test_log_measure_is_log_of_d():
    band, magnetic = curved(), np.array([1.0, -2.0, 3.0]) * 100
    k = jnp.array([0.1, 0.2, -0.3])
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform(magnetic=magnetic))
    density = 1 + TESLA_INTERNAL / HBAR * magnetic @ np.asarray(band.berry_curvature(k))
    assert float(dynamics.log_measure(0.0, sj.Phase(jnp.zeros(3), k))) == pytest.approx(np.log(density), rel=1e-10)
    assert sj.Dynamics(sj.electron(band), fields.uniform([1.0, 0, 0])).log_measure(0.0, sj.Phase(jnp.zeros(3), k)) is None


def test_kick_and_drift_add_up_to_the_flow_and_refuse_where_they_cannot():
    phase = sj.Phase(jnp.array([1.0, 2.0, 3.0]), jnp.array([0.1, 0.0, -0.2]))
    field = fields.potential(lambda r: 1e-3 * jnp.sum(r**2)) + fields.ac([1e-4, 0.0, 0.0], 1.0)
    dynamics = sj.Dynamics(sj.hole(-bands.parabolic(0.3)), field)
    rates, kick, drift = (f(0.5, phase) for f in (dynamics, dynamics.kick, dynamics.drift))
    np.testing.assert_array_equal(kick.position, 0)
    np.testing.assert_array_equal(drift.wavevector, 0)
    np.testing.assert_allclose(drift.position, rates.position, rtol=1e-15)
    np.testing.assert_allclose(kick.wavevector, rates.wavevector, rtol=1e-15)
    for bad, cause in (
        (sj.Dynamics(sj.electron(bands.parabolic(1.0)), fields.uniform(magnetic=[0.0, 0, 1])), "magnetic field"),
        (sj.Dynamics(sj.electron(curved()), fields.uniform([1.0, 0, 0])), "Berry curvature"),
        (sj.Dynamics(sj.electron(bands.parabolic(1.0)), fields.uniform([1.0, 0, 0]), damping=0.1), "damping"),
    ):
        with pytest.raises(sj.SemijaxError, match=cause):
            bad.kick(0.0, phase)


def test_energy_and_work_balance_along_a_path():
    # dε/dt = q E·dr/dt for any band and field, curvature and B included: B does no work
    field = fields.uniform([1e-3, -2e-3, 5e-4], [10.0, -20.0, 30.0])
    dynamics = sj.Dynamics(sj.electron(curved()), field)
    phase = sj.Phase(jnp.zeros(3), jnp.array([0.1, 0.2, -0.3]))
    rates = dynamics(0.0, phase)
    power = jax.jvp(lambda p: dynamics.energy(0.0, p), (phase,), (rates,))[1]
    assert float(power) == pytest.approx(-float(jnp.dot(field.electric, rates.position)), rel=1e-12)


def test_what_it_refuses():
    band = bands.parabolic(0.067)
    for call, message in (
        (lambda: sj.electron(3.0), "electron: band = 3.0"),
        (lambda: sj.hole(band, degeneracy=0), "hole: degeneracy = 0"),
        (lambda: sj.Dynamics(band), "Dynamics: species"),
        (lambda: sj.Dynamics(sj.electron(band), damping=-1.0), "damping = -1.0"),
        (lambda: sj.Dynamics(sj.electron(bands.cosine(1.0, 3.0)), damping=0.1), "periodic band"),
        (
            lambda: sj.Dynamics(sj.electron(band), fields.uniform([1.0, 0.0]))(0.0, sj.Phase(jnp.zeros(3), jnp.zeros(3))),
            "electric",
        ),
    ):
        with pytest.raises(sj.SemijaxError) as error:
            call()
        assert message in str(error.value) and "\n" not in str(error.value)
