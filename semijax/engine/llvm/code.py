"""Instructions of LLVM on vectors of lanes, written one by one."""

from collections.abc import Sequence
from contextlib import contextmanager

import numpy as np

from semijax.engine.lanes.movement import Unsupported

TYPES = {
    np.dtype(name): word
    for name, word in {
        "float32": "float",
        "float64": "double",
        "int32": "i32",
        "uint32": "i32",
        "int64": "i64",
        "uint64": "i64",
        "bool": "i1",
    }.items()
}
_INTEGER = {"float32": "int32", "float64": "int64"}


def kind(dtype) -> str:
    """LLVM's type of one number; raises Unsupported for one that machine code does not have."""
    if np.dtype(dtype) not in TYPES:
        raise Unsupported(f"{np.dtype(dtype)}")
    return TYPES[np.dtype(dtype)]


def stored(dtype) -> str:
    """LLVM's type of one number in an array."""
    return "i8" if np.dtype(dtype) == bool else kind(dtype)


def bits(dtype) -> np.dtype:
    """The integer as wide as a real number."""
    return np.dtype(_INTEGER[np.dtype(dtype).name])


class Code:
    """Lines of a function. Values are names of vectors of `lanes` numbers; every method that computes returns the name of its value.

    fused: whether the processor multiplies and adds in one instruction.
    """

    def __init__(self, lanes: int, fused: bool):
        self.lanes, self.fused = lanes, fused
        self.lines: list[str] = []
        self.declared: set[str] = set()
        self._number = 0

    def line(self, text: str) -> None:
        """Adds a line that has no value."""
        self.lines.append(text)

    def name(self, letter: str = "v") -> str:
        """A name not used before."""
        self._number += 1
        return f"%{letter}{self._number}"

    def emit(self, text: str) -> str:
        """Adds an instruction."""
        name = self.name()
        self.lines.append(f"{name} = {text}")
        return name

    def label(self, name: str) -> None:
        """Begins a basic block."""
        self.lines.append(f"{name}:")

    # -- vectors --------------------------------------------------------------------------------------------------------------

    def vector(self, dtype) -> str:
        """LLVM's type of a vector."""
        return f"<{self.lanes} x {kind(dtype)}>"

    def splat(self, dtype, scalar: str) -> str:
        """A vector of one scalar value."""
        first = self.emit(f"insertelement {self.vector(dtype)} poison, {kind(dtype)} {scalar}, i64 0")
        zeros = f"<{self.lanes} x i32> zeroinitializer"
        return self.emit(f"shufflevector {self.vector(dtype)} {first}, {self.vector(dtype)} poison, {zeros}")

    @contextmanager
    def narrow(self):
        """Lines of single numbers, vectors of one: a function that makes a whole vector of such a number, for use afterwards."""
        lanes, self.lanes = self.lanes, 1

        def wide(dtype, single: str) -> str:
            return self.splat(dtype, self.emit(f"extractelement <1 x {kind(dtype)}> {single}, i64 0"))

        yield wide
        self.lanes = lanes

    def const(self, dtype, value) -> str:
        """A vector of one number."""
        return f"splat ({kind(dtype)} {number(dtype, value)})"

    def call(self, name: str, out, arguments: Sequence[tuple]) -> str:
        """An intrinsic of LLVM; arguments: (dtype, value)."""
        types = [self.vector(dtype) for dtype, _ in arguments]
        self.declared.add(f"declare {self.vector(out)} @{name}({', '.join(types)})")
        given = ", ".join(f"{t} {value}" for t, (_, value) in zip(types, arguments, strict=True))
        return self.emit(f"call {self.vector(out)} @{name}({given})")

    def same(self, name: str, dtype, *values: str) -> str:
        """An intrinsic whose arguments and result have one type."""
        return self.call(f"llvm.{name}.v{self.lanes}{_suffix(dtype)}", dtype, [(dtype, value) for value in values])

    def binary(self, word: str, dtype, a: str, b: str) -> str:
        """An instruction of two operands."""
        return self.emit(f"{word} {self.vector(dtype)} {a}, {b}")

    def add(self, dtype, a: str, b: str) -> str:
        return self.binary("fadd contract" if np.dtype(dtype).kind == "f" else "add", dtype, a, b)

    def sub(self, dtype, a: str, b: str) -> str:
        return self.binary("fsub contract" if np.dtype(dtype).kind == "f" else "sub", dtype, a, b)

    def mul(self, dtype, a: str, b: str) -> str:
        return self.binary("fmul contract" if np.dtype(dtype).kind == "f" else "mul", dtype, a, b)

    def fma(self, dtype, a: str, b: str, c: str) -> str:
        """ab + c, rounded once where the processor can."""
        if self.fused:
            return self.same("fma", dtype, a, b, c)
        return self.binary("fadd", dtype, self.binary("fmul", dtype, a, b), c)

    def negated(self, dtype, a: str) -> str:
        """−a."""
        return (
            self.emit(f"fneg {self.vector(dtype)} {a}") if np.dtype(dtype).kind == "f" else self.sub(dtype, "zeroinitializer", a)
        )

    def compare(self, word: str, dtype, a: str, b: str) -> str:
        """A comparison, in the words of LLVM for this kind of number."""
        return self.emit(f"{'fcmp' if np.dtype(dtype).kind == 'f' else 'icmp'} {word} {self.vector(dtype)} {a}, {b}")

    def select(self, dtype, which: str, yes: str, no: str) -> str:
        """yes where `which`, else no."""
        return self.emit(f"select <{self.lanes} x i1> {which}, {self.vector(dtype)} {yes}, {self.vector(dtype)} {no}")

    def cast(self, word: str, source, a: str, target) -> str:
        """A conversion, or other eyes on the same bits."""
        return self.emit(f"{word} {self.vector(source)} {a} to {self.vector(target)}")

    def polynomial(self, dtype, x: str, coefficients: Sequence) -> str:
        """Σ c xⁿ, the highest power first."""
        total = self.const(dtype, coefficients[0])
        for c in coefficients[1:]:
            total = self.fma(dtype, total, x, self.const(dtype, c))
        return total

    @contextmanager
    def loop(self, end: int | str, carried: dict[int, tuple] | None = None, step: int = 1):
        """for (i = 0; i < end; i += step), at least once: (i, values at the start of a turn, those after it, to be filled in).

        carried: of each value (dtype, its name before the loop). After the loop the last are the loop's results.
        """
        top, before, i, after = self.name("loop"), self.name("from"), self.name("i"), {}
        self.line(f"br label {before}")
        self.label(before[1:])
        self.line(f"br label {top}")
        self.label(top[1:])
        head = len(self.lines)
        now = {key: self.name() for key in carried or {}}
        yield i, now, after
        last, following, done, out = self.name("last"), self.name("i"), self.name(), self.name("out")
        self.line(f"br label {last}")
        self.label(last[1:])
        self.line(f"{following} = add i64 {i}, {step}")
        self.line(f"{done} = icmp uge i64 {following}, {end}")
        self.line(f"br i1 {done}, label {out}, label {top}")
        phis = [f"{i} = phi i64 [ 0, {before} ], [ {following}, {last} ]"]
        phis += [
            f"{now[key]} = phi {self.vector(dtype)} [ {value}, {before} ], [ {after[key]}, {last} ]"
            for key, (dtype, value) in (carried or {}).items()
        ]
        self.lines[head:head] = phis
        self.label(out[1:])

    @contextmanager
    def where_any(self, which: str, dtypes: Sequence):
        """Lines that run if `which` holds in any lane: (names of their results, to be filled in, the results outside; zero if not)."""
        then, join, before, last = self.name("then"), self.name("join"), self.name("from"), self.name("last")
        word = f"llvm.vector.reduce.or.v{self.lanes}i1"
        self.declared.add(f"declare i1 @{word}(<{self.lanes} x i1>)")
        hit = self.emit(f"call i1 @{word}(<{self.lanes} x i1> {which})")
        self.line(f"br label {before}")
        self.label(before[1:])
        self.line(f"br i1 {hit}, label {then}, label {join}, !prof !0")
        self.label(then[1:])
        inside, outside = [], [self.name() for _ in dtypes]
        yield inside, outside
        self.line(f"br label {last}")
        self.label(last[1:])
        self.line(f"br label {join}")
        self.label(join[1:])
        for dtype, x, name in zip(dtypes, inside, outside, strict=True):
            self.line(f"{name} = phi {self.vector(dtype)} [ zeroinitializer, {before} ], [ {x}, {last} ]")

    @contextmanager
    def when(self, condition: str):
        """Lines that run if a single condition holds."""
        some, after = self.name("some"), self.name("after")
        self.line(f"br i1 {condition}, label {some}, label {after}")
        self.label(some[1:])
        yield
        self.line(f"br label {after}")
        self.label(after[1:])

    # -- memory ---------------------------------------------------------------------------------------------------------------

    def room(self, dtype, size: int) -> str:
        """An array on the stack."""
        return self.emit(f"alloca [{size} x {stored(dtype)}], align 64")

    def place(self, dtype, array: str, index: str) -> str:
        """A pointer to array[index]."""
        return self.emit(f"getelementptr {stored(dtype)}, ptr {array}, i64 {index}")

    def load(self, dtype, array: str, index: str) -> str:
        """The vector from array[index] on."""
        size = np.dtype(dtype).itemsize
        found = self.emit(f"load <{self.lanes} x {stored(dtype)}>, ptr {self.place(dtype, array, index)}, align {size}")
        return found if stored(dtype) == kind(dtype) else self.emit(f"trunc <{self.lanes} x i8> {found} to {self.vector(dtype)}")

    def store(self, dtype, value: str, array: str, index: str) -> None:
        """Writes the vector to array[index] and on."""
        if stored(dtype) != kind(dtype):
            value = self.emit(f"zext {self.vector(dtype)} {value} to <{self.lanes} x i8>")
        place = self.place(dtype, array, index)
        self.line(f"store <{self.lanes} x {stored(dtype)}> {value}, ptr {place}, align {np.dtype(dtype).itemsize}")

    def scalar(self, dtype, array: str, index: str) -> str:
        """The vector whose every number is array[index]."""
        found = self.emit(f"load {stored(dtype)}, ptr {self.place(dtype, array, index)}")
        return self.splat(dtype, found if stored(dtype) == kind(dtype) else self.emit(f"trunc i8 {found} to i1"))

    def lookup(self, dtype, table: str, places: str) -> str:
        """The vector of table[place] for a vector of places (int32)."""
        found = "poison"
        for i in range(self.lanes):
            place = self.emit(f"sext i32 {self.emit(f'extractelement <{self.lanes} x i32> {places}, i64 {i}')} to i64")
            one = self.emit(f"load {stored(dtype)}, ptr {self.place(dtype, table, place)}")
            one = one if stored(dtype) == kind(dtype) else self.emit(f"trunc i8 {one} to i1")
            found = self.emit(f"insertelement {self.vector(dtype)} {found}, {kind(dtype)} {one}, i64 {i}")
        return found

    def each(self, dtype, value: str) -> list[str]:
        """The whole numbers of a vector one by one, i64."""
        one = [self.emit(f"extractelement {self.vector(dtype)} {value}, i64 {i}") for i in range(self.lanes)]
        return [self.emit(f"sext {kind(dtype)} {x} to i64") for x in one]

    def piece(self, dtype, array: str, index: str, m: int) -> str:
        """array[index] and what follows, m numbers."""
        return self.emit(f"load <{m} x {kind(dtype)}>, ptr {self.place(dtype, array, index)}, align {np.dtype(dtype).itemsize}")

    def joined(self, dtype, pieces: list[str], m: int) -> str:
        """Pieces of m numbers, a power of two of them, one after another."""
        while len(pieces) > 1:
            order = ", ".join(f"i32 {i}" for i in range(2 * m))
            of = f"<{m} x {kind(dtype)}>"
            pieces = [
                self.emit(f"shufflevector {of} {a}, {of} {b}, <{2 * m} x i32> <{order}>")
                for a, b in zip(pieces[::2], pieces[1::2])
            ]
            m *= 2
        return pieces[0]

    def interleaved(self, dtype, a: str, b: str, m: int) -> list[str]:
        """Of every m numbers of two vectors the first halves, and the second ones, number by number in turn."""
        found = []
        for half in (0, m // 2):
            first = [block + half + i for block in range(0, self.lanes, m) for i in range(m // 2)]
            order = ", ".join(f"i32 {i}, i32 {i + self.lanes}" for i in first)
            of = self.vector(dtype)
            found.append(self.emit(f"shufflevector {of} {a}, {of} {b}, <{self.lanes} x i32> <{order}>"))
        return found

    def keep_first(self, dtype, value: str, array: str, index: str) -> None:
        """Writes the first number of the vector to array[index]."""
        first = self.emit(f"extractelement {self.vector(dtype)} {value}, i64 0")
        if stored(dtype) != kind(dtype):
            first = self.emit(f"zext i1 {first} to i8")
        self.line(f"store {stored(dtype)} {first}, ptr {self.place(dtype, array, index)}")


def number(dtype, value) -> str:
    """A number in LLVM's words, exactly; a real one by the bits of its double."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return f"0x{int(np.float64(dtype.type(value)).view(np.uint64)):016X}"
    return str(int(value)) if dtype.kind != "b" else ("true" if value else "false")


def _suffix(dtype) -> str:
    return f"f{8 * np.dtype(dtype).itemsize}" if np.dtype(dtype).kind == "f" else kind(dtype)
