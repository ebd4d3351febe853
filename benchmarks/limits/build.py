"""Compiles the C of the limits with the system's compiler, once for every choice of flags, into the user's cache."""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

FLAGS = ("-O3", "-march=native", "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC", "-w")  # NaN stays NaN
HERE = Path(__file__).parent
# Of each case: components, constants of each trajectory, means, constants. One library for each: a compiler needs a second for one.
SHAPES = {
    "w1": (6, 0, 3, 12),
    "w1_turns": (6, 0, 3, 12),
    "parabolic": (6, 0, 3, 7),
    "kane": (6, 0, 3, 8),
    "warped": (6, 0, 3, 11),
    "superlattice": (6, 0, 3, 6),
    "graphene": (4, 0, 2, 6),
    "dirac": (4, 0, 2, 8),
    "haldane": (4, 0, 2, 10),
    "haldane_four": (4, 0, 2, 10),
    "potential": (6, 0, 3, 6),
    "user": (6, 0, 3, 25),
    "lorenz": (3, 1, 3, 2),
}


class NoCompiler(RuntimeError):
    """There is no C compiler, or it refused."""


def cache() -> Path:
    """Where compiled limits are kept."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "semijax" / "limits"


def compiler() -> str | None:
    """The system's C compiler: $CC, cc or gcc."""
    return next((path for name in (os.environ.get("CC"), "cc", "gcc") if name and (path := shutil.which(name))), None)


def library(
    case: str = "w1", width: int | None = None, unroll: int = 2, *, fast_root: bool = False, three_parts: bool = False
) -> ctypes.CDLL:
    """The limit of a case (of SHAPES) for vectors of `width` bytes (None: as wide as the processor has: 64, 32 or 16).

    unroll: vectors in flight. fast_root: 1/sqrt by the approximate instruction and Newton. three_parts: the sine's reduction as
    without a fused multiply-add.
    """
    shape = ", ".join(map(str, SHAPES[case]))
    flags = [*FLAGS, f"-DUNROLL={unroll}", f"-DCASES=LIMIT({case}, {shape})"]
    flags += [f"-DBYTES={width}"] if width else []
    flags += ["-DFAST_ROOT"] if fast_root else []
    flags += ["-DTHREE_PARTS"] if three_parts else []
    return ctypes.CDLL(str(_built(flags)))


def _built(flags: list[str]) -> Path:
    cc = compiler()
    if cc is None:
        raise NoCompiler("no C compiler (cc or gcc)")
    sources = [HERE / "limits.c", HERE / "kernel.h"]
    version = subprocess.run([cc, "--version"], capture_output=True, text=True, check=False).stdout
    text = "".join(source.read_text() for source in sources) + version + " ".join(flags) + _processor()
    target = cache() / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.so"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch) / "limits.so"
            done = subprocess.run(
                [cc, *flags, str(sources[0]), "-o", str(made), "-lm"], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise NoCompiler(f"{Path(cc).name}: {(done.stderr.strip().splitlines() or ['refused'])[0]}")
            os.replace(made, target)
    return target


def _processor() -> str:
    """What -march=native depends on: a cache shared between machines keeps one library for each."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(errors="replace").splitlines() if info.is_file() else []
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def aligned(shape: tuple[int, ...], dtype):
    """An array that starts at a multiple of 64 bytes."""
    import numpy as np

    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(size + 64, np.uint8)
    begin = -room.ctypes.data % 64
    return room[begin : begin + size].view(dtype).reshape(shape)
