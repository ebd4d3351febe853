"""A kernel as a call in a jitted function: XLA's GPU compiler takes PTX as it is, and launches it on its own stream."""

from functools import partial

import jax

from semijax.engine.cuda import nvrtc, source
from semijax.engine.kernels.parts import Plan
from semijax.engine.kernels.tile import Kernel
from semijax.engine.reduce import BLOCK

_TARGET = "__gpu$xla.gpu.ptx"


def kernel(plan: Plan) -> Kernel:
    """The launch as a kernel. Raises Unsupported for what has no word in CUDA C, and NoCompiler where NVRTC is missing."""
    return partial(called, nvrtc.compiled(source.written(plan), nvrtc.architecture()))


def called(ptx: str, moved: list, arguments: list, outputs: list[jax.ShapeDtypeStruct]) -> list:
    """Runs the entry `carriers` of the PTX with a thread for each lane: what it makes of `moved`, in place, and the outputs.

    Its parameters are pointers to `moved`, `arguments`, then all that is returned.
    """
    results = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in moved] + outputs
    lanes = (moved or arguments)[0].shape[-1]
    first = len(moved) + len(arguments)
    numbers = {"grid_x": lanes // BLOCK, "block_x": BLOCK, "shared_mem_bytes": 0}
    numbers |= dict.fromkeys(("grid_y", "grid_z", "block_y", "block_z"), 1)
    words = {"name": _quoted("carriers"), "kernel_type": _quoted("ptx"), "kernel_data": _quoted(ptx)}
    words |= {name: f"{number} : i32" for name, number in numbers.items()}
    words["output_indices"] = f"[{', '.join(f'{first + i} : i32' for i in range(len(results)))}]"
    call = jax.ffi.ffi_call(
        _TARGET,
        results,
        custom_call_api_version=1,
        legacy_backend_config=f"{{{', '.join(f'{name} = {word}' for name, word in words.items())}}}",
        input_output_aliases={i: i for i in range(len(moved))},
    )
    return list(call(*moved, *arguments))


def _quoted(text: str) -> str:
    """A string of MLIR."""
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\{ord(c):02X}" for c in text) + '"'
