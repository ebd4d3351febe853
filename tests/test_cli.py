"""The command line: what it writes, and for every mistake one line on stderr, exit code 2, no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray
from rich.console import Console
from typer.testing import CliRunner

from semijax import cli, config, progress, run
from semijax._types import BrokenInvariant
from semijax.cases import shipped
from semijax.report import Report, Row, show
from semijax.simulate import Result

CASE = """
title = "a miniband"
[run]
duration = "400 fs"
carriers = 64
frames = 4
dt = "20 fs"
[carriers]
kind = "at_k"
wavevector = [0, 0, 0]
[species.electron]
band = { kind = "superlattice", bandwidth = "18 meV", period = "11.4 nm", mass = 0.067 }
[[field]]
kind = "uniform"
electric = ["0 kV/cm", "0 kV/cm", "10 kV/cm"]
[scan]
key = "field.0.electric.2"
values = ["5 kV/cm", "10 kV/cm"]
carriers = 32
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory with my.toml in it; what a command changes of JAX's settings is undone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text(CASE)
    monkeypatch.setattr(cli, "configure", lambda **settings: None)
    return tmp_path


def called(capsys, *arguments):
    """(exit code, stdout, stderr) of one command in this process."""
    code = cli.code([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_run_writes_its_file_figures_and_table(here, capsys):
    code, out, err = called(capsys, "run", "my.toml", "--carriers", "32", "--seed", "3", "--out", "new/results")
    assert (code, err) == (0, "")
    assert "a miniband: 4/4 frames" in out
    assert "scan 2/2: field.0.electric.2 = 0.0001 V/angstrom: 4/4 frames" in out
    assert "change of energy" in out
    files = {path.name for path in (here / "new/results").iterdir()}
    assert files == {
        *("results.nc", "report.txt", "drift.png", "energy.png", "position.png"),
        *("case.toml", "inputs.json", "log.jsonl", "log.txt", "manifest.json", ".lock"),
    }
    with xarray.open_dataset(here / "new/results/results.nc", engine="h5netcdf") as data:
        assert all(variable.attrs.get("units") for variable in data.variables.values())
        assert data.sizes["carrier"] == 32
        assert data["scan_drift_electron"].dims == ("scan", "scan_time", "axis")
        np.testing.assert_allclose(data["scan"], [5e-5, 1e-4])
        np.testing.assert_allclose(data["time"], [0, 100, 200, 300, 400])
        assert data["drift_electron"].dtype == np.float32
        assert json.loads(data.attrs["case"])["run"]["seed"] == 3
        assert "jax" in data.attrs["versions"]


BAD = {
    "unknown key": ["--set", "run.carrierz=5"],
    "unknown key of a band": ["--set", "species.electron.band.masss=5"],
    "unknown kind of band": ["--set", "species.electron.band.kind=superlatice"],
    "wrong type": ["--set", "run.volume=3"],
    "nan": ["--set", "run.duration=nan"],
    "inf": ["--set", "field.0.electric.2=inf"],
    "dt = 0": ["--set", "run.dt=0"],
    "dt < 0": ["--set", "run.dt=-1 fs"],
    "n = 0": ["--carriers", "0"],
    "n no number": ["--carriers", "many"],
    "zero mass": ["--set", "species.electron.band.mass=0"],
    "negative temperature": ["--set", "relaxation={tau = 1, temperature = '-10 K'}"],
    "unknown unit": ["--set", "run.duration=4 fortnights"],
    "wrong dimension": ["--set", "run.duration=4 eV"],
    "precision": ["--precision", "float16"],
    "seed": ["--seed", "-1"],
    "no value": ["--set", "run.dt"],
    "unknown option": ["--fast"],
    "more carriers than memory": ["--carriers", "2000000000"],
    "dt too large for the Bloch period": ["--set", "run.dt=390 fs", "--set", "run.frames=1"],
    "a split step in a magnetic field": ["--set", "run.step=leapfrog", "--set", "field.0.magnetic=[0, 0, 5]"],
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD)
def test_a_mistake_is_one_line_and_exit_code_2(here, capsys, arguments, monkeypatch):
    monkeypatch.setattr("semijax.run.memory", lambda: (2**34, 2**34))
    code, _, err = called(capsys, "run", "my.toml", "--out", "results", *arguments)
    assert code == 2
    assert err.count("\n") == 1
    assert "allowed" in err or "option" in err or "step: leapfrog" in err
    assert "Traceback" not in err
    assert not (here / "results/results.nc").exists()


@pytest.mark.parametrize("case", ["none.toml", "superlatice", "../my.toml", "my", ""])
def test_a_missing_case_is_one_line(here, capsys, case):
    code, _, err = called(capsys, "run", case)
    assert code == 2
    assert err.count("\n") == 1
    assert "allowed" in err


def test_existing_output_is_kept_without_force(here, capsys):
    (here / "results").mkdir()
    (here / "results/mine.txt").write_text("mine")
    code, _, err = called(capsys, "run", "my.toml", "--out", "results")
    assert (code, err) == (2, "--out results: is not empty: allowed is a new directory, or --force\n")
    code, _, err = called(capsys, "run", "my.toml", "--out", "my.toml")
    assert (code, err) == (2, "--out my.toml: is a file: allowed is a directory\n")
    cli.check_output(here / "results", force=True)
    assert (here / "results/mine.txt").read_text() == "mine"


def test_a_run_that_breaks_an_invariant_is_saved_and_exits_76(here, capsys, monkeypatch):
    def broken(self, tolerance=0.0):
        raise BrokenInvariant("energy of carrier 3 moved by 1 by step 7")

    monkeypatch.setattr(Result, "check", broken)
    code, _, err = called(capsys, "run", "my.toml", "--out", "results")
    assert (code, err) == (76, "stopped: energy of carrier 3 moved by 1 by step 7; what was computed is saved\n")
    with xarray.open_dataset(here / "results/results.nc", engine="h5netcdf") as data:
        assert "drift_electron" in data


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (OSError(28, "No space left on device", "results.nc"), 74, "results.nc: No space left on device\n"),
        (MemoryError("cannot allocate 9 TiB"), 71, "out of memory: cannot allocate 9 TiB\n"),
        (
            jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 9 TiB"),
            71,
            "out of memory: RESOURCE_EXHAUSTED: 9 TiB: take fewer carriers\n",
        ),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_what_the_machine_refuses_has_its_own_code(here, capsys, monkeypatch, error, code, says):
    def refuse(*_):
        raise error

    monkeypatch.setattr(run, "run_case", refuse)
    found, _, err = called(capsys, "run", "my.toml")
    assert (found, err) == (code, says)


def test_a_bug_shows_its_traceback_and_exits_70():
    script = "import semijax.cli as c; c.shipped = lambda: 1 / 0; c.main()"
    done = subprocess.run([sys.executable, "-c", script, "cases"], capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr
    assert done.stderr.endswith("please report it with the lines above\n")


def test_the_program_itself_refuses_in_one_line(tmp_path):
    (tmp_path / "my.toml").write_text(CASE.replace("mass = 0.067", "mass = -1"))
    done = subprocess.run(
        [sys.executable, "-m", "semijax", "run", "my.toml"], cwd=tmp_path, capture_output=True, text=True, check=False, env=_env()
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "my.toml: species.electron.band.mass = -1: allowed is a mass > 0 such as 0.067 (free-electron masses)\n"


def _env():
    return os.environ | {"PYTHONPATH": str(Path(cli.__file__).parent.parent)}


def test_cases_are_listed_and_written_once(here, capsys, tmp_path, monkeypatch):
    source = tmp_path / "shipped"
    source.mkdir()
    (source / "mini.toml").write_text(CASE)
    monkeypatch.setattr(cli, "shipped", lambda: {"mini": source / "mini.toml"})
    assert "a miniband" in called(capsys, "cases")[1]
    assert called(capsys, "cases", "mini")[:2] == (0, "written: mini.toml\n")
    assert (here / "mini.toml").read_text() == CASE
    assert called(capsys, "cases", "mini")[0] == 2
    assert called(capsys, "cases", "mini", "--force")[0] == 0
    code, _, err = called(capsys, "cases", "minni")
    assert (code, err.strip()) == (2, 'CASE = "minni": allowed is mini, or a file ending in .toml')


def test_shipped_cases_have_titles():
    assert all(config.read(path)["title"] for path in shipped().values())


def test_schema_and_doctor_print(here, capsys):
    code, out, _ = called(capsys, "schema")
    assert code == 0
    assert json.loads(out)["additionalProperties"] is False
    code, out, _ = called(capsys, "doctor")
    assert code == 0
    assert all(word in out for word in ("jax", "devices", "memory", "double precision"))


def test_bands_draws_and_prints_masses(here, capsys):
    arguments = ["--set", "bandwidth=18 meV", "--set", "period=11.4 nm", "--set", "mass=0.067"]
    code, out, err = called(capsys, "bands", "superlattice", *arguments)
    assert (code, err) == (0, "")
    # ħ²·2/(Δ d²) = 2 · 7.62 eV Å² / (0.018 eV · 114² Å²) = 0.0651 m0 at the bottom, its negative at the zone face
    assert "0.06515" in out
    assert "-0.06515" in out
    assert (here / "superlattice.png").stat().st_size > 10_000
    assert called(capsys, "bands", "superlattice", *arguments)[0] == 2
    assert called(capsys, "bands", "my.toml", "--out", "my.png")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["superlatice"], "kind = "),
        (["superlattice"], "bands: bandwidth is missing: allowed is an energy > 0"),
        (["parabolic", "--set", "mass=0"], "bands: mass = 0: allowed is a mass > 0"),
        (["parabolic", "--set", "mas=1", "--set", "mass=1"], "bands: mas = 1: unknown key, allowed is mass"),
        (["none.toml"], "no such file"),
    ],
)
def test_bands_refuses_in_lines(here, capsys, arguments, says):
    code, _, err = called(capsys, "bands", *arguments)
    assert code == 2
    assert says in err
    assert "Traceback" not in err


def test_help_names_every_command():
    text = CliRunner().invoke(cli.app, ["--help"]).output
    assert all(command in text for command in ("run", "cases", "bands", "schema", "doctor"))


# -- what a run shows -------------------------------------------------------------------------------------------------------


def test_progress_is_plain_lines_without_a_terminal(capsys):
    with progress.stage(Console(), "title", 4e6) as show_progress:
        for done in range(1, 5):
            show_progress(done, 4)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "title: started"
    assert lines[-1].startswith("title: 4/4 frames, ")
    assert lines[-1].endswith("million carrier-steps/s, done")


def test_progress_is_a_bar_in_a_terminal(capsys):
    with progress.stage(Console(force_terminal=True), "title", 4e6) as show_progress:
        show_progress(1, 4)
        show_progress(4, 4)
    out = capsys.readouterr().out
    assert "title" in out
    assert "100%" in out


def test_rows_are_judged_by_standard_errors_or_bounds():
    rows = [
        Row("frequency", 2.76, 2.75, "THz", 0.005),
        Row("off", 2.80, 2.75, "THz", 0.01),
        Row("exact", 1.0, 1.0 + 1e-9, "", 1e-8, "bound"),
        Row("beyond", 1.0, 1.1, "", 0.05, "bound"),
        Row("shown only", 3.0),
        Row("no number", float("nan")),
    ]
    assert [row.holds for row in rows] == [True, False, True, False, True, False]
    assert rows[0].deviation == pytest.approx(2.0)
    report = Report(rows, ["One band only."])
    assert not report.holds
    text = report.text()
    assert "+2.0 standard errors" in text
    assert "2 of the bound  ✗" in text
    assert text.rstrip().endswith("One band only.")
    assert Row("exact zero", 0.0, 0.0, "", 0.0, "bound").deviation == 0.0
    assert not Row("not zero", 1.0, 0.0, "", 0.0, "bound").holds
    show(report, Console(quiet=True))
