"""Models fitted to bands of silicon, graphene, hBN and to pseudopotentials; derivatives of k·p; Wannier models refined."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library import CASES
from problems import over
from scipy.optimize import brentq
from test_models import pseudopotential
from wannier_files import shipped, valid

import semijax as sj
from semijax import bands, fits, lattice
from semijax._pytree import replace
from semijax._types import SemijaxError
from semijax.bands import Structure, models
from semijax.bands.hamiltonian import Hamiltonian
from semijax.bands.wannier import Model
from semijax.io import read_bands, read_wannier90
from semijax.units import HBAR2_M0

HEXAGON = [[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0]]


def dft(name):
    return read_bands(shipped(name).with_name(f"{name}_dft_bands.npz"))


def rms(fit):
    """Root of the mean square of the deviations that count, in the unit of the data, where they count alike."""
    return float(np.sqrt(np.asarray(fit.chi2) / np.asarray(fit.data.used).sum()))


def eigenvalues(h, k):
    return np.linalg.eigvalsh(np.asarray(over(h.matrix_at)(jnp.asarray(k))))


# -- density-functional theory --------------------------------------------------------------------------------------------------------


def silicon(shells):
    """(tight binding with s and p, the four valence bands)."""
    data = dft("si")
    crystal = Structure.fractional(data.lattice, ("Si", "Si"), [[0, 0, 0], [-0.25, 0.75, -0.25]])
    h = models.slater_koster(crystal, {"Si": {"s": -4.2, "p": 1.7}}, shells)
    return h, fits.energies(data.cartesian, data.energies[:, :4] - data.fermi)


# From Harrison's integrals at the first distance and zeros beyond, the best that searches from many starts find (below): 73.0 and 56.7 meV.
@pytest.mark.parametrize(("shells", "parameters", "within"), [(2, 10, 0.080), (3, 14, 0.065)])
def test_valence_bands_of_silicon(shells, parameters, within):
    fit = sj.least_squares(fits.residuals, *silicon(shells))
    assert len(fit.names) == parameters
    assert fit.converged and not fit.undetermined
    assert rms(fit) < within


@pytest.mark.slow
@pytest.mark.parametrize(("shells", "known"), [(2, 0.07296), (3, 0.05667)])
def test_no_start_leads_to_better_bands_of_silicon(shells, known):
    fit = sj.least_squares(fits.residuals, *silicon(shells), starts=24, key=jax.random.key(0))
    assert rms(fit) == pytest.approx(known, abs=2e-5)


def test_pi_bands_of_graphene():
    """Within 3 eV of the Dirac point there are none but π and π*: third neighbours with overlaps meet them within some meV."""
    data = dft("graphene")
    sheet = Structure.fractional(data.lattice, ("C", "C"), HEXAGON)
    energies = data.energies[:, 3:5]
    used = np.abs(energies + 1.0684) < 3
    assert used.sum() > 100 and (np.abs(data.energies + 1.0684) < 3).sum() == used.sum()
    h = models.slater_koster(sheet, {"C": {"pz": -1.0684}}, 3, overlap=True, dimension=2)
    fit = sj.least_squares(fits.residuals, h, fits.energies(data.cartesian[:, :2], energies, use=used))
    assert rms(fit) < 0.010  # asked: 50 meV
    # ħv beside the Dirac point; it bends by some Å times the distance, 1 %
    K = lattice.reciprocal(sheet.lattice[:2, :2]).T @ [1 / 3, 1 / 3]
    upper = eigenvalues(fit.band, K + np.array([[0.002, 0.0], [0.004, 0.0]]))[:, 1]
    assert (upper[1] - upper[0]) / 0.002 == pytest.approx(5.46, rel=0.01)


def test_valley_masses_of_hbn():
    """Fitted within 0.3 1/Å of K, against the masses of the same energies by polynomials along M-K-Γ (sixth order, good to 0.3 %)."""
    data = dft("hbn")
    layer = Structure.fractional(data.lattice, ("B", "N"), HEXAGON)
    energies, k = data.energies[:, 3:5], data.cartesian[:, :2]
    K = lattice.reciprocal(data.lattice[:2, :2]).T @ [1 / 3, 1 / 3]
    away = np.linalg.norm(k - K, axis=1)
    h = models.slater_koster(layer, {"B": {"pz": 2.0}, "N": {"pz": -3.0}}, 3, overlap=True, dimension=2)
    fit = sj.least_squares(fits.residuals, h, fits.energies(k, energies, use=np.repeat(away[:, None] < 0.3, 2, axis=1)))
    assert rms(fit) < 0.001
    corner = int(away.argmin())
    rows = np.r_[corner - 6 : corner, corner + 2 : corner + 8]  # K is there twice, the end of one leg and the begin of the next
    x = away[rows] * np.repeat([-1, 1], 6)
    powers = x[:, None] ** np.arange(2, 8)
    along = np.linalg.lstsq(powers, energies[rows] - energies[corner], rcond=None)[0]
    step = 0.005  # 1/Å: the fourth order is (2.5 Å step)² = 2e-4 of the second
    for way in np.array([[1, 0], [0, 1], [0.6, 0.8]]):  # threefold symmetry at K: the mass is a number
        sides, middle = eigenvalues(fit.band, K + step * np.array([way, -way])), eigenvalues(fit.band, K[None])
        masses = HBAR2_M0 / ((sides.sum(axis=0) - 2 * middle[0]) / step**2)
        np.testing.assert_allclose(masses, HBAR2_M0 / 2 / along[0], rtol=0.005)
        np.testing.assert_allclose(masses, [-0.639, 0.938], atol=0.002)


# -- pseudopotentials (FT2) -------------------------------------------------------------------------------------------------------------


def cohen_bergstresser(name):
    """(k -> energies [m n] above the top of the valence bands, 2π/a, what is expected)."""
    case = CASES["FT2"]
    given = case["inputs_SI"][name]
    matrix, params, _ = pseudopotential(given["a"], given["VS"], given["VA"])
    h = Hamiltonian(matrix, params)
    whole = over(h.matrix_at)

    def energies(k):
        return np.linalg.eigvalsh(np.asarray(whole(jnp.asarray(k))))

    top = energies(np.zeros((1, 3)))[0, 3]
    return lambda k: energies(k) - top, 2 * np.pi / given["a"], case["expected"][name]


@pytest.mark.parametrize("name", ["Ge", "GaAs"])
def test_kanes_model_recovers_the_conduction_mass(name):
    """From energies within 1 % of 2π/a of Γ; where the model ends, E k⁴, is 1e-3 of the mass there. Without spin-orbit coupling Δ = 0."""
    energies, unit, expected = cohen_bergstresser(name)
    directions = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]]) / np.sqrt([[1], [2], [3]])
    k = np.concatenate([0.01 * unit * part * directions for part in (0.2, 0.4, 0.6, 0.8, 1.0)])
    data = np.repeat(energies(k)[:, 1:5], 2, axis=1)  # each for both spins
    start = {"gamma": np.array([7.0, 2.0, 3.0]), "gap": 1.3, "kane_energy": 20.0, "mass": 0.1}
    model = fits.Model(lambda p: models.kane(split_off=jnp.asarray(1e-9), **p), start)
    fit = sj.least_squares(fits.residuals, model, fits.energies(k, data))
    assert rms(fit) < 1e-6
    assert fit.params["mass"] == pytest.approx(expected["m_Gamma_band5"], rel=CASES["FT2"]["tolerance"]["masses"])
    assert fit.params["gap"] == pytest.approx(expected["Gamma"][4] - expected["Gamma"][3], abs=1e-6)


def test_an_ellipsoid_recovers_the_valley_of_silicon():
    """From energies within 1 % of 2π/a of the minimum; the third order, 1 % of the second there, is odd and so are its k."""
    energies, unit, expected = cohen_bergstresser("Si")
    away = np.random.default_rng(0).normal(size=(12, 3))
    # on spheres of several radii: on one alone the mean of 1/m and the minimum would be the same number
    away *= 0.01 * unit * np.repeat([0.4, 0.7, 1.0], 4)[:, None] / np.linalg.norm(away, axis=1)[:, None]
    k = np.concatenate([away, -away]) + [0.8527 * unit, 0, 0]
    data = energies(k)[:, 4]
    start = {"inverse": np.array([1.0, 5.0]), "minimum": 0.8, "center": 0.85}

    def build(p):
        masses = 1 / p["inverse"][jnp.array([0, 1, 1])]
        return bands.ellipsoidal(masses, center=p["center"] * jnp.array([unit, 0, 0]), minimum=p["minimum"])

    found = sj.least_squares(fits.residuals, fits.Model(build, start), fits.energies(k, data)).params
    np.testing.assert_allclose(1 / found["inverse"], [expected["ml"], expected["mt"]], rtol=0.01)
    assert found["center"] == pytest.approx(expected["k0"], abs=1e-3)
    assert found["minimum"] == pytest.approx(expected["gap"], abs=1e-4)


def valley():
    """sp³s* with third neighbours, and data: bands 3 to 5 in the valley, of which the middle one counts, and along Γ-X and Γ-L."""
    energies, unit, expected = cohen_bergstresser("Si")
    rng = np.random.default_rng(0)
    away = rng.normal(size=(60, 3))
    away *= (0.04 * unit * rng.uniform(size=60) ** (1 / 3) / np.linalg.norm(away, axis=1))[:, None]
    part = np.linspace(0, 1, 9)[:, None]
    k = np.concatenate([away + [0.85 * unit, 0, 0], part * [unit, 0, 0], part / 2 * np.full(3, unit)])
    weight = np.full((len(k), 3), 1e-5)
    weight[:60, 1] = 1.0
    a = 2 * np.pi / unit
    rows = a / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    crystal = Structure.fractional(rows, ("Si", "Si"), [[0, 0, 0], [0.25, 0.25, 0.25]])
    h = models.slater_koster(crystal, {"Si": {"s": -4.2, "p": 1.7, "s*": 6.7}}, 3)
    return h, k, energies(k)[:, 3:6], weight, unit, expected


# Where the best of twelve searches from Harrison's integrals, ± 30 %, ended: 0.12 meV rms in the valley. Worse ends, of up to 0.4 meV, have
# masses up to 8 % off.
VALLEY = [-1.372, 3.825, 1.392, -2.676, 2.255, -1.395, -2.146, -0.273, 0.544, 0.259, -0.01, 0.529]
VALLEY += [-0.566, 0.104, -0.185, 0.44, 0.824, -0.56, 0.641, -0.069, 0.185, 1.714, -4.085, 7.525]


def test_tight_binding_recovers_the_valley_of_silicon():
    """The minimum within 0.2 % of 2π/a and 2 meV, the masses within 5 %; in the valley, 60 meV deep, the model is 0.2 meV rms off."""
    h, k, energies, weight, unit, expected = valley()
    h = replace(h, params=jax.flatten_util.ravel_pytree(h.params)[1](jnp.array(VALLEY)))
    fit = sj.least_squares(fits.residuals, h, fits.energies(k, energies, weight=weight, bands=(3, 4, 5)), tolerance=1e-5)
    band = bands.bloch(fit.band, index=4, curvature=False, moment=False)
    off = (np.asarray(over(band)(jnp.asarray(k[:60]))) - energies[:60, 1]).std()
    assert off < 0.0003
    velocity = jax.jit(band.velocity)
    k0 = brentq(lambda x: float(velocity(jnp.array([x * unit, 0, 0]))[0]), 0.8, 0.9)
    assert k0 == pytest.approx(expected["k0"], abs=2e-3)
    minimum = jnp.array([k0 * unit, 0, 0])
    assert float(band(minimum)) == pytest.approx(expected["gap"], abs=2e-3)
    mass = jax.jit(band.effective_mass)(minimum)
    np.testing.assert_allclose([mass[0, 0], mass[1, 1]], [expected["ml"], expected["mt"]], rtol=0.05)


# -- k·p --------------------------------------------------------------------------------------------------------------------------------


def slopes(build, gamma, k, index):
    """∂E/∂γ [3] of one band."""

    def energy(gamma):
        return bands.bloch(build(gamma), index=index, curvature=False, moment=False)(jnp.asarray(k))

    return jax.jit(jax.grad(energy))(jnp.asarray(gamma))


def test_energies_depend_on_luttingers_parameters_as_in_closed_form():
    """Heavy holes along [001]: −ħ²k²/2m0 (γ1 − 2γ2), light ones γ1 + 2γ2; along [111] with γ3."""
    gamma, unit = (6.98, 2.06, 2.93), HBAR2_M0 / 2
    for k, other in (([0, 0, 0.05], [0, 1, 0]), (np.ones(3) * 0.03, [0, 0, 1])):
        square = float(np.dot(k, k))
        for index, sign in ((0, 1), (2, -1)):
            known = -unit * square * (np.array([1.0, 0, 0]) + 2 * sign * np.array(other))
            np.testing.assert_allclose(slopes(models.luttinger, gamma, k, index), known, atol=1e-12)


def test_energies_depend_on_kanes_parameters_as_differences_say():
    m = bands.materials.GaAs
    k, step = [0.02, 0.01, -0.03], 1e-4

    def build(gamma):
        return models.kane(m.gap, m.split_off, m.kane_energy, gamma, m.mass)

    for index in (2, 6):
        energy = jax.jit(lambda gamma, i=index: bands.bloch(build(gamma), index=i, curvature=False, moment=False)(jnp.asarray(k)))
        sides = [[energy(np.array(m.gamma) + sign * e) for e in step * np.eye(3)] for sign in (1, -1)]
        central = np.subtract(*sides) / (2 * step)
        # E is close to linear in γ: differences are good to their rounding, 1e-15/1e-4
        np.testing.assert_allclose(slopes(build, m.gamma, k, index), central, atol=1e-9)


def test_every_number_of_a_kane_model_is_a_leaf():
    h = models.kane(1.5, 0.3, 25.0, (7.0, 2.0, 3.0), 0.067)
    assert set(h.params) == {"gap", "split_off", "kane_energy", "gamma", "mass", "maximum"}
    assert models.luttinger((7.0, 2.0, 3.0)).params["gamma"].shape == (3,)


# -- Wannier models refined -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def carbon():
    model = read_wannier90(shipped("graphene"))
    return model, bands.refinement(model, 2.6)


def test_a_refinement_begins_with_the_model(carbon):
    model, free = carbon
    np.testing.assert_allclose(np.asarray(free.model(free.start).hopping), model.hopping, atol=1e-15)
    assert free.counts["onsite"].sum() == 5
    assert (free.distances <= 2.6).all()
    # π functions: two, alike; bonds: three, alike
    assert sorted(free.counts["onsite"].tolist()) == [2, 3]
    assert free.start["hopping"].shape == free.distances.shape == free.counts["hopping"].shape


def test_whatever_the_numbers_the_model_is_hermitian(carbon):
    model, free = carbon
    rng = np.random.default_rng(0)
    moved = jax.tree.map(lambda x: x + rng.normal(size=x.shape), free.start)
    found = free.model(moved)
    assert valid(Model(model.lattice, model.translations, np.asarray(found.hopping), model.centres, model.positions))
    change = np.asarray(found.hopping) - model.hopping
    assert np.count_nonzero(np.abs(change) > 1e-12) == sum(count.sum() for count in free.counts.values())


def test_a_refinement_recovers_what_was_changed(carbon):
    _, free = carbon
    rng = np.random.default_rng(1)
    truth = jax.tree.map(lambda x: x + 0.05 * rng.normal(size=x.shape), free.start)
    k = np.random.default_rng(2).uniform(-1.2, 1.2, (60, 2))
    model = fits.Model(lambda p: free.hamiltonian(p, dimension=2), free.start)
    energies = eigenvalues(free.hamiltonian(truth, dimension=2), k)
    found = sj.least_squares(fits.residuals, model, fits.energies(k, energies)).params
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-6), found, truth)


@pytest.mark.slow
def test_silicon_refined_towards_density_functional_theory():
    """The fifth band, of an interpolation through disentangled ones, is 28 meV off; 37 numbers within 5.5 Å make it 22 in a few steps."""
    with pytest.warns(UserWarning, match="no positions"):
        free = bands.refinement(read_wannier90(shipped("si")), 5.5)
    data = dft("si")
    k, energies = data.cartesian[::2], data.energies[::2, :5]
    weight = np.broadcast_to([1, 1, 1, 1, 0.04], energies.shape)
    model = fits.Model(free.hamiltonian, free.start)
    fit = sj.least_squares(fits.residuals, model, fits.energies(k, energies, weight=weight), tolerance=0.01)
    assert len(fit.names) < 40
    found = (eigenvalues(free.hamiltonian(of), data.cartesian)[:, :5] for of in (free.start, fit.params))
    before, after = (np.sqrt(np.mean((levels - data.energies[:, :5]) ** 2, axis=0)) for levels in found)
    assert before[4] > 0.025 and after[4] < 0.022
    assert after[:4].max() < before[:4].max()


def test_a_model_without_centres_is_refused():
    model = Model(np.eye(3), np.zeros((1, 3), int), np.zeros((1, 1, 1), complex))
    with pytest.raises(SemijaxError, match="refinement: the model has no centres: allowed is one with them"):
        bands.refinement(model, 2.0)
    with pytest.raises(SemijaxError, match="refinement: within = -1: allowed is a number ≥ 0"):
        bands.refinement(model, -1)
