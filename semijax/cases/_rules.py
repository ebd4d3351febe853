"""What a scheme makes of three motions known in closed form: from it follow the bounds in the tables of the cases."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import j0

from semijax.stepping import scheme_of


@dataclass(frozen=True)
class Oscillation:
    """What is left of a harmonic oscillation after many steps.

    frequency: found over true. energy: largest relative change at any step. log_volume: log of the area of its phase plane.
    """

    frequency: float
    energy: float
    log_volume: float


def oscillation(step: Any, x: float, steps: int) -> Oscillation:
    """`steps` steps of ω dt = x of the scheme inside `step`, from the matrix of one of them.

    Every linear motion that keeps a positive energy is such oscillations side by side. RK4: frequency 1 − x⁴/120, energy and
    log_volume −steps x⁶/72; leapfrog: frequency 1 + x²/24, energy x²/4 that does not grow, log_volume 0.
    """
    scheme = scheme_of(step)
    one = np.array([scheme(_Oscillator(), 0.0, start, x) for start in ((1.0, 0.0), (0.0, 1.0))]).T
    values, vectors = np.linalg.eig(one)
    powers = values ** np.arange(1, steps + 1)[:, None]
    all_steps = np.einsum("ij,nj,jk->nik", vectors, powers, np.linalg.inv(vectors))
    stretch = np.linalg.svd(all_steps, compute_uv=False) ** 2
    turn = np.abs(np.angle(values)).max()
    return Oscillation(float(turn / x), float(np.abs(stretch - 1).max()), float(steps * np.log(np.linalg.det(one))))


def steady_push(step: Any, x: float) -> float:
    """|C − 1|, where a scheme sums exp(iωt) with ω dt = x to C times its integral: k pushed evenly through a cosine band.

    RK4 does so by Simpson's rule, x⁴/2880.
    """
    _, drifts = _stages(scheme_of(step))
    total = sum(weight * np.exp(1j * x * sum(row)) for weight, row in drifts)
    return float(abs(total * 1j * x / np.expm1(1j * x) - 1))


def swing(step: Any, x: float, z: float, phase: float) -> tuple[float, float]:
    """(offset, factor): the mean over whole periods of sin(κ + z sin(ωt + phase) − z sin phase), ω dt = x, as a scheme finds it.

    The mean is factor · sin(κ − offset); exactly J0(z) sin(κ − z sin phase) (Jacobi-Anger). Every stage of the scheme sees a
    sinusoid of slightly wrong amplitude, of which the even sum over a period is exact but for Bessel functions of order 2π/x.
    """
    kicks, drifts = _stages(scheme_of(step))
    turns = np.exp(1j * x * np.array([time for time, _ in kicks]))
    carried = x * np.dot([weight for _, weight in kicks], turns) / np.expm1(1j * x)
    factor = sum(weight * j0(z * abs(carried + x * np.dot(row, turns))) for weight, row in drifts)
    return float(z * (carried * np.exp(1j * phase)).real), float(factor)


def _stages(scheme: Any) -> tuple[list, list]:
    """A scheme on dk/dt = f(t), dr/dt = v(k): kicks (time, weight) of k and drifts (weight, row of kicks that k has felt)."""
    if hasattr(scheme, "weights"):
        size = len(scheme.weights)
        rows = [[*row, *[0.0] * (size - len(row))] for row in scheme.rows]
        return list(zip(scheme.nodes, scheme.weights)), list(zip(scheme.weights, rows))
    kicks: list[tuple[float, float]] = []
    drifts: list[tuple[float, list[float]]] = []
    elapsed = 0.0
    for i, share in enumerate(scheme.shares):
        if (i % 2 == 0) == (scheme.begins == "kick"):
            kicks.append((elapsed, share))
        else:
            drifts.append((share, [weight for _, weight in kicks]))
            elapsed += share
    return kicks, [(weight, [*row, *[0.0] * (len(kicks) - len(row))]) for weight, row in drifts]


class _Oscillator:
    """The flow q' = p, p' = −q of pairs (q, p), in the time ωt."""

    def __call__(self, t, z):
        return z[1], -z[0]

    def kick(self, t, z):
        return 0.0, -z[0]

    def drift(self, t, z):
        return z[1], 0.0
