"""Eigenvalues and eigenvectors of a Hermitian matrix of every carrier, as loops."""

import numpy as np

from semijax.engine.llvm import jacobi
from semijax.engine.llvm.code import Code
from semijax.engine.llvm.routine import Room


def eigh(code: Code, params: tuple, given: list[str]) -> list[str]:
    """Eigenvalues [n], ascending, and eigenvectors [n n], columns, from the numbers of a matrix [n n], of which one triangle is read.
    Complex numbers are pairs.
    """
    dtype, n, lower, complex_valued, values_first = params
    matrix, width = jacobi.Matrix.of(code, dtype, n, complex_valued), 2 if complex_valued else 1
    for i, j in np.ndindex(n, n):
        near = (i, j) if (i >= j) == lower or i == j else (j, i)
        x = given[(near[0] * n + near[1]) * width :][:width]
        if complex_valued:
            turned = x[1] if near == (i, j) else code.negated(dtype, x[1])
            x = [x[0], "zeroinitializer" if i == j else turned]
        matrix.store(x, i * n + j)
    states, norm = jacobi.diagonalised(matrix)
    values, below = jacobi.ranks(matrix)
    levels, ordered = _ordered(states, values, below)
    nothing = code.binary("fmul", dtype, norm, "zeroinitializer")  # NaN where the matrix is none
    energies = [code.add(dtype, levels.load(r), nothing) for r in range(n)]
    vectors = [code.add(dtype, part, nothing) for i, r in np.ndindex(n, n) for part in ordered.load(int(r * n + i))]
    return [*energies, *vectors] if values_first else [*vectors, *energies]


def _ordered(states: jacobi.Matrix, values: list[str], below: list[str]) -> tuple[Room, jacobi.Matrix]:
    """(eigenvalues, eigenvectors as rows), the lowest first."""
    code, n, dtype = states.code, states.n, states.re.dtype
    ranks, given = Room.of(code, dtype, n), Room.of(code, dtype, n)
    for i in range(n):
        ranks.store(below[i], i)
        given.store(values[i], i)
    levels, ordered = Room.of(code, dtype, n), jacobi.Matrix.of(code, dtype, n, states.im is not None)
    many = 1 + n * len(states.parts)
    with code.loop(n) as (r, _, _):
        wanted = code.splat(dtype, code.emit(f"uitofp i64 {r} to {code.vector(dtype).split(' x ')[1][:-1]}"))
        with code.loop(n, dict.fromkeys(range(many), (dtype, "zeroinitializer"))) as (j, now, after):
            mine, column = code.compare("oeq", dtype, ranks.load(j), wanted), states.beyond(j)
            parts = [given.load(j), *(part for i in range(n) for part in column.load(i * n))]
            for i, x in enumerate(parts):
                after[i] = code.select(dtype, mine, x, now[i])
        levels.store(after[0], r)
        row, width = ordered.beyond(code.emit(f"mul i64 {r}, {n}")), len(states.parts)
        for i in range(n):
            row.store([after[1 + i * width + p] for p in range(width)], i)
    return levels, ordered
