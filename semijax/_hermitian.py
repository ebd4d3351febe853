"""Eigenvalues and eigenvectors of small Hermitian matrices as a straight line of scalar operations: no loop, no branch, no LAPACK.

Two rows: closed form. Three and four: Householder reflections to a real tridiagonal matrix (Golub, Van Loan, Matrix Computations,
4th ed., sec. 8.3.1); of four rows a fixed number of QL sweeps with Wilkinson's shift splits one eigenvalue off (Bowdler, Martin,
Reinsch, Wilkinson, Numer. Math. 11, 293 (1968), doi:10.1007/BF02166681); of three the one furthest from their mean, by its closed
form, which is well-conditioned for that one; then two rows are left. Everything is unitary, so that the eigenvectors are orthonormal
however close the eigenvalues.
In float32 the largest entry has to lie between 1e-7 and 1e15: what is below 1e-14 counts as nothing. Where one is not finite, the
eigenvalues are NaN.
"""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import lax

from semijax._tridiagonal import diagonalised, in_order, least, total
from semijax._types import Array

LARGEST = 4  # rows; a solution for five takes 4,000 operations, for eight 17,000


@dataclass(frozen=True)
class _Z:
    """A complex scalar as two real ones; a real one where im is None."""

    re: Any
    im: Any = None

    def __add__(self, other: "_Z") -> "_Z":
        return _Z(self.re + other.re, _both(self.im, other.im, lambda a, b: a + b))

    def __sub__(self, other: "_Z") -> "_Z":
        return _Z(self.re - other.re, _both(self.im, other.im, lambda a, b: a - b, lambda b: -b))

    def __mul__(self, other: "_Z") -> "_Z":
        if self.im is None:
            return other.times(self.re)
        if other.im is None:
            return self.times(other.re)
        return _Z(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)

    def times(self, x) -> "_Z":
        """The product with a real number."""
        return _Z(self.re * x, None if self.im is None else self.im * x)

    @property
    def conj(self) -> "_Z":
        return _Z(self.re, None if self.im is None else -self.im)

    @property
    def squared(self):
        """The square of the modulus."""
        return self.re * self.re if self.im is None else self.re * self.re + self.im * self.im


def _both(a, b, function, alone=lambda b: b):
    if a is None:
        return None if b is None else alone(b)
    return a if b is None else function(a, b)


def eigh(matrix: Array) -> tuple[Array, Array]:
    """Eigenvalues [n], ascending, and eigenvectors [n n], columns, of a Hermitian matrix [n n], n ≤ 4, whose lower triangle is read."""
    n = matrix.shape[0]
    whole = jnp.issubdtype(matrix.dtype, jnp.complexfloating)
    real, imag = lax.real(matrix) if whole else matrix, lax.imag(matrix) if whole else None

    def entry(i: int, j: int) -> _Z:
        return _Z(real[i, j], None if imag is None or i == j else imag[i, j])

    values, columns = _solved([[entry(i, j) for j in range(i + 1)] for i in range(n)], real.dtype)
    vectors = [[columns[j][i] for j in range(n)] for i in range(n)]
    re = jnp.stack([jnp.stack([z.re for z in row]) for row in vectors])
    if not whole:
        return jnp.stack(values), re
    im = jnp.stack([jnp.stack([jnp.zeros_like(z.re) if z.im is None else z.im for z in row]) for row in vectors])
    return jnp.stack(values), lax.complex(re, im)


def _solved(lower: list, dtype) -> tuple[list, list]:
    """(eigenvalues, eigenvectors as lists of entries) of a matrix given by the rows of its lower triangle."""
    if len(lower) == 1:
        return [lower[0][0].re], [[_Z(jnp.ones_like(lower[0][0].re))]]
    if len(lower) == 2:
        return _two(lower, dtype)
    diagonal, off, reflections = _tridiagonal(lower, dtype)
    values, columns = in_order(*diagonalised(diagonal, off, dtype))
    return values, [_reflected([_Z(x) for x in column], reflections) for column in columns]


def _two(lower: list, dtype) -> tuple[list, list]:
    """mean ± R with R = √(δ² + |b|²) of [[mean + δ, b*], [b, mean − δ]]; vectors from R + |δ|, which loses no digits."""
    mean, delta = (lower[0][0].re + lower[1][1].re) * 0.5, (lower[0][0].re - lower[1][1].re) * 0.5
    b = lower[1][0]
    radius = jnp.sqrt(delta * delta + b.squared)
    long = radius + jnp.abs(delta)
    square = 2 * radius * long
    nothing = square < least(dtype)
    scale = jnp.where(nothing, 0.0, 1 / jnp.sqrt(jnp.where(nothing, 1.0, square)))
    c, s = jnp.where(nothing, 1.0, long * scale), b.times(scale)
    # The upper state is (c, s) where δ > 0, (s*, c) else; the lower one (−s*, c) or (c, −s).
    up = delta > 0
    down = _Z(-s.re, s.im)  # −s*
    upper = [_chosen(up, _Z(c), s.conj), _chosen(up, s, _Z(c))]
    below = [_chosen(up, down, _Z(c)), _chosen(up, _Z(c), down.conj)]
    return [mean - radius, mean + radius], [below, upper]


def _chosen(where, a: _Z, b: _Z) -> _Z:
    im = None
    if a.im is not None or b.im is not None:
        im = jnp.where(where, 0.0 if a.im is None else a.im, 0.0 if b.im is None else b.im)
    return _Z(jnp.where(where, a.re, b.re), im)


# -- to tridiagonal form ------------------------------------------------------------------------------------------------------


def _tridiagonal(lower: list, dtype) -> tuple[list, list, list]:
    """(diagonal, off-diagonal, reflections): A = Q T Q†, T real, Q the product of 1 − τ v v†, v from its row on; first to last."""
    n, a = len(lower), [list(row) for row in lower]
    whole = any(z.im is not None for row in a for z in row)
    off, reflections = [], []
    for k in range(n - 1):
        below = range(k + 1, n)
        if k == n - 2 and not whole:
            off.append(a[k + 1][k].re)
            continue
        beta, tau, v = _reflection([a[i][k] for i in below], dtype)
        off.append(beta)
        reflections.append((k + 1, tau, v))
        _both_sides(a, k + 1, tau, v)
    return [a[i][i].re for i in range(n)], off, reflections


def _reflection(x: list, dtype) -> tuple[Any, _Z, list]:
    """(β, τ, v), v[0] = 1, β real: (1 − τ v v†)† x = β e_0; τ = 0 where x is nothing."""
    norm = total([z.squared for z in x])
    nothing = norm < least(dtype)
    size = jnp.sqrt(jnp.where(nothing, 1.0, norm))
    beta = jnp.where(x[0].re > 0, -size, size)
    head = _Z(x[0].re - beta, x[0].im)
    tau = head.times(jnp.where(nothing, 0.0, -1 / beta))
    if len(x) == 1:
        return jnp.where(nothing, 0.0, beta), tau, [None]
    inverse = head.conj.times(1 / head.squared)
    return jnp.where(nothing, 0.0, beta), tau, [None, *(z * inverse for z in x[1:])]


def _both_sides(a: list, first: int, tau: _Z, v: list) -> None:
    """(1 − τ v v†)† A (1 − τ v v†) of rows and columns from `first` on: A − v w† − w v†, w = x − ½ τ (x†v) v, x = τ A v."""
    m = len(v)

    def at(i: int, j: int) -> _Z:
        return a[first + i][first + j] if i >= j else a[first + j][first + i].conj

    if m == 1:
        return  # a phase
    x = [tau * total([_by(at(i, j), v[j]) for j in range(m)]) for i in range(m)]
    half = tau.times(-0.5) * total([_by(x[i].conj, v[i]) for i in range(m)])
    w = [x[i] + _by(half, v[i]) for i in range(m)]
    for i in range(m):
        for j in range(i + 1):
            if i == j:  # real: 2 Re(v w*)
                twice = w[i].re if v[i] is None else (v[i] * w[i].conj).re
                a[first + i][first + i] = _Z(a[first + i][first + i].re - 2 * twice)
            else:
                change = _by(w[j].conj, v[i]) + (w[i] if v[j] is None else w[i] * v[j].conj)
                a[first + i][first + j] = a[first + i][first + j] - change


def _reflected(column: list, reflections: list) -> list:
    """Q times a vector."""
    column = list(column)
    for first, tau, v in reversed(reflections):
        part = column[first:]
        along = tau * total([z if u is None else u.conj * z for u, z in zip(v, part, strict=True)])
        column[first:] = [z - _by(along, u) for u, z in zip(v, part, strict=True)]
    return column


def _by(z: _Z, u: _Z | None) -> _Z:
    """z u, where None is one."""
    return z if u is None else z * u
