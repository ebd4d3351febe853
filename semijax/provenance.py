"""Where a result came from: versions, machine, devices and memory, as text for a file's attributes and for `semijax doctor`."""

import hashlib
import importlib.metadata
import platform
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import jax

from semijax.configure import cores, instruction_set
from semijax.engine.over import chosen

PACKAGES = ("semijax", "jax", "jaxlib", "numpy", "scipy", "xarray", "h5netcdf", "pydantic")


def facts() -> dict[str, str]:
    """name -> text; starts JAX's devices if nothing has yet."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {cores()} cores, {instruction_set()}",
        "devices": ", ".join(f"{device.platform}:{device.id} {device.device_kind}" for device in jax.devices()),
        "engine": str(chosen(True)),
        "double_precision": "on" if jax.config.read("jax_enable_x64") else "off",
    }


def version(package: str) -> str:
    """The installed version; "not installed" for none."""
    if package == "semijax":
        import semijax  # the façade, which also knows it where the sources were not installed

        return semijax.__version__
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def hashes(paths: Iterable[Path]) -> dict[str, str]:
    """Name of each file -> SHA-256 of what is in it."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def peak_memory() -> int:
    """The most bytes this process has held at once."""
    status = Path("/proc/self/status")
    told = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.is_file() else None
    if told:  # what getrusage says begins with what the parent held
        return int(told[1]) * 1024
    import resource

    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
