"""CUDA C to PTX by NVRTC, which comes with jax[cuda13] and jax[cuda12]; needs no GPU."""

import ctypes
import functools
import glob
import re
import sys
from pathlib import Path

import jax

from semijax.engine.kernels import NoCompiler

# PTX of such versions is compiled by every driver that JAX runs with, for the GPU at hand: (from which capability on, version).
_VERSIONS = {"compute_80": (8.0, "7.0"), "compute_75": (7.5, "6.3")}


@functools.cache
def library() -> ctypes.CDLL | None:
    """NVRTC from the wheels of JAX or a CUDA toolkit; None where there is none."""
    patterns = [f"{place}/nvidia/*/lib/libnvrtc.so.*" for place in sys.path if place]
    patterns += ["/usr/local/cuda/lib64/libnvrtc.so.*", "/usr/local/cuda/targets/*/lib/libnvrtc.so.*"]
    for path in (path for pattern in patterns for path in sorted(glob.glob(pattern))):
        try:
            for builtins in glob.glob(str(Path(path).parent / "libnvrtc-builtins.so.*")):
                ctypes.CDLL(builtins, ctypes.RTLD_GLOBAL)  # NVRTC looks for it by name alone
            return ctypes.CDLL(path)
        except OSError:
            continue
    return None


def architecture() -> str:
    """The newest one of `_VERSIONS` that all GPUs here can run; the oldest where there are none."""
    capabilities = [float(one.compute_capability) for one in jax.devices() if hasattr(one, "compute_capability")]
    return next(name for name, (least, _) in _VERSIONS.items() if min(capabilities, default=0) >= least or name == "compute_75")


@functools.lru_cache(maxsize=64)
def compiled(source: str, architecture: str) -> str:
    """The PTX of a source. Raises NoCompiler with NVRTC's first complaint."""
    lib = library()
    if lib is None:
        raise NoCompiler("NVRTC is not installed")
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    lib.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"carriers.cu", 0, None, None)
    try:
        options = [f"--gpu-architecture={architecture}".encode(), b"--std=c++17"]
        if lib.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options)):
            lib.nvrtcGetProgramLogSize(program, ctypes.byref(size))
            log = ctypes.create_string_buffer(size.value)
            lib.nvrtcGetProgramLog(program, log)
            raise NoCompiler(next((line for line in log.value.decode().splitlines() if "error" in line), "refused"))
        lib.nvrtcGetPTXSize(program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        lib.nvrtcGetPTX(program, text)
    finally:
        lib.nvrtcDestroyProgram(ctypes.byref(program))
    return re.sub(r"\.version \d+\.\d+", f".version {_VERSIONS[architecture][1]}", text.value.decode(), count=1)
