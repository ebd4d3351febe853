"""What a run leaves: the points of a scan in one dataset, whatever their carriers and times."""

import numpy as np
import pytest
import xarray

from semijax import SemijaxError, config, run

TABLES = {
    "carriers": {"kind": "at_k", "wavevector": [0.01]},
    "species": {"electron": {"band": {"kind": "cosine", "bandwidth": "18 meV", "period": "11.4 nm"}}},
    "field": [{"kind": "uniform", "electric": ["10 kV/cm"]}],
    "record": {"drift": "mean velocity", "paths": {"by": "sample", "of": "position", "count": 20}},
}


def ran(tmp_path, run_=None, **scan):
    """results.nc of the tables with this scan."""
    tables = {**TABLES, "run": {"carriers": 30, "duration": 80.0, "dt": 10.0, **(run_ or {"every": 2})}, "scan": scan}
    run.run_case(config.check(tables), tmp_path)
    with xarray.open_dataset(tmp_path / "results.nc", engine="h5netcdf") as data:
        assert all("units" in data[name].attrs for name in data.variables)
        return data.load()


def test_a_scan_of_fewer_carriers_than_are_sampled(tmp_path):
    data = ran(tmp_path, key="field.0.electric.0", values=["5 kV/cm", "10 kV/cm"], carriers=4)
    assert data["paths_electron"].shape == (5, 20, 1)
    assert data["scan_paths_electron"].dims == ("scan", "scan_time", "scan_paths_electron_carrier", "axis")
    assert data["scan_paths_electron"].shape == (2, 5, 4, 1)
    np.testing.assert_array_equal(data["scan_paths_electron"][1, :, 0], data["paths_electron"][:, 0])


@pytest.mark.parametrize("run_", [{"frames": 4}, {"every": 2}])
def test_a_scan_of_the_duration_has_the_times_of_every_point(run_, tmp_path):
    data = ran(tmp_path, run_, key="run.duration", values=[40.0, 80.0])
    time, found = data["scan_time"], data["scan_drift_electron"]
    assert time.dims == ("scan", "scan_frame")
    assert time.attrs["units"] == "fs"
    np.testing.assert_allclose(time[0][np.isfinite(time[0])], [0.0, 10.0, 20.0, 30.0, 40.0] if "frames" in run_ else [0, 20, 40])
    np.testing.assert_allclose(time[1], data["time"])
    np.testing.assert_array_equal(np.isfinite(found[..., 0]), np.isfinite(time))
    np.testing.assert_array_equal(found[1], data["drift_electron"])


def test_a_scan_of_the_step_keeps_one_axis_of_time(tmp_path):
    data = ran(tmp_path, {"frames": 4}, key="run.dt", values=[3.0, 7.0])  # no binary fractions: the times differ by rounding
    assert data["scan_drift_electron"].dims == ("scan", "scan_time", "axis")
    np.testing.assert_allclose(data["scan_time"], data["time"], rtol=1e-6)


def test_a_step_too_long_is_refused_even_where_frames_would_lower_it(tmp_path):
    tables = {**TABLES, "run": {"carriers": 30, "duration": 4000.0, "dt": 400.0, "frames": 200}}
    with pytest.raises(SemijaxError, match="dt = 400 fs: allowed is at most 90.7 fs .*; suggested 9.07 fs"):
        run.run_case(config.check(tables), tmp_path)
