"""exp(ix) for many phases at once, as polynomials that a compiler writes with vectors; its derivatives cost a product each."""

import math

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


def _polynomial(x: Array, coefficients: list[float]) -> Array:
    total = jnp.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total
