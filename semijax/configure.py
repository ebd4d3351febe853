"""How JAX starts: one virtual device per core and the precision, set before the first computation."""

import importlib.metadata
import os
import re
import warnings

import jax

from semijax._types import SemijaxError

_COUNT = "--xla_force_host_platform_device_count"
# What makes the CPU compiler keep a step of many components in one loop over lanes, as wide as the machine's vectors; internal to
# XLA, so only set for versions that are known to take them (an unknown flag would end the process). Not with them:
# xla_cpu_use_multi_output_fusion, which makes some steps faster still and others take the compiler minutes.
_WIDTH = "--xla_cpu_prefer_vector_width"
_EXTRA = "--xla_backend_extra_options"
_FLAGS = {
    _WIDTH: "512",
    _EXTRA: "xla_cpu_small_while_loop_byte_threshold=1000000",
}
_KNOWN = ((0, 10), (0, 11))
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
        os.environ["XLA_FLAGS"] = " ".join([*others, f"{_COUNT}={wanted}", *_missing(others)])
    elif devices is not None and jax.default_backend() == "cpu" and jax.device_count() != wanted:
        warnings.warn(f"configure: devices = {wanted} not taken: JAX already runs with {jax.device_count()}", stacklevel=2)


def at_first_use() -> None:
    """Configures with the defaults if JAX has not started; else says once, in one line, if it runs without the compiler's flags."""
    global _told
    if not started():
        configure()
    elif not _told and jax.default_backend() == "cpu" and _missing(os.environ.get("XLA_FLAGS", "").split()):
        _told = True
        warnings.warn(
            "semijax: JAX started before semijax could set the compiler up: steps run slower; "
            "make sj.configure() the first line of the script",
            stacklevel=3,
        )


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _missing(flags: list[str]) -> list[str]:
    """The compiler's flags that are not among `flags` yet; what the user has set is left alone."""
    version = tuple(int(part) for part in importlib.metadata.version("jaxlib").split(".")[:2])
    if version not in _KNOWN or os.environ.get("SEMIJAX_ENGINE") != "lanes":  # plain JAX gains little and compiles longer
        return []
    return [f"{name}={value}" for name, value in _FLAGS.items() if not any(f.startswith(f"{name}=") for f in flags)]


def started() -> bool:
    """Whether JAX has already chosen its devices."""
    from jax._src import xla_bridge  # no public name tells without starting them

    return xla_bridge.backends_are_initialized()
