"""numba: the gradient of a periodic spline of degree four in three dimensions, in scalars of the table's precision.

Written out: the same as loops over five neighbours takes half as long again.
"""

import numba
import numpy as np

# Unsigned, as what they are added to: numba wraps every signed index round.
_ONE, _TWO, _THREE, _FOUR = (np.uint64(i) for i in (1, 2, 3, 4))


@numba.njit(fastmath=True)
def gradient(table, side, x, y, z):
    """∂E/∂(x, y, z) in cells; table: `metal.coefficients`, flat, for `side` points along each axis; x, y, z: turns."""
    row = np.uint64(side) + _ONE + _FOUR
    plane = row * row
    i, u = _placed(table, side, x)
    j, v = _placed(table, side, y)
    k, w = _placed(table, side, z)
    at, rows, lines = i * plane + j * row + k, _weights(table, v), _weights(table, w)
    a0, b0, c0 = _plane(table, at, row, rows, lines)
    a1, b1, c1 = _plane(table, at + plane, row, rows, lines)
    a2, b2, c2 = _plane(table, at + plane + plane, row, rows, lines)
    a3, b3, c3 = _plane(table, at + plane + plane + plane, row, rows, lines)
    a4, b4, c4 = _plane(table, at + plane + plane + plane + plane, row, rows, lines)
    values, slopes = _weights(table, u)
    return (_dot(slopes, a0, a1, a2, a3, a4), _dot(values, b0, b1, b2, b3, b4), _dot(values, c0, c1, c2, c3, c4))


@numba.njit(fastmath=True)
def _placed(table, side, turns):
    """(first of five neighbours, distance from the middle one) of a point, cells."""
    half = table.dtype.type(0.5)
    place = (turns - np.floor(turns)) * table.dtype.type(side) + half
    cell = np.floor(place)
    return np.uint64(np.int64(cell)), place - cell - half


@numba.njit(fastmath=True)
def _weights(table, v):
    """As `metal.weights`; Python's numbers would make float64 of float32."""
    real = table.dtype.type
    s, low, high = v * v, real(0.5) - v, real(0.5) + v
    even, odd = real(4.75) + s * (real(6) - real(4) * s), v * (real(11) - real(4) * s)
    middle = real(14.375) + s * (real(6) * s - real(15))
    values = low * low * low * low, even - odd, middle, even + odd, high * high * high * high
    even, odd = v * (real(12) - real(16) * s), real(11) - real(12) * s
    middle = v * (real(24) * s - real(30))
    return values, (real(-4) * low * low * low, even - odd, middle, even + odd, real(4) * high * high * high)


@numba.njit(fastmath=True)
def _plane(table, at, row, rows, lines):
    """(value, slope along y, slope along z) of 25 neighbours."""
    weights, slopes = rows
    s0, t0 = _line(table, at, lines)
    s1, t1 = _line(table, at + row, lines)
    s2, t2 = _line(table, at + row + row, lines)
    s3, t3 = _line(table, at + row + row + row, lines)
    s4, t4 = _line(table, at + row + row + row + row, lines)
    return (_dot(weights, s0, s1, s2, s3, s4), _dot(slopes, s0, s1, s2, s3, s4), _dot(weights, t0, t1, t2, t3, t4))


@numba.njit(fastmath=True)
def _line(table, at, lines):
    """(value, slope) of five neighbours."""
    weights, slopes = lines
    a, b, c, d, e = table[at], table[at + _ONE], table[at + _TWO], table[at + _THREE], table[at + _FOUR]
    return _dot(weights, a, b, c, d, e), _dot(slopes, a, b, c, d, e)


@numba.njit(fastmath=True, inline="always")
def _dot(w, a, b, c, d, e):
    return w[0] * a + w[1] * b + w[2] * c + w[3] * d + w[4] * e
