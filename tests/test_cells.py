"""Cells and what is integrated over them: bounds, alias tables, Fermi integrals, densities and chemical potentials."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

import semijax as sj
from semijax import bands
from semijax.cells import Mesh
from semijax.domain import domain_of
from semijax.filling import chemical_potential
from semijax.occupation import boltzmann, fermi_dirac, fermi_window
from semijax.quadrature import _fermi_integral, spectrum
from semijax.rejection import _alias
from semijax.units import HBAR2_M0, KB

MASS = 0.2
HALF = HBAR2_M0 / 2 / MASS  # E = HALF k²
SQUARE = [[3.8, 0.0], [0.0, 3.8]]


def square(nearest=-0.8, diagonal=0.24):
    return bands.tight_binding({(3.8, 0.0): nearest, (0.0, 3.8): nearest, (3.8, 3.8): diagonal}, 0.1, SQUARE)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(2.0, 1000.0))
@settings(max_examples=10)
def test_energies_stay_inside_the_bounds_of_their_cells(nearest, diagonal, temperature):
    band = square(nearest, diagonal)
    cells = Mesh(band, boltzmann(0.0, KB * temperature)).partition(domain_of("", band, 1.0, None))
    rng = np.random.default_rng(0)
    c = cells.centre + cells.half * rng.uniform(-1, 1, cells.centre.shape)
    energy = np.asarray(_energies(band, np.resize(c, (20_000, 2)) @ cells.domain.axes))
    low, high = (np.resize(x, 20_000) for x in (cells.low, cells.high))
    assert (low <= energy).all()
    assert (energy <= high).all()


@jax.jit
def _energies(band, k):
    return jax.vmap(band)(k)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40).filter(lambda p: sum(p) > 1e-3))
def test_the_alias_table_gives_back_its_probabilities(weights):
    p = np.array(weights) / sum(weights)
    keep, other = _alias(p)
    back = keep / len(p)
    np.add.at(back, other, (1 - keep) / len(p))
    np.testing.assert_allclose(back, p, atol=1e-14)  # 40 sums of numbers below one


def test_fermi_integrals_are_polylogarithms():
    x = np.linspace(-30.0, 30.0, 600)
    f = jax.jit(lambda y: [_fermi_integral(j, y) for j in range(3)])(jnp.asarray(x))
    np.testing.assert_allclose(f[0], special.expit(x), rtol=1e-13)
    np.testing.assert_allclose(f[1], np.logaddexp(0, x), rtol=1e-13)
    # Li2(−eˣ) = spence(1 + eˣ), rounded to eps of the 1 in its argument where x is low
    np.testing.assert_allclose(f[2], -special.spence(1 + np.exp(x)), rtol=1e-12, atol=1e-15)
    _, slope = jax.jit(lambda y: jax.jvp(lambda x: _fermi_integral(3, x), (y,), (jnp.ones_like(y),)))(jnp.asarray(x))
    np.testing.assert_allclose(slope, f[2], rtol=1e-12)
    assert _fermi_integral(3, jnp.array(0.0)) == pytest.approx(0.75 * special.zeta(3), rel=1e-14)


def radial(d, level, kT, window=False):
    """∫ f d^dk, or ∫ f(1 − f) d^dk, of E = HALF k² by adaptive quadrature along k, in pieces around the Fermi edge."""
    shell = {1: 2.0, 2: 2 * math.pi, 3: 4 * math.pi}[d]
    kF = math.sqrt(max(level, 0) / HALF)
    end = math.sqrt((max(level, 0) + 50 * kT) / HALF)
    width = kT / (2 * HALF * kF) if kF else end
    knots = [0.0, *(k for s in (-40, -10, -3, 0, 3, 10, 40) if 0 < (k := kF + s * width) < end), end]

    def weight(k):
        f = special.expit((level - HALF * k * k) / kT)
        return k ** (d - 1) * (f * special.expit((HALF * k * k - level) / kT) if window else f)

    return shell * sum(integrate.quad(weight, a, b, epsrel=1e-11, epsabs=0)[0] for a, b in itertools.pairwise(knots))


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize(("level", "temperature"), [(0.1, 300.0), (0.1, 4.0), (-0.2, 300.0)])
def test_the_chemical_potential_of_a_free_electron_density(dimension, level, temperature):
    kT = KB * temperature
    states = 2 / (2 * math.pi) ** dimension
    density = states * radial(dimension, level, kT)
    mu = chemical_potential(sj.electron(bands.parabolic(MASS, dimension=dimension)), density, temperature)
    per_energy = states * radial(dimension, level, kT, window=True) / kT
    # what the docstring promises: 5e-6 of the density
    assert abs(mu - level) * per_energy < 5e-6 * density


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize(("level", "temperature"), [(0.1, 300.0), (0.1, 1.0)])
def test_fermi_edges_far_below_the_mesh_are_integrated(dimension, level, temperature):
    kT = KB * temperature
    window, band = fermi_window(level, kT), bands.parabolic(MASS, dimension=dimension)
    mesh = Mesh(band, window)
    found = spectrum(mesh, mesh.widened(domain_of("", band, kT, None))).integral(window)
    # as promised: in three dimensions a million cells would be needed at 1 K, and 65,000 with E linear in each give 1e-4
    tolerance = 1e-4 if dimension == 3 and temperature == 1.0 else 3e-6
    assert found == pytest.approx(radial(dimension, level, kT, window=True), rel=tolerance)


def test_a_density_in_a_plane_has_a_closed_form():
    temperature, per_area = 20.0, 1e-4
    kT = KB * temperature
    exact = kT * math.log(math.expm1(per_area * 2 * math.pi * HALF / kT))  # n = (m kT/πħ²) log(1 + exp(µ/kT))
    mu = chemical_potential(sj.electron(bands.parabolic(MASS, dimension=2)), per_area, temperature)
    assert mu == pytest.approx(exact, rel=5e-6)


def test_a_miniband_in_a_crystal_is_filled_in_all_directions():
    band, kT, mu = bands.superlattice(0.018, 114.0, 0.067), 10 * KB, 0.012
    kz = (np.arange(4000) + 0.5) / 4000 * 2 * math.pi
    plane = 0.067 / HBAR2_M0 * kT / math.pi * np.logaddexp(0, (mu - 0.009 * (1 - np.cos(kz))) / kT)
    density = plane.mean() / 114.0
    assert chemical_potential(sj.electron(band), density, 10.0) == pytest.approx(mu, rel=1e-5)


def test_half_filling_of_a_symmetric_band():
    # E → 2·onsite − E under k → k + (π/a, π/a), so µ is the onsite energy at every temperature; van Hove singularity and all
    band = bands.tight_binding({(3.8, 0.0): -0.8, (0.0, 3.8): -0.8}, 0.1, SQUARE)
    for temperature in (10.0, 1000.0):
        mu = chemical_potential(sj.electron(band, 4), 2 / 3.8**2, temperature)
        assert mu == pytest.approx(0.1, abs=1e-6)


def test_electrons_and_holes_of_one_band_share_one_chemical_potential():
    band, full = square(), 2 / 3.8**2
    mu = chemical_potential(sj.electron(band), 0.3 * full, 300.0)
    # the same states counted twice, each to 5e-6 of at least 0.3 of them, over a density of states of about full/4 eV
    assert chemical_potential(sj.hole(band), 0.7 * full, 300.0) == pytest.approx(mu, abs=4e-5)


def test_a_cutoff_limits_the_states():
    species, cutoff = sj.electron(bands.parabolic(MASS, dimension=2)), 0.05
    disc = math.pi * cutoff**2 * 2 / (2 * math.pi) ** 2
    kT = 300 * KB
    mu = chemical_potential(species, disc / 2, 300.0, cutoff)
    filled = 2 / (4 * math.pi * HALF) * kT * (np.logaddexp(0, mu / kT) - np.logaddexp(0, (mu - HALF * cutoff**2) / kT))
    # cells that the circle cuts count by their Gauss points: 65,000 cells, a thousand of them along the circle
    assert filled == pytest.approx(disc / 2, rel=1e-3)


def test_occupations_are_themselves():
    x = jnp.linspace(-50.0, 50.0, 101)
    f = special.expit(-np.asarray(x))
    np.testing.assert_allclose(jnp.exp(fermi_dirac(0.0, 1.0).log(x)), f, rtol=1e-13)
    np.testing.assert_allclose(jnp.exp(fermi_window(0.0, 1.0).log(x)), f * special.expit(np.asarray(x)), rtol=1e-13)
    np.testing.assert_allclose(boltzmann(1.0, 2.0).log(x), (1 - x) / 2, rtol=1e-15)


@pytest.mark.parametrize(
    ("band", "arguments", "message"),
    [
        (square(), (0.2, 300.0), "density = 0.2: allowed is a number < 0.138504"),
        (square(), (-1.0, 300.0), "density = -1.0: allowed is a number > 0"),
        (square(), (0.01, 0.0), "temperature = 0.0: allowed is a number > 0"),
        (square(), (0.01, 300.0, 0.1), "cutoff = 0.1: allowed is None, the band is periodic"),
        (-bands.parabolic(0.1), (1e-5, 300.0), "cutoff = None: .*no law in closed form"),
        (-bands.parabolic(0.1), (1e-5, 300.0, math.nan), "cutoff = nan: allowed is a number > 0"),
    ],
)
def test_bad_input_is_refused(band, arguments, message):
    with pytest.raises(sj.SemijaxError, match=f"chemical_potential: .*{message}"):
        chemical_potential(sj.electron(band), *arguments)
