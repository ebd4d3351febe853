"""Motion as data: what an ensemble of carriers does in a field, followed by sj.simulate: drift, currents, any observable against time."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from semijax import observables
from semijax._pytree import record, static
from semijax._types import Phase, SemijaxError
from semijax.carriers import Carriers
from semijax.fits import inputs
from semijax.fits.followed import Component, Followed, Steady
from semijax.fits.measured import Measured, as_tree, measured
from semijax.steppers import rk4

LONG = 15  # relaxation times that a steady state is made of: exp(−15) = 3e-7 of it is left out


def ensemble(
    times: Any,
    values: Any,
    *,
    of: Callable = observables.velocity,
    component: int | None = None,
    field: Any = None,
    carriers: Any,
    charge: int = -1,
    temperature: float | None = None,
    tau: float | None = None,
    sigma: Any = None,
    use: Any = None,
    offset: Any = None,
    scale: Any = None,
    dt: float | None = None,
    step: Any = rk4,
    start: float | None = None,
    part: Any = None,
    what: str = "ensemble",
    unit: str = "",
) -> Measured:
    """The mean of an observable over carriers [f] or [f d], at evenly spaced times [f], fs, followed by sj.simulate in a field.

    of: an observable f(dynamics, t, carrier); component: one of its components, for values [f]. field: any (t, r) -> EMField.
    carriers: sj.Carriers, or a function of the band that makes them, as fits.over_zone(64). charge: −1 electrons, +1 holes of the band.
    temperature [K]: weights exp(−E(k)/kT) by the band that is fitted, times the carriers' own. tau [fs]: a relaxation time to start from,
    fitted along (frozen="tau" keeps it): collisions that bring back the distribution of the start (Bhatnagar, Gross, Krook), whose mean
    is exp(−t/τ) V(t) + ∫ exp(−s/τ) V(s) ds/τ of the mean V without; for static uniform fields. sigma, use, offset, scale, part as for
    fits.measured. start: when the carriers are as given, the first of the times if None. dt: a longest step; None: sj.suggest_dt where
    the fit starts. Raises SemijaxError.

    Jacobians are exact, of the steps taken: forwards, p trajectories beside the one, wherever there are no more parameters than data;
    backwards, for many parameters and one loss, each frame and each chunk of carriers is followed once more instead of remembered.
    """
    values = inputs.numbers(what, "values", values, 1, 2, missing=use is not None)
    clock = _clock(what, times, len(values), start)
    if charge not in (-1, 1):
        raise SemijaxError(f"{what}: charge = {charge!r}: allowed are −1, an electron of the band, and 1, its hole")
    if not isinstance(carriers, Carriers) and not callable(carriers):
        raise SemijaxError(f"{what}: carriers = {type(carriers).__name__}: allowed is sj.Carriers, or a function of the band")
    if temperature is not None:
        inputs.positive(what, "temperature", temperature, ())
    looked = as_tree(of) if component is None else Component(as_tree(of), int(component))
    carriers = carriers if isinstance(carriers, Carriers) else as_tree(carriers)
    follow = Followed(field, carriers, step, looked, temperature, *clock, charge=charge, longest=dt)
    extra = None if tau is None else {"tau": float(inputs.positive(what, "tau", tau, ()))}
    words = {"what": what, "unit": unit, "axis": "time (fs)", "at": np.asarray(times, np.float64), "dimensions": (1, 2)}
    return measured(follow, values, sigma=sigma, use=use, offset=offset, scale=scale, extra=extra, part=part, **words)


def drift(times: Any, velocity: Any, *, component: int | None = None, **options: Any) -> Measured:
    """Mean velocity [f] (component) or [f d], Å/fs, at times [f], fs; options as for `ensemble`."""
    return ensemble(times, velocity, of=observables.velocity, component=component, what="drift", unit="Å/fs", **options)


def current(times: Any, value: Any, *, component: int | None = None, **options: Any) -> Measured:
    """Current per carrier [f] (component) or [f d], e Å/fs, at times [f], fs; scale="free" for a waveform in units of its own; options
    as for `ensemble`.
    """
    return ensemble(times, value, of=observables.current, component=component, what="current", unit="e Å/fs", **options)


def steady_drift(
    electric: Any,
    velocity: Any,
    *,
    direction: Any,
    carriers: Any,
    temperature: float | None,
    tau: float,
    charge: int = -1,
    samples: int = 600,
    sigma: Any = None,
    use: Any = None,
    part: Any = None,
) -> Measured:
    """Steady drift velocities [n], Å/fs, along `direction` [d] in fields [n], V/Å, along it, with a relaxation time tau, fs, to start
    from, fitted along: v = ∫ exp(−s/τ) V(s) ds/τ, V(s) the mean velocity of carriers that left equilibrium a time s ago (Chambers).

    carriers, temperature, charge: the equilibrium, as for `ensemble`. samples: of V(s) over 15 tau, which have to resolve a Bloch period:
    their Simpson rule errs by (2π/n)⁴/180 with n of them in one. Raises SemijaxError.
    """
    what = "steady_drift"
    electric = inputs.numbers(what, "electric", electric, 1)
    along = inputs.numbers(what, "direction", direction, 1)
    if not np.linalg.norm(along) > 0:
        raise SemijaxError(f"{what}: direction = {along.tolist()}: allowed is a vector of any length > 0")
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 8 or samples % 2:
        raise SemijaxError(f"{what}: samples = {samples!r}: allowed is an even number ≥ 8")
    tau = float(inputs.positive(what, "tau", tau, ()))
    if not isinstance(carriers, Carriers) and not callable(carriers):
        raise SemijaxError(f"{what}: carriers = {type(carriers).__name__}: allowed is sj.Carriers, or a function of the band")
    carriers = carriers if isinstance(carriers, Carriers) else as_tree(carriers)
    clock = 0.0, LONG * tau / samples, samples, 0
    follow = Followed(None, carriers, rk4, as_tree(observables.velocity), temperature, *clock, charge=charge)
    words = {"what": what, "unit": "Å/fs", "axis": "electric field (V/Å)", "at": electric, "dimensions": (1,)}
    of = Steady(follow, electric, along / np.linalg.norm(along))
    return measured(of, velocity, sigma=sigma, use=use, extra={"tau": tau}, part=part, **words)


@record
class OverZone:
    """Carriers at rest in space on an even mesh of the zone of the band: n points along each reciprocal vector; see `over_zone`."""

    n: int = static(default=64)

    def __call__(self, band: Any) -> Carriers:
        if band.lattice is None:
            raise SemijaxError("over_zone: a band without a lattice: allowed are periodic bands; else give sj.Carriers")
        p, d = np.shape(band.lattice)
        parts = np.stack(np.meshgrid(*[(np.arange(self.n) + 0.5) / self.n - 0.5] * p, indexing="ij"), axis=-1).reshape(-1, p)
        k = jnp.dot(jnp.asarray(parts, float), jnp.asarray(band.reciprocal, float), precision="highest")
        return Carriers(Phase(jnp.zeros((len(parts), d), k.dtype), k))


def over_zone(n: int) -> OverZone:
    """Carriers for `ensemble`: an even mesh of n^p points over the zone, which moves with a fitted period; with `temperature` a thermal
    ensemble whose means converge exponentially with n.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 2:
        raise SemijaxError(f"over_zone: n = {n!r}: allowed is a whole number ≥ 2")
    return OverZone(n)


def _clock(what: str, times: Any, count: int, start: float | None) -> tuple[float, float, int, int]:
    """(first time, spacing, spacings in all, how many frames come before the data)."""
    t = inputs.numbers(what, "times", times, 1)
    if len(t) != count or count < 2:
        raise SemijaxError(f"{what}: times of shape {t.shape} for {count} values: allowed is one for each, two at least")
    spacing = (t[-1] - t[0]) / (count - 1)
    if not spacing > 0 or np.abs(np.diff(t) - spacing).max() > 1e-6 * spacing:
        raise SemijaxError(f"{what}: times: allowed are evenly spaced, increasing times in fs")
    first = t[0] if start is None else float(start)
    skipped = (t[0] - first) / spacing
    if not -1e-6 < skipped < 1e7 or abs(skipped - round(skipped)) > 1e-6:
        raise SemijaxError(
            f"{what}: start = {start!r}: allowed is a time {spacing:g} fs, or whole times that, before the first, {t[0]:g} fs"
        )
    before = round(skipped)
    return float(t[0] - before * spacing), float(spacing), count - 1 + before, before
