"""The limit: hand-written C; of one, two and four vectors in flight the fastest is kept. Option "half-turns": phases in units of π;
"fast root": 1/sqrt by the approximate instruction; "three parts": the sine's longer reduction; "four sines": identities, where
otherwise each phase of a model has its sine and cosine.
"""

import ctypes
import os
import time

import numpy as np

from ..limits import build, numbers
from . import Job

GROUP = 256  # of limits.c: arrays are padded to a multiple


def supports(spec) -> str | None:
    """Why there is no C of this, or None."""
    if build.compiler() is None:
        return "no C compiler (cc or gcc)"
    if spec.option == "fast root" and _widest() != 64:
        return "needs AVX-512"
    return None if spec.case.removesuffix("_split") in build.SHAPES and spec.variant == "rk4" else "no hand-written C of this"


def prepare(spec, case) -> Job:
    """Inputs and outputs apart, as a function would have them."""
    dtype, padded = np.dtype(spec.dtype), -(-spec.n // GROUP) * GROUP
    z = case.start(spec.n, dtype)
    m, seen = len(z), case.dimension
    given, end = build.aligned((m, padded), dtype), build.aligned((m, padded), dtype)
    given[:, : spec.n], given[:, spec.n :], end[:] = z, z[:, -1:], 0
    scale, constants = numbers.of(case, spec.option)
    p, drive = np.array([case.dt, *scale, *constants]), np.array(numbers.drive(case, spec.steps), dtype)
    frames = np.zeros((spec.steps // spec.every, seen))
    rows = [(ctypes.c_void_p * m)(*(row.ctypes.data for row in array)) for array in (given, end)]
    size = (ctypes.c_long(spec.n), ctypes.c_int(spec.steps), ctypes.c_int(spec.every))

    def call(function):
        function(_pointer(p), _pointer(drive), rows[0], rows[1], *size, _pointer(frames))
        return frames, end[:, : spec.n]

    functions = [_function(spec, unroll) for unroll in (1, 2, 4)]
    call(functions[0])  # pages touched, threads there
    fastest = min(functions, key=lambda function: _seconds(call, function))
    keep = (given, end, p, drive)  # alive as long as the pointers into them
    return Job(lambda keep=keep: call(fastest))


def _widest() -> int:
    return build.library().limits_bytes()


def _function(spec, unroll: int):
    name = spec.case.removesuffix("_split") + {"half-turns": "_turns", "four sines": "_four"}.get(spec.option, "")
    lib = build.library(name, None, unroll, fast_root=spec.option == "fast root", three_parts=spec.option == "three parts")
    function = getattr(lib, f"{name}_{'f' if spec.dtype == 'float32' else 'd'}")
    function.restype = None
    return function


def _seconds(call, function) -> float:
    """The best of three; of one where that takes long."""
    times = []
    while len(times) < 3 and sum(times) < 0.3:
        begin = time.perf_counter()
        call(function)
        times.append(time.perf_counter() - begin)
    return min(times)


def _pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def probe(dtype: str, megabytes: int = 256) -> dict[str, float]:
    """What the cores of this process can do: flops of multiply-adds, bytes/s of a copy (read and written)."""
    lib, suffix, kind = build.library(), "f" if dtype == "float32" else "d", np.dtype(dtype)
    n = megabytes * 2**20 // kind.itemsize
    source, target = build.aligned((n,), kind), build.aligned((n,), kind)
    source[:], target[:] = 1, 0
    copy, chain = getattr(lib, f"copy_{suffix}"), getattr(lib, f"multiply_add_{suffix}")
    chain.restype, rounds = ctypes.c_double, 2_000_000
    copies = _seconds(lambda f: f(_pointer(source), _pointer(target), ctypes.c_long(n)), copy)
    chains = _seconds(lambda f: f(ctypes.c_long(rounds)), chain)
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    lanes = lib.limits_bytes() // kind.itemsize
    return {"bytes": 2 * n * kind.itemsize / copies, "flops": 2 * 12 * lanes * rounds * threads / chains}
