"""bands.models: published cases (Luttinger, Haldane, Weyl, Berry phases, pseudopotentials), pythtb, and limits of each model."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library import CASES
from problems import JOULE, PER_M, over
from scipy.optimize import brentq
from wannier_files import DATA

import semijax as sj
from semijax import bands, lattice
from semijax.bands import materials, models
from semijax.units import HBAR, HBAR2_M0, M0, TESLA_INTERNAL

RYDBERG = 13.605693122994  # eV, CODATA 2018
BOHR = 0.529177210903  # Å


def eigenvalues(h, k):
    return np.linalg.eigvalsh(np.asarray(over(h.matrix_at)(jnp.asarray(k))))


def chern(h, n=60):
    """Of the lowest band: links around the cells of an n × n mesh (Fukui, Hatsugai, Suzuki, doi:10.1143/JPSJ.74.1674)."""
    k = lattice.mesh(h.lattice, n)
    u = np.linalg.eigh(np.asarray(over(h.matrix_at)(jnp.asarray(k))))[1][:, :, 0].reshape(n, n, -1)
    u = np.concatenate([u, u[:1]], axis=0)
    u = np.concatenate([u, u[:, :1]], axis=1)
    # the phases of the centres are not periodic: the last row and column have their own
    b = lattice.reciprocal(h.lattice)
    for i in (0, 1):
        edge = [slice(None), slice(None)]
        edge[i] = -1
        turned = np.take(k.reshape(n, n, 2), range(n), axis=0).take(0, axis=i) + b[i]
        states = np.linalg.eigh(np.asarray(over(h.matrix_at)(jnp.asarray(turned))))[1][:, :, 0]
        u[tuple(edge)][:n] = states
    u[-1, -1] = np.linalg.eigh(np.asarray(h.matrix_at(jnp.asarray(b[0] + b[1]))))[1][:, 0]
    first, second = (np.sum(u.conj() * np.roll(u, -1, axis=i), axis=-1) for i in (0, 1))
    flux = first[:-1, :-1] * second[1:, :-1] * first[:-1, 1:].conj() * second[:-1, :-1].conj()
    orientation = np.sign(np.linalg.det(b))
    return -orientation * np.angle(flux).sum() / (2 * np.pi)


# -- Haldane ---------------------------------------------------------------------------------------------------------------------


def test_haldanes_chern_numbers():
    for mass, second, phase, expected in CASES["BC4"]["expected"]["rows"]:
        assert abs(chern(models.haldane(1.0, second, phase, mass)) - expected) < 1e-9


def test_the_integral_of_the_curvature_is_the_chern_number():
    h = models.haldane()
    k = jnp.asarray(lattice.mesh(h.lattice, 60))
    mean = jnp.mean(over(bands.bloch(h, index=0, moment=False).berry_curvature)(k))
    area = abs(np.linalg.det(lattice.reciprocal(h.lattice)))
    # periodic and analytic: sums over a mesh converge exponentially, at a gap of 1 within 1e-14 or so
    assert abs(float(mean) * area / (2 * np.pi) - 1) < 1e-12


def test_haldane_is_that_of_pythtb():
    cases = json.loads((DATA / "models" / "haldane_pythtb.json").read_text(encoding="ascii"))["cases"]
    rows = np.array([[1, 0], [0.5, 3**0.5 / 2]])
    turn = np.array([[0.5, -(3**0.5) / 2], [3**0.5 / 2, 0.5]])  # our bonds stand 60° further on
    for case in cases:
        # t = −1; t2 exp(iφ) with cos(k·b + φ) on A where ours has cos(k·b − φ)
        h = models.haldane(-1.0, case["t2"], -case["phi"], -case["delta"], bond=3**-0.5)
        k = np.array(case["k_frac"]) @ lattice.reciprocal(rows) @ turn.T
        np.testing.assert_allclose(eigenvalues(h, k), case["energies"], rtol=0, atol=1e-13)
        assert abs(chern(h) - case["chern_lower_flux_over_2pi"]) < 1e-9


# -- other lattices --------------------------------------------------------------------------------------------------------------


def test_kane_mele_is_haldane_for_each_spin():
    k = np.random.default_rng(1).uniform(-2, 2, (6, 2))
    pair = [eigenvalues(models.haldane(1.0, 0.06, sign * np.pi / 2, 0.1), k) for sign in (1, -1)]
    found = eigenvalues(models.kane_mele(1.0, 0.06, 0.1), k)
    np.testing.assert_allclose(found, np.sort(np.concatenate(pair, axis=1), axis=1), atol=1e-13)
    # at K, Rashba's term alone moves the pair at the bands' edges: ±λ_v − 3√3 λ_SO and (λ_SO-split) ± sqrt(λ_v² + 9λ_R²)
    K = np.array([[4 * np.pi / (3 * 3**0.5), 0.0]])
    so, rashba = 3 * 3**0.5 * 0.06, 0.05
    known = np.sort([so, so, -so + 3 * rashba, -so - 3 * rashba])
    at = eigenvalues(models.kane_mele(1.0, 0.06, 0.0, rashba), K)[0]
    assert min(np.abs(at - known).max(), np.abs(at + known[::-1]).max()) < 1e-13
    assert bands.bloch(models.kane_mele(), index=0).gap.grouping.multiplicity == 2
    assert models.kane_mele(rashba=0.1).multiplicity == 1


def test_ssh_is_the_root_of_its_square():
    h = models.ssh(1.0, 0.4, 2.0)
    k = jnp.linspace(-1.5, 1.5, 7)[:, None]
    band = bands.bloch(h, index=1)
    np.testing.assert_allclose(over(band)(k), jnp.sqrt(1 + 0.16 + 0.8 * jnp.cos(2 * k[:, 0])), rtol=1e-14)
    assert band.curvature is None
    assert sj.suggest_dt(sj.Dynamics(sj.electron(band), sj.fields.uniform(electric=[1e-3])), sj.at_k([0.1], 1)) > 0


def test_bilayer_graphene_has_its_limits():
    K = np.array([[4 * np.pi / (3 * 3**0.5 * 1.42), 0.0]])
    # at K: 0 and 0 of A1 and B2, Δ' ± γ1 of the dimer
    np.testing.assert_allclose(
        eigenvalues(models.bilayer_graphene(), K)[0], np.sort([0, 0, 0.022 + 0.381, 0.022 - 0.381]), atol=1e-12
    )
    # without γ3, γ4, Δ' and bias: E = ±γ1/2 ± sqrt(γ1²/4 + γ0²|f|²)
    k = np.random.default_rng(2).uniform(-1, 1, (5, 2))
    f = np.abs(eigenvalues(models.haldane(1.0, 0.0, 0.0, 0.0, 1.42), k)[:, 1])
    root = np.sqrt(0.381**2 / 4 + 3.16**2 * f**2)
    known = np.sort([s * 0.381 / 2 + r * root for s in (1, -1) for r in (1, -1)], axis=0).T
    np.testing.assert_allclose(eigenvalues(models.bilayer_graphene(gamma3=0, gamma4=0, dimer=0), k), known, atol=1e-12)
    # skew hoppings keep the threefold axis: the energies at k turned by 120° are the same
    turn = np.array([[-0.5, -(3**0.5) / 2], [3**0.5 / 2, -0.5]])
    h = models.bilayer_graphene(bias=0.1)
    np.testing.assert_allclose(eigenvalues(h, k), eigenvalues(h, k @ turn), atol=1e-12)


def test_the_quantum_well_is_two_copies_of_its_closed_form():
    k = np.random.default_rng(3).uniform(-0.05, 0.05, (5, 2))
    square = (k**2).sum(axis=1)
    root = np.sqrt(3.645**2 * square + (-0.010 + 68.6 * square) ** 2)
    for spin in (None, 1, -1):
        found = eigenvalues(models.bhz(spin=spin), k)
        copies = 2 if spin is None else 1
        known = np.repeat((51.2 * square)[:, None] + np.stack([-root, root], axis=1), copies, axis=1)
        np.testing.assert_allclose(found, known, atol=1e-14)
    up, down = (bands.bloch(models.bhz(spin=spin), index=0).berry_curvature(jnp.asarray(k[0])) for spin in (1, -1))
    np.testing.assert_allclose(up, -down, rtol=1e-12)


# -- k·p -------------------------------------------------------------------------------------------------------------------------


def test_luttingers_eigenvalues():
    case = CASES["HO2"]
    k = np.array([case["inputs_SI"]["k"]]) * PER_M
    for name, gamma in case["inputs_SI"]["params"].items():
        found = -eigenvalues(models.luttinger(gamma), k)[0, ::-1] / (HBAR2_M0 / 2) * 100  # of 1/Å² into 1/nm²
        np.testing.assert_allclose(found, case["expected"][name], rtol=case["tolerance"])


@pytest.mark.parametrize("name", ["Si", "Ge", "GaAs", "InSb"])
def test_kanes_bands_have_the_masses_they_were_made_of(name):
    m = getattr(materials, name)
    h = models.kane(m.gap, m.split_off, m.kane_energy, m.gamma, m.mass)
    np.testing.assert_allclose(eigenvalues(h, np.zeros((1, 3)))[0], [-m.split_off] * 2 + [0] * 4 + [m.gap] * 2, atol=1e-14)
    remote = 1 + m.kane_energy * (m.gap + 2 * m.split_off / 3) / (m.gap * (m.gap + m.split_off))
    mass = 1 / remote if m.mass is None else m.mass
    bottom = jax.jit(bands.bloch(h, index=6).inverse_mass)(jnp.zeros(3)) * M0
    np.testing.assert_allclose(bottom, np.eye(3) / mass, rtol=0, atol=1e-9 / mass)
    g1, g2, g3 = m.gamma
    # heavy holes along [001] do not mix with others: exact at any k; along [111] up to k⁴
    for direction, gamma in (([0, 0, 1], g1 - 2 * g2), (np.ones(3) / 3**0.5, g1 - 2 * g3)):
        k = 1e-3 * np.array([direction])
        np.testing.assert_allclose(-eigenvalues(h, k)[0, 4] / (HBAR2_M0 / 2 * 1e-6), gamma, rtol=1e-6)
    light = -eigenvalues(h, [[0, 0, 1e-4]])[0, 2] / (HBAR2_M0 / 2 * 1e-8)
    # the next order is k²E_P²/E_g³ of it: 1e-4 for InSb
    np.testing.assert_allclose(light, g1 + 2 * g2, rtol=1e-3)


# mass of the split-off band and Kane's F that tables have beside the parameters (GaAs, InSb: of Vurgaftman et al.), with half of their
# last digit; F: 1/m = 1 + 2F + E_P (E_g + 2Δ/3)/(E_g (E_g + Δ))
PUBLISHED = {"Si": (0.234, 5e-4, None, None), "GaAs": (0.172, 5e-4, -1.94, 5e-4), "InSb": (0.11, 5e-3, -0.23, 5e-5)}
_mass_along = jax.jit(lambda band, k: band.effective_mass(k)[2, 2])  # the band is an argument: compiled once for all materials


@pytest.mark.parametrize("name", ["Si", "Ge", "GaAs", "InSb"])
def test_kanes_bands_have_the_masses_of_tables(name):
    m = getattr(materials, name)
    h = models.kane(m.gap, m.split_off, m.kane_energy, m.gamma)  # of the mass of the conduction band nothing goes in

    def mass(index, k):
        return float(_mass_along(bands.bloch(h, index=index, floor=1e-9), jnp.array([0.0, 0.0, k])))

    # at k a heavy hole's parabola along [001] is exact, a light hole's off by 6 times the next order, k² E_P/E_g² through the conduction
    # band and 8 γ2²/(γ1 + 2γ2) k²/Δ through the split-off one (ħ²/2m0 = 1), of which third orders are less than the whole
    k, (g1, g2, _) = 1e-4, m.gamma
    order = HBAR2_M0 / 2 * k * k * (m.kane_energy / m.gap**2 + 8 * g2**2 / (g1 + 2 * g2) / m.split_off)
    np.testing.assert_allclose(mass(4, k), -1 / (g1 - 2 * g2), rtol=1e-9)
    np.testing.assert_allclose(mass(2, k), -1 / (g1 + 2 * g2), rtol=12 * order)
    if name in PUBLISHED:
        split_off, digit, F, last = PUBLISHED[name]
        assert abs(mass(0, 0.0) + split_off) < digit
        assert F is None or abs(1 / (1 / mass(6, 0.0) + 2 * F) - m.mass) < last


def test_a_weyl_node_moves_as_published():
    case = CASES["BC5"]
    k, electric, magnetic = (np.array(case["inputs_SI"][key]) for key in ("k", "E", "B"))
    speed = case["inputs_SI"]["vF"] * 1e-5
    band = bands.bloch(models.weyl(HBAR * speed, chirality=-1), index=1, moment=False)  # Ω = +k/2k³
    dynamics = sj.Dynamics(sj.electron(band), sj.fields.uniform(electric=electric * PER_M, magnetic=magnetic))
    phase = sj.Phase(jnp.zeros(3), jnp.asarray(k * PER_M))
    rates, expected = dynamics(0.0, phase), case["expected"]
    np.testing.assert_allclose(np.exp(dynamics.log_measure(0.0, phase)), expected["D"], rtol=1e-11)
    np.testing.assert_allclose(rates.position * 1e5, expected["xdot"], rtol=1e-11)
    np.testing.assert_allclose(rates.wavevector * 1e25, expected["kdot"], rtol=1e-11)


# -- Berry phases ------------------------------------------------------------------------------------------------------------------


def flat(params, k):
    """ħv(kx σx + ky σy) + Δσz."""
    x, y = params["hbar_v"] * k
    half = params["delta"] * jnp.ones_like(x)
    return jax.lax.complex(jnp.array([[half, x], [x, -half]]), jnp.array([[0 * y, -y], [y, 0 * y]]))


def test_curvature_and_moment_of_mos2():
    case = CASES["BC1"]
    given = case["inputs_SI"]
    delta, hbar_v = given["D"] * JOULE, given["v"] * 1e-5 * HBAR
    upper, lower = (bands.bloch(flat, {"delta": delta, "hbar_v": hbar_v}, i, dimension=2) for i in (1, 0))
    for k, curvature, moment in case["expected"]["rows"]:
        at = jnp.array([k * PER_M * 0.6, k * PER_M * 0.8])
        np.testing.assert_allclose(upper.berry_curvature(at) * 1e-20, curvature, rtol=1e-6)
        np.testing.assert_allclose(lower.berry_curvature(at) * 1e-20, -curvature, rtol=1e-6)
        # e Å²/fs into A m²
        for band in (upper, lower):
            np.testing.assert_allclose(band.orbital_moment(at) * 1.602176634e-19 * 1e-5, moment, rtol=1e-6)


def test_the_flux_through_the_fermi_circle():
    case = CASES["BC2"]
    delta, level, hbar_v = case["inputs_SI"]["D"] * JOULE, case["inputs_SI"]["EF"] * JOULE, 3.5
    band = bands.bloch(flat, {"delta": delta, "hbar_v": hbar_v}, 1, dimension=2)
    radius = (level**2 - delta**2) ** 0.5 / hbar_v
    x, w = np.polynomial.legendre.leggauss(20)
    k = radius * (1 + x) / 2
    curvature = over(band.berry_curvature)(jnp.stack([k, 0 * k], axis=1))
    flux = np.sum(w * radius / 2 * 2 * np.pi * k * curvature)
    np.testing.assert_allclose(flux, case["expected"]["Gamma_c"], rtol=1e-6)


def test_landau_levels_of_graphene_need_the_berry_phase():
    case = CASES["BC7"]
    band = bands.bloch(flat, {"delta": 0.0, "hbar_v": case["inputs_SI"]["vF"] * 1e-5 * HBAR}, 1, dimension=2)
    angle = 2 * np.pi * np.arange(100) / 100
    circle = jnp.asarray(0.05 * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    u = np.linalg.eigh(np.asarray(over(lambda k: flat(band.params, k))(circle)))[1][:, :, 1]
    berry = abs(np.angle(np.prod(np.sum(u.conj() * np.roll(u, -1, axis=0), axis=1))))
    np.testing.assert_allclose(berry, np.pi, rtol=1e-12)
    for tesla, n, expected in case["expected"]["rows"]:
        area = 2 * np.pi * tesla * TESLA_INTERNAL / HBAR * (n + 0.5 - berry / (2 * np.pi))
        k = jnp.array([(area / np.pi) ** 0.5, 0.0])
        np.testing.assert_allclose(band(k), expected, rtol=case["tolerance"])


# -- bands that fits aim at ----------------------------------------------------------------------------------------------------------


def pseudopotential(a, symmetric, antisymmetric):
    """Cohen and Bergstresser's H(k) in 113 plane waves, as a user would write it."""
    b = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    whole = np.array(np.meshgrid(*[np.arange(-5, 6)] * 3, indexing="ij")).reshape(3, -1).T @ b
    waves = whole[(whole**2).sum(axis=1) <= 21]
    between = waves[:, None] - waves[None]
    size, angle = (between**2).sum(axis=2), np.pi / 4 * between.sum(axis=2)
    even, odd = (
        sum(v * (size == n) for n, v in zip(shells, values))
        for shells, values in (((3, 8, 11), symmetric), ((3, 4, 11), antisymmetric))
    )
    potential = RYDBERG * (even * np.cos(angle) - 1j * odd * np.sin(angle))
    params = {"potential": potential, "waves": 2 * np.pi / a * waves}

    def matrix(params, k):
        kinetic = RYDBERG * BOHR**2 * jnp.sum((params["waves"] + k[None, :]) ** 2, axis=1)
        return params["potential"] + jnp.diag(kinetic).astype(params["potential"].dtype)

    return matrix, params, len(waves)


@pytest.mark.parametrize("name", ["Si", "Ge", "GaAs"])
def test_pseudopotential_bands(name):
    case = CASES["FT2"]
    given, expected = case["inputs_SI"][name], case["expected"][name]
    matrix, params, count = pseudopotential(given["a"], given["VS"], given["VA"])
    assert count == expected["n_pw"]
    unit = 2 * np.pi / given["a"]
    h = bands.bloch(matrix, params, 0, dimension=3).energy.of
    top = np.linalg.eigvalsh(np.asarray(h(params, jnp.zeros(3))))[3]
    for point, k in (("Gamma", [0, 0, 0]), ("X", [1, 0, 0]), ("L", [0.5, 0.5, 0.5])):
        found = np.linalg.eigvalsh(np.asarray(h(params, jnp.asarray(np.asarray(k, float) * unit))))[:8] - top
        np.testing.assert_allclose(found, expected[point], rtol=0, atol=case["tolerance"]["eigs"])
    band = bands.bloch(matrix, params, 4, dimension=3, curvature=False, moment=False)
    if name != "Si":
        np.testing.assert_allclose(
            jax.jit(band.effective_mass)(jnp.zeros(3))[0, 0], expected["m_Gamma_band5"], rtol=case["tolerance"]["masses"]
        )
        return
    velocity = jax.jit(band.velocity)
    k0 = brentq(lambda x: float(velocity(jnp.array([x * unit, 0, 0]))[0]), 0.8, 0.9, xtol=1e-10)
    np.testing.assert_allclose(k0, expected["k0"], rtol=1e-4)
    mass = jax.jit(band.effective_mass)(jnp.array([k0 * unit, 0, 0]))
    np.testing.assert_allclose([mass[0, 0], mass[1, 1]], [expected["ml"], expected["mt"]], rtol=case["tolerance"]["masses"])
    np.testing.assert_allclose(band(jnp.array([k0 * unit, 0, 0])) - top, expected["gap"], atol=1e-6)


def test_graphene_with_overlap_as_a_matrix():
    expected = CASES["FT3"]["expected"]
    acc = CASES["FT3"]["inputs_SI"]["acc"] / PER_M

    def matrix(params, k):
        """S⁻¹H with S = 1 + sF, H = −tF, F = [[0, f], [f*, 0]]: the two commute."""
        F = models.haldane(1.0, 0.0, 0.0, 0.0, acc).matrix_at(k)
        t, s = (params[key].astype(F.dtype) for key in ("t", "s"))
        square = jnp.matmul(F, F, precision="highest")
        return -t * (F - s * square) / (1 - s * s * square[0, 0])

    for i, (t, s) in enumerate(((2.7, 0.0), (3.033, 0.129))):
        lower, upper = (bands.bloch(matrix, {"t": jnp.asarray(t), "s": jnp.asarray(s)}, n, dimension=2) for n in (0, 1))
        M, G = jnp.array([0.0, 2 * np.pi / (3 * acc)]), jnp.zeros(2)
        found = [float(band(k)) for k in (M, G) for band in (lower, upper)]
        known = [expected[key][i] for key in ("lower_M", "upper_M", "lower_G", "upper_G")]
        np.testing.assert_allclose(found, known, rtol=1e-9)
        K = jnp.array([4 * np.pi / (3 * 3**0.5 * acc) + 3e-5, 0.0])  # the gap is 3e-4 eV there, above the floor
        # 3e-5 1/Å beside K the cone has bent by some Å times that
        np.testing.assert_allclose(abs(upper.velocity(K)[0]) * 1e5, expected["vF"][i], rtol=1e-4)
