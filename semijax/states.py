"""States: the energies of a band in a magnetic field, and how many states there are: what the laws of sampling count."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import record, static
from semijax._types import Array, SemijaxError, cast
from semijax.bands.band import Band
from semijax.bands.inputs import array, traced
from semijax.dynamics import Species
from semijax.units import HBAR, TESLA_INTERNAL

FAR = 0.5  # |D − 1| beyond which the picture, first order in B, is rough


@record
class States:
    """The states of a band where B is not zero: energy ε = E(k) − m·B and D(2π)^−d of them in a volume of phase space.

    D = 1 − (q/ħ) B·Ω (Xiao, Shi, Niu, Phys. Rev. Lett. 95, 137204 (2005), doi:10.1103/PhysRevLett.95.137204). Where |D − 1| ≥ 1 the
    picture, which is first order in B, knows of no states: there D counts as zero, and m·B stays what it was where D − 1 became ± 1.
    magnetic: [3], or the z component in two dimensions; tesla. charge: in units of e. moment: whether m·B counts.
    """

    band: Band
    magnetic: Any
    charge: int = static()
    moment: bool = static(default=True)

    def __call__(self, k: Array) -> Array:
        """ε of one k [d], eV."""
        k = jnp.asarray(k)
        energy = self.band(k)
        if not self.moment or self.band.moment is None:
            return energy
        shift = jnp.sum(self.band.orbital_moment(k) * cast(self.magnetic, k.dtype)) * TESLA_INTERNAL
        if self.band.curvature is not None:
            shift = shift / jnp.maximum(jnp.abs(self.excess(k)), 1.0)
        return jnp.where(jnp.isfinite(shift), energy - shift, energy)

    def excess(self, k: Array) -> Array:
        """D − 1 = −(q/ħ) B·Ω of one k [d]."""
        k = jnp.asarray(k)
        if self.band.curvature is None:
            return jnp.zeros((), k.dtype)
        scale = -self.charge * TESLA_INTERNAL / HBAR
        return jnp.sum(self.band.berry_curvature(k) * cast(self.magnetic, k.dtype)) * scale

    def density(self, k: Array) -> Array:
        """D of one k [d]; zero where |D − 1| ≥ 1."""
        return density_of(self.excess(k))

    # What a band tells as well.
    @property
    def energy(self):
        return self.band.energy

    @property
    def law(self):
        return self.band.law

    @property
    def params(self):
        return self.band.params

    @property
    def dimension(self):
        return self.band.dimension

    @property
    def reciprocal(self):
        return self.band.reciprocal


def density_of(excess: Array) -> Array:
    """D of D − 1; zero where |D − 1| ≥ 1."""
    return jnp.where(jnp.abs(excess) < 1, 1 + excess, 0.0)


def states_of(where: str, species: Species, magnetic=None, moment: bool = True) -> Band | States:
    """The states of a species where the magnetic field is `magnetic` [T]; the band itself where that changes nothing.

    Raises SemijaxError for a field of another shape than [3], or a number when d = 2.
    """
    band = species.band
    if magnetic is None:
        return band
    d = band.dimension
    if d == 1:
        raise SemijaxError(f"{where}: magnetic = {magnetic!r} in one dimension: allowed is None")
    magnetic = array(where, "magnetic", magnetic, *{2: [()], 3: [(3,)]}.get(d or 0, [(), (3,)]))
    still = not traced(magnetic) and not np.any(magnetic)
    if still or (band.curvature is None and (band.moment is None or not moment)):
        return band
    return States(band, magnetic, species.charge, moment)


def far_from_one(states: States, k) -> str | None:
    """What to say of wavevectors k [n d] among which |D − 1| exceeds FAR; None where it does not."""
    found = np.asarray(_excesses(states, k))
    far = np.abs(found) > FAR
    if not far.any():
        return None
    worst = int(np.abs(found).argmax())
    at = ", ".join(f"{x:.4g}" for x in np.asarray(k)[worst].tolist())
    return (
        f"|D − 1| > {FAR} for {int(far.sum())} of {len(found)} carriers, D = 1 − (q/ħ) B·Ω = {1 + float(found[worst]):.3g} at "
        f"k = ({at}) 1/Å: there the semiclassical picture is rough, and beyond |D − 1| = 1 no carriers are drawn"
    )


@jax.jit
def _excesses(states: States, k):
    return jax.vmap(states.excess)(jnp.asarray(k))
