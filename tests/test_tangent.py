"""Liouville: volume and Jacobian carried along, with damping, Berry curvature and collisions, in both precisions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import semijax as sj
from semijax import bands, fields
from semijax.tangent import log_det_one_plus


@given(st.sampled_from([1, 2, 3, 4, 6]), st.integers(0, 1000))
def test_log_det_one_plus_is_exact_for_small_matrices(m, seed):
    a = np.random.default_rng(seed).normal(size=(m, m)) * 0.1
    sign, exact = np.linalg.slogdet(np.eye(m) + a)
    assert sign > 0
    # sums of products of entries of 0.1: a few dozen roundings of terms at most one
    assert float(log_det_one_plus(jnp.asarray(a))) == pytest.approx(exact, abs=1e-14 * 2**m)
    tiny = 1e-9 * a
    assert float(log_det_one_plus(jnp.asarray(tiny))) == pytest.approx(np.trace(tiny) - np.trace(tiny @ tiny) / 2, rel=1e-12)


def run(dynamics, step, dt=2.0, duration=400.0, dtype=jnp.float64, n=32, d=3, spread=0.05):
    rng = np.random.default_rng(0)
    carriers = sj.Carriers(sj.Phase(*(jnp.asarray(rng.normal(size=(n, d)) * s, dtype) for s in (20.0, spread))))
    return sj.simulate(dynamics, carriers, duration=duration, dt=dt, step=step)


WARPED = sj.hole(bands.warped(13.38, 8.48, 13.15, kind="heavy"))
BOX = fields.potential(lambda r: 2e-6 * jnp.sum(r**2) + 1e-3 * jnp.sin(r[0] / 30.0) * jnp.cos(r[1] / 40.0))
FLOWS = {
    "uniform E and B, nonlinear band": sj.Dynamics(WARPED, fields.uniform([1e-4, 0.0, 5e-5], [2.0, -1.0, 3.0])),
    "B in a potential": sj.Dynamics(sj.electron(bands.kane(0.063, 0.61)), BOX + fields.uniform(magnetic=[0.0, 1.0, 2.0])),
    "potential alone": sj.Dynamics(sj.electron(bands.kane(0.063, 0.61)), BOX),
}


@pytest.mark.parametrize("name", FLOWS)
def test_volume_is_kept_with_the_order_of_the_scheme(name):
    worst = []
    for dt in (8.0, 4.0):
        result = run(FLOWS[name], sj.with_volume(sj.rk4), dt)
        result.check()
        worst.append(float(jnp.abs(result.final.log_volume).max()))
    # RK4's det differs from 1 by O(dt⁵) a step or better, so the sum shrinks at least 2⁴-fold; a floor of rounding
    assert worst[1] < max(worst[0] / 2**4 * 1.5, 1e-12) and worst[0] < 1e-2


@pytest.mark.parametrize("step", [sj.leapfrog, sj.strang, sj.yoshida4])
def test_split_steps_keep_volume_identically(step):
    result = run(FLOWS["potential alone"], sj.with_volume(sj.with_jacobian(step)), dt=8.0)
    assert float(jnp.abs(result.final.log_volume).max()) == 0.0
    determinant = jnp.linalg.det(result.final.jacobian)
    np.testing.assert_allclose(determinant, 1.0, atol=1e-9)  # 50 products of matrices with entries up to 1e3


@pytest.mark.parametrize("name", FLOWS)
def test_volume_is_the_determinant_of_the_jacobian(name):
    result = run(FLOWS[name], sj.with_volume(sj.with_jacobian(sj.rk4)), dt=8.0)
    _, logs = jnp.linalg.slogdet(result.final.jacobian)
    np.testing.assert_allclose(logs, result.final.log_volume, atol=1e-9)


def test_jacobian_is_the_derivative_of_the_final_state():
    dynamics = FLOWS["B in a potential"]
    z0 = jnp.array([5.0, -3.0, 2.0, 0.02, -0.01, 0.03])

    def final(z):
        carriers = sj.Carriers(sj.Phase(z[None, :3], z[None, 3:]))
        phase = sj.simulate(dynamics, carriers, duration=100.0, dt=5.0).final.phase
        return jnp.concatenate([phase.position[0], phase.wavevector[0]])

    carriers = sj.Carriers(sj.Phase(z0[None, :3], z0[None, 3:]))
    carried = sj.simulate(dynamics, carriers, duration=100.0, dt=5.0, step=sj.with_jacobian(sj.rk4)).final.jacobian[0]
    np.testing.assert_allclose(carried, jax.jacfwd(final)(z0), rtol=1e-9, atol=1e-12)


def test_float32_volume_does_not_drift():
    # 10⁴ steps; rounding of a det near one would add 2.4e-8 a step, 2.4e-4 in all. The minors of J − 1 are ~ω dt ≤ 0.06,
    # each with a rounding error of 6e-8 × 0.06, of random sign: 100 × 4e-9.
    result = run(
        FLOWS["uniform E and B, nonlinear band"], sj.with_volume(sj.rk4), dt=2.0, duration=20_000.0, dtype=jnp.float32, n=8
    )
    double = run(FLOWS["uniform E and B, nonlinear band"], sj.with_volume(sj.rk4), dt=2.0, duration=20_000.0, n=8)
    assert result.final.log_volume.dtype == jnp.float32
    assert float(jnp.abs(result.final.log_volume.astype(jnp.float64) - double.final.log_volume).max()) < 5e-6


def test_damping_contracts_at_its_rate():
    dynamics = sj.Dynamics(
        sj.electron(bands.kane(0.063, 0.61)), fields.uniform([1e-4, 0.0, 0.0], [0.0, 0.0, 2.0]), damping=1 / 200
    )
    result = run(dynamics, sj.with_volume(sj.rk4), dt=1.0)
    np.testing.assert_allclose(result.final.log_volume, -3 * 400 / 200, rtol=1e-7)
    result.check()


# fields so strong that D is far from 1, where no real carrier would be left in its band
@pytest.mark.filterwarnings("ignore:semijax. beyond the picture of one band:UserWarning")
def test_berry_weighted_volume_is_kept_and_the_bare_determinant_is_not():
    band = bands.massive_dirac(0.2, 3.5)  # a small gap: Ω = 610 Å², D = 0.8 in 20 T
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform([1e-5, 0.0], 20.0))
    result = run(dynamics, sj.with_volume(sj.with_jacobian(sj.rk4)), dt=0.2, duration=200.0, d=2, spread=0.003)
    result.check()
    _, bare = jnp.linalg.slogdet(result.final.jacobian)
    assert float(jnp.abs(result.final.log_volume).max()) < 1e-7
    assert float(jnp.abs(bare).max()) > 1e-3


def test_collisions_do_not_count_and_stay_outside():
    band = sj.electron(bands.parabolic(0.067))
    dynamics = sj.Dynamics(band, fields.uniform([1e-5, 0.0, 0.0], [0.0, 0.0, 2.0]))
    step = sj.with_relaxation(sj.with_volume(sj.rk4), tau=50.0, temperature=300.0)
    assert float(jnp.abs(run(dynamics, step).final.log_volume).max()) < 1e-9
    with pytest.raises(sj.SemijaxError, match="with_volume: step with collisions"):
        sj.with_volume(sj.with_relaxation(sj.rk4, tau=50.0, temperature=300.0))
