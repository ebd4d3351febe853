"""Envelopes of pulses: g(x) with x = (t − center)/duration, g(0) = 1 and g² = 1/2 at x = ±1/2 (FWHM of the intensity)."""

import math

import jax.numpy as jnp

from semijax._types import Array

# Whole length over FWHM of the intensity: sin⁴(πy) = 1/2, and sin(πy)^(2|π(y − 1/2)|/0.75) = 1/2, each at y = (1 − 1/length)/2.
SIN2_LENGTH = math.pi / (2 * math.acos(2**-0.25))
SUPERSINE_LENGTH = 2.028482004967556
SUPERSINE_WIDTH = 0.75


def gaussian(x) -> Array:
    """exp(−2 ln 2 x²); never zero: 1/16 of the peak at x = ±1, 1e-6 at ±3.2 (field)."""
    return jnp.exp(-2 * math.log(2) * x * x)


def sin2(x) -> Array:
    """sin²(πy) with y = 1/2 − |x|/2.7468; exactly zero outside. g and its slope are continuous."""
    y, inside = _from_the_end(x, SIN2_LENGTH)
    return jnp.where(inside, jnp.sin(math.pi * y) ** 2, 0.0)


def supersine(x) -> Array:
    """sin(πy)^(|π(y − 1/2)|/w), w = 0.75, y = 1/2 − |x|/2.0285; exactly zero outside.

    Flatter at the top than sin² and shorter in all; it leaves zero as y^2.09, with g and its slope continuous. This formula is
    the definition here; envelopes of this form are used in computations of high harmonics, with w = 0.75, after the
    trigonometric envelopes of Barth and Lasser.
    """
    y, inside = _from_the_end(x, SUPERSINE_LENGTH)
    power = math.pi / SUPERSINE_WIDTH * (0.5 - y)
    return jnp.where(inside, jnp.exp(power * jnp.log(jnp.sin(math.pi * y))), 0.0)


def _from_the_end(x, length: float):
    """How far inside the nearer end, in lengths (1/2 at the centre), and whether inside; 1/4 outside, so that no NaN arises."""
    y = 0.5 - jnp.abs(x) / length
    inside = y > 0
    return jnp.where(inside, y, 0.25), inside
