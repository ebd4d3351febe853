"""Whole launches as one call: what kernels of GPUs and machine code of CPUs have in common."""


class NoCompiler(RuntimeError):
    """There is no compiler for kernels, or it does not take the source."""
