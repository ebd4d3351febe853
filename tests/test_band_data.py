"""Band data: the same bands of silicon from .npz, Quantum ESPRESSO and VASP; spins; Wannier90's path; every fault in one line."""

import gzip
import shutil
import types

import numpy as np
import pytest
from wannier_files import DATA, outside, shipped
from wannier_files import bands as energies_of

from semijax._types import SemijaxError
from semijax.bands import Structure
from semijax.io import read_bands, read_wannier90, structure_from_ase, structure_from_win
from semijax.io.banddata import read_poscar
from semijax.lattice import reciprocal

ESPRESSO = DATA / "espresso"
SILICON = shipped("si").with_name("si_dft_bands.npz")


# -- .npz and Quantum ESPRESSO ------------------------------------------------------------------------------------------------------


def test_silicon_from_the_table_and_from_the_program():
    """Quantum ESPRESSO 6.7 wrote the XML again, from the same input: its iterations end within 1e-7 eV."""
    table, xml = read_bands(SILICON), read_bands(ESPRESSO / "si.xml")  # the .gz of that name
    np.testing.assert_allclose(xml.energies, table.energies, rtol=0, atol=1e-7)
    np.testing.assert_allclose(xml.k, table.k, atol=1e-12)
    np.testing.assert_allclose(xml.lattice, table.lattice, atol=1e-12)
    raw = np.load(SILICON)
    for one in (table, xml):
        np.testing.assert_allclose(one.cartesian, raw["k_cart_invA"], atol=1e-9)
        np.testing.assert_allclose(one.weights, 1 / 164)
        assert one.fermi == pytest.approx(float(raw["fermi_eV"]), abs=1e-7)
        assert one.spin is None
    assert xml.electrons == 8
    np.testing.assert_array_equal(xml.occupations, np.tile([1.0] * 4 + [0.0] * 8, (164, 1)))
    assert xml.structure.symbols == ("Si", "Si")
    # a quarter of the cube's diagonal of 5.431 Å
    np.testing.assert_allclose(xml.structure.positions[1] - xml.structure.positions[0], 5.431 / 4, atol=1e-9)


def test_both_spins_of_hydrogen():
    """A polarised simple cubic crystal: the energies that pw.x printed, with its four decimals."""
    printed = {
        "up": ([-7.0146, 0.9102, 5.6122, 5.6124], [-5.9826, 3.0914, 3.0914, 3.0914], -6.2194),
        "down": ([-5.6224, 1.6230, 6.0593, 6.0597], [-4.1354, 3.5191, 3.5192, 3.5192], -5.0222),
    }
    for spin, (first, last, fermi) in printed.items():
        data = read_bands(ESPRESSO / "hydrogen.xml", spin=spin)
        np.testing.assert_allclose(data.energies[[0, -1]], [first, last], atol=5.1e-5)
        assert data.fermi == pytest.approx(fermi, abs=5.1e-5)
        np.testing.assert_allclose(data.k, [[0, 0, 0], [0, 0, -0.5], [0, -0.5, -0.5], [-0.5, -0.5, -0.5]], atol=1e-12)
        np.testing.assert_allclose(data.weights, [0.125, 0.375, 0.375, 0.125])
        assert data.spin == spin
    for spin in (None, "both"):
        with pytest.raises(SemijaxError, match=r"hydrogen.xml.gz: energies of two spins, spin = .*: allowed are spin='up' and"):
            read_bands(ESPRESSO / "hydrogen.xml", spin=spin)
    with pytest.raises(SemijaxError, match="si.xml.gz: energies of one spin, spin = 'up': allowed is None"):
        read_bands(ESPRESSO / "si.xml", spin="up")


def test_spinors_and_a_save_directory(tmp_path):
    shutil.copy(ESPRESSO / "si_spin_orbit.xml.gz", tmp_path / "data-file-schema.xml.gz")
    data = read_bands(tmp_path)
    assert data.spin == "spinor"
    assert data.energies.shape == (1, 10)
    np.testing.assert_allclose(data.energies[0, ::2], data.energies[0, 1::2], atol=1e-4)  # Kramers pairs, at L


XML_FAULTS = [
    ("</qes:espresso>", "", r"a.xml:\d+: no well-formed XML \(no element found\): allowed is a whole XML file"),
    ("<qes:espresso", "<!DOCTYPE x><qes:espresso", "a.xml:2: a document type: allowed is XML without one"),
    ("<nbnd_up>4", "<nbnd_up>four", r"a.xml:\d+: 'four': allowed is output/band_structure/nbnd_up, a whole number ≥ 1"),
    ("<nbnd_up>4", "<nbnd_up>3", r"a.xml:\d+: 8 numbers: allowed is bands, 7 of them"),
    ("-2.577835019052412e-1", "x", r"a.xml:\d+: 'x' for bands: allowed is a finite number"),
    ("-2.577835019052412e-1", "nan", r"a.xml:\d+: 'nan' for bands: allowed is a finite number"),
    ('weight="1.250000000000e-1"', 'weight="*"', r"a.xml:\d+: '\*' for the attribute weight: allowed is a finite number"),
    ("<two_fermi_energies>", "<two_fermi_energies>1 ", r"a.xml:\d+: 3 numbers: allowed is Fermi levels, 2 of them"),
    ("<lsda>true", "<lsda>false", "a.xml: energies of one spin, spin = 'up': allowed is None"),
]


@pytest.mark.parametrize(("old", "new", "match"), XML_FAULTS)
def test_what_is_wrong_in_an_xml_is_named(old, new, match, tmp_path):
    text = gzip.decompress((ESPRESSO / "hydrogen.xml.gz").read_bytes()).decode()
    assert old in text
    cut = text.index("<output>")  # the input has elements of the same names
    text = text[:cut].replace(old, new, 1) + text[cut:] if old.startswith("<qes") else text[:cut] + text[cut:].replace(old, new)
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    with pytest.raises(SemijaxError, match=match) as caught:
        read_bands(tmp_path / "a.xml", spin="up")
    assert "\n" not in str(caught.value)


def test_an_xml_of_something_else(tmp_path):
    (tmp_path / "a.xml").write_text("<a><output/></a>", encoding="ascii")
    with pytest.raises(
        SemijaxError, match="a.xml:1: no element output/band_structure/nbnd: allowed is the data-file-schema.xml of"
    ):
        read_bands(tmp_path / "a.xml")
    (tmp_path / "b.xml").write_bytes(b"<a>&lol;</a>")
    with pytest.raises(SemijaxError, match=r"b.xml:1: no well-formed XML \(undefined entity\)"):
        read_bands(tmp_path / "b.xml")
    with pytest.raises(SemijaxError, match="b.xml: lattice = .*: allowed is None, which the file tells"):
        read_bands(tmp_path / "b.xml", lattice=np.eye(3).tolist())


GOOD = {"k_frac": np.zeros((2, 3)), "energy_eV": np.array([[1.0, 0.0], [2.0, 3.0]])}


def test_what_a_table_may_hold(tmp_path):
    more = {"weight": [3.0, 1.0], "occupation": [[0.0, 1.0], [1.0, 0.0]], "fermi_eV": np.nan, "electrons": 2.0}
    np.savez(tmp_path / "a.npz", **GOOD, **more)
    data = read_bands(tmp_path / "a.npz", lattice=2 * np.eye(3))
    np.testing.assert_array_equal(data.energies, [[0, 1], [2, 3]])
    np.testing.assert_array_equal(data.occupations, [[1, 0], [1, 0]])  # they move along with the energies
    np.testing.assert_array_equal(data.weights, [0.75, 0.25])
    assert (data.fermi, data.electrons, data.lattice[0, 0]) == (None, 2.0, 2.0)
    with pytest.raises(SemijaxError, match=r"a.npz: no lattice, so that k are fractions: allowed is read_bands\(..., lattice="):
        _ = read_bands(tmp_path / "a.npz").cartesian


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"k_frac": None}, r"a.npz: no array k_frac: allowed is a .npz with arrays k_frac \[m 3\] and energy_eV"),
        ({"energy_eV": [1.0, 2.0]}, r"energy_eV \(2,\): allowed are finite numbers \[m bands\]"),
        ({"energy_eV": [[np.nan]]}, r"energy_eV \(1, 1\): allowed are finite numbers"),
        ({"k_frac": np.zeros((3, 3))}, r"k_frac \(3, 3\), energy_eV \(2, 2\): allowed is k_frac \[m 3\]"),
        ({"cell_A": np.ones((3, 3))}, r"lattice = .*: allowed are three independent rows, Å"),
        ({"cell_A": np.eye(2)}, r"cell_A \(2, 2\), energy_eV \(2, 2\): allowed is cell_A \[3 3\]"),
        ({"cell_A": np.eye(3), "k_cart_invA": np.ones((2, 3))}, "k_cart_invA is 1 1/Å off k_frac times the reciprocal vectors"),
        ({"weight": [0.0, 0.0]}, "weight: not all ≥ 0, or none > 0: allowed are weights"),
        ({"weight": [[1.0, 1.0]]}, r"weight \(1, 2\): allowed are finite numbers \[m\]"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(changes, match, tmp_path):
    np.savez(tmp_path / "a.npz", **{key: value for key, value in (GOOD | changes).items() if value is not None})
    with pytest.raises(SemijaxError, match=match):
        read_bands(tmp_path / "a.npz")


# -- VASP -------------------------------------------------------------------------------------------------------------------------------


def eigenval(k, energies, occupations=None, spins=1, electrons=8):
    """An EIGENVAL as VASP 5 (with occupations) or 4 writes it; energies and occupations [m n spins]."""
    head = [f"    2    2    1{spins:5d}", "  0.2001288E+02  0.3839590E-09  0.3839590E-09  0.3839590E-09  0.5000000E-15"]
    lines = [*head, "  1.000000000000000E-004", "  CAR ", " unknown system", f"{electrons:5d}{len(k):5d}{energies.shape[1]:5d}"]
    for i, one in enumerate(k):
        lines += [" ", "".join(f"{x:15.7E}" for x in (*one, 1 / len(k)))]
        for band, row in enumerate(energies[i]):
            more = [] if occupations is None else occupations[i, band]
            lines.append(f"{band + 1:4d}" + "".join(f"{x:16.6f}" for x in row) + "".join(f"{x:11.6f}" for x in more))
    return "\n".join(lines) + "\n"


POSCAR = """silicon
5.431
-0.5 0.0 0.5
0.0 0.5 0.5
-0.5 0.5 0.0
Si
2
Direct
0.0 0.0 0.0
-0.25 0.75 -0.25
"""


@pytest.mark.parametrize("occupied", [False, True])
def test_silicon_as_vasp_writes_it(occupied, tmp_path):
    table = read_bands(SILICON)
    filled = np.tile([1.0] * 4 + [0.0] * 8, (164, 1))[:, :, None] if occupied else None
    (tmp_path / "EIGENVAL").write_text(eigenval(table.k, table.energies[:, :, None], filled), encoding="ascii")
    (tmp_path / "POSCAR").write_text(POSCAR, encoding="ascii")
    (tmp_path / "CONTCAR").touch()  # VASP leaves it empty until it is done
    data = read_bands(tmp_path)
    np.testing.assert_allclose(data.energies, table.energies, rtol=0, atol=5.1e-7)
    np.testing.assert_allclose(data.cartesian, table.cartesian, atol=1e-6)
    np.testing.assert_allclose(data.structure.positions[1], [1.35775] * 3, atol=1e-12)
    assert (data.electrons, data.fermi, data.occupations is None) == (8, None, not occupied)
    alone = read_bands(tmp_path / "EIGENVAL", lattice=np.eye(3))
    np.testing.assert_array_equal(alone.lattice, np.eye(3))


@pytest.mark.parametrize("occupied", [False, True])
def test_two_spins_as_vasp_writes_them(occupied, tmp_path):
    rng = np.random.default_rng(0)
    energies, filled = np.sort(rng.normal(size=(3, 4, 2)), axis=1), rng.integers(0, 2, (3, 4, 2)).astype(float)
    (tmp_path / "EIGENVAL").write_text(
        eigenval(rng.uniform(size=(3, 3)), energies, filled if occupied else None, 2), encoding="ascii"
    )
    for i, spin in enumerate(("up", "down")):
        data = read_bands(tmp_path / "EIGENVAL", spin=spin)
        np.testing.assert_allclose(data.energies, energies[..., i], atol=5.1e-7)
        assert data.lattice is None
        if occupied:
            np.testing.assert_array_equal(data.occupations, filled[..., i])
    with pytest.raises(SemijaxError, match="EIGENVAL: energies of two spins, spin = None: allowed are spin='up' and spin='down'"):
        read_bands(tmp_path / "EIGENVAL")


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("    2    2    1    1", "    2    2    1", "EIGENVAL:1: '2 2 1': allowed is four whole numbers, the last ISPIN, 1 or 2"),
        ("    8    2    2", "    8    2", "EIGENVAL:6: 2 words: allowed is numbers of electrons, k-points and bands"),
        ("    8    2    2", "    8 200000000 2", "EIGENVAL:6: 3 words: allowed is numbers of"),
        ("    8    2    2", "    8 20000000 2", r"EIGENVAL:6: the header asks for \d+ numbers, the file has \d+ bytes more"),
        ("    8    2    2", "    8    3    2", "EIGENVAL:14: the file ends before a k-point: allowed is a file with a k-point"),
        ("  5.0000000E-01", "", r"EIGENVAL:8: 3 words: allowed is k and its weight, 4 numbers"),
        ("  5.0000000E-01", "  ****", r"EIGENVAL:8: '\*\*\*\*' for k or its weight: allowed is a finite number"),
        (
            "       -1.000000",
            "       -1.000000 1.0 2.0 3.0",
            "EIGENVAL:9: 5 words: allowed is 2 or 3, as in other lines, that begin with",
        ),
        (
            "   2        3.000000",
            "   3        3.000000",
            "EIGENVAL:10: 2 words: allowed is 2 or 3, .* begin with the band's number 2",
        ),
    ],
)
def test_what_is_wrong_in_an_eigenval_is_named(old, new, match, tmp_path):
    text = eigenval([[0.5, 0.5, 0.5], [0.0, 0.0, 0.0]], np.array([[[-1.0], [3.0]], [[0.0], [2.0]]]))
    assert old in text
    (tmp_path / "EIGENVAL").write_text(text.replace(old, new, 1), encoding="ascii")
    with pytest.raises(SemijaxError, match=match):
        read_bands(tmp_path / "EIGENVAL")


def test_a_cell_as_vasp_writes_it(tmp_path):
    path = tmp_path / "POSCAR"
    known = Structure.fractional(
        5.431 / 2 * np.array([[-1, 0, 1], [0, 1, 1], [-1, 1, 0]]), ("Si", "Si"), [[0, 0, 0], [-0.25, 0.75, -0.25]]
    )
    volume = abs(np.linalg.det(known.lattice))
    cartesian = POSCAR.replace("Direct", "Selective\ncartesian").replace("-0.25 0.75 -0.25", "0.25 0.25 0.25 T T T")
    for text in (POSCAR, POSCAR.replace("5.431", f"{-volume:.12f}"), cartesian):
        path.write_text(text, encoding="ascii")
        found = read_poscar(path)
        np.testing.assert_allclose(found.lattice, known.lattice, atol=1e-9)
        np.testing.assert_allclose(found.positions, known.positions, atol=1e-9)
    for old, new, match in (
        ("5.431", "0.0", "POSCAR:5: scale 0, lattice .*: allowed is a scale ≠ 0 and three independent rows"),
        ("Si\n", "", "POSCAR:6: '2': allowed is a line of names of species, as VASP 5 writes it"),
        ("-0.25 0.75 -0.25", "-0.25 0.75", "POSCAR:10: 2 words: allowed is three coordinates of an atom"),
    ):
        path.write_text(POSCAR.replace(old, new), encoding="ascii")
        with pytest.raises(SemijaxError, match=match):
            read_poscar(path)


# -- Wannier90's path, structures --------------------------------------------------------------------------------------------------------


def test_a_written_path_of_wannier90(tmp_path):
    prefix = tmp_path / "a"
    (tmp_path / "a_band.kpt").write_text("3\n 0.0 0.0 0.0 1.0\n 0.166666 0.0 0.0 1.0\n 0.333333 0.0 0.0 1.0\n", encoding="ascii")
    rows = [f"{0.1 * i:16.8E}{e:16.8E}" for band in ([1.0, 2.0, 3.0], [0.0, 4.0, 5.0]) for i, e in enumerate(band)]
    (tmp_path / "a_band.dat").write_text("\n".join(rows[:3] + [""] + rows[3:]) + "\n\n", encoding="ascii")
    data = read_bands(prefix)
    np.testing.assert_array_equal(data.energies, [[0, 1], [2, 4], [3, 5]])
    assert (data.lattice, data.structure, data.fermi) == (None, None, None)
    assert data.k[1, 0] == 0.166666
    label = "{} {} {} {} 0.0 0.0\n"
    corners = label.format("G", 1, 0.0, 0.0) + label.format("K", 3, 0.2, 1 / 3)
    (tmp_path / "a_band.labelinfo.dat").write_text(corners, encoding="ascii")
    np.testing.assert_allclose(read_bands(prefix).k[:, 0], [0, 1 / 6, 1 / 3], atol=1e-15)
    for text, match in (
        (
            "3\n 0.0 0.0 0.0 1.0\n 0.1 0.0 0.0\n 0.3 0.0 0.0 1.0\n",
            "a_band.kpt:3: 3 words: allowed is k and its weight, 4 numbers",
        ),
        ("3\n 0.0 0.0 0.0 1.0\n 0.1 0.0 x 1.0\n 0.3 0.0 0.0 1.0\n", "a_band.kpt:3: 'x': allowed is a number"),
        ("2\n 0.0 0.0 0.0 1.0\n 0.1 0.0 0.0 1.0\n 0.3 0.0 0.0 1.0\n", "a_band.kpt:4: 4 words: allowed is the end of the file"),
        ("x\n", "a_band.kpt:1: 'x' for the number of k-points: allowed is a whole number"),
        ("2\n 0.0 0.0 0.0 1.0\n 0.1 0.0 0.0 1.0\n", "a_band.dat:1: 12 numbers: allowed is two for each of 2 k"),
    ):
        (tmp_path / "a_band.kpt").write_text(text, encoding="ascii")
        if "a_band.dat" in match:
            (tmp_path / "a_band.dat").write_text("\n".join(rows[:5]), encoding="ascii")
            match = match.replace("12", "10")
        with pytest.raises(SemijaxError, match=match):
            read_bands(prefix)


@pytest.mark.parametrize("name", ["si", "graphene"])
def test_the_path_of_a_material(name):
    prefix = outside("dft", name, name)
    data = read_bands(prefix)
    model = read_wannier90(prefix)
    # energies of eight digits, k put back between the corners, which have ten
    np.testing.assert_allclose(data.energies, energies_of(model, data.k), rtol=0, atol=2e-6)
    np.testing.assert_allclose(data.lattice, model.lattice, atol=1e-6)
    assert len(data.structure.symbols) == 2


def test_structures_of_others():
    win = structure_from_win(shipped("graphene"))
    assert win.symbols == ("C", "C")
    assert win.lattice.shape == (3, 3)
    atoms = types.SimpleNamespace(cell=win.lattice, pbc=[True, True, False], positions=win.positions)
    atoms.get_chemical_symbols = lambda: ["C", "C"]
    layer = structure_from_ase(atoms)
    np.testing.assert_array_equal(layer.lattice, win.lattice[:2])
    np.testing.assert_array_equal(layer.positions, win.positions)
    np.testing.assert_allclose(np.linalg.norm(reciprocal(layer.lattice)[0]), 4 * np.pi / (3**0.5 * 2.46), rtol=1e-6)
    with pytest.raises(SemijaxError, match="cell_from_ase: int has no cell and pbc: allowed is an ASE Atoms"):
        structure_from_ase(1)
    with pytest.raises(SemijaxError, match="structure_from_ase: SimpleNamespace has no atoms: allowed is an ASE Atoms"):
        structure_from_ase(types.SimpleNamespace(cell=np.eye(3), pbc=[True] * 3))


def test_a_win_without_atoms(tmp_path):
    (tmp_path / "a.win").write_text("begin unit_cell_cart\n1 0 0\n0 1 0\n0 0 1\nend unit_cell_cart\n", encoding="ascii")
    with pytest.raises(
        SemijaxError, match="structure_from_win: no atoms_frac or atoms_cart: allowed is a .win with a cell and atoms"
    ):
        structure_from_win(tmp_path / "a")


def test_what_is_no_band_data(tmp_path):
    for name in ("nothing", "nothing.txt"):
        with pytest.raises(
            SemijaxError, match=f"{name}: no band data: allowed is a .npz, a data-file-schema.xml or its directory"
        ):
            read_bands(tmp_path / name)
    for name, match in (("a.npz", "No such file"), ("a.xml", "no such file"), ("EIGENVAL", "no such file")):
        with pytest.raises(SemijaxError, match=f"{name}: {match}"):
            read_bands(tmp_path / name)
