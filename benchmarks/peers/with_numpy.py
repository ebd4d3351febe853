"""NumPy, vectorised over blocks that stay in the cache, the blocks dealt out to a thread per core."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from . import Job

BLOCK = 2048


def supports(spec) -> str | None:
    """Why it was not written, or None."""
    return None if spec.variant == "rk4" else "not written"


def prepare(spec, case) -> Job:
    """Results go into arrays made for every run."""
    start = case.start(spec.n, spec.dtype)
    pool, width = ThreadPoolExecutor(spec.cores), min(BLOCK, -(-spec.n // spec.cores))

    def once():
        end = np.empty_like(start)
        parts = pool.map(
            lambda at: _block(spec, case, start[:, at : at + width], end[:, at : at + width]), range(0, spec.n, width)
        )
        return sum(parts) / spec.n, end

    return Job(once)


def _block(spec, case, start, end):
    """Sums [frames, o] over the block; its end is written into `end`."""
    m, dt = case.components, start.dtype.type(case.dt)
    z, fixed, sums = [row.copy() for row in start[:m]], list(start[m:]), []
    for i in range(spec.steps):
        z = _step(case, i * case.dt, z, fixed, dt)
        if (i + 1) % spec.every == 0:
            sums.append([seen.sum(dtype=np.float64) for seen in case.rates(np, float((i + 1) * case.dt), [*z, *fixed])[0]])
    for row, x in zip(end, [*z, *fixed]):
        row[:] = x
    return np.array(sums)


def _step(case, t, z, fixed, dt):
    half, sixth = dt / 2, dt / 6
    a = case.rates(np, float(t), [*z, *fixed])[1]
    b = case.rates(np, float(t + half), [x + half * k for x, k in zip(z, a)] + fixed)[1]
    c = case.rates(np, float(t + half), [x + half * k for x, k in zip(z, b)] + fixed)[1]
    d = case.rates(np, float(t + dt), [x + dt * k for x, k in zip(z, c)] + fixed)[1]
    return [x + sixth * (p + 2 * (q + r) + s) for x, p, q, r, s in zip(z, a, b, c, d)]
