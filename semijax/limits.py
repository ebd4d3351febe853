"""Limits: how far carriers are from where one band is no longer the whole story, in numbers, words and warnings."""

import math
import warnings
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import eval_context

from semijax import interband, units
from semijax._pytree import record, static
from semijax._types import Phase, SemijaxError
from semijax.stepping import nested
from semijax.timestep import is_concrete, suggest_dt

PROBABILITY = 1e-3  # of leaving the band in one passage, by an electric or a magnetic force, above which a run warns
OF_GAP = 0.1  # of the gap: ħω_c above which a run warns
OF_MOTION = 1.0  # of the mean kinetic energy of the motion across B: ħω_c above which a run warns
_CARRIERS, _STEPS = (256, 32), (4096, 256)  # looked at, of bands with one neighbour and with more, whose eigenvalues take longer
_ADVICE = "What then happens is not in this run: weaker fields or carriers that stay away from the gap avoid it (probes.one_band)"
_LEAST = 64  # steps in which a way is followed
_COARSER = 5.0  # times the suggested time step, 8 steps a period, is enough to see where carriers go


@record
class Passage:
    """Where a force mixes the band most with a neighbour.

    probability: exp(−π/4η) = exp(−F₀/F) of leaving the band in one passage there. adiabaticity: η. gap: eV. field: F = |E| [V/Å] or |B| [T]
    there; scale: F₀. carrier, time [fs], wavevector: a tuple of d numbers, 1/Å. mean: of the largest probabilities of all carriers.
    """

    probability: float = static()
    adiabaticity: float = static()
    gap: float = static()
    field: float = static()
    scale: float = static()
    carrier: int = static()
    time: float = static()
    wavevector: tuple[float, ...] = static()
    mean: float = static()


@record
class Quantum:
    """Landau quanta. mean: ħω_c, ω_c the rate at which B turns the velocity across it, eV. kinetic: mean of m v²/2 of the motion across B,
    m that of ω_c, eV. of_gap: largest ħω_c over the gap to the nearest neighbour (0 where none is known), met by this carrier at this time
    [fs] and wavevector [1/Å]; gap: eV, there.
    """

    mean: float = static()
    kinetic: float = static()
    of_gap: float = static()
    gap: float = static()
    carrier: int = static()
    time: float = static()
    wavevector: tuple[float, ...] = static()


@record
class Limits:
    """What one band leaves out. zener, breakdown: the most likely passage by the electric and by the magnetic force; None where the band
    knows no neighbours. quantum: None without a magnetic field. text: a line for each. excess: lines for what exceeds PROBABILITY, OF_GAP
    or OF_MOTION.
    """

    zener: Passage | None = static()
    breakdown: Passage | None = static()
    quantum: Quantum | None = static()

    @property
    def text(self) -> tuple[str, ...]:
        if self.zener is None or self.breakdown is None:
            lines = ["Zener tunnelling and magnetic breakdown: not known: the band does not know its neighbours"]
        else:
            lines = [f"Zener tunnelling: {_tunnelled(self.zener)}", f"magnetic breakdown: {_broken(self.breakdown)}"]
        q = self.quantum
        if q is not None:
            of_gap = f"; at most {q.of_gap:.3g} of the gap, {_place(q)}" if q.of_gap else ""
            lines.append(f"Landau quanta: ħω_c = {q.mean:.3g} eV, kinetic energy across B {q.kinetic:.3g} eV{of_gap}")
        return tuple(lines)

    @property
    def excess(self) -> tuple[str, ...]:
        lines = []
        for line, x in zip(self.text, (self.zener, self.breakdown)):
            if x is not None and x.probability > PROBABILITY:
                lines.append(f"{line} (above {PROBABILITY:g})")
        q = self.quantum
        if q is not None and q.of_gap > OF_GAP:
            lines.append(f"ħω_c is {q.of_gap:.2g} of the gap (above {OF_GAP:g}), {_place(q)}: Landau levels mix the bands")
        if q is not None and q.kinetic > 0 and q.mean > OF_MOTION * q.kinetic:
            lines.append(
                f"ħω_c = {q.mean:.3g} eV exceeds the kinetic energy across B, {q.kinetic:.3g} eV: there are Landau levels, not orbits"
            )
        return tuple(lines)


def limits(dynamics, carriers, t: float = 0.0, *, duration: float = 0.0, dt: float | None = None) -> Limits | dict[str, Limits]:
    """How near carriers come to leaving their band: where they are at time t [fs], or on their way from there over `duration` fs.

    Looks at 256 of them over up to 4096 steps (at 32 over 256 steps of bands with more than one neighbour); dt: fs, None asks suggest_dt.
    dicts, as in `simulate`, give a dict. Bands of bands.bloch, bands.wannier and bands.massive_dirac know their neighbours; bands nearer
    than the floor of a group do not count. Raises SemijaxError under jit, grad and vmap, and for a duration < 0.
    """
    if isinstance(dynamics, dict):
        return {name: _limits(dynamics[name], carriers[name], t, duration, dt) for name in dynamics}
    return _limits(dynamics, carriers, t, duration, dt)


def _limits(dynamics, carriers, t, duration, dt) -> Limits:
    if not is_concrete((dynamics, carriers, t, duration, dt)):
        raise SemijaxError("limits: the values are traced: allowed outside jit, grad and vmap")
    if not 0 <= duration < math.inf:
        raise SemijaxError(f"limits: duration = {duration!r}: allowed is a finite number of femtoseconds ≥ 0")
    if dt is None:
        dt = suggest_dt(dynamics, carriers, start=t, duration=duration) if duration else 0.0
    some = _few(dynamics, _some(carriers))
    return _found(dynamics, [(some, _seen(dynamics, some.phase, t, duration, dt))])


class _Some(NamedTuple):
    """The carriers looked at: their numbers, phase and weights."""

    number: np.ndarray
    phase: Phase
    weight: Any


def _some(carriers) -> _Some:
    """As many as are looked at of the fastest bands."""
    stride = -(-carriers.count // max(_CARRIERS))
    phase, weight = jax.tree.map(lambda x: jnp.array(x[::stride]), (carriers.phase, carriers.weight))
    return _Some(np.arange(0, carriers.count, stride), phase, weight)


def _few(dynamics, some: _Some) -> _Some:
    """Those of some carriers that are looked at in these bands."""
    stride = -(-len(some.number) // _CARRIERS[_slow(dynamics, some.phase)])
    return _Some(some.number[::stride], *jax.tree.map(lambda x: x[::stride], (some.phase, some.weight)))


def _slow(dynamics, phase: Phase) -> bool:
    return interband.count_of_neighbours(dynamics.species.band, phase.wavevector.shape[1]) > 1


def _seen(dynamics, phase: Phase, t: float, duration: float, dt: float) -> interband.Seen:
    """dt: a step that resolves the motion; larger ones are taken where the way is long. Without a duration, dt is the step of a run."""
    step, steps = (dt if math.isfinite(dt) else 0.0), 0
    if duration:
        most = _STEPS[_slow(dynamics, phase)]
        step = min(_COARSER * dt, max(dt, duration / most), duration / _LEAST)
        steps = min(most, math.ceil(duration / step * (1 - 1e-9)))
    return jax.device_get(interband.followed(dynamics, phase, float(t), float(step), np.int32(steps)))


def _found(dynamics, parts: list[tuple[_Some, interband.Seen]]) -> Limits:
    """The worst of what several groups of carriers saw."""
    known = dynamics.species.band.neighbours is not None
    number = np.concatenate([some.number for some, _ in parts])
    weights = [np.ones(len(some.number)) if some.weight is None else np.asarray(some.weight, float) for some, _ in parts]
    seen = jax.tree.map(lambda *x: np.concatenate([np.asarray(y, float) for y in x]), *(seen for _, seen in parts))
    weight = np.concatenate(weights)
    zener, breakdown = (_passage(number, x, weight) if known else None for x in (seen.electric, seen.magnetic))
    turning, inverse, square = (float(np.sum(weight * x) / np.sum(weight)) for x in seen.orbit)
    if not turning > 0:
        return Limits(zener, breakdown, None)
    _, of_gap, gap, place = _largest(number, seen.quantum)
    return Limits(zener, breakdown, Quantum(units.HBAR * turning, square / (2 * inverse), of_gap, gap, *place))


def _largest(number: np.ndarray, found: interband.Found) -> tuple[int, float, float, tuple[int, float, tuple[float, ...]]]:
    """(its place, largest value, gap, (whose, when, where))."""
    i = int(np.argmax(np.nan_to_num(found.value, nan=-1.0)))
    where = int(number[i]), float(found.time[i]), tuple(found.wavevector[i].tolist())
    return i, float(found.value[i]), float(found.gap[i]), where


def _passage(number: np.ndarray, found: interband.Found, weight: np.ndarray) -> Passage:
    i, eta, gap, place = _largest(number, found)
    with np.errstate(divide="ignore"):
        exponent = math.pi / 4 / np.nan_to_num(found.value)
    field, mean = float(found.field[i]), float(np.sum(weight * np.exp(-exponent)) / np.sum(weight))
    scale = float(exponent[i]) * field if eta > 0 else math.inf
    return Passage(math.exp(-exponent[i]), eta, gap, field, scale, *place, mean)


def _tunnelled(x: Passage) -> str:
    return _said(x, "E", *(f"{field / units.KV_PER_CM:.3g} kV/cm" for field in (x.field, x.scale)))


def _broken(x: Passage) -> str:
    return _said(x, "B", *(f"{field:.3g} T" for field in (x.field, x.scale)))


def _said(x: Passage, name: str, field: str, scale: str) -> str:
    if not x.adiabaticity:
        return "P = 0, no such force mixes the bands"
    p = f"P = exp(−{name}₀/{name}) = {x.probability:.2g} in a passage ({x.mean:.2g} in the mean), {name} = {field}, {name}₀ = {scale}"
    return f"{p}, gap {x.gap:.3g} eV, {_place(x)}"


def _place(x: Passage | Quantum) -> str:
    at = ", ".join(f"{y:.4g}" for y in x.wavevector)
    return f"carrier {x.carrier} near k = ({at}) 1/Å at {x.time:.4g} fs"


# -- of runs ------------------------------------------------------------------------------------------------------------------


class _Run(NamedTuple):
    """What it takes to look at a run afterwards, species by species."""

    dynamics: dict[str, Any]
    some: dict[str, _Some]
    start: float
    dt: float
    free: float  # fs, how long a carrier moves without a collision


_runs: WeakKeyDictionary = WeakKeyDictionary()  # of results that are still there; a result itself is numbers alone


def remember(result, dynamics, carriers, step, start: float, dt: float) -> None:
    """Keeps some of a run's first carriers for `warn`, where a band knows its neighbours. dt: a step that resolves the motion, fs."""
    named = dynamics if isinstance(dynamics, dict) else {"": dynamics}
    knowing = {name: one for name, one in named.items() if one.species.band.neighbours is not None}
    if not knowing:
        return
    with eval_context():  # a jit may close over carriers
        some = {name: _some(carriers[name] if name else carriers) for name in knowing}
    rate = max((float(one.rate) for one in nested(step) if hasattr(one, "rate")), default=0.0)
    _runs[result] = _Run(knowing, some, start, dt, 1 / rate if rate else math.inf)


def warn(result) -> None:
    """Warns, in one line, where the carriers of a run came too near to leaving their bands; see `limits`.

    Looked at are the ways of some of the first carriers, up to a collision, and where some of the last ones are.
    """
    run = _runs.get(result)
    if run is None:
        return
    duration, lines = result.status.steps * result.status.dt, []
    for name, dynamics in run.dynamics.items():
        some = _few(dynamics, run.some[name])
        parts = [(some, _seen(dynamics, some.phase, run.start, min(duration, run.free), run.dt))]
        final = result.final[name] if name and result.final is not None else result.final
        if final is not None:
            last = _few(dynamics, _some(final))
            parts.append((last, _seen(dynamics, last.phase, run.start + duration, 0.0, result.status.dt)))
        lines += [f"{name}: {line}" if name else line for line in _found(dynamics, parts).excess]
    if lines:
        warnings.warn(f"semijax: beyond the picture of one band: {'; '.join(lines)}. {_ADVICE}", stacklevel=3)
