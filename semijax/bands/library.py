"""Closed-form bands of semiconductors and lattices: each an energy function and the constructor that checks its numbers."""

from collections.abc import Mapping
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import Array, SemijaxError
from semijax.bands import inputs, laws
from semijax.bands.band import Band
from semijax.units import HBAR2_M0


def parabolic(mass: float, minimum: float = 0.0, dimension: int = 3) -> Band:
    """E = minimum + ħ²k²/2m: `mass` in free-electron masses, > 0; `minimum` in eV; raises SemijaxError otherwise."""
    d = inputs.dimension("parabolic", dimension)
    params = {
        "mass": inputs.number("parabolic", "mass", mass, above=0.0),
        "minimum": inputs.number("parabolic", "minimum", minimum),
    }
    return Band(_parabolic, params, dimension=d, law=laws.InDimension(laws.parabolic, d))


def ellipsoidal(masses: Any, axes: Any = None, center: Any = None, minimum: float = 0.0) -> Band:
    """E = minimum + Σ ħ²[(k − center)·axis_i]²/2m_i: a valley with a full mass tensor.

    masses: [d] principal masses, free-electron masses, > 0. axes: [d d], rows are the principal axes, orthogonal, of any
    length; None is the identity. center: [d], 1/Å; None is the origin. Raises SemijaxError otherwise.
    """
    masses = inputs.array("ellipsoidal", "masses", masses, (1,), (2,), (3,), above=0.0)
    (d,) = masses.shape
    params = {
        "masses": masses,
        "axes": None if axes is None else _orthonormal(inputs.array("ellipsoidal", "axes", axes, (d, d))),
        "center": None if center is None else inputs.array("ellipsoidal", "center", center, (d,)),
        "minimum": inputs.number("ellipsoidal", "minimum", minimum),
    }
    return Band(_ellipsoidal, params, dimension=d, law=laws.ellipsoidal)


def kane(mass: float, alpha: float, minimum: float = 0.0, dimension: int = 3) -> Band:
    """E(1 + αE) = ħ²k²/2m above `minimum`: `mass` in free-electron masses, > 0; `alpha` in 1/eV, ≥ 0.

    Kane, J. Phys. Chem. Solids 1, 249 (1957); doi:10.1016/0022-3697(57)90013-6. Raises SemijaxError for other numbers.
    """
    d = inputs.dimension("kane", dimension)
    params = {
        "mass": inputs.number("kane", "mass", mass, above=0.0),
        "alpha": inputs.number("kane", "alpha", alpha, least=0.0),
        "minimum": inputs.number("kane", "minimum", minimum),
    }
    return Band(_kane, params, dimension=d, law=laws.InDimension(laws.kane, d))


def warped(A: float, B: float, C: float, kind: Literal["heavy", "light"] = "heavy", maximum: float = 0.0) -> Band:
    """E_v = maximum − ħ²/2m0 [A k² ∓ sqrt(B²k⁴ + C²(kx²ky² + ky²kz² + kz²kx²))], − heavy, + light: a valence band.

    Dresselhaus, Kip, Kittel, Phys. Rev. 98, 368 (1955), with A, B, C the absolute numbers;
    doi:10.1103/PhysRev.98.368. At k = 0, where the mass depends on the direction, the inverse mass is that of A alone.
    Raises SemijaxError unless E_v falls in every direction: A > 0, and A > sqrt(B² + C²/3) for the heavy band.
    """
    kind = inputs.one_of("warped", "kind", kind, ("heavy", "light"))
    params = {
        "A": inputs.number("warped", "A", A, above=0.0),
        "B": inputs.number("warped", "B", B),
        "C": inputs.number("warped", "C", C),
        "maximum": inputs.number("warped", "maximum", maximum),
    }
    heavy = kind == "heavy"
    if heavy and not any(inputs.traced(x) for x in params.values()):
        least = (params["B"] ** 2 + params["C"] ** 2 / 3) ** 0.5
        if params["A"] <= least:
            raise SemijaxError(f"warped: A = {A!r}: allowed is a number > sqrt(B² + C²/3) = {least:g}, else E has no maximum")
    energy, law = (_warped_heavy, laws.warped_heavy) if heavy else (_warped_light, laws.warped_light)
    return Band(energy, params, dimension=3, law=law)


def cosine(bandwidth: float, period: float, dimension: int = 1) -> Band:
    """E = Σ_i (bandwidth/2)(1 − cos k_i d): `bandwidth` of each axis in eV, > 0; `period` d in Å, > 0; else SemijaxError."""
    d = inputs.dimension("cosine", dimension)
    params = {
        "bandwidth": inputs.number("cosine", "bandwidth", bandwidth, above=0.0),
        "period": inputs.number("cosine", "period", period, above=0.0),
    }
    return Band(_cosine, params, scaled(params["period"], np.eye(d)), law=laws.InDimension(laws.cosine, d))


def superlattice(bandwidth: float, period: float, mass: float) -> Band:
    """E = (bandwidth/2)(1 − cos k_z d) + ħ²(k_x² + k_y²)/2m: a miniband along z, free in the plane.

    `bandwidth` in eV, `period` d in Å, `mass` in free-electron masses, all > 0, else SemijaxError.
    Esaki, Tsu, IBM J. Res. Dev. 14, 61 (1970); doi:10.1147/rd.141.0061.
    """
    params = {
        "bandwidth": inputs.number("superlattice", "bandwidth", bandwidth, above=0.0),
        "period": inputs.number("superlattice", "period", period, above=0.0),
        "mass": inputs.number("superlattice", "mass", mass, above=0.0),
    }
    return Band(_superlattice, params, scaled(params["period"], np.eye(3)[2:]), law=laws.superlattice)


def tight_binding(hoppings: Mapping[tuple[float, ...], float], onsite: float = 0.0, lattice: Any = None) -> Band:
    """E(k) = onsite + Σ t(R) cos(k·R): {R: t} with R a tuple of d lengths in Å, t in eV, each R taken as it stands.

    lattice: rows are lattice vectors [p d], Å, of which every R must be a whole-number sum. Raises SemijaxError otherwise.
    """
    if not isinstance(hoppings, Mapping) or not hoppings:
        raise SemijaxError(f"tight_binding: hoppings = {hoppings!r}: allowed is a dictionary {{(Rx, Ry, Rz): t, ...}}")
    rows, values = list(hoppings), list(hoppings.values())
    lengths = {len(R) if isinstance(R, tuple) else 0 for R in rows}
    if len(lengths) > 1 or not lengths <= {1, 2, 3}:
        raise SemijaxError(f"tight_binding: vectors = {rows}: allowed are tuples R of one length, 1, 2 or 3, in Å")
    params = {
        "hoppings": inputs.array("tight_binding", "hoppings", values, (len(values),)),
        "vectors": inputs.array("tight_binding", "vectors", rows, (len(rows), lengths.pop())),
        "onsite": inputs.number("tight_binding", "onsite", onsite),
    }
    band = Band(_tight_binding, params, lattice, dimension=params["vectors"].shape[1])
    if lattice is not None and not inputs.traced(band.lattice) and not inputs.traced(params["vectors"]):
        _check_periods(params["vectors"], band.lattice)
    return band


def _parabolic(params, k: Array) -> Array:
    return params["minimum"] + HBAR2_M0 / 2 * jnp.sum(k * k) / params["mass"]


def _ellipsoidal(params, k: Array) -> Array:
    q = k if params["center"] is None else k - params["center"]
    # A sum of products, not a matrix product: exact float32 on every device and the same for any batch.
    q = q if params["axes"] is None else jnp.sum(params["axes"] * q[None, :], axis=1)
    return params["minimum"] + HBAR2_M0 / 2 * jnp.sum(q * q / params["masses"])


def _kane(params, k: Array) -> Array:
    gamma = HBAR2_M0 / 2 * jnp.sum(k * k) / params["mass"]
    # The textbook root (sqrt(1 + 4αγ) − 1)/2α loses all digits of a small γ in float32; this form loses none, α = 0 included.
    return params["minimum"] + 2.0 * gamma / (1.0 + jnp.sqrt(1.0 + 4.0 * params["alpha"] * gamma))


def _warped_heavy(params, k: Array) -> Array:
    return _warped(params, k, -1.0)


def _warped_light(params, k: Array) -> Array:
    return _warped(params, k, 1.0)


def _warped(params, k: Array, sign: float) -> Array:
    # E is homogeneous of degree 2, so a scale s held constant drops out of E and of all its derivatives: E(k) = s²E(k/s).
    # It keeps k⁴ and its derivatives away from underflow; at k = 0 the root and its derivatives count as zero.
    s = jax.lax.stop_gradient(jnp.max(jnp.abs(k)))
    s = jnp.where(s > 0, s, 1.0)
    x, y, z = (k / s) ** 2
    square = x + y + z
    under = params["B"] ** 2 * square**2 + params["C"] ** 2 * (x * y + y * z + z * x)
    return params["maximum"] - HBAR2_M0 / 2 * s**2 * (params["A"] * square + sign * root(under))


def root(x: Array) -> Array:
    """sqrt(x) for x ≥ 0 whose derivatives of all orders at x = 0 are zero instead of infinite."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)


def _cosine(params, k: Array) -> Array:
    return params["bandwidth"] / 2 * jnp.sum(1.0 - jnp.cos(k * params["period"]))


def _superlattice(params, k: Array) -> Array:
    x, y, z = k
    plane = HBAR2_M0 / 2 * (x * x + y * y) / params["mass"]
    return params["bandwidth"] / 2 * (1.0 - jnp.cos(z * params["period"])) + plane


def _tight_binding(params, k: Array) -> Array:
    phase = jnp.sum(params["vectors"] * k[None, :], axis=1)
    return params["onsite"] + jnp.sum(params["hoppings"] * jnp.cos(phase))


def scaled(length: Any, rows: np.ndarray) -> Any:
    """Lattice vectors in units of a length, which may be traced."""
    return length * jnp.asarray(rows, length.dtype) if inputs.traced(length) else length * rows


def _orthonormal(axes):
    if inputs.traced(axes):
        return axes / jnp.linalg.norm(axes, axis=1, keepdims=True)
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    unit = axes / np.where(lengths > 0, lengths, 1.0)
    if np.abs(unit @ unit.T - np.eye(len(axes))).max() > 1e-6:
        raise SemijaxError(f"ellipsoidal: axes = {axes.tolist()}: allowed are rows at right angles, the principal axes")
    return unit


def _check_periods(vectors: np.ndarray, lattice: np.ndarray) -> None:
    whole = np.round(vectors @ np.linalg.pinv(lattice))
    off = np.abs(vectors - whole @ lattice).max(axis=1)
    if off.max() > 1e-5 * np.abs(lattice).max():
        R = tuple(vectors[off.argmax()].tolist())
        raise SemijaxError(f"tight_binding: R = {R}: allowed are whole-number sums of the lattice vectors {lattice.tolist()}, Å")
