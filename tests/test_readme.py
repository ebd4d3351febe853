"""The README's commands and its example are those that work."""

import re
import shlex
import tomllib
from pathlib import Path

import numpy as np

import semijax
from semijax.cases import shipped

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BASH = re.findall(r"^```bash\n(.*?)^```", README, re.S | re.M)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_there_are_two_bash_blocks_that_start_from_nothing():
    assert len(BASH) == 2
    assert README.count("```bash") == README.count("``` bash") + README.count("```sh") + 2
    for block in BASH:
        assert block.startswith("python3 -m venv .venv && . .venv/bin/activate\npip install ")


def test_the_first_block_runs_the_main_job():
    runs = [shlex.split(line) for line in BASH[0].splitlines() if line.startswith("semijax run ")]
    assert runs == [["semijax", "run", "superlattice", "--out", "superlattice"]]
    assert "superlattice" in shipped()


def test_the_second_block_runs_these_tests():
    assert BASH[1].splitlines()[1:] == ['pip install -e ".[test]"', "python -m pytest -n 2"]
    assert {"pytest", "pytest-xdist", "hypothesis"} <= set(PROJECT["optional-dependencies"]["test"])


def test_the_example_runs():
    example, material = re.findall(r"^```python\n(.*?)^```", README, re.S | re.M)
    assert len([line for line in example.splitlines() if line.strip()]) <= 15
    small = example.replace("100_000", "200").replace("4 * units.PS", "100.0")
    assert small.count("200") == 1
    assert "duration=100.0" in small
    names: dict = {}
    exec(compile(small, "README.md", "exec"), names)
    result = names["result"]
    assert float(result.time[-1]) == 100.0
    assert result.frames["drift"]["electron"].shape == (len(result.time), 3)
    # an electron at the bottom of its miniband is driven against the field, its hole along it
    assert np.asarray(result.frames["drift"]["electron"])[1:3, 2].max() < 0
    assert np.asarray(result.frames["drift"]["hole"])[1:3, 2].min() > 0
    assert "mesh=96" in material and "tests/data" in material
    small = material.replace("100_000", "200").replace("mesh=96", "mesh=24").replace("tests/data", str(ROOT / "tests" / "data"))
    exec(compile(small, "README.md", "exec"), names)
    assert names["table"].accuracy.window["energy"].largest < 0.1
    assert names["result"].frames["drift"].shape[1] == 2


def test_what_the_readme_points_at_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).is_file(), target


def test_one_version_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert PROJECT["version"] == semijax.__version__
    assert f"version: {PROJECT['version']}\n" in citation
    assert f"## {PROJECT['version']}\n" in changelog
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_what_is_said_of_speed_is_in_the_committed_results():
    said = re.search(r"^## How fast\n(.*?)^## ", README, re.S | re.M)[1]
    links = re.findall(r"\((benchmarks/results/\S+\.md)\)", said)
    results = "".join((ROOT / link).read_text(encoding="utf-8") for link in links)
    rows = re.findall(r"^\| .* \|$", said, re.M)
    assert len(rows) > 10
    assert [row for row in rows if row not in results] == []
    figures = re.findall(r"(?:go|runs) at ([\d.e+]+), ([\d.]+ \[[\d., ]+\])", said)
    assert len(figures) == 3
    assert [number for pair in figures for number in pair if number not in results] == []
    for path in re.findall(r"\((benchmarks/results/\S+)\)", said):
        assert (ROOT / path).is_file()
