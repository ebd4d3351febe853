"""What the superlattice case leaves out, with the numbers that justify it; and how its table was made."""

from typing import Any

import numpy as np

from semijax import units
from semijax.cases import _shared
from semijax.cases.miniband_theory import minibands, zener_probability

_VACUUM = 55.26349406e-4  # permittivity of free space, e/(V Å) (CODATA 2018: 55.26349406 e/(V µm))


def notes(case: Any, main: Any, both: list[Any], scan: list[Any] | None = None) -> list[str]:
    """Lines below the table; scan: electrons of the points of the scan over the field."""
    strongest = max(one.theory.force for one in [both[0], *(scan or [])])
    return [*_table(both), _tunnelling(case, both[0], strongest), *_coulomb(case, main, both), _boltzmann(case, both), _SOURCE]


_SOURCE = (
    "Numbers of the device as commonly quoted for Waschke et al., Phys. Rev. Lett. 70, 3319 (1993), "
    "doi:10.1103/PhysRevLett.70.3319; wells and masses of its GaAs likewise."
)


def _table(both: list[Any]) -> list[str]:
    from semijax.cases.superlattice import exact

    theory, sampled = both[0].theory, both[0].velocities.shape[1]
    shift = theory.steady_drift / exact(theory).steady_drift - 1
    simpson = (theory.omega * theory.dt) ** 4 / 2880
    return [
        f"Standard errors: from the scatter of {sampled} whole histories, so noise correlated in time is in them.",
        "Undamped part: collisions only damp the acceleration, dv/dt = exp(−t/τ) du/dt with u the drift without them, so a fit "
        "A exp(−γt) cos(ωt + φ) of v gives the displacement 2A√(ω² + γ²)/ω².",
        f"Theory is that of collisions split off every dt = {theory.dt:.3g} fs: a steady drift {shift:+.2%} from dt → 0 "
        f"(order dt ω dt/12τ). RK4 moves positions by Simpson's rule: (ω dt)⁴/2880 = {simpson:.1g}.",
    ]


def _tunnelling(case: Any, electrons: Any, strongest: float) -> str:
    theory, meV = electrons.theory, units.MEV
    text = f"One band: eFd = {theory.force * theory.period / meV:.3g} meV, miniband {theory.bandwidth / meV:.3g} meV"
    keys = ("well", "barrier", "barrier_height", "barrier_mass")
    if not all(isinstance(case.analysis.get(key), float) for key in keys):
        return f"{text}; no tunnelling to higher minibands (Zener)."
    well, barrier, height, barrier_mass = (case.analysis[key] for key in keys)
    bands = minibands(well, barrier, height, electrons.mass, barrier_mass)
    if len(bands) < 2:
        return f"{text}; no second miniband below twice the barrier."
    (low, high), (second, _) = bands
    gap = second - high
    chances = {
        force: f"{zener_probability(gap, theory.period, electrons.mass, force):.2g} at {force / units.KV_PER_CM:.3g} kV/cm"
        for force in dict.fromkeys([theory.force, strongest])
    }
    ratio = gap**2 / theory.bandwidth / (theory.force * theory.period)
    return (
        f"{text}. Kronig-Penney: miniband {(high - low) / meV:.3g} meV, gap {gap / meV:.3g} meV, gap²/width {ratio:.2g} times eFd. "
        f"Left out: Zener tunnelling, per Bloch period {', '.join(chances.values())} (Landau-Zener)."
    )


def _coulomb(case: Any, main: Any, both: list[Any]) -> list[str]:
    permittivity = case.analysis.get("permittivity")
    if not isinstance(permittivity, float):
        return ["No Coulomb interaction."]
    theory, density = both[0].theory, case.analysis["density"]
    mass = 2 * units.HBAR2_M0 / (theory.bandwidth * theory.period**2)  # at the bottom of the miniband, m0
    plasma = np.sqrt(density / (_VACUUM * permittivity * mass * units.M0)) / (2 * np.pi * units.THZ_INTERNAL)
    places = _shared.recorded(case, main, "position")
    apart = float(np.abs(places["electron"] - places["hole"]).max())
    back = density * apart / (_VACUUM * permittivity)
    bloch, field = theory.omega / (2 * np.pi) / units.THZ_INTERNAL, theory.force / units.KV_PER_CM
    return [
        f"No Coulomb interaction (excitons, screening): plasma frequency {plasma:.2g} THz against {bloch:.3g} THz; electrons and "
        f"holes come {apart / units.NM:.3g} nm apart, which would take at most {back / units.KV_PER_CM:.2g} of {field:.3g} kV/cm."
    ]


def _boltzmann(case: Any, both: list[Any]) -> str:
    filled = [one.theory.fullest(case.analysis["density"] * one.theory.period, one.mass) for one in both]
    return (
        f"Boltzmann law: at the start the lowest state is filled to {filled[0]:.2g} by electrons, {filled[1]:.2g} by holes; "
        "where that is not small Fermi's law would flatten the peak."
    )
