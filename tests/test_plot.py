"""Pictures against time and field: what is on the axes (data, units, labels, lines), never pixels."""

import subprocess
import sys

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from pictures import FIELD, PERIOD, TIME, VELOCITY, legend, line, styled_and_closed

from semijax import plot, units
from semijax._types import SemijaxError
from semijax.plot import house, prefixes

__all__ = ["styled_and_closed"]


def test_import_changes_no_settings_and_style_puts_them_back():
    code = (
        "import matplotlib as m; a = dict(m.rcParams); import semijax.plot as p; b = dict(m.rcParams); "
        "w = p.style(font_size=14); w.__enter__(); assert m.rcParams['font.size'] == 14; "
        "assert not m.rcParams['axes.spines.top']; w.__exit__(None, None, None); c = dict(m.rcParams); "
        "a.pop('backend'), b.pop('backend'), c.pop('backend'); assert a == b == c"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_units_fit_the_values():
    assert prefixes.fitting("time", [0, 400]) == ("fs", 1.0)
    assert prefixes.fitting("time", [0, 4000]) == ("ps", 1e3)
    assert prefixes.fitting("energy", [-0.018, 0.001]) == ("meV", 1e-3)
    assert prefixes.fitting("energy", [np.nan, np.inf, 2.0]) == ("eV", 1.0)
    assert prefixes.fitting("length", [0.0]) == ("Å", 1.0)
    assert prefixes.written("frequency", 2.75651) == "2.76 THz"
    assert prefixes.written("electric field", FIELD) == "10 kV/cm"


def test_a_later_curve_shares_the_unit_of_the_first():
    ax = plot.drift(TIME, VELOCITY, label="long")
    plot.drift(TIME[:50], VELOCITY[:50], label="short", ax=ax)
    assert ax.get_xlabel() == "time $t$ (ps)"
    np.testing.assert_allclose(line(ax, "short").get_xdata(), TIME[:50] / 1e3)


def test_an_unknown_kind_is_named():
    with pytest.raises(SemijaxError) as error:
        plot.time_series(TIME, VELOCITY, kind="speed")
    assert "kind = 'speed'" in str(error.value)


def test_save_writes_and_closes(tmp_path):
    path = plot.save(plot.drift(TIME, VELOCITY), tmp_path / "drift.png")
    assert path.stat().st_size > 1000
    assert plt.get_fignums() == []


@pytest.mark.parametrize("theory", [VELOCITY, lambda t: np.interp(t, TIME, VELOCITY), (TIME, VELOCITY)])
def test_drift_with_theory_errors_and_residual(theory):
    errors = np.full(401, 0.02)
    ax = plot.drift(TIME, VELOCITY + 0.03, theory=theory, errors=errors, label="run", residual=True)
    below = ax.figure.axes[-1]
    assert legend(ax) == ["run", "± 1 standard error", "theory"]
    assert ax.get_ylabel() == "drift velocity $v$ (km/s)"
    np.testing.assert_allclose(line(ax, "run").get_ydata(), 100 * (VELOCITY + 0.03))
    spread = ax.collections[0].get_paths()[0].vertices
    assert spread[:, 1].max() == pytest.approx(100 * (VELOCITY.max() + 0.05))
    residual = next(one for one in below.lines if len(one.get_xdata()) == 401)
    np.testing.assert_allclose(residual.get_ydata(), 1.5, rtol=1e-3)
    assert below.get_xlabel() == "time $t$ (ps)"
    assert below.get_ylabel() == "residual\n(std. errors)"


def test_residual_without_errors_keeps_the_unit():
    ax = plot.current_density(TIME, 2e3 * VELOCITY + 10, theory=2e3 * VELOCITY, residual=True)
    below = ax.figure.axes[-1]
    assert (ax.get_ylabel(), below.get_ylabel()) == ("current density $J$ (kA/cm²)", "residual\n(kA/cm²)")
    np.testing.assert_allclose(below.lines[-1].get_ydata(), 0.01)


def test_residual_needs_a_theory():
    with pytest.raises(SemijaxError, match="residual"):
        plot.drift(TIME, VELOCITY, residual=True)


def test_jax_float32_arrays_and_plain_numbers():
    ax = plot.time_series(jnp.asarray(TIME, jnp.float32), jnp.ones(401, jnp.float32), name="norm", theory=1.0)
    assert ax.get_ylabel() == "norm"
    np.testing.assert_allclose(line(ax, "theory").get_ydata(), 1.0)


@pytest.mark.parametrize("values", [VELOCITY[:-1], VELOCITY[:, None], VELOCITY + 0j, np.array("x")])
def test_values_that_do_not_fit_are_named(values):
    with pytest.raises(SemijaxError) as error:
        plot.drift(TIME, values)
    assert "values has shape" in str(error.value)
    assert "allowed" in str(error.value)


def test_energy_drift_is_logarithmic_and_shows_the_largest():
    change = 1e-9 * np.outer(TIME, [1.0, -3.0, 2.0])
    ax = plot.energy_drift(TIME, change, label="rk4", allowed=1e-4)
    assert ax.get_yscale() == "log"
    assert ax.get_ylabel().endswith("(eV)")
    np.testing.assert_allclose(line(ax, "rk4").get_ydata()[1:], 3e-9 * TIME[1:])
    np.testing.assert_allclose(line(ax, "allowed").get_ydata(), 1e-4)


def test_liouville_with_its_theory():
    volume = np.outer(TIME, [-1.1e-3, -0.9e-3])
    ax = plot.liouville(TIME, volume, theory=lambda t: -t / 1000, label="mean")
    np.testing.assert_allclose(line(ax, "mean").get_ydata(), -TIME / 1000)
    x, y = line(ax, "theory").get_data()
    np.testing.assert_allclose(y, -x)
    assert legend(ax) == ["mean", "least to most of 2", "theory"]
    assert legend(plot.liouville(TIME, 0 * TIME)) == ["Liouville: 0"]


@pytest.mark.parametrize("logarithmic", [False, True])
def test_spectrum_peaks_at_the_bloch_line(logarithmic):
    ax = plot.spectrum(TIME, VELOCITY, line=2.7565, logarithmic=logarithmic, label="run")
    x, y = line(ax, "run").get_data()
    assert y.max() == 1.0
    # damping over 1 ps and the window make the line about 0.3 THz wide and shift its top by a few per cent of that
    assert abs(x[y.argmax()] - 2.7565) < 0.05
    assert legend(ax) == ["run", "Bloch line $eFd/h$ = 2.76 THz"]
    assert ax.get_xlim() == pytest.approx((0, 3 * 2.7565), rel=0.03)
    assert ax.get_yscale() == ("log" if logarithmic else "linear")
    assert ax.get_xlabel().endswith("(THz)")


def test_frequency_against_field_with_the_bloch_law():
    fields = np.linspace(2, 20, 10) * units.KV_PER_CM
    ax = plot.frequency_against_field(fields, np.linspace(0.55, 5.5, 10), np.full(10, 0.02), period=PERIOD)
    x, y = line(ax, "$eFd/h$,  $d$ = 11.4 nm").get_data()
    # BO1: 10 kV/cm and 11.4 nm make 2.756507735976806 THz
    np.testing.assert_allclose(np.interp(10.0, x, y), 2.756507735976806, rtol=1e-9)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("electric field $F$ (kV/cm)", "Bloch frequency $f$ (THz)")
    points = ax.containers[0]
    np.testing.assert_allclose(points[0].get_xdata(), np.linspace(2, 20, 10))
    np.testing.assert_allclose(np.ptp(points[2][0].get_segments()[0][:, 1]), 0.04)


def test_drift_against_field_shades_where_it_falls():
    def esaki_tsu(field):
        turns = field * PERIOD / units.HBAR * 300.0
        return 1.5 * turns / (1 + turns**2)

    fields = np.linspace(1, 20, 12) * units.KV_PER_CM
    ax = plot.drift_against_field(fields, esaki_tsu(fields), theory=esaki_tsu)
    peak = units.HBAR / (PERIOD * 300.0) / units.KV_PER_CM
    assert ax.patches[0].get_bbox().x0 == pytest.approx(peak, abs=0.03)  # one step of the curve
    assert set(legend(ax)) == {"Esaki–Tsu", "negative differential velocity", "found"}
    assert ax.get_ylabel() == "drift velocity $v$ (km/s)"
    assert line(ax, "Esaki–Tsu").get_ydata().max() == pytest.approx(75.0, rel=1e-3)


def test_rising_drift_is_not_shaded():
    fields = np.linspace(1, 5, 5) * units.KV_PER_CM
    ax = plot.drift_against_field(fields, 1e3 * fields, theory=1e3 * fields)
    assert not ax.patches


def test_every_given_axes_comes_back():
    _, (one, two) = plt.subplots(1, 2)
    assert plot.drift(TIME, VELOCITY, ax=one) is one
    assert plot.phase_space_patch([0.0], np.eye(3)[:1], np.eye(3)[1:2], ax=two) is two
    assert house.axes_or_new(one) is one


def test_a_residual_takes_a_function_at_the_times_themselves():
    time = np.linspace(0.0, 7.0, 9)
    ax = plot.time_series(time, np.cos(time), theory=np.cos, residual=True)
    np.testing.assert_array_equal(ax.figure.axes[-1].lines[-1].get_ydata(), 0.0)
    plt.close("all")
