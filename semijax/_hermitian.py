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
import numpy as np
from jax import lax

from semijax._types import Array

LARGEST = 4  # rows; a solution for five takes 4,000 operations, for eight 17,000
_SWEEPS = {np.dtype("float32"): 6, np.dtype("float64"): 7}  # that split one eigenvalue off; measured: docs/eigen.md


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
    values, columns = _sorted(*_diagonal(diagonal, off, dtype))
    return values, [_reflected([_Z(x) for x in column], reflections) for column in columns]


def _two(lower: list, dtype) -> tuple[list, list]:
    """mean ± R with R = √(δ² + |b|²) of [[mean + δ, b*], [b, mean − δ]]; vectors from R + |δ|, which loses no digits."""
    mean, delta = (lower[0][0].re + lower[1][1].re) * 0.5, (lower[0][0].re - lower[1][1].re) * 0.5
    b = lower[1][0]
    radius = jnp.sqrt(delta * delta + b.squared)
    long = radius + jnp.abs(delta)
    square = 2 * radius * long
    nothing = square < _least(dtype)
    scale = jnp.where(nothing, 0.0, 1 / jnp.sqrt(jnp.where(nothing, 1.0, square)))
    c, s = jnp.where(nothing, 1.0, long * scale), b.times(scale)
    # The upper state is (c, s) where δ > 0, (s*, c) else; the lower one (−s*, c) or (c, −s).
    up = delta > 0
    down = _Z(-s.re, s.im)  # −s*
    upper = [_chosen(up, _Z(c), s.conj), _chosen(up, s, _Z(c))]
    below = [_chosen(up, down, _Z(c)), _chosen(up, _Z(c), down.conj)]
    return [mean - radius, mean + radius], [below, upper]


def _least(dtype) -> float:
    """A square below is nothing beside the rest of the matrix, and may have lost digits at the end of the dtype's range."""
    return 16 * float(np.finfo(dtype).tiny / np.finfo(dtype).eps)


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
    norm = _total([z.squared for z in x])
    nothing = norm < _least(dtype)
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
    x = [tau * _total([_by(at(i, j), v[j]) for j in range(m)]) for i in range(m)]
    half = tau.times(-0.5) * _total([_by(x[i].conj, v[i]) for i in range(m)])
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
        along = tau * _total([z if u is None else u.conj * z for u, z in zip(v, part, strict=True)])
        column[first:] = [z - _by(along, u) for u, z in zip(v, part, strict=True)]
    return column


def _by(z: _Z, u: _Z | None) -> _Z:
    """z u, where None is one."""
    return z if u is None else z * u


def _total(terms: list):
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


# -- eigenvalues of a real tridiagonal matrix -----------------------------------------------------------------------------------


def _diagonal(d: list, e: list, dtype) -> tuple[list, list]:
    """(eigenvalues, eigenvectors as lists of entries), in no order: sweeps split off the first one until three rows are left."""
    n, d, e = len(d), list(d), list(e)
    one, zero = jnp.ones_like(d[0]), jnp.zeros_like(d[0])
    columns = [[one if i == j else zero for i in range(n)] for j in range(n)]
    for first in range(n - 3):
        for _ in range(_SWEEPS[np.dtype(dtype)]):
            _sweep(d, e, columns, first, _wilkinson(d, e, first), dtype)
    _three(d, e, columns, dtype)
    return d, columns


def _wilkinson(d: list, e: list, first: int):
    """The eigenvalue of the first two rows that is nearer to the first number."""
    half = (d[first + 1] - d[first]) * 0.5
    square = e[first] * e[first]
    away = jnp.abs(half) + jnp.sqrt(half * half + square)
    part = square / jnp.where(away == 0, 1.0, away)
    return d[first] - jnp.where(half < 0, -part, part)


def _sweep(d: list, e: list, columns: list, first: int, shift, dtype) -> None:
    """One explicit QL sweep of the rows from `first` on; a zero off the diagonal does it no harm."""
    p, c, s = d[-1] - shift, None, None
    for i in reversed(range(first, len(d) - 1)):
        g, h = (e[i], p) if c is None else (c * e[i], c * p)
        length = p * p + e[i] * e[i]
        nothing = length < _least(dtype)
        inverse = 1 / jnp.sqrt(jnp.where(nothing, 1.0, length))
        if s is not None:
            e[i + 1] = s * (length * inverse)
        s, c = jnp.where(nothing, 0.0, e[i] * inverse), jnp.where(nothing, 1.0, p * inverse)
        own = d[i] - shift
        p = c * own - s * g
        d[i + 1] = h + s * (c * g + s * own) + shift
        _turn(columns, i, c, s)
    e[first], d[first] = s * p, c * p + shift


def _three(d: list, e: list, columns: list, dtype) -> None:
    """The last three rows: the eigenvalue furthest from their mean, its vector, and what is left of two rows."""
    mean, p, t, f = _scaled(d[-3:], e[-2:], dtype)
    x = (t[0] * (t[1] * t[2] - f[1] * f[1]) - t[2] * (f[0] * f[0])) * 0.5  # half the determinant
    away = 2 * _cosine_of_third(jnp.abs(x), dtype)
    away = jnp.where(x < 0, -away, away)
    v = _vector([y - away for y in t], f)
    # 1 − v' v'†/(1 + |v_0|) with v' = v ± e_0 takes ∓e_0 to v; its other columns are u and w.
    sign = jnp.where(v[0] < 0, -1.0, 1.0).astype(v[0].dtype)
    part = [y / (1 + jnp.abs(v[0])) for y in v[1:]]
    u = [-sign * v[1], 1 - part[0] * v[1], -part[0] * v[2]]
    w = [-sign * v[2], u[2], 1 - part[1] * v[2]]
    mu, mw = _times(t, f, u), _times(t, f, w)
    d[-3:] = [away, _dot(u, mu), _dot(w, mw)]
    columns[-3:] = [_mixed(columns[-3:], y) for y in (v, u, w)]
    _last(d, [_dot(u, mw)], columns, dtype)
    d[-3:] = [mean + p * y for y in d[-3:]]


def _scaled(d: list, e: list, dtype) -> tuple:
    """(m, p, diagonal and off-diagonal of (T − m)/p), of mean diagonal 0 and squares adding up to 6; zero where T is m."""
    mean = (d[0] + d[1] + d[2]) * (1 / 3)
    d = [x - mean for x in d]
    square = _total([x * x for x in d]) * (1 / 6) + (e[0] * e[0] + e[1] * e[1]) * (1 / 3)
    nothing = square < _least(dtype)
    p = jnp.sqrt(jnp.where(nothing, 1.0, square))
    inverse = jnp.where(nothing, 0.0, 1 / p)
    return mean, jnp.where(nothing, 0.0, p), [x * inverse for x in d], [x * inverse for x in e]


def _cosine_of_third(x, dtype):
    """c = cos(arccos(x)/3), 4c³ − 3c = x, for 0 ≤ x ≤ 1.

    The two nearer eigenvalues may coincide, 2c stands apart from them by at least √3: a cubic and Newton's steps, from √3/2 to 1.
    """
    c = _COSINE[0] + x * (_COSINE[1] + x * (_COSINE[2] + x * _COSINE[3]))
    for _ in range(1 if np.dtype(dtype) == np.float32 else 3):
        square = c * c
        c = c - (c * (4 * square - 3) - x) / (12 * square - 3)
    return c


# The cubic with the values √3/2 and 1 and the slopes 1/6 and 1/9 at x = 0 and 1; its error is below 3e-4, after one step 1e-7, two 2e-14.
_COSINE = (0.75**0.5, 1 / 6, 3 * (1 - 0.75**0.5) - 4 / 9, 5 / 18 - 2 * (1 - 0.75**0.5))


def _vector(t: list, f: list) -> list:
    """The unit vector that T takes to zero: the column of the adjugate (a multiple of v v†) with the largest diagonal."""
    a, b, c = t[1] * t[2] - f[1] * f[1], t[0] * t[2], t[0] * t[1] - f[0] * f[0]
    ab, bc, ac = -f[0] * t[2], -t[0] * f[1], f[0] * f[1]
    column, best = [a, ab, ac], jnp.abs(a)
    for diagonal, other in ((b, [ab, b, bc]), (c, [ac, bc, c])):
        more = jnp.abs(diagonal) > best
        column, best = [jnp.where(more, y, x) for x, y in zip(column, other, strict=True)], jnp.maximum(best, jnp.abs(diagonal))
    scale = 1 / jnp.sqrt(_dot(column, column))
    return [x * scale for x in column]


def _times(d: list, e: list, v: list) -> list:
    """T v."""
    return [d[0] * v[0] + e[0] * v[1], e[0] * v[0] + d[1] * v[1] + e[1] * v[2], e[1] * v[1] + d[2] * v[2]]


def _dot(a: list, b: list):
    return _total([x * y for x, y in zip(a, b, strict=True)])


def _mixed(columns: list, weights: list) -> list:
    return [_dot(list(row), weights) for row in zip(*columns, strict=True)]


def _last(d: list, e: list, columns: list, dtype) -> None:
    """The last two rows, by one rotation."""
    half, b = (d[-1] - d[-2]) * 0.5, e[-1]
    square = half * half + b * b
    nothing = square < _least(dtype)
    tangent = jnp.where(nothing, 0.0, b) / jnp.where(nothing, 1.0, jnp.abs(half) + jnp.sqrt(square))
    tangent = jnp.where(half < 0, -tangent, tangent)
    c = 1 / jnp.sqrt(1 + tangent * tangent)
    d[-2], d[-1] = d[-2] - tangent * b, d[-1] + tangent * b
    _turn(columns, len(d) - 2, c, tangent * c)


def _turn(columns: list, i: int, c, s) -> None:
    """Columns i and i + 1 turned."""
    a, b = columns[i], columns[i + 1]
    columns[i + 1] = [s * x + c * y for x, y in zip(a, b, strict=True)]
    columns[i] = [c * x - s * y for x, y in zip(a, b, strict=True)]


def _sorted(values: list, columns: list) -> tuple[list, list]:
    """Both in the order of the values: a network of exchanges."""
    n = len(values)
    values, columns = list(values), list(columns)
    for i, j in _EXCHANGES[n]:
        swap = values[i] > values[j]
        values[i], values[j] = jnp.minimum(values[i], values[j]), jnp.maximum(values[i], values[j])
        pairs = list(zip(columns[i], columns[j], strict=True))
        columns[i] = [jnp.where(swap, b, a) for a, b in pairs]
        columns[j] = [jnp.where(swap, a, b) for a, b in pairs]
    return values, columns


_EXCHANGES = {3: ((0, 1), (1, 2), (0, 1)), 4: ((0, 1), (2, 3), (0, 2), (1, 3), (1, 2))}
