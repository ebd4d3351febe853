"""Occupations: how likely a state of energy E is, as the logarithm of a weight (Boltzmann, Fermi-Dirac, −∂f/∂E)."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from semijax._pytree import record, static
from semijax._types import Array
from semijax.bands.inputs import number
from semijax.units import KB


def thermal_energy(where: str, temperature) -> Any:
    """kT [eV] of a temperature [K]; raises SemijaxError unless it is finite and > 0 (a traced one passes)."""
    return KB * number(where, "temperature", temperature, above=0.0)


@record
class Occupation:
    """log w(E) = shape(x), x = (E − level)/kT. w falls with E, or falls on either side of `level` where it is `peaked`.

    level: eV. kT: eV.
    """

    shape: Callable[[Array], Array] = static()
    level: Any = 0.0
    kT: Any = 1.0
    peaked: bool = static(default=False)

    def log(self, energy):
        """log w of energies of any shape, eV."""
        return self.shape((energy - self.level) / self.kT)

    def log_highest(self, low, high):
        """log of the largest w between the energies low and high, eV."""
        return self.log(jnp.clip(self.level, low, high) if self.peaked else low)


def boltzmann(level: float, kT: float) -> Occupation:
    """w = exp(−(E − level)/kT)."""
    return Occupation(_boltzmann, level, kT)


def fermi_dirac(level: float, kT: float) -> Occupation:
    """w = 1/(exp((E − level)/kT) + 1)."""
    return Occupation(_fermi_dirac, level, kT)


def fermi_window(level: float, kT: float) -> Occupation:
    """w = −kT ∂f/∂E = f(1 − f), f the Fermi-Dirac occupation."""
    return Occupation(_fermi_window, level, kT, peaked=True)


def _boltzmann(x: Array) -> Array:
    return -x


def _fermi_dirac(x: Array) -> Array:
    return -(jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x))))


def _fermi_window(x: Array) -> Array:
    return -(jnp.abs(x) + 2 * jnp.log1p(jnp.exp(-jnp.abs(x))))
