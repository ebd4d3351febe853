"""Filling: the chemical potential that gives a density of carriers."""

import math

import numpy as np
from scipy.optimize import brentq

from semijax._types import SemijaxError
from semijax.bands.contract import name_of
from semijax.bands.inputs import number
from semijax.cells import Mesh
from semijax.domain import Domain, domain_of
from semijax.dynamics import Species
from semijax.occupation import fermi_dirac, thermal_energy
from semijax.quadrature import Spectrum, spectrum

_ROUGH, _FINE = 1e-3, 3e-6  # relative errors of the density on meshes far from the level sought, and near it


def chemical_potential(species: Species, density: float, temperature: float, cutoff: float | None = None) -> float:
    """The electrons' chemical potential µ [eV] at which the species has a `density` [Å⁻ᵈ], all degenerate states together.

    Solves g ∫ f(E(k)) d^dk/(2π)^d = density in float64; a hole is occupied with 1/(exp((E_h + µ)/kT) + 1). The density it gives
    is right to 5e-6 of itself.
    Raises SemijaxError where the band has fewer states than that, and where an unbounded band needs a `cutoff` [1/Å].
    """
    where = "chemical_potential"
    kT = float(thermal_energy(where, temperature))
    domain = domain_of(where, species.band, kT, cutoff)
    volume_of_state = (2 * math.pi) ** len(domain.low) / species.degeneracy
    density = number(where, "density", density, above=0.0)
    if not density * volume_of_state < domain.volume:
        raise SemijaxError(f"{where}: density = {density}: allowed is a number < {domain.volume / volume_of_state:g} Å⁻ᵈ")
    return own_level(species, _level(species, domain, density * volume_of_state, kT))


def own_level(species: Species, level: float) -> float:
    """The electrons' µ as the species' own, and back: a hole's is −µ."""
    return level if species.charge < 0 else -level


def _level(species: Species, domain: Domain, volume: float, kT: float) -> float:
    """The species' own chemical potential at which ∫ f d^dk = volume: on meshes, each made for the level of the last."""
    level = float(species.band(0.5 * (domain.low + domain.high) @ domain.axes))
    tolerance = _ROUGH
    for _ in range(60):
        mesh = Mesh(species.band, fermi_dirac(level, kT))
        domain = mesh.widened(domain)
        states = spectrum(mesh, domain, tolerance)
        last, level, lowest = level, _root(states, volume, kT), float(states.energy.min())
        if abs(level - last) < kT / 2 and tolerance < _ROUGH:
            return level
        tolerance = _ROUGH if abs(level - last) > max(kT / 2, _ROUGH * (level - lowest)) else _FINE
    raise SemijaxError(f"chemical_potential: kT = {kT} eV: {name_of(species.band.energy)} needs a higher temperature")


def _root(states: Spectrum, volume: float, kT: float) -> float:
    """The level at which the states hold `volume`; where they are too few, twice as far from the lowest energy."""
    lowest, highest = float(states.energy.min()), float(states.energy[np.isfinite(states.energy)].max()) + 40 * kT
    empty = lowest - kT * (1 + max(0.0, math.log(states.volume.sum() / volume)))

    def excess(level: float) -> float:
        return math.log(states.integral(fermi_dirac(level, kT)) / volume)

    if excess(highest) < 0:
        return 2 * highest - lowest
    return float(brentq(excess, empty, highest, xtol=1e-9 * kT))  # pyright: ignore[reportArgumentType]
