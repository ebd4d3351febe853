"""The same bands as energies E(params, k) on (d,)-arrays, as a user of JAX writes them; whoever differentiates starts here."""

import math

import jax
import jax.numpy as jnp

from . import metal
from .constants import HBAR, HBAR2_M0


def w1(p, k):
    """E = −2 Σ t_i cos(k_i a_i)."""
    return -2 * jnp.sum(jnp.asarray(p["hopping"], k.dtype) * jnp.cos(k * jnp.asarray(p["period"], k.dtype)))


def parabolic(p, k):
    """E = ħ²k²/2m."""
    return HBAR2_M0 / 2 * jnp.sum(k * k) / p["mass"]


potential = parabolic  # the potential is the field's


def kane(p, k):
    """E(1 + αE) = ħ²k²/2m."""
    gamma = HBAR2_M0 / 2 * jnp.sum(k * k) / p["mass"]
    return 2 * gamma / (1 + jnp.sqrt(1 + 4 * p["alpha"] * gamma))


def warped(p, k):
    """Heavy holes, counted positive into the band."""
    x, y, z = k**2
    square = x + y + z
    return HBAR2_M0 / 2 * (p["A"] * square - jnp.sqrt(p["B"] ** 2 * square**2 + p["C"] ** 2 * (x * y + y * z + z * x)))


def superlattice(p, k):
    """A miniband along z, free in the plane."""
    return p["bandwidth"] / 2 * (1 - jnp.cos(k[2] * p["period"])) + HBAR2_M0 / 2 * (k[0] ** 2 + k[1] ** 2) / p["mass"]


miniband = superlattice


def graphene(p, k):
    """E = t|f|."""
    across, along = math.sqrt(3) / 2 * p["bond"] * k[0], 1.5 * p["bond"] * k[1]
    return p["hopping"] * jnp.sqrt((2 * jnp.cos(across) + jnp.cos(along)) ** 2 + jnp.sin(along) ** 2)


def dirac(p, k):
    """E = sqrt(Δ² + (ħv k)²)."""
    return jnp.sqrt((p["gap"] / 2) ** 2 + p["hbar_v"] ** 2 * jnp.sum(k * k))


def dirac_curvature(p, k):
    """Ω_z = −(ħv)²Δ/(2E³)."""
    return -(p["hbar_v"] ** 2) * p["gap"] / 4 / dirac(p, k) ** 3


def dirac_moment(p, k):
    """m_z = EΩ_z/ħ."""
    return dirac(p, k) * dirac_curvature(p, k) / HBAR


def user(p, k):
    """E = s log(1 + kᵀMk) + w Σ_j cos(R_j·k): matrix products and a function no library of bands has."""
    tensor, vectors = jnp.asarray(p["tensor"], k.dtype), jnp.asarray(p["vectors"], k.dtype)
    return p["scale"] * jnp.log1p(k @ tensor @ k) + p["warp"] * jnp.sum(jnp.cos(vectors @ k))


def copper(p, k):
    """A table of copper's band at the Fermi level: a periodic spline of degree four."""
    table, count = jnp.asarray(metal.coefficients("float64"), k.dtype), metal.DEGREE + 1
    turns = jnp.asarray(metal.LATTICE / (2 * math.pi), k.dtype) @ k
    place = (turns - jnp.floor(turns)) * metal.SIDE + 0.5
    cell = jnp.floor(place)
    window = jax.lax.dynamic_slice(table, tuple(cell.astype(jnp.int32)), (count,) * 3)
    weights = jnp.stack(metal.weights(place - cell - 0.5)[0])  # [5 3]
    return metal.FERMI + jnp.einsum("abc,a,b,c->", window, *weights.T)


def copper_exact_slope(p, k):
    """∂E/∂k = ⟨u|∂H|u⟩ of the same band of seven Wannier functions, H(k) = S + S†, S = Σ exp(ik·R) h(R)."""
    vectors, hopping = (jnp.asarray(x) for x in metal.halves())
    vectors, kind = vectors.astype(k.dtype), jnp.complex64 if k.dtype == jnp.float32 else jnp.complex128
    phases, hopping = jnp.exp(1j * (vectors @ k)), hopping.astype(kind)
    half = jnp.tensordot(phases, hopping, 1)
    u = jnp.linalg.eigh(half + half.conj().T)[1][:, metal.BAND]
    each = jnp.tensordot(hopping, u.conj()[:, None] * u, 2)  # ⟨u|h(R)|u⟩
    return 2 * (1j * phases * each).real @ vectors


def slope(name):
    """∂E/∂k (params, k) -> [d] of a band: what grad makes of its energy, or what eigenvectors give."""
    by_hand = {"copper_exact": copper_exact_slope}
    return by_hand.get(name) or jax.grad(globals()[name], 1)


def electric(c, t, r):
    """E(t, r) [d], V/Å, of a case."""
    if c.name == "superlattice":
        s = t - c.params["center"]
        wave = jnp.exp(-2 * math.log(2) * (s / c.params["duration"]) ** 2) * jnp.cos(2e-3 * math.pi * c.params["frequency"] * s)
        return jnp.zeros_like(r).at[2].set(c.params["peak"] * wave)
    if c.name == "potential":
        return -jax.grad(lambda r: height(c.params, r))(r)
    return jnp.asarray(c.electric, r.dtype)


def height(p, r):
    """φ(r) = φ0 Σ cos(2π r_i/L), V."""
    return p["height"] * jnp.sum(jnp.cos(2 * math.pi / p["length"] * r))
