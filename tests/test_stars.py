"""Stars: symmetric Fourier series against other forms of the same band, the smoothest series through data, and the bands of silicon."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import over
from wannier_files import shipped

from semijax import bands, lattice
from semijax._types import SemijaxError
from semijax.bands import Structure
from semijax.bands.smoothing import roughness

FCC = np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
ROOT3 = 3**0.5


def zincblende(a, first="Si", second="Si"):
    return Structure.fractional(a * FCC, (first, second), [[0, 0, 0], [0.25, 0.25, 0.25]])


def graphene(turned=0.0):
    c, s = np.cos(turned), np.sin(turned)
    turn = np.array([[c, -s], [s, c]])
    rows = 1.42 * np.array([[ROOT3 / 2, 1.5], [-ROOT3 / 2, 1.5]])
    return Structure(rows @ turn.T, ("C", "C"), np.array([[0, 0], [0, 1.42]]) @ turn.T)


def at(band, k):
    return np.asarray(over(band)(jnp.asarray(k)))


def test_the_rotations_of_crystals():
    assert len(bands.rotations_of(zincblende(5.43))) == 48
    assert len(bands.rotations_of(zincblende(5.65, "Ga", "As"))) == 24
    assert bands.rotations_of(graphene(0.3)).shape == (12, 2, 2)
    np.testing.assert_array_equal(bands.rotations_of(Structure([[3.0]] @ np.eye(1, 3), "A", [[0, 0, 0]])), [[[-1]], [[1]]])
    # two chains side by side, of which none is halfway between the atoms of the other
    bent = Structure([[3.0, 0, 0]], ("A", "B"), [[0, 0, 0], [1.0, 0.7, 0]])
    np.testing.assert_array_equal(bands.rotations_of(bent), [[[1]]])


def test_the_stars_of_a_face_centred_crystal():
    table = bands.stars(zincblende(2.0), 12).energy.table
    lengths = np.linalg.norm(table.vectors, axis=1)
    first = np.flatnonzero(np.diff(table.star, prepend=-1))
    # the shells of neighbours: 12 at √2, 6 at 2, 24 at √6, 12, 24, 8, 48, 6; 36 at √18 in two stars; one of R and −R is kept
    np.testing.assert_allclose(lengths[first] ** 2, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 18, 20], atol=1e-12)
    assert np.bincount(table.star).tolist()[:9] == [1, 6, 3, 12, 6, 12, 4, 24, 3]
    assert sorted(np.bincount(table.star).tolist()[9:11]) == [6, 12]
    # without rotations a star is R and −R
    assert np.bincount(bands.stars(2 * FCC, 9).energy.table.star).tolist() == [1] * 9


def test_a_series_of_stars_is_tight_binding():
    a, t = 4.0, (-0.4, 0.11)
    hops = {}
    for R in (a / 2 * np.array(np.meshgrid(*[np.arange(-2, 3)] * 3)).reshape(3, -1).T).tolist():
        square = round(float(np.dot(R, R)) / (a / 2) ** 2)
        if square in (2, 4) and round(sum(R) / (a / 2)) % 2 == 0:
            hops[tuple(R)] = t[square // 2 - 1]
    known = bands.tight_binding(hops, 0.3, a * FCC)
    band = bands.stars(zincblende(a), [0.3, 12 * t[0], 6 * t[1]])
    k = np.random.default_rng(0).uniform(-2, 2, (6, 3))
    np.testing.assert_allclose(at(band, k), at(known, k), atol=1e-13)
    np.testing.assert_allclose(over(band.velocity)(jnp.asarray(k)), over(known.velocity)(jnp.asarray(k)), atol=1e-12)


@pytest.mark.parametrize("structure", [zincblende(5.65, "Ga", "As"), graphene(0.3)], ids=["zincblende", "graphene"])
def test_energies_have_the_symmetry_of_the_crystal(structure):
    rng = np.random.default_rng(1)
    band = bands.stars(structure, rng.normal(size=20))
    d = band.dimension
    k = rng.uniform(-2, 2, (1, d))
    # R → WR turns k·R into k'·R with k' = W^T k in units of the reciprocal vectors
    fractions = k @ band.lattice.T / (2 * np.pi)
    images = fractions @ bands.rotations_of(structure).astype(float) @ lattice.reciprocal(band.lattice)
    np.testing.assert_allclose(at(band, images.reshape(-1, d)), at(band, k)[0], atol=1e-13)
    np.testing.assert_allclose(at(band, -k), at(band, k), atol=1e-13)
    np.testing.assert_allclose(band.energy.functions(k) @ band.params["coefficients"], at(band, k), atol=1e-13)
    assert jax.tree.leaves(band.params)[0].shape == (20,)  # nothing but the coefficients is there to be fitted


def test_a_layer_in_a_cell_of_three_vectors():
    sheet = graphene()
    cell = np.zeros((3, 3))
    cell[:2], cell[2, 2] = sheet.lattice, 12.0
    layer = Structure(cell, sheet.symbols, sheet.positions)
    coefficients = np.random.default_rng(2).normal(size=7)
    k = np.random.default_rng(3).uniform(-2, 2, (4, 2))
    np.testing.assert_allclose(
        at(bands.stars(layer, coefficients, dimension=2), k), at(bands.stars(sheet, coefficients), k), atol=1e-13
    )


def test_least_squares_find_the_series_that_made_the_data():
    made = bands.stars(zincblende(5.43), np.random.default_rng(4).normal(size=15))
    k = np.random.default_rng(5).uniform(-1.2, 1.2, (80, 3))
    weights = np.random.default_rng(6).uniform(0.5, 2, 80)
    for more in ({}, {"weights": weights}):
        found = bands.smoothed(zincblende(5.43), k, at(made, k), 15, **more)
        # 80 equations for 15 numbers of size one, of a condition below 100
        np.testing.assert_allclose(found.params["coefficients"], made.params["coefficients"], atol=1e-11)


def test_the_smoothest_series_through_data():
    """Lagrange multipliers of Koelling and Wood, Pickett, Krakauer and Allen, solved as they stand."""
    k = np.random.default_rng(7).uniform(-1, 1, (12, 3))
    energies = np.random.default_rng(8).normal(size=12)
    found = bands.smoothed(zincblende(5.43), k, energies, 60)
    functions, rho = found.energy.functions(k), roughness(found)
    assert rho[1] == pytest.approx(1 / 16 + 3 / 4)
    apart = (functions[:-1] - functions[-1])[:, 1:]
    multipliers = np.linalg.solve(apart / rho[1:] @ apart.T, energies[:-1] - energies[-1])
    rest = apart.T @ multipliers / rho[1:]
    known = np.concatenate([[energies[-1] - functions[-1, 1:] @ rest], rest])
    np.testing.assert_allclose(found.params["coefficients"], known, atol=1e-9 * np.abs(known).max())
    np.testing.assert_allclose(at(found, k), energies, atol=1e-9)


def test_smoothing_weighs_roughness_against_the_misfit():
    k = np.random.default_rng(9).uniform(-1, 1, (30, 3))
    energies, weights = np.random.default_rng(10).normal(size=30), np.random.default_rng(11).uniform(1, 2, 30)
    weights /= weights.sum()

    def parts(band):
        c = band.params["coefficients"]
        return weights @ (band.energy.functions(k) @ c - energies) ** 2, c[1:] ** 2 @ roughness(band)[1:]

    found = bands.smoothed(2 * FCC, k, energies, 25, weights=weights, smoothing=0.01)
    misfit, rough = parts(found)
    for step in 1e-4 * np.random.default_rng(12).normal(size=(5, 25)):  # it is the minimum
        moved = bands.stars(2 * FCC, found.params["coefficients"] + step)
        assert sum(np.array(parts(moved)) * [1, 0.01]) > misfit + 0.01 * rough
    sharp = parts(bands.smoothed(2 * FCC, k, energies, 25, weights=weights))
    assert sharp[0] < misfit and sharp[1] > rough


def test_the_valence_bands_of_silicon():
    """Stars from every other k of a path pass the four valence bands of DFT, at all k, within 10 meV rms: 400, or 600 that are smoothed.

    Bands are numbered by energy and have kinks where they cross, at which a series rounds them off.
    """
    data = np.load(shipped("si").with_name("si_dft_bands.npz"))
    silicon = Structure.fractional(data["cell_A"], ("Si", "Si"), [[0, 0, 0], [-0.25, 0.75, -0.25]])
    rotations, k = bands.rotations_of(silicon), data["k_cart_invA"]
    assert len(rotations) == 48
    for energies in data["energy_eV"].T[:4]:
        for count, smoothing in ((400, 0.0), (600, 1e-8)):
            band = bands.smoothed(data["cell_A"], k[::2], energies[::2], count, rotations, smoothing=smoothing)
            off = band.energy.functions(k) @ band.params["coefficients"] - energies
            assert (off**2).mean() ** 0.5 < 0.010


def test_without_spglib_one_line_says_what_to_install(monkeypatch):
    def absent(name, *rest):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(SemijaxError, match=r"need spglib: allowed is `pip install semijax\[symmetry\]`, or rotations="):
        bands.stars(zincblende(5.43), 5)
    assert bands.stars(FCC, 5).params["coefficients"].shape == (5,)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: bands.stars(FCC, 0), r"stars: coefficients have shape \(0,\): allowed are one or more numbers"),
        (lambda: bands.stars(FCC, [[1.0]]), r"coefficients have shape \(1, 1\): allowed are"),
        (lambda: bands.stars(FCC, [np.nan]), "coefficients = .*: allowed are numbers that are finite"),
        (lambda: bands.stars(FCC, 10**7), "translations up to .* Å are too many: allowed are fewer stars"),
        (
            lambda: bands.stars(FCC, 3, np.eye(3)),
            r"rotations have shape \(3, 3\): allowed are matrices of whole numbers \[m 3 3\]",
        ),
        (lambda: bands.stars(FCC, 3, 0.5 * np.eye(3)[None]), "rotations have shape .*: allowed are matrices of whole numbers"),
        (lambda: bands.stars(FCC, 3, 2 * np.eye(3)[None]), "rotation .* changes lengths: allowed are rotations of the lattice"),
        (lambda: bands.stars(FCC, 3, dimension=2), "dimension = 2: allowed is 3, the length of a lattice vector"),
        (lambda: bands.stars(np.ones((3, 3)), 3), "lattice"),
        (
            lambda: bands.smoothed(FCC, np.zeros((2, 3)), [1.0, 2.0], 0),
            "smoothed: count = 0: allowed is a whole number of stars ≥ 1",
        ),
        (lambda: bands.smoothed(FCC, np.zeros((2, 3)), [], 5), r"energies have shape \(0,\): allowed are one or more"),
        (lambda: bands.smoothed(FCC, np.zeros((3, 3)), [1.0, 2.0], 5), r"k has shape \(3, 3\): allowed is \(2, 3\)"),
        (lambda: bands.smoothed(FCC, np.zeros((1, 3)), [np.inf], 5), "energies = .*: allowed are numbers that are finite"),
        (
            lambda: bands.smoothed(FCC, np.zeros((1, 3)), [1.0], 5, weights=[0.0]),
            "weights = .*: allowed are numbers that are > 0",
        ),
        (lambda: bands.smoothed(FCC, np.zeros((1, 3)), [1.0], 5, smoothing=-1), "smoothing = -1: allowed is a number ≥ 0"),
    ],
)
def test_what_is_wrong_is_named(call, match):
    with pytest.raises(SemijaxError, match=match):
        call()
