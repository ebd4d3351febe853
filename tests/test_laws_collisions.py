"""Laws of sj.with_relaxation: order of the splitting, and random numbers that know no tiles and no company."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import relaxing_miniband
from scipy.special import ive

import semijax as sj
from semijax import bands, fields, observables, units

TAU = 300.0


def test_the_splitting_is_of_second_order():
    # Esaki and Tsu with ω_B τ = 1: the mean of exp(ikd) is r1/(1 − i). 300 steps, all but the first of 15 frames: 20 dt
    # apart, that is 20 τ and 10 τ, they are independent.
    temperature, bandwidth, period = 20.0, 0.018, 114.0
    beta = bandwidth / (2 * units.KB * temperature)
    exact = ive(1, beta) / ive(0, beta) / 2
    v_max = bandwidth * period / (2 * units.HBAR)
    errors, noises = [], []
    for dt, seeds in ((TAU, (1, 2)), (TAU / 2, (3, 4, 5, 6))):
        runs = [relaxing_miniband(bandwidth, period, units.HBAR / (TAU * period), TAU, temperature, dt, seed) for seed in seeds]
        v, variance = (np.array([run.frames[name][2:] for run in runs]) for name in ("v", "spread of v"))
        errors.append(exact - v.mean() / v_max)
        noises.append(np.sqrt(variance.mean() / (v.size * runs[0].final.count)) / v_max)
    # the drift is short by about (y²/12 + xy/24) r1/√2, x = dt/τ, y = ω dt: 6 % and 1.5 % of v_max with a noise of 0.05 %
    assert errors[1] > 20 * noises[1]
    order = np.log2(errors[0] / errors[1])
    noise = np.hypot(noises[0] / errors[0], noises[1] / errors[1]) / np.log(2)
    # at these coarse steps the fourth-order term takes 0.01 from the slope
    assert order == pytest.approx(2.0, abs=0.02 + 5 * noise)


# -- random numbers ---------------------------------------------------------------------------------------------------------

RECORD = {"v": observables.mean(observables.velocity)}


def driven(n, tile, dtype=jnp.float32):
    """n carriers of the miniband relaxing in a static and an alternating field."""
    k = np.linspace(-0.02, 0.02, 1300)[:n, None]
    carriers = sj.Carriers(sj.Phase(jnp.zeros((n, 1), dtype), jnp.asarray(k, dtype)))
    dynamics = sj.Dynamics(sj.electron(bands.cosine(0.018, 114.0)), fields.uniform([1e-4]) + fields.ac([5e-5], 1.0))
    step = sj.with_relaxation(sj.rk4, 100.0, 100.0, seed=3)
    return sj.simulate(dynamics, carriers, duration=300.0, dt=3.0, every=20, record=RECORD, step=step, tile=tile).check()


def test_neither_tiles_nor_company_change_a_bit():
    small, whole, few = driven(1300, 256), driven(1300, None), driven(300, 256)
    leaves = jax.tree.leaves((small.frames, small.final))
    for a, b in zip(leaves, jax.tree.leaves((whole.frames, whole.final)), strict=True):
        np.testing.assert_array_equal(a, b)
    # carriers 0 ... 299 collide at the same steps and land on the same k whoever else is there
    for a, b in zip(jax.tree.leaves(few.final), jax.tree.leaves(small.final), strict=True):
        np.testing.assert_array_equal(a, b[:300])
    # and they do collide: unscattered ones would all have shifted alike
    shift = np.asarray(few.final.phase.wavevector)[:, 0] - np.linspace(-0.02, 0.02, 1300)[:300]
    assert len(np.unique(np.round(shift, 5))) > 150
