"""Cyclotron motion in ellipsoidal valleys: masses found beside those of the tensor, energy, k·B and phase-space volume."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import build, units
from semijax.cases import _shared
from semijax.cases._rules import Oscillation, oscillation
from semijax.cases.fits import damped_sinusoid
from semijax.report import Report, Row

_NOTES = [
    "Masses of silicon as commonly quoted (Hensel, Hasegawa, Nakayama 1965).",
    "Left out: collisions (a resonance shows where they are rarer than turns, hence 4 K), Landau levels (ħω_c ≪ kT).",
]
_COLORS = ("BLUE", "VERMILION", "GREEN", "PURPLE", "ORANGE", "SKY")


@dataclass(frozen=True)
class Valley:
    """One species in one run. tracks [f n 3]: of the sampled carriers, 1/Å. mass: the cyclotron mass expected, in m0.

    omega: expected, 1/fs. frequency: found, cycles per fs. numerical: what the scheme makes of that oscillation. rounding: the
    most that rounding can have moved a wavevector, 1/Å; inputs: relative, of masses and B in the precision of the run. swing:
    half the widest sampled orbit, 1/Å.
    """

    name: str
    dynamics: Any
    time: np.ndarray
    tracks: np.ndarray
    magnetic: np.ndarray
    mass: float
    omega: float
    frequency: float
    numerical: Oscillation
    rounding: float
    inputs: float
    swing: float


def report(case: Any, results: Any) -> Report:
    """Rows: frequency and mass of every valley, the worst mass of the scan, and what a magnetic field conserves."""
    main = results.main
    valleys = [valley(case, main, name) for name in main.dynamics]
    rows = [make(one) for make in (_frequency, _mass) for one in valleys]
    scan = [[valley(case, point, name) for name in point.dynamics] for point in results.scan]
    if scan:
        rows.append(_shared.worst("cyclotron mass, worst of all angles", (_mass(one) for point in scan for one in point)))
    conserved = [_conserved(main, one) for one in valleys]
    rows += [_shared.worst(name, [one[i] for one in conserved]) for i, name in enumerate(_CONSERVED)]
    figures = {"orbits": _orbits(valleys), "volume": _volume(case, main, valleys)}
    return Report(rows, _NOTES, figures | ({"masses": _masses(scan)} if scan else {}))


def valley(case: Any, finished: Any, name: str) -> Valley:
    """What one species did and should have done."""
    dynamics, status = finished.dynamics[name], finished.result.status
    tracks, time = _shared.recorded(case, finished, "orbits")[name], _shared.times(finished)
    _, magnetic = _shared.fields_of(dynamics)
    mass = cyclotron_mass(np.asarray(dynamics.species.band.effective_mass(center(dynamics))), magnetic)
    omega = float(np.linalg.norm(magnetic)) * units.TESLA_INTERNAL / (mass * units.M0)
    widths = np.ptp(tracks, axis=0)
    carrier, component = np.unravel_index(widths.argmax(), widths.shape)
    found = damped_sinusoid(time, tracks[:, carrier, component])
    # every step rounds every component of k once, by less than the increments are; at worst all errors add up
    rounding = 2 * status.steps * _shared.roundoff(case) * float(np.abs(tracks).max())
    numerical = oscillation(build.step(case), omega * status.dt, status.steps)
    inputs, swing = 8 * _shared.roundoff(case), float(widths.max()) / 2
    return Valley(name, dynamics, time, tracks, magnetic, mass, omega, found.frequency, numerical, rounding, inputs, swing)


def cyclotron_mass(mass: np.ndarray, magnetic: np.ndarray) -> float:
    """sqrt(det M / (b·M·b)) of a mass tensor [3 3] in a field along b (Ashcroft, Mermin, Solid State Physics (1976), eq. 28.6).

    Of an ellipsoid with B at θ to its long axis: 1/m_c² = cos²θ/m_t² + sin²θ/(m_t m_l).
    """
    b = magnetic / np.linalg.norm(magnetic)
    return float(np.sqrt(np.linalg.det(mass) / (b @ mass @ b)))


def center(dynamics: Any) -> jax.Array:
    """The wavevector of the valley's bottom [3], 1/Å."""
    found = dynamics.species.band.params["center"]
    return jnp.zeros(3) if found is None else jnp.asarray(found)


def _slack(one: Valley) -> float:
    """Relative bound on the frequency found: what the scheme changes (RK4: x⁴/120) and what rounding may."""
    turns = one.omega * float(np.ptp(one.time)) / (2 * np.pi)
    return abs(one.numerical.frequency - 1) + _shared.fit_error(one.rounding, one.swing, turns) + one.inputs


def _frequency(one: Valley) -> Row:
    theory = one.omega / (2 * np.pi) / units.THZ_INTERNAL / units.GHZ
    found = one.frequency / units.THZ_INTERNAL / units.GHZ
    return Row(f"cyclotron frequency, valleys along {one.name}", found, theory, "GHz", theory * _slack(one), "bound")


def _mass(one: Valley) -> Row:
    found = one.mass * one.omega / (2 * np.pi * one.frequency)
    slack = _slack(one)
    return Row(f"cyclotron mass, valleys along {one.name}", found, one.mass, "m₀", one.mass * slack / (1 - slack), "bound")


_CONSERVED = (
    "energy of a carrier, largest change",
    "k·B/B of a carrier, largest change",
    "phase-space volume ln(V/V₀), largest",
)


def _conserved(main: Any, one: Valley) -> tuple[Row, Row, Row]:
    """Energy, k·B/B and volume of one valley over all its carriers."""
    drifts, status = main.result.status.drifts, main.result.status
    start = jax.tree.map(_shared.as_numbers, main.start[one.name].phase.wavevector)
    end = _shared.as_numbers(main.result.final[one.name].phase.wavevector)
    band = one.dynamics.species.band
    energy = np.asarray(jax.vmap(band)(jnp.asarray(start)), np.float64)
    speed = np.asarray(jnp.linalg.norm(jax.vmap(band.velocity)(jnp.asarray(start)), axis=1), np.float64)
    # the scheme takes its share of the energy of the turning part, at most all of it; rounding of k costs ħv times it
    lost = float(energy.max()) * one.numerical.energy + 2 * units.HBAR * float(speed.max()) * one.rounding
    b = one.magnetic / np.linalg.norm(one.magnetic)
    # a Runge-Kutta step keeps what is linear in k exactly but for rounding, of three components
    along = 3 * one.rounding
    # ln det = steps × ln det of a step, RK4 −x⁶/72; the entries of a step's matrix are of size x and rounded about ten times,
    # and the law itself is a float64 determinant near one
    x = one.omega * status.dt
    volume = abs(one.numerical.log_volume) + status.steps * (10 * _shared.roundoff(main.case) * x + 4 * 2.0**-53)
    return (
        Row("", float(drifts[f"energy of {one.name}"].change), 0.0, "eV", lost, "bound"),
        Row("", float(np.abs((end - start) @ b).max()), 0.0, "1/Å", along, "bound"),
        Row("", float(drifts[f"log_volume of {one.name}"].change), 0.0, "", volume, "bound"),
    )


def _orbits(valleys: list[Valley]) -> Any:
    """All valleys about Γ, enlarged about their bottoms: sampled orbits on one surface of equal energy."""
    from semijax import plot
    from semijax.plot import house

    with _shared.sheet(7.0, 6.4) as figure:
        ax = figure.add_subplot(projection="3d")
        for one, color in zip(valleys, _COLORS):
            middle, scaled, axes = _on_one_surface(one)
            for sign in (1, -1):  # the opposite valley: if k(t) is an orbit, so is −k(t)
                arrow = one.magnetic if one is valleys[-1] and sign == -1 else None
                label = f"valleys along ${one.name}$:  $m_c$ = {one.mass:.3f} $m_0$" if sign == 1 else None
                tracks, surface = sign * (middle + scaled), (sign * middle, axes)
                plot.orbit_3d(tracks, [surface], magnetic=arrow, color=getattr(house, color), label=label, ax=ax)
        ax.set_box_aspect(None, zoom=1.0)
        ax.legend(loc="upper left", title="orbits, enlarged about the bottoms of the valleys", alignment="left")
        return figure


def _on_one_surface(one: Valley) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bottom [3], one turn of some orbits about it [f n 3] and half axes [3 3], enlarged to reach half the way to Γ.

    A parabolic valley looks the same at every energy, so the orbits of all carriers may be scaled to one surface.
    """
    from semijax import plot

    band, middle = one.dynamics.species.band, np.asarray(center(one.dynamics), np.float64)
    turn = one.tracks[: 2 + int(np.sum(one.time - one.time[0] < 2 * np.pi / one.omega)), :5]
    energies = np.asarray(jax.vmap(band)(jnp.asarray(turn[0])), np.float64)
    _, axes = plot.energy_ellipsoid(band, float(energies.max()), middle)
    enlarged = np.linalg.norm(middle) / 2 / np.linalg.norm(axes, axis=1).max()
    scaled = (turn - middle) * np.sqrt(energies.max() / energies)[None, :, None]
    return middle, enlarged * scaled, enlarged * axes


def _masses(scan: list[list[Valley]]) -> Any:
    """Cyclotron masses against the angle of B: found in the scan, and the law of the tensor between them."""
    from semijax.plot import house

    turned = _between(scan[0][0].magnetic, scan[-1][0].magnetic)
    with _shared.sheet(6.4, 4.4) as figure:
        ax = figure.subplots()
        text = r"$1/m_c^2 = \cos^2\theta/m_t^2 + \sin^2\theta/m_t m_l$"
        for i, (one, color) in enumerate(zip(scan[0], _COLORS)):
            tensor = np.asarray(one.dynamics.species.band.effective_mass(center(one.dynamics)))
            law = [cyclotron_mass(tensor, b) for b in turned]
            ax.plot([_angle(b) for b in turned], law, **house.THEORY_LINE, label=text if i == 0 else None)
            found = [(_angle(point[i].magnetic), _mass(point[i]).found) for point in scan]
            size = (9.0, 5.0, 7.0)[i % 3]  # valleys that agree by symmetry lie on top of one another
            label = f"found, valleys along ${one.name}$"
            ax.plot(*np.transpose(found), "o", color=getattr(house, color), markersize=size, label=label, zorder=5 + i % 2)
        ax.set(xlabel="angle between $B$ and [001] (degrees)", ylabel="cyclotron mass $m_c/m_0$")
        ax.legend(loc="upper center")
        return figure


def _angle(magnetic: np.ndarray) -> float:
    return float(np.degrees(np.arccos(magnetic[2] / np.linalg.norm(magnetic))))


def _between(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Directions [m 3] turning from the first to the last."""
    a, b = first / np.linalg.norm(first), last / np.linalg.norm(last)
    share = np.linspace(0, 1, 181)[:, None]
    return (1 - share) * a + share * b


def _volume(case: Any, main: Any, valleys: list[Valley]) -> Any:
    """The carried phase-space volume of every valley, beside what the scheme takes from it."""
    from semijax.plot import house

    volumes = _shared.recorded(case, main, "volume")
    time, unit = valleys[0].time / units.PS, 1e-6
    text = r"$-(t/\Delta t)\,(\omega_c \Delta t)^6/72$" if case.run.step == "rk4" else "law of the scheme"
    with _shared.sheet(6.4, 4.0) as figure:
        ax = figure.subplots()
        for i, (one, color) in enumerate(zip(valleys, _COLORS)):
            label, width = f"valleys along ${one.name}$", 4.5 - 1.5 * min(i, 2)
            ax.plot(time, volumes[one.name] / unit, color=getattr(house, color), linewidth=width, label=label)
        for i, one in enumerate(valleys):
            lost = one.numerical.log_volume * np.linspace(0, 1, len(time)) / unit
            ax.plot(time, lost, **house.THEORY_LINE, label=text if i == 0 else None)
        ax.axhline(0, color=house.GREY, linewidth=0.8)
        ax.set(xlabel="time $t$ (ps)", ylabel="phase-space volume $\\ln(V/V_0)$  ($10^{-6}$)", xlim=(time[0], time[-1]))
        ax.legend()
        return figure
