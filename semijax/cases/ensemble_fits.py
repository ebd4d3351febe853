"""Fits to ensemble means: damped sinusoids whose standard errors come from the histories of single carriers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from semijax.cases.fits import damped_sinusoid


@dataclass(frozen=True)
class Estimate:
    """A number found from an ensemble of `count` carriers.

    influence [m]: what each of m sampled carriers would move it by if all were like it (to first order, times one constant).
    """

    value: float
    influence: np.ndarray
    count: int

    @property
    def error(self) -> float:
        """One standard error: the scatter of the influences over √count. Whatever correlates a carrier's times is in it."""
        return float(np.std(self.influence, ddof=1) / np.sqrt(self.count))

    def times(self, factor: float) -> "Estimate":
        """The estimate in another unit."""
        return Estimate(self.value * factor, self.influence * factor, self.count)


def combined(estimates: Sequence[Estimate], weights: Sequence[float] | np.ndarray) -> Estimate:
    """Σ weight × estimate of estimates from the same carriers (by id), correlated as they may be."""
    pairs = list(zip(estimates, weights, strict=True))
    value = float(sum(weight * one.value for one, weight in pairs))
    return Estimate(value, np.sum([weight * one.influence for one, weight in pairs], axis=0), estimates[0].count)


@dataclass(frozen=True)
class Transient:
    """c + A exp(−γt) cos(ωt + φ) fitted to an ensemble mean. parameters: (ω, γ, A, φ, c); influence [m 5]: on each of them."""

    parameters: np.ndarray
    influence: np.ndarray
    count: int

    def __call__(self, time) -> np.ndarray:
        """The fitted curve at times [...]."""
        return curve(self.parameters, time)

    def estimate(self, of: Callable[[np.ndarray], float]) -> Estimate:
        """A function of the five parameters, with its error to first order."""
        spread = np.std(self.influence, axis=0, ddof=1) / np.sqrt(self.count)
        # steps well inside one standard error, where the function is as straight as the error needs it
        steps = np.diag(np.maximum(0.01 * spread, 1e-9 * np.abs(self.parameters)))
        size = np.maximum(np.diag(steps), np.finfo(float).tiny)
        p = self.parameters
        slope = np.array([(of(p + step) - of(p - step)) / (2 * h) for step, h in zip(steps, size)])
        return Estimate(float(of(p)), self.influence @ slope, self.count)

    @property
    def frequency(self) -> Estimate:
        """ω/2π, cycles per unit of time."""
        return self.estimate(lambda p: p[0] / (2 * np.pi))

    @property
    def damping_time(self) -> Estimate:
        """1/γ."""
        return self.estimate(lambda p: 1 / p[1])

    @property
    def constant(self) -> Estimate:
        """c, what remains when the oscillation has died."""
        return self.estimate(lambda p: p[4])

    @property
    def swing(self) -> Estimate:
        """Peak-to-peak displacement, had there been no collisions, where the fit is of a velocity: 2A √(ω² + γ²)/ω².

        Collisions that redraw k at rate γ make the drift v(t) = e^(−γt) u(t) + γ ∫₀ᵗ e^(−γs) u(s) ds of the drift u without them,
        so dv/dt = e^(−γt) du/dt: the oscillation of u has the amplitude A √(ω² + γ²)/ω.
        """
        return self.estimate(lambda p: 2 * abs(p[2]) * np.hypot(p[0], p[1]) / p[0] ** 2)


def curve(parameters: np.ndarray, time) -> np.ndarray:
    """c + A exp(−γt) cos(ωt + φ)."""
    omega, gamma, amplitude, phase, constant = parameters
    t = np.asarray(time, np.float64)
    return constant + amplitude * np.exp(-gamma * t) * np.cos(omega * t + phase)


def transient(time: np.ndarray, mean: np.ndarray, singles: np.ndarray, count: int) -> Transient:
    """Least squares through the mean [f] of `count` carriers, of which `singles` [f m] are m.

    The fit moves by (JᵀJ)⁻¹Jᵀ times what the mean moves by, J being its Jacobian: applied to the history of one carrier that is
    the carrier's influence (the infinitesimal jackknife: Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982).
    """
    fit = damped_sinusoid(time, mean)
    parameters = np.array([2 * np.pi * fit.frequency, 1 / fit.damping_time, fit.amplitude, fit.phase, fit.offset])
    apart = singles - curve(parameters, time)[:, None]
    return Transient(parameters, (np.linalg.pinv(_jacobian(parameters, time)) @ apart).T, count)


def _jacobian(parameters: np.ndarray, t: np.ndarray) -> np.ndarray:
    """∂curve/∂parameters, [f 5]."""
    omega, gamma, amplitude, phase, _ = parameters
    decay = np.exp(-gamma * t)
    wave, turned = decay * np.cos(omega * t + phase), -decay * np.sin(omega * t + phase)
    return np.stack([amplitude * t * turned, -amplitude * t * wave, wave, amplitude * turned, np.ones_like(t)], axis=1)
