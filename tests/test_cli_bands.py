"""`semijax bands PREFIX`: numbers of real materials as programs before ours have them, pictures, and for every mistake one line."""

import json
import shutil

import matplotlib.pyplot as plt
import numpy as np
import pytest
from wannier_files import DATA, shipped

from semijax import cli


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory; what a command changes of JAX's settings is undone, and figures are closed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "configure", lambda **settings: None)
    yield tmp_path
    plt.close("all")


def called(capsys, *arguments):
    """(exit code, stdout, stderr) of one command in this process."""
    code = cli.code([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def said(directory):
    """What the report's JSON says."""
    return json.loads((directory / "bands.json").read_text(encoding="utf-8"))


def edge(document, kind, at):
    """The extremum of a kind at a place."""
    return next(one for one in document["extrema"] if one["kind"] == kind and one["at"] == at)


def test_hbn_has_its_gap_its_valleys_and_its_files(here, capsys):
    code, out, err = called(capsys, "bands", shipped("hbn"), "--fermi", "-2.7", "--mesh", "60", "--path", "win")
    assert (code, err) == (0, "")
    assert "gap 4.6970 eV, direct, at K" in out
    assert {path.name for path in (here / "hbn_bands").iterdir()} == {"bands.png", "zone.png", "bands.txt", "bands.json"}
    document = said(here / "hbn_bands")
    # of the DFT run: a gap of 4.697 eV at K and a band edge of −2.88409 eV; the interpolation there is good to 0.3 meV
    assert document["gap"]["gap_eV"] == pytest.approx(4.697, abs=5e-4)
    assert document["gap"]["direct_eV"] == pytest.approx(document["gap"]["gap_eV"], abs=1e-9)
    top, bottom = edge(document, "maximum", "K"), edge(document, "minimum", "K")
    assert top["energy_eV"] == pytest.approx(-2.88408607, abs=5e-4)
    assert (top["places"], bottom["places"]) == (2, 2)
    assert np.allclose(np.abs(top["k_fractional"]), 1 / 3, atol=1e-5)
    # a threefold axis through K: the mass is the same in all directions, up to what Wannier functions break of it
    for one in (top, bottom):
        assert np.ptp(one["masses_m0"]) < 1e-3 * abs(one["masses_m0"][0])
    assert document["path"]["words"] == "Γ–M–K–Γ"
    assert document["path"]["from"] == "hbn.win"
    assert set(document["sha256"]) >= {"hbn_tb.dat.gz", "hbn_wsvec.dat.gz", "hbn.win"}
    assert all(len(digest) == 64 for digest in document["sha256"].values())
    states = np.array(document["density_of_states"]["states_per_eV_cell"])
    # all five bands are within the bins
    assert states @ np.diff(document["density_of_states"]["edges_eV"]) == pytest.approx(5, abs=1e-9)
    assert "gap 4.6970 eV" in (here / "hbn_bands/bands.txt").read_text(encoding="utf-8")


def test_graphene_is_a_cone_at_K(here, capsys):
    code, out, err = called(
        capsys, "bands", shipped("graphene"), "--fermi", "-1.0306", "--mesh", "60", "--path", "win", "--out", "g"
    )
    assert (code, err) == (0, "")
    assert "no gap: bands 3 and 4 touch, at K" in out
    one = edge(said(here / "g"), "minimum", "K")
    assert one["energy_eV"] == pytest.approx(-1.0684, abs=1e-4)  # the DFT run's Dirac point
    assert one["cone"]
    for way in one["hbar_v_eV_A"]:
        np.testing.assert_allclose(way["values"], [-5.46, 5.46], atol=5e-3)  # ħv of the DFT run, three digits
    # Above the Dirac point a little is filled: two valleys, ħv q = 0.0378 eV. K is a point of the mesh, and a cone interpolated in the six
    # equilateral triangles about it ends in a hexagon of area 3√3/2 q².
    zone = (2 * np.pi) ** 2 / (2.46**2 * np.sqrt(3) / 2)
    pockets = 2 * (3 * np.sqrt(3) / 2) * (0.0378 / 5.46) ** 2 / zone
    assert said(here / "g")["filled_bands"] - 4 == pytest.approx(pockets, rel=0.1)  # the cone is bent at the mesh's 0.05 1/Å


def test_silicon_has_its_indirect_gap_and_six_valleys(here, capsys):
    code, _, err = called(capsys, "bands", shipped("si"), "--fermi", "6.2", "--mesh", "12", "--path", "win")
    assert (code, err) == (0, "")
    document = said(here / "si_bands")
    assert document["gap"]["gap_eV"] == pytest.approx(0.517, abs=1e-3)
    top, bottom = document["extrema"][0], next(one for one in document["extrema"] if one["kind"] == "minimum")
    assert (top["at"], top["touching_bands"]) == ("Γ", [1, 2, 3])
    assert top["energy_eV"] == pytest.approx(6.0379, abs=1e-4)
    assert (bottom["at"], bottom["places"]) == ("0.842 Γ–X", 6)
    # the long mass lies along the axis of the valley, the two others are equal
    masses, axes = np.array(bottom["masses_m0"]), np.array(bottom["axes"])
    assert masses.argmax() == 0
    k = np.array(bottom["k_fractional"]) @ (2 * np.pi * np.linalg.inv(document["lattice_A"]).T)
    assert abs(axes[0] @ k) == pytest.approx(np.linalg.norm(k), rel=1e-6)
    assert masses[1] == pytest.approx(masses[2], rel=1e-3)
    assert any("without positions" in note for note in document["notes"])  # the hr file's warning is part of the report


def test_copper_is_a_metal_with_a_level_from_its_win(here, capsys):
    code, out, err = called(capsys, "bands", shipped("cu"), "--mesh", "12", "--path", "win", "--window=0:20")
    assert (code, err) == (0, "")
    assert "a metal" in out
    document = said(here / "cu_bands")
    assert (document["fermi_level_eV"], document["fermi_level_from"]) == (14.6846, "cu.win")
    # eleven electrons: 5.5 bands; linear interpolation on 12³ points is good to 0.02
    assert document["filled_bands"] == pytest.approx(5.5, abs=0.02)
    assert document["gap"] is None
    center = next(one for one in document["named_points"] if one["label"] == "Γ")
    assert np.abs(center["velocity_A_per_fs"]).max() < 1e-3  # inversion


@pytest.fixture(scope="module")
def dft(tmp_path_factory):
    """A file of another program's bands: those of postw90 at 62 k, two lower ones below them, and a Fermi level."""
    lines = (DATA / "hbn/hbn_geninterp.kpt").read_text(encoding="ascii").splitlines()[3:]
    k = np.array([line.split()[1:] for line in lines], dtype=float)
    energies = np.loadtxt(DATA / "hbn/hbn_geninterp.dat.gz")[:, 4].reshape(len(k), -1)
    more = np.concatenate([np.full((len(k), 2), -40.0), energies], axis=1)
    path = tmp_path_factory.mktemp("dft") / "points.npz"
    np.savez(path, k_frac=k, energy_eV=more, fermi_eV=-2.5)
    return path


def test_points_of_another_program_are_drawn_and_compared(here, capsys, dft):
    code, out, err = called(capsys, "bands", shipped("hbn"), "--dft", dft, "--mesh", "24", "--path", "win")
    assert (code, err) == (0, "")
    assert "Fermi level -2.5000 eV (from points.npz)" in out
    one = said(here / "hbn_bands")["deviations"][0]
    assert one["first_band"] == 2
    assert one["rms_eV"] < 1e-6  # _tb.dat has eight digits, postw90 printed ten


MISTAKES = {
    "no files": (["nothing"], "the prefix of a Wannier90"),
    "no dft file": ([shipped("hbn"), "--dft", "none.npz"], "none.npz: No such file or directory: allowed is"),
    "no arrays": ([shipped("hbn"), "--dft", "empty.npz"], "empty.npz: no array k_frac: allowed is"),
    "no npz": ([shipped("hbn"), "--dft", "text.npz"], "text.npz: cannot be read"),
    "too few bands": ([shipped("hbn"), "--dft", "few.npz"], "few.npz: energy_eV has 2 bands: allowed are 5 or more"),
    "nan": ([shipped("hbn"), "--dft", "nan.npz"], "nan.npz: energy_eV (1, 6): allowed are finite numbers"),
    "a level that is none": ([shipped("hbn"), "--fermi", "nan"], "--fermi nan: allowed is a finite number"),
    "mesh": ([shipped("hbn"), "--mesh", "1"], "--mesh 1: allowed is a whole number ≥ 4"),
    "mesh too large": ([shipped("hbn"), "--mesh", "99999"], "--mesh = 99999: allowed are 2 to"),
    "path": ([shipped("hbn"), "--path", "kurve"], "--path kurve: allowed are auto, seekpath, win, labelinfo"),
    "window": ([shipped("hbn"), "--window", "5"], "--window 5: allowed is LOW:HIGH"),
    "window turned": ([shipped("hbn"), "--window=5:1"], "--window 5:1: allowed is LOW:HIGH"),
    "option of another": (["superlattice", "--fermi", "1"], '--fermi: "superlattice": allowed is with the prefix'),
    "no path": (["bare/hbn", "--path", "auto"], "bare/hbn: no path through the zone: allowed is"),
    "no labels": ([shipped("graphene"), "--path", "labelinfo"], "allowed is a prefix with a _band.labelinfo.dat"),
    "a file in the way": ([shipped("hbn"), "--out", "text.npz"], "--out text.npz: is a file"),
}


@pytest.mark.parametrize(("arguments", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(here, capsys, arguments, says):
    np.savez("empty.npz", other=1.0)
    np.savez("few.npz", k_frac=np.zeros((1, 3)), energy_eV=np.zeros((1, 2)))
    np.savez("nan.npz", k_frac=np.zeros((1, 3)), energy_eV=np.full((1, 6), np.nan))
    (here / "text.npz").write_text("no zip", encoding="ascii")
    (here / "bare").mkdir()
    shutil.copy(DATA / "hbn/hbn_tb.dat.gz", here / "bare")
    code, _, err = called(capsys, "bands", *arguments)
    assert (code, err.count("\n")) == (2, 1)
    assert says in err
    assert not list(here.glob("*_bands"))


def test_labels_give_a_path_where_nothing_else_does(here, capsys):
    (here / "bare").mkdir()
    for end in ("_tb.dat.gz", "_wsvec.dat.gz", "_band.labelinfo.dat"):
        shutil.copy(DATA / f"hbn/hbn{end}", here / "bare")
    code, out, err = called(capsys, "bands", "bare/hbn", "--mesh", "24")
    assert (code, err) == (0, "")
    assert "path Γ–M–K–Γ (from hbn_band.labelinfo.dat)" in out
    assert "no Fermi level" in out
    assert len(said(here / "hbn_bands")["extrema"]) >= 10  # lowest and highest of each band


def test_a_standard_path_comes_from_symmetry(here, capsys):
    pytest.importorskip("seekpath")
    code, out, err = called(capsys, "bands", shipped("si"), "--fermi", "6.2", "--mesh", "8")
    assert (code, err) == (0, "")
    assert "path Γ–X–U|K–Γ–L–W–X (from seekpath)" in out
    assert said(here / "si_bands")["gap"]["gap_eV"] == pytest.approx(0.517, abs=1e-3)
