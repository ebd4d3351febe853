"""exp(ix) of many phases by polynomials that a compiler writes with vectors, or by products of few; derivatives cost a product."""

import math
from functools import lru_cache, partial

import jax
import jax.numpy as jnp

from semijax._types import Array

# Taylor's series of cos(πr) and sin(πr)/r in r², |r| ≤ 1/2: what is left out is below half a unit in the last place of 1.
_COSINE = [(-1) ** i * math.pi ** (2 * i) / math.factorial(2 * i) for i in range(12)]
_SINE = [(-1) ** i * math.pi ** (2 * i + 1) / math.factorial(2 * i + 1) for i in range(12)]
_TERMS = {"float32": 8, "float64": 12}


@jax.custom_jvp
def unit_circle(phase: Array) -> Array:
    """The cosines, then the sines, [2 n], of phases [n], rad."""
    half_turns = phase / math.pi
    whole = jnp.round(half_turns)
    rest = half_turns - whole
    square, terms = rest * rest, _TERMS[phase.dtype.name]
    sign = 1 - 2 * (whole - 2 * jnp.floor(whole / 2))  # (−1)^whole
    return jnp.concatenate([sign * _polynomial(square, _COSINE[:terms]), sign * rest * _polynomial(square, _SINE[:terms])])


@unit_circle.defjvp
def _(primals, tangents):
    value = unit_circle(primals[0])  # itself, so that the derivative has derivatives by the same rule
    cosine, sine = jnp.split(value, 2)
    return value, jnp.concatenate([-sine * tangents[0], cosine * tangents[0]])


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def products(sums: tuple[tuple[int, ...], ...], angles: Array) -> tuple[Array, Array]:
    """Cosines and sines [m] of Σ_i n_i x_i for each n of `sums`, from those of the angles x [p], rad.

    A product of two complex numbers for each, where it is the sum or difference of two before it; a cosine and a sine of its own where not.
    """
    known = {n: (jnp.cos(x), jnp.sin(x)) for n, x in zip(_units(len(sums[0])), angles, strict=True)}
    for n, pair in _plan(sums):
        if pair is None:
            x = _combined(n, angles)
            known[n] = jnp.cos(x), jnp.sin(x)
        else:
            (i, one), (j, other) = pair
            (a, p), (b, q) = known[one], known[other]
            known[n] = a * b - i * j * (p * q), i * (p * b) + j * (a * q)
    cosines, sines = zip(*(known[n] for n in sums))
    return jnp.stack(cosines), jnp.stack(sines)


@products.defjvp
def _(sums, primals, tangents):
    cosine, sine = products(sums, primals[0])  # itself, so that the derivative has derivatives by the same rule
    change = jnp.stack([_combined(n, tangents[0]) for n in sums])
    return (cosine, sine), (-sine * change, cosine * change)


def _combined(n: tuple[int, ...], x: Array) -> Array:
    terms = [count * x[i] for i, count in enumerate(n) if count]
    return sum(terms[1:], terms[0])


def _units(size: int) -> list[tuple[int, ...]]:
    return [tuple(int(i == j) for j in range(size)) for i in range(size)]


@lru_cache
def _plan(sums: tuple[tuple[int, ...], ...]) -> tuple:
    """Of each sum that is no angle by itself, the shortest first: (n, ((sign, n before), (sign, n before)) that add up to it, or None)."""
    before, plan = _units(len(sums[0])), []
    for n in sorted(set(sums) - set(before), key=lambda n: sum(map(abs, n))):
        signed = [(sign, m) for m in before for sign in (1, -1)]
        pairs = (
            (x, y) for x in signed for y in signed if all(x[0] * a + y[0] * b == c for a, b, c in zip(x[1], y[1], n, strict=True))
        )
        plan.append((n, next(pairs, None)))
        before.append(n)
    return tuple(plan)


def _polynomial(x: Array, coefficients: list[float]) -> Array:
    total = jnp.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total
