"""What the reports of several cases share: recorded frames, rounding, the worst of many rows, and sheets in the house style."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import units
from semijax._types import SemijaxError
from semijax.report import Row


def recorded(case: Any, finished: Any, name: str) -> Any:
    """The frames of one record as float64 NumPy (a dict by species stays one); raises SemijaxError where there is none."""
    if name not in finished.result.frames:
        raise SemijaxError(
            f"{case.where}: record.{name} is missing: allowed with report = {case.report!r} is the record it judges"
        )
    found = finished.result.frames[name]
    return {key: as_numbers(value) for key, value in found.items()} if isinstance(found, dict) else as_numbers(found)


def as_numbers(value: Any) -> np.ndarray:
    """Any array as float64 NumPy."""
    return np.asarray(value, np.float64)


def times(finished: Any) -> np.ndarray:
    """The times of the frames [f], fs, even to the last digit of float64."""
    t = as_numbers(finished.result.time)
    return np.linspace(t[0], t[-1], len(t))


def species(case: Any, finished: Any, *names: str) -> list[Any]:
    """The dynamics of the species of these names; raises SemijaxError where one is missing."""
    for name in names:
        if name not in finished.dynamics:
            raise SemijaxError(f"{case.where}: species.{name} is missing: allowed with report = {case.report!r} is this species")
    return [finished.dynamics[name] for name in names]


def fields_of(dynamics: Any, t: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """E [d] in V/Å and B ([3] or the scalar B_z) in tesla at the origin, zeros for none."""
    d = dynamics.species.band.dimension
    at = dynamics.at(t, jnp.zeros(d))
    electric = np.zeros(d) if at.electric is None else as_numbers(at.electric)
    magnetic = np.zeros(3 if d == 3 else ()) if at.magnetic is None else as_numbers(at.magnetic)
    return electric, magnetic


def roundoff(case: Any) -> float:
    """The largest relative error of one rounded operation in the precision of the run."""
    return 2.0**-53 if case.run.precision == "float64" else 2.0**-24


@dataclass(frozen=True)
class Push:
    """A uniform field along a lattice vector, seen along the axis `along` [d], a unit vector that points to positive coordinates.

    component: of the field along it, V/Å; strength: its size. period: d, Å, of the bands. time [f]: of the frames, fs.
    """

    along: np.ndarray
    component: float
    period: float
    time: np.ndarray
    roundoff: float

    @property
    def strength(self) -> float:
        """|F|, V/Å."""
        return abs(self.component)

    @property
    def frequency(self) -> float:
        """Of Bloch oscillations, eFd/h, cycles per fs."""
        return self.strength * self.period / units.PLANCK


def push_of(case: Any, finished: Any, dynamics: Any) -> Push:
    """The uniform field of the case and the period along it; raises SemijaxError where there is none."""
    field, _ = fields_of(dynamics)
    strength = float(np.linalg.norm(field))
    if not strength > 0:
        raise SemijaxError(f"{case.where}: field.0.electric = 0: allowed with report = {case.report!r} is a field along a period")
    sign = np.sign(field[np.abs(field).argmax()])
    along = sign * field / strength
    return Push(along, float(sign * strength), period_along(case, dynamics, along), times(finished), roundoff(case))


def energies(band: Any, push: Push, k: np.ndarray) -> np.ndarray:
    """E [m], eV, at wavevectors k [m] (1/Å) along the field."""
    return as_numbers(jax.jit(jax.vmap(band))(jnp.asarray(np.outer(k, push.along))))


def period_along(case: Any, dynamics: Any, direction: np.ndarray) -> float:
    """The lattice period d, Å, along a unit vector [d] that a lattice vector is parallel to; raises SemijaxError for none."""
    lattice = dynamics.species.band.lattice
    for row in np.zeros((0, len(direction))) if lattice is None else as_numbers(lattice):
        length = float(np.linalg.norm(row))
        if abs(row @ direction) > length * (1 - 1e-9):
            return length
    raise SemijaxError(
        f"{case.where}: field: E along {np.round(direction, 6)}: allowed is a direction along which the band is periodic"
    )


def fit_error(offset: float, amplitude: float, turns: float) -> float:
    """Relative error of the frequency fitted to `turns` periods of a sinusoid whose every point is off by at most `offset`.

    Least squares of ε against the slope (t − t̄) sin ωt: ∫|t − t̄||sin ωt| offset over amplitude ∫(t − t̄)² sin² ωt is at most
    12/π offset/(amplitude T) of many periods, and with fewer, where the other parameters share the slope, not quite half more.
    """
    return 5.5 * offset / (amplitude * 2 * np.pi * turns)


def worst(name: str, rows: Iterable[Row]) -> Row:
    """The row that comes nearest to its bound, under a name for all."""
    row = max(rows, key=lambda row: abs(row.deviation or 0.0))
    return Row(name, row.found, row.theory, row.unit, row.error, row.judged)


@contextmanager
def sheet(width: float, height: float) -> Iterator[Any]:
    """An empty matplotlib Figure, inches, to be drawn on in the house style while the context lasts."""
    from matplotlib.figure import Figure

    from semijax import plot

    with plot.style():
        yield Figure(figsize=(width, height), layout="constrained")
