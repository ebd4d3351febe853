"""Moments and distributions of the Boltzmann laws, deterministic, and their derivatives and precision."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library import CASES, HOLES, ROOM, UNIFORM, drawn, energies, law_of
from scipy import special, stats

from semijax import bands
from semijax.units import HBAR, KB, M0, MEV

EPS32 = float(np.finfo(np.float32).eps)


@pytest.fixture(scope="module")
def cubature():
    """Uniform numbers [n d] with weights, d = 1 and 3, by rules that converge exponentially, not as 1/sqrt(n) like random points.

    They are made from normal numbers z: on the line by the trapezoidal rule, in space by radius and direction.
    """
    s = np.linspace(-8.125, 8.125, 261)
    line = stats.norm.cdf(s)[:, None], stats.norm.pdf(s) * (s[1] - s[0])
    x, w = np.polynomial.legendre.leggauss(32)
    r, mu, phi = np.meshgrid(4 * (1 + x), x, (np.arange(96) + 0.5) / 96, indexing="ij")
    weights = (4 * w * stats.chi(3).pdf(r[:, 0, 0]))[:, None, None] * w[:, None] / 2 / 96 * np.ones(96)
    # the laws' own pairs of Box and Muller: u0 = exp(−(x² + y²)/2), u1 = φ/2π, and z by its distribution
    u = np.stack([np.exp(-(r**2) * (1 - mu**2) / 2), phi, stats.norm.cdf(r * mu)], axis=-1).reshape(-1, 3)
    return {1: line, 3: (u, weights.ravel())}


def cumulated(density, edges):
    """The distribution function of a density on [edges[0], edges[-1]], to rounding, as a function."""
    x, w = np.polynomial.legendre.leggauss(12)

    def part(low, high):
        return (density(low[:, None] + (high - low)[:, None] * (1 + x) / 2) * w).sum(1) * (high - low) / 2

    below = np.concatenate([[0.0], np.cumsum(part(edges[:-1], edges[1:]))])

    def distribution(at):
        i = np.clip(np.searchsorted(edges, at) - 1, 0, len(edges) - 2)
        return (below[i] + part(edges[i], at)) / below[-1]

    return distribution


# -- moments and distributions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [0.0, 1e-3, 0.3, 1.0, 3.0, 10.0, 30.0, 2000.0, 1e5])
def test_von_mises_moments_and_distribution(beta, cubature):
    band, kT = bands.cosine(1.0, 1.0), 1e200 if beta == 0 else 0.5 / beta
    law = law_of(band, kT)
    u, w = cubature[1]
    angle = drawn(law, u)[:, 0]
    # the table's error of 1e-10, and e^(−33) = 5e-15 beyond the rule's ends; 1 − cos θ ~ 1/2β is tested relative to itself
    versine = 1 - special.ive(1, beta) / special.ive(0, beta)
    np.testing.assert_allclose(w @ (2 * np.sin(angle / 2) ** 2), versine, rtol=1e-9)
    np.testing.assert_allclose(w @ np.cos(2 * angle), special.ive(2, beta) / special.ive(0, beta), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(w @ np.sin(angle), 0.0, atol=1e-12)
    u = np.concatenate([(np.arange(2000) + 0.5) / 2000, 10.0 ** -np.arange(4, 9), 1 - 10.0 ** -np.arange(4, 9)])
    span = math.pi if beta < 16 else 2 * math.asin(4 / math.sqrt(beta))
    distribution = cumulated(lambda x: np.exp(-2 * beta * np.sin(x / 2) ** 2), np.linspace(-span, span, 2001))
    # Kolmogorov's distance: the documented 3e-12 and rounding
    assert np.abs(distribution(drawn(law, u[:, None])[:, 0]) - u).max() < 1e-11


@pytest.mark.parametrize(("alpha", "temperature", "expected"), CASES["SC2"]["expected"]["rows"])
def test_mean_energy_in_equilibrium(alpha, temperature, expected, cubature):
    band, kT = bands.kane(0.32, alpha), temperature * KB
    u, w = cubature[3]
    energy = energies(band, drawn(law_of(band, kT), u))
    # the quoted row of α = 0 at 77 K is 3e-7 below its own formula, 3/2 kT
    np.testing.assert_allclose(w @ energy, expected if alpha else 1.5 * kT, rtol=1e-7)


@pytest.mark.parametrize(("dimension", "alpha_kT"), [(1, 0.016), (3, 0.016), (3, 1.0)])
def test_distribution_of_kane_energies(dimension, alpha_kT):
    band = bands.kane(0.063, alpha_kT / ROOM, dimension=dimension)
    u = UNIFORM[:, :dimension]
    k = np.linalg.norm(drawn(law_of(band), u), axis=1)
    # the same uniform numbers make the same Gaussian vector in the parabolic band
    z = (
        np.linalg.norm(drawn(law_of(bands.parabolic(0.063, dimension=dimension)), u), axis=1)
        / math.sqrt(0.063 * M0 * ROOM)
        * HBAR
    )
    x = k * HBAR / math.sqrt(0.063 * M0 * ROOM)
    edges = np.linspace(0, 12 * math.sqrt(1 + 72 * alpha_kT), 4001)
    distribution = cumulated(lambda x: x ** (dimension - 1) * np.exp(-(x**2) / (1 + np.sqrt(1 + 2 * alpha_kT * x**2))), edges)
    assert np.abs(distribution(x) - stats.chi(dimension).cdf(z)).max() < 1e-10


@pytest.mark.parametrize("gap", [1e-3, 0.1, 2.0])
def test_massive_dirac_energies_mix_an_exponential_and_a_gamma_law(gap):
    band = bands.massive_dirac(gap, 3.5)
    k = drawn(law_of(band), UNIFORM[:, :2])
    x = (energies(band, k) - gap / 2) / ROOM
    share = gap / 2 / (gap / 2 + ROOM)
    above = share * np.exp(-x) + (1 - share) * (1 + x) * np.exp(-x)
    np.testing.assert_allclose(above, UNIFORM[:, 0], rtol=1e-12)
    np.testing.assert_allclose(np.arctan2(k[:, 1], k[:, 0]) / (2 * math.pi) % 1, UNIFORM[:, 1], atol=1e-14)


def test_gaussian_moments(cubature):
    masses, axes, center = [0.19, 0.3, 0.92], np.array([[0.6, 0.8, 0], [-0.8, 0.6, 0], [0, 0, 1]]), [0.1, 0.2, 0.9]
    u, w = cubature[3]
    k = drawn(law_of(bands.ellipsoidal(masses, axes, center)), u)
    np.testing.assert_allclose(w @ k, center, rtol=1e-10)
    covariance = (k - center).T @ (w[:, None] * (k - center))
    np.testing.assert_allclose(covariance, axes.T @ np.diag(masses) @ axes * M0 * ROOM / HBAR**2, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", ["Ge_DKK55", "GaAs_Vurgaftman"])
@pytest.mark.parametrize("kind", ["heavy", "light"])
def test_warped_holes_have_thermal_energy_and_cubic_anisotropy(name, kind, cubature):
    A, B, C = HOLES[name]
    hole = -bands.warped(A, B, C, kind)
    u, w = cubature[3]
    k = drawn(law_of(hole), u)
    energy = energies(hole, k)
    # the radius is exact up to the rule's end at 8 (e^(−32)·8⁵); the angles are as good as the documented density, 2e-7
    np.testing.assert_allclose([w @ energy, w @ energy**2], [1.5 * ROOM, 3.75 * ROOM**2], rtol=1e-8)
    covariance = k.T @ (w[:, None] * k)
    np.testing.assert_allclose(covariance, np.eye(3) * np.trace(covariance) / 3, atol=2e-7 * np.trace(covariance))
    n = k / np.linalg.norm(k, axis=1, keepdims=True)
    x, wx = np.polynomial.legendre.leggauss(80)
    mu, phi = np.meshgrid(x, (np.arange(160) + 0.5) / 160 * 2 * math.pi, indexing="ij")
    rho = np.sqrt(1 - mu**2)
    grid = np.stack([rho * np.cos(phi), rho * np.sin(phi), mu], axis=-1)
    g = A + (-1 if kind == "heavy" else 1) * np.sqrt(B**2 + C**2 * _mixed(grid))
    density = wx[:, None] * g**-1.5
    expected = (density * (grid**4).sum(-1)).sum() / density.sum()
    np.testing.assert_allclose(w @ (n**4).sum(1), expected, rtol=2e-7)


def _mixed(n):
    x, y, z = np.moveaxis(n**2, -1, 0)
    return x * y + y * z + z * x


# -- derivatives and precision ----------------------------------------------------------------------------------------------


def test_the_temperature_can_be_traced_and_differentiated(cubature):
    band = bands.cosine(18 * MEV, 114.0)
    u, w = (jnp.asarray(x) for x in cubature[1])

    @jax.jit
    def mean_cosine(temperature):
        k = jax.vmap(law_of(band, temperature * KB))(u)[:, 0]
        return jnp.sum(w * jnp.cos(k * 114.0))

    beta = 9 * MEV / (77 * KB)
    ratio = special.ive(1, beta) / special.ive(0, beta)
    np.testing.assert_allclose(mean_cosine(77.0), ratio, rtol=1e-9)
    # d(I1/I0)/dβ = 1 − ratio/β − ratio²
    np.testing.assert_allclose(jax.grad(mean_cosine)(77.0), -beta / 77 * (1 - ratio / beta - ratio**2), rtol=1e-7)


IN_FLOAT32 = {
    "parabolic": (bands.parabolic(0.067), ROOM),
    "superlattice": (bands.superlattice(18 * MEV, 114.0, 0.067), 10 * KB),
    "flat": (bands.cosine(1e-6, 114.0), ROOM),
    "deep": (bands.cosine(4.0, 5.0), 0.001),
    "kane": (bands.kane(0.063, 0.61), ROOM),
    "massive Dirac": (bands.massive_dirac(0.1, 3.5), ROOM),
    "warped": (-bands.warped(*HOLES["Ge_DKK55"]), ROOM),
}


@pytest.mark.parametrize("name", IN_FLOAT32)
@pytest.mark.parametrize("whole", [False, True], ids=["cast tables", "tables in float32"])
def test_float32(name, whole):
    band, kT = IN_FLOAT32[name]
    u = UNIFORM[:, : band.dimension].astype(np.float32)
    exact = drawn(law_of(band, kT), u.astype(np.float64))
    with jax.enable_x64(not whole):
        found = drawn(law_of(band, kT), u)
    assert found.dtype == np.float32
    # u within 1e-3 of its ends is left out: there ∂k/∂u magnifies the rounding of 1 − u by 1e3. Elsewhere a normal number has
    # an error of ~100 eps, in units of the spread; tables made in float32 sum 704 cells, which adds ~100 eps more
    inner = ((u > 1e-3) & (u < 1 - 1e-3)).all(1)
    spread = np.sqrt((exact**2).mean(0))
    assert (np.abs(found - exact)[inner] / spread).max() < (400 if whole else 200) * EPS32
