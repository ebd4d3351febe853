"""Boltzmann laws in closed form: exact maps of uniform numbers to wavevectors distributed as exp(−E(k)/kT)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import record, static
from semijax._types import Array, SemijaxError, cast
from semijax.bands.inputs import traced
from semijax.bands.transport import interpolate, monotone
from semijax.units import HBAR, HBAR2_M0, M0

# A radius of 11 standard deviations leaves out 4e-28 of a Gaussian: uniform numbers in float64 reach no further than 9.
_REACH, _PER_UNIT = 11, 64
_POLAR, _AZIMUTH = 192, 96


@record
class Law:
    """law(uniforms [count]) -> k [d], 1/Å: independent numbers uniform in (0, 1) become one wavevector of the law.

    The map is smooth and one to one with count = d, so exp(−E/kT)·|det ∂k/∂u| is the same everywhere: the partition function.
    `-law` is the law of −k.
    """

    transport: Callable[[Any, Array], Array] = static()
    numbers: Any = None
    count: int = static(default=1)

    def __call__(self, uniforms: Array) -> Array:
        return self.transport(cast(self.numbers, uniforms.dtype), uniforms)

    def __neg__(self) -> "Law":
        mirrored = self.transport.of if isinstance(self.transport, _Mirrored) else _Mirrored(self.transport)
        return Law(mirrored, self.numbers, self.count)


@dataclass(frozen=True)
class InDimension:
    """A law (params, kT) of a band that exists in several dimensions of space."""

    of: Callable[[Any, Any, int], Law]
    dimension: int

    def __call__(self, params, kT) -> Law:
        return self.of(params, kT, self.dimension)


# -- one law per band: (params, kT [eV]) -> Law. A negative kT means exp(+E/|kT|), the law of −E ----------------------------


def parabolic(params, kT, dimension: int) -> Law:
    """Gaussian of variance m kT/ħ² along each axis; raises SemijaxError for kT ≤ 0."""
    params, kT = _numbers("parabolic", params, kT, +1)
    spread = jnp.sqrt(params["mass"] * (M0 * kT)) / HBAR * jnp.ones(dimension, kT.dtype)
    return Law(_gaussian, {"spread": spread, "axes": None, "center": None}, dimension)


def ellipsoidal(params, kT) -> Law:
    """Gaussian of variances m_i kT/ħ² along the principal axes about the centre; raises SemijaxError for kT ≤ 0."""
    params, kT = _numbers("ellipsoidal", params, kT, +1)
    spread = jnp.sqrt(params["masses"] * (M0 * kT)) / HBAR
    return Law(_gaussian, {"spread": spread, "axes": params["axes"], "center": params["center"]}, spread.shape[0])


def kane(params, kT, dimension: int) -> Law:
    """Isotropic with radius from E(1 + αE) = ħ²k²/2m; raises SemijaxError for kT ≤ 0.

    d = 2 is closed, see `_planar`. d = 1, 3: a table carries the radius of a Gaussian vector over monotonically; the sampled
    density is off by at most 1e-12 of itself for αkT ≤ 0.1, 5e-9 for αkT ≤ 1 (15,000 K in GaAs), 4e-5 for αkT ≤ 10.
    """
    params, kT = _numbers("kane", params, kT, +1)
    scale = jnp.sqrt(params["mass"] * (M0 * kT)) / HBAR
    a = params["alpha"] * kT
    if dimension == 2:
        return Law(_planar, {"a": a, "scale": scale}, 2)

    return Law(_isotropic, {"radius": _kane_radius(a, dimension), "scale": scale}, dimension)


def cosine(params, kT, dimension: int) -> Law:
    """von Mises along every axis, exp(β cos k_i d) with β = bandwidth/2kT; kT < 0 centres it on k_i = π/d."""
    params, kT = _numbers("cosine", params, kT, 0)
    return Law(_von_mises, _miniband(params, kT), dimension)


def superlattice(params, kT) -> Law:
    """von Mises along z, Gaussian in the plane; raises SemijaxError for kT ≤ 0."""
    params, kT = _numbers("superlattice", params, kT, +1)
    spread = jnp.sqrt(params["mass"] * (M0 * kT)) / HBAR * jnp.ones(2, kT.dtype)
    return Law(_plane_and_miniband, {"spread": spread} | _miniband(params, kT), 3)


def dirac_upper(params, kT) -> Law:
    """The massive Dirac cone is Kane's band with α = 1/gap and m = ħ²Δ/(ħv)²; raises SemijaxError for kT ≤ 0."""
    return _dirac(*_numbers("massive_dirac", params, kT, +1))


def dirac_lower(params, kT) -> Law:
    """The law of the holes of the lower cone; raises SemijaxError for kT ≥ 0."""
    return _dirac(*_numbers("massive_dirac", params, kT, -1))


def warped_heavy(params, kT) -> Law:
    """The law of heavy holes, exp(E_v/|kT|); raises SemijaxError for kT ≥ 0, under which E_v falls without end.

    E is homogeneous of degree 2, so the radius is that of a Gaussian vector and the direction n has the density g(n)^(−3/2) with
    E_v = −ħ²k²g/2m0. By its tables the sampled density is off by at most 1e-5 of itself (on average 1e-8) for the valence bands
    of Si, 2e-7 for Ge and GaAs; as B → 0 by up to 3e-3 (on average 2e-7) at the cusps that g then has on the axes.
    """
    return _warped(*_numbers("warped", params, kT, -1), -1.0)


def warped_light(params, kT) -> Law:
    """The law of light holes, as `warped_heavy`."""
    return _warped(*_numbers("warped", params, kT, -1), 1.0)


# -- the maps: (numbers, uniforms) -> k -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Mirrored:
    of: Callable[[Any, Array], Array]

    def __call__(self, numbers, uniforms: Array) -> Array:
        return -self.of(numbers, uniforms)


def _normal(u: Array) -> Array:
    """Standard normal numbers [d] from [d] uniform ones: pairs by Box and Muller, an odd one by the inverse distribution.

    Box, Muller, Ann. Math. Stat. 29, 610 (1958); doi:10.1214/aoms/1177706645.
    """
    odd = [jax.scipy.special.ndtri(u[-1])] if u.shape[0] % 2 else []
    if u.shape[0] == 1:
        return jnp.stack(odd)
    radius, angle = jnp.sqrt(-2.0 * jnp.log(u[0])), 2 * math.pi * u[1]
    return jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle), *odd])


def _gaussian(numbers, u: Array) -> Array:
    k = numbers["spread"] * _normal(u)
    if numbers["axes"] is not None:
        k = jnp.sum(numbers["axes"] * k[:, None], axis=0)
    return k if numbers["center"] is None else k + numbers["center"]


def _isotropic(numbers, u: Array) -> Array:
    z = _normal(u)
    r = jnp.sqrt(jnp.sum(z * z))
    return numbers["scale"] * interpolate(numbers["radius"], r * _PER_UNIT) / r * z


def _planar(numbers, u: Array) -> Array:
    """Two dimensions: with ε = E/kT, a = αkT, c = 1 + 1/2a, the part of the law above ε is (1 + ε/c) exp(−ε) = u."""
    t = -jnp.log(u[0])
    a = numbers["a"]
    b = 2.0 * a / (1.0 + 2.0 * a)
    # ε − log(1 + bε) is convex and b ≤ 1, so Newton's steps from this upper bound of the root fall onto it monotonically and
    # quadratically. The bound: at ε = t + s, s = √(2t), is ε − log(1 + ε) − t = s − log(1 + s + s²/2) ≥ 0, as exp(s) ≥ 1 + s + s²/2.
    energy = t + jnp.sqrt(2.0 * t)
    for _ in range(6):
        energy = energy - (energy - jnp.log1p(b * energy) - t) * (1.0 + b * energy) / (1.0 - b + b * energy)
    k = numbers["scale"] * jnp.sqrt(2.0 * energy * (1.0 + a * energy))
    angle = 2 * math.pi * u[1]
    return k * jnp.stack([jnp.cos(angle), jnp.sin(angle)])


def _von_mises(numbers, u: Array) -> Array:
    s = jax.scipy.special.ndtri(u)
    angle = jax.vmap(lambda x: interpolate(numbers["angle"], x))(jnp.abs(s) * _PER_UNIT) * jnp.sign(s) + numbers["center"]
    return (angle - 2 * math.pi * jnp.round(angle / (2 * math.pi))) / numbers["period"]


def _plane_and_miniband(numbers, u: Array) -> Array:
    return jnp.concatenate([numbers["spread"] * _normal(u[:2]), _von_mises(numbers, u[2:])])


def _directed(numbers, u: Array) -> Array:
    z = _normal(u)
    small, large = jnp.minimum(jnp.abs(z[0]), jnp.abs(z[1])), jnp.maximum(jnp.abs(z[0]), jnp.abs(z[1]))
    across = jnp.sqrt(z[0] ** 2 + z[1] ** 2)
    # By the cubic symmetry the tables need 0 ≤ φ ≤ π/4 and 0 ≤ θ ≤ π/2 alone; signs and order of the components come back.
    theta = interpolate(numbers["polar"], jnp.arctan2(across, jnp.abs(z[2])) * (2 * _POLAR / math.pi))
    phi = jnp.arctan2(small, large) * (4 * _AZIMUTH / math.pi)
    phi = interpolate(numbers["azimuth"], theta * (2 * _POLAR / math.pi), phi)
    first, second = jnp.sin(theta) * jnp.cos(phi), jnp.sin(theta) * jnp.sin(phi)
    x_is_large = jnp.abs(z[0]) >= jnp.abs(z[1])
    n = jnp.stack([jnp.where(x_is_large, first, second), jnp.where(x_is_large, second, first), jnp.cos(theta)])
    length = numbers["scale"] * jnp.sqrt((across**2 + z[2] ** 2) / _shape(numbers, theta, phi))
    return length * n * jnp.sign(z)


# -- the tables -------------------------------------------------------------------------------------------------------------


def _numbers(where: str, params, kT, sign: int):
    """(params, |kT|, or kT itself for sign 0) as arrays of one dtype; raises SemijaxError where the law has no norm."""
    if not traced(kT) and (not math.isfinite(kT) or kT == 0 or kT * sign < 0):
        allowed = {1: "> 0, as E has no maximum", -1: "< 0 (holes), as E has no minimum", 0: "finite and not 0"}[sign]
        raise SemijaxError(f"{where}: kT = {float(kT):g} eV in exp(−E/kT): allowed is kT {allowed}")
    params, kT = cast((params, kT), jnp.result_type(float))
    return params, kT if sign == 0 else sign * kT


def _radii(dtype) -> Array:
    return jnp.asarray(np.arange(_REACH * _PER_UNIT + 1) / _PER_UNIT, dtype)


def _chi(dimension: int) -> Callable[[Array], Array]:
    return lambda r: r ** (dimension - 1) * jnp.exp(-(r**2) / 2.0)


@partial(jax.jit, static_argnames="dimension")
def _kane_radius(a, dimension: int) -> Array:
    """|k| in units of sqrt(m kT)/ħ at the radii of a Gaussian vector; a = αkT."""

    # In r = sqrt(2E/kT) the density is the Gaussian's times a factor that varies slowly: k^(d−1) dk/dr exp(−r²/2).
    def density(r):
        return r ** (dimension - 1) * (1.0 + a * r**2 / 2.0) ** ((dimension - 2) / 2) * (1.0 + a * r**2) * jnp.exp(-(r**2) / 2.0)

    r = _radii(a.dtype)
    energy = monotone(_chi(dimension), density, r, r, power=dimension)
    return energy * jnp.sqrt(1.0 + a * energy**2 / 2.0)


@jax.jit
def _miniband(params, kT) -> dict:
    """θ(s) ≥ 0 of exp(−|β|(1 − cos θ)) at normal numbers s ≥ 0, spaced h = 1/64: odd and analytic in s for every β.

    θ is s/√β for large and π erf(s/√2) for small β; between, it bends towards π at s ≈ 2√β within δs ≈ 1/2√β, so that
    |θ⁽⁶⁾| ≲ (2√β)⁶/√β = 64β^(5/2) and the error 3.6/720 h⁶|θ⁽⁶⁾| ≲ 5e-12 β^(5/2), for β ≲ 17 as s ≤ 8.3: in the distribution
    below 3e-12 for every β, in θ below 1e-10 save for the outer 1e-9 of it, and there below 5e-8.
    """
    beta = jnp.abs(params["bandwidth"] / (2.0 * kT))
    span = jax.lax.stop_gradient(2.0 * jnp.arcsin(jnp.minimum(1.0, _REACH / 2 / jnp.sqrt(jnp.maximum(beta, 1.0)))))
    edges = span * jnp.asarray(np.linspace(0.0, 1.0, 257), beta.dtype)
    angle = monotone(_chi(1), lambda x: jnp.exp(-2.0 * beta * jnp.sin(x / 2.0) ** 2), _radii(beta.dtype), edges)
    return {"angle": angle, "center": jnp.where(kT < 0, math.pi, 0.0), "period": params["period"]}


def _dirac(params, kT) -> Law:
    return Law(_planar, {"a": kT / params["gap"], "scale": jnp.sqrt(params["gap"] / 2 * kT) / params["hbar_v"]}, 2)


def _shape(numbers, theta: Array, phi: Array) -> Array:
    """g(θ, φ) of the warped band, E_v = −ħ²k²g/2m0."""
    across = jnp.sin(theta) ** 2
    mixed = across**2 * jnp.sin(2.0 * phi) ** 2 / 4.0 + across * jnp.cos(theta) ** 2
    return numbers["A"] + numbers["sign"] * jnp.sqrt(numbers["B"] ** 2 + numbers["C"] ** 2 * mixed)


def _warped(params, kT, sign: float) -> Law:
    shape = {name: params[name] for name in ("A", "B", "C")} | {"sign": jnp.asarray(sign, kT.dtype)}
    return Law(_directed, shape | _directions(shape) | {"scale": jnp.sqrt(kT / HBAR2_M0)}, 3)


@jax.jit
def _directions(shape) -> dict:
    """Polar angle θ(θ0) and azimuth φ(θ, φ0) that turn isotropic directions (θ0, φ0) into those of density g^(−3/2)."""
    dtype = shape["sign"].dtype
    thetas = jnp.asarray(np.linspace(0.0, math.pi / 2, _POLAR + 1), dtype)
    phis = jnp.asarray(np.linspace(0.0, math.pi / 4, _AZIMUTH + 1), dtype)
    points, weights = (jnp.asarray(x, dtype) for x in np.polynomial.legendre.leggauss(32))

    def ring(theta):
        values = jax.vmap(lambda point: _shape(shape, theta, (1.0 + point) * (math.pi / 8)) ** -1.5)(points)
        return jnp.sin(theta) * jnp.tensordot(weights, values, axes=1, precision="highest")

    def row(theta):
        return monotone(jnp.ones_like, lambda phi: _shape(shape, theta, phi) ** -1.5, phis, phis)

    return {"polar": monotone(jnp.sin, ring, thetas, thetas, power=2), "azimuth": jax.vmap(row)(thetas)}
