"""Whole launches as one call: what kernels of GPUs and machine code of CPUs have in common."""


class NoCompiler(RuntimeError):
    """There is no compiler for kernels, or it does not take the source."""


class NoKernel(RuntimeError):
    """Something in the run has no word in a kernel: the run goes as lanes."""
