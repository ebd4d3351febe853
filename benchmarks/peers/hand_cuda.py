"""The limit on a GPU: hand-written CUDA of W1 and Lorenz, one thread for each trajectory, state in registers."""

from . import Job


def supports(spec) -> str | None:
    """Why there is no CUDA of this, or None."""
    if spec.device != "gpu":
        return "needs a GPU"
    if spec.variant != "rk4" or spec.case not in ("w1", "lorenz"):
        return "no hand-written CUDA of this"
    from ..limits import cuda

    return cuda.why_not()


def prepare(spec, case) -> Job:
    """The state stays on the device; the end is copied back after the clock has stopped."""
    from ..limits import cuda

    run = cuda.Run(spec, case)
    return Job(run.once, run.unpack)
