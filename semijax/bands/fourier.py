"""A band as a Fourier series over lattice translations: from a small mesh of energies, or from its hoppings."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from semijax._types import Array, SemijaxError
from semijax.bands import inputs
from semijax.bands.band import Band
from semijax.bands.sampled import checked_lattice, checked_mesh

_LARGEST = 32**3  # points of a mesh: half as many cosines and sines for every k
_ROUNDING = 1e-13  # of the largest amplitude: what is smaller comes from rounding, and only costs time
_TIE = 1e-6  # of a lattice vector: translations that differ by less are equally long


def fourier(lattice: Any, energies: Any, *, cut: float | None = None, least: float = 0.0) -> Band:
    """E(k) = Re Σ_R t(R) exp(ik·R): exact derivatives of every order; for small meshes, or a few hoppings.

    lattice: rows are lattice vectors [p d], Å. energies: on a mesh [n_1 ... n_p], eV, Γ first as for `sampled`: E passes through all
    of them, with R the shortest translations of those that the mesh cannot tell apart (equally short ones share); or {(i, j, l):
    t(R)}, eV, real or complex, each R = Σ i_j a_j taken as it stands. cut: longest |R| kept, Å; least: |t| below it, eV, are left
    out; then E passes near the energies only. Raises SemijaxError.
    """
    lattice = checked_lattice("fourier", lattice)
    if inputs.traced(lattice):
        raise SemijaxError("fourier: lattice is traced: allowed are numbers; trace params['lattice'] of the band instead")
    if isinstance(energies, Mapping):
        cells, amplitudes = _given(energies, len(lattice))
    else:
        cells, amplitudes = _from_mesh(lattice, checked_mesh("fourier", "energies", energies, len(lattice)))
    keep = np.ones(len(cells), bool) if cut is None else np.linalg.norm(cells @ lattice, axis=1) <= cut * (1 + _TIE)
    if not inputs.traced(amplitudes):
        size = np.abs(amplitudes)
        keep &= size >= max(least, _ROUNDING * size.max())
    cells, amplitudes = cells[keep], amplitudes[np.flatnonzero(keep)]
    params = {"cosine": amplitudes.real, "sine": -amplitudes.imag, "translations": cells.astype(np.float64), "lattice": lattice}
    even = not inputs.traced(amplitudes) and not np.any(np.abs(amplitudes.imag) > _ROUNDING * np.abs(amplitudes).max(initial=0.0))
    if even:  # E(−k) = E(k), as time reversal has it
        del params["sine"]
    return Band(_even if even else _any, params, lattice)


def _phases(params, k: Array) -> Array:
    # Sums of products, not matrix products: exact float32 on every device and the same for any batch.
    angles = jnp.sum(params["lattice"] * k[None, :], axis=1)
    return jnp.sum(params["translations"] * angles[None, :], axis=1)


def _even(params, k: Array) -> Array:
    return jnp.sum(params["cosine"] * jnp.cos(_phases(params, k)))


def _any(params, k: Array) -> Array:
    phases = _phases(params, k)
    return jnp.sum(params["cosine"] * jnp.cos(phases) + params["sine"] * jnp.sin(phases))


def _given(hoppings: Mapping, axes: int) -> tuple[np.ndarray, Any]:
    """Cells [m p] and amplitudes [m] of a dictionary."""
    cells = [(R,) if isinstance(R, int) else R for R in hoppings]
    if not cells or any(not isinstance(R, tuple) or len(R) != axes or any(int(i) != i for i in R) for R in cells):
        raise SemijaxError(
            f"fourier: cells {list(hoppings)[:4]} ...: allowed are tuples of {axes} whole numbers, one per lattice vector"
        )
    values = list(hoppings.values())
    if any(map(inputs.traced, values)):
        return np.array(cells, int), jnp.stack([jnp.asarray(t) for t in values])
    amplitudes = np.asarray(values, dtype=complex)
    for R, t in zip(cells, amplitudes):
        if not np.isfinite(t):
            raise SemijaxError(f"fourier: t{R} = {t}: allowed are finite numbers, eV")
    return np.array(cells, int), amplitudes


def _from_mesh(lattice: np.ndarray, energies: Any) -> tuple[np.ndarray, Any]:
    """Cells [m p], one of R and −R each, and amplitudes [m] of the series through a mesh of energies."""
    sides = energies.shape
    if math.prod(sides) > _LARGEST:
        raise SemijaxError(
            f"fourier: energies has shape {sides}: allowed are {_LARGEST} points; use bands.sampled for larger meshes"
        )
    xp: Any = jnp if inputs.traced(energies) else np
    found = (xp.fft.ifftn(energies)).reshape(-1)  # E = Σ t exp(+ik·R): t(R) = mean of E exp(−ik·R)
    source, cells, shares = _shortest(lattice, sides)
    half = [tuple(R) >= tuple(-R) for R in cells]
    source, cells, shares = source[half], cells[half], shares[half]
    weights = shares * np.where((cells == 0).all(axis=1), 1, 2)  # R and −R give the same real part
    return cells, found[source].conj() * xp.asarray(weights, dtype=found.dtype)


def _shortest(lattice: np.ndarray, sides: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every translation modulo the mesh, the shortest ones: (its number [m], cells [m p], its share [m])."""
    base = np.stack(np.meshgrid(*[np.arange(n) for n in sides], indexing="ij"), axis=-1).reshape(-1, len(sides))
    base = base - np.asarray(sides) * np.round(base / np.asarray(sides)).astype(int)
    shifts = np.array(list(itertools.product((0, -1, 1, -2, 2), repeat=len(sides)))) * np.asarray(sides)
    lengths = np.stack([np.linalg.norm((base + shift) @ lattice, axis=1) for shift in shifts])  # [shifts m]
    near = lengths <= lengths.min(axis=0) + _TIE * np.abs(lattice).max()
    which, source = np.nonzero(near)
    return source, base[source] + shifts[which], 1 / near.sum(axis=0)[source]
