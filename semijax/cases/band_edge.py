"""A carrier through the zone boundary: negative mass, and the current of a band lacking one electron as that of one hole."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from semijax import Carriers, Phase, build, observables, units
from semijax._types import SemijaxError, cast
from semijax.cases import _shared
from semijax.report import Report, Row
from semijax.simulate import simulate

_NOTES = [
    "The hole (charge +e, k_h = −k_e, E_h(k) = −E(−k)) carries the current of all electrons of the band but one.",
    "Left out: Zener tunnelling out of the band, collisions.",
]


@dataclass(frozen=True)
class Drive:
    """What was found along the field. k [f]: of the electron, unfolded, 1/Å. v: velocities of electron and hole, Å/fs.

    inverse: inverse masses of both, Å²/(eV fs²). band [f n]: velocities of the n electrons that fill the band, the first that of
    the electron. force: on an electron, eV/Å. fastest: the highest speed in the band, Å/fs. off: the most that rounding may move
    a velocity, Å/fs.
    """

    push: _shared.Push
    k: np.ndarray
    v: tuple[np.ndarray, np.ndarray]
    inverse: tuple[np.ndarray, np.ndarray]
    band: np.ndarray
    force: float
    fastest: float
    off: float

    @property
    def phase(self) -> float:
        """Advance of kd from one frame to the next."""
        return 2 * np.pi * self.push.frequency * float(self.push.time[1] - self.push.time[0])

    @property
    def acceleration(self) -> np.ndarray:
        """Of the electron by central differences, without the first and the last frame, Å/fs²; too small by phase²/6."""
        return (self.v[0][2:] - self.v[0][:-2]) / (self.push.time[2:] - self.push.time[:-2])


def report(case: Any, results: Any) -> Report:
    """Rows: masses from the acceleration, where the mass changes sign, and the two descriptions of one current."""
    drive = followed(case, results.main)
    rows = [_mass(drive, "bottom", 0.0), _mass(drive, "zone boundary", np.pi), _newton(drive), _turning(drive)]
    rows += [_full(drive), _hole(drive), _opposite(drive)]
    band = results.main.dynamics["electron"].species.band
    figures = {"mass": _path(drive, band), "currents": _currents(drive), "empty_state": _empty_state(drive, band)}
    return Report(rows, _NOTES, figures)


def followed(case: Any, main: Any) -> Drive:
    """What the run found, and the run of the electrons that fill the band."""
    electron, _ = _shared.species(case, main, "electron", "hole")
    push = _shared.push_of(case, main, electron)
    velocity, inverse = (_shared.recorded(case, main, name) for name in ("velocity", "inverse_mass"))
    v = {name: velocity[name] @ push.along for name in ("electron", "hole")}
    m = {name: inverse[name] @ push.along @ push.along for name in ("electron", "hole")}
    k = _shared.recorded(case, main, "wavevector")["electron"] @ push.along
    zone = np.linspace(-1, 1, 2001) * np.pi / push.period
    width = float(np.ptp(_shared.energies(electron.species.band, push, zone)))
    fastest = width * push.period / 2 / units.HBAR
    # every step rounds a folded k, the constants round once; a cosine band turns that into a velocity off by fastest·d·δk
    drift = push.roundoff * (2 * main.result.status.steps * np.pi / push.period + 8 * float(np.abs(k).max()))
    off = fastest * (push.period * drift + 8 * push.roundoff)
    force = electron.species.charge * push.component
    filled = _filled(case, main, electron, push)
    return Drive(push, k, (v["electron"], v["hole"]), (m["electron"], m["hole"]), filled, force, fastest, off)


def _filled(case: Any, main: Any, electron: Any, push: _shared.Push) -> np.ndarray:
    """Velocities [f n] of n electrons that fill the band evenly, the first at the wavevector of the case's electron."""
    n = case.analysis.get("states", 16)
    if not isinstance(n, int) or not 2 <= n <= 10_000:
        raise SemijaxError(f"{case.where}: analysis.states = {n!r}: allowed is a whole number from 2 to 10000")
    first = main.start["electron"].phase
    step = 2 * np.pi / push.period / n * push.along
    k = jnp.asarray(np.asarray(first.wavevector[0], np.float64) + np.arange(n)[:, None] * step)
    carriers = cast(Carriers(Phase(jnp.zeros_like(k), k)), first.wavevector.dtype)
    frames, steps = len(push.time) - 1, int(main.result.status.steps)
    record = {"velocity": observables.sample(observables.velocity, n)}
    timing = {"duration": case.run.duration, "dt": case.run.duration / steps, "every": steps // frames, "start": case.run.start}
    result = simulate(electron, carriers, record=record, step=build.step(case), **timing).check()
    return _shared.as_numbers(result.frames["velocity"]) @ push.along


def _mass(drive: Drive, where: str, at: float) -> Row:
    """Force over acceleration in the frame nearest to kd = ±at, beside ±2ħ²/(Δd²) of a cosine band."""
    turned = (drive.k[1:-1] * drive.push.period - at + np.pi) % (2 * np.pi) - np.pi
    nearest = int(np.abs(turned).argmin())
    mass = units.HBAR / (drive.fastest * drive.push.period) * np.cos(at) / units.M0
    found = drive.force / drive.acceleration[nearest] / units.M0
    # the frame is a little off the point, 1 − cos, and the difference quotient of a sinusoid is sin(x)/x of its slope
    short = turned[nearest] ** 2 / 2 + drive.phase**2 / 6
    rounding = 2 * drive.off / (drive.phase * drive.fastest)
    bound = abs(mass) * (short + rounding) / (1 - short - rounding)
    sign = "−" if np.cos(at) < 0 else ""
    return Row(f"mass at the {where}, {sign}2ħ²/Δd²", found, mass, "m₀", bound, "bound")


def _newton(drive: Drive) -> Row:
    """Acceleration found against force times inverse mass of the band, all along the path."""
    expected = drive.force * drive.inverse[0][1:-1]
    off = float(np.abs(drive.acceleration - expected).max())
    top = drive.fastest * 2 * np.pi * drive.push.frequency
    bound = top * drive.phase**2 / 6 + 2 * drive.off / (drive.push.time[1] - drive.push.time[0])
    return Row("|a − F/m| over F/m at the bottom, largest", off / top, 0.0, "", bound / top, "bound")


def _turning(drive: Drive) -> Row:
    """Where force × acceleration changes sign first: the inflection of the band, kd = π/2."""
    phase, a = np.abs(drive.k[1:-1]) * drive.push.period, drive.acceleration
    i = int(np.flatnonzero(np.sign(a[1:]) != np.sign(a[:-1]))[0])
    found = phase[i] + (phase[i + 1] - phase[i]) * a[i] / (a[i] - a[i + 1])
    # a sine beside its zero bends away from its chord by at most x³/8; rounding of a over its slope
    bound = drive.phase**3 / 8 + 2 * drive.off / (drive.phase * drive.fastest) + drive.off / drive.fastest
    return Row("kd where the mass turns negative, π/2", float(found), np.pi / 2, "", bound, "bound")


def _full(drive: Drive) -> Row:
    found = float(np.abs(drive.band.sum(1)).max()) / drive.fastest
    bound = drive.band.shape[1] * drive.off / drive.fastest
    return Row("current of the full band / e v_max, largest", found, 0.0, "", bound, "bound")


def _hole(drive: Drive) -> Row:
    others = -drive.band[:, 1:].sum(1)
    found = float(np.abs(others - drive.v[1]).max()) / drive.fastest
    bound = (drive.band.shape[1] + 1) * drive.off / drive.fastest
    return Row("current of all but one − of the hole, / e v_max", found, 0.0, "", bound, "bound")


def _opposite(drive: Drive) -> Row:
    found = float(np.abs(drive.inverse[0] + drive.inverse[1]).max()) * units.M0
    slope = drive.fastest * drive.push.period / units.HBAR * units.M0  # inverse mass at the bottom; off is relative to it too
    return Row("m₀/m of electron + of hole, largest", found, 0.0, "", 2 * slope * drive.off / drive.fastest, "bound")


def _path(drive: Drive, band: Any) -> Any:
    """Energy, velocity and inverse mass over the zone, and where the carrier was at even times."""
    import matplotlib as mpl

    from semijax import plot
    from semijax.plot import prefixes

    with _shared.sheet(5.6, 7.0) as figure:
        three = figure.subplots(3, 1, sharex=True)
        plot.bands_and_mass(band, direction=drive.push.along, ax=three)
        edge = np.pi / drive.push.period
        one_period = np.flatnonzero(drive.push.time - drive.push.time[0] < 1 / drive.push.frequency)
        shown = one_period[:: max(1, len(one_period) // 10)][:10]
        k = (drive.k[shown] / edge + 1) % 2 - 1
        values = (_shared.energies(band, drive.push, k * edge), drive.v[0][shown], drive.inverse[0][shown] * units.M0)
        when = drive.push.time[shown] / units.FS
        for ax, y, kind in zip(three, values, ("energy", "velocity", None)):
            unit = prefixes.label(ax.yaxis, kind, y, "")
            dots = ax.scatter(
                k, y / unit, c=when, cmap=mpl.colormaps["viridis"], s=42, zorder=5, edgecolor="white", clip_on=False
            )
        figure.colorbar(dots, ax=list(three), label="time $t$ (fs)", pad=0.02, aspect=50)
        return figure


def _currents(drive: Drive) -> Any:
    """The current of each electron of the band, of all, of all but one, and of the hole."""
    from semijax.plot import house

    t, unit = drive.push.time / units.FS, units.KM_PER_S
    with _shared.sheet(6.8, 4.4) as figure:
        ax = figure.subplots()
        ax.plot(t, -drive.band[:, 1:] / unit, color=house.GREY, alpha=0.35, linewidth=0.8)
        ax.plot([], [], color=house.GREY, alpha=0.6, linewidth=0.8, label="each other electron of the band")
        ax.plot(t, -drive.v[0] / unit, color=house.ELECTRON, label="the electron alone, $-ev$")
        ax.plot(t, -drive.band.sum(1) / unit, color=house.GREEN, label="the full band")
        ax.plot(t, drive.v[1] / unit, color=house.HOLE, linewidth=3.5, label="the hole, $+ev_h$")
        ax.plot(t, -drive.band[:, 1:].sum(1) / unit, **house.THEORY_LINE, label="all electrons but the one")
        ax.set(xlabel="time $t$ (fs)", ylabel="current ($e$ km/s)", xlim=(t[0], t[-1]))
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1.2)
        return figure


def _empty_state(drive: Drive, band: Any) -> Any:
    """The band full but for one electron, at five times: all states move, and with them the empty one."""
    from semijax.plot import house, prefixes

    n, edge = drive.band.shape[1], np.pi / drive.push.period
    shares = (0, 1 / 8, 1 / 4, 1 / 2, 3 / 4)
    zone = np.linspace(-1, 1, 301)
    with _shared.sheet(9.4, 2.9) as figure:
        panels = figure.subplots(1, len(shares), sharey=True)
        for ax, share in zip(panels, shares):
            frame = int(np.abs(drive.push.time - drive.push.time[0] - share / drive.push.frequency).argmin())
            k = (drive.k[frame] / edge + 2 * np.arange(n) / n + 1) % 2 - 1
            e = _shared.energies(band, drive.push, k * edge) / units.MEV
            ax.plot(zone, _shared.energies(band, drive.push, zone * edge) / units.MEV, color=house.GREY, linewidth=1.0)
            ax.plot(k[1:], e[1:], "o", color=house.ELECTRON, markersize=5, clip_on=False)
            empty = {"markerfacecolor": "white", "markeredgecolor": house.HOLE, "markeredgewidth": 2}
            ax.plot(k[0], e[0], "o", markersize=9, **empty, clip_on=False, zorder=5)
            ax.set(
                title=prefixes.written("time", drive.push.time[frame]) if share else "$t$ = 0",
                xlabel="$k$ ($\\pi/d$)",
                xlim=(-1, 1),
            )
            ax.set_xticks([-1, 0, 1])
        panels[0].set_ylabel("energy $E$ (meV)")
        return figure
