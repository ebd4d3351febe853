"""numba: a loop over trajectories in parallel, fastmath, everything in scalars; written for W1, Lorenz and the table of copper."""

import math

import numba
import numpy as np

from .. import metal
from ..constants import HBAR, TESLA
from . import Job, numba_spline


def supports(spec) -> str | None:
    """Why it was not written, or None."""
    return None if spec.variant == "rk4" and spec.case in ("w1", "lorenz", "copper") else "not written"


def prepare(spec, case) -> Job:
    """Constants in the precision of the state."""
    numba.set_num_threads(min(spec.cores, numba.config.NUMBA_NUM_THREADS))
    start, real = case.start(spec.n, spec.dtype), np.dtype(spec.dtype).type
    table = np.zeros(0, spec.dtype)
    if case.name == "lorenz":
        p = np.array([case.params["sigma"], case.params["beta"]], spec.dtype)
        kernel = _lorenz
    else:
        push = [case.charge / HBAR * e for e in case.electric]
        bend = [case.charge / HBAR * TESLA * b for b in case.magnetic]
        if case.name == "copper":
            turns, rates, table = metal.LATTICE / (2 * math.pi), _copper, metal.coefficients(spec.dtype).reshape(-1)
            p = [*turns.reshape(-1), *(metal.SIDE / HBAR * turns).reshape(-1), *push, *bend]
        else:
            amp = [2 * t * a / HBAR for t, a in zip(case.params["hopping"], case.params["period"])]
            p, rates = [*case.params["period"], *amp, *push, *bend], _w1
        p, kernel = np.array(p, spec.dtype), _orbits(rates)

    def once():
        end, sums = np.empty_like(start), np.zeros((spec.steps // spec.every, case.dimension))
        kernel(p, table, start, end, sums, real(case.dt), spec.steps, spec.every)
        return sums / spec.n, end

    return Job(once)


def _orbits(rates):
    """RK4 of (r, k) in three dimensions: rates(p, table, k...) -> (v..., dk/dt...)."""

    @numba.njit(parallel=True, fastmath=True)
    def run(p, table, start, end, sums, dt, steps, every):
        half, sixth, two = dt / p.dtype.type(2), dt / p.dtype.type(6), p.dtype.type(2)
        blocks = 64
        parts = np.zeros((blocks, sums.shape[0], sums.shape[1]))
        n = start.shape[1]
        for block in numba.prange(blocks):
            for i in range(block * n // blocks, (block + 1) * n // blocks):
                x, y, z, k, m, q = start[0, i], start[1, i], start[2, i], start[3, i], start[4, i], start[5, i]
                for s in range(steps):
                    a0, a1, a2, f0, f1, f2 = rates(p, table, k, m, q)
                    b0, b1, b2, g0, g1, g2 = rates(p, table, k + half * f0, m + half * f1, q + half * f2)
                    c0, c1, c2, h0, h1, h2 = rates(p, table, k + half * g0, m + half * g1, q + half * g2)
                    d0, d1, d2, e0, e1, e2 = rates(p, table, k + dt * h0, m + dt * h1, q + dt * h2)
                    x += sixth * (a0 + two * (b0 + c0) + d0)
                    y += sixth * (a1 + two * (b1 + c1) + d1)
                    z += sixth * (a2 + two * (b2 + c2) + d2)
                    k += sixth * (f0 + two * (g0 + h0) + e0)
                    m += sixth * (f1 + two * (g1 + h1) + e1)
                    q += sixth * (f2 + two * (g2 + h2) + e2)
                    if (s + 1) % every == 0:
                        a0, a1, a2, f0, f1, f2 = rates(p, table, k, m, q)
                        row = parts[block, s // every]
                        row[0] += a0
                        row[1] += a1
                        row[2] += a2
                end[0, i], end[1, i], end[2, i], end[3, i], end[4, i], end[5, i] = x, y, z, k, m, q
        sums[:] = parts.sum(0)

    return run


@numba.njit(fastmath=True, inline="always")
def _w1(p, table, k0, k1, k2):
    v0, v1, v2 = p[3] * math.sin(p[0] * k0), p[4] * math.sin(p[1] * k1), p[5] * math.sin(p[2] * k2)
    f0 = p[6] + v1 * p[11] - v2 * p[10]
    f1 = p[7] + v2 * p[9] - v0 * p[11]
    f2 = p[8] + v0 * p[10] - v1 * p[9]
    return v0, v1, v2, f0, f1, f2


@numba.njit(fastmath=True)
def _copper(p, table, k0, k1, k2):
    """p: lattice/2π [9], the same in units that make velocities [9], push [3], bend [3]."""
    x, y, z = p[0] * k0 + p[1] * k1 + p[2] * k2, p[3] * k0 + p[4] * k1 + p[5] * k2, p[6] * k0 + p[7] * k1 + p[8] * k2
    g0, g1, g2 = numba_spline.gradient(table, metal.SIDE, x, y, z)
    v0 = p[9] * g0 + p[12] * g1 + p[15] * g2
    v1 = p[10] * g0 + p[13] * g1 + p[16] * g2
    v2 = p[11] * g0 + p[14] * g1 + p[17] * g2
    f0 = p[18] + v1 * p[23] - v2 * p[22]
    f1 = p[19] + v2 * p[21] - v0 * p[23]
    f2 = p[20] + v0 * p[22] - v1 * p[21]
    return v0, v1, v2, f0, f1, f2


@numba.njit(fastmath=True, inline="always")
def _lorenz_rates(p, rho, x, y, z):
    return p[0] * (y - x), x * (rho - z) - y, x * y - p[1] * z


@numba.njit(parallel=True, fastmath=True)
def _lorenz(p, table, start, end, sums, dt, steps, every):
    half, sixth, two = dt / p.dtype.type(2), dt / p.dtype.type(6), p.dtype.type(2)
    for i in numba.prange(start.shape[1]):
        x, y, z, rho = start[0, i], start[1, i], start[2, i], start[3, i]
        for _ in range(steps):
            a0, a1, a2 = _lorenz_rates(p, rho, x, y, z)
            b0, b1, b2 = _lorenz_rates(p, rho, x + half * a0, y + half * a1, z + half * a2)
            c0, c1, c2 = _lorenz_rates(p, rho, x + half * b0, y + half * b1, z + half * b2)
            d0, d1, d2 = _lorenz_rates(p, rho, x + dt * c0, y + dt * c1, z + dt * c2)
            x += sixth * (a0 + two * (b0 + c0) + d0)
            y += sixth * (a1 + two * (b1 + c1) + d1)
            z += sixth * (a2 + two * (b2 + c2) + d2)
        end[0, i], end[1, i], end[2, i], end[3, i] = x, y, z, rho
    if every == steps:
        for j in range(3):
            sums[0, j] = end[j].astype(np.float64).sum()
