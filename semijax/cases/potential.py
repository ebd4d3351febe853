"""Carriers in a harmonic potential: total energy, the frequencies of the trap, and the centre and width of the cloud."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import build, units
from semijax._types import SemijaxError
from semijax.cases import _shared
from semijax.cases._rules import Oscillation, oscillation
from semijax.cases.fits import damped_sinusoid
from semijax.report import Report, Row

_NOTES = [
    "The repulsion of the electrons, left out, does not change how their centre swings (Kohn, Phys. Rev. 123, 1242 (1961)).",
    "Left out too: collisions, and all that the wave nature of carriers does where φ changes within a wavelength.",
]


@dataclass(frozen=True)
class Axis:
    """One direction of the trap and the cloud along it: centre and standard deviation, [f], Å, found and in closed form.

    omega: of the trap, 1/fs. numerical: what the scheme makes of such an oscillation. reach: the farthest turning point of any
    carrier from the middle, Å. rounding, off: the most that rounding, and with it the scheme, may move a carrier, Å.
    """

    name: str
    time: np.ndarray
    centre: tuple[np.ndarray, np.ndarray]
    width: tuple[np.ndarray, np.ndarray]
    omega: float
    numerical: Oscillation
    dt: float
    reach: float
    rounding: float
    off: float


def report(case: Any, results: Any) -> Report:
    """Rows: frequency, centre and width of the cloud along each axis, total energy and phase-space volume of all carriers."""
    main = results.main
    trapped = next(iter(main.dynamics))
    axes = axes_of(case, main, trapped)
    rows = [make(case, axis) for make in (_frequency, _centre, _width) for axis in axes]
    energy = _energy(case, main, trapped, axes)
    rows += [energy, _volume(case, main, trapped, axes)]
    figures = {
        "orbits": _orbits(case, main, trapped),
        "swing": _swing(axes),
        "certificate": _certificate(case, main, trapped, axes, energy),
    }
    return Report(rows, _NOTES, figures)


def axes_of(case: Any, main: Any, trapped: str) -> list[Axis]:
    """The axes of the trap; raises SemijaxError where the potential is not harmonic or the carriers are not bound."""
    dynamics = main.dynamics[trapped]
    if [table.kind for table in case.field] != ["harmonic"] or dynamics.species.band.dimension != 2:
        kinds = [table.kind for table in case.field]
        raise SemijaxError(
            f"{case.where}: field = {kinds}: allowed with report = 'potential' is one harmonic field, in 2 dimensions"
        )
    stiffness = dynamics.species.charge * np.asarray(case.field[0].stiffness)
    inverse = np.diag(np.asarray(dynamics.species.band.inverse_mass(jnp.zeros(2)), np.float64))
    if not (stiffness * inverse > 0).all():
        raise SemijaxError(
            f"{case.where}: field.0.stiffness = {case.field[0].stiffness}: allowed are numbers that bind: < 0 for electrons"
        )
    return [_axis(case, main, trapped, i, float(np.sqrt(stiffness[i] * inverse[i]))) for i in range(2)]


def _axis(case: Any, main: Any, trapped: str, i: int, omega: float) -> Axis:
    status, time = main.result.status, _shared.times(main)
    middle = 0.0 if case.field[0].center is None else case.field[0].center[i]
    start = main.start[trapped].phase
    inverse = float(main.dynamics[trapped].species.band.inverse_mass(jnp.zeros(2))[i, i])
    # r − middle and v/ω: the two amplitudes of every carrier, r = middle + a cos ωt + b sin ωt
    swings = np.stack([_shared.as_numbers(start.position)[:, i] - middle, _at_rest(start, i, inverse) / omega])
    wave = np.stack([np.cos(omega * (time - time[0])), np.sin(omega * (time - time[0]))])
    spread = np.einsum("if,ij,jf->f", wave, np.cov(swings, ddof=0), wave)
    centre = _shared.recorded(case, main, "position")[trapped][:, i], middle + swings.mean(1) @ wave
    width = np.sqrt(_shared.recorded(case, main, "spread")[trapped][:, i, i]), np.sqrt(spread)
    numerical = oscillation(build.step(case), omega * status.dt, status.steps)
    reach, turned = float(np.hypot(*swings).max()), omega * float(np.ptp(time))
    # every step rounds r and k, the constants round once: a relative change of ω
    u = _shared.roundoff(case)
    rounding = reach * u * (4 * status.steps + 8 * turned)
    # the scheme turns too fast or too slowly (RK4: x⁴/120), and gains or loses energy, twice the amplitude (RK4: steps x⁶/72)
    off = rounding + reach * (abs(numerical.frequency - 1) * turned + numerical.energy / 2)
    return Axis("xy"[i], time, centre, width, omega, numerical, status.dt, reach, rounding, off)


def _at_rest(start: Any, i: int, inverse: float) -> np.ndarray:
    """Speeds of parabolic carriers, Å/fs."""
    return units.HBAR * inverse * _shared.as_numbers(start.wavevector)[:, i]


def _frequency(case: Any, axis: Axis) -> Row:
    found = damped_sinusoid(axis.time, axis.centre[0])
    theory, turns = axis.omega / (2 * np.pi) / units.THZ_INTERNAL, axis.omega * float(np.ptp(axis.time)) / (2 * np.pi)
    slack = abs(axis.numerical.frequency - 1) + _shared.fit_error(axis.rounding, found.amplitude, turns)
    slack += 8 * _shared.roundoff(case)
    name = f"frequency along {axis.name}, sqrt(qφ''/m)/2π"
    return Row(name, found.frequency / units.THZ_INTERNAL, theory, "THz", theory * slack, "bound")


def _centre(case: Any, axis: Axis) -> Row:
    off = float(np.abs(axis.centre[0] - axis.centre[1]).max())
    return Row(f"centre of the cloud along {axis.name}, farthest from theory", off, 0.0, "Å", axis.off, "bound")


def _width(case: Any, axis: Axis) -> Row:
    off = float(np.abs(axis.width[0] - axis.width[1]).max())
    return Row(f"width of the cloud along {axis.name}, farthest from theory", off, 0.0, "Å", axis.off, "bound")


def _energy(case: Any, main: Any, trapped: str, axes: list[Axis]) -> Row:
    """The largest change of the total energy of any carrier, above the middle of the trap."""
    dynamics, start = main.dynamics[trapped], main.start[trapped].phase
    energies = _shared.as_numbers(jax.vmap(lambda phase: dynamics.total_energy(0.0, phase))(start))
    # r and k each off by 4·steps roundings of the largest amplitude: the energy is quadratic in them
    share = max(axis.numerical.energy for axis in axes) + 16 * main.result.status.steps * _shared.roundoff(case)
    found = float(main.result.status.drifts[f"energy of {trapped}"].change) / units.MEV
    bound = float(energies.max()) * share / units.MEV
    return Row("total energy E + qφ of a carrier, largest change", found, 0.0, "meV", bound, "bound")


def _volume(case: Any, main: Any, trapped: str, axes: list[Axis]) -> Row:
    """ln det of all steps; RK4 takes x⁶/72 a step from every axis."""
    found = float(main.result.status.drifts[f"log_volume of {trapped}"].change)
    # the matrix of a step is one but for entries whose products are of size x², each rounded about ten times
    x = max(axis.omega * axis.dt for axis in axes)
    rounding = main.result.status.steps * (10 * _shared.roundoff(case) * x + 8 * 2.0**-53)
    bound = sum(abs(axis.numerical.log_volume) for axis in axes) + rounding
    return Row("phase-space volume ln(V/V₀), largest", found, 0.0, "", bound, "bound")


def _orbits(case: Any, main: Any, trapped: str) -> Any:
    """Tracks of some carriers and of the centre over the potential energy; the cloud at the start and at the end."""
    from semijax.plot import house

    tracks = _shared.recorded(case, main, "tracks")[trapped] / units.NM
    centre = _shared.recorded(case, main, "position")[trapped] / units.NM
    clouds = [_shared.as_numbers(c.phase.position)[:1500] / units.NM for c in (main.start[trapped], main.result.final[trapped])]
    reach = 1.08 * max(float(np.abs(x).max()) for x in (tracks, *clouds))
    dynamics, line = main.dynamics[trapped], np.linspace(-reach, reach, 161)
    places = jnp.asarray(np.stack(np.meshgrid(line, line), -1).reshape(-1, 2) * units.NM)
    heights = (
        dynamics.species.charge * _shared.as_numbers(jax.vmap(dynamics.field.potential)(places)).reshape(161, 161) / units.MEV
    )
    with _shared.sheet(6.2, 5.8) as figure:
        figure.set_layout_engine("compressed")  # keeps the bar as high as the square picture
        ax = figure.subplots()
        shades = ax.contourf(line, line, heights, levels=14, cmap=house.BACKGROUND, zorder=0)
        ax.contour(line, line, heights, levels=shades.levels, colors="white", linewidths=0.6, zorder=1)
        ax.plot(tracks[:, 0, 0], tracks[:, 0, 1], color=house.SKY, linewidth=1.0, label="one carrier")
        ax.plot(*centre.T, color=house.BLUE, linewidth=2.0, label="centre of the cloud", zorder=4)
        for cloud, color, label in zip(clouds, (house.VERMILION, house.GREEN), ("cloud at the start", "cloud at the end")):
            ax.plot(
                *cloud.T, ".", color=color, markersize=2.5, alpha=0.4, markeredgewidth=0, label=label, zorder=3, rasterized=True
            )
        ax.grid(False)
        ax.set(xlabel="position $x$ (nm)", ylabel="position $y$ (nm)", aspect="equal")
        figure.colorbar(shades, ax=ax, label="potential energy $q\\varphi$ (meV)", pad=0.02, aspect=25)
        house.legend(ax, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, markerscale=4)
        return figure


def _swing(axes: list[Axis]) -> Any:
    """Centre of the cloud along each axis and its widths against time, found and in closed form."""
    from semijax.plot import house

    with _shared.sheet(7.2, 6.0) as figure:
        panels = figure.subplots(len(axes) + 1, 1, sharex=True)
        for ax, axis, color in zip(panels, axes, (house.BLUE, house.GREEN)):
            t = axis.time / units.PS
            ax.plot(t, axis.centre[0] / units.NM, color=color, linewidth=2.6)
            ax.plot(t, axis.centre[1] / units.NM, **house.THEORY_LINE)
            ax.set(ylabel=f"centre ${axis.name}$ (nm)", xlim=(t[0], t[-1]))
            panels[-1].plot(t, axis.width[0] / units.NM, color=color, linewidth=2.6, label=f"along ${axis.name}$")
            panels[-1].plot(t, axis.width[1] / units.NM, **house.THEORY_LINE, label="theory" if axis is axes[-1] else None)
        house.legend_above(panels[-1])
        panels[-1].set(xlabel="time $t$ (ps)", ylabel="width $\\sigma$ (nm)")
        figure.align_ylabels(panels)
        return figure


def _certificate(case: Any, main: Any, trapped: str, axes: list[Axis], energy: Row) -> Any:
    """How far the total energy of some carriers moved beside the bound for all, and the volume beside what the scheme takes."""
    from semijax import plot

    energies = _shared.recorded(case, main, "energies")[trapped]
    volume = _shared.recorded(case, main, "volume")[trapped]
    time, lost = _shared.times(main), sum(axis.numerical.log_volume for axis in axes)
    with _shared.sheet(6.4, 5.4) as figure:
        top, below = figure.subplots(2, 1, sharex=True)
        allowed = None if energy.error is None else energy.error * units.MEV
        plot.energy_drift(time, energies - energies[0], allowed=allowed, label=f"largest of {energies.shape[1]} carriers", ax=top)
        plot.liouville(time, volume, theory=lost * np.linspace(0, 1, len(time)), label="mean of all carriers", ax=below)
        below.lines[-1].set_label(f"what {case.run.step} takes")
        below.legend()
        top.set_xlabel("")
        figure.align_ylabels([top, below])
        return figure
