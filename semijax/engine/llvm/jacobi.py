"""Jacobi's method for a Hermitian matrix of every carrier, as loops: rotations that make one pair of numbers after another zero.

Golub, Van Loan, Matrix Computations, 4th ed., section 8.5, with a phase for complex numbers. A sweep takes all pairs; sweeps go on until
what is left beside the diagonal is the rounding of the matrix, in every lane: about five for ten rows and less.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from semijax.engine.llvm.code import Code
from semijax.engine.llvm.routine import Room, where_any

_SWEEPS = 30  # never met
_ROUNDING = 8  # units in the last place of the matrix's norm that may be left beside the diagonal


@dataclass(frozen=True)
class Matrix:
    """[n n] numbers of each lane; without imaginary parts where they are real."""

    code: Code
    n: int
    re: Room
    im: Room | None

    @classmethod
    def of(cls, code: Code, dtype, n: int, complex_valued: bool) -> "Matrix":
        """With room for them."""
        return cls(code, n, Room.of(code, dtype, n * n), Room.of(code, dtype, n * n) if complex_valued else None)

    @property
    def parts(self) -> list[Room]:
        return [self.re] if self.im is None else [self.re, self.im]

    def beyond(self, index: str) -> "Matrix":
        """What begins at number `index`."""
        return Matrix(self.code, self.n, self.re.beyond(index), self.im and self.im.beyond(index))

    def load(self, index: int | str) -> list[str]:
        return [part.load(index) for part in self.parts]

    def store(self, values: list[str], index: int | str) -> None:
        for part, value in zip(self.parts, values, strict=True):
            part.store(value, index)


def diagonalised(matrix: Matrix) -> tuple[Matrix, str]:
    """(eigenvectors, as columns, the norm of the matrix squared); the matrix becomes that of its eigenvalues, in no order."""
    code, n, dtype = matrix.code, matrix.n, matrix.re.dtype
    states = Matrix.of(code, dtype, n, matrix.im is not None)
    zero = ["zeroinitializer"] * len(states.parts)
    with code.loop(n * n) as (i, _, _):
        states.store(zero, i)
    with code.loop(n) as (i, _, _):
        states.re.store(code.const(dtype, 1), code.emit(f"mul i64 {i}, {n + 1}"))
    with code.loop(n * n, {0: (dtype, "zeroinitializer")}) as (i, now, after):
        after[0] = _square(code, dtype, matrix.load(i), now[0])
    norm = after[0]
    least = code.mul(dtype, norm, code.const(dtype, (_ROUNDING * float(np.finfo(dtype).eps)) ** 2))
    with code.loop(_SWEEPS):
        with _pairs(code, n, {0: (dtype, "zeroinitializer")}) as (p, q, now, after):
            after[0] = _square(code, dtype, matrix.load(_place(code, n, p, q)), now[0])
        with where_any(code, code.compare("ogt", dtype, after[0], least)), _pairs(code, n, {}) as (p, q, _, _):
            _rotated(matrix, states, p, q)
    return states, norm


def _square(code: Code, dtype, x: list[str], total: str) -> str:
    for part in x:
        total = code.fma(dtype, part, part, total)
    return total


def _place(code: Code, n: int, row: str, column: str) -> str:
    return code.emit(f"add i64 {code.emit(f'mul i64 {row}, {n}')}, {column}")


@contextmanager
def _pairs(code: Code, n: int, carried: dict[int, tuple]) -> Iterator[tuple]:
    """A loop over p < q: (p, q, values at the start of a turn, those after it, as of Code.loop)."""
    with code.loop(n - 1, carried) as (p, before, end):
        first, count = code.emit(f"add i64 {p}, 1"), code.emit(f"sub i64 {n - 1}, {p}")
        with code.loop(count, {key: (carried[key][0], x) for key, x in before.items()}) as (i, now, after):
            yield p, code.emit(f"add i64 {first}, {i}"), now, end
            after |= end
        end |= after


def _rotated(matrix: Matrix, states: Matrix, p: str, q: str) -> None:
    """A → J†AJ, V → VJ, where J = [[c, u], [−u*, c]] of rows p and q makes A_pq zero.

    With t = tan θ = g |A_pq|, g = 2 sgn(d)/(|d| + √(d² + 4|A_pq|²)), d = A_qq − A_pp: c = cos θ, u = c g A_pq.
    """
    code, n, dtype = matrix.code, matrix.n, matrix.re.dtype
    first, last = (code.emit(f"mul i64 {x}, {n + 1}") for x in (p, q))
    low, high, across = matrix.re.load(first), matrix.re.load(last), matrix.load(_place(code, n, p, q))
    apart, square = code.sub(dtype, high, low), _square(code, dtype, across, "zeroinitializer")
    root = code.same("sqrt", dtype, _square(code, dtype, [apart], code.mul(dtype, code.const(dtype, 4), square)))
    under = code.add(dtype, code.same("fabs", dtype, apart), root)
    under = code.same("maxnum", dtype, under, code.const(dtype, np.finfo(dtype).tiny * 2**20))
    g = code.binary("fdiv", dtype, code.same("copysign", dtype, code.const(dtype, 2), apart), under)
    tangent = [code.mul(dtype, g, x) for x in across]
    c = code.same("sqrt", dtype, _square(code, dtype, tangent, code.const(dtype, 1)))
    c = code.binary("fdiv", dtype, code.const(dtype, 1), c)
    u = [code.mul(dtype, c, x) for x in tangent]
    _columns(states, p, q, c, u, None)
    _columns(matrix, p, q, c, u, [matrix.beyond(code.emit(f"mul i64 {x}, {n}")) for x in (p, q)])
    moved, zero = code.mul(dtype, g, square), ["zeroinitializer"] * len(matrix.parts)
    for x, place in ((code.sub(dtype, low, moved), first), (code.add(dtype, high, moved), last)):
        matrix.store([x, *zero[1:]], place)
    for pair in ((p, q), (q, p)):
        matrix.store(zero, _place(code, n, *pair))


def _columns(matrix: Matrix, p: str, q: str, c: str, u: list[str], rows: list[Matrix] | None) -> None:
    """Columns x, y → cx − u*y, ux + cy; and, where given, the rows that are their adjoints."""
    code, n, dtype = matrix.code, matrix.n, matrix.re.dtype
    columns = [matrix.beyond(x) for x in (p, q)]
    back = [code.negated(dtype, part) for part in u]  # −u
    for i in range(n):
        x, y = (column.load(i * n) for column in columns)
        new = _mixed(code, dtype, c, x, [back[0], *u[1:]], y), _mixed(code, dtype, c, y, u, x)
        for j, value in enumerate(new):
            columns[j].store(value, i * n)
            if rows is not None:
                rows[j].store([value[0], *(code.negated(dtype, part) for part in value[1:])], i)


def _mixed(code: Code, dtype, c: str, x: list[str], u: list[str], y: list[str]) -> list[str]:
    """cx + uy."""
    found = [code.fma(dtype, u[0], b, code.mul(dtype, c, a)) for a, b in zip(x, y, strict=True)]
    if len(u) == 1:
        return found
    return [code.fma(dtype, code.negated(dtype, u[1]), y[1], found[0]), code.fma(dtype, u[1], y[0], found[1])]


def ranks(matrix: Matrix) -> tuple[list[str], list[str]]:
    """(eigenvalues of a matrix that is diagonal, how many are below each), equal ones in the order in which they stand."""
    code, n, dtype = matrix.code, matrix.n, matrix.re.dtype
    values, found = [matrix.re.load(i * (n + 1)) for i in range(n)], [code.const(dtype, 0)] * n
    one, zero = code.const(dtype, 1), code.const(dtype, 0)
    for i in range(n):
        for j in range(i + 1, n):
            less = code.compare("olt", dtype, values[j], values[i])
            found[i] = code.add(dtype, found[i], code.select(dtype, less, one, zero))
            found[j] = code.add(dtype, found[j], code.select(dtype, less, zero, one))
    return values, found
