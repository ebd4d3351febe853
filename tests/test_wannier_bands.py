"""Bands of Wannier models against postw90 and WannierBerri, on files that ship and, where present, on silicon and copper; Fermi sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import over
from wannier_files import DATA, outside, shipped

import semijax as sj
from semijax import bands
from semijax.bands.eigen import Grouping
from semijax.bands.hamiltonian import all_bands
from semijax.bands.wannier import Model, hamiltonian
from semijax.io import read_wannier90
from semijax.probes.transport import fermi_sums
from semijax.units import HBAR

MATERIALS = ["graphene", "hbn", "si", "cu"]


def prefix_of(name):
    """Graphene and hBN ship; the larger files lie under SEMIJAX_DATA."""
    return shipped(name) if name in ("graphene", "hbn") else outside("dft", name, name)


def away(energy, gap):
    """Which bands [k n] are further than `gap` from the others."""
    distance = np.abs(energy[:, :, None] - energy[:, None, :]) + np.diag(np.full(energy.shape[1], np.inf))
    return distance.min(axis=2) > gap


def geometry(h, k):
    """Energies, velocities, curvatures of all bands at k [m 3]."""
    grouping = Grouping(1e-4)
    return over(lambda k: all_bands(h.matrix, h.positions, grouping, h.params, k))(jnp.asarray(k))


@pytest.mark.parametrize("name", MATERIALS)
def test_bands_are_those_of_postw90_and_wannierberri(name):
    prefix = prefix_of(name)
    model, known = read_wannier90(prefix), np.load(f"{prefix}_wberri_k.npz")
    table = np.loadtxt(f"{prefix}_geninterp.dat.gz")
    k, energy = known["k_cart_invA"], table[:, 4].reshape(len(known["k_cart_invA"]), -1)
    slopes = table[:, 5:].reshape(*energy.shape, 3)
    found = geometry(hamiltonian(model), k)
    inside = geometry(hamiltonian(model, positions=False), k)
    # eight digits of H, up to 4e4 numbers of up to 10 eV; postw90 prints ten
    np.testing.assert_allclose(found.energy, energy, rtol=0, atol=1e-6)
    single = away(energy, 1e-3)
    np.testing.assert_allclose(found.velocity[single] * HBAR, slopes[single], rtol=0, atol=1e-4)
    single = away(energy, 1e-2)
    for ours, theirs, relative in ((inside, "berry_internal_A2", 1e-5), (found, "berry_full_A2", 1e-4)):
        # where symmetry forbids curvature (graphene, copper, silicon) what is left is the noise of the files' digits
        np.testing.assert_allclose(ours.curvature[single], known[theirs][single], rtol=relative, atol=1e-6)
    for index in {0, energy.shape[1] // 2, energy.shape[1] - 1}:
        band = bands.wannier(model, index, curvature=False, moment=False)
        mine = single[:, index]
        hessian, exact = over(band.inverse_mass)(jnp.asarray(k))[mine] * HBAR**2, known["invmass_eVA2"][mine, index]
        size = np.abs(exact).max(axis=(1, 2), keepdims=True)
        np.testing.assert_allclose(hessian / size, exact / size, rtol=0, atol=1e-6)


def test_a_layer_in_two_dimensions_is_the_layer_in_three():
    model = read_wannier90(shipped("hbn"))
    flat, whole = (bands.wannier(model, 3, dimension=d) for d in (2, 3))
    k = np.load(f"{shipped('hbn')}_wberri_k.npz")["k_cart_invA"][:6]
    assert flat.lattice.shape == (2, 2)
    for name, tolerance in (("velocity", 1e-12), ("berry_curvature", 1e-10), ("orbital_moment", 1e-10)):
        one = over(getattr(flat, name))(jnp.asarray(k[:, :2]))
        other = over(getattr(whole, name))(jnp.asarray(k))
        np.testing.assert_allclose(one, other[:, :2] if name == "velocity" else other[:, 2], atol=tolerance)


def test_the_valleys_of_boron_nitride_are_opposite():
    model = read_wannier90(shipped("hbn"))
    k = np.random.default_rng(0).uniform(-1.5, 1.5, (8, 2))
    for index in (3, 4):
        band = bands.wannier(model, index, dimension=2)
        for name in ("berry_curvature", "orbital_moment"):
            there, back = (over(getattr(band, name))(jnp.asarray(sign * k)) for sign in (1, -1))
            assert np.abs(there).max() > 1e-2
            # H(−k) = H(k)* up to the imaginary parts of 1e-9 eV that the files have
            np.testing.assert_allclose(there, -back, rtol=1e-5, atol=1e-5)
        K = band.reciprocal.sum(axis=0) / 3
        assert float(band.separation(jnp.asarray(K))) > 1.0


def test_curvature_needs_the_centres():
    model = read_wannier90(shipped("hbn"))
    bare = Model(model.lattice, model.translations, model.hopping)
    with pytest.warns(UserWarning, match="the model has no centres: .* wrong by tens of percent"):
        band = bands.wannier(bare, 3, dimension=2)
    k = jnp.array([0.9, 0.4])
    exact = bands.wannier(model, 3, dimension=2, positions=False)
    np.testing.assert_allclose(band(k), exact(k), rtol=1e-13)
    assert abs(float(band.berry_curvature(k) / exact.berry_curvature(k)) - 1) > 0.05
    bands.wannier(bare, 3, dimension=2, curvature=False, moment=False)  # nothing to warn of


def test_degenerate_points_are_finite():
    graphene = read_wannier90(shipped("graphene"))
    flat = bands.wannier(graphene, 3, dimension=2)
    b = flat.reciprocal
    K = next(k for k in ((b[0] + b[1]) / 3, (2 * b[0] + b[1]) / 3) if float(flat.separation(jnp.asarray(k))) < 1e-3)
    with pytest.warns(UserWarning, match="without positions"):
        silicon = read_wannier90(shipped("si"))
    top = bands.wannier(silicon, 2, curvature=False, moment=False)
    for band, k in ((flat, K), (top, np.zeros(3))):
        at = jnp.asarray(k)
        assert float(band.separation(at)) < 1e-4
        # by symmetry the average velocity is none; the files keep the symmetry to 1e-4 eV Å or so
        assert np.abs(band.velocity(at)).max() < 1e-3
        for value in (band.inverse_mass(at), band.berry_curvature(at), band.orbital_moment(at)):
            assert np.isfinite(value).all()


def test_energies_have_derivatives_in_the_hoppings():
    model = read_wannier90(shipped("hbn"))
    band, k = bands.wannier(model, 2, dimension=2), jnp.array([0.5, 0.3])
    slopes = jax.grad(band.energy)(jax.tree.map(jnp.asarray, band.params), k)
    home = int(np.argmin(np.abs(band.params["vectors"]).sum(axis=1)))
    # R = 0 is kept by half: a shift of all onsite energies by c is c/2 on each diagonal element
    assert abs(float(np.trace(slopes["hopping"].real[home])) - 2) < 1e-12


def test_float32_is_as_good_as_its_digits():
    model = read_wannier90(shipped("hbn"))
    k = np.random.default_rng(5).uniform(-1, 1, (20, 2))
    for index in (0, 3):
        band = bands.wannier(model, index, dimension=2)
        exact, rounded = (over(lambda k, b=band: (b(k), b.velocity(k)))(jnp.asarray(k, d)) for d in (jnp.float64, jnp.float32))
        assert rounded[0].dtype == jnp.float32
        # energies up to 20 eV with 6e-8 each, some tens of roundings; velocities have R up to 20 Å more
        np.testing.assert_allclose(rounded[0], exact[0], rtol=0, atol=20 * 30 * 6e-8)
        np.testing.assert_allclose(rounded[1], exact[1], rtol=0, atol=5e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"translations": np.array([[0, 0, 0], [1, 0, 0]])}, r"R = \(1, 0, 0\): allowed is every R once, with −R"),
        ({"centres": np.zeros((3, 3))}, r"centres has shape \(3, 3\): allowed is \(2, 3\)"),
        ({"hopping": np.zeros((2, 2, 3), complex)}, "hopping has shape"),
        ({"lattice": np.eye(2)}, "lattice and translations have shapes"),
    ],
)
def test_models_that_are_none_are_refused(change, words):
    given = {
        "lattice": np.eye(3),
        "translations": np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0]])[: 2 if "hopping" in change else 3],
        "hopping": np.zeros((3, 2, 2), complex),
        "centres": np.zeros((2, 3)),
    }
    if "translations" in change:
        given["hopping"] = given["hopping"][:2]
    if "hopping" in change:
        given["translations"] = np.array([[0, 0, 0], [0, 0, 0]])[:2]
        words = "hopping has shape|every R once"
    with pytest.raises(sj.SemijaxError, match=words):
        bands.wannier(Model(**(given | change)), 0)


def test_a_crystal_is_no_layer():
    model = Model(np.eye(3), np.array([[0, 0, 0], [0, 0, 1], [0, 0, -1]]), np.zeros((3, 2, 2), complex), np.zeros((2, 3)))
    with pytest.raises(sj.SemijaxError, match="dimension = 2 .* allowed is a layer"):
        bands.wannier(model, 0, dimension=2)


# -- sums over the zone ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MATERIALS)
def test_fermi_sums_are_exact(name):
    known = np.load(DATA / name / f"{name}_fixedgrid.npz")
    model = read_wannier90(prefix_of(name))
    found = fermi_sums(model, known["NK"], known["T_K"], known["mu_eV"], positions=False)
    np.testing.assert_allclose(found.electrons, known["N_e_per_cell"], rtol=1e-6)
    # states in a gap are none but for rounding
    slopes = known["dNdmu_per_eV_cell"]
    np.testing.assert_allclose(found.density_of_states, slopes, rtol=1e-6, atol=1e-6 * slopes.max())
    np.testing.assert_allclose(found.energy, known["band_energy_eV_cell"], rtol=1e-6)
    flow = known["sigma_over_tau_S_per_m_s"]
    np.testing.assert_allclose(found.conductivity_over_tau, flow, rtol=1e-6, atol=1e-6 * np.abs(flow).max())
    if "sum_f_Omega_internal_A2" in known:  # time reversal leaves rounding
        np.testing.assert_allclose(found.curvature, known["sum_f_Omega_internal_A2"], atol=1e-10)
        np.testing.assert_allclose(found.hall / 100, known["ahc_internal_S_per_cm"], atol=1e-6)


def test_a_filled_haldane_band_conducts_one_quantum():
    h = bands.models.haldane()
    sums = [fermi_sums(h, 60, 20.0, 0.0, spin=1, block=block) for block in (None, 500)]
    quantum = 1.602176634e-19**2 / 6.62607015e-34
    # σ_xy = −(e²/h) C, C = 1
    np.testing.assert_allclose(sums[0].hall, -quantum, rtol=1e-9)
    np.testing.assert_allclose(sums[0].electrons, 1.0, rtol=1e-12)
    for one, other in zip(jax.tree.leaves(sums[0]), jax.tree.leaves(sums[1])):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-25)


def test_sums_have_derivatives_in_the_chemical_potential():
    h = bands.models.haldane()

    def electrons(gap):
        return fermi_sums(bands.models.haldane(mass=gap), 12, 3000.0, [0.9]).electrons[0]

    step = 1e-4
    difference = (electrons(0.2 + step) - electrons(0.2 - step)) / (2 * step)
    np.testing.assert_allclose(jax.grad(electrons)(0.2), difference, rtol=1e-6)
    sums = [fermi_sums(h, 12, 3000.0, mu).electrons for mu in (0.9 - step, 0.9 + step)]
    np.testing.assert_allclose(fermi_sums(h, 12, 3000.0, 0.9).density_of_states, (sums[1] - sums[0]) / (2 * step), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((bands.parabolic(1.0), 4, 300.0, 0.0), "model = Band: allowed is a Wannier model"),
        ((bands.models.luttinger((7.0, 2.0, 3.0)), 4, 300.0, 0.0), "model = Hamiltonian: allowed is a Wannier model"),
        ((bands.models.haldane(), 0, 300.0, 0.0), "mesh = 0: allowed are whole numbers"),
        ((bands.models.haldane(), 4, -1.0, 0.0), "temperature = .*allowed are numbers that are > 0"),
    ],
)
def test_mistakes_in_sums_are_named(arguments, words):
    with pytest.raises(sj.SemijaxError, match=words):
        fermi_sums(*arguments)
