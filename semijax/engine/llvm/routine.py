"""Routines: functions of a kernel that have loops of their own, for calls that would be too long a program written out.

They take vectors of carriers and pointers to tables, and return all of their numbers as one array of vectors.
"""

import hashlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from semijax.engine.lanes.graph import Node
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.llvm.code import Code

# (code, parameters, names of what is given) -> names of what is returned
Write = Callable[[Code, tuple, list[str]], list[str]]


@dataclass(frozen=True)
class Room:
    """An array of vectors of a routine's own."""

    code: Code
    dtype: np.dtype
    array: str

    @classmethod
    def of(cls, code: Code, dtype, size: int) -> "Room":
        """So many vectors, on the stack."""
        return cls(code, np.dtype(dtype), code.emit(f"alloca [{size} x {code.vector(dtype)}], align 64"))

    def beyond(self, index: int | str) -> "Room":
        """What begins at array[index]."""
        return Room(
            self.code, self.dtype, self.code.emit(f"getelementptr {self.code.vector(self.dtype)}, ptr {self.array}, i64 {index}")
        )

    def load(self, index: int | str) -> str:
        """array[index]."""
        return self.code.emit(f"load {self.code.vector(self.dtype)}, ptr {self.beyond(index).array}, align {self._align}")

    def store(self, value: str, index: int | str) -> None:
        """array[index] = value."""
        self.code.line(f"store {self.code.vector(self.dtype)} {value}, ptr {self.beyond(index).array}, align {self._align}")

    @property
    def _align(self) -> int:
        return min(64, self.code.lanes * self.dtype.itemsize)


def called(code: Code, node: Node, given: list[str], writers: dict[str, Write]) -> str:
    """The array of vectors that the routine of a node returns. Raises Unsupported where the node has none."""
    routine = node.attr.routine
    if routine is None or routine.name not in writers:
        raise Unsupported("opaque")
    types = ["ptr" if a.op == "table" else code.vector(a.dtype) for a in node.args]
    dtype, count = routine.dtype, routine.count
    text = _written(code, routine, types, writers[routine.name])
    name = f"@{routine.name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    code.declared.add(text.replace("@routine(", f"{name}(", 1))
    arguments = ", ".join(f"{t} {x}" for t, x in zip(types, given, strict=True))
    return code.emit(f"call [{count} x {code.vector(dtype)}] {name}({arguments})")


def part(code: Code, node: Node, array: str) -> str:
    """One number of what a routine returns."""
    routine = node.args[0].attr.routine
    return code.emit(f"extractvalue [{routine.count} x {code.vector(routine.dtype)}] {array}, {routine.place(*node.attr)}")


def _written(code: Code, routine, types: list[str], write: Write) -> str:
    own = Code(code.lanes, code.fused)
    given = [f"%given{i}" for i in range(len(types))]
    returned = write(own, routine.params, given)
    whole, array = f"[{routine.count} x {own.vector(routine.dtype)}]", "poison"
    for i, x in enumerate(returned):
        array = own.emit(f"insertvalue {whole} {array}, {own.vector(routine.dtype)} {x}, {i}")
    code.declared |= own.declared
    head = ", ".join(f"{t} {x}" for t, x in zip(types, given))
    lines = [f"define internal {whole} @routine({head}) noinline #0 {{", *own.lines, f"ret {whole} {array}", "}"]
    return "\n".join(lines)


@contextmanager
def where_any(code: Code, which: str):
    """Lines that run if `which` holds in any lane."""
    word = f"llvm.vector.reduce.or.v{code.lanes}i1"
    code.declared.add(f"declare i1 @{word}(<{code.lanes} x i1>)")
    with code.when(code.emit(f"call i1 @{word}(<{code.lanes} x i1> {which})")):
        yield
