"""Closed forms and verdicts that several test files share, written in the project's units (eV, Å, fs, T)."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats
from scipy.interpolate import BarycentricInterpolator
from scipy.optimize import brentq

import semijax as sj
from semijax import bands, fields, observables
from semijax.units import HBAR, TESLA_INTERNAL

# The published cases are in SI: multiply by these to enter eV, free-electron masses and 1/Å (CODATA 2018).
CHARGE = 1.602176634e-19  # C
JOULE = 1 / CHARGE  # eV
KG = 1 / 9.1093837015e-31  # free-electron masses
PER_M = 1e-10  # 1/Å


def over(function):
    """The function over the first axis of its argument, compiled as a whole: eager JAX would compile every operation by itself."""
    return jax.jit(jax.vmap(function))


def assert_mean(values, expected, weights=1.0):
    """Five standard errors: a right law fails one seed in 2 million, and the seeds are fixed."""
    values = np.asarray(values) * weights
    assert abs(values.mean() - expected) < 5 * values.std() / math.sqrt(len(values))


def assert_law(values, cdf):
    """Kolmogorov-Smirnov at one in 10⁵; the seeds are fixed."""
    assert stats.kstest(np.asarray(values), cdf).pvalue > 1e-5


def cycloid(time, mass_eV, charge, electric, magnetic):
    """Position [f 2] of a carrier of isotropic mass (eV fs²/Å²) released at rest at the origin in E along x and B along z (tesla).

    Jackson, Classical Electrodynamics, section 12.3: a drift E×B/B² = −(E/B) ŷ with a rotation at ω = qB/m about it.
    """
    b = magnetic * TESLA_INTERNAL
    omega, drift = charge * b / mass_eV, electric / b
    return jnp.stack([drift / omega * (1 - jnp.cos(omega * time)), -drift * (time - jnp.sin(omega * time) / omega)], axis=-1)


def bloch_displacement(time, k0, bandwidth, period, force):
    """Displacement along the chain of E = (Δ/2)(1 − cos kd) under the force F (eV/Å): (Δ/2F)[cos k0 d − cos(k0 d + F d t/ħ)]."""
    return bandwidth / (2 * force) * (jnp.cos(k0 * period) - jnp.cos(k0 * period + force * period * time / HBAR))


def first_passage(time, values, target):
    """When a smooth function sampled at equal steps first reaches `target`: the root of a polynomial through ten samples around it.

    A motion whose nearest singularity in complex time is δ away leaves an error of some (4 dt/δ)¹⁰: rounding for 200 samples a period.
    """
    time, values = np.asarray(time, np.float64), np.asarray(values, np.float64) - target
    (crossings,) = np.nonzero(values[:-1] * values[1:] <= 0)
    first = int(crossings[0])
    begin = min(max(first - 4, 0), len(time) - 10)
    near = slice(begin, begin + 10)
    # Centred and scaled: the nodes of the polynomial are 0 ... 9.
    polynomial = BarycentricInterpolator(np.arange(10.0), values[near])
    root = brentq(polynomial, first - begin, first + 1 - begin, xtol=1e-14)
    return time[begin] + root * (time[1] - time[0])


def orbit_period(time, k, axis=(0.0, 0.0, 1.0)):
    """Period of a closed orbit k [f d] about `axis` through the origin of k, from the angle it sweeps; d = 2 or 3."""
    k = np.asarray(k, np.float64)
    if k.shape[1] == 3:
        n = np.asarray(axis) / np.linalg.norm(axis)
        across = np.cross(n, [1.0, 0.0, 0.0] if abs(n[0]) < 0.9 else [0.0, 1.0, 0.0])
        across /= np.linalg.norm(across)
        k = np.stack([k @ across, k @ np.cross(n, across)], axis=1)
    angle = np.unwrap(np.arctan2(k[:, 1], k[:, 0]))
    return first_passage(time, np.abs(angle - angle[0]), 2 * np.pi)


def relaxing_miniband(bandwidth, period, field, tau, temperature, dt, seed):
    """16 384 electrons of a miniband, thermal at t = 0, relaxing under the force e·field (V/Å) for 15 frames of 20 steps.

    In one place because it compiles for seconds, and once for all who ask for the same shapes.
    """
    dynamics = sj.Dynamics(sj.electron(bands.cosine(bandwidth, period)), fields.uniform([-field]))
    carriers = sj.thermal(seed, dynamics.species, 16_384, temperature)
    record = {
        "v": observables.mean(observables.velocity),
        "energy": observables.mean(observables.energy),
        "spread of v": observables.covariance(observables.velocity),
        "spread of energy": observables.covariance(observables.energy),
    }
    step = sj.with_relaxation(sj.rk4, tau, temperature, seed)
    return sj.simulate(dynamics, carriers, duration=300 * dt, dt=dt, every=20, record=record, step=step).check()
