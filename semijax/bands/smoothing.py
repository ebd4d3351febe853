"""Smoothing: the smoothest symmetric Fourier series through, or near, energies at any k, in closed form."""

from typing import Any

import numpy as np

from semijax._types import SemijaxError
from semijax.bands import inputs
from semijax.bands.band import Band
from semijax.bands.stars import stars

_WHERE = "smoothed"
_CURVED, _ROUGH = 0.75, 0.75  # C1 and C2 of Pickett, Krakauer and Allen
_CUT = 1e-9  # of the largest singular value: combinations of stars that the data do not tell apart


def smoothed(
    lattice: Any,
    k: Any,
    energies: Any,
    count: int,
    rotations: Any = None,
    *,
    smoothing: float = 0.0,
    weights: Any = None,
    dimension: int | None = None,
) -> Band:
    """The series of `count` stars (`bands.stars`) with the least Σ w (E(k) − energy)²/Σ w + smoothing Σ_s c_s² ρ(R_s).

    k [m d], 1/Å; energies [m], eV; weights [m], > 0. Roughness ρ(R) = (1 − C1 x²)² + C2 x⁶, x = R/R_1, C1 = C2 = 3/4, of all stars but
    the mean energy. smoothing = 0: where there are more stars than data, the smoothest series through all of them, else plain least
    squares; > 0, without unit: near them, which keeps many stars from swinging between the data (silicon's valence bands from every
    other k of a path, 600 stars: 7 meV rms at all k with 1e-8, up to 0.5 eV with 0). lattice, rotations, dimension: as of `stars`.

    E has no kinks: where two bands cross, number them by their character, not by their energy, or weigh the crossing less.

    Raises SemijaxError. Shankland, in Computational Methods in Band Theory (Plenum, 1971), p. 362; Koelling, Wood, J. Comput.
    Phys. 67, 253 (1986), doi:10.1016/0021-9991(86)90261-5; Pickett, Krakauer, Allen, Phys. Rev. B 38, 2721
    (1988), doi:10.1103/PhysRevB.38.2721.
    """
    band = stars(lattice, _count(count), rotations, dimension=dimension)
    k, energies, weights = _data(band, k, energies, weights)
    smoothing = inputs.number(_WHERE, "smoothing", smoothing, least=0.0)
    functions = band.energy.functions(k)  # pyright: ignore[reportFunctionMemberAccess]
    mean, centre = weights @ energies, weights @ functions
    root = np.sqrt(roughness(band))[1:]
    scaled = np.sqrt(weights)[:, None] * (functions - centre)[:, 1:] / root
    left, sizes, right = np.linalg.svd(scaled, full_matrices=False)
    told = sizes > _CUT * sizes.max(initial=0.0)
    inverse = np.where(told, sizes / np.where(told, sizes**2 + smoothing, 1.0), 0.0)
    rest = right.T @ (inverse * (left.T @ (np.sqrt(weights) * (energies - mean)))) / root
    coefficients = np.concatenate([[mean - centre[1:] @ rest], rest])
    return Band(band.energy, {"coefficients": coefficients}, band.lattice)


def roughness(band: Band) -> np.ndarray:
    """ρ(R) of every star of a band of `stars` [n], without unit."""
    table = band.energy.table  # pyright: ignore[reportFunctionMemberAccess]
    lengths = np.linalg.norm(table.vectors, axis=1)[np.flatnonzero(np.diff(table.star, prepend=-1))]
    x = (lengths / lengths[1:].min(initial=np.inf)) ** 2
    return (1 - _CURVED * x) ** 2 + _ROUGH * x**3


def _count(count: Any) -> int:
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise SemijaxError(f"{_WHERE}: count = {count!r}: allowed is a whole number of stars ≥ 1")
    return int(count)


def _data(band: Band, k: Any, energies: Any, weights: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    m = np.shape(energies)[0] if np.ndim(energies) == 1 else 0
    if m == 0:
        raise SemijaxError(f"{_WHERE}: energies have shape {np.shape(energies)}: allowed are one or more numbers [m], eV")
    energies = inputs.array(_WHERE, "energies", energies, (m,))
    k = inputs.array(_WHERE, "k", k, (m, band.dimension or 0))
    weights = np.ones(m) if weights is None else inputs.array(_WHERE, "weights", weights, (m,), above=0.0)
    return k, energies, weights / weights.sum()
