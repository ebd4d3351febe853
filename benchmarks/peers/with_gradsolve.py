"""gradsolve: its fixed-step explicit RK4, a scan inside a vmap; it returns the end alone."""

import os
from types import SimpleNamespace

os.environ.setdefault("GRADSOLVE_X64", "0")

import jax
import jax.numpy as jnp
import numpy as np
from gradsolve.solvers import fixed_step_explicit

from . import Job, plain


def supports(spec) -> str | None:
    """Why it was not written, or None."""
    return None if spec.variant in ("rk4", "gradient") else "not written"


def prepare(spec, case) -> Job:
    """A jitted function of the starting points."""
    jax.config.update("jax_enable_x64", spec.dtype == "float64")
    y = jax.block_until_ready(jnp.asarray(case.start(spec.n, spec.dtype).T.copy()))
    nothing, dtype = jnp.zeros((spec.n, 0), y.dtype), np.dtype(spec.dtype).type

    def end(case, y):
        problem = SimpleNamespace(
            name=case.name,
            dim=y.shape[1],
            t0=dtype(0.0),
            t1=dtype(spec.steps * case.dt),
            is_stiff=False,
            f_jax=lambda t, y, params: plain.rates(case, t, y),
        )
        return fixed_step_explicit.solve_jax(problem, y, nothing, n_steps=spec.steps)

    if spec.variant == "gradient":
        return plain.gradient(spec, case, lambda c, y: end(c, y)[:, : case.dimension], y)
    go = jax.jit(lambda y: end(case, y))
    return Job(lambda: jax.block_until_ready(go(y)), lambda out: (None, np.asarray(out).T))
