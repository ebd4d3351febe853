"""What is wrong in a file of Wannier90 is named by file and line; no file whatever ends in anything but a model or a SemijaxError."""

import gzip
import re
import shutil
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wannier_files import centres_text, hr_text, shipped, tb_text, valid, win_text, wsvec_text

from semijax._types import SemijaxError
from semijax.io import read_labelinfo, read_wannier90, read_win

ENDS = {"tb": "_tb.dat", "hr": "_hr.dat", "wsvec": "_wsvec.dat", "win": ".win", "centres": "_centres.xyz"}
SETS = {  # which files a read needs, the Hamiltonian first
    "tb": {"tb": tb_text, "wsvec": wsvec_text},
    "hr": {"hr": hr_text, "wsvec": wsvec_text, "win": win_text, "centres": centres_text},
    "grid": {"tb": tb_text, "win": win_text},
}


def write(tmp_path, which, **changed):
    """A prefix with the files of a set, some of them changed: text or bytes."""
    for key, text in SETS[which].items():
        content = changed.get(key, text())
        (tmp_path / f"x{ENDS[key]}").write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path / "x"


def refused(prefix, match, **arguments):
    """Whether a read ends in a SemijaxError of one line that begins with the place and matches."""
    with warnings.catch_warnings(), pytest.raises(SemijaxError) as caught:
        warnings.simplefilter("ignore")
        read_wannier90(prefix, **arguments)
    said = str(caught.value).removeprefix(f"{prefix.parent}/")
    assert "\n" not in said and "allowed" in said
    assert re.search(match, said), said
    return True


def line(text, number, new):
    """The text with line `number`, from 1, replaced; None takes it out."""
    lines = text.split("\n")
    lines[number - 1 : number] = [] if new is None else [new]
    return "\n".join(lines)


def cut(text, lines):
    """The first lines of a text."""
    return "\n".join(text.split("\n")[:lines]) + "\n"


HR = {
    "empty": ("", r"^x_hr.dat:1: the file ends before a comment: "),
    "only a comment": ("c\n", r"^x_hr.dat:1: the file ends before num_wann: "),
    "no count": (line(hr_text(), 2, "  two"), r"^x_hr.dat:2: 'two' for num_wann: allowed is a whole number ≥ 1$"),
    "negative count": (line(hr_text(), 3, "  -3"), r"^x_hr.dat:3: '-3' for nrpts: "),
    "two counts": (line(hr_text(), 2, "  2 3"), r"^x_hr.dat:2: '2 3' for num_wann: allowed is one number$"),
    "ndegen 0": (line(hr_text(), 4, "    2    0    2"), r"^x_hr.dat:4: '0' for ndegen: allowed is 3 whole numbers ≥ 1$"),
    "too few ndegen": (line(hr_text(), 4, "    2    1"), r"^x_hr.dat:5: '-1' for ndegen: "),
    "truncated": (
        cut(hr_text(), 13),
        r"^x_hr.dat:13: the file ends here, truncated: allowed is another line, with R a b Re H Im H$",
    ),
    "truncated in a line": (hr_text()[:-16], r"^x_hr.dat:16: 6 words: allowed is R a b Re H Im H, 7 numbers$"),
    "a line short": (line(hr_text(), 7, "   -1    0    0    1    2    0.400000"), r"^x_hr.dat:7: 6 words: "),
    "a line too many": (hr_text() + " 0 0 0 1 1 0.0 0.0\n", r"^x_hr.dat:17: 7 words: allowed is the end of the file"),
    "more R than there are": (line(line(hr_text(), 3, "  4"), 4, " 2 1 2 1"), r"^x_hr.dat:16: the file ends here, truncated: "),
    "stars": (
        line(hr_text(), 6, "   -1    0    0    2    1************    0.000000"),
        r"^x_hr.dat:6: '1\*+': allowed is a number$",
    ),
    "lone stars": (
        line(hr_text(), 6, "   -1    0    0    2    1 ****    0.000000"),
        r"^x_hr.dat:6: '\*\*\*\*': allowed is a number$",
    ),
    "underscores": (line(hr_text(), 6, "   -1    0    0    2    1 1_0    0.000000"), r"^x_hr.dat:6: '1_0': allowed is a number$"),
    "NaN": (line(hr_text(), 6, "   -1    0    0    2    1  NaN    0.000000"), r"^x_hr.dat:6: 'NaN': allowed is a finite number$"),
    "infinite": (
        line(hr_text(), 6, "   -1    0    0    2    1 1D999    0.000000"),
        r"^x_hr.dat:6: '1D999': allowed is a finite number$",
    ),
    "index": (
        line(hr_text(), 6, "   -1    0    0    3    1    0.4    0.0"),
        r"^x_hr.dat:6: 3: allowed is a whole number from 1 to 2$",
    ),
    "index 0": (
        line(hr_text(), 6, "   -1    0    0    2    0    0.4    0.0"),
        r"^x_hr.dat:6: 0: allowed is a whole number from 1 to 2$",
    ),
    "broken index": (
        line(hr_text(), 6, "   -1    0    0  1.5    1    0.4    0.0"),
        r"^x_hr.dat:6: 1.5: allowed is a whole number",
    ),
    "broken R": (line(hr_text(), 6, " -0.5    0    0    2    1    0.4    0.0"), r"^x_hr.dat:6: -0.5: allowed is a whole number"),
    "far R": (
        line(hr_text(), 6, " -1e9    0    0    2    1    0.4    0.0"),
        r"^x_hr.dat:6: -1e9: allowed is a whole number from -99999 to",
    ),
    "pair twice": (
        line(hr_text(), 6, "   -1    0    0    1    1    0.4    0.0"),
        r"^x_hr.dat:6: a, b = 1 1 a second time for one R: ",
    ),
    "R mixed": (
        line(hr_text(), 6, "    2    0    0    2    1    0.4    0.0"),
        r"^x_hr.dat:6: R = 2 0 0 after 1 lines of R = -1 0 0: allowed is 4 ",
    ),
    "R twice": (
        hr_text().replace("    1    0    0", "    0    0    0"),
        r"^x_hr.dat:13: R = 0 0 0 a second time: allowed is each R once$",
    ),
    "not Hermitian": (  # out by 3e-5, halved by the weight of R
        line(hr_text(), 7, "   -1    0    0    1    2    0.020030   -0.030000"),
        r"^x_hr.dat: R = -1 0 0: \|H\(R\) − H\(−R\)†\| = 1.5e-05 eV, weights and replicas put in: allowed is ≤ 1e-05, what printing",
    ),
    "unequal weights": (line(hr_text(), 4, "    2    1    1"), r"^x_hr.dat: R = -1 0 0: \|H\(R\) − H\(−R\)†\| = 0.2 eV"),
    "asks for too much": (
        line(line(hr_text(), 2, "90000"), 3, "90000"),
        r"^x_hr.dat:3: the header asks for \d+ numbers, the file has \d+ bytes",
    ),
    "binary": (b"\0\1" + hr_text().encode(), r"^x_hr.dat:1: a byte 0, so it is not text: allowed is a text file, plain or .gz$"),
    "not numbers": (cut(hr_text(), 4) + "ä " * 84, r"^x_hr.dat:5: '\\xc3\\xa4': allowed is a number$"),
}

TB = {
    "lattice of two": (line(tb_text(), 3, " 1.0 2.0"), r"^x_tb.dat:3: 2 words: allowed is a lattice vector \[Å\], 3 numbers$"),
    "lattice of words": (
        line(tb_text(), 3, " 1.0 2.0 x"),
        r"^x_tb.dat:3: 'x' for a lattice vector \[Å\]: allowed is a finite number$",
    ),
    "flat lattice": (line(tb_text(), 3, " 3.0 0.0 0.0"), r"^x_tb.dat:4: lattice vectors .*: allowed is three independent ones$"),
    "truncated in H": (
        cut(tb_text(), 18),
        r"^x_tb.dat:18: the file ends here, truncated: allowed is another line, with a b Re H Im H$",
    ),
    "truncated in r": (cut(tb_text(), 38), r"^x_tb.dat:37: the file ends here, truncated: allowed is another line, with R$"),
    "H line short": (line(tb_text(), 17, "    1    2  2.5E-01"), r"^x_tb.dat:17: 3 words: allowed is a b Re H Im H, 4 numbers$"),
    "R line short": (line(tb_text(), 15, "0 0"), r"^x_tb.dat:15: 2 words: allowed is R, 3 numbers$"),
    "position line short": (
        line(tb_text(), 30, "    1    2 0.1 0.0 0.0"),
        r"^x_tb.dat:30: 5 words: allowed is a b and the complex x y z",
    ),
    "position NaN": (line(tb_text(), 30, "    1    2 0.1 0.0 0.0 nan 0 0"), r"^x_tb.dat:30: 'nan': allowed is a finite number$"),
    "position index": (
        line(tb_text(), 30, "    1    7 0.1 0.0 0.0 0.0 0 0"),
        r"^x_tb.dat:30: 7: allowed is a whole number from 1 to 2$",
    ),
    "other R": (line(tb_text(), 33, "0 0 1"), r"^x_tb.dat:33: R = 0 0 1: allowed is R = 0 0 0, in the order of the energies$"),
    "not Hermitian": (
        line(tb_text(), 13, "    2    2  2.0E-01  3.0E-01"),
        r"^x_tb.dat: R = -1 0 0: \|H\(R\) − H\(−R\)†\| = 0.25 eV",
    ),
    "no R = 0": (re.sub(r"\n0 0 0\n", "\n5 0 0\n", tb_text()), r"^x_tb.dat: no R = 0 0 0: "),
}
WSVEC = {
    "empty": ("", r"^x_wsvec.dat:\d+: 0 records of R a b: allowed is 12 of them"),
    "truncated": (cut(wsvec_text(), 20), r"^x_wsvec.dat:20: .*: allowed is 12 of them, each with its number of T and as many T$"),
    "no replicas": (
        line(wsvec_text(), 3, "    0"),
        r"^x_wsvec.dat:2: R a b = -1 0 0 1 1 with 0 replicas: allowed is a and b from 1 to 2",
    ),
    "index": (
        line(wsvec_text(), 2, "   -1    0    0    1    3"),
        r"^x_wsvec.dat:2: R a b = -1 0 0 1 3 with 2 replicas: allowed is a and b",
    ),
    "foreign R": (
        line(wsvec_text(), 2, "   -1    0    7    1    1"),
        r"^x_wsvec.dat:2: R = -1 0 7: allowed is an R of the Hamiltonian$",
    ),
    "twice": (
        line(wsvec_text(), 6, "   -1    0    0    1    1"),
        r"^x_wsvec.dat:6: R a b = -1 0 0 1 1 a second time: allowed is each once$",
    ),
    "stars": (line(wsvec_text(), 4, "*****    0    0"), r"^x_wsvec.dat:4: '\*\*\*\*\*': allowed is a number$"),
    "broken T": (
        line(wsvec_text(), 4, "  0.5    0    0"),
        r"^x_wsvec.dat:4: 0.5: allowed is a whole number from −99999 to 99999$",
    ),
    "one sided": (line(wsvec_text(), 8, "    2    0    0"), r"^x_wsvec.dat: R = -1 0 0: \|H\(R\) − H\(−R\)†\| = "),
}

WIN = {
    "no end": (
        win_text().replace("end unit_cell_cart", ""),
        r"^x.win:\d+: begin atoms_frac, inside of unit_cell_cart: allowed is each block",
    ),
    "never ended": (win_text() + "begin kpoints\n", r"^x.win:17: kpoints has no end: allowed is a line `end kpoints`$"),
    "end alone": (win_text() + "end kpoints\n", r"^x.win:17: end kpoints: allowed is each block begun and ended once"),
    "twice": (win_text() + "begin atoms_frac\nend atoms_frac\n", r"^x.win:17: begin atoms_frac: allowed is each block begun"),
    "unit": (win_text().replace("\nang\n", "\nparsec\n"), r"^x.win:4: unit 'parsec': allowed is ang or bohr$"),
    "flat cell": (
        win_text().replace("0.0 4.0 0.0", "3.0 0.0 0.0"),
        r"^x.win:7: unit_cell_cart = .*: allowed is three independent rows",
    ),
    "short cell": (win_text().replace("0.0 4.0 0.0\n", "0.0 4.0\n"), r"^x.win:6: 2 words: allowed is three numbers$"),
    "atom": (win_text().replace("B 0.4 0.0", "B 0.4 x"), r"^x.win:11: 'x' for a coordinate: allowed is a finite number$"),
    "path": (
        win_text().replace(" X 0.5 0.0 0.0", " X 0.5"),
        r"^x.win:14: 6 words of kpoint_path: allowed is a label and k in three",
    ),
    "grid": (win_text().replace("2 1 1", "2 0 1"), r"^x.win:16: mp_grid = '2 0 1': allowed is three whole numbers ≥ 1$"),
    "another grid": (
        win_text().replace("2 1 1", "4 1 1"),
        r"x.win: mp_grid = \(4, 1, 1\): allowed is one that the 3 R of .*x_tb.dat stand for$",
    ),
    "no cell": (
        "begin atoms_cart\nA 0 0 0\nend atoms_cart\n",
        r"^x.win:2: atoms_cart without unit_cell_cart: allowed is a cell$",
    ),
}

CENTRES = {
    "few": (line(centres_text(), 1, "1"), r"^x_centres.xyz:1: 1 lines: allowed is 2 or more"),
    "atoms": (
        line(centres_text(), 4, "A 0.0 0.0 0.0"),
        r"^x_centres.xyz:4: 4 words, no centre: allowed is X and three coordinates",
    ),
    "word": (line(centres_text(), 4, "X 0.0 ** 0.0"), r"^x_centres.xyz:4: '\*\*' for a coordinate: allowed is a finite number$"),
    "truncated": (cut(centres_text(), 3), r"^x_centres.xyz:3: the file ends before 2 centres: "),
}

FAULTS = [
    pytest.param(which, key, content, match, id=f"{key} {name}")
    for which, key, table in (
        ("hr", "hr", HR),
        ("tb", "tb", TB),
        ("tb", "wsvec", WSVEC),
        ("grid", "win", WIN),
        ("hr", "centres", CENTRES),
    )
    for name, (content, match) in table.items()
]


@pytest.mark.parametrize(("which", "key", "content", "match"), FAULTS)
def test_each_fault_names_the_file_and_the_line(which, key, content, match, tmp_path):
    assert refused(write(tmp_path, which, **{key: content}), match)


def test_what_is_not_there_is_named(tmp_path):
    assert refused(tmp_path / "none", "^none: neither none_tb.dat nor none_hr.dat: allowed is the prefix of one, plain or .gz$")
    assert refused(tmp_path / "none_tb.dat", "^none_tb.dat: no such file: allowed is none_tb.dat, plain or .gz$")
    prefix = write(tmp_path, "hr")
    (tmp_path / "x.win").unlink()
    assert refused(prefix, "^x_hr.dat: holds no lattice, and there is no x.win: allowed is lattice=")
    (tmp_path / "x.win").write_text("num_wann = 2\n", encoding="ascii")
    assert refused(prefix, "^x.win: no unit_cell_cart: ")
    for lattice in (np.eye(2), np.zeros((3, 3)), "cubic", np.full((3, 3), np.nan)):
        assert refused(prefix, "^read_wannier90: lattice = .*: allowed are 3 rows of three finite numbers in Å$", lattice=lattice)
    assert refused(prefix, "^read_wannier90: centres = .*: allowed are 2 rows", lattice=np.eye(3), centres=np.eye(3))
    prefix = write(tmp_path, "tb")
    assert refused(prefix, "^read_wannier90: lattice: .*x_tb.dat has its own: allowed is None$", lattice=np.eye(3))
    assert refused(prefix, "^read_wannier90: centres: .*x_tb.dat has its own: allowed is None$", centres=np.zeros((2, 3)))
    for read, name in ((read_win, "none.win"), (read_labelinfo, "none_band.labelinfo.dat")):
        with pytest.raises(SemijaxError, match=f"{name}: no such file: allowed is {name}, plain or .gz$"):
            read(tmp_path / "none")
    (tmp_path / "a_band.labelinfo.dat").write_text("G 1 0.0 0.0 0.0 0.0\nX 0 1.0 0.5 0.0 0.0\n", encoding="ascii")
    with pytest.raises(SemijaxError, match="a_band.labelinfo.dat:2: 6 words: allowed is a label, a row from 1"):
        read_labelinfo(tmp_path / "a")


def test_damaged_gzip_is_named(tmp_path):
    whole = gzip.compress(hr_text().encode())
    prefix = write(tmp_path, "hr")
    (tmp_path / "x_hr.dat").unlink()
    for content, match in (
        (whole[:-20], "^x_hr.dat.gz:1: gzip data end early, truncated: "),
        (whole[:40] + b"\xff\xff\xff\xff" + whole[44:], "^x_hr.dat.gz:1: (damaged gzip data|gzip data end early)"),
        (whole + b"tail", "^x_hr.dat.gz:1: damaged gzip data"),
        (gzip.compress(b" " * 4_000_000), "^x_hr.dat.gz:1: inflates to more than 200 times its size: "),
    ):
        (tmp_path / "x_hr.dat.gz").write_bytes(content)
        assert refused(prefix, match)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("key", ["tb", "hr"])
def test_a_header_that_asks_for_too_much_is_refused_before_anything_is_stored(key, compressed, tmp_path):
    text = {"tb": tb_text, "hr": hr_text}[key]()
    text = text.replace("           2\n           3\n", "999999999\n999999999\n").replace("  2\n  3\n", "999999999\n999999999\n")
    assert "999999999" in text
    write(tmp_path, key, **{key: text})
    if compressed:
        (tmp_path / f"x{ENDS[key]}.gz").write_bytes(gzip.compress(text.encode()))
        (tmp_path / f"x{ENDS[key]}").unlink()
    tracemalloc.start()
    try:
        assert refused(tmp_path / "x", r"^x_..\.dat(\.gz)?:\d: the header asks for \d+ numbers, the file has \d+ bytes more: ")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_replicas_without_end_are_refused(tmp_path):
    # Each T far from every other: as dense matrices they would be 10⁵ times the file.
    text = wsvec_text().split("\n")
    text[1:4] = ["   -1    0    0    1    1", "2000", *(f"{2 * i} {3 * i} {5 * i}" for i in range(2000))]
    text.remove("    2    0    0")
    assert refused(
        write(tmp_path, "tb", wsvec="\n".join(text)), r"^x_wsvec.dat: \d+ translations R \+ T of 3 R: allowed are 125 for each R$"
    )


def test_half_a_material_is_refused(tmp_path):
    for end in ("_tb.dat.gz", "_wsvec.dat.gz"):
        shutil.copy(f"{shipped('hbn')}{end}", tmp_path / f"x{end}")
    text = gzip.decompress((tmp_path / "x_tb.dat.gz").read_bytes()).decode()
    lines = text.split("\n")
    (tmp_path / "x_tb.dat").write_text("\n".join(lines[:5000]), encoding="ascii")
    assert refused(tmp_path / "x", r"^x_tb.dat:5000: the file ends here, truncated: ")
    bad = next(i for i, one in enumerate(lines) if one.split()[:2] == ["2", "5"] and i > 3000)
    lines[bad] = lines[bad].replace("    2    5", "    2    6")
    (tmp_path / "x_tb.dat").write_text("\n".join(lines), encoding="ascii")
    assert refused(tmp_path / "x", rf"^x_tb.dat:{bad + 1}: 6: allowed is a whole number from 1 to 5$")


WORDS = [
    "",
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "99999",
    "-99999",
    "999999999",
    "1e5",
    "1.5",
    "NaN",
    "inf",
    "****",
    "1D-3",
    "0.1-100",
    "x",
]
WORDS += ["begin", "end", "bohr", "kpoints", "!", "#", "=", "1_0", "\0", "é", "\n", "  \n\n", "2 2", "+2", "1e-7"]
MUTATIONS = st.lists(
    st.tuples(st.sampled_from(["word", "line out", "line twice", "swap", "cut", "byte"]), *[st.integers(0, 10**6)] * 2),
    max_size=3,
)


def mutated(text, changes):
    """A text with some words, lines or bytes changed."""
    for kind, where, what in changes:
        lines = text.split("\n")
        i, j = where % len(lines), what % len(lines)
        if kind == "word":
            words = re.split(r"(\s+)", text)
            words[2 * (where % ((len(words) + 1) // 2))] = WORDS[what % len(WORDS)]
            text = "".join(words)
        elif kind == "line out":
            text = "\n".join(lines[:i] + lines[i + 1 :])
        elif kind == "line twice":
            text = "\n".join(lines[: i + 1] + lines[i:])
        elif kind == "swap":
            lines[i], lines[j] = lines[j], lines[i]
            text = "\n".join(lines)
        elif kind == "cut":
            text = text[: where % (len(text) + 1)]
        else:
            place = where % (len(text) + 1)
            text = text[:place] + chr(what % 256) + text[place + 1 :]
    return text


@settings(max_examples=200)
@given(st.sampled_from([(which, key) for which, files in SETS.items() for key in files]), MUTATIONS, st.integers(0, 10**6))
def test_any_file_gives_a_model_or_a_semijax_error(tmp_path_factory, place, changes, flip):
    which, key = place
    directory = tmp_path_factory.mktemp("fuzz")
    text = mutated(SETS[which][key](), changes).encode("latin-1", "replace")
    prefix = write(directory, which, **{key: text})
    if flip % 5 == 0:  # a damaged .gz
        packed = bytearray(gzip.compress(text))
        packed[flip % len(packed)] ^= 1 << flip % 8
        (directory / f"x{ENDS[key]}").unlink()
        (directory / f"x{ENDS[key]}.gz").write_bytes(bytes(packed))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UserWarning)  # those of the reader itself; NumPy's are errors
        try:
            assert valid(read_wannier90(prefix))
        except SemijaxError as error:
            assert "\n" not in str(error)
            assert "allowed" in str(error)
