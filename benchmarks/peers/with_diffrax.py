"""diffrax, vmapped over trajectories: RK4 as a tableau of the user's at constant step, Tsit5 and Dopri8 at a tolerance."""

from functools import partial

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from . import Job, plain

_TABLEAU = diffrax.ButcherTableau(
    a_lower=(np.array([0.5]), np.array([0.0, 0.5]), np.array([0.0, 0.0, 1.0])),
    b_sol=np.array([1 / 6, 1 / 3, 1 / 3, 1 / 6]),
    b_error=np.array([1 / 6 - 1, 1 / 3, 1 / 3, 1 / 6]),
    c=np.array([0.5, 0.5, 1.0]),
)


class RK4(diffrax.AbstractERK):
    """The classical scheme, which diffrax does not ship."""

    tableau = _TABLEAU
    interpolation_cls = diffrax.ThirdOrderHermitePolynomialInterpolation.from_k

    def order(self, terms):
        """Of accuracy."""
        return 4


def supports(spec) -> str | None:
    """Why it was not written, or None."""
    return None if spec.variant in ("rk4", "precision", "gradient") else "not written"


def prepare(spec, case) -> Job:
    """A jitted function of the starting points."""
    jax.config.update("jax_enable_x64", spec.dtype == "float64")
    y = jax.block_until_ready(jnp.asarray(case.start(spec.n, spec.dtype).T.copy()))
    if spec.variant == "gradient":
        return plain.gradient(spec, case, lambda c, y: _run(spec, c, y)[1][:, : case.dimension], y)
    go = jax.jit(partial(_run, spec, case))
    exact = spec.tolerance > 0
    return Job(
        lambda: jax.block_until_ready(go(y)),
        lambda out: (np.asarray(out[0]), np.asarray(out[1]).T),
        exact=exact,
        allowed=np.inf if spec.variant == "precision" else 3e-3 if exact else None,
    )


def _run(spec, case, y):
    end, dtype = spec.steps * case.dt, y.dtype
    times = jnp.arange(1, spec.steps // spec.every + 1).astype(dtype) * spec.every * case.dt
    adaptive = spec.tolerance > 0
    solver = RK4() if not adaptive else diffrax.Dopri8() if spec.option == "Dopri8" else diffrax.Tsit5()
    control = diffrax.PIDController(rtol=spec.tolerance, atol=spec.tolerance) if adaptive else diffrax.ConstantStepSize()

    def one(y):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, args: plain.rates(case, t, y)),
            solver,
            t0=jnp.zeros((), dtype),
            t1=jnp.asarray(end, dtype),
            dt0=jnp.asarray(case.dt, dtype),
            y0=y,
            saveat=_saved(case, times),
            stepsize_controller=control,
            max_steps=16 * spec.steps + 16,
        )
        return solution.ys

    seen, end = jax.vmap(one)(y)
    return jnp.mean(seen, axis=0), end[:, -1]


def _saved(case, times):
    return diffrax.SaveAt(
        subs=(
            diffrax.SubSaveAt(ts=times, fn=lambda t, y, args: plain.observed(case, t, y)),
            diffrax.SubSaveAt(t1=True),
        )
    )
