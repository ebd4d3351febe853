"""torch, eager: RK4 on whole [n, 3] tensors; written for W1 and Lorenz."""

import numpy as np
import torch

from ..constants import HBAR, TESLA
from . import Job


def supports(spec) -> str | None:
    """Why it was not written, or None."""
    if spec.device == "gpu" and not torch.cuda.is_available():
        return "torch sees no GPU"
    return None if spec.variant == "rk4" and spec.case in ("w1", "lorenz") else "not written"


def prepare(spec, case) -> Job:
    """The state is one tensor: [2, n, 3] of (r, k), or [3, n] of Lorenz."""
    torch.set_num_threads(spec.cores)
    y, observed, rates = problem(spec, case)

    @torch.no_grad()
    def once():
        z, h, frames = y, case.dt, []
        for i in range(spec.steps):
            a = rates(z)
            b = rates(z + h / 2 * a)
            c = rates(z + h / 2 * b)
            d = rates(z + h * c)
            z = z + h / 6 * (a + 2 * b + 2 * c + d)
            if (i + 1) % spec.every == 0:
                frames.append(observed(z).mean(0))
        return finished(spec, torch.stack(frames), z)

    return Job(once, unpack)


def problem(spec, case):
    """(start, what is averaged [n, o], rates) as tensors and functions of the state."""
    place = {"dtype": getattr(torch, spec.dtype), "device": "cuda" if spec.device == "gpu" else "cpu"}
    z = torch.tensor(case.start(spec.n, spec.dtype), **place)
    if case.name == "lorenz":
        sigma, beta, rho = case.params["sigma"], case.params["beta"], z[3]

        def rates(y):
            return torch.stack([sigma * (y[1] - y[0]), y[0] * (rho - y[2]) - y[1], y[0] * y[1] - beta * y[2]])

        return z[:3], lambda y: y.T, rates
    period, hopping = (torch.tensor(case.params[key], **place) for key in ("period", "hopping"))
    push = case.charge / HBAR * torch.tensor(case.electric, **place)
    bend = (case.charge / HBAR * TESLA * torch.tensor(case.magnetic, **place)).expand(spec.n, 3)

    def velocity(k):
        return (2 / HBAR * hopping * period) * torch.sin(period * k)

    def moved(y):
        v = velocity(y[1])
        return torch.stack([v, push + torch.linalg.cross(v, bend)])

    return torch.stack([z[:3].T, z[3:].T]).contiguous(), lambda y: velocity(y[1]), moved


def finished(spec, frames, z):
    """The same, once the device has done its work."""
    if spec.device == "gpu":
        torch.cuda.synchronize()
    return frames, z


def unpack(out):
    """Means and end as NumPy arrays."""
    frames, z = (x.cpu().numpy() for x in out)
    return frames, z if z.ndim == 2 else np.concatenate([z[0].T, z[1].T])
