"""torchdiffeq: odeint with method "rk4" and a fixed step; written for W1 and Lorenz."""

import torch
import torchdiffeq

from . import Job, with_torch

supports = with_torch.supports


def prepare(spec, case) -> Job:
    """The whole ensemble as one state, returned at every frame."""
    torch.set_num_threads(spec.cores)
    y, observed, rates = with_torch.problem(spec, case)
    times = torch.arange(spec.steps // spec.every + 1, dtype=y.dtype, device=y.device) * (spec.every * case.dt)

    @torch.no_grad()
    def once():
        # "rk4" there is the 3/8 rule: the same order and work as the classical one, not the same rounding
        path = torchdiffeq.odeint(lambda t, y: rates(y), y, times, method="rk4", options={"step_size": case.dt})
        return with_torch.finished(spec, torch.stack([observed(z).mean(0) for z in path[1:]]), path[-1])

    return Job(once, with_torch.unpack, exact=True)
