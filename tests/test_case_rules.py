"""What the bounds of the cases rest on: the laws of a scheme on motions known in closed form, and the fit of a sinusoid."""

import numpy as np
import pytest
from scipy.special import j0

import semijax as sj
from semijax._types import SemijaxError
from semijax.cases._rules import oscillation, steady_push, swing
from semijax.cases._shared import fit_error
from semijax.cases.fits import damped_sinusoid

SCHEMES = (sj.euler, sj.heun, sj.midpoint, sj.rk4, sj.leapfrog, sj.strang, sj.yoshida4)
x = 0.1


def test_rk4_turns_and_shrinks_an_oscillation_as_its_series_says():
    found = oscillation(sj.with_volume(sj.rk4), x, 300)
    # the next terms are smaller by x² times numbers below one
    assert 1 - found.frequency == pytest.approx(x**4 / 120, rel=x**2)
    assert found.energy == pytest.approx(300 * x**6 / 72, rel=x**2)
    assert found.log_volume == pytest.approx(-300 * x**6 / 72, rel=x**2)


def test_leapfrog_keeps_the_area_and_an_energy_nearby():
    found, longer = (oscillation(sj.leapfrog, x, steps) for steps in (300, 3000))
    assert found.frequency - 1 == pytest.approx(x**2 / 24, rel=x**2)
    assert longer.energy == pytest.approx(x**2 / 4, rel=0.05)
    assert found.energy <= longer.energy * (1 + 1e-12) < 0.01
    assert abs(longer.log_volume) < 3000 * 4 * 2.0**-53  # rounding of a determinant near one


def test_rk4_sums_an_even_push_by_simpsons_rule():
    assert steady_push(sj.rk4, x) == pytest.approx(x**4 / 2880, rel=x**2)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: s.name)
@pytest.mark.parametrize("rule", ["oscillation", "push", "swing"])
def test_every_rule_converges_with_the_order_of_the_scheme(scheme, rule):
    def error(h):
        if rule == "oscillation":
            return abs(oscillation(scheme, h, 1).frequency - 1)
        if rule == "push":
            return steady_push(scheme, h)
        offset, factor = swing(scheme, h, 1.7, 0.4)
        return abs(offset - 1.7 * np.sin(0.4)) + abs(factor - j0(1.7))

    order = np.log2(error(0.04) / error(0.02))
    # symmetric motions may gain an order; the rest of the series shifts the slope by less than the largest step
    assert order > scheme.order - 0.04


def test_a_swing_is_what_the_scheme_finds():
    z, phase, steps, kappa = 2.0, 0.9, 24, 0.7
    offset, factor = swing(sj.rk4, 2 * np.pi / steps, z, phase)

    def flow(t, state):
        return np.cos(t + phase) * z, np.sin(state[0])

    state, h = (kappa, 0.0), 2 * np.pi / steps
    for i in range(steps):
        state = sj.rk4(flow, i * h, state, h)
    # J_24(2) ≈ 1e-24 is what the even sum over a period leaves out
    assert state[1] / (2 * np.pi) == pytest.approx(factor * np.sin(kappa - offset), abs=1e-14)


def test_a_sinusoid_is_found_to_rounding():
    t = np.linspace(0.0, 4000.0, 201)
    fit = damped_sinusoid(t, 0.3 + 2 * np.exp(-t / 900) * np.cos(2 * np.pi * 2.7e-3 * t + 0.4))
    found = (fit.frequency, fit.damping_time, fit.amplitude, fit.phase, fit.offset)
    np.testing.assert_allclose(found, (2.7e-3, 900.0, 2.0, 0.4, 0.3), rtol=1e-10)  # 1e6 roundings of a least-squares problem


def test_standard_errors_are_those_of_repeated_experiments():
    t, random = np.linspace(0.0, 4000.0, 201), np.random.default_rng(1)
    clean = 0.3 + 2 * np.exp(-t / 900) * np.cos(2 * np.pi * 2.7e-3 * t + 0.4)
    off = []
    for _ in range(200):
        fit = damped_sinusoid(t, clean + 0.05 * random.standard_normal(len(t)))
        off.append([(fit.frequency - 2.7e-3) / fit.errors["frequency"], (fit.damping_time - 900) / fit.errors["damping_time"]])
    # the scatter of 200 has a standard error of 1/√400 = 5 %: four of them
    np.testing.assert_allclose(np.std(off, axis=0), 1.0, atol=0.2)


def test_a_frequency_is_off_by_no_more_than_its_bound():
    t, random = np.linspace(0.0, 1.0, 301), np.random.default_rng(2)
    for turns in (3.3, 10.0):
        for sign in (np.sign(t - 0.5) * -np.sin(2 * np.pi * turns * t), random.uniform(-1, 1, len(t))):
            y = np.cos(2 * np.pi * turns * t) + 1e-4 * np.sign(sign)
            assert abs(damped_sinusoid(t, y).frequency / turns - 1) < fit_error(1e-4, 1.0, turns)


def test_what_is_no_oscillation_is_refused():
    with pytest.raises(SemijaxError, match="not constant"):
        damped_sinusoid(np.arange(10.0), np.ones(10))
