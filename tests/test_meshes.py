"""Energies on meshes: BXSF comes back and agrees with its Hamiltonian, FRMSF holds what FermiSurfer reads, tables say what is wrong."""

import gzip

import numpy as np
import pytest
from wannier_files import bands as energies_of
from wannier_files import outside

from semijax._types import SemijaxError
from semijax.io import read_bxsf, read_table, read_wannier90, write_bxsf, write_frmsf

FCC = 1.805 * np.array([[-1.0, 0, 1], [0, 1, 1], [-1, 1, 0]])


def energies(shape=(2, 3, 4, 5)):
    """Made-up energies that no two points share."""
    return np.random.default_rng(0).normal(size=shape)


def test_bxsf_comes_back(tmp_path):
    made = energies()
    write_bxsf(tmp_path / "a.bxsf", FCC, made, 0.25, labels=["x2", "y2"])
    mesh = read_bxsf(tmp_path / "a.bxsf")
    # thirteen digits of energies are written, sixteen of vectors, whose inverse loses a few
    np.testing.assert_allclose(mesh.energies, made, rtol=1e-12)
    np.testing.assert_allclose(mesh.lattice, FCC, rtol=0, atol=1e-13)
    assert (mesh.fermi, mesh.labels) == (0.25, ("x2", "y2"))
    (tmp_path / "b.bxsf.gz").write_bytes(gzip.compress((tmp_path / "a.bxsf").read_bytes()))
    np.testing.assert_array_equal(read_bxsf(tmp_path / "b.bxsf").energies, mesh.energies)
    scaled = read_bxsf(tmp_path / "a.bxsf", wavevector=2.0, energy=13.6)
    np.testing.assert_allclose(scaled.lattice, FCC / 2, atol=1e-13)
    np.testing.assert_allclose(scaled.energies, 13.6 * mesh.energies)
    assert scaled.fermi == 13.6 * 0.25
    write_bxsf(tmp_path / "c.bxsf", FCC, made, 0)
    assert read_bxsf(tmp_path / "c.bxsf").labels == ("1", "2")


@pytest.mark.parametrize("place", ["dft/cu/cu", "w90_tutorial/copper/copper", "w90_tutorial/lead/lead"])
def test_bxsf_of_wannier90_is_its_hamiltonian(place):
    prefix = outside(place)
    # Wannier90 3.1 leaves hoppings at their own R when it draws a Fermi surface: its energies are 0.16 to 1.1 eV off its own bands.
    mesh, model = read_bxsf(f"{prefix}.bxsf"), read_wannier90(prefix, minimal_distance=False)
    n = mesh.energies.shape[1:]
    points = np.stack(np.meshgrid(*(np.arange(m) / m for m in n), indexing="ij"), axis=-1).reshape(-1, 3)
    some = np.random.default_rng(0).permutation(len(points))[:300]
    found = np.stack([band.ravel()[some] for band in mesh.energies], axis=1)
    # the file has eight digits of up to 40 eV
    np.testing.assert_allclose(found, energies_of(model, points[some]), rtol=0, atol=1e-6)
    np.testing.assert_allclose(mesh.lattice, model.lattice, atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("Fermi Energy: 0.25", "", "a.bxsf:7: no line `Fermi Energy:` before it: allowed is a file with one"),
        ("Fermi Energy: 0.25", "Fermi Energy: *", r"a.bxsf:3: '\*' for the Fermi level: allowed is a finite number"),
        ("BEGIN_BANDGRID_3D", "nothing", r"a.bxsf:\d+: the file ends before BEGIN_BANDGRID_3D: "),
        ("\n4 5 6\n", "\n4 1 6\n", r"a.bxsf:9: 4 1 6 points: allowed is whole numbers ≥ 2"),
        ("\n4 5 6\n", "\n4 5.5 6\n", r"a.bxsf:9: 4 5.5 6 points: allowed is whole numbers ≥ 2"),
        ("\n4 5 6\n", "\n4 7 6\n", r"a.bxsf:14: 120 energies: allowed is 4 × 7 × 6"),
        ("\n4 5 6\n", "\n400000 500000 600000\n", r"a.bxsf:13: the header asks for \d+ numbers, the file has \d+ bytes more"),
        ("0.0 0.0 0.0", "0.5 0.0 0.0", r"a.bxsf:10: an origin elsewhere: allowed is 0 0 0"),
        ("BAND: 2", "BAND", r"a.bxsf:\d+: 'BAND': allowed is a number"),
        ("BAND: 2", "BAND: 2 3", r"a.bxsf:135: 3 words: allowed is BAND: and a label"),
        ("END_BANDGRID_3D", "", r"a.bxsf:135: the band does not end"),
        ("\n7.0", "\n8.0", r"a.bxsf:14: the ends of the mesh differ by 1: allowed is the first point again as the last"),
        ("\n7.0", "\nnan\n", r"a.bxsf:15: 'nan': allowed is a finite number"),
    ],
)
def test_what_is_wrong_in_a_bxsf_is_named(old, new, match, tmp_path):
    made = energies()
    made[0, 0, 0, 0] = 7.0
    write_bxsf(tmp_path / "a.bxsf", FCC, made, 0.25)
    text = (tmp_path / "a.bxsf").read_text(encoding="ascii")
    assert old in text
    (tmp_path / "a.bxsf").write_text(text.replace(old, new, 1), encoding="ascii")
    with pytest.raises(SemijaxError, match=match):
        read_bxsf(tmp_path / "a.bxsf")


@pytest.mark.parametrize("components", [None, 0, 1, 3])
def test_frmsf_holds_grid_vectors_energies_and_colour(components, tmp_path):
    made = energies()
    colour = None if components is None else energies((2, 3, 4, 5, components) if components else (2, 3, 4, 5))
    write_frmsf(tmp_path / "a.frmsf", FCC, made, colour, fermi=0.25)
    head, rest = (tmp_path / "a.frmsf").read_text(encoding="ascii").split("\n")[:6], np.loadtxt(tmp_path / "a.frmsf", skiprows=6)
    assert head[:3] == ["3 4 5", "1", "2"]
    vectors = np.array([line.split() for line in head[3:]], dtype=float)
    np.testing.assert_allclose(FCC @ vectors.T, 2 * np.pi * np.eye(3), atol=1e-13)
    parts = rest.reshape(-1, 2, 3, 4, 5)  # the last index fastest; components one after another
    np.testing.assert_allclose(parts[0], made - 0.25, rtol=0, atol=1e-11)
    expected = [] if colour is None else colour.reshape(2, 3, 4, 5, -1).transpose(4, 0, 1, 2, 3)
    np.testing.assert_allclose(parts[1:], np.reshape(expected, (-1, 2, 3, 4, 5)), rtol=0, atol=1e-11)


def test_what_cannot_be_written_is_refused(tmp_path):
    path, made = tmp_path / "a", energies()
    for call, match in (
        (lambda: write_bxsf(path, np.eye(2), made, 0.0), r"write_bxsf: lattice = .*: allowed are three independent rows in Å"),
        (
            lambda: write_bxsf(path, FCC, made[0], 0.0),
            r"write_bxsf: energies have shape \(3, 4, 5\): allowed is \[bands n1 n2 n3\]",
        ),
        (lambda: write_bxsf(path, FCC, np.where(made > 0, np.nan, made), 0.0), "write_bxsf: energies: not all of it are finite"),
        (lambda: write_bxsf(path, FCC, made + 0j, 0.0), "write_bxsf: energies: not all of it are finite real numbers"),
        (lambda: write_bxsf(path, FCC, made, [0.0]), r"write_bxsf: fermi has shape \(1,\): allowed is one number in eV"),
        (lambda: write_bxsf(path, FCC, made, 0.0, ["a"]), "write_bxsf: labels = .*: allowed is one word for each of 2 bands"),
        (lambda: write_bxsf(path, FCC, made, 0.0, ["a", "b c"]), "write_bxsf: labels = .*: allowed is one word for each"),
        (
            lambda: write_frmsf(path, FCC, made, made[0]),
            r"write_frmsf: colour has shape \(3, 4, 5\): allowed is \(2, 3, 4, 5\), or",
        ),
        (lambda: write_frmsf(path, FCC, made, energies((2, 3, 4, 5, 4))), "write_frmsf: colour has shape"),
        (lambda: write_frmsf(path, FCC, made, None, np.inf), "write_frmsf: fermi: not all of it are finite"),
    ):
        with pytest.raises(SemijaxError, match=match):
            call()
    assert list(tmp_path.iterdir()) == []


def test_tables_are_what_sampled_takes(tmp_path):
    made = energies((3, 4))
    np.savez(tmp_path / "a.npz", lattice=np.eye(2, dtype=np.float32), energies=made, note="x")
    lattice, found = read_table(tmp_path / "a.npz")
    assert lattice.dtype == found.dtype == np.float64
    np.testing.assert_array_equal(found, made)
    np.savez(tmp_path / "b.npz", lattice=[[2.0, 0.0, 0.0], [0.0, 3.0, 0.0]], energies=energies((5, 3, 4)))
    lattice, found = read_table(tmp_path / "b.npz", index=2)
    assert lattice.shape == (2, 3)
    np.testing.assert_array_equal(found, energies((5, 3, 4))[2])


@pytest.mark.parametrize(
    ("arrays", "index", "match"),
    [
        ({"lattice": np.eye(2)}, None, "a.npz: arrays lattice: allowed are lattice and energies"),
        (
            {"lattice": np.eye(2), "energies": energies((2, 3, 4))},
            None,
            r"a.npz: energies have shape \(2, 3, 4\): allowed is \[n1 ",
        ),
        (
            {"lattice": np.eye(2), "energies": energies((2, 3, 4))},
            2,
            r"a.npz: index = 2 of energies \(2, 3, 4\): allowed is a band",
        ),
        ({"lattice": np.eye(2), "energies": energies((3, 4))}, 0, r"a.npz: index = 0 of energies \(3, 4\): allowed is a band"),
        (
            {"lattice": np.eye(2), "energies": np.full((3, 4), np.nan)},
            None,
            "a.npz: energies: not all of it are finite real numbers",
        ),
        (
            {"lattice": np.eye(2), "energies": np.full((3, 4), "a")},
            None,
            "a.npz: energies: not all of it are finite real numbers",
        ),
        (
            {"lattice": np.ones((2, 2)), "energies": energies((3, 4))},
            None,
            "a.npz: lattice = .*: allowed are p ≤ d independent rows",
        ),
        ({"lattice": np.ones(2), "energies": energies((3, 4))}, None, "a.npz: lattice = .*: allowed are p ≤ d independent rows"),
        (
            {"lattice": np.eye(2), "energies": np.array([[1, None]], dtype=object)},
            None,
            r"a.npz: cannot be read \(.*allow_pickle",
        ),
    ],
)
def test_what_is_wrong_in_a_table_is_named(arrays, index, match, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(SemijaxError, match=match):
        read_table(tmp_path / "a.npz", index)


def test_what_is_no_table_is_named(tmp_path):
    np.save(tmp_path / "array.npy", np.eye(2))
    (tmp_path / "text.npz").write_text("no", encoding="ascii")
    np.savez(tmp_path / "cut.npz", lattice=np.eye(2), energies=energies((30, 40)))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:2000])
    for name in ("array.npy", "text.npz", "cut.npz", "none.npz"):
        with pytest.raises(
            SemijaxError, match=rf"{name}: cannot be read \(.*\): allowed is a .npz with arrays lattice and energies"
        ):
            read_table(tmp_path / name)
