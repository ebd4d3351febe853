"""The main job: a million electrons and holes of a superlattice found beside Bloch, Esaki and Tsu, with standard errors."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.integrate import simpson

from semijax import units
from semijax._types import SemijaxError
from semijax.cases import _shared
from semijax.cases.ensemble_fits import Estimate, Transient, combined, curve, transient
from semijax.cases.miniband_theory import Miniband
from semijax.report import Report, Row

NAMES = ("electron", "hole")


@dataclass(frozen=True)
class Ensemble:
    """One species in one run; velocities and displacements count along the force.

    theory: of its miniband, collisions split off as in the run; mass: in the plane, m0. time [f], fs. drift [f], Å/fs, the
    ensemble's mean; velocities [f m] of m single carriers; fit: through the drift. sign: of z along the force.
    """

    name: str
    theory: Miniband
    mass: float
    count: int
    sign: float
    time: np.ndarray
    drift: np.ndarray
    velocities: np.ndarray
    fit: Transient

    @property
    def in_plane(self) -> float:
        """Mean energy of the motion in the plane, kT, eV."""
        return units.KB * self.theory.temperature


def report(case: Any, results: Any) -> Report:
    """Rows: Bloch oscillation, steady state and energy balance of both species, peak current, the scan over the field, costs."""
    from semijax.cases import superlattice_figures, superlattice_limits

    both = [ensemble(results.main, name) for name in NAMES]
    scans = [[ensemble(point, name) for point in results.scan] for name in NAMES]
    scans = [scan for scan in scans if len({one.theory.force for one in scan}) > 1]
    rows = [row for one in both for row in (*_oscillation(one), _mean_energy(case, results.main, one))]
    rows.append(_peak_current(both, density(case)))
    rows += [_balance(case, results.main, one) for one in both]
    rows += [row for scan in scans for row in (_slope(scan), _worst_drift(scan))]
    pace = results.main.carrier_steps / results.main.seconds / 1e6
    rows.append(Row("throughput with compiling", pace, None, "10⁶ carrier-steps/s"))
    rows.append(Row("peak memory", results.peak_memory / 2**30, None, "GiB"))
    figures = superlattice_figures.figures(case, results, both, scans)
    return Report(rows, superlattice_limits.notes(case, results.main, both, scans[0] if scans else None), figures)


def density(case: Any) -> float:
    """Of electrons, and as many holes, 1/Å³; raises SemijaxError where the case has none."""
    value = case.analysis.get("density")
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        raise SemijaxError(f'{case.where}: analysis.density = {value!r}: allowed is a density > 0 such as "1e15 cm^-3"')
    return float(value)


def ensemble(finished: Any, name: str) -> Ensemble:
    """What was recorded of one species, beside its theory; raises SemijaxError for a case that the theory does not cover."""
    case = finished.case
    _check(case)
    (dynamics,) = _shared.species(case, finished, name)
    push = _shared.push_of(case, finished, dynamics)
    table, sign = case.species[name].band, float(np.sign(dynamics.species.charge * push.component))
    dt = float(finished.result.status.dt)
    theory = Miniband(table.bandwidth, table.period, case.carriers.temperature, push.strength, case.relaxation.tau, dt)
    drift = sign * _shared.recorded(case, finished, "drift")[name] @ push.along
    velocities = sign * _shared.recorded(case, finished, "velocities")[name]
    fit = transient(push.time, drift, velocities, case.run.carriers)
    return Ensemble(name, theory, table.mass, case.run.carriers, sign, push.time, drift, velocities, fit)


def _check(case: Any) -> None:
    """The closed forms hold for thermal carriers of cosine minibands in one constant field, redrawn at one temperature."""
    fields, relaxation = case.field, case.relaxation
    wrong = {
        "relaxation is missing: allowed": relaxation is None,
        "carriers: allowed is the Boltzmann law at relaxation.temperature": relaxation is not None
        and (
            case.carriers.kind != "thermal"
            or (case.carriers.chemical_potential, case.carriers.density) != (None, None)
            or case.carriers.temperature != relaxation.temperature
            or any(one.carriers is not None for one in case.species.values())
        ),
        "species: allowed is kind = superlattice": any(one.band.kind != "superlattice" for one in case.species.values()),
        "field: allowed is one uniform electric field": len(fields) != 1
        or fields[0].kind != "uniform"
        or fields[0].magnetic is not None,
    }
    for words, is_so in wrong.items():
        if is_so:
            raise SemijaxError(f'{case.where}: {words} with report = "superlattice"')


def _row(name: str, found: Estimate, theory: float, unit: str, size: float = 1.0) -> Row:
    """A statistical row; size: of the unit in the units inside."""
    found = found.times(1 / size)
    return Row(name, found.value, theory / size, unit, found.error)


def _oscillation(one: Ensemble) -> list[Row]:
    fit, theory, name = one.fit, one.theory, one.name
    bloch = theory.omega / (2 * np.pi)
    return [
        _row(f"{name}s: Bloch frequency eFd/h", fit.frequency, bloch, "THz", units.THZ_INTERNAL),
        _row(f"{name}s: damping time", fit.damping_time, theory.tau, "ps", units.PS),
        _row(f"{name}s: undamped displacement Δ/eF × I₁/I₀, peak to peak", fit.swing, theory.swing, "nm", units.NM),
        _row(f"{name}s: steady drift, Esaki–Tsu", fit.constant, theory.steady_drift, "km/s", units.KM_PER_S),
    ]


def _mean_energy(case: Any, main: Any, one: Ensemble) -> Row:
    singles = _shared.recorded(case, main, "energies")[one.name]
    fit = transient(one.time, _shared.recorded(case, main, "energy")[one.name], singles, one.count)
    theory = one.theory.steady_energy + one.in_plane
    return _row(f"{one.name}s: steady energy, Esaki–Tsu", fit.constant, theory, "meV", units.MEV)


def current(both: list[Ensemble], density: float) -> tuple[np.ndarray, np.ndarray]:
    """Current density along the field, A/cm²: of the ensemble [f], and [f m] were all carriers like one of m.

    Both species move charge the same way, so speeds along their forces add.
    """
    size = density / units.A_PER_CM2
    return size * np.sum([one.drift for one in both], axis=0), size * np.sum([one.velocities for one in both], axis=0)


def current_theory(both: list[Ensemble], density: float, time: np.ndarray) -> np.ndarray:
    """The same in closed form."""
    return np.sum([one.theory.drift(time) for one in both], axis=0) * density / units.A_PER_CM2


def _peak_current(both: list[Ensemble], density: float) -> Row:
    mean, singles = current(both, density)
    time = both[0].time
    # electrons and holes oscillate at the same frequency and relax at the same rate: one damped sinusoid
    fit = transient(time, mean, singles, both[0].count)
    fine = np.linspace(time[0], time[-1], 100 * len(time))
    found = fit.estimate(lambda p: float(curve(p, fine).max()))
    return _row("peak current density", found, float(current_theory(both, density, fine).max()), "A/cm²")


def _balance(case: Any, main: Any, one: Ensemble) -> Row:
    """Work of the field less what collisions take, (E − E_th)/τ over the run, beside the energy gained."""
    theory, name, axis = one.theory, one.name, 2
    rest = theory.thermal_energy + one.in_plane

    def gained(energy, place):
        work = theory.force * one.sign * (place[-1] - place[0])
        return work - simpson(energy - rest, x=one.time, axis=0) / theory.tau, energy[-1] - energy[0]

    energy, energies = (_shared.recorded(case, main, key)[name] for key in ("energy", "energies"))
    place, places = (_shared.recorded(case, main, key)[name][..., axis] for key in ("position", "positions"))
    found, change = gained(energy, place)
    net, changes = gained(energies, places)
    error = float(np.hypot(Estimate(0.0, net - changes, one.count).error, _balance_bias(one)))
    title = f"{name}s: work − loss to collisions = energy gained"
    return Row(title, found / units.MEV, change / units.MEV, "meV", error / units.MEV)


def _balance_bias(one: Ensemble) -> float:
    """A bound on what splitting and quadrature add to the balance, eV.

    Per step the two half collisions take (x/2)(E₀ + E₁)(1 + x²/24) + (x²/8)(E₁ − E₀), x = dt/τ, of the energies above rest; their
    sum over the steps is the integral up to (x ω dt/12) of the amplitude; Simpson's rule over frames errs by (ωh)⁴/180.
    """
    theory, h = one.theory, float(one.time[1] - one.time[0])
    x, phi = theory.dt / theory.tau, theory.omega * theory.dt
    simpsons = (theory.omega * h) ** 4 / 180 / (theory.omega * theory.tau)
    loss = float(np.ptp(one.time)) / theory.tau * x**2 / 24
    return theory.bandwidth * (x**2 / 8 + x * phi / 12 + simpsons + loss)


def _slope(scan: list[Ensemble]) -> Row:
    """Frequency over field, weighted; carriers of all points share their random numbers, which `combined` allows for."""
    fields = np.array([one.theory.force for one in scan])
    found = [one.fit.frequency for one in scan]
    precision = fields / np.array([one.error for one in found]) ** 2
    slope = combined(found, precision / (precision @ fields))
    unit = units.THZ_INTERNAL / units.KV_PER_CM
    period = scan[0].theory.period
    return _row(f"{scan[0].name}s, scan: frequency/field = ed/h", slope, period / units.PLANCK, "THz/(kV/cm)", unit)


def _worst_drift(scan: list[Ensemble]) -> Row:
    rows = [
        _row(
            f"{one.name}s, scan: drift, worst of {len(scan)} ({one.theory.force / units.KV_PER_CM:.3g} kV/cm)",
            one.fit.constant,
            one.theory.steady_drift,
            "km/s",
            units.KM_PER_S,
        )
        for one in scan
    ]
    return max(rows, key=lambda row: abs(row.deviation or 0.0))


def exact(theory: Miniband) -> Miniband:
    """The same with collisions at any time, dt → 0."""
    return replace(theory, dt=0.0)
