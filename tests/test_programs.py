"""Models of pythtb and cells of ASE: the same energies, every bond once and its conjugate, without either program where it is absent."""

import types

import numpy as np
import pytest
from wannier_files import bands, valid

from semijax._types import SemijaxError
from semijax.io import cell_from_ase, from_pythtb

HEXAGON = [[1.0, 0.0], [0.5, np.sqrt(3) / 2]]
SITES = [[1 / 3, 1 / 3], [2 / 3, 2 / 3]]
PHASE = 0.15 * np.exp(0.5j * np.pi)
# Haldane's model, PRL 61, 2015 (1988), as pythtb's example has it: sites ±0.2, t = −1, t' = 0.15 i.
BONDS = [(-1.0, 0, 1, [0, 0]), (-1.0, 1, 0, [1, 0]), (-1.0, 1, 0, [0, 1])]
BONDS += [(PHASE, 0, 0, [1, 0]), (PHASE, 1, 1, [1, -1]), (PHASE, 1, 1, [0, 1])]
BONDS += [(np.conj(PHASE), 1, 1, [1, 0]), (np.conj(PHASE), 0, 0, [1, -1]), (np.conj(PHASE), 0, 0, [0, 1])]


def haldane(k):
    """Energies [m 2] at fractional k [m 2], written out: bonds to the three neighbours, and to the six next ones."""
    one, two = 2 * np.pi * np.asarray(k).T
    near = -(1 + np.exp(-1j * one) + np.exp(-1j * two))
    mass = -0.2 + 2 * 0.15 * (-np.sin(one) + np.sin(one - two) + np.sin(two))
    gap = np.sqrt(mass**2 + np.abs(near) ** 2)
    return np.stack([-gap, gap], axis=1)


def modern(bonds, onsite, **changes):
    """What pythtb 2 shows of a model."""
    keys = ("amplitude", "from_orbital", "to_orbital", "lattice_vector")
    hops = [{key: value for key, value in zip(keys, bond) if key != "lattice_vector" or np.any(value)} for bond in bonds]
    shown = {
        "lat_vecs": HEXAGON,
        "orb_vecs": SITES,
        "periodic_dirs": [0, 1],
        "onsite": onsite,
        "hoppings": hops,
        "parameters": {},
    }
    return types.SimpleNamespace(**{**shown, **changes})


def classic(bonds, onsite, per=(0, 1)):
    """What pythtb 1 shows of a model."""
    hops = [[amplitude, i, j, np.array(R)] for amplitude, i, j, R in bonds]
    functions = {"get_lat": lambda: np.array(HEXAGON), "get_orb": lambda: np.array(SITES)}
    return types.SimpleNamespace(_hoppings=hops, _per=list(per), _site_energies=np.array(onsite), **functions)


def points(d=2, n=30):
    """Fractional k [n 3] with zeros beyond the first d."""
    k = np.random.default_rng(0).uniform(-1, 1, (n, 3))
    k[:, d:] = 0
    return k


@pytest.mark.parametrize("shown", [classic, modern])
def test_haldanes_model_has_its_closed_form(shown):
    model = from_pythtb(shown(BONDS, [-0.2, 0.2]))
    assert valid(model)
    np.testing.assert_allclose(bands(model, points()), haldane(points()[:, :2]), atol=1e-13)
    np.testing.assert_allclose(model.lattice, [[1, 0, 0], [0.5, np.sqrt(3) / 2, 0], [0, 0, 1]])
    np.testing.assert_allclose(model.centres, [[0.5, np.sqrt(3) / 6, 0], [1, np.sqrt(3) / 3, 0]])
    assert not model.translations[:, 2].any()


@pytest.mark.parametrize("shown", [classic, modern])
def test_spin_is_the_fastest_index(shown):
    up, turn = np.array([[1.0, 0], [0, -1]]), np.array([[0, 1.0], [1, 0]])
    model = from_pythtb(shown([(0.3j * turn, 0, 1, [1, 0])], [0.5 * up, 0 * up]))
    assert valid(model)
    assert model.hopping.shape == (3, 4, 4)
    np.testing.assert_array_equal(model.hopping[1], np.diag([0.5, -0.5, 0, 0]))
    np.testing.assert_array_equal(model.hopping[2][:2, 2:], 0.3j * turn)  # R = 1 0 0
    np.testing.assert_array_equal(model.hopping[0][2:, :2], -0.3j * turn)
    np.testing.assert_array_equal(model.centres[0], model.centres[1])


def test_a_ribbon_has_no_translations_across():
    model = from_pythtb(classic([(-1.0, 0, 1, [1, 3])], [0.0, 0.0], per=[0]))
    assert model.translations.tolist() == [[-1, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_what_is_no_model_is_refused():
    for wrong in (
        3,
        types.SimpleNamespace(lat_vecs=np.eye(4)),
        modern([(1.0, 0, 5, [0, 0])], [0.0, 0.0]),
        modern(BONDS, [[0.0] * 3] * 2),
    ):
        with pytest.raises(
            SemijaxError, match=r"^from_pythtb: \w+ is no model \(.*\): allowed is a pythtb tb_model or TBModel, d ≤ 3$"
        ):
            from_pythtb(wrong)
    with pytest.raises(
        SemijaxError, match=r"^from_pythtb: parameters t, m have no values: allowed is model.with_parameters\(...\)$"
    ):
        from_pythtb(modern(BONDS, [0.0, 0.0], parameters={"t": 1, "m": 2}))


def test_pythtb_itself_gives_the_same_energies():
    pythtb = pytest.importorskip("pythtb")
    if hasattr(pythtb, "TBModel"):
        theirs = pythtb.TBModel(pythtb.Lattice(lat_vecs=HEXAGON, orb_vecs=SITES, periodic_dirs=[0, 1]), spinful=False)
    else:
        theirs = pythtb.tb_model(2, 2, HEXAGON, SITES)
    theirs.set_onsite([-0.2, 0.2])
    for amplitude, i, j, R in BONDS:
        theirs.set_hop(amplitude, i, j, R)
    model, k = from_pythtb(theirs), points()
    solved = theirs.solve_ham(k[:, :2]) if hasattr(theirs, "solve_ham") else theirs.solve_all(k[:, :2]).T
    assert valid(model)
    np.testing.assert_allclose(bands(model, k), solved, atol=1e-12)
    np.testing.assert_allclose(solved, haldane(k[:, :2]), atol=1e-12)


def test_the_cell_of_atoms_is_that_of_its_periodic_directions():
    atoms = types.SimpleNamespace(cell=np.diag([2.0, 3.0, 4.0]), pbc=[True, True, False])
    np.testing.assert_array_equal(cell_from_ase(atoms), [[2, 0, 0], [0, 3, 0]])
    ase = pytest.importorskip("ase")
    np.testing.assert_array_equal(cell_from_ase(ase.Atoms("H", cell=[2, 3, 4], pbc=True)), np.diag([2.0, 3.0, 4.0]))


def test_what_has_no_cell_is_refused():
    with pytest.raises(SemijaxError, match="^cell_from_ase: int has no cell and pbc: allowed is an ASE Atoms$"):
        cell_from_ase(3)
    for pbc, cell in (([False] * 3, np.eye(3)), ([True] * 3, np.ones((3, 3)))):
        with pytest.raises(
            SemijaxError, match="^cell_from_ase: periodic cell = .*: allowed are one to three independent vectors in Å$"
        ):
            cell_from_ase(types.SimpleNamespace(cell=cell, pbc=pbc))
