"""Sampling in a magnetic field: carriers follow D f(ε), ε = E − m·B, D = 1 − (q/ħ) B·Ω, and stay so."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import assert_law, assert_mean, over
from scipy import stats
from scipy.integrate import quad

import semijax as sj
from semijax import bands, fields, sampling
from semijax.units import HBAR, KB, TESLA_INTERNAL

N, ROOM = 20_000, 300 * KB
GAP, HBAR_V, TESLA = 0.1, 3.5, 6.0  # at k = 0: D − 1 = ∓0.22, m·B = 0.011 eV
VALLEY = bands.massive_dirac(GAP, HBAR_V)
B_OVER_HBAR = TESLA_INTERNAL * TESLA / HBAR


def cone(k):
    """E, Ω and m of VALLEY at |k|, as in the paper."""
    energy = math.hypot(GAP / 2, HBAR_V * k)
    curvature = -(HBAR_V**2) * GAP / 4 / energy**3
    return energy, curvature, energy * curvature / HBAR


def radial(weight, value=lambda k: 1.0, kT=ROOM, charge=-1, moment=True):
    """∫ d²k/(2π)² D weight(ε) value(k) over the valley."""

    def inside(k):
        energy, curvature, m = cone(k)
        shifted = energy - (m * TESLA_INTERNAL * TESLA if moment else 0.0)
        return k / (2 * math.pi) * (1 - charge * B_OVER_HBAR * curvature) * weight(shifted) * value(k)

    edges = [0.0, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64]
    return sum(quad(inside, a, b, epsabs=0, epsrel=1e-11)[0] for a, b in itertools.pairwise(edges))


def boltzmann(energy):
    return math.exp(-(energy - GAP / 2) / ROOM)


# -- a valley ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [True, False])
def test_means_over_a_valley_are_those_of_radial_integrals(moment):
    species = sj.electron(VALLEY)
    k = sj.thermal(1, species, N, 300.0, magnetic=TESLA, moment=moment).phase.wavevector
    radius = np.linalg.norm(k, axis=1)
    states = radial(boltzmann, moment=moment)
    for i in range(3):
        expected = radial(boltzmann, lambda k, i=i: cone(k)[i], moment=moment) / states
        assert_mean([cone(x)[i] for x in radius], expected)
    # the law of |k|, whole
    grid = np.linspace(0.0, 0.2, 400)
    cumulated = np.array([quad(lambda k: _density(k, moment), a, b)[0] for a, b in itertools.pairwise(grid)]).cumsum() / states
    assert_law(radius, lambda x: np.interp(x, grid, np.concatenate([[0.0], cumulated])))
    # without the field another law: by as much as 5 % of the mean energy above the edge
    plain = np.linalg.norm(sj.thermal(1, species, N, 300.0).phase.wavevector, axis=1)
    assert stats.ks_2samp(radius, plain).pvalue < 1e-6


def _density(k, moment):
    energy, curvature, m = cone(k)
    shifted = energy - (m * TESLA_INTERNAL * TESLA if moment else 0.0)
    return k / (2 * math.pi) * (1 + B_OVER_HBAR * curvature) * boltzmann(shifted)


def test_the_level_of_a_density_and_the_sums_of_a_fermi_surface_count_states():
    electron, g, T = sj.electron(VALLEY, degeneracy=2), 2, 77.0
    for mu in (0.03, 0.1):
        density = g * radial(lambda e, mu=mu: 1 / (math.exp((e - mu) / (KB * T)) + 1))
        found = sampling.chemical_potential(electron, density, T, magnetic=TESLA)
        # the density is right to 5e-6; its slope is 1/kT or less
        assert found == pytest.approx(mu, abs=5e-6 * KB * T * 10)
        surface = sj.fermi_surface(2, electron, 100, mu, T, magnetic=TESLA)
        slope = g * radial(lambda e, mu=mu: 1 / (4 * KB * T * math.cosh((e - mu) / (2 * KB * T)) ** 2))
        np.testing.assert_allclose(np.sum(surface.weight), slope, rtol=3e-6)


def test_a_hole_of_the_valence_band_counts_the_states_its_electrons_would():
    hole, mu, T = sj.hole(bands.massive_dirac(GAP, HBAR_V, sign=-1)), -0.02, 300.0
    # E_v = −E, Ω_v = −Ω, m_v = m: empty states 1 − f(−E − m·B) with D = 1 + (e/ħ) B·Ω_v
    expected = [0.0, 0.0]
    for i in range(2):

        def inside(k, i=i):
            energy, curvature, m = cone(k)
            empty = 1 / (math.exp((mu + energy + m * TESLA_INTERNAL * TESLA) / (KB * T)) + 1)
            return k / (2 * math.pi) * (1 - B_OVER_HBAR * curvature) * empty * (1.0, energy)[i]

        expected[i] = sum(quad(inside, a, b, epsrel=1e-11)[0] for a, b in ((0.0, 0.01), (0.01, 0.05), (0.05, 0.2), (0.2, 0.6)))
    found = sampling.chemical_potential(hole, 2 * expected[0], T, magnetic=TESLA)
    assert found == pytest.approx(mu, abs=5e-6 * KB * T * 10)
    k = sj.thermal(3, hole, N, T, chemical_potential=mu, magnetic=TESLA).phase.wavevector
    assert_mean([cone(x)[0] for x in np.linalg.norm(k, axis=1)], expected[1] / expected[0])


def test_the_field_is_nothing_where_it_changes_nothing():
    for species, more in (
        (sj.electron(bands.parabolic(0.1, dimension=2)), {"magnetic": 7.0}),
        (sj.electron(VALLEY), {"magnetic": 0.0}),
        (sj.electron(bands.parabolic(0.1)), {"magnetic": [1.0, 2.0, 3.0]}),
    ):
        np.testing.assert_array_equal(
            sj.thermal(4, species, 100, 300.0, **more).phase.wavevector, sj.thermal(4, species, 100, 300.0).phase.wavevector
        )
    few, many = (sj.thermal(5, sj.electron(VALLEY), n, 300.0, magnetic=TESLA).phase.wavevector for n in (5, 2000))
    np.testing.assert_array_equal(few, many[:5])


# -- a crystal ------------------------------------------------------------------------------------------------------------------------

HALDANE = bands.models.haldane(1.0, 0.1, math.pi / 2, 0.3, 3.0)  # gaps 0.44 eV and 1.64 eV at the two valleys


BAND = bands.bloch(HALDANE, index=1)


@pytest.fixture(scope="module")
def mesh():
    """Energies, curvatures and moments of the upper band on 192² points of the zone, and the zone's area."""
    reciprocal = np.asarray(BAND.reciprocal)
    fine = np.stack(np.meshgrid(*[np.arange(192) / 192] * 2, indexing="ij"), -1).reshape(-1, 2) @ reciprocal
    seen = over(lambda k: (BAND(k), BAND.berry_curvature(k), BAND.orbital_moment(k)))(jnp.asarray(fine))
    return *(np.asarray(x) for x in seen), abs(np.linalg.det(reciprocal))


def occupied(mesh, mu, kT, tesla):
    """D f(ε) and D on the mesh."""
    energy, curvature, moment, _ = mesh
    density = 1 + TESLA_INTERNAL * tesla / HBAR * curvature
    return density / (np.exp((energy - moment * TESLA_INTERNAL * tesla - mu) / kT) + 1), density


@pytest.mark.slow
def test_a_chern_band_gains_a_quantum_of_flux_a_chern_number(mesh):
    """The density of a filled band grows by C eB/h: Streda, J. Phys. C 15, L717 (1982), doi:10.1088/0022-3719/15/22/005."""
    species, tesla, area = sj.electron(BAND, degeneracy=1), 200.0, mesh[-1]
    flux = TESLA_INTERNAL * tesla / (2 * math.pi * HBAR)  # eB/h: 1.1 % of a state per cell; C = −1
    full = area / (2 * math.pi) ** 2 - flux
    with pytest.raises(sj.SemijaxError, match="density = .*: allowed is a number < ") as error:
        sampling.chemical_potential(species, 2 * full, 2000.0, magnetic=tesla)
    np.testing.assert_allclose(float(str(error.value).split("< ")[1].split()[0]), full, rtol=5e-6)
    # half filled: the mesh resolves kT = 0.17 eV to rounding
    kT, mu = 2000 * KB, 1.2
    density = occupied(mesh, mu, kT, tesla)[0].mean() * area / (2 * math.pi) ** 2
    found = sampling.chemical_potential(species, float(density), 2000.0, magnetic=tesla)
    assert found == pytest.approx(mu, abs=5e-6 * kT * 10)


@pytest.mark.slow
def test_magnetisation_of_a_crystals_carriers(mesh):
    tesla, kT, mu = 100.0, 700 * KB, 0.1
    k = sj.thermal(6, sj.electron(BAND), N, 700.0, chemical_potential=mu, magnetic=tesla).phase.wavevector
    f, density = occupied(mesh, mu, kT, tesla)
    seen = over(lambda k: (BAND(k), BAND.berry_curvature(k), BAND.orbital_moment(k)))(jnp.asarray(k))
    for values, here in zip(mesh[:3], seen):
        assert_mean(here, (f * values).sum() / f.sum())
    # D alone changes the mean curvature by far more than the error of the sample
    plain, curvature = f / density, mesh[1]
    shift = abs((f * curvature).sum() / f.sum() - (plain * curvature).sum() / plain.sum())
    assert shift > 10 * np.std(np.asarray(seen[1])) / math.sqrt(N)


# -- equilibrium stays --------------------------------------------------------------------------------------------------------------------


def tilted(params, k):
    """A tilted cone: its lines of constant energy cross those of constant Ω, so that D changes along an orbit."""
    return params["tilt"] * k[0] + _upright(params, k)


def _upright(params, k):
    return jnp.sqrt((params["gap"] / 2) ** 2 + params["hbar_v"] ** 2 * jnp.sum(k * k))


def _curvature(params, k):
    return -(params["hbar_v"] ** 2) * params["gap"] / 4 / _upright(params, k) ** 3


def _moment(params, k):
    return _upright(params, k) * _curvature(params, k) / HBAR


TILTED = sj.Band(tilted, {"gap": GAP, "hbar_v": HBAR_V, "tilt": 1.5}, dimension=2, curvature=_curvature, moment=_moment)


def _height(dynamics, t, carrier):
    return _upright(dynamics.species.band.params, carrier.phase.wavevector)


def drift(start):
    """Largest mean change of the upright energy of a carrier on its orbit, in standard errors."""
    dynamics = sj.Dynamics(sj.electron(TILTED), fields.uniform(magnetic=TESLA))
    record = {"height": sj.observables.sample(_height, start.count)}
    height = np.asarray(sj.simulate(dynamics, start, duration=600.0, dt=5.0, every=40, record=record).check().frames["height"])
    change = height[1:] - height[:1]
    return np.abs(change.mean(axis=1) / (change.std(axis=1) / math.sqrt(start.count))).max()


@pytest.mark.slow
def test_equilibrium_stays_equilibrium_on_its_orbits():
    species = sj.electron(TILTED)
    assert drift(sj.thermal(7, species, N, 300.0, magnetic=TESLA, cutoff=0.3)) < 5
    # a law without D and m·B is none that stays
    assert drift(sj.thermal(7, species, N, 300.0, cutoff=0.3)) > 8


@pytest.mark.slow
def test_collisions_restore_the_law_of_the_field():
    # from no law at all, after 20 collision times
    dynamics = sj.Dynamics(sj.electron(VALLEY), fields.uniform(magnetic=TESLA))
    step = sj.with_relaxation(sj.rk4, 20.0, 300.0, seed=3)
    last = sj.simulate(dynamics, sj.at_k([0.01, 0.0], N), duration=400.0, dt=4.0, every=100, step=step).final
    expected = [radial(boltzmann, lambda k, i=i: cone(k)[i]) / radial(boltzmann) for i in range(2)]
    radius = np.linalg.norm(last.phase.wavevector, axis=1)
    for i in range(2):
        assert_mean([cone(x)[i] for x in radius], expected[i])


# -- a Weyl node --------------------------------------------------------------------------------------------------------------------------


def weyl(chirality=1.0, speed=3.0):
    """The upper band of a Weyl node without moment: Ω = −chirality k/2k³."""
    return sj.Band(_node, {"hbar_v": speed, "chirality": chirality}, dimension=3, curvature=_monopole)


def _node(params, k):
    return params["hbar_v"] * jnp.sqrt(jnp.sum(k * k))


def _monopole(params, k):
    return -params["chirality"] * k / (2 * jnp.sum(k * k) ** 1.5)


def gained(dynamics, k):
    """ħ dk/dt·v, eV/fs."""
    rates = dynamics(0.0, sj.Phase(jnp.zeros(3), k))
    return HBAR * jnp.sum(rates.wavevector * dynamics.species.band.velocity(k))


@pytest.mark.slow
def test_the_chiral_anomaly_is_what_a_fermi_surface_gains():
    """dn/dt = χ q² E·B/(4π²ħ²) (Son, Spivak, Phys. Rev. B 88, 104412 (2013), doi:10.1103/PhysRevB.88.104412): ∫ D (−∂f/∂E) ħ dk/dt·v."""
    electric, tesla, mu = np.array([1e-5, -2e-5, 3e-5]), np.array([1.0, -2.0, 4.0]), 0.12
    for chirality in (1.0, -1.0):
        species = sj.electron(weyl(chirality), degeneracy=1)
        surface = sj.fermi_surface(8, species, N, mu, 50.0, cutoff=0.1, magnetic=tesla)
        dynamics = sj.Dynamics(species, fields.uniform(electric, tesla))
        gain = np.asarray(jax.jit(jax.vmap(gained, (None, 0)))(dynamics, surface.phase.wavevector))
        expected = chirality * (electric @ tesla) * TESLA_INTERNAL / (4 * math.pi**2 * HBAR**2)
        assert_mean(gain, expected, np.asarray(surface.weight) * N)
        # D has no mean over a sphere
        np.testing.assert_allclose(np.sum(surface.weight), 1 / (2 * math.pi**2) * _second_moment(mu, 50 * KB) / 3.0**3, rtol=1e-4)


def _second_moment(mu, kT):
    """∫ E² (−∂f/∂E) dE = µ² + π²(kT)²/3, but for exp(−µ/kT)."""
    return mu**2 + math.pi**2 * kT**2 / 3


def test_carriers_where_d_is_far_from_one_are_announced():
    # k below √(eB/2ħ) = 0.0095 1/Å: a quarter of a sea of 0.018 1/Å... the node has states the picture does not know
    species = sj.electron(weyl(), degeneracy=1)
    with pytest.warns(UserWarning, match=r"thermal: \|D − 1\| > 0.5 for \d+ of 2000 carriers, D = .* beyond \|D − 1\| = 1 no"):
        k = sj.thermal(9, species, 2000, 30.0, chemical_potential=0.06, cutoff=0.1, magnetic=[0.0, 0.0, 12.0]).phase.wavevector
    radius = np.linalg.norm(k, axis=1)
    excess = -np.asarray(k)[:, 2] / (2 * radius**3) * TESLA_INTERNAL * 12 / HBAR
    assert np.abs(excess).max() < 1


def warm(band, **more):
    return sj.thermal(1, sj.electron(band), 9, 300.0, **more)


# -- refusals ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: sj.thermal(1, sj.electron(VALLEY), 9, 300.0, magnetic=[0.0, 0.0, 1.0]),
            r"thermal: magnetic has shape \(3,\): allowed is \(\)",
        ),
        (
            lambda: sj.thermal(1, sj.electron(weyl()), 9, 300.0, magnetic=2.0),
            r"thermal: magnetic has shape \(\): allowed is \(3,\)",
        ),
        (
            lambda: sj.thermal(1, sj.electron(VALLEY), 9, 300.0, magnetic=math.nan),
            "thermal: magnetic = nan: allowed are numbers that are finite",
        ),
        (
            lambda: sj.thermal(1, sj.electron(bands.cosine(1.0, 3.0)), 9, 300.0, magnetic=1.0),
            "thermal: magnetic = 1.0 in one dimension: allowed is None",
        ),
        (
            lambda: jax.jit(lambda b: warm(VALLEY, magnetic=b).phase.wavevector)(1.0),
            "_dirac_upper in a magnetic field inside jit, grad or vmap: allowed are",
        ),
        (
            lambda: sj.simulate(
                sj.Dynamics(sj.electron(VALLEY), lambda t, r: sj.EMField(None, 1.0 + 0.1 * r[0])),
                sj.at_k([0.1, 0.0]),
                duration=1.0,
                dt=1.0,
                step=sj.with_relaxation(sj.rk4, 10.0, 300.0),
            ),
            "with_relaxation: the magnetic field varies",
        ),
    ],
)
def test_mistakes_are_named(call, words):
    with pytest.raises(sj.SemijaxError, match=words) as error:
        call()
    assert "\n" not in str(error.value)
