"""Fits: frequency, damping, amplitude and offset of an oscillation that was followed for a few periods."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from semijax._types import SemijaxError


@dataclass(frozen=True)
class DampedSinusoid:
    """y(t) = offset + amplitude exp(−t/damping_time) cos(2π frequency t + phase).

    frequency: cycles per unit of t. damping_time: unit of t; negative for an oscillation that grows, infinite for one that
    stays. amplitude: at t = 0, ≥ 0. errors: name -> one standard error, from the scatter of y about the fit.
    """

    frequency: float
    damping_time: float
    amplitude: float
    phase: float
    offset: float
    errors: dict[str, float]

    def __call__(self, t):
        """The fitted curve at times t."""
        t = np.asarray(t, np.float64)
        decay = np.exp(-t / self.damping_time)
        return self.offset + self.amplitude * decay * np.cos(2 * np.pi * self.frequency * t + self.phase)


def damped_sinusoid(t, y) -> DampedSinusoid:
    """The damped sinusoid nearest to y [f] at evenly spaced times t [f], by least squares.

    Amplitudes and offset follow from frequency and damping (Golub, Pereyra, SIAM J. Numer. Anal. 10, 413 (1973)), which start
    from the highest line of a padded transform. Raises SemijaxError for fewer than eight points or a constant y.
    """
    t, y = np.asarray(t, np.float64), np.asarray(y, np.float64)
    if t.ndim != 1 or y.shape != t.shape or len(t) < 8 or not np.isfinite(y).all() or not np.ptp(y) > 0:
        raise SemijaxError(f"damped_sinusoid: t {t.shape}, y {y.shape}: allowed are [f] and [f], f ≥ 8, y finite, not constant")
    span, size = t[-1] - t[0], np.ptp(y)
    s, z = (t - t[0]) / span, (y - y.mean()) / size  # everything near one
    found = least_squares(lambda p: _basis(s, *p) @ _linear(s, z, *p) - z, [_turns(z), 0.0], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    turns, rate = found.x
    linear = _linear(s, z, turns, rate)
    errors = _errors(s, z, turns, rate, linear)
    # back to an origin of time at t = 0
    swing = (linear[0] - 1j * linear[1]) * np.exp((rate - 2j * np.pi * turns) * t[0] / span) * size
    damping = span / rate if rate else np.inf
    return DampedSinusoid(
        float(turns / span),
        float(damping),
        float(abs(swing)),
        float(np.angle(swing)),
        float(linear[2] * size + y.mean()),
        {
            "frequency": errors[0] / span,
            "damping_time": errors[1] / span * damping**2,
            "amplitude": errors[2] * size * float(np.exp(rate * t[0] / span)),
            "offset": errors[3] * size,
        },
    )


def _basis(s, turns, rate):
    decay = np.exp(-rate * s)
    return np.stack([decay * np.cos(2 * np.pi * turns * s), decay * np.sin(2 * np.pi * turns * s), np.ones_like(s)], 1)


def _linear(s, z, turns, rate):
    return np.linalg.lstsq(_basis(s, turns, rate), z, rcond=None)[0]


def _turns(z) -> float:
    """Periods within the record: the highest line of the transform, half a period at least."""
    padding = 8
    window = np.hanning(len(z))
    power = np.abs(np.fft.rfft((z - np.average(z, weights=window)) * window, padding * len(z)))
    return max(0.5, float(power.argmax()) * (len(z) - 1) / (padding * len(z)))


def _errors(s, z, turns, rate, linear) -> list[float]:
    """Standard errors of turns, rate, amplitude and offset, s and z being scaled."""
    c, d, _ = linear
    columns = _basis(s, turns, rate)
    wave = columns[:, 0] * c + columns[:, 1] * d
    turned = 2 * np.pi * s * (columns[:, 1] * -c + columns[:, 0] * d)
    design = np.column_stack([turned, -s * wave, columns])
    left = columns @ linear - z
    covariance = np.linalg.pinv(design.T @ design) * (left @ left) / max(1, len(z) - design.shape[1])
    along = np.array([0, 0, c, d, 0]) / np.hypot(c, d)
    variances = [covariance[0, 0], covariance[1, 1], along @ covariance @ along, covariance[4, 4]]
    return [float(np.sqrt(max(0.0, v))) for v in variances]
