"""Band energies as data: E(k) of one band, of several, or of the levels of an H(k), with windows, an offset and no labels if need be."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import lattice as lattices
from semijax._pytree import record, static
from semijax._types import Array, SemijaxError, cast
from semijax.bands.band import Band
from semijax.bands.bloch import FLOOR
from semijax.bands.eigen import Grouping, eigensystem
from semijax.bands.hamiltonian import Hamiltonian, matrix_of
from semijax.fits import inputs
from semijax.fits.measured import Measured, measured


def energies(
    k: Any,
    energy: Any,
    *,
    sigma: Any = None,
    weight: Any = None,
    use: Any = None,
    window: tuple[float, float] | None = None,
    bands: Any = None,
    match: str = "order",
    offset: Any = None,
    zone: Any = None,
    part: Any = None,
    at: Any = None,
) -> Measured:
    """Band energies [n] or [n m], eV, at wavevectors k [n d], 1/Å, in m bands; sigma in eV. Raises SemijaxError, in one line.

    bands: which of the model's bands the columns are, (0, 1, 2, 3) if None; 0 is the lowest of an H(k), the first of a tuple of Bands.
    match: "order": column i is bands[i]. "sorted": both ascending at each k: no labels where bands cross. "nearest": the data are some
    of the model's levels, those with the least Σ (difference)², none twice; `bands` are then the candidates, all if None.
    window: (low, high) of the data that count, eV. offset: "free" where the zero of energy of the data is not the model's: fitted along.
    zone: direct lattice vectors [p d], Å; every k must then be in the first Brillouin zone. at: the way along a path [n], for pictures.
    """
    where = "energies"
    energy = np.asarray(energy)
    energy = energy[:, None] if energy.ndim == 1 else energy
    k = inputs.rows(where, "k", k, len(energy) if energy.ndim else 0, of="energies")
    if zone is not None:
        _check_zone(where, k, zone)
    given = {"sigma": sigma, "weight": weight, "use": use}
    shaped = {name: np.asarray(x)[:, None] if np.ndim(x) == 1 else x for name, x in given.items()}
    chosen = _chosen(where, bands)
    if chosen is None and match != "nearest":
        chosen = tuple(range(energy.shape[1])) if energy.ndim == 2 else (0,)
    if chosen is not None and match != "nearest" and len(chosen) != energy.shape[-1]:
        raise SemijaxError(f"{where}: bands = {chosen} of {energy.shape[-1]} columns of data: allowed is one band for each")
    place = _way(k) if at is None else inputs.numbers(where, "at", at, 1)
    words = {"match": match, "offset": offset, "window": window, "part": part}
    words |= {"what": "energies", "unit": "eV", "axis": "way through k (1/Å)", "dimensions": (2,)}
    return measured(Levels(k, chosen), energy, at=place, **shaped, **words)


@record
class Levels:
    """Energies [n m] of the bands of these numbers (None: of all) at k [n d]."""

    k: Any
    bands: tuple[int, ...] | None = static(default=None)

    def __call__(self, band: Any) -> Array:
        k = jnp.asarray(self.k, jnp.result_type(float))
        found = _levels(band, k)
        return found if self.bands is None else found[:, np.asarray(self.bands)]

    def settled(self, band: Any, data: Measured) -> "Levels":
        """Itself, once there are so many bands and dimensions."""
        found = jax.eval_shape(
            lambda band, k: _levels(band, k), band, jax.ShapeDtypeStruct(np.shape(self.k), jnp.result_type(float))
        )
        count, wanted = found.shape[1], np.shape(data.values)[1] if self.bands is None else max(self.bands) + 1
        if wanted > count:
            raise SemijaxError(f"energies: data of {wanted} bands, a model of {count}: allowed are at most as many, or bands=")
        return self


def _levels(band: Any, k: Array) -> Array:
    """Energies [n m] of all bands of a model."""
    parts = jax.tree.leaves(band, is_leaf=lambda node: isinstance(node, Band | Hamiltonian))
    found = []
    for part in parts:
        d = getattr(part, "dimension", None)
        if d not in (None, k.shape[1]):
            raise SemijaxError(f"energies: k of {k.shape[1]} dimensions: allowed are {d}, those of the band")
        one = jax.vmap(lambda q, part=part: _all_of(part, q))(k)
        found.append(one)
    return jnp.concatenate(found, axis=1)


def _all_of(part: Any, k: Array) -> Array:
    """Energies [m] of one k."""
    if isinstance(part, Band):
        return part(k)[None]
    if not isinstance(part, Hamiltonian):
        raise SemijaxError(f"energies: a model of {type(part).__name__}: allowed are a Band, a Hamiltonian, or several")
    return eigensystem(Grouping(FLOOR, part.multiplicity), matrix_of(part.matrix, cast(part.params, k.dtype), k))[0]


def _chosen(where: str, bands: Any) -> tuple[int, ...] | None:
    if bands is None:
        return None
    array = np.asarray(bands)
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array < 0).any() or len(set(array.tolist())) < len(array):
        raise SemijaxError(f"{where}: bands = {bands!r}: allowed are different whole numbers ≥ 0")
    return tuple(array.tolist())


def _check_zone(where: str, k: np.ndarray, zone: Any) -> None:
    """Raises SemijaxError for a k that a reciprocal vector would make shorter by more than rounding."""
    rows = lattices.reciprocal(zone)
    around = np.array(list(itertools.product(range(-3, 4), repeat=len(rows)))) @ rows
    if k.shape[1] != rows.shape[1]:
        raise SemijaxError(f"{where}: zone of {rows.shape[1]} dimensions, k of {k.shape[1]}: allowed are equal ones")
    # k is nearer to 0 than to G where k·G < G²/2
    beyond = k @ around.T - np.sum(around**2, axis=1) / 2 > 1e-5 * np.sum(rows**2, axis=1).max()
    if beyond.any():
        i = int(np.argmax(beyond.any(axis=1)))
        inside = np.asarray(lattices.to_brillouin_zone(jnp.asarray(k[i]), zone))
        raise SemijaxError(
            f"{where}: k[{i}] = {k[i].round(6).tolist()} 1/Å is outside the zone, {inside.round(6).tolist()} is inside: "
            "allowed are wavevectors of the first Brillouin zone (sj.lattice.to_brillouin_zone), or no zone="
        )


def _way(k: np.ndarray) -> np.ndarray:
    """The way along straight lines from one k to the next [n], 1/Å; a jump of twenty usual steps, to an equivalent point, is none."""
    steps = np.linalg.norm(np.diff(k, axis=0), axis=1)
    jump = steps > 20 * np.median(steps) if len(steps) else False
    return np.concatenate([[0.0], np.cumsum(np.where(jump, 0.0, steps))])
