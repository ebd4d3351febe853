"""Spectra: the closed form of a damped oscillation, Parseval's theorem, and what is refused."""

import numpy as np
import pytest

from semijax._types import SemijaxError
from semijax.spectra import emitted_spectrum


def test_damped_oscillation_has_its_closed_form():
    # J = exp(−t/τ) sin ω0 t: ∫ dJ/dt e^{−iωt} dt = iω ω0/((1/τ + iω)² + ω0²)
    tau, omega, dt = 1000.0, 0.017, 1.0
    time = np.arange(0, 20 * tau, dt)
    frequency, power = emitted_spectrum(time, np.exp(-time / tau) * np.sin(omega * time), window=None, padding=1)
    shown = (frequency > 0.5) & (frequency < 6)
    w = 2 * np.pi * frequency[shown] * 1e-3
    exact = np.abs(1j * w * omega / ((1 / tau + 1j * w) ** 2 + omega**2)) ** 2
    # differences: (ω dt)²/3 in power, at most 5e-4 up to 6 THz; the start of the integral adds (ω dt)²/6 as much again
    np.testing.assert_allclose(power[shown], exact, rtol=2e-3)


def test_peak_of_a_driven_current_sits_at_the_drive():
    time = np.linspace(0, 5000, 2001)
    frequency, power = emitted_spectrum(time, np.cos(2 * np.pi * 2.5e-3 * time), window="hann")
    # the mesh of frequencies is 1/(padded record), at most 1/(8 · 5 ps)
    assert abs(frequency[power.argmax()] - 2.5) < 1 / 40


def test_parseval():
    time = np.linspace(0, 4000, 4001)
    current = np.exp(-(((time - 2000) / 300) ** 2)) * np.sin(0.02 * time)
    frequency, power = emitted_spectrum(time, current, window=None)
    found = 2 * np.sum(power) * (frequency[1] - frequency[0]) * 1e-3  # both signs of f; 1/fs
    # exact for the samples but for the point at f = 0, which counts once; there the power is (J(end) − J(0))² = 0
    assert found == pytest.approx(np.sum(np.gradient(current, time) ** 2), rel=1e-9)


def test_components_add_and_constants_do_not_radiate():
    time = np.linspace(0, 1000, 501)
    x, y = np.sin(0.02 * time), np.cos(0.05 * time)
    both = emitted_spectrum(time, np.stack([x, y], 1) + 3.0)[1]
    np.testing.assert_allclose(both, emitted_spectrum(time, x)[1] + emitted_spectrum(time, y)[1], rtol=1e-9, atol=1e-9)


def test_windows_at_the_ends():
    # a jump in the last sample is seen without a window and vanishes with the falling one, up to its neighbour's weight
    time, jump = np.linspace(0, 1000, 1001), np.zeros(1001)
    jump[-1] = 1.0
    assert emitted_spectrum(time, jump, window=None)[1][0] > 0.1
    assert emitted_spectrum(time, jump)[1].max() < 1e-10
    # and one in the first is spared
    np.testing.assert_allclose(
        emitted_spectrum(time, jump[::-1])[1][0], emitted_spectrum(time, jump, window=None)[1][0], rtol=1e-4
    )


def test_times_of_a_float32_run_are_even_enough():
    time = (np.float32(0.5) * np.arange(16001)).astype(np.float32) + np.float32(0.1)
    assert emitted_spectrum(time, np.sin(0.02 * time))[0][0] == 0


@pytest.mark.parametrize(
    ("time", "current", "options", "words"),
    [
        (np.arange(5.0), np.zeros(4), {}, "time (5,) and current (4,)"),
        (np.array([0.0, 1, 2, 4, 5]), np.zeros(5), {}, "evenly spaced"),
        (-np.arange(5.0), np.zeros(5), {}, "evenly spaced"),
        (np.arange(5.0), np.zeros(5), {"window": "kaiser"}, "window = 'kaiser'"),
        (np.arange(5.0), np.zeros(5), {"padding": 0}, "padding = 0"),
    ],
)
def test_bad_input_is_named(time, current, options, words):
    with pytest.raises(SemijaxError) as error:
        emitted_spectrum(time, current, **options)
    assert words in str(error.value)
    assert "allowed" in str(error.value)
