"""Filling: the chemical potential that gives a density of carriers."""

import math

import numpy as np
from scipy.optimize import brentq

from semijax._types import SemijaxError
from semijax.bands.band import Band
from semijax.bands.contract import name_of
from semijax.bands.inputs import number
from semijax.cells import Mesh
from semijax.domain import Domain, domain_of
from semijax.dynamics import Species
from semijax.occupation import fermi_dirac, thermal_energy
from semijax.quadrature import Spectrum, spectrum
from semijax.states import States, states_of

_ROUGH, _FINE = 1e-3, 3e-6  # relative errors of the density on meshes far from the level sought, and near it


def chemical_potential(
    species: Species, density: float, temperature: float, cutoff: float | None = None, *, magnetic=None, moment: bool = True
) -> float:
    """The electrons' chemical potential µ [eV] at which the species has a `density` [Å⁻ᵈ], all degenerate states together.

    Solves g ∫ D f(ε) d^dk/(2π)^d = density in float64; a hole is occupied with 1/(exp((ε_h + µ)/kT) + 1). ε = E(k) − m·B and
    D = 1 − (q/ħ) B·Ω in a magnetic field, [3] or a number when d = 2, T. The density it gives is right to 5e-6 of itself.
    Raises SemijaxError where the band has fewer states than that, and where an unbounded band needs a `cutoff` [1/Å].
    """
    where = "chemical_potential"
    kT = float(thermal_energy(where, temperature))
    states = states_of(where, species, magnetic, moment)
    domain = domain_of(where, states, kT, cutoff)
    volume_of_state = (2 * math.pi) ** len(domain.low) / species.degeneracy
    density = number(where, "density", density, above=0.0)
    room = capacity(states, domain)
    if not density * volume_of_state < room:
        raise SemijaxError(f"{where}: density = {density}: allowed is a number < {room / volume_of_state:g} Å⁻ᵈ")
    return own_level(species, _level(states, domain, density * volume_of_state, kT))


def capacity(states: Band | States, domain: Domain) -> float:
    """∫ D d^dk over all k within the cutoff, [1/Å]^d; infinite where a direction is open without one."""
    if isinstance(states, Band) or domain.volume == math.inf:
        return domain.volume
    everywhere = fermi_dirac(1e6, 1.0)  # every state of any band is far below
    return spectrum(Mesh(states, everywhere), domain).integral(everywhere)


def own_level(species: Species, level: float) -> float:
    """The electrons' µ as the species' own, and back: a hole's is −µ."""
    return level if species.charge < 0 else -level


def _level(states: Band | States, domain: Domain, volume: float, kT: float) -> float:
    """The species' own chemical potential at which ∫ D f d^dk = volume: on meshes, each made for the level of the last."""
    level = float(states(0.5 * (domain.low + domain.high) @ domain.axes))
    tolerance = _ROUGH
    for _ in range(60):
        mesh = Mesh(states, fermi_dirac(level, kT))
        domain = mesh.widened(domain)
        found = spectrum(mesh, domain, tolerance)
        last, level, lowest = level, _root(found, volume, kT), float(found.energy.min())
        if abs(level - last) < kT / 2 and tolerance < _ROUGH:
            return level
        tolerance = _ROUGH if abs(level - last) > max(kT / 2, _ROUGH * (level - lowest)) else _FINE
    raise SemijaxError(f"chemical_potential: kT = {kT} eV: {name_of(states.energy)} needs a higher temperature")


def _root(states: Spectrum, volume: float, kT: float) -> float:
    """The level at which the states hold `volume`; where they are too few, twice as far from the lowest energy."""
    lowest, highest = float(states.energy.min()), float(states.energy[np.isfinite(states.energy)].max()) + 40 * kT
    empty = lowest - kT * (1 + max(0.0, math.log(states.volume.sum() / volume)))

    def excess(level: float) -> float:
        return math.log(states.integral(fermi_dirac(level, kT)) / volume)

    if excess(highest) < 0:
        return 2 * highest - lowest
    return float(brentq(excess, empty, highest, xtol=1e-9 * kT))  # pyright: ignore[reportArgumentType]
