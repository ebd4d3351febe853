"""Machine code as a call in a jitted function, by XLA's foreign function interface (xla/ffi/api/c_api.h, version 0.3)."""

from contextlib import contextmanager

import jax

from semijax.engine.llvm.code import Code

VERSION = (0, 3)
# Places in XLA's structures, in bytes (64-bit pointers).
_EXTENSION, _GIVEN, _RETURNED = 8, 72, 112  # of a call: what asks for more than a run, the arrays given, those to be filled
_KIND, _METADATA = 8, 24  # of an extension
_MAJOR, _MINOR = 24, 28  # of metadata
_DATA, _RANK, _SIZES = 24, 32, 40  # of an array
_TELL = 1  # the kind of extension that asks for the version


@contextmanager
def handled(code: Code, name: str, given: int, returned: int):
    """A function that XLA calls: (pointers to arrays given, pointers to arrays to be filled, the last axis of the first)."""
    code.line(f"define ptr @{name}(ptr %call) #0 {{")
    extension = _pointer(code, "%call", _EXTENSION)
    code.line(f"br i1 {code.emit(f'icmp eq ptr {extension}, null')}, label %run, label %asked")
    code.label("asked")
    told = code.emit(f"icmp eq i32 {code.emit(f'load i32, ptr {_at(code, extension, _KIND)}')}, {_TELL}")
    code.line(f"br i1 {told}, label %tell, label %run")
    code.label("tell")
    metadata = _pointer(code, extension, _METADATA)
    for place, number in zip((_MAJOR, _MINOR), VERSION, strict=True):
        code.line(f"store i32 {number}, ptr {_at(code, metadata, place)}")
    code.line("ret ptr null")
    code.label("run")
    arrays = [_pointer(code, _pointer(code, "%call", _GIVEN), 8 * i) for i in range(given)]
    rank = code.emit(f"load i64, ptr {_at(code, arrays[0], _RANK)}")
    last = code.emit(f"getelementptr i64, ptr {_pointer(code, arrays[0], _SIZES)}, i64 {code.emit(f'sub i64 {rank}, 1')}")
    filled = [_pointer(code, _pointer(code, "%call", _RETURNED), 8 * i) for i in range(returned)]
    lanes = code.emit(f"load i64, ptr {last}")
    yield [_pointer(code, x, _DATA) for x in arrays], [_pointer(code, x, _DATA) for x in filled], lanes
    code.line("ret ptr null")
    code.line("}")


def called(name: str, moved: list, arguments: list, outputs: list[jax.ShapeDtypeStruct]) -> list:
    """Runs the machine code of this name: what it makes of `moved`, in place, and the outputs."""
    results = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in moved] + outputs
    run = jax.ffi.ffi_call(name, results, input_output_aliases={i: i for i in range(len(moved))})
    return list(run(*moved, *arguments))


def _at(code: Code, base: str, place: int) -> str:
    return code.emit(f"getelementptr i8, ptr {base}, i64 {place}")


def _pointer(code: Code, base: str, place: int) -> str:
    return code.emit(f"load ptr, ptr {_at(code, base, place)}")
