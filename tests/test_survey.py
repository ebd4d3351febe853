"""What a Hamiltonian holds: derivatives against finite differences and other programs, densities of states in closed form, symmetry."""

import numpy as np
import pytest
from wannier_files import bands as energies_of
from wannier_files import shipped

from semijax import survey, units
from semijax._types import SemijaxError
from semijax.bands.wannier import Model
from semijax.io import read_wannier90, read_win
from semijax.survey import paths
from semijax.survey.places import name_of, on_line


@pytest.fixture(scope="module")
def hbn():
    """hBN's model."""
    return read_wannier90(shipped("hbn"))


@pytest.fixture(scope="module")
def silicon():
    """Silicon's model; its file holds no positions, of which the survey needs none."""
    with pytest.warns(UserWarning, match="without positions"):
        return read_wannier90(shipped("si"))


def square(hopping=-1.0, period=3.0):
    """One band 2t(cos k₁ + cos k₂) of a square layer, t in eV."""
    R = np.array([[-1, 0, 0], [0, -1, 0], [0, 0, 0], [0, 1, 0], [1, 0, 0]])
    values = np.where(np.abs(R).sum(axis=1) == 1, hopping, 0.0).astype(complex)[:, None, None]
    return Model(np.diag([period, period, 15.0]), R, values, np.zeros((1, 3)))


def test_slopes_and_curvatures_are_those_of_another_program(hbn):
    data = np.load(shipped("hbn").with_name("hbn_wberri_k.npz"))
    matrices = survey.Matrices(hbn)
    assert matrices.dimension == 2
    k = data["k_frac"]
    compared = 0
    for i in range(len(k)):
        local = matrices.local(k[i][:2])
        gaps = np.diff(local.energies)
        for n in range(matrices.count):
            if min([*gaps[max(n - 1, 0) : n + 1]]) > 0.05:
                np.testing.assert_allclose(local.slope(n), data["velocity_eVA"][i, n, :2], atol=1e-5)
                np.testing.assert_allclose(local.hessian(n), data["invmass_eVA2"][i, n, :2, :2], rtol=1e-5, atol=1e-4)
                compared += 1
    assert compared > 100


def test_masses_of_touching_bands_are_those_of_finite_differences(silicon):
    matrices = survey.Matrices(silicon)
    local = matrices.local(np.zeros(3))
    assert local.group(3).tolist() == [1, 2, 3]
    h = 0.01  # 1/Å: quartic terms of the bands are E''' ' h²/12 of the curvature, below 1 %
    for direction in ((1, 0, 0), (1, 1, 0), (1, 1, 1)):
        u = np.array(direction) / np.linalg.norm(direction)
        W = np.einsum("ijab,a,b->ij", local.expansion(3), u, u)
        there = energies_of(silicon, matrices.fractional(h * u)[None])[0, 1:4]
        here = local.energies[1:4].mean()
        np.testing.assert_allclose(np.linalg.eigvalsh(W), 2 * (there - here) / h**2, rtol=0.02, atol=0.2)


def test_a_valley_is_found_off_the_mesh_and_its_mass_is_that_of_finite_differences(silicon):
    matrices = survey.Matrices(silicon)
    of = survey.symmetry(matrices)
    assert len(of.operations) == 48
    one = survey.extrema(matrices, matrices.mesh(12), 4, 1, of, 0.1)[0]
    assert (one.refined, one.count) == (True, 6)
    assert one.masses is not None
    assert one.axes is not None
    h = 2e-3  # the rounding of energies, 1e-14 eV, over h² is 3e-9 eV Å²; quartic terms × h² are below 1e-3 of the curvature
    for mass, axis in zip(one.masses, one.axes):
        steps = one.k + matrices.fractional(np.array([-h, 0, h])[:, None] * axis)
        low, middle, high = energies_of(silicon, steps)[:, 4]
        assert units.HBAR2_M0 / mass == pytest.approx((low - 2 * middle + high) / h**2, rel=1e-3)
        assert abs(high - low) < 1e-9 + 10 * h**3  # no slope: only a cubic term is left


def test_meshes_agree_with_sums_and_speeds_with_slopes(hbn):
    matrices = survey.Matrices(hbn)
    mesh, (again, speeds) = matrices.mesh(6), matrices.speeds(6)
    k = np.stack(np.meshgrid(*[np.arange(6) / 6] * 2, indexing="ij"), -1).reshape(-1, 2)
    np.testing.assert_allclose(mesh.reshape(36, -1), matrices.energies(k), atol=1e-12)
    np.testing.assert_allclose(again, mesh, atol=1e-12)
    velocities = matrices.velocities(k[8])
    separate = np.diff(mesh.reshape(36, -1)[8]).min() > 0.01
    assert separate
    np.testing.assert_allclose(speeds.reshape(36, -1)[8], np.linalg.norm(velocities, axis=1), atol=1e-10)
    with pytest.raises(SemijaxError, match="mesh = 1: allowed are 2 to"):
        matrices.mesh(1)


def test_linear_bands_have_their_density_of_states_exactly():
    """E linear in a simplex: of x + y on the unit square below 1 the states are E²/2, of x + y + z below 1 E³/6: cells of slope one."""
    edges = np.linspace(-1, 1, 9)
    # a single periodic cosine, sampled at its extrema, is a triangle wave to the linear interpolation: uniform density 1/width
    wave = np.tile(np.array([-1.0, 1.0])[:, None, None], (1, 2, 1))
    np.testing.assert_allclose(survey.density_of_states(wave, edges).states, 0.5, atol=1e-12)
    wave = np.tile(np.array([-1.0, 1.0])[:, None, None, None], (1, 2, 2, 1))
    np.testing.assert_allclose(survey.density_of_states(wave, edges).states, 0.5, atol=1e-12)
    # free electrons: a paraboloid well inside of the cell; the error of linear interpolation is of second order in the spacing
    for d, exact in ((2, np.pi), (3, 4 * np.pi / 3)):
        errors = []
        for n in (12, 24):
            x = np.stack(np.meshgrid(*[np.arange(n) / n - 0.5] * d, indexing="ij"))
            below = survey.density_of_states((x**2).sum(0)[..., None], [0.0, 0.16]).below[1]
            errors.append(abs(below - exact * 0.4**d))
        assert errors[1] < 0.3 * errors[0]
        assert errors[1] < 0.02 * exact * 0.4**d


@pytest.mark.parametrize(
    ("energies", "edges"), [(np.zeros((2, 1)), [0, 1]), (np.zeros((2, 2, 1)), [1, 0]), (np.zeros((2, 2, 1)), [0])]
)
def test_density_refuses_other_shapes(energies, edges):
    with pytest.raises(SemijaxError, match="density_of_states: energies"):
        survey.density_of_states(energies, edges)


def test_a_square_lattice_has_its_extrema_its_symmetry_and_half_a_filled_band():
    matrices = survey.Matrices(square())
    of = survey.symmetry(matrices)
    assert len(of.operations) == 8
    mesh = matrices.mesh(8)
    low, high = (survey.extrema(matrices, mesh, 0, sign, of)[0] for sign in (1, -1))
    assert (low.energy, high.energy) == pytest.approx((-4, 4))
    np.testing.assert_allclose(np.abs(high.k), 0.5)
    # E = −2t(cos k₁a + ...): ħ²/(2ta²) in free-electron masses
    assert low.masses is not None
    np.testing.assert_allclose(low.masses, units.HBAR2_M0 / (2 * 3.0**2), rtol=1e-9)
    assert survey.filling(mesh, 0.0).whole is None
    line = survey.line([paths.Leg(("Γ", "X"), (0.0, 0.0), (0.5, 0.0))], matrices.reciprocal, 20)
    assert name_of([0.0, -0.25], line, of) == "0.500 Γ–X"
    assert name_of([0.0, 0.5], line, of) == "X"
    assert name_of([0.3, 0.4], line, of) == "(0.3000, 0.4000)"
    assert on_line([1.0, 0.25], line, of) == [(0, 0.5)]


def test_paths_keep_their_corners_and_jumps(silicon):
    win = read_win(shipped("si"))
    legs = paths.of_pairs(win.path, 3)
    matrices = survey.Matrices(silicon)
    line = survey.line(legs, matrices.reciprocal, 100)
    assert line.words == "L–Γ–X–K–Γ"
    a = 5.431
    np.testing.assert_allclose(
        [x for x, _ in line.ticks[:3]], [0, np.sqrt(3) * np.pi / a, (np.sqrt(3) + 2) * np.pi / a], rtol=1e-6
    )
    assert (np.diff(line.distance) >= 0).all()
    for i, leg in enumerate(legs):
        np.testing.assert_allclose(line.k[line.leg == i][[0, -1]], [leg.start, leg.end])
    with pytest.raises(SemijaxError, match="a leg of no length"):
        survey.line([paths.Leg(("A", "B"), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))], matrices.reciprocal)
