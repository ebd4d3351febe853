"""A launch as machine code."""

from semijax.engine.kernels.parts import Plan
from semijax.engine.kernels.tile import Kernel
from semijax.engine.llvm import call, machine, source, sums
from semijax.engine.llvm.code import Code


def kernel(plan: Plan, threads: int) -> Kernel:
    """The launch as machine code for so many threads. Raises Unsupported for what LLVM has no instructions for, and NoCompiler where
    llvmlite is missing.
    """
    code = Code(source.lanes_of(plan, machine.width()), machine.fused())
    name, waiting = machine.registered(source.written(plan, machine.NAME, code, threads)), sums.room(plan, threads)

    def run(moved: list, arguments: list, outputs: list) -> list:
        return call.called(name, moved, arguments, [*outputs, *waiting])[: len(moved) + len(outputs)]

    return run
