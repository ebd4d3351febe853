"""heyoka: batch Taylor integration of the symbolic rates, its own derivatives and threads; adaptive to `tolerance`."""

import copy
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import heyoka as hy
import numpy as np

from . import Job

TOLERANCE = {"float32": 1e-6, "float64": 1e-9}  # where the variant names none


def supports(spec) -> str | None:
    """Why it was not written, or None."""
    return None if spec.variant in ("rk4", "precision") and not spec.case.startswith("copper") else "not written"


def prepare(spec, case) -> Job:
    """One compiled integrator for every thread, fed with batches of trajectories."""
    kind, m = np.dtype(spec.dtype).type, case.components
    names = [f"z{i}" for i in range(m)]
    symbols = [*hy.make_vars(*names), *(hy.par[i] for i in range(case.constants))]
    words = SimpleNamespace(sin=hy.sin, cos=hy.cos, sqrt=hy.sqrt, exp=hy.exp)
    rates = case.rates(words, hy.time, symbols)[1]
    batch = hy.recommended_simd_size(kind)
    tolerance = spec.tolerance or TOLERANCE[spec.dtype]
    system = [(v, hy.expression(kind(r)) if isinstance(r, float) else r) for v, r in zip(symbols, rates)]
    first = hy.taylor_adaptive_batch(
        system, np.zeros((m, batch), kind), tol=kind(tolerance), pars=np.zeros((case.constants, batch), kind), fp_type=kind
    )
    integrators = [first] + [copy.deepcopy(first) for _ in range(spec.cores - 1)]
    start = _padded(case.start(spec.n, kind), batch)
    times = np.arange(spec.steps // spec.every + 1).astype(kind) * kind(spec.every * case.dt)
    pool = ThreadPoolExecutor(spec.cores)

    def once():
        pieces = np.array_split(np.arange(start.shape[1] // batch), spec.cores)
        parts = pool.map(lambda pair: _run(case, start, batch, times, spec.n, *pair), zip(integrators, pieces))
        sums, ends = zip(*parts)
        return sum(sums) / spec.n, np.concatenate(ends, axis=1)[:, : spec.n]

    rough = np.inf if spec.variant == "precision" else 3e-3 if spec.dtype == "float32" else 1e-6
    return Job(once, exact=True, allowed=rough)


def _padded(z, batch: int):
    missing = -z.shape[1] % batch
    return np.concatenate([z, np.repeat(z[:, -1:], missing, axis=1)], axis=1) if missing else z


def _run(case, start, batch, times, n, integrator, pieces):
    """(sums [frames, o], ends [m, ...]) of one thread's batches."""
    m = case.components
    sums, ends = np.zeros((len(times) - 1, case.dimension)), np.empty((m, len(pieces) * batch), start.dtype)
    grid = np.repeat(times[:, None], batch, axis=1)
    for j, piece in enumerate(pieces):
        at = slice(piece * batch, (piece + 1) * batch)
        integrator.set_time(start.dtype.type(0))
        integrator.state[:] = start[:m, at]
        if case.constants:
            integrator.pars[:] = start[m:, at]
        seen = integrator.propagate_grid(grid)[1]  # [times, m, batch]
        ends[:, j * batch : (j + 1) * batch] = seen[-1]
        real = np.arange(at.start, at.stop) < n
        constants = [row[None, at] for row in start[m:]]
        means = case.rates(np, np.asarray(times[1:, None]), [*seen[1:].transpose(1, 0, 2), *constants])[0]
        sums += np.stack([np.where(real, x, 0).sum(-1, dtype=np.float64) for x in means], axis=1)
    return sums, ends
