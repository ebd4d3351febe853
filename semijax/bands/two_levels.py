"""Berry curvature and orbital moment of matrices with two eigenvalues, in closed form: no eigenvectors, so cheap to differentiate."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import Array
from semijax.bands.eigen import AXES, Grouping, inverse_radius, projector, traceless
from semijax.units import HBAR


def curvature(grouping: Grouping, index: int, matrix: Callable, positions: Callable | None, k: Array) -> Array:
    """Ω of band `index` of matrix(k) = E₀ + W, W² = R²: ∓ T_ab/2R³ (upper, lower), T_ab = Im tr(W ∂_aW ∂_bW)/n, zero where they touch.

    Of two rows W = h·σ, T_ab = h·(∂_a h × ∂_b h). positions(k) [n n d] adds the terms of `hamiltonian.all_bands`. [3], or a number in
    a plane.
    """
    way, slopes, inverse = _around(grouping, matrix, k)
    sign = _sign(grouping, index)
    found = [-sign / 2 * _triple(way, slopes[a], slopes[b]) * inverse**3 for a, b in AXES[k.shape[0]]]
    if positions is not None:
        state = projector(grouping, index, matrix(k))
        rest = jnp.asarray(np.eye(way.shape[0]), way.dtype) - grouping.multiplicity * state
        found = [x + y for x, y in zip(found, _external(positions, k, state, rest, slopes, sign * inverse / 2))]
    return jnp.stack(found) if len(found) > 1 else found[0]


def moment(grouping: Grouping, index: int, matrix: Callable, k: Array) -> Array:
    """m = −T_ab/2ħR² of either band, e Å²/fs; see `curvature`."""
    way, slopes, inverse = _around(grouping, matrix, k)
    found = [-_triple(way, slopes[a], slopes[b]) * inverse**2 / (2 * HBAR) for a, b in AXES[k.shape[0]]]
    return jnp.stack(found) if len(found) > 1 else found[0]


def _around(grouping: Grouping, matrix: Callable, k: Array) -> tuple[Array, list, Array]:
    """(W [n n], ∂_aW for every direction, 1/R)."""
    whole, slopes = matrix(k), jax.jacfwd(matrix)(k)
    return traceless(whole), [traceless(slopes[..., a]) for a in range(k.shape[0])], inverse_radius(grouping, whole)


def _sign(grouping: Grouping, index: int) -> int:
    return 1 if index >= grouping.multiplicity else -1


def _triple(w: Array, a: Array, b: Array) -> Array:
    """Im tr(w a b)/n of Hermitian matrices without trace [n n]."""
    if w.shape[0] > 2:
        return jnp.sum(_product(w, a) * b.T).imag / w.shape[0]
    (x, y, z), (p, q, r), (u, v, t) = (vector(m) for m in (w, a, b))
    return x * (q * t - r * v) + y * (r * u - p * t) + z * (p * v - q * u)


def vector(matrix: Array) -> tuple[Array, Array, Array]:
    """h of a matrix h·σ."""
    return matrix[0, 1].real, -jnp.imag(matrix[0, 1]), matrix[0, 0].real


def _product(a: Array, b: Array) -> Array:
    # Written out: as in `eigen.level`, no matrix product is left for a batch to change its roundings.
    return jnp.sum(a[:, :, None] * b[None, :, :], axis=1)


def _external(positions: Callable, k: Array, state: Array, rest: Array, slopes: list, inverse: Array) -> list:
    """⟨∂_aA_b − ∂_bA_a⟩ + 2 Re Σ_m ⟨n|A_b|m⟩⟨m|∂_aH|n⟩/(E_n − E_m) less those with a and b exchanged, averaged over the level."""
    places, turns = positions(k), jax.jacfwd(positions)(k)  # [n n b], [n n b a]
    found = []
    for a, b in AXES[k.shape[0]]:
        own = jnp.sum(state * (turns[..., b, a] - turns[..., a, b]).T).real
        mixed = [jnp.sum(_product(_product(state, places[..., i]), rest) * slopes[j].T).real for i, j in ((b, a), (a, b))]
        found.append(own + 2 * inverse * (mixed[0] - mixed[1]))
    return found
