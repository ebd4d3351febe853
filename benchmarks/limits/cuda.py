"""The CUDA limits: compiled with nvcc, else NVRTC; launched through the driver by ctypes, so that nothing but the driver is needed."""

import ctypes
import glob
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from . import numbers

SOURCE = Path(__file__).parent / "limits.cu"
THREADS = 256


class NoCuda(RuntimeError):
    """No driver, no compiler, or a call that failed."""


def why_not() -> str | None:
    """Why hand-written CUDA cannot run here, or None."""
    try:
        driver()
    except (OSError, NoCuda) as error:
        return f"no CUDA driver: {error}"
    return None if shutil.which("nvcc") or nvrtc() else "neither nvcc nor NVRTC"


def driver():
    """libcuda with a current context on device 0."""
    lib = ctypes.CDLL("libcuda.so.1")
    device, context = ctypes.c_int(), ctypes.c_void_p()
    _did(lib.cuInit(0))
    _did(lib.cuDeviceGet(ctypes.byref(device), 0))
    _did(lib.cuDevicePrimaryCtxRetain(ctypes.byref(context), device))
    _did(lib.cuCtxSetCurrent(context))
    return lib


def nvrtc() -> str | None:
    """Path of libnvrtc from the wheels of jax[cuda13] or a toolkit."""
    places = [*sys.path, "/usr/local/cuda/lib64"]
    patterns = ("nvidia/*/lib/libnvrtc.so.*", "libnvrtc.so.*")
    found = [path for place in places for pattern in patterns for path in glob.glob(f"{place}/{pattern}")]
    return next((path for path in found if "builtins" not in path), None)


def flags(dtype: str, fast: bool = False) -> list[str]:
    """What the source is compiled with."""
    kind = ["-DR=float"] if dtype == "float32" else ["-DR=double", "-DDOUBLE"]
    return [*kind, *(["-DFAST"] if fast else []), "--std=c++17"]


def compiled(dtype: str, arch: str, fast: bool = False) -> bytes:
    """A cubin for `arch` ("sm_90")."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        return _by_nvrtc([*flags(dtype, fast), f"--gpu-architecture={arch}"])
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "limits.cubin"
        command = [nvcc, "-O3", "-cubin", f"-arch={arch}", *flags(dtype, fast), str(SOURCE), "-o", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoCuda(f"nvcc: {(done.stderr.strip().splitlines() or ['refused'])[0]}")
        return target.read_bytes()


def _by_nvrtc(options: list[str]) -> bytes:
    path = nvrtc()
    if path is None:
        raise NoCuda("neither nvcc nor NVRTC")
    for builtins in glob.glob(f"{Path(path).parent}/libnvrtc-builtins.so.*"):
        ctypes.CDLL(builtins, ctypes.RTLD_GLOBAL)  # NVRTC looks for it by name alone
    lib, program = ctypes.CDLL(path), ctypes.c_void_p()
    _did(lib.nvrtcCreateProgram(ctypes.byref(program), SOURCE.read_bytes(), b"limits.cu", 0, None, None))
    words = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    code, size = lib.nvrtcCompileProgram(program, len(options), words), ctypes.c_size_t()
    if code:
        lib.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        lib.nvrtcGetProgramLog(program, log)
        raise NoCuda(f"NVRTC: {log.value.decode().splitlines()[0]}")
    _did(lib.nvrtcGetCUBINSize(program, ctypes.byref(size)))
    cubin = ctypes.create_string_buffer(size.value)
    _did(lib.nvrtcGetCUBIN(program, cubin))
    return cubin.raw


class Device:
    """Loaded kernels of one precision, and arrays on the device."""

    def __init__(self, dtype: str, fast: bool = False):
        self.lib, major, minor = driver(), ctypes.c_int(), ctypes.c_int()
        for value, attribute in ((major, 75), (minor, 76)):  # compute capability
            _did(self.lib.cuDeviceGetAttribute(ctypes.byref(value), attribute, 0))
        self.module = ctypes.c_void_p()
        _did(self.lib.cuModuleLoadData(ctypes.byref(self.module), compiled(dtype, f"sm_{major.value}{minor.value}", fast)))

    def array(self, values: np.ndarray):
        """A copy on the device."""
        pointer = ctypes.c_uint64()
        _did(self.lib.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(values.nbytes)))
        _did(self.lib.cuMemcpyHtoD_v2(pointer, values.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(values.nbytes)))
        return pointer

    def host(self, pointer, like: np.ndarray) -> np.ndarray:
        """A copy on the host, of the shape and dtype of `like`."""
        values = np.empty_like(like)
        _did(self.lib.cuMemcpyDtoH_v2(values.ctypes.data_as(ctypes.c_void_p), pointer, ctypes.c_size_t(values.nbytes)))
        return values

    def launch(self, name: str, blocks: int, *arguments) -> None:
        """A kernel of `blocks` blocks, finished when this returns."""
        function = ctypes.c_void_p()
        _did(self.lib.cuModuleGetFunction(ctypes.byref(function), self.module, name.encode()))
        pointers = (ctypes.c_void_p * len(arguments))(*(ctypes.addressof(argument) for argument in arguments))
        _did(self.lib.cuLaunchKernel(function, blocks, 1, 1, THREADS, 1, 1, 0, None, pointers, None))
        _did(self.lib.cuCtxSynchronize())

    def zero(self, pointer, size: int) -> None:
        """Clears `size` bytes."""
        _did(self.lib.cuMemsetD8_v2(pointer, ctypes.c_ubyte(0), ctypes.c_size_t(size)))


class Run:
    """One case on the device. `once` starts from the same components each time."""

    def __init__(self, spec, case):
        self.spec, self.name, dtype = spec, case.name, np.dtype(spec.dtype)
        self.device = Device(spec.dtype, spec.option == "fast sine")
        scale, constants = numbers.of(case)
        self.start = case.start(spec.n, dtype)
        self.frames = np.zeros((spec.steps // spec.every, 3))
        values = (np.array([case.dt, *constants], dtype), np.array(scale, dtype), self.start, self.start, self.frames)
        self.p, self.scale, self.given, self.end, self.sums = (self.device.array(value) for value in values)

    def once(self):
        """Clears the means and launches."""
        spec = self.spec
        self.device.zero(self.sums, self.frames.nbytes)
        size = (ctypes.c_longlong(spec.n), ctypes.c_int(spec.steps), ctypes.c_int(spec.every))
        self.device.launch(self.name, -(-spec.n // THREADS), self.p, self.scale, self.given, self.end, *size, self.sums)

    def unpack(self, _):
        """Means and end on the host."""
        return self.device.host(self.sums, self.frames) / self.spec.n, self.device.host(self.end, self.start)


def probe(dtype: str, megabytes: int = 1024, rounds: int = 4096) -> dict[str, float]:
    """What the device reaches: bytes/s of a copy (read and written) and flops of multiply-adds."""
    import time

    device, kind, blocks = Device(dtype), np.dtype(dtype), 132 * 16
    n = megabytes * 2**20 // kind.itemsize
    source, target = (device.array(np.ones(n, kind)) for _ in range(2))

    def best(name, *arguments):
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            device.launch(name, blocks, *arguments)
            times.append(time.perf_counter() - begin)
        return min(times[1:])

    copied = best("copy", source, target, ctypes.c_longlong(n))
    chained = best("multiply_add", target, ctypes.c_int(rounds))
    return {"bytes": 2 * n * kind.itemsize / copied, "flops": 16 * rounds * blocks * THREADS / chained}


def _did(code: int) -> None:
    if code:
        raise NoCuda(f"error {code}")
