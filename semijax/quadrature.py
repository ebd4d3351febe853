"""Quadrature: integrals of an occupation over the cells of a mesh, however sharp its Fermi edge."""

import itertools
import math
from dataclasses import astuple, dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import Array
from semijax.bands.band import Band
from semijax.cells import Mesh, cut, in_tiles, most_of
from semijax.domain import Domain
from semijax.occupation import Occupation
from semijax.states import States

_RESOLVED = 2.0  # kT over which E may change across half a cell before the Fermi edge is treated as sharp
_FAR = 40.0  # kT from the Fermi edge beyond which the weight is constant or next to nothing
_FLAT = 1e-3  # slopes below this part of the steepest count as this part: their effect is its square


@dataclass(frozen=True)
class Integrals:
    """∫ w D d^dk over each of m cells, its estimated error, whether the Fermi edge in it is sharp, and the axis to cut along."""

    value: np.ndarray
    doubt: np.ndarray
    sharp: np.ndarray
    axis: np.ndarray

    @property
    def error(self) -> float:
        """Estimated error of the sum; along a sharp edge errors are as often positive as negative, and their squares add up."""
        return float(self.doubt[~self.sharp].sum() + math.sqrt((self.doubt[self.sharp] ** 2).sum()))


@dataclass(frozen=True)
class Spectrum:
    """Cells centre ± half [m d] of a domain, the energies at their Gauss points, 3 per axis, then 2 [m 3^d + 2^d], eV, and D there.

    D is that of `states.States`, one for a band.
    """

    band: Band | States
    domain: Domain
    centre: np.ndarray
    half: np.ndarray
    energy: np.ndarray
    density: np.ndarray

    @property
    def volume(self) -> np.ndarray:
        """Each cell's volume of k space [m]."""
        return np.exp(self.domain.log_volume(self.half))

    def integrals(self, occupation: Occupation) -> Integrals:
        """∫ w D d^dk cell by cell."""
        value, doubt, sharp, axis = in_tiles(_integrate, occupation, self.energy, self.density)
        return Integrals(value * self.volume, doubt * self.volume, sharp, axis)

    def integral(self, occupation: Occupation) -> float:
        """∫ w D d^dk over all cells."""
        return float(self.integrals(occupation).value.sum())

    def split(self, chosen: np.ndarray, axis: np.ndarray) -> tuple["Spectrum", "Spectrum"]:
        """The cells but the chosen ones, and the halves of those, cut along `axis`."""
        kept = [np.delete(getattr(self, name), chosen, axis=0) for name in _COLUMNS]
        halves = cut(self.centre[chosen], self.half[chosen], axis)
        return Spectrum(self.band, self.domain, *kept), _spectrum(self.band, self.domain, *halves)


_COLUMNS = ("centre", "half", "energy", "density")


def spectrum(mesh: Mesh, domain: Domain, tolerance: float = 3e-6, most: int = 1 << 16) -> Spectrum:
    """The energies on a mesh so fine that the error estimated for ∫ w D d^dk is at most `tolerance`, or the finest allowed."""
    cells = mesh.coarse(domain)
    found = _spectrum(mesh.band, domain, cells.centre, cells.half)
    parts = found.integrals(mesh.occupation)
    while len(found.half) < most and parts.error > tolerance * parts.value.sum():
        chosen = most_of(parts.doubt, 0.8)[: most // 2]
        kept, halves = found.split(chosen, parts.axis[chosen])
        new = halves.integrals(mesh.occupation)
        found = replace(kept, **{name: _joined(kept, halves, name) for name in _COLUMNS})
        parts = Integrals(*(np.concatenate([np.delete(old, chosen), fresh]) for old, fresh in zip(astuple(parts), astuple(new))))
    return found


def _joined(first, second, name: str) -> np.ndarray:
    return np.concatenate([getattr(first, name), getattr(second, name)])


def _spectrum(band: Band | States, domain: Domain, centre: np.ndarray, half: np.ndarray) -> Spectrum:
    return Spectrum(band, domain, centre, half, *in_tiles(_gauss_energies, (band, domain), centre, half))


def _gauss(order: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Points [order^d, d] of the Gauss-Legendre rule in [−1, 1]^d and their weights, which add up to one."""
    x, w = np.polynomial.legendre.leggauss(order)
    return np.array(list(itertools.product(x, repeat=d))), np.array([math.prod(p) for p in itertools.product(w / 2, repeat=d)])


@jax.jit
def _gauss_energies(setting: tuple[Band | States, Domain], centre: Array, half: Array):
    band, domain = setting
    points = jnp.asarray(np.concatenate([_gauss(order, len(domain.low))[0] for order in (3, 2)]))

    def one(c, h):
        at = c[None] + points * h[None]
        energy = jnp.where(jax.vmap(domain.inside)(at), jax.vmap(lambda x: band(domain.wavevector(x)))(at), jnp.inf)
        density = jax.vmap(lambda x: _density(band, domain.wavevector(x)))(at)
        return energy, density

    return jax.vmap(one)(centre, half)


def _density(band: Band | States, k: Array) -> Array:
    """D of one k [d]."""
    return band.density(k) if isinstance(band, States) else jnp.ones((), k.dtype)


@jax.jit
def _integrate(occupation: Occupation, energy: Array, density: Array):
    return jax.vmap(lambda e, d: _mean(occupation, e, d))(energy, density)


def _mean(occupation: Occupation, energy: Array, density: Array) -> tuple[Array, Array, Array, Array]:
    """The `Integrals` of one cell of volume one, from E and D at its Gauss points (E is infinite where nothing counts).

    Where the Fermi edge crosses the cell and E changes by more than kT, E is taken as linear in k and the edge as it is; D changes little
    there, and the mean of what it changes times w is that at the Gauss points.
    """
    d = {5: 1, 13: 2, 35: 3}[energy.shape[0]]
    (points, weights), (_, pair) = (tuple(map(jnp.asarray, _gauss(order, d))) for order in (3, 2))
    three, two = energy[: 3**d], energy[3**d :]
    here, there = jnp.exp(occupation.log(three)), jnp.exp(occupation.log(two)) * density[3**d :]
    mean = jnp.sum(weights * density[: 3**d])
    varying = jnp.sum(weights * (density[: 3**d] - mean) * here)
    smooth, coarse = jnp.sum(weights * here) * mean + varying, jnp.sum(pair * there)
    middle = jnp.sum(weights * three)
    slope = 3 * jnp.sum((weights * three)[:, None] * points, axis=0)
    steepest, reach = jnp.max(jnp.abs(slope)), jnp.sum(jnp.abs(slope))
    bend = jnp.sqrt(jnp.sum(weights * (three - middle - jnp.sum(points * slope[None], axis=1)) ** 2))
    edge = _linear_mean(occupation, middle, jnp.maximum(jnp.abs(slope), _FLAT * steepest)) * mean + varying
    # Cells that the linear edge just misses count as well: to refine only those that it hits would be a bias.
    missed = jnp.maximum(jnp.abs(middle - occupation.level) - reach - 3 * bend, 0.0) / occupation.kT
    wrong = bend / steepest * jnp.exp(-missed) * (jnp.minimum(occupation.kT / steepest, 1.0) if occupation.peaked else 1.0)
    # The rule with three points is more than 30 times better than that with two wherever the difference is small.
    sharp = (reach > _RESOLVED * occupation.kT) & (missed < _FAR)
    doubt = jnp.where(sharp, wrong * mean + jnp.abs(varying) / 3, jnp.abs(smooth - coarse) / 30)
    curved = jnp.abs(jnp.sum((weights * three)[:, None] * (points**2 - 1 / 3), axis=0))
    axis = jnp.argmax(jnp.where(sharp, curved, jnp.abs(slope)))
    return jnp.where(sharp, edge, smooth), doubt, sharp, axis


def _linear_mean(occupation: Occupation, middle: Array, slope: Array) -> Array:
    """Mean weight for E = middle + Σ slope_i x_i, |x_i| ≤ 1, slope_i > 0.

    With F_0 = f(−x), F_j' = F_(j−1): mean of f = Σ_s (Π s_i) F_d((level − middle + Σ s_i slope_i)/kT) Π kT/(2 slope_i), s_i = ±1;
    that of f(1 − f) = dF_0/dx has F_(d−1).
    """
    d = slope.shape[0]
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=d)))
    x = (occupation.level - middle + jnp.sum(jnp.asarray(signs) * slope[None], axis=1)) / occupation.kT
    terms = _fermi_integral(d - 1 if occupation.peaked else d, x) * jnp.asarray(signs.prod(1))
    return jnp.sum(terms) * jnp.prod(occupation.kT / (2 * slope))


def _fermi_integral(order: int, x: Array) -> Array:
    """F_j(x) = −Li_j(−eˣ), j = 0 ... 3: 1/(1 + e⁻ˣ), log(1 + eˣ), ... (NIST DLMF 25.12.16, https://dlmf.nist.gov/25.12).

    For x ≤ 0 by its alternating series, summed as Cohen, Rodriguez Villegas and Zagier do, Exp. Math. 9, 3 (2000), algorithm 1,
    doi:10.1080/10586458.2000.10504632; for x > 0 by reflection.
    """
    z = jnp.exp(-jnp.abs(x))
    below = z * jnp.polyval(jnp.asarray(_alternating(order)[::-1]), z)
    sixth = math.pi**2 / 6
    above = {0: 1 - below, 1: x + below, 2: sixth + x**2 / 2 - below, 3: x**3 / 6 + sixth * x + below}[order]
    return jnp.where(x > 0, above, below)


def _alternating(order: int, terms: int = 22) -> np.ndarray:
    """Coefficients c [terms] for which −Li_j(−z)/z = Σ c_n zⁿ, 0 ≤ z ≤ 1, with an error of 6^(−terms)."""
    top = (3 + math.sqrt(8)) ** terms
    top = (top + 1 / top) / 2
    c, b, coefficients = -top, -1.0, []
    for n in range(terms):
        c, b = b - c, b * (n + terms) * (n - terms) / ((n + 0.5) * (n + 1))
        coefficients.append(c / top / (n + 1) ** order * 1.0)
    return np.array(coefficients)
