"""A packet in a cosine miniband shaken by an alternating field: its mean velocity follows J0, and vanishes at the zeros."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import j0, jn_zeros

from semijax import build, units
from semijax._types import SemijaxError
from semijax.cases import _shared
from semijax.cases._rules import swing
from semijax.report import Report, Row

_NOTES = [
    "Mean velocity: v_max J0(z) ⟨sin(k₀d − z sin φ)⟩ over the carriers of the run, z = eFd/ħω (Dunlap, Kenkre 1986).",
    "Left out: collisions, which let a current pass, and interminiband transitions (ħω = 8.3 meV must stay below the gap).",
]


@dataclass(frozen=True)
class Shaken:
    """One run. z: eFd/ħω, signed. velocity: found between whole periods, Å/fs; exact: in closed form. bound: on their distance.

    fastest: Δd/2ħ, Å/fs. amount: ⟨sin(k₀d − z sin φ)⟩ of its carriers. reach: how far the scheme and rounding move a carrier, Å.
    """

    finished: Any
    z: float
    velocity: float
    exact: float
    bound: float
    fastest: float
    amount: float
    reach: float
    drift: float


def report(case: Any, results: Any) -> Report:
    """Rows: mean velocity, return of the packet in k and in width, the velocities of the scan and their first zero."""
    main = shaken(results.main)
    scan = [shaken(point) for point in results.scan]
    rows = [_velocity("mean velocity of the packet", main), _returned(main), _width(main)]
    if scan:
        rows.append(_shared.worst("mean velocity, worst of the scan", [_velocity("", point) for point in scan]))
        rows += _zero(scan)
    figures = {"packet": _packet([main, *_others(scan)]), "miniband": _miniband(case, main)}
    return Report(rows, _NOTES, figures | ({"localization": _localization(main, scan)} if scan else {}))


def shaken(finished: Any) -> Shaken:
    """What one run found and what the closed form says; raises SemijaxError unless it is an ac field over whole periods."""
    case, name = finished.case, next(iter(finished.dynamics))
    field, dynamics, status = case.field[0], finished.dynamics[name], finished.result.status
    if [table.kind for table in case.field] != ["ac"] or dynamics.species.band.dimension != 1 or field.quadrature is not None:
        raise SemijaxError(f"{case.where}: field: allowed with report = {case.report!r} is one linear ac field, in 1 dimension")
    periods = case.run.duration * field.frequency * units.THZ_INTERNAL
    if not periods > 0.5 or abs(periods - round(periods)) > 1e-9 * periods:
        raise SemijaxError(
            f"{case.where}: run.duration = {case.run.duration:g} fs: allowed is a whole number of periods of the field"
        )
    omega = 2 * np.pi * field.frequency * units.THZ_INTERNAL
    period = _shared.period_along(case, dynamics, np.ones(1))
    z = dynamics.species.charge * field.electric[0] * period / (units.HBAR * omega)
    phase = omega * case.run.start + field.phase
    fastest = float(dynamics.species.band.velocity(jnp.asarray([np.pi / 2 / period]))[0])
    turned = _shared.as_numbers(finished.start[name].phase.wavevector)[:, 0] * period
    amount = float(np.sin(turned - z * np.sin(phase)).mean())
    offset, factor = swing(build.step(case), omega * status.dt, z, phase)
    # the sum over the steps rounds a folded k every time and r too, the constants round once: a relative change of z and speed
    u, steps = _shared.roundoff(case), status.steps
    x = _shared.recorded(case, finished, "position")[name][:, 0]
    drift = u * (2 * steps * np.pi / period + 8 * abs(z) / period)
    rounding = abs(fastest) * (period * drift + 8 * u) + 2 * steps * u * float(np.abs(x).max()) / case.run.duration
    of_scheme = abs(fastest) * abs(factor * float(np.sin(turned - offset).mean()) - float(j0(z)) * amount)
    reach = (abs(fastest * (factor - j0(z))) + abs(fastest * j0(z) * (offset - z * np.sin(phase))) + rounding) * case.run.duration
    found, exact = float(x[-1] - x[0]) / case.run.duration, fastest * float(j0(z)) * amount
    return Shaken(finished, float(z), found, exact, of_scheme + rounding, fastest, amount, float(reach), drift)


def _velocity(name: str, one: Shaken) -> Row:
    unit = units.KM_PER_S
    return Row(name, one.velocity / unit, one.exact / unit, "km/s", one.bound / unit, "bound")


def _returned(one: Shaken) -> Row:
    """The field has no mean: after whole periods every carrier is back at its k."""
    name = next(iter(one.finished.dynamics))
    start, end = (_shared.as_numbers(c.phase.wavevector) for c in (one.finished.start[name], one.finished.result.final[name]))
    return Row("k(T) − k(0), largest", float(np.abs(end - start).max()), 0.0, "1/Å", one.drift, "bound")


def _width(one: Shaken) -> Row:
    """Displacements J0(z) v_max T sin(...) widen the packet; at a zero of J0 they do not."""
    case, name = one.finished.case, next(iter(one.finished.dynamics))
    spread = np.sqrt(_shared.recorded(case, one.finished, "spread")[name][[0, -1], 0, 0])
    phase = _shared.as_numbers(one.finished.start[name].phase.wavevector)[:, 0]
    period = _shared.period_along(case, one.finished.dynamics[name], np.ones(1))
    angle = 2 * np.pi * case.field[0].frequency * units.THZ_INTERNAL * case.run.start + case.field[0].phase
    moved = one.fastest * j0(one.z) * np.sin(phase * period - one.z * np.sin(angle)) * case.run.duration
    theory = float(np.std(_shared.as_numbers(one.finished.start[name].phase.position)[:, 0] + moved))
    # displacements off by at most `reach` change a standard deviation by at most that
    return Row("width of the packet at the end", spread[1] / units.NM, theory / units.NM, "nm", one.reach / units.NM, "bound")


def _zero(scan: list[Shaken]) -> list[Row]:
    """Where the mean velocity first vanishes: the root of a spline through the scan."""
    points = sorted((abs(one.z), one.velocity / one.fastest / one.amount) for one in scan if one.amount)
    z, found = np.transpose(points)
    first = float(jn_zeros(0, 1)[0])
    if len(z) < 4 or z[0] > first or z[-1] < first or not (np.diff(z) > 0).all():
        return []
    roots = CubicSpline(z, found).roots(extrapolate=False)
    if not len(roots):
        return []
    # a cubic spline is off by 5h⁴/384 of the fourth derivative, at most 3/8 of J0; divided by the slope there, J1 = 0.519
    off = 5 / 384 * float(np.diff(z).max()) ** 4 * 3 / 8 + max(one.bound / abs(one.fastest * one.amount) for one in scan)
    return [Row("eFd/ħω where it first vanishes", float(roots.min()), first, "", off / 0.519, "bound")]


def _others(scan: list[Shaken]) -> list[Shaken]:
    """Runs of the scan to show beside the main one: a third of the first zero, and where J0 is most negative."""
    wanted = (0.8, 3.8317) if scan else ()
    return [min(scan, key=lambda one, at=at: abs(abs(one.z) - at)) for at in wanted]


def _localization(main: Shaken, scan: list[Shaken]) -> Any:
    """Mean velocity over that of the undriven packet, against eFd/ħω, beside J0."""
    from semijax.plot import house

    fine = np.linspace(0, max(abs(one.z) for one in scan), 401)
    with _shared.sheet(6.6, 4.2) as figure:
        ax = figure.subplots()
        ax.plot(fine, j0(fine), **house.THEORY_LINE, label="$J_0(z)$")
        found = [(abs(one.z), one.velocity / (one.fastest * one.amount)) for one in (*scan, main)]
        ax.plot(*np.transpose(found[:-1]), "o", label="found", zorder=5)
        ax.plot(*found[-1], "o", color=house.VERMILION, markersize=9, label="found, main run", zorder=6)
        zeros = [zero for zero in jn_zeros(0, 9) if zero < fine[-1]]
        ax.plot(zeros, np.zeros(len(zeros)), "|", color=house.INK, markersize=14, label="zeros of $J_0$", zorder=4)
        ax.axhline(0, color=house.GREY, linewidth=0.8)
        ax.set(xlabel="amplitude of the field $z = eFd/\\hbar\\omega$", xlim=(0, fine[-1] * 1.02))
        ax.set_ylabel(r"mean velocity $\langle v\rangle / v_\mathrm{max}\langle\sin(k_0d - z\,\sin\varphi)\rangle$")
        house.legend(ax)
        return figure


def _packet(shown: list[Shaken]) -> Any:
    """Centre and width of the packet against time at some amplitudes."""
    from semijax.plot import house

    with _shared.sheet(6.8, 5.4) as figure:
        top, below = figure.subplots(2, 1, sharex=True)
        for one, color in zip(shown, (house.VERMILION, house.BLUE, house.GREEN)):
            case, name = one.finished.case, next(iter(one.finished.dynamics))
            t, x = _shared.times(one.finished) / units.PS, _shared.recorded(case, one.finished, "position")[name][:, 0]
            width = np.sqrt(_shared.recorded(case, one.finished, "spread")[name][:, 0, 0])
            top.plot(t, x / units.NM, color=color, label=f"$z$ = {abs(one.z):.3f}", linewidth=1.4)
            below.plot(t, width / units.NM, color=color, linewidth=1.4)
        top.set(ylabel="centre of the packet (nm)", xlim=(t[0], t[-1]))
        below.set(xlabel="time $t$ (ps)", ylabel="width of the packet (nm)", ylim=(0, None))
        house.legend_above(top)
        figure.align_ylabels([top, below])
        return figure


def _miniband(case: Any, main: Shaken) -> Any:
    """The miniband beside the occupation f(k, t) over the first four periods."""
    from semijax import plot

    name, table = next(iter(main.finished.dynamics)), case.record["zone"]
    time, counts = _shared.times(main.finished), _shared.recorded(case, main.finished, "zone")[name]
    period = 1 / (case.field[0].frequency * units.THZ_INTERNAL)
    shown = time - time[0] <= 4 * period
    edges = np.linspace(table.low, table.high, table.bins + 1)
    with _shared.sheet(8.6, 4.0) as figure:
        axes = figure.subplots(1, 2, sharey=True, width_ratios=[1, 2.6], gridspec_kw={"wspace": 0.06})
        band = main.finished.dynamics[name].species.band
        snapshots = [time[0] + share * period for share in (0, 0.25, 0.75)]
        plot.miniband_with_occupation(band, time[shown], edges, counts[shown], snapshots=snapshots, ax=axes)
        return figure
