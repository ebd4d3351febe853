"""Eigenvalues and eigenvectors of a real symmetric tridiagonal matrix of three or four rows as a straight line of scalar operations."""

import jax.numpy as jnp
import numpy as np

_SWEEPS = {np.dtype("float32"): 6, np.dtype("float64"): 7}  # that split one eigenvalue off; measured: docs/eigen.md


def least(dtype) -> float:
    """A square below is nothing beside the rest of the matrix, and may have lost digits at the end of the dtype's range."""
    return 16 * float(np.finfo(dtype).tiny / np.finfo(dtype).eps)


def diagonalised(d: list, e: list, dtype) -> tuple[list, list]:
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
        nothing = length < least(dtype)
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
    square = total([x * x for x in d]) * (1 / 6) + (e[0] * e[0] + e[1] * e[1]) * (1 / 3)
    nothing = square < least(dtype)
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
    return total([x * y for x, y in zip(a, b, strict=True)])


def _mixed(columns: list, weights: list) -> list:
    return [_dot(list(row), weights) for row in zip(*columns, strict=True)]


def _last(d: list, e: list, columns: list, dtype) -> None:
    """The last two rows, by one rotation."""
    half, b = (d[-1] - d[-2]) * 0.5, e[-1]
    square = half * half + b * b
    nothing = square < least(dtype)
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


def in_order(values: list, columns: list) -> tuple[list, list]:
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


def total(terms: list):
    """The sum of terms, in order."""
    value = terms[0]
    for term in terms[1:]:
        value = value + term
    return value
