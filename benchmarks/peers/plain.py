"""JAX as everyone writes it: one trajectory on (3,)-arrays with jax.grad, vmap over them, scan over time."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from .. import energies, reference
from ..constants import HBAR, TESLA
from ..reference import Verdict
from . import Job


def supports(spec) -> str | None:
    """Why it was not written, or None."""
    return "not written" if spec.variant in ("relaxation", "leapfrog", "strang", "yoshida4") else None


def prepare(spec, case) -> Job:
    """A jitted function of the starting points."""
    jax.config.update("jax_enable_x64", spec.dtype == "float64")
    y = jax.block_until_ready(jnp.asarray(case.start(spec.n, spec.dtype).T.copy()))
    if spec.variant == "gradient":
        return gradient(spec, case, lambda c, y: run(spec, c, y)[1][:, : case.dimension], y)
    if spec.variant in ("volume", "jacobian"):
        return _lifted(spec, case, y)
    shorter = max(1, round(-spec.tolerance))
    go = jax.jit(partial(run, spec, case, shorter=shorter))
    rough = {"exact": True, "allowed": np.inf} if spec.variant == "precision" else {}
    return Job(lambda: jax.block_until_ready(go(y)), lambda out: (np.asarray(out[0]), np.asarray(out[1]).T), **rough)


def run(spec, case, y, shorter: int = 1):
    """(means [frames, o], end [n, m])."""
    step = jax.vmap(partial(advance, partial(rates, case), _scheme(spec)), in_axes=(None, 0, None))
    dt = jnp.asarray(case.dt / shorter, y.dtype)

    def frame(carry, _):
        t, y = jax.lax.fori_loop(0, spec.every * shorter, lambda i, ty: (ty[0] + dt, step(*ty, dt)), carry)
        return (t, y), jnp.mean(jax.vmap(partial(observed, case), in_axes=(None, 0))(t, y), axis=0)

    (_, y), frames = jax.lax.scan(frame, (jnp.zeros((), y.dtype), y), None, length=spec.steps // spec.every)
    return frames, y


def _scheme(spec):
    step = spec.option if spec.variant == "precision" and spec.option else spec.variant
    return reference.tableau(step if step in ("euler", "heun", "midpoint", "rk4", "dop8") else "rk4")


def advance(f, scheme, t, y, dt):
    """One explicit Runge-Kutta step of one trajectory."""
    nodes, rows, weights = scheme
    slopes = []
    for node, row in zip(nodes, rows):
        at = y + dt * sum((float(a) * k for a, k in zip(row, slopes) if a), jnp.zeros_like(y))
        slopes.append(f(t + float(node) * dt, at))
    return y + dt * sum((float(b) * k for b, k in zip(weights, slopes) if b), jnp.zeros_like(y))


def rates(case, t, y):
    """dy/dt of one trajectory [m]."""
    if case.name == "lorenz":
        x, y, z, rho = y
        return jnp.array([case.params["sigma"] * (y - x), x * (rho - z) - y, x * y - case.params["beta"] * z, 0.0])
    d, p = case.dimension, case.params
    r, k = y[:d], y[d:]
    push = case.charge / HBAR * energies.electric(case, t, r)
    b = case.charge / HBAR * TESLA * jnp.asarray(case.magnetic, y.dtype)
    if case.name == "dirac":
        return _berry(case, k, push, b[0])
    v = energies.slope(case.name.removesuffix("_split"))(p, k) / HBAR
    turned = jnp.cross(v, b) if d == 3 else b[0] * jnp.array([v[1], -v[0]])
    return jnp.concatenate([v, push + turned])


def _berry(case, k, push, b):
    p = case.params
    shifted = lambda k: energies.dirac(p, k) - energies.dirac_moment(p, k) * TESLA * case.magnetic[0]  # noqa: E731
    v, curvature = jax.grad(shifted)(k) / HBAR, energies.dirac_curvature(p, k)
    density = 1 - b * curvature
    position = v - curvature * jnp.array([push[1], -push[0]])
    return jnp.concatenate([position, push + b * jnp.array([v[1], -v[0]])]) / density


def observed(case, t, y):
    """What is averaged: velocity, or the state."""
    return y[:3] if case.name == "lorenz" else rates(case, t, y)[: case.dimension]


def gradient(spec, case, end, y) -> Job:
    """∂⟨|r(end)|²⟩/∂t_1; end(case, y) -> positions [n, d]."""
    from dataclasses import replace

    @jax.jit
    @jax.grad
    def slope(hopping):
        position = end(replace(case, params={**case.params, "hopping": hopping}), y)
        return jnp.mean(jnp.sum(position**2, axis=-1))

    def verdict(out):
        wanted = reference.gradient(case.name, spec.steps, spec.n)
        return Verdict(abs(float(out[0]) - wanted) / abs(wanted), None, 10 * reference.TOLERANCE[spec.dtype])

    hopping = jnp.asarray(case.params["hopping"], spec.dtype)
    return Job(lambda: jax.block_until_ready(slope(hopping)), verdict=verdict)


def _lifted(spec, case, y) -> Job:
    """The Jacobian of every step by jacfwd; its log|det| added up, or the matrices multiplied."""
    scheme, dt, m = _scheme(spec), jnp.asarray(case.dt, y.dtype), case.components
    step = partial(advance, partial(rates, case), scheme)

    def one(t, y, extra):
        moved, jacobian = step(t, y, dt), jax.jacfwd(step, 1)(t, y, dt)
        return moved, extra + jnp.linalg.slogdet(jacobian)[1] if spec.variant == "volume" else jacobian @ extra

    @jax.jit
    def go(y):
        extra = jnp.zeros(len(y), y.dtype) if spec.variant == "volume" else jnp.tile(jnp.eye(m, dtype=y.dtype), (len(y), 1, 1))

        def body(i, carry):
            return jax.vmap(one, in_axes=(None, 0, 0))(i * dt, *carry)

        return jax.lax.fori_loop(0, spec.steps, body, (y, extra))

    def verdict(out):
        if spec.variant == "volume":
            return reference.judge(case, spec, None, np.asarray(out[0]).T)
        wanted = reference.tangent(case.name, spec.steps, min(spec.n, 256))
        found = np.asarray(out[1])[: wanted.shape[1], :, case.dimension].T
        return Verdict(float(np.abs(found - wanted).max() / np.abs(wanted).max()), None, 10 * reference.TOLERANCE[spec.dtype])

    return Job(lambda: jax.block_until_ready(go(y)), verdict=verdict)
