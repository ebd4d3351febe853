"""A case whose band is in Wannier90 files: what it builds and runs, what its results say of the files, and for every mistake one line."""

import hashlib
import json
import shutil

import jax
import numpy as np
import pytest
import xarray
from wannier_files import DATA, shipped

from semijax import bands, build, config, run
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
wavevector = [0.3, 0.9]
[species.electron]
band = { wannier = "hbn", index = 4, dimension = 2 }
[[field]]
kind = "uniform"
electric = ["100 kV/cm", 0]
"""


@pytest.fixture
def case(tmp_path):
    """A case file with hBN's files beside it."""
    for end in ("_tb.dat.gz", "_wsvec.dat.gz"):
        shutil.copy(DATA / f"hbn/hbn{end}", tmp_path)
    (tmp_path / "case.toml").write_text(CASE, encoding="utf-8")
    return tmp_path / "case.toml"


def test_the_band_is_that_of_the_files_beside_the_case(case):
    made = build.species(config.load(case))["electron"].band
    band = bands.wannier(read_wannier90(shipped("hbn")), 4, dimension=2)
    k = np.array([0.3, 0.9])
    assert float(made(k)) == float(band(k))
    np.testing.assert_array_equal(made.berry_curvature(k), band.berry_curvature(k))
    hole = config.load(case, [("species.electron.band.negate", "true")])
    assert float(build.species(hole)["electron"].band(k)) == -float(band(k))


def test_files_are_read_once_until_they_change(case, monkeypatch):
    read = []
    monkeypatch.setattr(build, "read_wannier90", lambda prefix: read.append(prefix) or read_wannier90(prefix))
    checked = config.load(case)
    build.species(checked)
    build.species(checked)
    assert len(read) == 1
    shutil.copy(DATA / "graphene/graphene_tb.dat.gz", case.parent / "hbn_tb.dat.gz")
    (case.parent / "hbn_wsvec.dat.gz").unlink()
    shutil.copy(DATA / "graphene/graphene_wsvec.dat.gz", case.parent / "hbn_wsvec.dat.gz")
    build.species(checked)
    assert len(read) == 2


def test_a_run_says_which_files_it_read(case, tmp_path):
    results, report = run.run_case(config.load(case), tmp_path / "out")
    assert report.holds
    with xarray.open_dataset(tmp_path / "out/results.nc", engine="h5netcdf") as data:
        files = json.loads(data.attrs["files"])
        assert json.loads(data.attrs["case"])["species"]["electron"]["band"]["wannier"] == "hbn"
    digest = hashlib.sha256((tmp_path / "hbn_tb.dat.gz").read_bytes()).hexdigest()
    assert files["hbn_tb.dat.gz"] == digest
    assert "hbn_wsvec.dat.gz" in files
    # ħ dk/dt = −eE: 2 fs at 1e-3 V/Å
    k = results.main.result.final.phase.wavevector
    np.testing.assert_allclose(k[:, 0], 0.3 - 1e-3 * 2 / 0.6582119569509066, rtol=1e-12)


def test_a_fermi_level_is_a_fermi_surface(case):
    level = ("carriers", '{fermi_level = "2.6 eV", temperature = "600 K"}')
    named = config.load(case, [level])
    assert (named.carriers.kind, named.carriers.fermi_level, named.carriers.temperature) == ("fermi_level", 2.6, 600.0)
    assert config.load(case, [("carriers", "{fermi_level = 2.6}")]).carriers.temperature == 300.0
    long = '{kind = "fermi_surface", chemical_potential = "2.6 eV", temperature = "600 K"}'
    starts = [build.carriers(c, build.species(c))["electron"] for c in (named, config.load(case, [("carriers", long)]))]
    for one, other in zip(*map(jax.tree.leaves, starts)):
        np.testing.assert_array_equal(one, other)
    band = build.species(named)["electron"].band
    off = np.asarray(jax.vmap(band)(starts[0].phase.wavevector)) - 2.6
    assert np.abs(off).max() < 20 * 600 * 8.617e-5  # −∂f/∂E beyond 20 kT is 1e-9


MISTAKES = {
    "no files": ("species.electron.band.wannier", "hbm", 'species.electron.band.wannier = "hbm": allowed is the prefix of a Wannier90'),
    "no prefix": ("species.electron.band", "{wannier = '', index = 1}", 'species.electron.band.wannier = ""'),
    "no index": ("species.electron.band", "{wannier = 'hbn'}", "species.electron.band.index is missing: allowed is a whole number"),
    "index": ("species.electron.band.index", "-1", "species.electron.band.index = -1: allowed is a whole number from 0"),
    "dimension": ("species.electron.band.dimension", "1", "species.electron.band.dimension = 1: allowed are 2, 3"),
    "unknown key": ("species.electron.band.indez", "1", "species.electron.band.indez = 1: unknown key, allowed is index"),
    "no level": ("carriers", "{fermi_level = 'high'}", 'carriers.fermi_level = "high": allowed is an energy'),
    "temperature": ("carriers", "{fermi_level = 1, temperature = 0}", "carriers.temperature = 0: allowed is a temperature > 0"),
    "other key": ("carriers", "{fermi_level = 1, temprature = 4}", "carriers.temprature = 4: unknown key, allowed is temperature"),
}


@pytest.mark.parametrize(("key", "value", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(case, key, value, says):
    with pytest.raises(SemijaxError) as caught:
        config.load(case, [(key, value)])
    assert str(caught.value).startswith(f"case.toml: {says}")
    assert "\n" not in str(caught.value)


def test_what_only_the_files_tell_is_one_line_too(case):
    with pytest.raises(SemijaxError) as caught:
        build.species(config.load(case, [("species.electron.band.index", "5")]))
    assert str(caught.value) == "species.electron.band.index = 5: allowed are 0 to 4, the bands of hbn"
    (case.parent / "hbn_tb.dat.gz").unlink()
    (case.parent / "hbn_tb.dat").write_text("no numbers\n", encoding="ascii")
    with pytest.raises(SemijaxError) as caught:
        build.species(config.load(case))
    assert str(caught.value).startswith('species.electron.band.wannier = "hbn": ')
    assert "hbn_tb.dat:" in str(caught.value)
    assert "\n" not in str(caught.value)
