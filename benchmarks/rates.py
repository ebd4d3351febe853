"""Closed-form rates of every case on components, by hand: the float64 reference and the peers that do not differentiate use them.

rates(x, c, t, z) -> (what is averaged, dz/dt). x: a module with sin, cos, sqrt and exp (NumPy, torch, heyoka); c: the case; z: the
components (r..., k...), each an array over trajectories.
"""

import math

import numpy as np

from . import metal
from .constants import HBAR, HBAR2_M0, TESLA


def bent(c, velocity, push=None):
    """dk/dt = (q/ħ)(E + v × B) from the components of v."""
    b = [c.charge / HBAR * TESLA * x for x in c.magnetic]
    e = [c.charge / HBAR * x for x in c.electric] if push is None else push
    if len(velocity) == 2:
        return (e[0] + velocity[1] * b[0], e[1] - velocity[0] * b[0])
    v = velocity
    return (e[0] + (v[1] * b[2] - v[2] * b[1]), e[1] + (v[2] * b[0] - v[0] * b[2]), e[2] + (v[0] * b[1] - v[1] * b[0]))


def w1(x, c, t, z):
    """E = −2 Σ t_i cos(k_i a_i)."""
    p = c.params
    v = tuple(2 * s * a / HBAR * x.sin(a * k) for s, a, k in zip(p["hopping"], p["period"], z[3:]))
    return v, (*v, *bent(c, v))


def parabolic(x, c, t, z):
    """E = ħ²k²/2m."""
    v = tuple(HBAR2_M0 / HBAR / c.params["mass"] * k for k in z[3:])
    return v, (*v, *bent(c, v))


def kane(x, c, t, z):
    """E(1 + αE) = ħ²k²/2m."""
    p = c.params
    g = HBAR2_M0 / p["mass"]
    root = x.sqrt(1 + 2 * p["alpha"] * g * (z[3] * z[3] + z[4] * z[4] + z[5] * z[5]))
    v = tuple(g / HBAR * k / root for k in z[3:])
    return v, (*v, *bent(c, v))


def warped(x, c, t, z):
    """Heavy holes, E = ħ²/2m0 [A k² − sqrt(B²k⁴ + C²(kx²ky² + ky²kz² + kz²kx²))]."""
    p = c.params
    q = [k * k for k in z[3:]]
    k2 = q[0] + q[1] + q[2]
    root = x.sqrt(p["B"] ** 2 * k2 * k2 + p["C"] ** 2 * (q[0] * q[1] + q[1] * q[2] + q[2] * q[0]))
    v = tuple(
        HBAR2_M0 / 2 / HBAR * k * (2 * p["A"] - (2 * p["B"] ** 2 * k2 + p["C"] ** 2 * (k2 - s)) / root) for k, s in zip(z[3:], q)
    )
    return v, (*v, *bent(c, v))


def superlattice(x, c, t, z):
    """`miniband` in a pulse along z."""
    v, _ = miniband(x, c, t, z)
    return v, (*v, *bent(c, v, (0.0, 0.0, c.charge / HBAR * pulse(x, c.params, t))))


def miniband(x, c, t, z):
    """E = (Δ/2)(1 − cos k_z d) + ħ²(k_x² + k_y²)/2m in a uniform field."""
    p = c.params
    plane = HBAR2_M0 / HBAR / p["mass"]
    v = (plane * z[3], plane * z[4], p["bandwidth"] * p["period"] / (2 * HBAR) * x.sin(p["period"] * z[5]))
    return v, v if not c.electric else (*v, *bent(c, v))


def pulse(x, p, t):
    """Peak × exp(−2 ln 2 (s/duration)²) cos(2πfs), s = t − center; t a number or an array."""
    s = t - p["center"]
    envelope = (-2 * math.log(2) / p["duration"] ** 2) * s * s
    if isinstance(t, float):
        return p["peak"] * math.exp(envelope) * math.cos(2e-3 * math.pi * p["frequency"] * s)
    return p["peak"] * x.exp(envelope) * x.cos((2e-3 * math.pi * p["frequency"]) * s)


def graphene(x, c, t, z):
    """E = t|f|, |f|² = (2 cos(√3 a k_x/2) + cos(3 a k_y/2))² + sin²(3 a k_y/2)."""
    p = c.params
    alpha, beta = math.sqrt(3) / 2 * p["bond"], 1.5 * p["bond"]
    sx, cx, sy, cy = x.sin(alpha * z[2]), x.cos(alpha * z[2]), x.sin(beta * z[3]), x.cos(beta * z[3])
    root = x.sqrt((2 * cx + cy) * (2 * cx + cy) + sy * sy)
    v = (-2 * p["hopping"] * alpha / HBAR * sx * (2 * cx + cy) / root, -2 * p["hopping"] * beta / HBAR * cx * sy / root)
    return v, (*v, *bent(c, v))


def dirac(x, c, t, z):
    """E = sqrt(Δ² + (ħv k)²) − m·B with Berry curvature Ω and moment m = EΩ/ħ; the rates solved for D = 1 − b·Ω."""
    p = c.params
    half, square, b = p["gap"] / 2, p["hbar_v"] ** 2, c.charge / HBAR * TESLA * c.magnetic[0]
    energy = x.sqrt(half**2 + square * (z[2] * z[2] + z[3] * z[3]))
    cube = energy * energy * energy
    curvature = -square * half / 2 / cube
    slope = square / HBAR / energy * (1 - square * half * TESLA * c.magnetic[0] / HBAR / cube)
    v, push = (slope * z[2], slope * z[3]), [c.charge / HBAR * e for e in c.electric]
    density = 1 - b * curvature
    r = ((v[0] - push[1] * curvature) / density, (v[1] + push[0] * curvature) / density)
    return r, (*r, (push[0] + v[1] * b) / density, (push[1] - v[0] * b) / density)


def potential(x, c, t, z):
    """A parabolic band in φ = φ0 Σ cos(2π r_i/L), and B."""
    p = c.params
    v = tuple(HBAR2_M0 / HBAR / p["mass"] * k for k in z[3:])
    turn = 2 * math.pi / p["length"]
    push = tuple(c.charge / HBAR * p["height"] * turn * x.sin(turn * r) for r in z[:3])
    return v, (*v, *bent(c, v, push))


def user(x, c, t, z):
    """E = s log(1 + kᵀMk) + w Σ_j cos(R_j·k)."""
    p = c.params
    k, m, rows = z[3:], p["tensor"], p["vectors"]
    mk = [m[i][0] * k[0] + m[i][1] * k[1] + m[i][2] * k[2] for i in range(3)]
    lead = 2 * p["scale"] / HBAR / (1 + k[0] * mk[0] + k[1] * mk[1] + k[2] * mk[2])
    sines = [x.sin(row[0] * k[0] + row[1] * k[1] + row[2] * k[2]) for row in rows]
    v = tuple(lead * mk[i] - p["warp"] / HBAR * (rows[0][i] * sines[0] + rows[1][i] * sines[1]) for i in range(3))
    return v, (*v, *bent(c, v))


def copper(x, c, t, z):
    """A table of copper's band at the Fermi level, in the precision of z; NumPy's arrays alone."""
    v = tuple(slope / HBAR for slope in metal.gradient(z[3:]))
    return v, (*v, *bent(c, v))


def copper_exact(x, c, t, z):
    """The same band of seven Wannier functions, by eigenvectors, in float64; NumPy's arrays alone."""
    v = tuple(metal.exact(np.stack(z[3:], axis=1))[1].T / HBAR)
    return v, (*v, *bent(c, v))


def lorenz(x, c, t, z):
    """x' = σ(y − x), y' = x(ρ − z) − y, z' = xy − βz; ρ, the fourth component, differs from trajectory to trajectory."""
    p = c.params
    rates = (p["sigma"] * (z[1] - z[0]), z[0] * (z[3] - z[2]) - z[1], z[0] * z[1] - p["beta"] * z[2])
    return tuple(z[:3]), rates
