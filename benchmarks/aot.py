"""Compiles for an H200 on a machine without a GPU, and counts kernels and bytes for each carrier-step of the innermost loop.

python -m benchmarks.aot [case ...]: plain JAX and the engine's own launch. Needs JAX's CUDA plugin (jax[cuda13] ≥ 0.11, Python ≥
3.12). The device is described by hand and nothing is tuned: counts are to be trusted, times are not to be had.
"""

import importlib
import math
import os
import re
import sys
from dataclasses import dataclass

H200 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152 shared_memory_per_core: 233472
  threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128 block_dim_limit_x: 2147483647 block_dim_limit_y: 65535
  block_dim_limit_z: 65535 memory_bandwidth: 4800000000000 l2_cache_size: 62914560 clock_rate_ghz: 1.98
  device_memory_size: 150000000000 shared_memory_per_block_optin: 232448 registers_per_core_limit: 65536
  registers_per_block_limit: 65536 cuda_compute_capability { major: 9 minor: 0 }
}
platform_name: "CUDA" dnn_version_info { major: 9 minor: 12 patch: 0 } device_description_str: "NVIDIA H200"
"""
_SIZES = {"f32": 4, "f64": 8, "s32": 4, "u32": 4, "s64": 8, "u64": 8, "pred": 1, "f16": 2, "bf16": 2, "s8": 1, "u8": 1}
_LAUNCHED = ("fusion", "copy", "custom-call", "transpose", "sort", "reduce", "scatter", "dot", "convolution")


class NoPlugin(RuntimeError):
    """JAX's CUDA plugin is not there."""


@dataclass(frozen=True)
class Cost:
    """Of one carrier-step: kernels, bytes read and written; temporary memory of the whole in bytes."""

    kernels: float
    bytes: float
    temporary: int


def cost(function, arguments, carriers: int, steps: int = 1) -> Cost:
    """Of a function of arrays (or ShapeDtypeStructs) whose innermost while loop takes `steps` steps of `carriers` carriers."""
    compiled = compile_for_h200(function, *arguments)
    kernels, moved = loop(compiled.as_text(), least=carriers)
    return Cost(kernels / steps, moved / carriers / steps, compiled.memory_analysis().temp_size_in_bytes)


def compile_for_h200(function, *arguments):
    """The compiled executable; raises NoPlugin."""
    for name in ("jax_plugins.xla_cuda13", "jax_plugins.xla_cuda12"):
        try:
            importlib.import_module(name)
            break
        except ImportError:
            continue
    else:
        raise NoPlugin("no CUDA plugin of JAX: pip install 'jax[cuda13]' with Python 3.12 or later")
    import jax
    from jax.experimental import topologies
    from jax.sharding import SingleDeviceSharding

    jax.devices("cpu")  # finds the plugins
    topology = topologies.get_topology_desc(platform="cuda", topology_name="", topology="1x1x1", target_config=H200)
    there = SingleDeviceSharding(topology.devices[0])
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=there), arguments)
    return jax.jit(function, out_shardings=there).trace(*shapes).lower(lowering_platforms=("cuda",)).compile()


def loop(text: str, least: int = 0) -> tuple[int, int]:
    """(kernels, bytes) of one pass through the innermost while body of optimised HLO: the one that itself has no while. Kernels that
    move less than `least` bytes (a loop's counter, the time) are not counted.
    """
    bodies = [_block(text, name) for name in dict.fromkeys(re.findall(r"body=%?([\w.\-]+)", text))]
    inner = [body for body in bodies if " while(" not in body]
    if not inner:
        raise ValueError("no while loop in the compiled program")
    return max(_counted(body, least) for body in inner)


def _block(text: str, name: str) -> str:
    found = re.search(r"^%?" + re.escape(name) + r" .*?^}", text, re.S | re.M)
    return found[0] if found else ""


def _counted(body: str, least: int) -> tuple[int, int]:
    sizes, kernels, moved = {}, 0, 0
    for line in body.splitlines():
        found = re.match(r"\s+(?:ROOT )?%?([\w.\-]+) = (\(.*?\)|\S+) ([\w\-]+)\((.*?)\)", line)
        if not found:
            continue
        name, shape, kind, operands = found.groups()
        sizes[name] = _bytes(shape)
        if kind in _LAUNCHED:
            own = sizes[name] + sum(sizes.get(operand, 0) for operand in re.findall(r"%([\w.\-]+)", operands))
            kernels, moved = kernels + (own >= least), moved + own
    return kernels, moved


def _bytes(shape: str) -> int:
    arrays = re.findall(r"(\w+)\[([\d,]*)\]", re.sub(r"/\*.*?\*/", "", shape))
    return sum(_SIZES.get(kind, 0) * math.prod(int(n) for n in lengths.split(",") if n) for kind, lengths in arrays)


def plain(name: str, n: int = 1 << 20) -> Cost:
    """Of plain JAX: vmap, scan, grad, on a case. The engine's launch function goes beside it, by `cost`."""
    from functools import partial

    import jax

    from .cases import CASES
    from .peers import plain as peer
    from .spec import Spec

    case = CASES[name]
    spec = Spec("plain JAX", name, n, "float32", "rk4", case.steps, case.every)
    start = jax.ShapeDtypeStruct((n, case.components + case.constants), "float32")
    return cost(partial(peer.run, spec, case), (start,), n)


def lanes(name: str, n: int = 1 << 20) -> Cost:
    """Of semijax's launch on a case, frames of 16 steps, as it would run on a GPU: one tile of n carriers."""
    import jax
    import jax.numpy as jnp

    import semijax as sj
    from semijax import observables
    from semijax.engine import launch, over, prepare
    from semijax.engine.state import Run
    from semijax.engine.steps import UNROLL_GPU

    from .cases import CASES
    from .peers import ours

    case, gpu = CASES[name], over.Engine(True, "gpu")
    dynamics = ours._dynamics(case, ours._band(case))
    d = case.dimension
    phase = sj.Phase(jnp.zeros((n, d), "float32"), jnp.zeros((n, d), "float32"))
    record, carriers = {"v": observables.mean(observables.velocity)}, sj.Carriers(phase)
    run = Run(dynamics, sj.rk4, record, (0.0, case.dt))
    run, tiles = prepare.enter(run, carriers, compensated=False, lanes=n, slots=1, dtype=jnp.dtype("float32"))
    how, index = {"count": n, "collides": False, "engine": gpu}, jnp.zeros(1, "int32")
    watch = jax.eval_shape(lambda *of: launch.observe_start.__wrapped__(*of, **how)[1], run, tiles, index)

    def frames(*of):
        return launch.launch.__wrapped__(*of, frames=2, every=16, **how)

    return cost(frames, (run, tiles, index, watch, jnp.zeros((), "int32")), n, steps=UNROLL_GPU)


def main(names: list[str]) -> int:
    """Prints one line for each case; one line saying why where there is no plugin."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_gpu_autotune_level=0"
    for name in names or ["w1"]:
        for title, count in (("plain JAX", plain), ("semijax", lanes)):
            try:
                found = count(name)
            except NoPlugin as error:
                print(error)
                return 0
            print(
                f"{title}, {name}: {found.kernels:.3g} kernels a step, {found.bytes:.0f} bytes a carrier-step, "
                f"temporaries {found.temporary / 1e6:.0f} MB"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
