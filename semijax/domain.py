"""Domains: which part of k space holds the states of a band, and the band's Boltzmann law where it has one in closed form."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import null_space

from semijax._pytree import record, static
from semijax._types import Array, SemijaxError
from semijax.bands.band import Band
from semijax.bands.contract import name_of
from semijax.bands.inputs import number
from semijax.states import States


@record
class Domain:
    """Where k may be: k = Σ c_i axes_i, low ≤ c ≤ high.

    axes [d d]: first the reciprocal vectors of the band's lattice (one primitive cell, −1/2 ≤ c ≤ 1/2), then unit vectors normal
    to the lattice, the open directions (c in 1/Å). cutoff: largest distance from the origin along the open directions, 1/Å.
    """

    axes: Any
    low: Any
    high: Any
    cutoff: Any = None
    periodic: int = static(default=0)

    def wavevector(self, c: Array) -> Array:
        """k [d] of one point c [d], term by term: XLA rounds a sum over a short axis differently in batches of different size."""
        return sum((c[i] * jnp.asarray(self.axes)[i] for i in range(1, c.shape[0])), c[0] * jnp.asarray(self.axes)[0])

    def inside(self, c: Array) -> Array:
        """Whether one point c [d] is within the cutoff."""
        free = [c[i] ** 2 for i in range(self.periodic, c.shape[0])]
        return jnp.asarray(True) if self.cutoff is None else sum(free[1:], free[0]) <= self.cutoff**2

    def log_volume(self, half: np.ndarray) -> np.ndarray:
        """log of the volume [m] of k space of boxes centre ± half [m d]."""
        return np.log(2 * half).sum(1) + math.log(self._unit)

    @property
    def _unit(self) -> float:
        return abs(float(np.linalg.det(self.axes)))

    @property
    def volume(self) -> float:
        """Volume of all k within the cutoff, [1/Å]^d; infinite where a direction is open without one."""
        free = len(self.low) - self.periodic
        if free == 0:
            return self._unit
        return math.inf if self.cutoff is None else self._unit * (2, math.pi, 4 / 3 * math.pi)[free - 1] * self.cutoff**free


def domain_of(where: str, band: Band | States, kT: float, cutoff: float | None) -> Domain:
    """Where to look for the states of a band: a primitive cell, the cutoff, or (to be widened) where the Boltzmann law leads."""
    if band.dimension is None:
        raise SemijaxError(f"{where}: {name_of(band.energy)} has dimension = None: allowed is Band(..., dimension=1, 2 or 3)")
    reciprocal = np.zeros((0, band.dimension)) if band.reciprocal is None else np.asarray(band.reciprocal, float)
    p, d = reciprocal.shape
    axes = np.concatenate([reciprocal, null_space(reciprocal).T]) if p else np.eye(d)
    low, high = np.full(d, -0.5), np.full(d, 0.5)
    if cutoff is not None:
        if p == d:
            raise SemijaxError(f"{where}: cutoff = {cutoff}: allowed is None, the band is periodic along every axis")
        cutoff = float(number(where, "cutoff", cutoff, above=0.0))
        low[p:], high[p:] = -cutoff, cutoff
    elif p < d:
        c = _likely(where, band, kT) @ np.linalg.inv(axes)
        middle, reach = c.mean(0), 0.75 * (c.max(0) - c.min(0))
        low[p:], high[p:] = (middle - reach)[p:], (middle + reach)[p:]
    return Domain(axes, low, high, cutoff, p)


def closed_law(where: str, band: Band | States, kT):
    """The Boltzmann law of a band in closed form, without a magnetic field; raises SemijaxError where there is none."""
    needed = f"{where}: cutoff = None: {name_of(band.energy)} has no end and no law in closed form: allowed is a radius in 1/Å"
    if band.law is None:
        raise SemijaxError(f"{needed} beyond which no carriers are")
    try:
        _try_law(band)
    except SemijaxError as error:
        raise SemijaxError(f"{needed} beyond which no carriers are ({error})") from None
    return _law(band, kT)


@jax.jit
def _try_law(band: Band | States) -> None:
    """Raises SemijaxError where E has no minimum: the law says so of a plain number kT; jit remembers those that passed."""
    assert band.law is not None
    band.law(band.params, 1.0)


@jax.jit
def _law(band: Band | States, kT):
    assert band.law is not None
    return band.law(band.params, kT)


def _likely(where: str, band: Band | States, kT: float) -> np.ndarray:
    """Some wavevectors [n d] of the Boltzmann law."""
    law = closed_law(where, band, kT)
    u = np.random.default_rng(0).uniform(0.01, 0.99, (64, law.count))
    return np.asarray(jax.jit(jax.vmap(law))(jnp.asarray(u, jnp.result_type(float))), float)
