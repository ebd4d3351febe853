"""The right answer in float64 by NumPy, from the hand-written rates and schemes of its own; and how far an entry may be from it."""

import functools
from dataclasses import dataclass

import numpy as np

from .cases import CASES, Case

TOLERANCE = {"float32": 3e-4, "float64": 1e-9}  # of the largest component: 200 steps' rounding, grown by the motion
_W = 1 / (2 - 2 ** (1 / 3))
_SHARES = {
    "leapfrog": ("kick", (0.5, 1.0, 0.5)),
    "strang": ("drift", (0.5, 1.0, 0.5)),
    "yoshida4": ("kick", (_W / 2, _W, (1 - _W) / 2, 1 - 2 * _W, (1 - _W) / 2, _W, _W / 2)),
}


def tableau(step: str):
    """(nodes, rows, weights) of a Runge-Kutta step; dop8 from SciPy's table."""
    if step == "dop8":
        from scipy.integrate._ivp import dop853_coefficients as table

        return table.C[:12], [row[:i] for i, row in enumerate(table.A[:12])], table.B
    return {
        "euler": ((0,), ((),), (1,)),
        "heun": ((0, 1), ((), (1,)), (0.5, 0.5)),
        "midpoint": ((0, 0.5), ((), (0.5,)), (0, 1)),
        "rk4": ((0, 0.5, 0.5, 1), ((), (0.5,), (0, 0.5), (0, 0, 1)), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
    }[step]


def advance(case: Case, step: str, t: float, z: np.ndarray, dt: float) -> np.ndarray:
    """z [components + constants, n] one step later."""
    if step in _SHARES:
        return _split(case, step, t, z, dt)
    m, rates = case.components, []
    nodes, rows, weights = tableau(step)
    for node, row in zip(nodes, rows):
        at = z.copy()
        for a, rate in zip(row, rates):
            at[:m] += dt * a * rate
        rates.append(_rates(case, t + node * dt, at))
    z = z.copy()
    for weight, rate in zip(weights, rates):
        z[:m] += dt * weight * rate
    return z


def _rates(case: Case, t: float, z: np.ndarray) -> np.ndarray:
    return np.array(np.broadcast_arrays(*case.rates(np, float(t), z)[1], z[0])[:-1])


def _split(case: Case, step: str, t: float, z: np.ndarray, dt: float) -> np.ndarray:
    """Kicks and drifts in turn; needs rates of k that do not depend on k."""
    (first, shares), d, z = _SHARES[step], case.dimension, z.copy()
    for i, share in enumerate(shares):
        rates = _rates(case, t, z)
        moved = slice(d, None) if (i % 2 == 0) == (first == "kick") else slice(0, d)
        z[moved] += share * dt * rates[moved]
    return z


@functools.lru_cache(maxsize=16)
def solve(name: str, step: str, steps: int, every: int, base: int, finer: int = 1):
    """(what is averaged [frames, o, base], final z [m, base]) of the first `base` trajectories, with dt/finer."""
    case = CASES[name]
    z, frames, dt = case.start(base), [], case.dt / finer
    for i in range(steps * finer):
        z = advance(case, step, i * dt, z, dt)
        if (i + 1) % (every * finer) == 0:
            frames.append(np.array(case.rates(np, float((i + 1) * dt), z)[0]))
    return np.array(frames), z


@dataclass(frozen=True)
class Verdict:
    """Errors relative to the largest component, what is allowed, and whether they are within it."""

    final: float
    frames: float | None
    allowed: float

    @property
    def right(self) -> bool:
        """NaN is never right."""
        return self.final <= self.allowed and (self.frames is None or self.frames <= self.allowed)


def judge(case: Case, spec, frames, final, exact: bool = False, allowed: float | None = None) -> Verdict:
    """An entry's means [frames, o] (None where it gives none) and end [m, n] against the reference.

    exact: the entry does not take RK4's steps; it is compared with the exact solution and may be as far from it as RK4 is. Of the end,
    the first and the last case.base trajectories are looked at.
    """
    base = min(spec.n, case.base)
    step = spec.variant if spec.variant in STEPS else "rk4"
    means, z = solve(case.name, step, spec.steps, spec.every, base)
    allowed = TOLERANCE[spec.dtype] if allowed is None else allowed
    if exact:
        exact_means, exact_z = solve(case.name, "dop8", spec.steps, spec.every, base, 2)
        allowed, means, z = max(allowed, 3 * _off(case, z, exact_z)), exact_means, exact_z
    weights = case.times_drawn(spec.n)
    wanted = (means * weights).sum(-1) / weights.sum()
    last = np.arange(spec.n - base, spec.n) % base
    final = np.asarray(final)[: case.components]
    errors = [_off(case, final[:, :base], z), _off(case, final[:, spec.n - base :], z[:, last])]
    error = None if frames is None else float(np.abs(np.asarray(frames, np.float64) - wanted).max() / np.abs(means).max())
    return Verdict(float(np.max(errors)), error, allowed)


def _off(case: Case, found, wanted) -> float:
    """The largest deviation of r over the largest r, of k over the largest k."""
    m, d = case.components, case.dimension
    groups = (slice(0, d), slice(d, m)) if m > d else (slice(0, m),)
    return float(np.max([np.abs(np.asarray(found[g], np.float64) - wanted[g]).max() / np.abs(wanted[g]).max() for g in groups]))


STEPS = ("euler", "heun", "midpoint", "rk4", "dop8", "leapfrog", "strang", "yoshida4")


def _complex_step(name: str, steps: int, z: np.ndarray, hopping: complex = 0.0) -> np.ndarray:
    """The end of RK4 from complex components, with i·1e-30 added to the first hopping where asked: derivatives without cancellation."""
    from dataclasses import replace

    case = CASES[name]
    if hopping:
        first, *others = case.params["hopping"]
        case = replace(case, params={**case.params, "hopping": (first + hopping, *others)})
    for i in range(steps):
        z = advance(case, "rk4", i * case.dt, z, case.dt)
    return z


def gradient(name: str, steps: int, n: int) -> float:
    """∂⟨|r(end)|²⟩/∂(first hopping)."""
    case = CASES[name]
    end = _complex_step(name, steps, case.start(min(n, 4096)).astype(complex), 1e-30j)
    weights = case.times_drawn(n)
    return float(((end[: case.dimension] ** 2).sum(0) * weights).sum().imag / weights.sum() / 1e-30)


def tangent(name: str, steps: int, n: int) -> np.ndarray:
    """∂z(end)/∂k_x(0), [components, n]."""
    case = CASES[name]
    z = case.start(n).astype(complex)
    z[case.dimension] += 1e-30j
    return _complex_step(name, steps, z).imag / 1e-30


def relaxed(name: str, steps: int, every: int, n: int, tau: float, temperature: float) -> np.ndarray:
    """⟨v_z⟩ at every frame of a miniband with collisions at rate 1/τ, from ⟨exp(ik_z d)⟩' = (iω − 1/τ)⟨⟩ + (I1/I0)/τ.

    Ktitorov, Simin, Sindalovskii, Sov. Phys. Solid State 13, 1872 (1972).
    """
    from scipy.special import ive

    from .constants import HBAR

    case, kT = CASES[name], 8.617333262e-5 * temperature
    p, weights = case.params, CASES[name].times_drawn(n)
    beta = p["bandwidth"] / 2 / kT
    start = (np.exp(1j * p["period"] * case.start(min(n, 4096))[5]) * weights).sum() / weights.sum()
    rate = 1j * case.charge * case.electric[2] * p["period"] / HBAR - 1 / tau
    steady = -ive(1, beta) / ive(0, beta) / tau / rate
    t = case.dt * every * np.arange(1, steps // every + 1)
    return p["bandwidth"] * p["period"] / (2 * HBAR) * (steady + (start - steady) * np.exp(rate * t)).imag
