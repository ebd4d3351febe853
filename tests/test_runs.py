"""Run directories: stopped and resumed to the same hash, one writer, no quiet changes, every file with its hash."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from semijax import cli
from semijax.runs import owner
from semijax.runs.stopping import Stop

CASE = """
title = "a miniband"
report = "general"

[run]
duration = "8 ps"
frames = 200
carriers = 500
dt = "4 fs"
seed = 7
precision = "float64"

[carriers]
kind = "thermal"
temperature = "50 K"

[species.electron]
band = { kind = "superlattice", bandwidth = "18 meV", period = "11.4 nm", mass = 0.07 }

[[field]]
kind = "uniform"
electric = [0.0, 0.0, "10 kV/cm"]

[relaxation]
tau = "1 ps"
temperature = "50 K"

[scan]
key = "field.0.electric.2"
values = ["5 kV/cm", "20 kV/cm"]
carriers = 300

[checkpoint]
every = 0
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text(CASE)
    return tmp_path


def called(capsys, *arguments):
    code = cli.code(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def last(out):
    return out.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The directory of a run that nobody stopped, and its hash."""
    place = tmp_path_factory.mktemp("whole")
    (place / "my.toml").write_text(CASE)
    assert cli.code(["run", str(place / "my.toml"), "--out", str(place / "out")]) == 0
    return place / "out", json.loads((place / "out/manifest.json").read_text())["hash"]


def stopping(monkeypatch, *times):
    """Stops runs after so many looks of each, one run after another."""
    left = list(times)
    counts = {}

    def asked(self):
        counts[id(self)] = counts.get(id(self), 0) + 1
        return bool(left) and counts[id(self)] > left[0] and (left.pop(0), setattr(self, "signal", signal.SIGTERM))[1] is None

    monkeypatch.setattr(Stop, "asked", property(lambda self: self.signal is not None or asked(self)))


@pytest.mark.parametrize("times", [(3,), (30, 1, 40, 20)])
def test_a_run_that_was_stopped_is_resumed_to_the_same_hash(times, whole, here, capsys, monkeypatch):
    stopping(monkeypatch, *times)
    code, out, err = called(capsys, "run", "my.toml", "--out", "out")
    for _ in times:
        assert code == 75
        assert err.startswith("stopped (SIGTERM) after ") and err.endswith("semijax resume out goes on from there\n")
        assert not (here / "out/manifest.json").exists()
        code, out, err = called(capsys, "resume", "out")
    assert (code, err) == (0, "")
    assert last(out) == f"hash: {whole[1]}"
    code, out, _ = called(capsys, "verify", "out")
    assert (code, last(out)) == (0, f"hash: {whole[1]}")
    code, out, _ = called(capsys, "resume", "out")  # a second time there is nothing to do
    assert (code, last(out)) == (0, f"hash: {whole[1]}")
    events = [json.loads(line)["event"] for line in (here / "out/log.jsonl").read_text().splitlines()]
    assert events[0] == "begun" and events[-1] == "finished" and events.count("resumed") == len(times)
    assert "state: finished" in called(capsys, "status", "out")[1]


def test_max_time_stops_a_run(here, capsys):
    code, _, err = called(capsys, "run", "my.toml", "--out", "out", "--max-time", "0.001 s")
    assert code == 75 and err.startswith("stopped (its time is up) after ")
    assert "not finished: semijax resume goes on" in called(capsys, "status", "out")[1]
    code, _, err = called(capsys, "run", "my.toml", "--out", "out")
    assert code == 2 and err.endswith("allowed is a new directory, or --force, or semijax resume out to go on\n")
    for wrong in ("soon", "-1 s", "1 eV", "nan"):
        code, _, err = called(capsys, "run", "my.toml", "--out", "new", "--max-time", wrong)
        assert code == 2 and err.startswith("--max-time") and 'allowed is a time of the clock > 0 such as "30 s"' in err


# -- one writer -------------------------------------------------------------------------------------------------------------------


def test_a_directory_has_one_writer(here, capsys):
    with owner.owned(here / "out"):
        child = subprocess.run(
            [sys.executable, "-m", "semijax", "run", "my.toml", "--out", "out", "--force"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert child.returncode == 73
    assert child.stderr.startswith(f"out: in use by process {os.getpid()} on ") and child.stderr.count("\n") == 1


def test_the_lock_of_a_dead_process_is_none(here):
    script = "import sys, os, signal; from pathlib import Path; from semijax.runs import owner\n"
    script += "with owner.owned(Path('out')): os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", script], check=False)
    assert (here / "out" / owner.RECORD).exists() and not owner.busy(here / "out")
    with owner.owned(here / "out"):
        assert owner.owner(here / "out")["process"] == os.getpid()


# -- honesty ----------------------------------------------------------------------------------------------------------------------

CHANGES = {
    "run.seed=8": "run.seed = 8, begun with 7",
    "run.duration=9 ps": "run.duration = '9 ps', begun with '8 ps'",
    "relaxation.tau=2 ps": "relaxation.tau = '2 ps', begun with '1 ps'",
    "species.electron.band.mass=0.08": "species.electron.band.mass = 0.08, begun with 0.07",
    "run.carriers=501": "run.carriers = 501, begun with 500",
    "report=superlattice": "report = 'superlattice', begun with 'general'",
}


def test_another_case_is_refused_by_what_differs(here, capsys):
    called(capsys, "run", "my.toml", "--out", "out", "--max-time", "0.001 s")
    for change, named in CHANGES.items():
        code, _, err = called(capsys, "resume", "out", "--set", change)
        assert code == 2 and f"out: not the run that was begun: {named}: allowed to change are" in err and err.count("\n") == 1
    (here / "out/case.toml").write_text(CASE.replace("seed = 7", "seed = 9"))
    code, _, err = called(capsys, "resume", "out")
    assert code == 2 and "run.seed = 9, begun with 7" in err
    (here / "out/case.toml").write_text(CASE)
    (here / "out/inputs.json").write_text("[]")
    code, _, err = called(capsys, "resume", "out")
    assert (code, err) == (2, "out/inputs.json: damaged: allowed is what a run wrote\n")
    for command in ("resume", "status", "verify"):
        code, _, err = called(capsys, command, "nowhere")
        assert code == 2 and err.count("\n") == 1 and "allowed is the directory of a" in err


def test_what_no_bit_depends_on_may_change(whole, here, capsys):
    called(capsys, "run", "my.toml", "--out", "out", "--max-time", "0.001 s")
    code, out, _ = called(capsys, "resume", "out", "--set", "checkpoint.every=1 min", "--set", "title=another")
    assert (code, last(out)) == (0, f"hash: {whole[1]}")


# -- files ------------------------------------------------------------------------------------------------------------------------


def test_every_changed_file_is_seen(whole, tmp_path, capsys):
    place = tmp_path / "out"
    shutil.copytree(whole[0], place)
    names = json.loads((place / "manifest.json").read_text())["files"]
    assert {"results.nc", "report.txt", "case.toml", "inputs.json", "log.jsonl", "log.txt"} < set(names)
    for name in names:
        data = (place / name).read_bytes()
        changed = bytearray(data)
        changed[len(data) // 2] ^= 4
        (place / name).write_bytes(changed)
        code, _, err = called(capsys, "verify", str(place))
        assert code == 74 and f"{name}: changed since the run" in err
        (place / name).unlink()
        code, _, err = called(capsys, "verify", str(place))
        assert code == 74 and f"{name}: missing" in err
        (place / name).write_bytes(data)
    (place / "extra.txt").write_text("x")
    code, _, err = called(capsys, "verify", str(place))
    assert code == 74 and "extra.txt: not of this run" in err
    (place / "extra.txt").unlink()
    assert called(capsys, "verify", str(place))[0] == 0


def test_the_hash_is_of_the_results_alone(whole, here, capsys):
    code, out, _ = called(
        capsys, "run", "my.toml", "--out", "elsewhere", "--set", "title=another", "--set", "checkpoint.every=1 h"
    )
    assert (code, last(out)) == (0, f"hash: {whole[1]}")
    code, out, _ = called(capsys, "run", "my.toml", "--out", "other", "--seed", "8")
    assert code == 0 and last(out) != f"hash: {whole[1]}"


# -- processes --------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals_lose_nothing(number, whole, here):
    """After a checkpoint is there the process is asked to stop, or killed; the resumed run has the hash of one nobody stopped."""
    command = [sys.executable, "-m", "semijax", "run", "my.toml", "--out", "out"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 180
    while time.monotonic() < until and not list(Path("out/checkpoints").glob("*/state-*")) and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(number)
    _, err = child.communicate(timeout=120)
    assert child.returncode == (-9 if number == signal.SIGKILL else 75), err
    done = subprocess.run([sys.executable, "-m", "semijax", "resume", "out"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and last(done.stdout) == f"hash: {whole[1]}", done.stderr
