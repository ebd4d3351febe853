"""A case whose band is in Wannier90 files: what it builds and runs, what its results say of the files, and for every mistake one line."""

import hashlib
import json

import jax
import numpy as np
import pytest
import xarray
from wannier_files import bands as energies_of
from wannier_files import tb_text, wsvec_text

from semijax import build, config, run
from semijax._types import SemijaxError
from semijax.io import read_wannier90

CASE = """
[run]
duration = "2 fs"
carriers = 16
dt = "0.5 fs"
frames = 2
precision = "float64"
[carriers]
kind = "at_k"
wavevector = [0.3, 0.1, 0]
[species.electron]
band = { wannier = "chain", index = 1 }
[[field]]
kind = "uniform"
electric = ["100 kV/cm", 0, 0]
"""


@pytest.fixture
def case(tmp_path):
    """A case file with the files of a chain of two bands beside it."""
    (tmp_path / "chain_tb.dat").write_text(tb_text(), encoding="ascii")
    (tmp_path / "chain_wsvec.dat").write_text(wsvec_text(), encoding="ascii")
    (tmp_path / "case.toml").write_text(CASE, encoding="utf-8")
    return tmp_path / "case.toml"


def test_the_band_is_that_of_the_files_beside_the_case(case):
    model = read_wannier90(case.parent / "chain")
    k = np.array([0.3, 0.1, 0.0])
    expected = energies_of(model, (k @ model.lattice.T / (2 * np.pi))[None])[0]
    for index, energy in enumerate(expected):
        made = build.species(config.load(case, [("species.electron.band.index", str(index))]))["electron"].band
        assert float(made(k)) == pytest.approx(energy, abs=1e-12)
    hole = config.load(case, [("species.electron.band.negate", "true")])
    assert float(build.species(hole)["electron"].band(k)) == pytest.approx(-expected[1], abs=1e-12)


def test_files_are_read_once_until_they_change(case, monkeypatch):
    read = []
    monkeypatch.setattr(build, "read_wannier90", lambda prefix: read.append(prefix) or read_wannier90(prefix))
    checked = config.load(case)
    build.species(checked)
    build.species(checked)
    assert len(read) == 1
    with (case.parent / "chain_wsvec.dat").open("a", encoding="ascii") as file:
        file.write("\n")
    build.species(checked)
    assert len(read) == 2


def test_results_say_which_files_were_read(case, tmp_path):
    (tmp_path / "field.txt").write_text("0 0 0 0\n10 0 0 0\n20 0 0 0\n1e4 0 0 0\n", encoding="ascii")
    pushed = config.load(case, [("field", pushed_field())])
    files = ["chain_tb.dat", "chain_wsvec.dat", "field.txt"]
    assert [path.name for path in build.files(pushed)] == files
    # one that reads the same field along a band in closed form, which compiles in no time
    cheap = "{kind = 'parabolic', mass = 0.067}"
    run.run_case(config.load(case, [("field", pushed_field()), ("species.electron.band", cheap)]), tmp_path / "out")
    with xarray.open_dataset(tmp_path / "out/results.nc", engine="h5netcdf") as data:
        assert json.loads(data.attrs["files"]) == {"field.txt": digest(tmp_path / "field.txt")}


def pushed_field():
    """A tabulated field, as TOML."""
    return "[{kind = 'tabulated', file = 'field.txt', of = 'electric'}]"


def digest(path):
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.filterwarnings("ignore:semijax. .*vmapped call:UserWarning", "ignore:semijax. runs as plain JAX:UserWarning")
@pytest.mark.slow  # compiles all derivatives of an eigenvalue problem
def test_a_run_on_a_band_of_files_is_certified(case, tmp_path):
    results, report = run.run_case(config.load(case), tmp_path / "out")
    assert report.holds
    with xarray.open_dataset(tmp_path / "out/results.nc", engine="h5netcdf") as data:
        files = json.loads(data.attrs["files"])
        assert json.loads(data.attrs["case"])["species"]["electron"]["band"]["wannier"] == "chain"
    assert files == {name: digest(tmp_path / name) for name in ("chain_tb.dat", "chain_wsvec.dat")}
    # ħ dk/dt = −eE: 2 fs at 1e-3 V/Å
    k = results.main.result.final["electron"].phase.wavevector
    np.testing.assert_allclose(k[:, 0], 0.3 - 1e-3 * 2 / 0.6582119569509066, rtol=1e-12)


def test_a_fermi_level_is_a_fermi_surface(case):
    level = ("carriers", '{fermi_level = "0.7 eV", temperature = "600 K"}')
    named = config.load(case, [level])
    assert (named.carriers.kind, named.carriers.fermi_level, named.carriers.temperature) == ("fermi_level", 0.7, 600.0)
    assert config.load(case, [("carriers", "{fermi_level = 2.6}")]).carriers.temperature == 300.0
    # a band in closed form, for which drawing is quick
    dirac = ("species.electron.band", "{kind = 'massive_dirac', gap = 0.2, hbar_v = 5.0}"), ("field.0.electric", "[0, 0]")
    long = ("carriers", '{kind = "fermi_surface", chemical_potential = "0.7 eV", temperature = "600 K"}')
    cases = [config.load(case, [carriers, *dirac]) for carriers in (level, long)]
    starts = [build.carriers(one, build.species(one)) for one in cases]
    for one, other in zip(*map(jax.tree.leaves, starts)):
        np.testing.assert_array_equal(one, other)


MISTAKES = {
    "no files": (
        "species.electron.band.wannier",
        "chair",
        'species.electron.band.wannier = "chair": allowed is the prefix of a Wannier90',
    ),
    "no prefix": ("species.electron.band", "{wannier = '', index = 1}", 'species.electron.band.wannier = ""'),
    "no index": (
        "species.electron.band",
        "{wannier = 'chain'}",
        "species.electron.band.index is missing: allowed is a whole number",
    ),
    "index": ("species.electron.band.index", "-1", "species.electron.band.index = -1: allowed is a whole number from 0"),
    "dimension": ("species.electron.band.dimension", "1", "species.electron.band.dimension = 1: allowed are 2, 3"),
    "unknown key": ("species.electron.band.indez", "1", "species.electron.band.indez = 1: unknown key, allowed is index"),
    "no level": ("carriers", "{fermi_level = 'high'}", 'carriers.fermi_level = "high": allowed is an energy'),
    "temperature": ("carriers", "{fermi_level = 1, temperature = 0}", "carriers.temperature = 0: allowed is a temperature > 0"),
    "other key": (
        "carriers",
        "{fermi_level = 1, temprature = 4}",
        "carriers.temprature = 4: unknown key, allowed is temperature",
    ),
}


@pytest.mark.parametrize(("key", "value", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(case, key, value, says):
    with pytest.raises(SemijaxError) as caught:
        config.load(case, [(key, value)])
    assert str(caught.value).startswith(f"case.toml: {says}")
    assert "\n" not in str(caught.value)


def test_what_only_the_files_tell_is_one_line_too(case):
    with pytest.raises(SemijaxError) as caught:
        build.species(config.load(case, [("species.electron.band.index", "2")]))
    assert str(caught.value) == "species.electron.band.index = 2: allowed are 0 to 1, the bands of chain"
    (case.parent / "chain_tb.dat").write_text("no numbers\n", encoding="ascii")
    with pytest.raises(SemijaxError) as caught:
        build.species(config.load(case))
    assert str(caught.value).startswith('species.electron.band.wannier = "chain": ')
    assert "chain_tb.dat:" in str(caught.value)
    assert "\n" not in str(caught.value)
