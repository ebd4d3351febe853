"""Wannier90's files read: energies of postw90, positions by WannierBerri's curvature, replicas by Wannier90's own."""

import gzip
import shutil
import tarfile
import warnings

import numpy as np
import pytest
from wannier_files import bands, centres_text, geninterp, hr_text, outside, shipped, tb_text, valid, win_text, wsvec_text

from semijax.bands.wannier import Model
from semijax.io import read_labelinfo, read_wannier90, read_win
from semijax.io.wannier90.hamiltonian import read_tb
from semijax.io.wannier90.replicas import fits, grid_of, nearest, read_wsvec

MATERIALS = ["si", "cu", "graphene", "hbn"]
TUTORIALS = ["silicon", "copper", "lead"]
WITHOUT = "no positions .*: Berry curvature and orbital moments will be without positions; _tb.dat has them"
# _tb.dat has eight digits of numbers up to 10 eV, 5e-8 each, and up to 4e4 of them add up at random; postw90 prints ten.
TB = 1e-6
# _hr.dat has six decimals: √(617 · 8) numbers wrong by 3e-7 (rms) are 2e-5 (rms), of which 1e-4 is five.
HR = 1e-4


def beside(tmp_path, prefix, *ends, name="x"):
    """A prefix in tmp_path with copies of some files of `prefix`."""
    for end in ends:
        shutil.copy(f"{prefix}{end}", tmp_path / f"{name}{end}")
    return tmp_path / name


def write(tmp_path, name="x", **files):
    """A prefix in tmp_path with files of these texts: tb, hr, wsvec, win, centres."""
    ends = {"tb": "_tb.dat", "hr": "_hr.dat", "wsvec": "_wsvec.dat", "win": ".win", "centres": "_centres.xyz"}
    for key, text in files.items():
        (tmp_path / f"{name}{ends[key]}").write_text(text, encoding="ascii")
    return tmp_path / name


def close(one, other, tolerance):
    """Whether two models are the same, R by R, those without partner zero."""
    keys = {tuple(R): H for R, H in zip(other.translations.tolist(), other.hopping)}
    for R, H in zip(one.translations.tolist(), one.hopping):
        np.testing.assert_allclose(H, keys.pop(tuple(R), np.zeros_like(H)), rtol=0, atol=tolerance)
    assert all(np.abs(H).max() <= tolerance for H in keys.values())
    return True


@pytest.mark.parametrize("name", ["graphene", "hbn"])
def test_tb_and_wsvec_give_the_energies_of_postw90(name):
    model = read_wannier90(shipped(name))
    k, energies = geninterp(shipped(name))
    assert valid(model)
    np.testing.assert_allclose(bands(model, k), energies, rtol=0, atol=TB)


@pytest.mark.parametrize("name", MATERIALS)
def test_hr_and_wsvec_give_the_energies_of_postw90(name):
    with pytest.warns(UserWarning, match=f"^.*{name}_hr.dat.gz: {WITHOUT}$"):
        model = read_wannier90(f"{shipped(name)}_hr.dat")
    k, energies = geninterp(shipped(name))
    assert valid(model)
    assert model.positions is None
    assert model.centres.shape == (energies.shape[1], 3)
    np.testing.assert_allclose(bands(model, k), energies, rtol=0, atol=HR)


def test_tb_is_preferred_and_a_file_can_be_named_in_full():
    for name in ("hbn_tb.dat", "hbn_tb.dat.gz"):
        assert close(read_wannier90(shipped("hbn").with_name(name)), read_wannier90(shipped("hbn")), 0.0)


def test_replicas_written_out_are_the_same_model():
    model, expanded = read_wannier90(shipped("hbn")), read_wannier90(f"{shipped('hbn')}_ws")
    # ws_tb has nine digits of sums of at most 0.1 eV away from R = 0, of ten at R = 0.
    assert close(model, expanded, 1e-7)
    k, energies = geninterp(shipped("hbn"))
    np.testing.assert_allclose(bands(expanded, k), energies, rtol=0, atol=TB)
    home = (len(expanded.translations) // 2, len(model.translations) // 2)  # R = 0
    np.testing.assert_allclose(expanded.positions[home[0]], model.positions[home[1]], rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", MATERIALS)
def test_the_nearest_replicas_are_those_of_wannier90(name):
    with pytest.warns(UserWarning, match=WITHOUT):
        alone = read_wannier90(f"{shipped(name)}_hr.dat", minimal_distance=False)
    # The R of the file are symmetric, so those of the model at its own R are the same ones.
    written = read_wsvec(f"{shipped(name)}_wsvec.dat", alone.translations, alone.hopping.shape[1])
    found = nearest(alone.translations, alone.lattice, alone.centres, read_win(shipped(name)).mp_grid)
    lists = [
        sorted(zip(r.row.tolist(), r.a.tolist(), r.b.tolist(), *r.shift.T.tolist(), r.share.tolist())) for r in (written, found)
    ]
    assert lists[0] == lists[1]


@pytest.mark.parametrize("ends", [("_tb.dat.gz", ".win"), ("_tb.dat.gz",), ("_hr.dat.gz", ".win", "_centres.xyz")])
def test_without_wsvec_replicas_come_from_the_centres(ends, tmp_path):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", f".*{WITHOUT}")
        model = read_wannier90(beside(tmp_path, shipped("hbn"), *ends))
    assert close(model, read_wannier90(shipped("hbn")), 1e-12 if "_tb.dat.gz" in ends else 1e-6)


def test_without_wsvec_and_centres_the_size_of_the_error_is_said(tmp_path):
    prefix = beside(tmp_path, shipped("hbn"), "_hr.dat.gz", ".win")
    with pytest.warns(UserWarning, match="no centres") as caught:
        read_wannier90(prefix)
    said = [str(one.message) for one in caught]
    assert len(said) == 2 and all("\n" not in one for one in said)
    assert "no centres: Berry curvature" in said[0]
    assert (
        "x: no _wsvec.dat, and no centres to find replicas by: energies are off by 0.3 to 3 meV on 12 × 12 k, 22 to 120 meV"
        in said[1]
    )
    assert caught[0].filename == caught[1].filename == __file__


def test_the_weights_tell_the_grid():
    found = read_tb(f"{shipped('graphene')}_tb.dat")
    assert grid_of(found.translations, found.ndegen) == read_win(shipped("graphene")).mp_grid == (12, 12, 1)
    assert fits(found.translations, found.ndegen, (12, 12, 1))
    assert not fits(found.translations, found.ndegen, (12, 6, 2))
    assert not fits(found.translations[1:], found.ndegen[1:], (12, 12, 1))


def test_hermitian_positions_give_the_curvature_of_wannierberri():
    model, reference = read_wannier90(shipped("hbn")), np.load(f"{shipped('hbn')}_wberri_k.npz")
    np.testing.assert_allclose(model.centres, reference["centers_A"], atol=1e-8)
    curvature, gap = (np.array(x) for x in zip(*(_curvature(model, k) for k in reference["k_frac"])))
    far = gap > 0.01
    assert far.mean() > 0.9
    np.testing.assert_allclose(curvature[far], reference["berry_full_A2"][far], rtol=1e-6, atol=1e-8)


def _curvature(model, k):
    """Ω [n 3], Å², with positions, of every band, and the gap to the nearest other; Wang et al., PRB 74, 195118 (2006), eq. 40."""
    phases, R = np.exp(2j * np.pi * model.translations @ k), model.translations @ model.lattice
    energy, U = np.linalg.eigh(np.tensordot(phases, model.hopping, axes=1))
    slope = np.einsum("R,Rx,Rab->xab", 1j * phases, R, model.hopping)
    A = np.einsum("R,Rabx->xab", phases, model.positions)
    dA = np.einsum("R,Ry,Rabx->yxab", 1j * phases, R, model.positions)
    apart = energy[None, :] - energy[:, None]
    np.fill_diagonal(apart, np.inf)
    A, dA, slope = (U.conj().T @ matrices @ U for matrices in (A, dA, slope))
    D = slope / apart
    full = (A + 1j * D) * (1 - np.eye(len(energy)))
    parts = []
    for x, y in ((1, 2), (2, 0), (0, 1)):
        inside = dA[x, y] - dA[y, x] - 1j * (A[x] @ A[y] - A[y] @ A[x])
        parts.append(np.diagonal(inside + 1j * (full[x] @ full[y] - full[y] @ full[x])).real)
    return np.stack(parts, axis=-1), np.abs(apart).min(axis=1)


def test_a_small_model_reads_the_same_from_every_set_of_files(tmp_path):
    sets = [{"tb": tb_text(), "wsvec": wsvec_text()}, {"tb": tb_text(), "win": win_text()}, {"tb": tb_text()}]
    models = [read_wannier90(write(tmp_path, f"m{i}", **files)) for i, files in enumerate(sets)]
    with pytest.warns(UserWarning, match=WITHOUT):
        models.append(read_wannier90(write(tmp_path, "hr", hr=hr_text(), win=win_text(), centres=centres_text())))
    for model in models:
        assert valid(model)
        assert close(model, models[0], 1e-12)
    np.testing.assert_allclose(models[0].hopping[0], [[0.05, 0.21 - 0.015j], [0.0, -0.1]], atol=1e-12)
    np.testing.assert_allclose(models[0].centres, [[0, 0, 0], [1.2, 0, 0]])


def test_hoppings_stay_at_their_own_R_when_told_to(tmp_path):
    own = [[0.05, 0.01 - 0.015j], [0.2, -0.1]]
    for i, win in enumerate((None, win_text().replace(".true.", ".false."))):
        files = {"tb": tb_text()} if win is None else {"tb": tb_text(), "win": win}
        model = read_wannier90(write(tmp_path, f"m{i}", **files), minimal_distance=win is not None)
        np.testing.assert_allclose(model.hopping[0], own, atol=1e-12)


def test_what_fortran_and_people_write_is_read(tmp_path):
    plain = read_wannier90(write(tmp_path, "plain", tb=tb_text()))
    dressed = tb_text().replace("E+", "D+").replace("E-", "d-").replace("  2\n  3\n", "  2 !num_wann\n  3 ! nrpts = R\n")
    dressed = dressed.replace(" 0.00000000D+00", " 0.0000000-101").replace("    2    1    2\n", "    2\n    1    2    1    1\n")
    assert "-101" in dressed and "d-" in dressed
    assert close(read_wannier90(write(tmp_path, "dressed", tb=dressed.replace("\n", "\r\n") + "\n\n")), plain, 1e-15)
    head, *blocks = tb_text().split("\n\n")
    swapped = "\n\n".join([head, *(_reversed(block) for block in blocks)])
    assert close(read_wannier90(write(tmp_path, "swapped", tb=swapped)), plain, 0.0)
    (tmp_path / "zipped_tb.dat.gz").write_bytes(gzip.compress(tb_text()[:500].encode()) + gzip.compress(tb_text()[500:].encode()))
    assert close(read_wannier90(tmp_path / "zipped"), plain, 0.0)
    energies = write(tmp_path, "energies", tb="\n\n".join([head, *blocks[:3]]) + "\n", centres=centres_text())
    with pytest.warns(UserWarning, match=WITHOUT):
        assert close(read_wannier90(energies), plain, 0.0)


def _reversed(block):
    first, *rest = block.strip("\n").split("\n")
    return "\n".join([first, *reversed(rest)])


def test_hr_without_win_needs_a_lattice(tmp_path):
    text = hr_text().replace("    2    1    2", "    1    1    1")
    with pytest.warns(UserWarning, match="no centres"):
        model = read_wannier90(write(tmp_path, hr=text), lattice=3 * np.eye(3))
    assert valid(model)
    assert model.centres is None
    np.testing.assert_array_equal(model.lattice, 3 * np.eye(3))
    with pytest.warns(UserWarning, match=WITHOUT):
        model = read_wannier90(write(tmp_path, hr=hr_text()), lattice=3 * np.eye(3), centres=[[0, 0, 0], [1.2, 0, 0]])
    np.testing.assert_allclose(model.hopping[0], [[0.05, 0.21 - 0.015j], [0.0, -0.1]], atol=1e-12)
    assert isinstance(model, Model)


def test_centres_moved_from_where_the_hamiltonian_has_them_are_not_used(tmp_path):
    prefix = write(
        tmp_path, hr=hr_text(), wsvec=wsvec_text(), win=win_text() + "translate_home_cell = T\n", centres=centres_text()
    )
    with pytest.warns(UserWarning, match="no centres"), pytest.warns(UserWarning, match="translate_home_cell moved the centres"):
        model = read_wannier90(prefix)
    assert model.centres is None


def test_win_and_labelinfo_say_cell_atoms_grid_and_path(tmp_path):
    win = read_win(shipped("si"))
    assert win.mp_grid == (8, 8, 8)
    assert win.symbols == ("Si", "Si")
    np.testing.assert_allclose(win.lattice, 2.7155 * np.array([[-1, 0, 1], [0, 1, 1], [-1, 1, 0]]))
    np.testing.assert_allclose(win.atoms, [[0, 0, 0], [-0.25, 0.75, -0.25]])
    assert [(one.label, other.label) for one, other in win.path] == [("L", "G"), ("G", "X"), ("X", "K"), ("K", "G")]
    assert win.path[2][1].k == (0.375, -0.375, 0.0)
    assert win.keywords["num_wann"] == "8"
    labels = read_labelinfo(shipped("hbn"))
    assert [(x.label, x.row) for x in labels] == [("G", 0), ("M", 50), ("K", 79), ("G", 137)]
    assert labels[2].k == (0.33333333, 0.33333333, 0.0)
    text = "Begin Unit_Cell_Cart\nBohr\n1.d1 0 0 ! a\n0 2.0D1 0\n0 0 40\nEND UNIT_CELL_CART\nmp_grid : 4,4 1 # k\n"
    text += "begin atoms_cart\nang\nX 5.29177210903 0.0 0.0\nend atoms_cart\nDis_win_max  17.0d0\nbegin kpoints\nwhatever\nend kpoints\n"
    (tmp_path / "a.win").write_text(text, encoding="ascii")
    win = read_win(tmp_path / "a.win")
    np.testing.assert_allclose(win.lattice, np.diag([5.29177210903, 10.58354421806, 21.16708843612]))
    np.testing.assert_allclose(win.atoms, [[1, 0, 0]], atol=1e-12)
    assert (win.mp_grid, win.path, win.keywords["dis_win_max"]) == ((4, 4, 1), (), "17.0d0")


# What follows reads files that do not ship with the project.


@pytest.mark.parametrize("name", [f"dft/{x}" for x in MATERIALS] + [f"w90_tutorial/{x}" for x in TUTORIALS])
def test_every_material_at_full_precision(name, tmp_path):
    prefix = outside(name, name.split("/")[1])
    k, energies = geninterp(prefix)
    model = read_wannier90(prefix)
    assert valid(model)
    np.testing.assert_allclose(bands(model, k), energies, rtol=0, atol=TB)
    for ends in (("_tb.dat.gz", ".win"), ("_tb.dat.gz",)):
        directory = tmp_path / str(len(ends))
        directory.mkdir()
        assert close(read_wannier90(beside(directory, prefix, *ends)), model, 1e-12)
    with pytest.warns(UserWarning, match=WITHOUT):
        np.testing.assert_allclose(bands(read_wannier90(f"{prefix}_hr.dat"), k), energies, rtol=0, atol=HR)


def test_expanded_graphene_is_the_same_model():
    prefix = outside("dft", "graphene", "graphene")
    assert close(read_wannier90(prefix), read_wannier90(f"{prefix}_ws"), 1e-7)


def test_third_party_hamiltonians(tmp_path):
    place = outside("third_party", "wannier_tools")
    with tarfile.open(place / "wannier90_hr.dat_nsymm48.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    (tmp_path / "wannier90_hr.dat_nsymm48").rename(tmp_path / "cu_wt_hr.dat")
    for prefix, reference in ((place / "Graphene", "graphene"), (tmp_path / "cu_wt", "cu")):
        with pytest.warns(UserWarning, match="Berry curvature"):
            model = read_wannier90(prefix, lattice=np.eye(3), minimal_distance=False)
        found = np.load(place / f"{reference}_wt_tbmodels_k.npz")
        assert valid(model)
        # both read the same six decimals
        np.testing.assert_allclose(bands(model, found["k_frac"]), found["energy_eV"], rtol=0, atol=1e-11)


def test_a_commented_header_reads():
    with pytest.warns(UserWarning, match="Berry curvature") as caught:
        model = read_wannier90(outside("third_party", "wannier_tools", "BHZ"), lattice=np.eye(3))
    assert len(caught) == 1  # a model of neighbours lacks no replicas
    assert valid(model)
    at_zero = model.hopping.sum(axis=0)  # all hoppings at Γ
    np.testing.assert_allclose(at_zero, at_zero.conj().T)
    assert model.hopping.shape == (5, 4, 4)


def test_gallium_arsenide_with_spin_orbit_coupling():
    prefix = outside("third_party", "wannierberri_GaAs_SOC", "GaAs")
    found = np.load(prefix.with_name("gaas_soc_wberri_k.npz"))
    model = read_wannier90(prefix, minimal_distance=False)
    energies = bands(model, found["k_frac"])
    assert valid(model)
    np.testing.assert_allclose(model.lattice, found["lattice_A"], atol=1e-12)
    # The reference splits the Kramers pairs by 1e-5 to 1e-4 eV, so that curvatures exist: pairs' means are moved in second order.
    pairs = [x.reshape(len(x), -1, 2).mean(axis=2) for x in (energies, found["energy_eV"])]
    np.testing.assert_allclose(pairs[0], pairs[1], rtol=0, atol=1e-7)
