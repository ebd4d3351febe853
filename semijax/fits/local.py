"""Local quantities as data: group velocities, effective masses, cyclotron masses against the direction of B, Bloch frequencies, filling."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import lattice as lattices
from semijax._pytree import record, replace, static
from semijax._types import Array, SemijaxError
from semijax.bands.band import Band
from semijax.fits import inputs
from semijax.fits.measured import Measured, measured
from semijax.units import HBAR, KB, M0, PLANCK, THZ_INTERNAL


def velocities(k: Any, velocity: Any, *, sigma: Any = None, use: Any = None, part: Any = None) -> Measured:
    """Group velocities [n d], Å/fs, at wavevectors k [n d], 1/Å; sigma in Å/fs. Raises SemijaxError, in one line."""
    velocity = inputs.numbers("velocities", "velocity", velocity, 2, missing=use is not None)
    k = inputs.rows("velocities", "k", k, len(velocity), of="velocities", dimension=velocity.shape[1])
    words = {"what": "velocities", "unit": "Å/fs", "axis": "number of the point", "dimensions": (2,)}
    return measured(Velocities(k), velocity, sigma=sigma, use=use, part=part, at=np.arange(len(k)), **words)


def masses(k: Any, mass: Any, *, along: Any = None, sigma: Any = None, use: Any = None, part: Any = None) -> Measured:
    """Effective masses at wavevectors k [n d], 1/Å, in free-electron masses; sigma are relative errors (0.01 is 1 %).

    along: directions [n d]: mass [n] is then that of a force along each, 1/(u·M⁻¹·u). None: mass [n d d] is the tensor M, of which the
    entries on and above the diagonal count once, each compared with its error as a part of the trace's mean. Raises SemijaxError.
    """
    where = "masses"
    mass = inputs.numbers(where, "mass", mass, 1 if along is not None else 3, missing=use is not None)
    k = inputs.rows(where, "k", k, len(mass), of="masses")
    words: dict[str, Any] = {"what": "masses", "axis": "number of the point", "part": part, "at": np.arange(len(k))}
    if along is not None:
        along = inputs.rows(where, "along", along, len(mass), of="masses", dimension=k.shape[1])
        lengths = np.linalg.norm(along, axis=1, keepdims=True)
        if (lengths == 0).any():
            raise SemijaxError(f"{where}: along[{int(lengths.argmin())}] = 0: allowed are directions, vectors of any length > 0")
        sizes = np.abs(mass)
        errors = None if sigma is None else inputs.positive(where, "sigma", sigma, mass.shape) * sizes
        return measured(AlongMasses(k, along / lengths), mass, sigma=errors, use=use, unit="m0", dimensions=(1,), **words)
    d = k.shape[1]
    if mass.shape[1:] != (d, d):
        raise SemijaxError(
            f"{where}: mass has shape {mass.shape}: allowed is [{len(k)} {d} {d}], or along= with one number for each"
        )
    if not np.allclose(mass, mass.swapaxes(1, 2), rtol=1e-6, atol=0, equal_nan=True):
        raise SemijaxError(f"{where}: mass: a tensor that is not symmetric: allowed are symmetric ones")
    size = np.abs(np.trace(mass, axis1=1, axis2=2))[:, None, None] / d
    errors = None if sigma is None else inputs.positive(where, "sigma", sigma, mass.shape) * size
    once = np.broadcast_to(np.triu(np.ones((d, d), bool)), mass.shape)
    use = once if use is None else once & np.asarray(use)
    return measured(Masses(k), mass, sigma=errors, use=use, unit="m0", dimensions=(3,), **words)


def cyclotron_masses(
    directions: Any,
    mass: Any,
    *,
    valleys: Any = None,
    center: Any = None,
    sigma: Any = None,
    use: Any = None,
    part: Any = None,
    at: Any = None,
) -> Measured:
    """Cyclotron masses [n] or [n v], free-electron masses, in B along directions [n 3], of the v valleys; sigma are relative errors.

    An orbit of an ellipsoid M at its extremum: m_c = sqrt(det M/(b·M·b)), which is 1/m_c² = cos²θ/mt² + sin²θ/(mt ml) of a long axis
    at an angle θ; M is the band's mass tensor at `center` [3], 1/Å (the origin, or an ellipsoid's own). valleys: [v 3], the long axes,
    where the band is that of a valley along z, symmetric about it; or [v 3 3], the rows of each the valley's x, y, z axes. None: the band
    lies as it is, v = 1. at: angles [n], degrees, for pictures. Logarithms are compared. Raises SemijaxError, in one line.
    """
    where = "cyclotron_masses"
    b = inputs.numbers(where, "directions", directions, 2)
    b = inputs.rows(where, "directions", b, len(b), of="directions", dimension=3)
    b = b / _lengths(where, "directions", b)
    frames = _frames(where, valleys)
    mass = np.asarray(mass)
    mass = mass[:, None] if mass.ndim == 1 else mass
    if mass.shape != (len(b), len(frames)):
        raise SemijaxError(f"{where}: mass has shape {mass.shape}: allowed is [{len(b)} {len(frames)}], directions and valleys")
    inside = np.einsum("vij,nj->nvi", frames, b)
    center = (
        np.zeros(3)
        if center is None
        else inputs.rows(where, "center", np.reshape(center, (1, -1)), 1, of="center", dimension=3)[0]
    )
    if at is None:
        axis, at = "angle to the first direction (degrees)", np.degrees(np.arccos(np.clip(b @ b[0], -1, 1)))
    else:
        axis, at = "angle (degrees)", inputs.numbers(where, "at", at, 1)
    shaped = {key: np.asarray(x)[:, None] if np.ndim(x) == 1 else x for key, x in (("sigma", sigma), ("use", use))}
    words = {"what": "cyclotron_masses", "unit": "m0", "axis": axis, "at": at, "part": part, "dimensions": (2,)}
    return measured(CyclotronMasses(inside, center), mass, relative=True, **shaped, **words)


def bloch_frequencies(
    electric: Any, frequency: Any, *, row: int = 0, sigma: Any = None, use: Any = None, part: Any = None
) -> Measured:
    """Bloch frequencies [n], THz, in fields [n] (V/Å, along lattice vector `row`) or [n d]: f = e|E·a|/h; sigma in THz.

    In a field [n d] of any direction it is the rate at which k passes through periods along a. Raises SemijaxError, in one line.
    """
    where = "bloch_frequencies"
    electric = inputs.numbers(where, "electric", electric, 1, 2)
    size = electric if electric.ndim == 1 else np.linalg.norm(electric, axis=1)
    words = {"what": "bloch_frequencies", "unit": "THz", "axis": "electric field (V/Å)", "at": size, "dimensions": (1,)}
    if np.shape(frequency) != (len(electric),):
        raise SemijaxError(
            f"{where}: frequency has shape {np.shape(frequency)}: allowed is [{len(electric)}], one for each field"
        )
    return measured(BlochFrequencies(electric, row), frequency, sigma=sigma, use=use, part=part, **words)


def filling(
    lattice: Any,
    mesh: Any,
    electrons: float,
    chemical_potential: float,
    temperature: float,
    *,
    spin: int = 2,
    sigma: Any,
    part: Any = None,
) -> Measured:
    """Electrons per cell of one band, Σ spin/(1 + exp((E − µ)/kT)) over a mesh of the zone: the check of a fit to a Fermi surface, which
    alone does not fix the energies inside it. mesh: points along each reciprocal vector; chemical_potential in eV, temperature in K.
    """
    k = lattices.mesh(lattice, mesh)
    if not temperature > 0:
        raise SemijaxError(f"filling: temperature = {temperature!r}: allowed is a number > 0, in K")
    of = Filling(k, float(chemical_potential), KB * float(temperature), spin)
    return measured(
        of, [float(electrons)], sigma=sigma, part=part, what="filling", unit="electrons", at=np.zeros(1), dimensions=(1,)
    )


@record
class Velocities:
    """v [n d] at k [n d]."""

    k: Any

    def __call__(self, band: Any) -> Array:
        return jax.vmap(_one("velocities", band).velocity)(_at(self.k))


@record
class Masses:
    """M [n d d] at k [n d], free-electron masses."""

    k: Any

    def __call__(self, band: Any) -> Array:
        return jax.vmap(_one("masses", band).effective_mass)(_at(self.k))


@record
class AlongMasses:
    """1/(u·M⁻¹·u) [n] along u [n d] at k [n d], free-electron masses."""

    k: Any
    along: Any

    def __call__(self, band: Any) -> Array:
        of = _one("masses", band)

        def one(k, u):
            slope = jax.jvp(jax.grad(of), (k,), (u,))[1]  # ∂²E/∂k∂k·u
            return HBAR**2 / (M0 * jnp.sum(slope * u))

        return jax.vmap(one)(_at(self.k), _at(self.along))


@record
class CyclotronMasses:
    """sqrt(det M/(b·M·b)) [n v] of the mass tensor at `center`, b [n v 3] in the frame of each valley."""

    directions: Any
    center: Any

    def finer(self, at: np.ndarray) -> tuple[np.ndarray, "CyclotronMasses"]:
        """(angles, itself there) ten times as close as at the angles given [n], on the great circles between directions: for pictures."""
        order = np.argsort(at, kind="stable")
        angle, b = np.asarray(at)[order], np.asarray(self.directions)[order]
        turn = np.arccos(np.clip(np.sum(b[:-1] * b[1:], axis=-1, keepdims=True), -1, 1))
        size = np.where(turn > 0, np.sin(turn), 1.0)
        parts, steps = np.arange(10) / 10, np.diff(angle)
        ways = [
            np.where(turn > 0, np.sin((1 - t) * turn) / size, 1.0) * b[:-1]
            + np.where(turn > 0, np.sin(t * turn) / size, 0.0) * b[1:]
            for t in parts
        ]
        directions = np.concatenate([np.stack(ways, axis=1).reshape(-1, *b.shape[1:]), b[-1:]])
        return np.append((angle[:-1, None] + parts * steps[:, None]).reshape(-1), angle[-1]), replace(self, directions=directions)

    def __call__(self, band: Any) -> Array:
        of, b = _one("cyclotron_masses", band), _at(self.directions)
        own = of.params.get("center") if isinstance(of.params, dict) else None
        inverse = of.inverse_mass(_at(self.center if own is None else own)) * M0
        # b·M·b/det M = Σ of the cofactors of the inverse: no inversion of a tensor that may be singular on the way
        cofactors = jnp.stack([jnp.cross(inverse[(i + 1) % 3], inverse[(i + 2) % 3]) for i in range(3)])
        return 1.0 / jnp.sqrt(jnp.einsum("nvi,ij,nvj->nv", b, cofactors, b, precision="highest"))


@record
class BlochFrequencies:
    """e|E·a|/h [n], THz, of lattice vector a number `row`."""

    electric: Any
    row: int = static(default=0)

    def __call__(self, band: Any) -> Array:
        of, field = _one("bloch_frequencies", band), _at(self.electric)
        if of.lattice is None or not 0 <= self.row < np.shape(of.lattice)[0]:
            raise SemijaxError(
                f"bloch_frequencies: row = {self.row} of a band without that lattice vector: allowed are periodic bands"
            )
        a = jnp.asarray(of.lattice, field.dtype)[self.row]
        if field.ndim == 2 and field.shape[1] != a.shape[0]:
            raise SemijaxError(
                f"bloch_frequencies: electric of {field.shape[1]} components: allowed are {a.shape[0]}, as the band has"
            )
        drop = field * jnp.sqrt(jnp.sum(a * a)) if field.ndim == 1 else jnp.sum(field * a[None, :], axis=1)
        return jnp.abs(drop) / (PLANCK * THZ_INTERNAL)


@record
class Filling:
    """Electrons [1] of a band over k [n d]."""

    k: Any
    level: Any
    kT: Any
    spin: int = static(default=2)

    def __call__(self, band: Any) -> Array:
        energy = jax.vmap(_one("filling", band))(_at(self.k))
        return self.spin * jnp.mean(jax.nn.sigmoid((self.level - energy) / self.kT))[None]


def _one(where: str, band: Any) -> Band:
    if not isinstance(band, Band):
        raise SemijaxError(f"{where}: a model of {type(band).__name__}: allowed is one Band; of several say which with part=")
    return band


def _at(x: Any) -> Array:
    return jnp.asarray(x, jnp.result_type(float))


def _lengths(where: str, key: str, vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if (lengths == 0).any():
        raise SemijaxError(f"{where}: {key}: a vector of length zero: allowed are directions, vectors of any length > 0")
    return lengths


def _frames(where: str, valleys: Any) -> np.ndarray:
    """The axes of each valley [v 3 3], rows x, y, z."""
    if valleys is None:
        return np.eye(3)[None]
    array = inputs.numbers(where, "valleys", valleys, 2, 3)
    if array.shape[-1] != 3 or (array.ndim == 3 and array.shape[1] != 3):
        raise SemijaxError(
            f"{where}: valleys has shape {array.shape}: allowed are [v 3], long axes, or [v 3 3], the axes of each"
        )
    array = array / _lengths(where, "valleys", array)
    if array.ndim == 2:
        return np.stack([_about(axis) for axis in array])
    if np.abs(array @ array.swapaxes(1, 2) - np.eye(3)).max() > 1e-6:
        raise SemijaxError(f"{where}: valleys: axes that are not at right angles: allowed are those of [v 3 3] that are")
    return array


def _about(axis: np.ndarray) -> np.ndarray:
    """Axes [3 3] with z along `axis`."""
    x = np.eye(3)[np.abs(axis).argmin()]
    x = x - (x @ axis) * axis
    x = x / math.sqrt(x @ x)
    return np.stack([x, np.cross(axis, x), axis])
