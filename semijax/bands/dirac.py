"""Closed-form two-dimensional bands with Dirac points: graphene, and the massive Dirac cone with its Berry curvature."""

import math

import jax.numpy as jnp
import numpy as np

from semijax._types import Array, SemijaxError
from semijax.bands import inputs, laws
from semijax.bands.band import Band
from semijax.bands.library import root, scaled
from semijax.bands.neighbours import Neighbours
from semijax.units import HBAR


def graphene(hopping: float = 2.7, bond: float = 1.42, overlap: float = 0.0, sign: int = +1) -> Band:
    """E = +t|f|/(1 − s|f|) for sign = +1 (π*) and −t|f|/(1 + s|f|) for sign = −1 (π), f = Σ_j exp(ik·δ_j); |f| = 3 at Γ.

    `hopping` t in eV, > 0; `bond` in Å, > 0; `overlap` 0 ≤ s < 1/3; else SemijaxError. Bonds point along y and at ±30° below
    x; the Dirac points (±4π/(3√3 bond), 0) lie on the x axis, where velocity and inverse mass are finite (zero at |f| = 0).
    Saito, Dresselhaus, Dresselhaus, Phys. Rev. B 61, 2981 (2000); doi:10.1103/PhysRevB.61.2981.
    """
    sign = inputs.one_of("graphene", "sign", sign, (1, -1))
    params = {
        "hopping": inputs.number("graphene", "hopping", hopping, above=0.0),
        "bond": inputs.number("graphene", "bond", bond, above=0.0),
        "overlap": inputs.number("graphene", "overlap", overlap, least=0.0),
    }
    if not inputs.traced(params["overlap"]) and params["overlap"] >= 1 / 3:
        raise SemijaxError(f"graphene: overlap = {overlap!r}: allowed is a number < 1/3, else E is infinite in the zone")
    rows = np.array([[math.sqrt(3) / 2, 1.5], [-math.sqrt(3) / 2, 1.5]])
    return Band(_graphene_upper if sign > 0 else _graphene_lower, params, scaled(params["bond"], rows))


def massive_dirac(gap: float, hbar_v: float, valley: int = +1, sign: int = +1) -> Band:
    """E = sign·sqrt(Δ² + (ħv k)²), gap = 2Δ in eV, > 0, hbar_v = ħv in eV Å, > 0; valley = ±1; d = 2; else SemijaxError.

    H = ħv(valley kx σx + ky σy) + Δσz. Berry curvature of the upper band Ω_c = −valley (ħv)²Δ/(2[Δ² + (ħvk)²]^{3/2}), of the
    lower −Ω_c; orbital moment of both m = |E|Ω_c/ħ. Xiao, Yao, Niu, Phys. Rev. Lett. 99, 236809 (2007);
    doi:10.1103/PhysRevLett.99.236809.
    """
    valley = inputs.one_of("massive_dirac", "valley", valley, (1, -1))
    sign = inputs.one_of("massive_dirac", "sign", sign, (1, -1))
    params = {
        "gap": inputs.number("massive_dirac", "gap", gap, above=0.0),
        "hbar_v": inputs.number("massive_dirac", "hbar_v", hbar_v, above=0.0),
    }
    energy, law = (_dirac_upper, laws.dirac_upper) if sign > 0 else (_dirac_lower, laws.dirac_lower)
    curvature = _curvature_down if valley * sign > 0 else _curvature_up
    moment = _moment_down if valley > 0 else _moment_up
    return Band(energy, params, dimension=2, curvature=curvature, moment=moment, law=law, neighbours=_dirac_neighbours)


def _structure_factor(bond, k: Array) -> Array:
    # |f| from its real and imaginary part (up to a phase): a sum of squares, which rounding cannot make negative.
    x, y = k
    across, along = math.sqrt(3) / 2 * bond * x, 1.5 * bond * y
    return root((2.0 * jnp.cos(across) + jnp.cos(along)) ** 2 + jnp.sin(along) ** 2)


def _graphene_upper(params, k: Array) -> Array:
    f = _structure_factor(params["bond"], k)
    return params["hopping"] * f / (1.0 - params["overlap"] * f)


def _graphene_lower(params, k: Array) -> Array:
    f = _structure_factor(params["bond"], k)
    return -params["hopping"] * f / (1.0 + params["overlap"] * f)


def _dirac_upper(params, k: Array) -> Array:
    return jnp.sqrt((params["gap"] / 2) ** 2 + params["hbar_v"] ** 2 * jnp.sum(k * k))


def _dirac_lower(params, k: Array) -> Array:
    return -_dirac_upper(params, k)


def _dirac_neighbours(params, k: Array) -> Neighbours:
    """The cone's other half: h = (2ħv k, 2Δ)."""
    away = jnp.concatenate([2 * params["hbar_v"] * k, jnp.reshape(params["gap"], (1,))])
    change = 2 * params["hbar_v"] * jnp.eye(3, 2, dtype=k.dtype)
    gap = jnp.sqrt(jnp.sum(away * away))
    way = away / gap
    slope = jnp.sum(way[:, None] * change, axis=0)
    return Neighbours(gap[None], slope[None], (change - way[:, None] * slope[None, :])[None])


def _curvature_up(params, k: Array) -> Array:
    return params["hbar_v"] ** 2 * params["gap"] / (4.0 * _dirac_upper(params, k) ** 3)


def _curvature_down(params, k: Array) -> Array:
    return -_curvature_up(params, k)


def _moment_up(params, k: Array) -> Array:
    return _dirac_upper(params, k) * _curvature_up(params, k) / HBAR


def _moment_down(params, k: Array) -> Array:
    return -_moment_up(params, k)
