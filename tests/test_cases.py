"""Every shipped case runs from its TOML file, with fewer carriers, and agrees with its theory column."""

import numpy as np
import pytest
import xarray
from library import CASES

from semijax import cases, config, run
from semijax._types import SemijaxError
from semijax.cases.cyclotron import cyclotron_mass

# The superlattice has a file of its own; the single-carrier cases run as they are.
FEWER = {"cyclotron": 600, "warped_holes": 500, "potential": 500, "dynamic_localization": 200}
NAMES = [name for name in cases.shipped() if name != "superlattice"]


def test_the_cases_that_are_promised_are_there():
    promised = {"superlattice", "cyclotron", "warped_holes", "dynamic_localization", "pair", "band_edge", "potential"}
    assert promised == set(cases.shipped())
    assert promised <= set(cases.reports())


@pytest.mark.parametrize("name", NAMES)
def test_shipped_case_holds(name, tmp_path):
    overrides = [("run.carriers", str(FEWER[name]))] if name in FEWER else []
    case = config.load(cases.shipped()[name], overrides)
    results, report = run.run_case(case, tmp_path)
    results.main.result.check()
    assert [(row.name, row.found, row.theory) for row in report.rows if not row.holds] == []
    assert any(row.theory is not None for row in report.rows)
    assert report.figures
    for figure in report.figures:
        assert (tmp_path / f"{figure}.png").stat().st_size > 5_000  # an empty Axes is smaller
    with xarray.open_dataset(tmp_path / "results.nc", engine="h5netcdf") as dataset:
        assert all("units" in dataset[variable].attrs for variable in dataset.data_vars)
        assert dataset.attrs["seed"] == case.run.seed


def _small(name, tmp_path, **changes):
    """A shipped case without its scan, with other values, run."""
    tables = config.read(cases.shipped()[name])
    tables.pop("scan", None)
    for key, value in changes.items():
        tables = config.changed(tables, key.replace("__", "."), value)
    return run.run_case(config.check(tables), tmp_path)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("cyclotron", {"run__carriers": 8, "run__precision": "float32"}),
        ("potential", {"run__carriers": 64, "run__precision": "float32", "run__step": "yoshida4"}),
        ("pair", {"run__precision": "float32", "run__step": "heun"}),
    ],
)
def test_the_bounds_follow_precision_and_scheme(name, changes, tmp_path):
    _, report = _small(name, tmp_path, **changes)
    assert [(row.name, row.deviation) for row in report.rows if not row.holds] == []


@pytest.mark.parametrize("row", CASES["BO3"]["expected"]["rows"])
def test_dynamic_localization_finds_the_published_velocities(row, tmp_path):
    _, field, turned, phase, velocity = row
    at = {"kind": "at_k", "wavevector": [turned / 114.0]}
    driven = {"kind": "ac", "electric": [-field * 1e-10], "frequency": 2.0, "phase": phase}  # the force on an electron is −E
    changes = {"run__carriers": 1, "run__duration": 1000.0, "run__frames": 2, "run__dt": 1.25, "run__step": "dop8"}
    results, report = _small("dynamic_localization", tmp_path, carriers=at, field=[driven], **changes)
    found = results.main.result.frames["position"]["electron"][-1, 0] / 1000.0 * 1e5
    assert report.holds
    # the published tolerance, of v_max; the frequency there is 2 THz to all digits
    assert abs(float(found) - velocity) < 1e-9 * CASES["BO3"]["inputs_SI"]["vm"]


def test_cyclotron_masses_are_the_published_ones():
    longitudinal, transverse = CASES["CR1"]["inputs_SI"]["Si_Hensel65"]
    for angle, masses in CASES["CR1"]["expected"]["Si_Hensel65"].items():
        theta = np.radians(float(angle)) if angle != "54.7356" else np.arccos(3**-0.5)
        b = np.array([np.sin(theta) / 2**0.5, np.sin(theta) / 2**0.5, np.cos(theta)])
        for axis, mass in enumerate(masses):
            tensor = np.diag([longitudinal if i == axis else transverse for i in range(3)])
            assert cyclotron_mass(tensor, b) == pytest.approx(mass, rel=1e-9)


def test_a_missing_record_is_said_in_one_line(tmp_path):
    with pytest.raises(SemijaxError, match=r"record\.current is missing: allowed with report = 'pair'") as error:
        _small("pair", tmp_path, record={"position": "mean position", "wavevector": "mean wavevector"})
    assert "\n" not in str(error.value)


def test_a_record_over_part_of_a_period_is_refused(tmp_path):
    with pytest.raises(SemijaxError, match="allowed is a whole number of periods"):
        _small("dynamic_localization", tmp_path, run__carriers=2, run__duration=1100.0)
