"""The main job: its theory against published cases, its errors against synthetic ensembles, and the whole case run small."""

import dataclasses
import math
import re

import numpy as np
import pytest
from library import CASES

from semijax import config, units
from semijax._types import SemijaxError
from semijax.cases import shipped
from semijax.cases.ensemble_fits import combined, transient
from semijax.cases.miniband_theory import Miniband, minibands, zener_probability
from semijax.run import analysis, run_case

DEVICE = Miniband(0.018, 114.0, 10.0, 1e-4, 1000.0)


# -- theory -----------------------------------------------------------------------------------------------------------------


def test_thermal_displacement_is_the_published_one():
    given, expected = CASES["BO5_300K"]["inputs_SI"], CASES["BO5_300K"]["expected"]
    model = Miniband(0.018, given["d"] / 1e-10, given["T"], given["field"] * units.V_PER_M)
    assert model.thermal_factor == pytest.approx(expected["I1_over_I0"], rel=1e-8)
    displacement = model.free_displacement(np.array(given["theta"]) / model.omega)
    np.testing.assert_allclose(displacement * 1e-10, expected["mean_x"], rtol=1e-8)


@pytest.mark.parametrize("row", CASES["BO6"]["expected"]["rows"])
def test_steady_state_is_the_published_one(row):
    temperature, field, turns, drift, energy = row
    model = Miniband(0.018, 114.0, temperature, field * units.V_PER_M, 300.0)
    # the published numbers are given to eight digits of the constants
    assert model.omega * model.tau == pytest.approx(turns, rel=1e-7)
    assert model.steady_drift / units.M_PER_S == pytest.approx(drift, rel=1e-6)
    assert model.steady_energy == pytest.approx(energy, rel=1e-6)


def test_transient_is_the_published_one():
    given, expected = CASES["BO9"]["inputs_SI"], CASES["BO9"]["expected"]
    omega = given["wB"] / 1e15
    model = Miniband(0.018, 114.0, given["T"], omega * units.HBAR / 114.0, given["tau"] * 1e15)
    time = np.array(given["t"]) * 1e15
    np.testing.assert_allclose(model.drift(time) / units.M_PER_S, expected["v"], rtol=1e-8)
    np.testing.assert_allclose(model.order(time).real, expected["cos"], rtol=1e-8)


def test_split_collisions_settle_where_their_map_does():
    model = dataclasses.replace(DEVICE, dt=20.0)
    keep, turn = math.exp(-model.dt / model.tau / 2), np.exp(1j * model.omega * model.dt)
    z = model.thermal_factor + 0j
    for n in range(1, 2001):  # exp(−40) of the start is left
        z = keep * turn * (keep * z + (1 - keep) * model.thermal_factor) + (1 - keep) * model.thermal_factor
        if n == 7:
            assert z == pytest.approx(complex(model.order(7 * model.dt)), abs=1e-13)
    assert model.steady_order == pytest.approx(z, abs=1e-13)
    off = abs(model.steady_order - DEVICE.steady_order) / abs(DEVICE.steady_order - model.thermal_factor)
    # the next order is (ω dt)² ≈ 0.1 times smaller
    assert off == pytest.approx(model.split_error, rel=0.1)
    assert abs(dataclasses.replace(DEVICE, dt=1e-3).steady_order - DEVICE.steady_order) < 1e-10


def test_free_oscillation_is_the_limit_of_rare_collisions():
    rare = dataclasses.replace(DEVICE, tau=1e12)
    free = dataclasses.replace(DEVICE, tau=math.inf)
    time = np.linspace(0.0, 1000.0, 50)
    np.testing.assert_allclose(rare.drift(time), free.drift(time), atol=1e-6)
    numeric = np.gradient(free.free_displacement(time), time, edge_order=2)
    # second differences of a sinusoid err by (ω h)²/6 inside, (ω h)²/3 at the ends
    np.testing.assert_allclose(numeric, free.drift(time), atol=(free.omega * 20.5) ** 2 / 3 * free.top_speed)
    assert free.swing == pytest.approx(2 * free.top_speed * free.thermal_factor / free.omega, rel=1e-12)


def test_thin_barriers_are_a_perturbation_of_free_electrons():
    height, barrier, period = 0.243, 1.0, 98.0
    (_, high), (second, _) = minibands(period - barrier, barrier, height, 0.067, 0.067)
    edge = units.HBAR2_M0 / (2 * 0.067) * (math.pi / period) ** 2
    mean = height * barrier / period  # |V_G| too, to (π barrier/period)²/6
    # first order: edge + mean ∓ |V_G|; the second is of the order mean²/edge = 0.1 meV
    assert high == pytest.approx(edge, abs=2e-4)
    assert second - high == pytest.approx(2 * mean, abs=2e-4)


def test_thick_barriers_are_isolated_wells():
    (bottom, top), _ = minibands(97.0, 50.0, 0.243, 0.067, 0.067)
    level = (bottom + top) / 2
    inside, outside = (math.sqrt(2 * 0.067 * e / units.HBAR2_M0) for e in (level, 0.243 - level))
    # even state of one well: k tan(ka/2) = κ; neighbours widen it by 2 % of the level, and shift its middle by the square of that
    assert inside * math.tan(inside * 97.0 / 2) == pytest.approx(outside, rel=0.01)


def test_tunnelling_dies_with_the_square_of_the_gap():
    one, two = (zener_probability(gap, 114.0, 0.067, 1e-4) for gap in (0.03, 0.06))
    assert math.log(two) == pytest.approx(4 * math.log(one), rel=1e-12)
    assert 0 < two < one < 1


# -- fits -------------------------------------------------------------------------------------------------------------------


def histories(model, n, generator, time):
    """Velocities [f n] of carriers whose collisions come at any time, drawn exactly between the frames."""
    beta, h = model.bandwidth / (2 * units.KB * model.temperature), time[1] - time[0]
    angle = generator.vonmises(0.0, beta, n)
    found = [np.sin(angle)]
    share = -np.expm1(-h / model.tau)
    for _ in time[1:]:
        age = -model.tau * np.log1p(-share * generator.random(n))
        fresh = generator.vonmises(0.0, beta, n) + model.omega * age
        angle = np.where(generator.random(n) < share, fresh, angle + model.omega * h)
        found.append(np.sin(angle))
    return model.top_speed * np.array(found)


def test_a_damped_sinusoid_is_found_exactly():
    time = np.linspace(0.0, 4000.0, 201)
    mean = DEVICE.drift(time)
    singles = np.random.default_rng(0).normal(size=(201, 50))
    fit = transient(time, mean, singles, 10_000)
    assert fit.frequency.value == pytest.approx(DEVICE.omega / (2 * np.pi), rel=1e-9)
    assert fit.damping_time.value == pytest.approx(DEVICE.tau, rel=1e-8)
    assert fit.constant.value == pytest.approx(DEVICE.steady_drift, rel=1e-8)
    assert fit.swing.value == pytest.approx(DEVICE.swing, rel=1e-8)
    np.testing.assert_allclose(fit(time), mean, atol=1e-9)


def test_influences_are_what_moving_the_mean_does():
    time = np.linspace(0.0, 4000.0, 201)
    mean, other = DEVICE.drift(time), histories(DEVICE, 1, np.random.default_rng(1), time)[:, 0]
    share = 1e-6  # the fit is straight to the square of it
    moved = transient(time, mean + share * (other - mean), other[:, None] * np.ones(3), 1)
    still = transient(time, mean, other[:, None] * np.ones(3), 1)
    for name in ("frequency", "damping_time", "constant", "swing"):
        difference = getattr(moved, name).value - getattr(still, name).value
        assert difference / share == pytest.approx(getattr(still, name).influence[0], rel=1e-3)


def test_standard_errors_are_those_of_repeated_ensembles():
    time, generator = np.linspace(0.0, 4000.0, 101), np.random.default_rng(2)
    theory = {
        "frequency": DEVICE.omega / (2 * np.pi),
        "damping_time": DEVICE.tau,
        "constant": DEVICE.steady_drift,
        "swing": DEVICE.swing,
    }
    deviations = []
    for _ in range(40):
        singles = histories(DEVICE, 600, generator, time)
        fit = transient(time, singles.mean(1), singles[:, :300], 600)
        found = {name: getattr(fit, name) for name in theory}
        deviations.append([(found[name].value - theory[name]) / found[name].error for name in theory])
    deviations = np.array(deviations)
    # 40 draws: a mean of zero to 1/√40, a spread of one to 1/√80; four of these
    assert np.abs(deviations.mean(0)).max() < 4 / math.sqrt(40)
    assert np.abs(deviations.std(0) - 1).max() < 4 / math.sqrt(80)


def test_combined_estimates_know_that_they_share_carriers():
    time, generator = np.linspace(0.0, 4000.0, 101), np.random.default_rng(3)
    singles = histories(DEVICE, 400, generator, time)
    one = transient(time, singles.mean(1), singles, 400).constant
    assert combined([one, one], [0.5, 0.5]).error == pytest.approx(one.error, rel=1e-12)
    assert combined([one, one], [1.0, -1.0]).error == 0.0


# -- the case ---------------------------------------------------------------------------------------------------------------

SMALL = {
    "run.carriers": "1024",
    "run.frames": "80",
    "scan.carriers": "1024",
    "scan.first": "6 kV/cm",
    "scan.last": "18 kV/cm",
    "scan.points": "3",
    # the same records as the main run: one program serves both
    "scan.record": '["drift","energy","position","spread","occupation","velocities","energies","positions","wavevectors"]',
}


def case(**changes):
    overrides = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    return config.load(shipped()["superlattice"], list(overrides.items()))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("superlattice")
    return *run_case(case(), out), out


def test_every_row_holds(done):
    _, report, _ = done
    assert [row.name for row in report.rows if not row.holds] == []
    judged = [row.deviation for row in report.rows if row.deviation is not None]
    assert len(judged) == 17
    # the worst of the scan left out, seventeen less two standard normal numbers: their mean square is 1 ± 0.4
    assert 0.1 < np.mean(np.square(judged[:14])) < 2.6


def test_table_and_notes_tell_what_was_asked(done):
    _, report, out = done
    names = " ".join(row.name for row in report.rows)
    for words in ("Bloch frequency", "displacement", "damping time", "drift", "energy", "peak current", "throughput", "memory"):
        assert words in names
    notes = " ".join(report.notes)
    for words in ("One band", "Zener", "Coulomb", "plasma frequency", "Boltzmann", "doi:10.1103/PhysRevLett.70.3319"):
        assert words in notes
    # Landau-Zener, of the main run's field and the strongest of the scan: the exponent goes as 1/F
    chances = {float(f): float(p) for p, f in re.findall(r"([\d.e+-]+) at ([\d.]+) kV/cm", notes)}
    assert set(chances) == {10.0, 18.0}
    assert chances[10.0] == pytest.approx(2.2e-4, rel=0.1)
    assert math.log(chances[18.0]) == pytest.approx(math.log(chances[10.0]) / 1.8, rel=0.01)
    assert (out / "report.txt").read_text().startswith("┏")
    figures = {"miniband", "current", "spectrum", "frequency", "drift", "zone", "space"}
    assert {path.stem for path in out.glob("*.png")} == set(report.figures) == figures


def test_scan_keeps_the_records_it_names():
    points = config.scan_cases(config.load(shipped()["superlattice"]))
    assert len(points) == 10
    assert all(set(point.record) == {"drift", "velocities"} for point in points)


def test_theory_refuses_cases_it_does_not_cover(done):
    results, _, _ = done
    for key, value, words in (
        ("carriers__temperature", "20 K", "carriers: allowed is the Boltzmann law at relaxation.temperature"),
        ("field__0__magnetic", '["0 T", "0 T", "1 T"]', "field: allowed is one uniform electric field"),
        ("analysis__density", "false", "analysis.density = False: allowed is a density > 0"),
    ):
        other = dataclasses.replace(results.main, case=case(**{key: value}))
        with pytest.raises(SemijaxError, match=words.replace(".", r"\.")):
            analysis(dataclasses.replace(results, case=other.case, main=other))


def test_scan_of_an_unknown_record_is_refused():
    with pytest.raises(
        SemijaxError, match=r"superlattice\.toml: scan\.record = \[\"drifts\"\]: allowed are drift, .*nearest is drift"
    ):
        case(scan__record='["drifts"]')
