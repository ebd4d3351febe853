"""One electron-hole pair from k = 0 in a uniform field: separation in k, motion in space beside its closed form, emission."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from semijax import build, units
from semijax.cases import _shared
from semijax.cases._rules import steady_push
from semijax.cases.fits import DampedSinusoid, damped_sinusoid
from semijax.report import Report, Row

_NOTES = [
    "Left out: the attraction of electron and hole (excitons), collisions, and tunnelling to higher minibands.",
    "The empty state of the valence band moves with the electron, to the same k; the hole's wavevector is minus that.",
]


@dataclass(frozen=True)
class Member:
    """Electron or hole along the field. k, z [f]: found, 1/Å and Å. exact [f]: z in closed form. fit: the sinusoid through z.

    width: of the band along the field, eV. rule, rounding: the most that the scheme and rounding move z, Å; drift: k, 1/Å.
    """

    name: str
    charge: int
    band: Any
    k: np.ndarray
    z: np.ndarray
    exact: np.ndarray
    fit: DampedSinusoid
    width: float
    rule: float
    rounding: float
    drift: float

    @property
    def off(self) -> float:
        """The most that z may be off, Å."""
        return self.rule + self.rounding


def report(case: Any, results: Any) -> Report:
    """Rows: Bloch frequency, displacement and track of both, their separation in k and in space, total energy."""
    main = results.main
    electron, _ = _shared.species(case, main, "electron", "hole")
    push = _shared.push_of(case, main, electron)
    pair = [member(case, main, push, name) for name in ("electron", "hole")]
    drifts = main.result.status.drifts
    rows = [row for make in (_frequency, _swing, _track) for row in (make(one, push) for one in pair)]
    rows += [_apart_in_k(pair, push), _apart(pair, push), *(_energy(one, push, drifts) for one in pair)]
    current = _shared.recorded(case, main, "current") @ push.along
    figures = {"tracks": _tracks(pair, push), "bands": _bands(pair, push), "emission": _emission(current, push)}
    return Report(rows, _NOTES, figures)


def member(case: Any, main: Any, push: _shared.Push, name: str) -> Member:
    """What one of the pair did and should have done."""
    species, status = main.dynamics[name].species, main.result.status
    k = _shared.recorded(case, main, "wavevector")[name] @ push.along
    z = _shared.recorded(case, main, "position")[name] @ push.along
    force = species.charge * push.component
    # dE = ħ v·dk = force·dr in any band, and k grows evenly: the track follows from E(k) alone
    energies = _shared.energies(species.band, push, k[0] + force * (push.time - push.time[0]) / units.HBAR)
    exact = z[0] + (energies - energies[0]) / force
    width = float(np.ptp(_shared.energies(species.band, push, np.linspace(-1, 1, 2001) * np.pi / push.period)))
    # the sum over the steps rounds a folded k every time, field and constants round once
    steps, u = status.steps, push.roundoff
    drift = u * (2 * steps * np.pi / push.period + 8 * float(np.abs(k).max()))
    # z sums up exp(ikd), which the scheme does with a small relative error (RK4 by Simpson's rule: x⁴/2880); a wrong k is a wrong
    # speed, at most width·d²/2ħ times it, and z rounds like k
    rule = steady_push(build.step(case), 2 * np.pi * push.frequency * status.dt) * width / push.strength
    late = width * push.period**2 / (2 * units.HBAR) * drift * float(np.ptp(push.time)) / 2
    rounding = late + u * (2 * steps + 8) * float(np.abs(z).max())
    fit = damped_sinusoid(push.time, z)
    return Member(name, species.charge, species.band, k, z, exact, fit, width, rule, rounding, drift)


def _frequency(one: Member, push: _shared.Push) -> Row:
    turns = push.frequency * float(np.ptp(push.time))
    # an error of the rule changes amplitude and phase of z, not its frequency
    bound = push.frequency * (_shared.fit_error(one.rounding, one.width / push.strength / 2, turns) + 8 * push.roundoff)
    terahertz = units.THZ_INTERNAL
    name = f"Bloch frequency of the {one.name}, eFd/h"
    return Row(name, one.fit.frequency / terahertz, push.frequency / terahertz, "THz", bound / terahertz, "bound")


def _swing(one: Member, push: _shared.Push) -> Row:
    theory = one.width / push.strength / units.NM
    found = 2 * one.fit.amplitude / units.NM
    bound = (one.rule + 4 * one.rounding) / units.NM
    return Row(f"peak-to-peak displacement of the {one.name}, Δ/eF", found, theory, "nm", bound, "bound")


def _track(one: Member, push: _shared.Push) -> Row:
    off = float(np.abs(one.z - one.exact).max())
    return Row(f"z of the {one.name}, farthest from [E(k) − E(0)]/qF", off, 0.0, "Å", one.off, "bound")


def _apart_in_k(pair: list[Member], push: _shared.Push) -> Row:
    theory = 2 * push.strength * float(np.ptp(push.time)) / units.HBAR
    found = float(abs(pair[0].k[-1] - pair[1].k[-1]))
    bound = sum(one.drift for one in pair) * units.NM
    return Row("|k_e − k_h| at the end, 2eFt/ħ", found * units.NM, theory * units.NM, "1/nm", bound, "bound")


def _apart(pair: list[Member], push: _shared.Push) -> Row:
    found = damped_sinusoid(push.time, pair[0].z - pair[1].z)
    theory = sum(one.width for one in pair) / push.strength / units.NM
    bound = sum(one.rule + 4 * one.rounding for one in pair) / units.NM
    return Row("largest separation, (Δ_e + Δ_h)/eF", 2 * found.amplitude / units.NM, theory, "nm", bound, "bound")


def _energy(one: Member, push: _shared.Push, drifts: Any) -> Row:
    # band energy plus qφ: a wrong z costs the work along it, a wrong k at most width·d/2
    bound = push.strength * one.off + one.width * push.period / 2 * one.drift
    found = float(drifts[f"energy of {one.name}"].change) / units.MEV
    return Row(f"band energy + qφ of the {one.name}, largest change", found, 0.0, "meV", bound / units.MEV, "bound")


def _tracks(pair: list[Member], push: _shared.Push) -> Any:
    """Positions against time with their closed form, and below the wavevectors that leave each other."""
    from semijax import plot
    from semijax.plot import house

    with _shared.sheet(7.2, 5.6) as figure:
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
        plot.pair_tracks(push.time, pair[0].z, pair[1].z, ax=top)
        for i, one in enumerate(pair):
            label = "$[E(k) - E(0)]/qF$" if i == 0 else None
            top.plot(push.time / units.PS, one.exact / units.NM, **house.THEORY_LINE, label=label)
            color = (house.ELECTRON, house.HOLE)[i]
            below.plot(push.time / units.PS, one.k * push.period / np.pi, color=color)
        house.legend_above(top)
        top.set(xlabel="", ylabel="position along $F$ (nm)")
        below.fill_between(
            push.time / units.PS, *(one.k * push.period / np.pi for one in pair), color=house.GREY, alpha=0.15, linewidth=0
        )
        below.text(0.72, 0.5, r"$|k_e - k_h| = 2eFt/\hbar$", transform=below.transAxes, ha="center", va="center")
        below.set(xlabel="time $t$ (ps)", ylabel="$k$, unfolded ($\\pi/d$)")
        figure.align_ylabels([top, below])
        return figure


def _bands(pair: list[Member], push: _shared.Push) -> Any:
    """Both minibands along the field with the electron and the state it left at some times of the first period."""
    import matplotlib as mpl

    from semijax.plot import house, prefixes

    shares = (0, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8)
    shown = [int(np.abs(push.time - push.time[0] - share / push.frequency).argmin()) for share in shares]
    colors = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(shown)))
    zone = np.linspace(-1, 1, 401)
    edge = np.pi / push.period
    with _shared.sheet(6.6, 5.8) as figure:
        top, below = figure.subplots(2, 1, sharex=True)
        for ax, one, sign in ((top, pair[0], 1), (below, pair[1], -1)):  # E_v(k) = −E_h(−k)
            ax.plot(zone, sign * _shared.energies(one.band, push, sign * zone * edge) / units.MEV, color=house.INK, linewidth=1.2)
            for frame, color in zip(shown, colors):
                k = (sign * one.k[frame] / edge + 1) % 2 - 1  # in the zone, π/d
                energy = sign * _shared.energies(one.band, push, np.array([sign * k * edge]))[0] / units.MEV
                face = {"markerfacecolor": color if sign == 1 else "white", "markeredgecolor": color, "markeredgewidth": 2}
                label = prefixes.written("time", push.time[frame]) if push.time[frame] else "$t$ = 0"
                ax.plot(k, energy, "o", markersize=9, **face, label=label, zorder=4, clip_on=False)
        top.legend(loc="lower right", bbox_to_anchor=(1.0, 1.02), ncols=len(shown), handletextpad=0.1, columnspacing=0.8)
        for ax, text, y in ((top, "the electron", 0.9), (below, "the state it left, $k = -k_h$", 0.1)):
            ax.text(0.5, y, text, transform=ax.transAxes, ha="center", va="center")
        top.set_ylabel("electron miniband (meV)")
        below.set(xlabel="$k$ along $F$ ($\\pi/d$)", ylabel="heavy-hole miniband (meV)", xlim=(-1, 1))
        house.zone_ticks(below.xaxis)
        figure.align_ylabels([top, below])
        return figure


def _emission(current: np.ndarray, push: _shared.Push) -> Any:
    """The spectrum that the pair's current radiates."""
    from semijax import plot

    with _shared.sheet(6.4, 3.8) as figure:
        ax = figure.subplots()
        plot.spectrum(push.time, current, line=push.frequency / units.THZ_INTERNAL, ax=ax)
        return figure
