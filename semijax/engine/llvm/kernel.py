"""A launch as machine code."""

from functools import partial

from semijax.engine.kernels.parts import Plan
from semijax.engine.kernels.tile import Kernel
from semijax.engine.llvm import call, machine, source
from semijax.engine.llvm.code import Code


def kernel(plan: Plan) -> Kernel:
    """The launch as machine code. Raises Unsupported for what LLVM has no instructions for."""

    code = Code(source.lanes_of(plan, machine.width()), machine.fused())
    return partial(call.called, machine.registered(source.written(plan, machine.NAME, code)))
