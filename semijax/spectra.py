"""Spectra: what an accelerated current radiates, from J(t) to power against frequency."""

import numpy as np

from semijax._types import SemijaxError
from semijax.units import THZ_INTERNAL


def emitted_spectrum(time, current, *, window: str | None = "falling", padding: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Radiated power |∫ w(t) dJ/dt exp(−2πift) dt|² of a short dipole source: (frequency [m], THz; power [m], units of J²).

    time [f]: fs, evenly spaced. current [f] or [f d], any unit; the power is summed over d. window w: "falling" (half a Hann
    window, 1 at the start and 0 at the end: it spares the onset of a transient), "hann" (0 at both ends, for a driven steady
    state), None (1). padding: the record is continued with zeros to at least that many times its length, which draws the same
    spectrum on a finer mesh. dJ/dt by central differences, whose relative error in amplitude is (2πf dt)²/6.

    Raises SemijaxError for times that are not even and arrays that do not match. Jackson, Classical Electrodynamics, 3rd ed.,
    eq. 9.19 and 14.60 (far field ∝ dJ/dt, energy per frequency ∝ its transform squared).
    """
    t, j = np.asarray(time, np.float64), np.asarray(current, np.float64)
    if t.ndim != 1 or len(t) < 4 or j.ndim not in (1, 2) or len(j) != len(t):
        raise SemijaxError(f"emitted_spectrum: time {t.shape} and current {j.shape}: allowed are [f] and [f] or [f d], f ≥ 4")
    dt = (t[-1] - t[0]) / (len(t) - 1)
    # float32 times of a long run are even only to their own rounding
    if not dt > 0 or np.abs(np.diff(t) - dt).max() > 0.02 * dt:
        raise SemijaxError("emitted_spectrum: time: allowed are evenly spaced, increasing times in fs")
    if not isinstance(padding, int) or padding < 1:
        raise SemijaxError(f"emitted_spectrum: padding = {padding!r}: allowed is a whole number ≥ 1")
    rate = np.gradient(j, dt, axis=0, edge_order=2)
    weights = _window(window, len(t)) * dt
    weights[[0, -1]] /= 2  # trapezoidal rule: the record begins and ends inside the signal
    size = 1 << (padding * len(t) - 1).bit_length()
    transform = np.fft.rfft(rate * weights.reshape(-1, *(1,) * (j.ndim - 1)), n=size, axis=0)
    power = np.abs(transform) ** 2
    return np.fft.rfftfreq(size, dt) / THZ_INTERNAL, power.sum(1) if j.ndim == 2 else power


def _window(name: str | None, size: int) -> np.ndarray:
    turn = np.arange(size) / (size - 1)
    if name == "falling":
        return 0.5 + 0.5 * np.cos(np.pi * turn)
    if name == "hann":
        return 0.5 - 0.5 * np.cos(2 * np.pi * turn)
    if name is None:
        return np.ones(size)
    raise SemijaxError(f'emitted_spectrum: window = {name!r}: allowed are "falling", "hann", None')
