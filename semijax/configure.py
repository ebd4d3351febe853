"""How JAX starts: one virtual device per core and the precision, set before the first computation."""

import os
import re
import warnings
from pathlib import Path

import jax

from semijax._types import SemijaxError

_COUNT = "--xla_force_host_platform_device_count"
_told = False


def configure(devices: int | None = None, precision: str | None = None) -> None:
    """Sets up JAX; the first line of a script, before anything computes.

    devices: virtual devices of the CPU (None: one per core this process may use). precision: "float32" or "float64" (None: as it
    is). Warns in one line where JAX has started with another count; raises SemijaxError for values that are not allowed.
    """
    if precision not in (None, "float32", "float64"):
        raise SemijaxError(f"configure: precision = {precision!r}: allowed are 'float32', 'float64'")
    wanted = cores() if devices is None else devices
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not 1 <= wanted <= 1024:
        raise SemijaxError(f"configure: devices = {devices!r}: allowed is a whole number from 1 to 1024")
    if precision is not None:
        jax.config.update("jax_enable_x64", precision == "float64")
    if not started():
        others = re.sub(rf"{_COUNT}=\S*", "", os.environ.get("XLA_FLAGS", "")).split()
        os.environ["XLA_FLAGS"] = " ".join([*others, f"{_COUNT}={wanted}"])
    elif devices is not None and jax.default_backend() == "cpu" and jax.device_count() != wanted:
        warnings.warn(f"configure: devices = {wanted} not taken: JAX already runs with {jax.device_count()}", stacklevel=2)


def at_first_use() -> None:
    """Configures with the defaults if JAX has not started and nobody has said how many devices."""
    if not started() and not _said():
        configure()


def threads() -> int:
    """How many threads work for a call on a CPU: one for each virtual device where somebody has said how many, else one per core."""
    return jax.local_device_count("cpu") if _said() else cores()


def tell_if_late() -> None:
    """Says once, in one line, if JAX runs on fewer cores than there are because it started before semijax."""
    global _told
    if not _told and not _said() and jax.default_backend() == "cpu" and cores() > 1:
        _told = True
        warnings.warn(
            f"semijax: JAX started before semijax: steps run on one of {cores()} cores; "
            "make sj.configure() the first line of the script",
            stacklevel=3,
        )


def _said() -> bool:
    """Whether the user, or `configure`, has said how many virtual devices."""
    return _COUNT in os.environ.get("XLA_FLAGS", "")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> tuple[int | None, int | None]:
    """(bytes in all, bytes free for use) of this machine; None where the system does not say."""
    info = Path("/proc/meminfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    table = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}
    return table.get("MemTotal"), table.get("MemAvailable")


def started() -> bool:
    """Whether JAX has already chosen its devices."""
    from jax._src import xla_bridge  # no public name tells without starting them

    return xla_bridge.backends_are_initialized()


def instruction_set() -> str:
    """The widest vector instructions of the processor: results differ between them in the last bits."""
    info = Path("/proc/cpuinfo")
    words = set(info.read_text(errors="replace").split()) if info.is_file() else set()
    names = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sse4_2": "SSE4.2", "asimd": "NEON"}
    return next((name for word, name in names.items() if word in words), "vector instructions unknown")
