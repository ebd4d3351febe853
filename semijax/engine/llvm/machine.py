"""LLVM's language to machine code of this processor, by llvmlite; known to XLA by its name."""

import ctypes
import functools
import hashlib
import threading
from types import ModuleType
from typing import Any

import jax

from semijax.engine.kernels import NoCompiler

NAME = "carriers"
_RARELY = '!{!"branch_weights", i32 1, i32 20}'  # what a guard asks for
_lock = threading.Lock()
_kept: dict[str, Any] = {}  # machine code stays as long as the process, as what was compiled with it may


@functools.cache
def binding() -> ModuleType | None:
    """llvmlite; None where it is not installed. Loading it takes a moment, so nothing does before the first run."""
    try:
        import llvmlite.binding
    except (ImportError, OSError):
        return None
    return llvmlite.binding


@functools.cache
def features() -> dict[str, bool]:
    """What the processor has, by LLVM's names."""
    return dict(_llvm().get_host_cpu_features())


def fused() -> bool:
    """Whether the processor multiplies and adds in one instruction."""
    return features().get("fma", False) or _llvm().get_process_triple().startswith(("aarch64", "arm64"))


def width() -> int:
    """Bytes of the widest vectors."""
    return 64 if features().get("avx512f") else 32 if features().get("avx2") else 16


def registered(module: str) -> str:
    """The name under which XLA knows the function `NAME` of a module. Raises NoCompiler where llvmlite is missing."""
    name = "semijax_" + hashlib.sha256(module.encode()).hexdigest()[:24]
    with _lock:  # threads may trace the same run
        if name not in _kept:
            address = _compiled(module.replace(f"@{NAME}(", f"@{name}(", 1), name)
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(ctypes.c_void_p(address)), platform="cpu")
    return name


def _compiled(source: str, name: str) -> int:
    attributes = f'"prefer-vector-width"="{8 * width()}" "min-legal-vector-width"="{8 * width()}"'
    module = _llvm().parse_assembly(f"{source}\nattributes #0 = {{ nounwind {attributes} }}\n!0 = {_RARELY}\n")
    module.verify()
    engine = _llvm().create_mcjit_compiler(module, _target())
    engine.finalize_object()
    _kept[name] = engine
    return engine.get_function_address(name)


@functools.cache
def _target():
    _llvm().initialize_native_target()
    _llvm().initialize_native_asmprinter()
    target, features = _llvm().Target.from_default_triple(), _llvm().get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=_llvm().get_host_cpu_name(), features=features, opt=3, jit=True)


def _llvm() -> Any:
    found = binding()
    if found is None:
        raise NoCompiler("llvmlite is not installed")
    return found
