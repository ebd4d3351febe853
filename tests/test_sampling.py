"""Sampling: thermal carriers, packets and Fermi surfaces follow their laws, and particle i never depends on its company."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library import CASES
from problems import JOULE, assert_law, assert_mean
from scipy import stats

import semijax as sj
from semijax import bands, sampling
from semijax.random import carrier_key, from_jax_key
from semijax.units import HBAR2_M0, KB, M

N = 20_000
ROOM = 300 * KB
BO5, SC2 = CASES["BO5_300K"], CASES["SC2"]
MINIBAND = bands.cosine(BO5["inputs_SI"]["Delta_J"] * JOULE, BO5["inputs_SI"]["d"] * M)
GERMANIUM = bands.warped(13.38, 8.48, 13.15)
FREE_2D = bands.parabolic(0.067, dimension=2)
SQUARE = bands.tight_binding({(3.8, 0.0): -0.8, (0.0, 3.8): -0.8}, 0.1, [[3.8, 0.0], [0.0, 3.8]])


@jax.jit
def _energies(band, k):
    return jax.vmap(band)(k)


def energies(species, carriers):
    return np.asarray(_energies(species.band, carriers.phase.wavevector), np.float64)


# -- Maxwell-Boltzmann ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("alpha", "temperature", "expected"), SC2["expected"]["rows"])
def test_mean_energy_in_equilibrium(alpha, temperature, expected):
    species = sj.electron(bands.kane(0.063, alpha))
    assert_mean(energies(species, sj.thermal(1, species, N, temperature)), expected)


def test_a_superlattice_is_a_miniband_and_a_plane():
    species, beta = sj.electron(bands.superlattice(0.018, 114.0, 0.067)), 0.009 / (10 * KB)
    assert_mean(energies(species, sj.thermal(3, species, N, 10.0)), 0.009 * (1 - _bessel_ratio(beta)) + 10 * KB)


def test_a_miniband_gives_the_ratio_of_bessel_functions():
    carriers = sj.thermal(2, sj.electron(MINIBAND), N, BO5["inputs_SI"]["T"])
    assert_mean(np.cos(carriers.phase.wavevector[:, 0] * MINIBAND.params["period"]), BO5["expected"]["I1_over_I0"])


def test_electrons_and_holes_of_one_seed_are_independent():
    electrons, holes = (sj.thermal(3, s, N, 300.0).phase.wavevector[:, 0] for s in (sj.electron(FREE_2D), sj.hole(-FREE_2D)))
    # the correlation of independent numbers has standard error 1/√N
    assert abs(np.corrcoef(electrons, holes)[0, 1]) < 5 / math.sqrt(N)


def _bessel_ratio(beta):
    theta = (np.arange(20_000) + 0.5) / 20_000 * 2 * math.pi
    weight = np.exp(beta * (np.cos(theta) - 1))
    return (weight * np.cos(theta)).sum() / weight.sum()


@pytest.mark.parametrize("cutoff", [None, 0.6], ids=["closed form", "cells"])
def test_warped_holes_have_three_halves_kT(cutoff):
    # E is homogeneous of degree 2 in three dimensions, so E/kT follows the Gamma law of shape 3/2 whatever the warping;
    # at 0.6/Å the heavy hole is 35 kT high
    species = sj.hole(GERMANIUM)
    energy = energies(species, sj.thermal(4, species, N, 300.0, cutoff=cutoff)) / ROOM
    assert_mean(energy, 1.5)
    assert_law(energy, stats.gamma(1.5).cdf)


@pytest.mark.parametrize("dimension", [1, 2])
def test_cells_reproduce_gaussians(dimension):
    band = bands.parabolic(0.067, dimension=dimension)
    k = sj.thermal(5, sj.electron(band), N, 300.0, cutoff=0.3).phase.wavevector  # 3 √(2·7) standard deviations
    for axis in range(dimension):
        assert_law(np.asarray(k[:, axis]), stats.norm(scale=math.sqrt(0.067 * ROOM / HBAR2_M0)).cdf)


def test_graphene_against_a_mesh():
    band = bands.graphene()
    mesh = (np.stack(np.meshgrid(*[np.arange(600) / 600] * 2), -1).reshape(-1, 2)) @ band.reciprocal
    energy = np.asarray(_energies(band, jnp.asarray(mesh)))
    # at 3000 K: kT is 0.26 eV and a mesh of 600 cells resolves 0.03 eV, cusp and all
    weight = np.exp(-energy / (3000 * KB))
    species = sj.electron(band)
    assert_mean(energies(species, sj.thermal(6, species, N, 3000.0)), (weight * energy).sum() / weight.sum())


def test_carriers_of_a_falling_band_stay_within_the_cutoff():
    x, cutoff = HBAR2_M0 / 2 / 0.067 / ROOM, 0.03
    species = sj.electron(-bands.parabolic(0.067, dimension=2))
    radius = np.linalg.norm(sj.thermal(7, species, N, 300.0, cutoff=cutoff).phase.wavevector, axis=1)
    assert radius.max() <= cutoff
    assert_law(radius, lambda r: np.expm1(x * r * r) / np.expm1(x * cutoff**2))


# -- Fermi-Dirac ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", [1, 3])
def test_a_degenerate_gas_is_a_sphere(dimension):
    kF, temperature = 0.05, 2.0
    ball = {1: 2 * kF, 3: 4 / 3 * math.pi * kF**3}[dimension]
    species = sj.electron(bands.parabolic(0.067, dimension=dimension))
    carriers = sj.thermal(8, species, N, temperature, density=2 * ball / (2 * math.pi) ** dimension)
    radius = np.linalg.norm(carriers.phase.wavevector, axis=1)
    # kT is 1.2e-3 of the Fermi energy: the edge is smeared over a part of 6e-4 of the radius, and 20 times that is the end
    assert 0.99 < radius.max() / kF < 1.012
    # the distribution differs from the sphere's by less than d·6e-4 < 1.8e-3, and its samples by 1.63/√N = 1.2e-2 (1 %)
    assert stats.kstest(radius, lambda r: np.minimum(r / kF, 1) ** dimension).statistic < 1.8e-3 + 2.5 / math.sqrt(N)


@pytest.mark.parametrize("chemical_potential", [0.1, -0.5])
def test_a_square_lattice_against_a_mesh(chemical_potential):
    temperature, species = 600.0, sj.electron(SQUARE)
    fine = (np.arange(640) + 0.5) / 640 - 0.5
    mesh = np.stack(np.meshgrid(fine, fine, indexing="ij"), -1) @ SQUARE.reciprocal
    energy = np.asarray(_energies(SQUARE, jnp.asarray(mesh.reshape(-1, 2))))
    weight = 1 / (np.exp((energy - chemical_potential) / (temperature * KB)) + 1)
    bins = weight.reshape(16, 40, 16, 40).sum((1, 3)) / weight.sum()
    k = sj.thermal(9, species, N, temperature, chemical_potential=chemical_potential).phase.wavevector
    fraction = np.asarray(k) @ np.linalg.inv(SQUARE.reciprocal)
    assert np.abs(fraction).max() <= 0.5
    counts, _, _ = np.histogram2d(*fraction.T, bins=16, range=[(-0.5, 0.5)] * 2)
    assert stats.chisquare(counts.ravel(), bins.ravel() * N).pvalue > 1e-5


def test_a_hole_is_what_an_electron_leaves():
    # µ is the electrons': holes of E_v = −E are occupied with 1 − f(E_v(−k)) = 1/(exp((E_h + µ)/kT) + 1)
    temperature, mu = 600.0, -0.7
    species = sj.hole(-SQUARE)
    fine = np.stack(np.meshgrid(*[(np.arange(400) + 0.5) / 400] * 2), -1).reshape(-1, 2) @ SQUARE.reciprocal
    energy = np.asarray(_energies(SQUARE, jnp.asarray(fine)))
    empty = 1 - 1 / (np.exp((-energy - mu) / (temperature * KB)) + 1)
    expected = (empty * energy).sum() / empty.sum()
    assert_mean(energies(species, sj.thermal(10, species, N, temperature, chemical_potential=mu)), expected)


# -- Fermi surface ----------------------------------------------------------------------------------------------------------


def test_sums_over_the_fermi_surface_are_drude_weights():
    mass, mu, kT, g = 0.067, 0.05, 77 * KB, 4
    species = sj.electron(FREE_2D, degeneracy=g)
    surface = sj.fermi_surface(12, species, N, mu, 77.0)
    k, weight = np.asarray(surface.phase.wavevector), np.asarray(surface.weight)
    assert np.ptp(weight) == 0
    assert_law((energies(species, surface) - mu) / kT, stats.logistic.cdf)
    # in a plane the density of states is constant, so Σ weight is that times f(0), and ∫ v_x² (−∂f/∂E) = n/m by parts
    states = g * mass / (2 * math.pi * HBAR2_M0)
    assert weight.sum() == pytest.approx(states / (1 + math.exp(-mu / kT)), rel=3e-6)
    density = states * kT * np.logaddexp(0, mu / kT)
    assert_mean(k[:, 0] ** 2 * HBAR2_M0 / mass, density, weight * N)


# -- what the draws promise -------------------------------------------------------------------------------------------------

DRAWS = {
    "packet": lambda n: sj.packet(7, n, [1.0, 2.0], [0.1, 0.2], 3.0, 0.01),
    "closed form": lambda n: sj.thermal(jax.random.key(7), sj.electron(FREE_2D), n, 300.0),
    "cells": lambda n: sj.thermal(7, sj.electron(SQUARE), n, 600.0, chemical_potential=0.1),
    "fermi surface": lambda n: sj.fermi_surface(7, sj.electron(SQUARE), n, 0.1, 600.0),
}


@pytest.mark.parametrize(
    ("name", "x64"), [*((name, True) for name in DRAWS), ("packet", False), ("closed form", False), ("cells", False)]
)
def test_particle_i_does_not_change_when_n_grows(name, x64):
    with jax.enable_x64(x64):
        few, many = (DRAWS[name](n).phase for n in (5, 3000))
    assert few.wavevector.dtype == (jnp.float64 if x64 else jnp.float32)
    np.testing.assert_array_equal(few.wavevector, many.wavevector[:5])
    np.testing.assert_array_equal(few.position, many.position[:5])
    assert np.unique(many.wavevector, axis=0).shape[0] > 2990  # float32 may repeat itself, a stream may not


@pytest.mark.parametrize("name", ["closed form", "cells"])
def test_a_run_redraws_from_the_same_law_in_any_batch(name):
    species = sj.electron(FREE_2D if name == "closed form" else SQUARE)
    law = sampling.thermal_law(species, 600.0)
    key = from_jax_key(7)

    @jax.jit
    def redraw(law, ids, step):
        return jax.vmap(lambda i: law.draw(carrier_key(key, i), step, 1 << 20, jnp.float64))(ids)

    ids = jnp.arange(4096, dtype=jnp.uint32)
    whole = redraw(law, ids, jnp.uint32(3))
    np.testing.assert_array_equal(
        whole, jnp.concatenate([redraw(law, ids[i : i + 512], jnp.uint32(3)) for i in range(0, 4096, 512)])
    )
    assert not np.isin(whole, redraw(law, ids, jnp.uint32(4))).any()
    # the same law as `thermal`: two samples, Kolmogorov-Smirnov at one in 10⁵
    start = energies(species, sj.thermal(1, species, N, 600.0))
    assert stats.ks_2samp(np.asarray(_energies(species.band, whole)), start).pvalue > 1e-5


def test_a_redraw_has_no_derivative_but_may_be_differentiated_around():
    law = sampling.thermal_law(sj.electron(SQUARE), 600.0)

    def loss(scale):
        k = law.draw(carrier_key(from_jax_key(1), 0), 0, 0, jnp.float64)
        return jnp.sum(scale * k)

    value, slope = jax.value_and_grad(loss)(2.0)
    assert float(slope) == pytest.approx(float(value) / 2, rel=1e-14)


def test_a_law_in_closed_form_takes_a_traced_temperature():
    @jax.jit
    def square(temperature):
        return jnp.mean(sj.thermal(1, sj.electron(FREE_2D), 512, temperature).phase.wavevector ** 2)

    plain = (sj.thermal(1, sj.electron(FREE_2D), 512, 300.0).phase.wavevector ** 2).mean()
    value, slope = jax.value_and_grad(square)(300.0)
    assert float(value) == pytest.approx(float(plain), rel=1e-12)
    assert float(slope) == pytest.approx(float(plain) / 300, rel=1e-12)  # k ∝ √T, carrier by carrier


def test_the_acceptance_is_reported():
    electron = sj.electron(SQUARE)
    assert sampling.acceptance(sj.electron(FREE_2D), 300.0) == 1.0
    for temperature in (3.0, 300.0, 30_000.0):
        # the mesh aims at one half by an estimate of the mean weight in its cells; 4096 draws leave ± 0.02
        assert 0.45 < sampling.acceptance(electron, temperature) <= 1
    assert 0.45 < sampling.acceptance(electron, 300.0, chemical_potential=-1.0) <= 1


def test_many_tries_are_announced_and_still_exact():
    # kT is 2e-7 of the band: 130,000 cells along the Fermi line are still thicker than the line
    species = sj.electron(SQUARE)
    with pytest.warns(UserWarning, match=r"fermi_surface: kept 0\.0\d+ of the tries"):
        surface = sj.fermi_surface(13, species, 1000, -1.0, 0.01)
    assert_law((energies(species, surface) + 1.0) / (0.01 * KB), stats.logistic.cdf)


def _comb(params, k):
    """Flat, with a pit in 3 % of every cell of the coarsest mesh, between the points where the mesh looks."""
    place = (k[0] / (2 * math.pi) + 0.5) * 2048
    place = place - jnp.floor(place)
    return jnp.where((place > 0.3) & (place < 0.33), params, 0.0)


def test_a_bound_that_fails_is_never_silent():
    species = sj.electron(sj.Band(_comb, -0.1, lattice=[[1.0]]))
    with pytest.raises(sj.SemijaxError, match="thermal: E.k. of _comb jumps inside a mesh cell"):
        sj.thermal(1, species, 3000, 300.0)
    law = sampling.thermal_law(species, 300.0)
    draw = jax.jit(jax.vmap(lambda i: law.draw(carrier_key(from_jax_key(1), i), 0, 0, jnp.float64)))
    assert np.isnan(draw(np.arange(1000, dtype=np.uint32))).any()


def test_a_step_that_the_mesh_sees_is_drawn_right():
    step, temperature = 0.05, 300.0
    species = sj.electron(sj.Band(lambda height, k: jnp.where(k[0] > 0.4321, height, 0.0), step, lattice=[[1.0]]))
    k = sj.thermal(2, species, N, temperature).phase.wavevector[:, 0]
    low, high = (0.4321 + math.pi), (math.pi - 0.4321) * math.exp(-step / (temperature * KB))
    assert_mean(k > 0.4321, high / (low + high))


# -- packets ----------------------------------------------------------------------------------------------------------------


def test_packet_moments():
    spread = np.array([1.0, 2.0, 0.0]), np.array([0.01, 0.02, 0.03])
    packet = sj.packet(jax.random.key(1), N, [1.0, 2.0, 3.0], [0.1, 0.2, 0.3], *spread)
    mean = np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3])
    samples = packet.phase.position, packet.phase.wavevector
    for sample, m, s in zip(samples, mean, spread):
        for axis in range(3):
            if s[axis]:
                assert_law(np.asarray(sample[:, axis]), stats.norm(m[axis], s[axis]).cdf)
            else:
                np.testing.assert_array_equal(sample[:, axis], m[axis])
    together = np.corrcoef(np.concatenate([samples[0][:, :2], samples[1]], axis=1).T) - np.eye(5)
    assert np.abs(together).max() < 5 / math.sqrt(N)


# -- bad input --------------------------------------------------------------------------------------------------------------

FREE, FALLING = sj.electron(bands.parabolic(0.067)), sj.electron(-bands.parabolic(0.067))
UNKNOWN = sj.electron(sj.Band(lambda m, k: jnp.sum(k * k) / m, 1.0, dimension=2))
VAGUE = sj.electron(sj.Band(lambda m, k: jnp.sum(k * k) / m, 1.0))
BROKEN = sj.electron(sj.Band(lambda m, k: jnp.sqrt(jnp.cos(k[0])), None, lattice=[[1.0]]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sj.thermal(1, FREE.band, 10, 300.0), "thermal: species = Band.*: allowed is sj.electron"),
        (lambda: sj.thermal(1, FREE, 0, 300.0), "thermal: n = 0: allowed is a whole number ≥ 1"),
        (lambda: sj.thermal(1, FREE, 2.5, 300.0), "thermal: n = 2.5: allowed"),
        (lambda: sj.thermal(1, FREE, True, 300.0), "thermal: n = True: allowed"),
        (lambda: sj.thermal(1, FREE, 10, 0.0), "thermal: temperature = 0.0: allowed is a number > 0"),
        (lambda: sj.thermal(1, FREE, 10, -1), "thermal: temperature = -1: allowed is a number > 0"),
        (lambda: sj.thermal(1, FREE, 10, math.nan, chemical_potential=0.1), "thermal: temperature = nan: allowed"),
        (lambda: sj.thermal(1, FREE, 10, "warm"), "thermal: temperature = 'warm': allowed"),
        (
            lambda: sj.thermal(1, FREE, 10, 300.0, chemical_potential=0.1, density=1e-6),
            "density = 1e-06 beside chemical_potential",
        ),
        (lambda: sj.thermal(1, FREE, 10, 300.0, chemical_potential=math.inf), "chemical_potential = inf: allowed is a finite"),
        (lambda: sj.thermal(1, FREE, 10, 300.0, density=0.0), "density = 0.0: allowed is a number > 0"),
        (lambda: sj.thermal(1, FREE, 10, 300.0, cutoff=-1.0), "thermal: cutoff = -1.0: allowed is a number > 0"),
        (lambda: sj.thermal(1, FREE, 10, 300.0, position=[1.0]), r"thermal: position has shape \(1,\): allowed is one vector"),
        (
            lambda: sj.thermal(1, sj.electron(SQUARE), 10, 300.0, cutoff=1.0),
            "cutoff = 1.0: allowed is None, the band is periodic",
        ),
        (lambda: sj.thermal(1, sj.electron(SQUARE), 10, 300.0, density=1.0), "density = 1.0: allowed is a number < 0.138504"),
        (lambda: sj.thermal(1, FALLING, 10, 300.0), "thermal: cutoff = None: _parabolic has no end.*radius in 1/Å"),
        (lambda: sj.thermal(1, UNKNOWN, 10, 300.0), "thermal: cutoff = None: .*radius in 1/Å beyond which no carriers are"),
        (lambda: sj.thermal(1, UNKNOWN, 10, 300.0, density=1e-4), "chemical_potential: cutoff = None"),
        (lambda: sj.thermal(1, VAGUE, 10, 300.0, cutoff=1.0), "dimension = None: allowed is Band"),
        (lambda: sj.thermal(1, BROKEN, 10, 300.0), "E.k. of .* is not finite near k = "),
        (lambda: sampling.thermal_law(UNKNOWN, 300.0), "thermal_law: cutoff = None"),
        (
            lambda: jax.jit(lambda t: sampling.thermal_law(sj.electron(SQUARE), t))(300.0),
            "thermal_law: _tight_binding inside jit",
        ),
        (lambda: sj.fermi_surface(1, FREE, 10, math.nan, 300.0), "fermi_surface: chemical_potential = nan: allowed is a finite"),
        (lambda: sj.fermi_surface(1, FREE, 10, 0.1, 0.0), "fermi_surface: temperature = 0.0: allowed"),
        (
            lambda: sj.fermi_surface(1, sj.electron(SQUARE), 10, -9.0, 30.0),
            "chemical_potential = -9.0: allowed is an energy with states",
        ),
        (lambda: sj.packet(1, 0, [0.0], [0.0], 1.0, 1.0), "packet: n = 0: allowed"),
        (
            lambda: sj.packet(1, 5, [0.0, 1.0], [0.0], 1.0, 1.0),
            r"packet: position has shape \(2,\): allowed is one vector \[d\], d = 1",
        ),
        (lambda: sj.packet(1, 5, 0.0, 0.0, 1.0, 1.0), r"packet: position has shape \(\): allowed"),
        (lambda: sj.packet(1, 5, [0.0], [0.0], -1.0, 1.0), "packet: position_spread = -1.0: allowed is a number ≥ 0"),
        (lambda: sj.packet(1, 5, [0.0], [0.0], 1.0, [1.0, 1.0]), "packet: wavevector_spread = .*: allowed is a number ≥ 0 or 1"),
        (lambda: sj.packet(1, 5, [0.0], [0.0], 1.0, math.nan), "packet: wavevector_spread = nan: allowed"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(sj.SemijaxError, match=message):
        call()
