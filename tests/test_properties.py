"""Properties of any tight-binding band: derivatives, periods, and phase-space volume through sj.simulate in E and B."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import semijax as sj
from semijax import bands, fields
from semijax.units import HBAR, TESLA_INTERNAL

NUMBER = st.floats(-1.0, 1.0, allow_subnormal=False)
VECTOR = st.tuples(NUMBER, NUMBER, NUMBER).map(np.array)


@st.composite
def crystals(draw):
    """A skew lattice of 4 Å, six hoppings of at most 0.2 eV along whole vectors of at most 3, and a k within 1/Å of the origin."""
    lattice = 4.0 * np.eye(3) + np.array([draw(VECTOR) for _ in range(3)])
    whole = draw(st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=6, max_size=6, unique=True))
    hoppings = {tuple((np.array(n) @ lattice).tolist()): 0.2 * draw(NUMBER) for n in whole}
    return bands.tight_binding(hoppings, 0.0, lattice), draw(VECTOR)


@jax.jit
def looked_at(band, k):
    return band(k), band.velocity(k), band.inverse_mass(k)


@given(crystals())
def test_derivatives_and_periods(crystal):
    band, k = crystal
    energy, velocity, inertia = (np.asarray(x) for x in looked_at(band, jnp.asarray(k)))
    # six terms t ≤ 0.2 eV, |R| ≤ 3·(5 + 1 + 1)·√3 = 36 Å. Central differences over h err by h²R³t/6 ~ 6·2e-10·36³·0.2/6 = 2e-6
    # and by the rounding 1e-16·1.2/h = 1e-11; those of the velocity by R times as much.
    h = 1.5e-5
    beside = [[looked_at(band, jnp.asarray(k + s * h * e)) for s in (1, -1)] for e in np.eye(3)]
    slopes = np.array([float(up[0] - down[0]) for up, down in beside]) / (2 * h)
    np.testing.assert_allclose(HBAR * velocity, slopes, atol=3e-6)
    bends = np.array([np.asarray(up[1] - down[1]) for up, down in beside]) / (2 * h)
    np.testing.assert_allclose(HBAR * inertia, bends, atol=36 * 3e-6 / HBAR)
    # the sum of outer products R Rᵀ: symmetric to the rounding of t R² < 260 · 6
    np.testing.assert_allclose(inertia, inertia.T, atol=1e-12 / HBAR**2)
    # phases k·R up to 36 + 2π·6 round by 1e-14
    for reciprocal in band.reciprocal:
        there = [np.asarray(x) for x in looked_at(band, jnp.asarray(k + 2 * reciprocal))]
        np.testing.assert_allclose(there[0], energy, atol=6 * 0.2 * 1e-13)
        np.testing.assert_allclose(there[1], velocity, atol=36 * 6 * 0.2 * 1e-13 / HBAR)


@given(crystals(), VECTOR, VECTOR)
@settings(max_examples=15)
def test_phase_space_volume_and_energy_are_kept_in_electric_and_magnetic_fields(crystal, electric, magnetic):
    band, k = crystal
    electric, magnetic = 1e-3 * electric, 50.0 * magnetic
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform(electric, magnetic))
    # No harmonic k·R turns faster than this, nor does the linearised flow:
    hops, reach = np.abs(band.params["hoppings"]), np.linalg.norm(band.params["vectors"], axis=1)
    force = np.linalg.norm(electric) + np.linalg.norm(magnetic) * TESLA_INTERNAL * (hops @ reach) / HBAR
    rate = reach.max() * force / HBAR + 1e-6
    # RK4 at 0.03 rad a step: 64 steps err by 64 · 0.03⁵/120 = 1.3e-8 of log det and of the energy, times a few harmonics
    dt = 0.03 / rate
    step = sj.with_volume(sj.rk4)
    run = sj.simulate(dynamics, sj.at_k(jnp.asarray(k)), duration=64 * dt, dt=dt, every=64, step=step).check()
    assert abs(float(run.final.log_volume[0])) < 1e-7
    assert float(run.status.drifts["energy"].change) < 1e-7 * (hops.sum() + 1e-6)
