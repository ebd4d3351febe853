"""Slater-Koster tight binding: the paper's tables, published bands of Si and GaAs, rotations, overlaps, names and faults."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import over
from scipy.spatial.transform import Rotation

import semijax as sj
from semijax import bands, lattice
from semijax._pytree import replace
from semijax._types import SemijaxError
from semijax.bands import Structure, models
from semijax.bands.hamiltonian import matrix_of
from semijax.bands.models._two_centre import factors
from semijax.bands.wannier import hamiltonian
from semijax.units import HBAR2_M0

ROOT3 = 3**0.5
FCC = np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2


def zincblende(a, first="Si", second="Si"):
    return Structure.fractional(a * FCC, (first, second), [[0, 0, 0], [0.25, 0.25, 0.25]])


def eigenvalues(h, k):
    return np.linalg.eigvalsh(np.asarray(over(h.matrix_at)(jnp.asarray(k))))


# As a whole: eager JAX would compile every operation by itself.
matrix = jax.jit(matrix_of, static_argnums=0)


# -- the two-centre integrals -----------------------------------------------------------------------------------------------------


def table(l, m, n):  # noqa: E741, their name
    """Table I of Slater and Koster: {(orbital, orbital): its factors of σ, π, δ}."""
    square = l * l + m * m
    z = n * n - square / 2
    t = {
        ("s", "s"): [1],
        ("s", "x"): [l],
        ("x", "x"): [l * l, 1 - l * l],
        ("x", "y"): [l * m, -l * m],
        ("x", "z"): [l * n, -l * n],
    }
    t |= {("s", "xy"): [ROOT3 * l * m], ("s", "x2"): [ROOT3 / 2 * (l * l - m * m)], ("s", "z2"): [z]}
    t |= {
        ("x", "xy"): [ROOT3 * l * l * m, m * (1 - 2 * l * l)],
        ("x", "yz"): [ROOT3 * l * m * n, -2 * l * m * n],
        ("x", "zx"): [ROOT3 * l * l * n, n * (1 - 2 * l * l)],
        ("x", "x2"): [ROOT3 / 2 * l * (l * l - m * m), l * (1 - l * l + m * m)],
        ("y", "x2"): [ROOT3 / 2 * m * (l * l - m * m), -m * (1 + l * l - m * m)],
        ("z", "x2"): [ROOT3 / 2 * n * (l * l - m * m), -n * (l * l - m * m)],
        ("x", "z2"): [l * z, -ROOT3 * l * n * n],
        ("y", "z2"): [m * z, -ROOT3 * m * n * n],
        ("z", "z2"): [n * z, ROOT3 * n * square],
    }
    difference = l * l - m * m
    t |= {
        ("xy", "xy"): [3 * l * l * m * m, square - 4 * l * l * m * m, n * n + l * l * m * m],
        ("xy", "yz"): [3 * l * m * m * n, l * n * (1 - 4 * m * m), l * n * (m * m - 1)],
        ("xy", "zx"): [3 * l * l * m * n, m * n * (1 - 4 * l * l), m * n * (l * l - 1)],
        ("xy", "x2"): [1.5 * l * m * difference, -2 * l * m * difference, l * m * difference / 2],
        ("yz", "x2"): [1.5 * m * n * difference, -m * n * (1 + 2 * difference), m * n * (1 + difference / 2)],
        ("zx", "x2"): [1.5 * n * l * difference, n * l * (1 - 2 * difference), -n * l * (1 - difference / 2)],
        ("xy", "z2"): [ROOT3 * l * m * z, -2 * ROOT3 * l * m * n * n, ROOT3 / 2 * l * m * (1 + n * n)],
        ("yz", "z2"): [ROOT3 * m * n * z, ROOT3 * m * n * (square - n * n), -ROOT3 / 2 * m * n * square],
        ("zx", "z2"): [ROOT3 * l * n * z, ROOT3 * l * n * (square - n * n), -ROOT3 / 2 * l * n * square],
        ("x2", "x2"): [0.75 * difference**2, square - difference**2, n * n + difference**2 / 4],
        ("x2", "z2"): [ROOT3 / 2 * difference * z, -ROOT3 * n * n * difference, ROOT3 / 4 * (1 + n * n) * difference],
        ("z2", "z2"): [z * z, 3 * n * n * square, 0.75 * square**2],
    }
    return t


PLACES = {
    "s": (0, 0),
    "x": (1, 0),
    "y": (1, 1),
    "z": (1, 2),
    "xy": (2, 0),
    "yz": (2, 1),
    "zx": (2, 2),
    "x2": (2, 3),
    "z2": (2, 4),
}


def test_the_factors_are_those_of_slater_and_koster():
    for n in np.concatenate([np.eye(3), np.random.default_rng(0).normal(size=(4, 3))]):
        n = n / np.linalg.norm(n)
        for (a, b), known in table(*n).items():
            (la, i), (lb, j) = PLACES[a], PLACES[b]
            np.testing.assert_allclose(factors(n[None], la, lb)[:, 0, i, j], known, atol=1e-15, err_msg=f"{a} {b}")
            np.testing.assert_allclose(factors(n[None], lb, la)[:, 0, j, i], (-1) ** (la + lb) * np.array(known), atol=1e-15)


def test_d_bands_of_a_simple_cubic_crystal():
    """Table III of Slater and Koster, first neighbours: E(xy) = d + 2ddπ (cos ξ + cos η) + 2ddδ cos ζ, ..."""
    sigma, pi, delta, energy = -0.9, 0.5, -0.07, 1.3
    hopping = {"M-M-1": {"dd_sigma": sigma, "dd_pi": pi, "dd_delta": delta}}
    h = models.slater_koster(Structure(2.0 * np.eye(3), ("M",), [[0.1, 0.2, 0.3]]), {"M": {"d": energy}}, hopping=hopping)
    k = np.array([0.3, -0.5, 0.9])
    x, y, z = np.cos(2.0 * k)
    known = np.zeros((5, 5))
    for i, (a, b, c) in enumerate(((x, y, z), (y, z, x), (z, x, y))):
        known[i, i] = 2 * pi * (a + b) + 2 * delta * c
    known[3, 3] = 1.5 * sigma * (x + y) + 0.5 * delta * (x + y) + 2 * delta * z
    known[4, 4] = 0.5 * sigma * (x + y) + 1.5 * delta * (x + y) + 2 * sigma * z
    known[3, 4] = known[4, 3] = ROOT3 / 2 * (y - x) * (sigma - delta)
    np.testing.assert_allclose(matrix(h.matrix, h.params, k), known + energy * np.eye(5), atol=1e-14)


# -- published bands --------------------------------------------------------------------------------------------------------------

# Vogl, Hjalmarson, Dow, J. Phys. Chem. Solids 44, 365 (1983), table 1 (anion first): eV, as sums over the four neighbours.
VOGL = {
    "Si": (5.431, (-4.2, 1.715, 6.685), (-4.2, 1.715, 6.685), -8.3, 1.715, 4.575, 5.7292, 5.7292, 5.3749, 5.3749),
    "GaAs": (5.6533, (-8.3431, 1.0414, 8.5914), (-2.6569, 3.6686, 6.7386), -6.4513, 1.9546, 5.0779, 4.48, 5.7839, 4.8422, 4.8077),
}


def vogl(name):
    a, anion, cation, ss, xx, xy, sp, ps, starred, reversed_ = VOGL[name]
    second = {"Si": "Si", "GaAs": "Ga"}[name]
    first = "As" if name == "GaAs" else second
    energies = {first: dict(zip(("s", "p", "s*"), anion)), second: dict(zip(("s", "p", "s*"), cation))}
    pair = {"ss_sigma": ss / 4, "pp_sigma": (xx + 2 * xy) / 4, "pp_pi": (xx - xy) / 4, "sp_sigma": ROOT3 * sp / 4}
    pair |= {"s*p_sigma": ROOT3 * starred / 4}
    pair |= {} if name == "Si" else {"ps_sigma": ROOT3 * ps / 4, "ps*_sigma": ROOT3 * reversed_ / 4}
    return models.slater_koster(zincblende(a, first, second), energies, hopping={f"{first}-{second}-1": pair}), a


def voglian(name, k):
    """Their 10 × 10 matrix, written out with the sums g over the four neighbours (Chadi, Cohen, phys. stat. sol. (b) 68, 405 (1975))."""
    a, anion, cation, ss, xx, xy, sp, ps, starred, reversed_ = VOGL[name]
    d = a / 4 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    signs = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])
    g = signs @ np.exp(1j * d @ k) / 4
    block = np.zeros((5, 5), complex)  # from s, x, y, z, s* of the anion to those of the cation
    block[0, 0] = ss * g[0]
    block[0, 1:4], block[1:4, 0] = sp * g[1:], -ps * g[1:]
    block[4, 1:4], block[1:4, 4] = starred * g[1:], -reversed_ * g[1:]
    block[1:4, 1:4] = xy * np.array([[0, g[3], g[2]], [g[3], 0, g[1]], [g[2], g[1], 0]]) + xx * g[0] * np.eye(3)
    own = [np.diag([s, p, p, p, star]) for s, p, star in (anion, cation)]
    return np.block([[own[0], block], [block.conj().T, own[1]]])


@pytest.mark.parametrize("name", VOGL)
def test_the_matrix_of_vogl_hjalmarson_and_dow(name):
    h, _ = vogl(name)
    k = np.random.default_rng(1).uniform(-2, 2, (20, 3))
    known = np.linalg.eigvalsh([voglian(name, one) for one in k])
    np.testing.assert_allclose(eigenvalues(h, k), known, atol=1e-13)


def test_published_energies_of_silicon():
    h, a = vogl("Si")
    gamma, x = eigenvalues(h, 2 * np.pi / a * np.array([[0, 0, 0], [1, 0, 0]]))
    # Γ1, Γ25', Γ15, Γ2' and X4: E_s ± V_ss, E_p ± V_xx and E_p − V_xy, which the parameters were made from
    np.testing.assert_allclose(gamma[[0, 1, 2, 3, 4, 5, 6, 7]], [-12.5, 0, 0, 0, 3.43, 3.43, 3.43, 4.1], atol=1e-12)
    np.testing.assert_allclose(x[2:4], -2.86, atol=1e-12)
    # s* was fitted to the measured gap, 1.17 eV; the minimum is between Γ and X
    line = eigenvalues(h, np.linspace(0, 2 * np.pi / a, 201)[:, None] * np.array([1, 0, 0]))[:, 4]
    assert abs(line.min() - 1.17) < 5e-3
    assert 0.7 < line.argmin() / 200 < 0.76
    gallium, _ = vogl("GaAs")
    np.testing.assert_allclose(eigenvalues(gallium, np.zeros((1, 3)))[0, 1:5], [0, 0, 0, 1.55], atol=2e-4)


def test_closed_forms_of_chadi_and_cohen():
    """Γ: E_s ± V_ss, E_p ± V_xx; X: each twice, E_p ± V_xy and the two roots of s and p."""
    es, ep, ss, xx, xy, sp = 0.0, 7.20, -8.13, 3.17, 7.51, 5.88
    pair = {"ss_sigma": ss / 4, "sp_sigma": ROOT3 * sp / 4, "pp_sigma": (xx + 2 * xy) / 4, "pp_pi": (xx - xy) / 4}
    h = models.slater_koster(zincblende(5.43), {"Si": {"s": es, "p": ep}}, hopping={"Si-Si-1": pair})
    gamma, x = eigenvalues(h, 2 * np.pi / 5.43 * np.array([[0, 0, 0], [0, 1, 0]]))
    np.testing.assert_allclose(gamma, np.sort([es + ss, es - ss, *[ep + xx] * 3, *[ep - xx] * 3]), atol=1e-13)
    root = ((es - ep) ** 2 / 4 + sp**2) ** 0.5
    known = [ep + xy, ep - xy, (es + ep) / 2 + root, (es + ep) / 2 - root]
    np.testing.assert_allclose(x, np.sort(known * 2), atol=1e-13)


@pytest.mark.parametrize(("t", "s"), [(2.7, 0.0), (3.033, 0.129)])
def test_graphene_with_overlap(t, s):
    bond, turn = 1.42, Rotation.from_rotvec([0, 0, 0.4]).as_matrix()[:2, :2]
    rows = bond * np.array([[ROOT3 / 2, 1.5], [-ROOT3 / 2, 1.5]])
    sheet = Structure(rows @ turn.T, ("C", "C"), np.array([[0, 0], [0, bond]]) @ turn.T)
    # t of bands.graphene is −ppπ: π below π*
    overlap = {"C-C-1": {"pp_pi": s}} if s else None
    h = models.slater_koster(sheet, {"C": {"pz": 0.0}}, hopping={"C-C-1": {"pp_pi": -t}}, overlap=overlap)
    assert h.params["hopping"] == {"C-C-1": {"pp_pi": -t}}  # ppσ does not act within the plane
    assert h.lattice.shape == (2, 2)
    k = np.random.default_rng(2).uniform(-1.5, 1.5, (30, 2))
    known = [over(bands.graphene(t, bond, s, sign))(jnp.asarray(k)) for sign in (-1, 1)]
    # both are sums of a few numbers near 10 eV, the second divided by 1 − 3s
    np.testing.assert_allclose(eigenvalues(h, k @ turn.T), np.stack(known, axis=1), atol=1e-13 / (1 - 3 * s))
    cell = Structure(np.block([[rows, np.zeros((2, 1))], [np.zeros((1, 2)), 12.0]]), ("C", "C"), [[0, 0, 0], [0, bond, 12.0]])
    layer = models.slater_koster(cell, {"C": {"pz": 0.0}}, hopping={"C-C-1": {"pp_pi": -t}}, overlap=overlap, dimension=2)
    np.testing.assert_allclose(eigenvalues(layer, k), np.stack(known, axis=1), atol=1e-13 / (1 - 3 * s))


# -- laws -------------------------------------------------------------------------------------------------------------------------


def crystal(seed, p=3):
    """Some triclinic crystal with atoms A, A, B, and numbers for all integrals of s, p, d."""
    rng = np.random.default_rng(seed)
    rows = 3.0 * np.eye(3)[:p] + rng.uniform(-0.5, 0.5, (p, 3))
    return rng, Structure(
        rows, ("A", "A", "B"), rng.uniform(-1.5, 1.5, (3, 3)) * [1, 1, 0.5] + [[0, 0, 0], [1.4, 0, 0], [0, 1.4, 0]]
    )


def random_model(structure, rng, **more):
    h = models.slater_koster(structure, {"A": "s p d", "B": "s* p d"}, [3.4], **more)
    leaves, tree = jax.tree.flatten(h.params)
    return h, jax.tree.unflatten(tree, list(rng.uniform(-1, 1, len(leaves))))


@pytest.mark.parametrize("seed", range(4))  # each crystal is a program of its own, to compile
def test_energies_turn_with_the_crystal(seed):
    rng, structure = crystal(seed)
    turn = Rotation.random(random_state=seed).as_matrix() * rng.choice([-1, 1])
    h, params = random_model(structure, rng)
    turned = Structure(structure.lattice @ turn.T, structure.symbols, structure.positions @ turn.T + rng.normal(size=3))
    other = models.slater_koster(turned, {"A": "s p d", "B": "s* p d"}, [3.4]).matrix
    k = rng.uniform(-1, 1, 3)
    own, theirs = (np.linalg.eigvalsh(matrix(f, params, q)) for f, q in ((h.matrix, k), (other, turn @ k)))
    # sums of some 100 numbers of size one
    np.testing.assert_allclose(theirs, own, atol=1e-12)
    # the matrix is Hermitian, k and −k have the same energies, k + G too
    value = np.asarray(matrix(h.matrix, params, k))
    np.testing.assert_allclose(value, value.conj().T, rtol=0, atol=1e-14)
    for same in (-k, k + lattice.reciprocal(structure.lattice).T @ [1, -2, 1]):
        np.testing.assert_allclose(np.linalg.eigvalsh(matrix(h.matrix, params, same)), own, atol=1e-12)


def test_the_choice_of_cell_does_not_matter():
    rng, structure = crystal(3)
    h, params = random_model(structure, rng)
    whole = np.array([[1, 2, 0], [0, 1, -3], [0, 0, 1]])
    moved = structure.positions + np.array([[0, 0, 0], [5, -2, 1], [-3, 0, 4]]) @ structure.lattice
    other = models.slater_koster(
        Structure(whole @ structure.lattice, structure.symbols, moved), {"A": "s p d", "B": "s* p d"}, [3.4]
    )
    k = rng.uniform(-1, 1, 3)
    own, theirs = (np.linalg.eigvalsh(matrix(f, params, k)) for f in (h.matrix, other.matrix))
    np.testing.assert_allclose(theirs, own, atol=1e-12)
    assert h.matrix == models.slater_koster(structure, {"A": "s p d", "B": "s* p d"}, [3.4]).matrix
    assert h.matrix != other.matrix


def test_names_follow_the_structure():
    h = models.slater_koster(zincblende(5.65, "Ga", "As"), {"Ga": "s p", "As": "p d"}, 3)
    assert {pair: set(of) for pair, of in h.params["hopping"].items()} == {
        "Ga-As-1": {"sp_sigma", "sd_sigma", "pp_sigma", "pp_pi", "pd_sigma", "pd_pi"},
        "Ga-Ga-2": {"ss_sigma", "sp_sigma", "pp_sigma", "pp_pi"},
        "As-As-2": {"pp_sigma", "pp_pi", "pd_sigma", "pd_pi", "dd_sigma", "dd_pi", "dd_delta"},
        "Ga-As-3": {"sp_sigma", "sd_sigma", "pp_sigma", "pp_pi", "pd_sigma", "pd_pi"},
    }
    near = h.params["hopping"]["Ga-As-1"]
    assert near["pp_sigma"] == pytest.approx(2.22 * HBAR2_M0 / (ROOT3 / 4 * 5.65) ** 2)
    assert h.params["hopping"]["Ga-As-3"]["pp_sigma"] == 0
    # from the other side: s of Ga and p of As have one sign whichever comes first
    reversed_ = models.slater_koster(
        zincblende(5.65, "As", "Ga"), {"Ga": "s p", "As": "s p"}, hopping={"As-Ga-1": {"ps_sigma": 2.0}}
    )
    same = models.slater_koster(zincblende(5.65, "Ga", "As"), {"Ga": "s p", "As": "s p"}, hopping={"Ga-As-1": {"sp_sigma": 2.0}})
    k = np.array([[0.3, 0.2, -0.4]])
    np.testing.assert_allclose(eigenvalues(reversed_, k), eigenvalues(same, k), atol=1e-13)
    split = models.slater_koster(Structure(np.eye(3) * 3, "M", np.zeros((1, 3))), {"M": {"t2g": 1.0, "eg": 2.0}})
    assert split.params["onsite"] == {"M": {"t2g": 1.0, "eg": 2.0}}
    assert set(split.params["hopping"]["M-M-1"]) == {"dd_sigma", "dd_pi", "dd_delta"}


@pytest.mark.parametrize(("scaling", "law"), [("power", lambda x, n: x**-n), ("exponential", lambda x, n: np.exp(-n * (x - 1)))])
def test_integrals_fall_off_with_distance(scaling, law):
    hopping = {"Si-Si-1": {"ss_sigma": -2.0, "sp_sigma": 2.4, "pp_sigma": 2.7, "pp_pi": -0.7}}
    decay = {"Si-Si-1": {"ss_sigma": 3.0, "pp_pi": 1.0}}
    known = {
        "Si-Si-1": {key: v * law(1.02, {"ss_sigma": 3.0, "pp_pi": 1.0}.get(key, 2.0)) for key, v in hopping["Si-Si-1"].items()}
    }
    wider = zincblende(5.43 * 1.02)
    more = {"scaling": scaling, "decay": decay, "lengths": {"Si-Si-1": ROOT3 / 4 * 5.43}}
    h = models.slater_koster(wider, "s p", hopping=hopping, **more)
    k = np.array([[0.3, 0.2, -0.4], [0.9, 0, 0]])
    np.testing.assert_allclose(eigenvalues(h, k), eigenvalues(models.slater_koster(wider, "s p", hopping=known), k), atol=1e-13)
    # without lengths the mean of the structure at hand: nothing changes in a shell of one distance
    own = models.slater_koster(wider, "s p", hopping=hopping, scaling=scaling)
    np.testing.assert_allclose(
        eigenvalues(own, k), eigenvalues(models.slater_koster(wider, "s p", hopping=hopping), k), atol=1e-13
    )


def test_derivatives_with_respect_to_every_number():
    """Against central differences, with overlaps and decay: errors h²E'''/6 + 1e-15 E/h, some 1e-9 for h = 1e-5."""
    sheet = Structure([[2.5, 0.0], [0.3, 2.4]], ("A", "B"), [[0, 0, 0], [1.2, 1.1, 0.4]])
    h = models.slater_koster(sheet, {"A": {"s": -1.0}, "B": {"px": 0.4, "s*": 1.0}}, [2.7], overlap=True, scaling="power")
    rng = np.random.default_rng(5)
    small = jax.tree.map(lambda x: x + rng.uniform(-0.03, 0.03), h.params["overlap"])
    params = jax.tree.map(lambda x: x + rng.uniform(-0.3, 0.3), h.params) | {"overlap": small}
    flat, build = jax.flatten_util.ravel_pytree(params)
    k = jnp.array([0.3, -0.2])
    band = bands.bloch(h, index=1, curvature=False, moment=False)
    energy = jax.jit(lambda x: band.energy(build(x), k))
    slope = jax.jit(jax.grad(energy))(flat)
    step = 1e-5
    central = [(energy(flat + step * e) - energy(flat - step * e)) / (2 * step) for e in np.eye(len(flat))]
    np.testing.assert_allclose(slope, central, atol=1e-8)
    assert (np.abs(slope) > 1e-6).all()


def test_curvature_with_overlaps_is_the_flux_of_links():
    """Ω at k times the area of a small square is the phase of ⟨u1|u2⟩⟨u2|u3⟩⟨u3|u4⟩⟨u4|u1⟩ with ⟨u(k)|S((k + k')/2)|u(k')⟩."""
    bond = 1.45
    rows = bond * np.array([[ROOT3 / 2, 1.5], [-ROOT3 / 2, 1.5]])
    sheet = Structure(rows, ("B", "N"), [[0, 0], [0, bond]])
    hopping = {"B-N-1": {"pp_pi": -2.5}, "B-B-2": {"pp_pi": 0.2}, "N-N-2": {"pp_pi": 0.1}}
    overlap = {"B-N-1": {"pp_pi": 0.15}, "B-B-2": {"pp_pi": 0.05}}
    h = models.slater_koster(sheet, {"B": {"pz": 1.0}, "N": {"pz": -1.0}}, 2, hopping=hopping, overlap=overlap)
    k, side = np.array([0.9, 0.35]), 1e-3
    corners = k + side * np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])

    overlap = jax.jit(h.matrix.overlap)

    def state(q):
        lower = np.linalg.cholesky(overlap(h.params, q))
        return np.linalg.solve(lower.conj().T, np.linalg.eigh(matrix(h.matrix, h.params, q))[1][:, 0])

    states, phase = [state(q) for q in corners], 1.0 + 0j
    for i, j in ((0, 1), (1, 2), (2, 3), (3, 0)):
        phase *= states[i].conj() @ np.asarray(overlap(h.params, (corners[i] + corners[j]) / 2)) @ states[j]
    found = jax.jit(bands.bloch(h, index=0).berry_curvature)(k)
    # the square's corrections are of the order of (side × bond)² = 2e-6; rounding 1e-16/side² = 1e-10
    np.testing.assert_allclose(found, -np.angle(phase) / side**2, rtol=1e-5)
    alone = jax.jit(bands.bloch(replace(h, positions=None), index=0).berry_curvature)(k)
    assert abs(float(alone / found) - 1) > 0.01  # what the change of basis adds is no rounding


@pytest.mark.parametrize("p", [1, 2, 3])
def test_as_a_model_of_wannier_functions(p):
    rng, structure = crystal(7, p)
    h, params = random_model(structure, rng)
    h = replace(h, params=params)
    model = models.as_wannier(h)
    k = rng.uniform(-1, 1, 3)
    other = hamiltonian(model)
    np.testing.assert_allclose(matrix(other.matrix, other.params, k), matrix(h.matrix, params, k), atol=1e-13)


def test_a_run_in_a_tight_binding_band():
    rows = 1.42 * np.array([[ROOT3 / 2, 1.5], [-ROOT3 / 2, 1.5]])
    sheet = Structure(rows, ("C", "C"), [[0, 0], [0, 1.42]])
    h = models.slater_koster(sheet, "pz", hopping={"C-C-1": {"pp_pi": -2.7}})
    final = []
    for band in (bands.bloch(h, index=1, curvature=False, moment=False), bands.graphene(2.7)):
        dynamics = sj.Dynamics(sj.electron(band), sj.fields.uniform(electric=[1e-3, 2e-3]))
        result = sj.simulate(dynamics, sj.at_k([0.5, 0.9], 4), duration=200.0, dt=1.0)
        result.check()
        final.append(result.final.phase)
    np.testing.assert_allclose(final[0].position, final[1].position, rtol=1e-9)
    np.testing.assert_allclose(final[0].wavevector, final[1].wavevector, rtol=1e-12)


def test_single_precision():
    h, _ = vogl("Si")
    k = np.array([[0.1, 0.2, 0.3]])
    single = over(h.matrix_at)(jnp.asarray(k, jnp.float32))
    assert single.dtype == jnp.complex64
    # roundings of numbers up to 8 eV, a few of each
    np.testing.assert_allclose(single[0], over(h.matrix_at)(jnp.asarray(k))[0], atol=8 * 8 * np.finfo(np.float32).eps)


# -- faults -----------------------------------------------------------------------------------------------------------------------

SILICON = zincblende(5.43)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: models.slater_koster("Si", "s"), "structure = str: allowed is a bands.Structure"),
        (lambda: models.slater_koster(SILICON, {"Ge": "s"}), "orbitals of Ge: allowed are those of Si"),
        (lambda: models.slater_koster(SILICON, "s f"), "orbital 'f': allowed are s, p, px"),
        (lambda: models.slater_koster(SILICON, "s p px"), "orbitals of Si = 's p px': allowed are one or more, each once"),
        (lambda: models.slater_koster(SILICON, {"Si": {"s": np.nan}}), "Si s = nan: allowed is a finite number"),
        (lambda: models.slater_koster(SILICON, "s", 0), "shells = 0: allowed are a whole number ≥ 1, or rising distances"),
        (lambda: models.slater_koster(SILICON, "s", [3.0, 2.0]), r"shells = \[3.0, 2.0\]: allowed are"),
        (lambda: models.slater_koster(SILICON, "s", [1.0]), r"shells = \[1.0\]: no neighbour is so near"),
        (lambda: models.slater_koster(SILICON, "s", [400.0]), "bonds up to 400 Å are too many"),
        (lambda: models.slater_koster(SILICON, "s", hopping={"Si-Si-2": {}}), "hopping 'Si-Si-2': allowed are .* of Si-Si-1"),
        (
            lambda: models.slater_koster(SILICON, "s", hopping={"Si-Si-1": {"pp_pi": 1.0}}),
            "Si-Si-1 'pp_pi': allowed are ss_sigma",
        ),
        (
            lambda: models.slater_koster(SILICON, "s", hopping={"Si-Si-1": {"ss_sigma": "a"}}),
            "ss_sigma = 'a': allowed is a finite",
        ),
        (
            lambda: models.slater_koster(SILICON, "s", overlap={"Si-Si-1": {"ss_sigma": 0.3}}),
            "overlap: its matrix has the eigenvalue -0.2",
        ),
        (lambda: models.slater_koster(SILICON, "s", decay={}), "decay or lengths without scaling: allowed with scaling ="),
        (lambda: models.slater_koster(SILICON, "s", scaling="gsp"), "scaling = 'gsp': allowed are None, 'power', 'exponential'"),
        (lambda: models.slater_koster(SILICON, "s", scaling="power", lengths={"Si": 2}), "lengths 'Si': allowed are Si-Si-1"),
        (lambda: models.slater_koster(SILICON, "s", dimension=2), "dimension = 2 with lattice .*: allowed is a layer"),
        (lambda: models.slater_koster(SILICON, "s", dimension=1), "dimension = 1 with lattice .*: allowed is a chain along x"),
        (lambda: Structure(np.eye(3), ("A", "B"), [[0, 0, 0]]), "symbols = .* of 1 positions: allowed is one name for each"),
        (lambda: Structure(np.eye(3), ("A-1",), [[0, 0, 0]]), "symbols = .*: allowed is one name for each, without '-'"),
        (lambda: Structure(np.ones((3, 3)), ("A",), [[0, 0, 0]]), "lattice = .*: allowed are one to three independent rows"),
        (lambda: Structure(np.eye(3), ("A",), [[0, 0, np.inf]]), "positions = .*: allowed are rows of three finite numbers"),
        (lambda: Structure.fractional(np.eye(3), ("A",), [[0, 0]]), r"places have shape \(1, 2\): allowed is \[n p\]"),
        (
            lambda: models.slater_koster(Structure(np.eye(3), ("A", "B"), [[0, 0, 0], [1, 0, 1]]), "s"),
            "atoms 1 and 2 are at one place",
        ),
        (lambda: models.as_wannier(models.haldane()), "as_wannier: hamiltonian has .*: allowed is bands.models.slater_koster"),
    ],
)
def test_what_is_wrong_is_named(call, match):
    with pytest.raises(SemijaxError, match=match):
        call()
