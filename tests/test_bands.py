"""Closed-form bands against published numbers, and their finite derivatives at special points, in both precisions."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library import CASES, LIBRARY, derivatives, inverse_mass

from semijax import bands
from semijax.lattice import mesh
from semijax.units import HBAR, HBAR2_M0, M0, M_PER_S

CHARGE = 1.602176634e-19  # C, exact
EPS32 = float(np.finfo(np.float32).eps)


def square_lattice(t, tp, a):
    return bands.tight_binding(
        {(a, 0.0): -2 * t, (0.0, a): -2 * t, (a, a): -2 * tp, (a, -a): -2 * tp}, lattice=[[a, 0.0], [0.0, a]]
    )


# -- published numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float64, 1e-9), (jnp.float32, 16 * EPS32)])  # 16 rounded operations
def test_acceleration_in_a_silicon_valley_is_not_parallel_to_the_force(dtype, tolerance):
    masses = CASES["MA1"]["inputs_SI"]
    band = bands.ellipsoidal([masses["mt"], masses["mt"], masses["ml"]])
    W = inverse_mass(band, jnp.asarray([0.01, -0.02, 0.03], dtype)) * M0
    tilt = math.radians(20)
    directions = {"001": [0, 0, 1], "101": [1, 0, 1], "111": [1, 1, 1], "tilt20": [math.sin(tilt), 0, math.cos(tilt)]}
    for name, expected in CASES["MA1"]["expected"].items():
        f = np.array(directions[name]) / np.linalg.norm(directions[name])
        a = W @ f
        np.testing.assert_allclose(a, expected["a_over_f_m0"], rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(1 / (f @ a), expected["m_parallel"], rtol=tolerance)
        angle = math.degrees(math.atan2(np.linalg.norm(np.cross(a, f)), a @ f))
        np.testing.assert_allclose(angle, expected["angle_deg"], rtol=tolerance, atol=60 * tolerance)


@pytest.mark.parametrize(("name", "ml", "mt", "valleys"), [("Si", 0.9163, 0.1905, 6), ("Ge", 1.588, 0.08152, 4)])
def test_conductivity_and_density_of_states_masses(name, ml, mt, valleys):
    m = np.asarray(bands.ellipsoidal([mt, mt, ml]).effective_mass(jnp.zeros(3)))
    found = [3 / np.linalg.inv(m).trace(), np.linalg.det(m) ** (1 / 3), (valleys**2 * np.linalg.det(m)) ** (1 / 3)]
    np.testing.assert_allclose(found, CASES["MA2"]["expected"][name], rtol=1e-9)


@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float64, 1e-9), (jnp.float32, 64 * EPS32)])  # phases up to π, 4 terms
def test_inverse_mass_of_the_square_lattice_has_both_signs(dtype, tolerance):
    case = CASES["MA3"]
    t, tp, a, k = (np.array(case["inputs_SI"][key]) for key in ("t", "tp", "a", "k"))
    band = square_lattice(float(t / CHARGE), float(tp / CHARGE), float(a * 1e10))
    W = inverse_mass(band, jnp.asarray(k * 1e-10, dtype)) * M0
    np.testing.assert_allclose(W, case["expected"]["m0W"], rtol=tolerance)
    np.testing.assert_allclose(np.linalg.eigvalsh(W), case["expected"]["eig"], rtol=tolerance)


def test_a_filled_band_carries_no_current_and_one_electron_less_is_a_hole():
    case, inputs = CASES["MA4"], CASES["MA3"]["inputs_SI"]
    band = square_lattice(inputs["t"] / CHARGE, inputs["tp"] / CHARGE, inputs["a"] * 1e10)
    n = case["inputs_SI"]["N"]
    _, velocities, W = derivatives(band, jnp.asarray(mesh(band.lattice, n)))
    v = np.asarray(velocities).reshape(n, n, 2)
    current = -v.sum((0, 1))
    assert np.abs(current).max() < 1e-9 * np.abs(v).sum()
    lacking = (current + v[tuple(case["inputs_SI"]["removed"])])[0] * CHARGE / M_PER_S
    np.testing.assert_allclose(lacking, case["expected"]["J_minus_one_A_m"], rtol=1e-9)
    assert jnp.abs(W.sum(0)).max() < 1e-9 * jnp.abs(W).sum()


@pytest.mark.parametrize("material", ["GaAs", "InSb"])
def test_kane_mass_grows_with_energy(material):
    mass, alpha = CASES["CR2"]["inputs_SI"][material]
    band = bands.kane(mass, alpha)
    for energy, expected in CASES["CR2"]["expected"][material]:
        k = math.sqrt(2 * mass * energy * (1 + alpha * energy) / HBAR2_M0)
        at = jnp.array([k, 0.0, 0.0])
        np.testing.assert_allclose(band(at), energy, rtol=1e-12, atol=1e-16)
        # across k the inverse mass is (1/ħ²k) dE/dk = 1/m_c, the cyclotron mass's
        np.testing.assert_allclose(1 / (inverse_mass(band, at)[1, 1] * M0), expected, rtol=1e-10)


@pytest.mark.parametrize("name", CASES["HO1"]["inputs_SI"]["sets"])
@pytest.mark.parametrize("kind", ["heavy", "light"])
def test_band_masses_of_holes(name, kind):
    hole = -bands.warped(*CASES["HO1"]["inputs_SI"]["sets"][name], kind=kind)
    for label, direction in {"001": [0, 0, 1.0], "111": [1.0, 1, 1], "110": [1.0, 1, 0]}.items():
        n = jnp.array(direction) / np.linalg.norm(direction)
        mass = 1 / (n @ inverse_mass(hole, 0.02 * n) @ n * M0)
        np.testing.assert_allclose(mass, CASES["HO1"]["expected"][name][label][f"band_mass_{kind}"], rtol=1e-6)


@pytest.mark.parametrize("name", CASES["HO2"]["inputs_SI"]["params"])
def test_warped_bands_are_the_eigenvalues_of_luttinger(name):
    g1, g2, g3 = CASES["HO2"]["inputs_SI"]["params"][name]
    k = jnp.array(CASES["HO2"]["inputs_SI"]["k"]) * 1e-10
    found = [-bands.warped(g1, 2 * g2, math.sqrt(12 * (g3**2 - g2**2)), kind)(k) for kind in ("heavy", "light")]
    per_nm2 = HBAR2_M0 / 2 * 1e-2
    np.testing.assert_allclose(
        np.array(found) / per_nm2, np.unique(np.round(CASES["HO2"]["expected"][name], 12))[[0, -1]], rtol=1e-10
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float64, 1e-6), (jnp.float32, 1e-6)])
def test_berry_curvature_and_moment_of_massive_dirac_electrons(dtype, tolerance):
    case = CASES["BC1"]["inputs_SI"]
    gap, hbar_v = 2 * case["D"] / CHARGE, HBAR * case["v"] * M_PER_S
    np.testing.assert_allclose(hbar_v, case["a"] * case["t"] / CHARGE * 1e10, rtol=1e-6)
    for k, curvature, moment in CASES["BC1"]["expected"]["rows"]:
        at = jnp.asarray([0.6 * k * 1e-10, 0.8 * k * 1e-10], dtype)
        for valley in (1, -1):
            upper, lower = (bands.massive_dirac(gap, hbar_v, valley, sign) for sign in (1, -1))
            # e Å²/fs in A m²
            in_si = CHARGE * 1e-20 / 1e-15
            np.testing.assert_allclose(upper.berry_curvature(at) * 1e-20, valley * curvature, rtol=tolerance)
            np.testing.assert_allclose(lower.berry_curvature(at), -upper.berry_curvature(at))
            np.testing.assert_allclose(float(upper.orbital_moment(at)) * in_si, valley * moment, rtol=tolerance)
            np.testing.assert_allclose(upper.orbital_moment(at), lower.orbital_moment(at))
            assert upper.berry_curvature(at).dtype == upper.orbital_moment(at).dtype == dtype


def test_berry_phase_of_a_fermi_circle():
    case = CASES["BC2"]
    D, EF = (case["inputs_SI"][key] / CHARGE for key in ("D", "EF"))
    band = bands.massive_dirac(2 * D, 3.5)
    x, w = np.polynomial.legendre.leggauss(40)
    kF = math.sqrt(EF**2 - D**2) / 3.5
    k = jnp.asarray((1 + x) / 2 * kF)
    flux = (
        2
        * math.pi
        * jnp.sum(jnp.asarray(w) / 2 * kF * k * jax.vmap(lambda k: band.berry_curvature(k * jnp.array([0.6, 0.8])))(k))
    )
    np.testing.assert_allclose(flux, case["expected"]["Gamma_c"], rtol=1e-6)


def test_graphene_at_its_special_points():
    expected, bond = CASES["FT3"]["expected"], CASES["FT3"]["inputs_SI"]["acc"] * 1e10
    M, K = jnp.array([0.0, 2 * math.pi / (3 * bond)]), jnp.array([4 * math.pi / (3 * math.sqrt(3) * bond), 0.0])
    for i, (hopping, overlap) in enumerate([(2.7, 0.0), (3.033, 0.129)]):
        upper, lower = (bands.graphene(hopping, bond, overlap, sign) for sign in (1, -1))
        for point, k in (("M", M), ("G", jnp.zeros(2))):
            np.testing.assert_allclose(lower(k), expected[f"lower_{point}"][i], rtol=1e-9)
            np.testing.assert_allclose(upper(k), expected[f"upper_{point}"][i], rtol=1e-9)
        # Warping is odd in q and the overlap's part is the same in both bands: the mean over ±q and both bands is v_F
        # but for (q·bond)² ~ 2e-11; rounding of |f| ~ 1e-16/3e-6 adds 3e-11.
        q = jnp.array([3e-6, 0.0])
        speeds = [derivatives(band, jnp.stack([K + q, K - q]))[1][:, 0] for band in (upper, lower)]
        speed = (speeds[0][0] - speeds[0][1] - speeds[1][0] + speeds[1][1]) / 4
        np.testing.assert_allclose(speed / M_PER_S, expected["vF"][i], rtol=1e-9)


# -- special points ---------------------------------------------------------------------------------------------------------


BOND = 1.42
K_POINT = 4 * math.pi / (3 * math.sqrt(3) * BOND)
SPECIAL = {
    "parabolic 1D": [[0.0], [-0.0], [1e-30], [1e-10]],
    "kane": [[0.0, 0.0], [1e-20, 0.0], [1e-6, 1e-6], [-1e-4, 0.0]],
    "warped heavy": [[0, 0, 0], [1e-20, 0, 0], [0, 0, 1e-3], [1e-9, 1e-9, 1e-9]],
    "warped light": [[0, 0, 0], [0, 1e-30, 0], [0, 0, 1e-3], [1e-3, 1e-3, 1e-3]],
    "graphene": [[0, 0], [K_POINT, 0], [K_POINT / 2, math.sqrt(3) / 2 * K_POINT], [0, 2 * math.pi / (3 * BOND)]],
    "graphene lower": [[1e-30, 1e-30], [K_POINT, 0], [-K_POINT, 0], [K_POINT, 1e-25]],
    "massive Dirac": [[0, 0], [0, 1e-20], [1e-3, 0], [-1e-3, 0]],
}


def all_finite(band, k) -> bool:
    return all(bool(jnp.isfinite(x).all()) for x in derivatives(band, k))


@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32])
@pytest.mark.parametrize("name", SPECIAL)
def test_finite_at_special_points(name, dtype):
    assert all_finite(LIBRARY[name], jnp.asarray(SPECIAL[name], dtype))


@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32])
def test_speed_never_exceeds_the_fermi_velocity_where_rounding_meets_the_dirac_point(dtype):
    steps = np.linspace(-1, 1, 201) * 1e-6
    k = jnp.asarray(np.stack([K_POINT + steps, 0 * steps], axis=1), dtype)
    assert all_finite(bands.graphene(), k)
    # rounding of |f| ~ 1e-7 in float32 turns the direction of the velocity, not its length; the mask makes it zero
    speed = jnp.linalg.norm(derivatives(bands.graphene(), k)[1], axis=1)
    assert speed.max() <= 1.5 * 2.7 * BOND / HBAR * (1 + 1e-5)


def test_warped_needs_no_axis_term():
    # B = 0 puts the cusp on the axes too
    assert all_finite(
        bands.warped(4.0, 0.0, 4.8), jnp.array([[0.0, 0.0, 1e-3], [0.0, 0.0, 0.0], [1e-9, 0.0, 0.0], [1e-3, 1e-12, 0.0]])
    )


def test_warped_is_homogeneous_even_where_powers_underflow():
    k = jnp.array([0.3, -0.2, 0.7], jnp.float32)
    scales = jnp.array([1.0, 1e-3, 1e-9, 1e-15], jnp.float32)
    _, v, W = derivatives(bands.warped(13.38, 8.48, 13.14), scales[:, None] * k[None])
    v = v / scales[:, None]
    # one rounding each of k, s, k/s and of the products
    np.testing.assert_allclose(v, jnp.broadcast_to(v[:1], v.shape), rtol=32 * EPS32)
    np.testing.assert_allclose(W, jnp.broadcast_to(W[:1], W.shape), atol=64 * EPS32 * float(jnp.abs(W).max()))


def test_kane_loses_no_digits_of_a_small_energy():
    band = bands.kane(0.063, 0.61, dimension=1)
    k = jnp.array([[1e-6], [1e-4], [1e-2], [0.1]], jnp.float32)
    for found, exact in zip(derivatives(band, k), derivatives(band, k.astype(jnp.float64))):
        np.testing.assert_allclose(found, exact, rtol=16 * EPS32)
    np.testing.assert_allclose(bands.kane(0.2, 0)(jnp.ones(3)), bands.parabolic(0.2)(jnp.ones(3)), rtol=1e-15)
