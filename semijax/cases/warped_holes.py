"""Holes of a warped band in E and B: volume and energy kept to the order of the step, drift, acceleration beside force."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import Carriers, Phase, build, observables, units
from semijax._types import SemijaxError, cast
from semijax.cases import _shared
from semijax.cases import _warped_figures as figures
from semijax.certify import TOLERANCE
from semijax.report import Report, Row
from semijax.simulate import simulate
from semijax.stepping import scheme_of
from semijax.timestep import fastest

_NOTES = [
    "A, B, C of germanium as commonly quoted. Left out: the light holes and the split-off band, Landau levels, collisions.",
    "About [001] these holes have a negative transverse mass and are accelerated against the force.",
]


@dataclass(frozen=True)
class Motion:
    """One carrier sampled: time [f] fs, force [f 3] eV/Å, acceleration found [f 3] and by the mass tensor [f 3], Å/fs².

    unsure [f 3]: how far fourth-order differences of the velocity moved from second-order ones.
    """

    time: np.ndarray
    wavevector: np.ndarray
    force: np.ndarray
    found: np.ndarray
    exact: np.ndarray
    unsure: np.ndarray


def report(case: Any, results: Any) -> Report:
    """Rows: volume, energy, the order of their errors, drift, momentum balance, a patch, acceleration beside force."""
    main = results.main
    name = next(iter(main.dynamics))
    coarser = sorted((point for point in results.scan if case.scan.key == "run.dt"), key=lambda point: point.value)
    _, magnetic = _shared.fields_of(main.dynamics[name])
    if main.dynamics[name].species.band.dimension != 3 or not np.linalg.norm(magnetic) > 0:
        raise SemijaxError(f"{case.where}: field: allowed with report = {case.report!r} is one with B, in 3 dimensions")
    motion = motion_of(case, main, name)
    patch = patch_of(case, main, name, magnetic)
    rows = [_volume(main, name, coarser), _energy(main, name, coarser), *_order(main, name, coarser)]
    rows += [_area(patch, rows[0]), _balance(main, name), _drift(main, name), _angle(motion), _newton(motion)]
    drawn = {
        "patch": figures.film(main.dynamics[name], patch),
        "acceleration": figures.arrows(main.dynamics[name], motion, patch),
        "volume": figures.volumes([main, *coarser], name),
    }
    return Report(rows, _NOTES, drawn)


def _bounded(found: Any, coarser: list[Any], key: str, step: Any) -> float:
    """The most an error may be: what it is with the longer step, scaled by the order of the scheme; see `certify` without one."""
    if not coarser:
        return TOLERANCE * float(found.result.status.drifts[key].scale)
    shorter = found.result.status.dt / coarser[0].result.status.dt
    return float(coarser[0].result.status.drifts[key].change) * shorter ** scheme_of(step).order


def _volume(main: Any, name: str, coarser: list[Any]) -> Row:
    key, status = f"log_volume of {name}", main.result.status
    bound = _bounded(main, coarser, key, build.step(main.case)) + _rounding_of_volume(main, name)
    return Row("phase-space volume ln(V/V₀), largest", float(status.drifts[key].change), 0.0, "", bound, "bound")


def _rounding_of_volume(main: Any, name: str) -> float:
    """The entries of a step's matrix are of the size of its turn, ω dt, and rounded about ten times."""
    turn = fastest(main.dynamics[name], main.start[name])[0] * main.result.status.dt
    return main.result.status.steps * 10 * _shared.roundoff(main.case) * turn


def _energy(main: Any, name: str, coarser: list[Any]) -> Row:
    key, status, band = f"energy of {name}", main.result.status, main.dynamics[name].species.band
    start, end = (_shared.as_numbers(c.phase.wavevector) for c in (main.start[name], main.result.final[name]))
    far = _shared.as_numbers(main.result.final[name].phase.position)
    electric, _ = _shared.fields_of(main.dynamics[name])
    speed = float(np.abs(_shared.as_numbers(jax.vmap(band.velocity)(jnp.asarray(end)))).max())
    # every step rounds k and r, which costs ħv and the force times it
    size = units.HBAR * speed * float(np.abs([start, end]).max()) + float(np.linalg.norm(electric)) * float(np.abs(far).max())
    bound = _bounded(main, coarser, key, build.step(main.case)) + 6 * status.steps * _shared.roundoff(main.case) * size
    found, unit = float(status.drifts[key].change), units.MEV
    return Row("energy E + qφ of a hole, largest change", found / unit, 0.0, "meV", bound / unit, "bound")


def errors(finished: Any, name: str) -> float:
    """Root mean square over the carriers of what the scheme made of ln(V/V₀)."""
    return float(np.sqrt(np.mean(_shared.as_numbers(finished.result.final[name].log_volume) ** 2)))


def _order(main: Any, name: str, coarser: list[Any]) -> list[Row]:
    """The power of dt by which the error of the volume falls.

    Of order p, what comes and goes along an orbit is of dt^p, what stays of dt^(p + 1) where the motion may run backwards (even
    p); together they follow a power in between.
    """
    if not coarser:
        return []
    step, dt = scheme_of(build.step(main.case)), main.result.status.dt
    fine, coarse = errors(main, name), errors(coarser[0], name)
    power = float(np.log(coarse / fine) / np.log(coarser[0].result.status.dt / dt)) if fine > 0 else float("nan")
    # powers beyond are smaller by the square of the turn in a step; rounding is there at any dt
    turn = fastest(main.dynamics[name], main.start[name])[0] * coarser[0].result.status.dt
    bound = 0.5 + turn**2 + 2 * _rounding_of_volume(main, name) / fine
    return [Row(f"power of dt of that error, {step.order} to {step.order + 1}", power, step.order + 0.5, "", bound, "bound")]


# -- exact laws of any band in uniform fields -------------------------------------------------------------------------------


def _moved(main: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Δr and Δk of all carriers, [n 3]."""
    start, end = main.start[name].phase, main.result.final[name].phase
    pairs = ((end.position, start.position), (end.wavevector, start.wavevector))
    return tuple(_shared.as_numbers(b) - _shared.as_numbers(a) for b, a in pairs)  # pyright: ignore[reportReturnType]


def _balance(main: Any, name: str) -> Row:
    """ħΔk = q(Et + Δr × B), a sum of the equations of motion that a Runge-Kutta step keeps but for rounding."""
    electric, magnetic = _shared.fields_of(main.dynamics[name])
    b, q = magnetic * units.TESLA_INTERNAL, main.dynamics[name].species.charge
    r, k = _moved(main, name)
    gained = q * (electric * main.case.run.duration + np.cross(r, b)) / units.HBAR
    # every step rounds k and r in three components, the constants round once
    size = float(np.abs(k).max()) + 2 * float(np.linalg.norm(b)) * float(np.abs(r).max()) / units.HBAR
    size += float(np.linalg.norm(electric)) * main.case.run.duration / units.HBAR
    bound = _shared.roundoff(main.case) * (6 * main.result.status.steps + 8) * size
    return Row("Δk − q(Et + Δr × B)/ħ, largest", float(np.abs(k - gained).max()), 0.0, "1/Å", bound, "bound")


def _drift(main: Any, name: str) -> Row:
    """Along E × B a carrier drifts with E/B, whatever its band, but for what its k has changed: at most ħ|Δk|/eBt."""
    electric, magnetic = _shared.fields_of(main.dynamics[name])
    b, time = magnetic * units.TESLA_INTERNAL, main.case.run.duration
    drift = np.cross(electric, b) / (b @ b)
    r, k = _moved(main, name)
    along = drift / max(float(np.linalg.norm(drift)), 1e-300)
    off = units.HBAR * float(np.linalg.norm(k.mean(0))) / (float(np.linalg.norm(b)) * time)
    found, unit = float(r.mean(0) @ along) / time, units.KM_PER_S
    return Row("mean drift along E × B, E/B", found / unit, float(np.linalg.norm(drift)) / unit, "km/s", off / unit, "bound")


# -- acceleration beside force ----------------------------------------------------------------------------------------------


def motion_of(case: Any, main: Any, name: str) -> Motion:
    """Force and acceleration of the first sampled carrier, without two frames at either end."""
    dynamics, time = main.dynamics[name], _shared.times(main)
    v, k = (_shared.recorded(case, main, key)[name][:, 0] for key in ("velocity", "wavevector"))
    electric, magnetic = _shared.fields_of(dynamics)
    force = dynamics.species.charge * (electric + np.cross(v, magnetic * units.TESLA_INTERNAL))
    h = time[1] - time[0]
    second = (v[3:-1] - v[1:-3]) / (2 * h)
    fourth = second + (2 * (v[3:-1] - v[1:-3]) - (v[4:] - v[:-4])) / (12 * h)
    inverse = _shared.as_numbers(jax.vmap(dynamics.species.band.inverse_mass)(jnp.asarray(k)))
    exact = np.einsum("fij,fj->fi", inverse, force)[2:-2]
    return Motion(time[2:-2], k[2:-2], force[2:-2], fourth, exact, fourth - second)


def _angle(motion: Motion) -> Row:
    """Where the tensor turns the acceleration farthest away from the force."""
    theory = figures.degrees(motion.exact, motion.force)
    at = int(theory.argmax())
    found = float(figures.degrees(motion.found, motion.force)[at])
    # the fourth-order difference is nearer to the truth than to the second-order one
    bound = float(np.degrees(np.linalg.norm(motion.unsure[at]) / np.linalg.norm(motion.exact[at])))
    return Row("largest angle between acceleration and force", found, float(theory[at]), "degrees", bound, "bound")


def _newton(motion: Motion) -> Row:
    size = float(np.linalg.norm(motion.exact, axis=1).max())
    off = float(np.linalg.norm(motion.found - motion.exact, axis=1).max()) / size
    bound = float(np.linalg.norm(motion.unsure, axis=1).max()) / size
    return Row("|a − M⁻¹F| over the largest |a|, largest", off, 0.0, "", bound, "bound")


# -- a patch of holes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Patch:
    """A disc of holes in a plane normal to B: time [f] fs, corners [f n 3] 1/Å, plane [2 3]: unit vectors that span it."""

    time: np.ndarray
    corners: np.ndarray
    plane: np.ndarray

    def area(self, every: int = 1) -> np.ndarray:
        """Of the polygon of every so many corners over that at the start, [f]."""
        x, y = np.moveaxis(self.corners[:, ::every] @ self.plane.T, -1, 0)
        area = np.sum(x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y, axis=1)
        return area / area[0]


def patch_of(case: Any, main: Any, name: str, magnetic: np.ndarray) -> Patch:
    """The rim of a disc about the mean wavevector, followed with the scheme of the case."""
    radius = case.analysis.get("patch", 0.008)
    if not isinstance(radius, float) or not radius > 0:
        raise SemijaxError(f'{case.where}: analysis.patch = {radius!r}: allowed is a wavevector > 0, such as "0.06 / nm"')
    duration = case.analysis.get("film", case.run.duration)
    if not isinstance(duration, float) or not duration > 0:
        raise SemijaxError(f'{case.where}: analysis.film = {duration!r}: allowed is a time > 0, such as "9 ps"')
    plane = _plane(magnetic / np.linalg.norm(magnetic))
    turn = np.linspace(0, 2 * np.pi, 6000, endpoint=False)[:, None]
    start = main.start[name].phase.wavevector
    k = _shared.as_numbers(start).mean(0) + radius * (np.cos(turn) * plane[0] + np.sin(turn) * plane[1])
    rim = cast(Carriers(Phase(jnp.zeros_like(jnp.asarray(k)), jnp.asarray(k))), start.dtype)
    record = {"k": observables.sample(observables.wavevector, len(k))}
    dt, every = main.result.status.dt, max(1, main.result.status.steps // (len(main.result.time) - 1))
    timing = {"duration": min(duration, case.run.duration), "dt": dt, "start": case.run.start}
    result = simulate(main.dynamics[name], rim, every=every, record=record, step=scheme_of(build.step(case)), **timing)
    return Patch(_shared.as_numbers(result.time), _shared.as_numbers(result.frames["k"]), plane)


def _plane(b: np.ndarray) -> np.ndarray:
    """Unit vectors [2 3] that span the plane normal to a unit vector, the first near the coordinate axis least along it."""
    first = np.eye(3)[np.abs(b).argmin()]
    first -= (first @ b) * b
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(b, first)])


def _area(patch: Patch, volume: Row) -> Row:
    """In uniform fields k·B grows alike for all, so the area normal to B is kept as the volume is."""
    areas, half = patch.area(), patch.area(2)
    # chords cut corners by an area that falls as 1/n²: a third of what twice as few corners add
    at = int(np.abs(areas - 1).argmax())
    bound = float(np.abs(areas - half)[at]) + (volume.error or 0.0)
    return Row("area A/A₀ of a patch of holes, farthest from one", float(areas[at]), 1.0, "", bound, "bound")
