"""The Lorenz system through semijax's engine. `launch` is the one place to change when the engine has an entry for any system.

Until then it is a step of the user's own under sj.simulate: a carrier's position holds (x, y, z), its wavevector (ρ, 0, 0), which
costs three idle components.
"""

import jax
import jax.numpy as jnp
import numpy as np

import semijax as sj
from semijax import bands, observables

from . import Job


def launch(spec, case, position, rho):
    """(means [frames, 3], end [n, 3]) of RK4 steps of x' = σ(y − x), y' = x(ρ − z) − y, z' = xy − βz."""
    result = sj.simulate(
        sj.Dynamics(sj.electron(bands.parabolic(1.0))),
        sj.Carriers(sj.Phase(position, rho)),
        duration=spec.steps * case.dt,
        dt=case.dt * (1 + 1e-9),
        every=spec.every,
        record={"state": observables.mean(observables.position)},
        step=_step,
    )
    return result.frames["state"][1:], result.final.phase.position


def prepare(spec, case, z) -> Job:
    """z: components (x, y, z, ρ) at the start."""
    position = jnp.asarray(z[:3].T.copy())
    rho = jnp.zeros_like(position).at[:, 0].set(jnp.asarray(z[3]))
    return Job(
        lambda: jax.block_until_ready(launch(spec, case, position, rho)), lambda out: (np.asarray(out[0]), np.asarray(out[1]).T)
    )


def _step(flow, t, phase, dt):
    moved = sj.rk4(_rates, t, phase, dt)
    return sj.Phase(moved.position, phase.wavevector)


def _rates(t, phase):
    x, y, z = phase.position
    rho = phase.wavevector[0]
    rates = jnp.stack([10.0 * (y - x), x * (rho - z) - y, x * y - 8 / 3 * z])
    return sj.Phase(rates, jnp.zeros_like(phase.wavevector))
