"""Figures of the superlattice case: occupation, current, spectrum, the scan over the field, clouds."""

from typing import Any

import numpy as np

from semijax import build, units
from semijax.cases import _shared

_SHOWN = {"electron": (0.0, 0.25, 0.5, 0.75), "hole": (0.0, 0.5)}  # Bloch periods at which the occupation stands on the band
_DARKEST = {"electron": 0.6}  # of the highest occupation: what is left after many periods stays visible


def figures(case: Any, results: Any, both: list[Any], scans: list[list[Any]]) -> dict[str, Any]:
    """File name -> figure."""
    found = {
        "miniband": _miniband(case, results.main, both),
        "current": _current(case, both),
        "spectrum": _spectrum(case, both),
        "zone": _zone(case, results.main, both),
        "space": _space(case, results.main, both),
    }
    return found | ({"frequency": _frequency(scans), "drift": _drift(scans)} if scans else {})


def _period(both: list[Any]) -> float:
    return 2 * np.pi / both[0].theory.omega


def _miniband(case: Any, main: Any, both: list[Any]) -> Any:
    """f(k_z, t) of both species beside the bands that it fills."""
    from semijax import plot

    occupation = _shared.recorded(case, main, "occupation")
    edges = build.recorders(case)["occupation"].edges
    with _shared.sheet(9.0, 7.4) as figure:
        axes = figure.subplots(2, 2, sharey=True, width_ratios=[1, 2.6], gridspec_kw={"wspace": 0.06})
        for pair, one in zip(axes, both):
            band, time = main.dynamics[one.name].species.band, one.time
            counts, shown = occupation[one.name], [share * _period(both) for share in _SHOWN[one.name]]
            even = counts.sum(1, keepdims=True) / counts.shape[1]
            highest = _DARKEST[one.name] * float((counts / even).max()) if one.name in _DARKEST else None
            options = {"direction": [0, 0, 1], "snapshots": shown, "highest": highest}
            left, _ = plot.miniband_with_occupation(band, time, edges, counts, **options, ax=pair)
            left.set_title(f"{one.name}s")
        return figure


def _current(case: Any, both: list[Any]) -> Any:
    """J(t) with the damped oscillation in closed form; below, what is left in standard errors."""
    from semijax import plot
    from semijax.cases.superlattice import current, current_theory, density

    mean, singles = current(both, density(case))
    errors = singles.std(axis=1, ddof=1) / np.sqrt(both[0].count)
    time = both[0].time
    with _shared.sheet(7.0, 5.0) as figure:
        ax = figure.subplots()
        plot.current_density(
            time,
            mean,
            theory=lambda t: current_theory(both, density(case), t),
            theory_label="closed form, damped",
            errors=errors,
            label=" and ".join(f"{one.count:,} {one.name}s".replace(",", " ") for one in both),
            residual=True,
            ax=ax,
        )
        return figure


def _spectrum(case: Any, both: list[Any]) -> Any:
    """What the current radiates, beside what its closed form does."""
    from semijax import plot
    from semijax.cases.superlattice import current, current_theory, density
    from semijax.plot import house

    time, line = both[0].time, both[0].theory.omega / (2 * np.pi) / units.THZ_INTERNAL
    with _shared.sheet(6.4, 4.0) as figure:
        ax = figure.subplots()
        plot.spectrum(time, current(both, density(case))[0], line=line, label="found", ax=ax)
        plot.spectrum(time, current_theory(both, density(case), time), label="closed form, damped", ax=ax)
        ax.lines[-1].set(**house.THEORY_LINE)
        house.legend(ax)
        return figure


def _frequency(scans: list[list[Any]]) -> Any:
    """Bloch frequencies against the field; below, how far they are from eFd/h."""
    from semijax import plot
    from semijax.plot import house

    with _shared.sheet(6.6, 5.6) as figure:
        ax, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.6, 1])
        for i, scan in enumerate(scans):
            fields, theory = (np.array([at(one.theory) for one in scan]) for at in (lambda x: x.force, lambda x: x.omega))
            values, errors = (np.array([getattr(one.fit.frequency, key) for one in scan]) for key in ("value", "error"))
            color, last = (house.ELECTRON, house.HOLE)[i], i == len(scans) - 1
            options = {"period": scan[0].theory.period if last else None, "label": f"{scan[0].name}s", "color": color}
            plot.frequency_against_field(fields, values / units.THZ_INTERNAL, errors / units.THZ_INTERNAL, **options, ax=ax)
            if not last:
                ax.containers[-1][0].set(markersize=11)  # a rim shows around the points of the next species
            bloch = theory / (2 * np.pi)
            x = fields / units.KV_PER_CM + 0.12 * (2 * i - len(scans) + 1)
            below.errorbar(x, 100 * (values / bloch - 1), 100 * errors / bloch, fmt="o", color=color)
        house.legend(ax, loc="upper left")
        ax.set_xlabel("")
        below.axhline(0, **house.THEORY_LINE)
        below.set(xlabel="electric field $F$ (kV/cm)", ylabel="off $eFd/h$ by (%)")
        figure.align_ylabels([ax, below])
        return figure


def _drift(scans: list[list[Any]]) -> Any:
    """Steady drifts against the field."""
    from dataclasses import replace

    from semijax import plot
    from semijax.plot import house

    with _shared.sheet(6.4 if len(scans) == 1 else 10.0, 4.2) as figure:
        for i, (ax, scan) in enumerate(zip(figure.subplots(1, len(scans), squeeze=False)[0], scans)):
            fields, found = [one.theory.force for one in scan], [one.fit.constant for one in scan]
            model = scan[0].theory
            plot.drift_against_field(
                fields,
                [x.value for x in found],
                [x.error for x in found],
                theory=lambda x, model=model: np.array([replace(model, force=f, dt=0.0).steady_drift for f in x]),
                label=f"{scan[0].name}s",
                color=(house.ELECTRON, house.HOLE)[i],
                ax=ax,
            )
        return figure


def _frames(one: Any, times: list[float]) -> list[int]:
    return [int(np.abs(one.time - time).argmin()) for time in times]


def _zone(case: Any, main: Any, both: list[Any]) -> Any:
    """The electrons in the Brillouin zone through the first Bloch period and at the end."""
    from semijax import plot
    from semijax.plot import prefixes

    one = both[0]
    clouds = _shared.recorded(case, main, "wavevectors")[one.name]
    times = [share * _period(both) for share in (0.0, 0.25, 0.5, 0.75)] + [one.time[-1]]
    with _shared.sheet(12.0, 3.6) as figure:
        axes = figure.subplots(1, len(times), sharex=True, sharey=True)
        for ax, frame in zip(axes, _frames(one, times)):
            plot.zone_cloud(clouds[frame], main.dynamics[one.name].species.band, ax=ax)
            ax.set_title(f"$t$ = {prefixes.written('time', one.time[frame])}" if one.time[frame] else "$t$ = 0")
            ax.label_outer()
        return figure


def _space(case: Any, main: Any, both: list[Any]) -> Any:
    """Both clouds in real space, half a Bloch period, a whole one and the whole run after the start."""
    from semijax import plot
    from semijax.plot import house, prefixes

    period = _period(both)
    with _shared.sheet(10.5, 4.2) as figure:
        axes = figure.subplots(1, 3)
        frames = _frames(both[0], [period / 2, period, both[0].time[-1]])
        for i, (ax, frame) in enumerate(zip(axes, frames)):
            # holes first: theirs is the smaller cloud, and would hide electrons that have come back to the start
            for one, color in zip(both[::-1], (house.HOLE, house.ELECTRON)):
                keys = ("positions", "position", "spread")
                cloud, mean, spread = (_shared.recorded(case, main, key)[one.name][frame] for key in keys)
                label = f"{one.name}s" if i == 0 else None
                plot.real_space_cloud(cloud, mean=mean, covariance=spread, label=label, color=color, ax=ax)
            text = ax.text(0.03, 0.97, f"$t$ = {prefixes.written('time', both[0].time[frame])}", transform=ax.transAxes, va="top")
            text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.5})
        return figure
