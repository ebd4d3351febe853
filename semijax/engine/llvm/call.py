"""Machine code as a call in a jitted function, by XLA's foreign function interface (xla/ffi/api/c_api.h, version 0.3).

The work of a call is cut into units. The thread that XLA calls and others of XLA's own take one after another; a thread that comes too
late finds none left. What they share is kept until the last of them is through.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import jax

from semijax.engine.llvm.code import Code

VERSION = (0, 3)
# Places in XLA's structures, in bytes (64-bit pointers).
_EXTENSION, _API, _CONTEXT, _GIVEN, _RETURNED = 8, 16, 24, 72, 112  # of a call; given, returned: pointers to arrays
_KIND, _METADATA = 8, 24  # of an extension, which asks for more than a run
_MAJOR, _MINOR = 24, 28  # of metadata
_DATA, _RANK, _SIZES = 24, 32, 40  # of an array
_SCHEDULE = 136  # of the API: the function that gives a task to a thread
_TELL = 1  # the kind of extension that asks for the version
# Of what the threads of a call share, 64-bit words: the next unit, units in all, those not done, threads that came, those not through,
# lanes, arrays.
_NEXT, _UNITS, _LEFT, _CAME, _THREADS, _LANES, _ARRAYS = 0, 8, 16, 24, 32, 40, 48


@dataclass(frozen=True)
class Arrays:
    """Of a call: pointers to arrays given and to those to be filled, the last axis of the first; and which of the threads this is."""

    given: list[str]
    returned: list[str]
    lanes: str
    thread: str


@dataclass(frozen=True)
class Handler:
    """The functions of a call, which may have threads. units(arrays given, lanes) writes how many units of work there are."""

    code: Code
    name: str
    units: Callable[[list[str], str], str]
    threads: int

    def written(
        self, given: int, returned: int, work: Callable[[Arrays], None], end: Callable[[Arrays], None] | None = None
    ) -> None:
        """Writes them. work(arrays) writes what a thread does, with one loop over `unit`; end(arrays) what one does after all of them."""
        self._entry(given, returned, end is not None)
        self._function("work", given, returned, work)
        if end is not None:
            self._function("end", given, returned, end)
        code = self.code
        code.line(f"define internal void @{self.name}_task(ptr %shared) {{")
        code.line(f"call void @{self.name}_work(ptr %shared)")
        code.line(f"call void @{self.name}_leave(ptr %shared)")
        code.line("ret void")
        code.line("}")
        self._leave()

    def _function(self, name: str, given: int, returned: int, write: Callable[[Arrays], None]) -> None:
        """A function of the arrays of a call."""
        code = self.code
        code.line(f"define internal void @{self.name}_{name}(ptr %shared) #0 {{")
        pointers = [_pointer(code, "%shared", _ARRAYS + 8 * i) for i in range(given + returned)]
        lanes = code.emit(f"load i64, ptr {_at(code, '%shared', _LANES)}")
        thread = code.emit(f"atomicrmw add ptr {_at(code, '%shared', _CAME)}, i64 1 monotonic")
        write(Arrays(pointers[:given], pointers[given:], lanes, thread))
        code.line("ret void")
        code.line("}")

    @contextmanager
    def unit(self) -> Iterator[str]:
        """Lines that a thread runs for one unit after another, as long as there are any: the number of the unit."""
        code, top, some, none = self.code, *(self.code.name(word) for word in ("units", "some", "none"))
        code.line(f"br label {top}")
        code.label(top[1:])
        unit = code.emit(f"atomicrmw add ptr {_at(code, '%shared', _NEXT)}, i64 1 monotonic")
        units = code.emit(f"load i64, ptr {_at(code, '%shared', _UNITS)}")
        code.line(f"br i1 {code.emit(f'icmp ult i64 {unit}, {units}')}, label {some}, label {none}")
        code.label(some[1:])
        yield unit
        code.emit(f"atomicrmw sub ptr {_at(code, '%shared', _LEFT)}, i64 1 release")
        code.line(f"br label {top}")
        code.label(none[1:])

    def _entry(self, given: int, returned: int, end: bool) -> None:
        """The function that XLA calls."""
        code = self.code
        code.declared |= {"declare ptr @malloc(i64)", "declare void @free(ptr)"}
        code.line(f"define ptr @{self.name}(ptr %call) #0 {{")
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
        shared = code.emit(f"call ptr @malloc(i64 {_ARRAYS + 8 * (given + returned)})")
        places = [*((_GIVEN, i) for i in range(given)), *((_RETURNED, i) for i in range(returned))]
        arrays = [_pointer(code, _pointer(code, "%call", place), 8 * i) for place, i in places]
        rank = code.emit(f"load i64, ptr {_at(code, arrays[0], _RANK)}")
        last = code.emit(f"getelementptr i64, ptr {_pointer(code, arrays[0], _SIZES)}, i64 {code.emit(f'sub i64 {rank}, 1')}")
        lanes = code.emit(f"load i64, ptr {last}")
        data = [_pointer(code, array, _DATA) for array in arrays]
        for i, pointer in enumerate(data):
            code.line(f"store ptr {pointer}, ptr {_at(code, shared, _ARRAYS + 8 * i)}")
        units = self.units(data[:given], lanes)
        threads = code.emit(f"call i64 @llvm.umin.i64(i64 {units}, i64 {self.threads})")
        code.declared.add("declare i64 @llvm.umin.i64(i64, i64)")
        words = ((_NEXT, 0), (_UNITS, units), (_LEFT, units), (_CAME, 0), (_THREADS, threads), (_LANES, lanes))
        for place, number in words:
            code.line(f"store i64 {number}, ptr {_at(code, shared, place)}")
        with code.when(code.emit(f"icmp ugt i64 {threads}, 1")):
            self._ask_for_others(shared, code.emit(f"sub i64 {threads}, 1"))
        code.line(f"call void @{self.name}_work(ptr {shared})")
        self._wait(shared)
        if end:
            code.line(f"call void @{self.name}_end(ptr {shared})")
        code.line(f"call void @{self.name}_leave(ptr {shared})")
        code.line("ret ptr null")
        code.line("}")

    def _ask_for_others(self, shared: str, others: str) -> None:
        """Gives the work to so many more threads; where there are none to be had, to fewer."""
        code = self.code
        schedule, task = _pointer(code, _pointer(code, "%call", _API), _SCHEDULE), code.emit("alloca [5 x i64], align 8")
        code.line(f"store i64 40, ptr {task}")
        words = ("null", _pointer(code, "%call", _CONTEXT), f"@{self.name}_task", shared)
        for i, word in enumerate(words):
            code.line(f"store ptr {word}, ptr {_at(code, task, 8 * (i + 1))}")
        with code.loop(others):
            failed = code.emit(f"icmp ne ptr {code.emit(f'call ptr {schedule}(ptr {task})')}, null")
            with code.when(failed):
                code.line(f"call void @{self.name}_leave(ptr {shared})")

    def _wait(self, shared: str) -> None:
        """Until no unit is left."""
        code, top, out, again = self.code, *(self.code.name(word) for word in ("wait", "done", "again"))
        code.line(f"br label {top}")
        code.label(top[1:])
        left = code.emit(f"load atomic i64, ptr {_at(code, shared, _LEFT)} acquire, align 8")
        code.line(f"br i1 {code.emit(f'icmp eq i64 {left}, 0')}, label {out}, label {again}")
        code.label(again[1:])
        if os.name == "posix":  # the other thread may want this core
            code.declared.add("declare i32 @sched_yield()")
            code.emit("call i32 @sched_yield()")
        code.line(f"br label {top}")
        code.label(out[1:])

    def _leave(self) -> None:
        """The function that a thread calls when it is through: the last tidies up."""
        code = self.code
        code.line(f"define internal void @{self.name}_leave(ptr %shared) {{")
        before = code.emit(f"atomicrmw sub ptr {_at(code, '%shared', _THREADS)}, i64 1 acq_rel")
        with code.when(code.emit(f"icmp eq i64 {before}, 1")):
            code.line("call void @free(ptr %shared)")
        code.line("ret void")
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
