"""What a result has to say about where it came from: machine, flags, driver, versions, commit."""

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from semijax.configure import cores
from semijax.provenance import version

PACKAGES = ("semijax", "jax", "jaxlib", "numpy", "scipy", "diffrax", "numba", "heyoka", "gradsolve", "torch", "torchdiffeq")
_VECTORS = {"avx512f": "avx512", "avx2": "avx2", "sse4_2": "sse4", "asimd": "neon"}
_FLAGS = ("avx", "avx2", "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512_fp16", "amx_tile", "asimd", "sve")


def facts(device: str) -> dict[str, Any]:
    """Everything that a result keeps, and `kind`: results of one kind may be compared."""
    from .limits import build

    model, flags = processor()
    gpu = graphics() if device == "gpu" else None
    count = cores()
    vectors = next((name for flag, name in _VECTORS.items() if flag in flags), "scalar")
    kind = gpu["name"] if gpu else f"{model} {vectors} {count} cores"
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": re.sub(r"[^a-z0-9]+", "-", kind.lower()).strip("-"),
        "processor": model,
        "flags": [flag for flag in _FLAGS if flag in flags],
        "cores": count,
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "gpu": gpu,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "compiler": _first_line([build.compiler() or "cc", "--version"]),
        "compiler_flags": list(build.FLAGS),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "commit": commit(),
    }


def processor() -> tuple[str, set[str]]:
    """(model, instruction sets)."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(errors="replace") if info.is_file() else ""
    model = re.search(r"^model name\s*:\s*(.*)$", text, re.M)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", text, re.M)
    name = model[1] if model else platform.processor() or platform.machine()
    return re.sub(r"\(R\)|\(TM\)|CPU|@.*", "", name).strip(), set(flags[1].split()) if flags else set()


def graphics() -> dict[str, str] | None:
    """Name, driver and memory of the first NVIDIA GPU; None where there is none."""
    line = _first_line(["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"])
    if line is None or line.count(",") != 2:
        return None
    return dict(zip(("name", "driver", "memory"), (part.strip() for part in line.split(","))))


def commit() -> str | None:
    """The commit of the suite's checkout, with "+" where files have changed; None outside one."""
    here = str(Path(__file__).parent)
    head = _first_line(["git", "-C", here, "rev-parse", "HEAD"])
    changed = _first_line(["git", "-C", here, "status", "--porcelain", "--untracked-files=no"])
    return head and head + ("+" if changed else "")


def granted(wanted: int, seconds: float = 1.0) -> float:
    """How many cores this process really gets: one busy process pinned to each, their CPU time over the time that passed.

    Quotas and busy neighbours do not show in the number of cores, but make a comparison of one core with two worthless.
    """
    chosen = sorted(os.sched_getaffinity(0))[:wanted] if hasattr(os, "sched_getaffinity") else [None] * wanted
    burners = [
        subprocess.Popen([sys.executable, "-c", _BURN.format(core=core, seconds=seconds)], stdout=subprocess.PIPE, text=True)
        for core in chosen
    ]
    return sum(float(burner.communicate()[0]) for burner in burners)


_BURN = """
import os, time
core = {core}
if core is not None: os.sched_setaffinity(0, [core])
wall, cpu = time.perf_counter(), time.process_time()
while time.perf_counter() - wall < {seconds}: pass
print((time.process_time() - cpu) / (time.perf_counter() - wall))
"""


def _first_line(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return next(iter(done.stdout.splitlines()), None) if done.returncode == 0 else None
