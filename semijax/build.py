"""From a checked case to the objects of a run: bands, species, field, carriers, step and what to record."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import bands, fields, observables, potentials, sampling, steppers
from semijax._pytree import record, static
from semijax._types import SemijaxError, cast
from semijax.carriers import Carriers, at_k, pairs
from semijax.dynamics import Dynamics, Species, electron, hole
from semijax.io import beside
from semijax.io.wannier90 import read_wannier90
from semijax.scattering.relaxation import with_relaxation
from semijax.schema import words
from semijax.schema.case import Case
from semijax.schema.case import Record as RecordTable
from semijax.schema.consistency import charge_of
from semijax.schema.fields import Tabulated
from semijax.tangent import with_volume


def band(table: Any, directory: Path | None = None, where: str = "band") -> bands.Band:
    """The band that one band table names, its files in `directory`; raises SemijaxError, naming keys below `where`."""
    if table.kind == "wannier":
        made = _wannier(table, directory or Path(), where)
    else:
        made = closed_form(table.kind, table.model_dump(exclude={"kind", "negate"}))
    return -made if table.negate else made


def files(case: Case) -> list[Path]:
    """All files that a case reads: Hamiltonians with what lies beside them, and tabulated fields."""
    tables = [one.band for one in case.species.values()]
    prefixes = dict.fromkeys(case.directory / table.wannier for table in tables if table.kind == "wannier")
    fields = dict.fromkeys(case.directory / table.file for table in case.field if table.kind == "tabulated")
    return [*(path for prefix in prefixes for path in beside.files(prefix)), *fields]


def _wannier(table: Any, directory: Path, where: str) -> bands.Band:
    prefix = directory / table.wannier
    stamps = ((path, path.stat().st_mtime_ns) for path in beside.files(prefix))
    try:
        model = _model(prefix, *stamps)
        count = model.hopping.shape[1]
        if table.index >= count:
            allowed = f"allowed are 0 to {count - 1}, the bands of {table.wannier}"
            raise SemijaxError(words.line([where, "index"], table.index, allowed))
        return bands.wannier(model, table.index, dimension=table.dimension, multiplicity=table.multiplicity)
    except SemijaxError as error:
        said = str(error)
        raise SemijaxError(said if said.startswith(where) else f"{words.line([where, 'wannier'], table.wannier, said)}") from None


@lru_cache(maxsize=4)
def _model(prefix: Path, *stamps: Any) -> Any:
    """A Hamiltonian, read once for all species and points of a scan while its files stay as they are."""
    return read_wannier90(prefix)


def closed_form(kind: str, given: dict[str, Any]) -> bands.Band:
    """The band of a kind of table with these keys and values, which may be traced; without `kind` and `negate`."""
    given = dict(given)
    if kind == "warped":
        return bands.warped(given.pop("A"), given.pop("B"), given.pop("C"), kind=given.pop("branch"), **given)
    if kind == "tight_binding":
        hopping = {tuple(hop["vector"]): hop["energy"] for hop in given.pop("hopping")}
        return bands.tight_binding(hopping, **given)
    return getattr(bands, kind)(**given)  # `kind` is one of the closed set of the schema


def species(case: Case) -> dict[str, Species]:
    """name -> sj.electron(...) or sj.hole(...)."""
    kinds = {"electron": electron, "hole": hole}
    return {
        name: kinds[charge_of(name, table.charge) or "electron"](
            band(table.band, case.directory, f"species.{name}.band"), table.degeneracy
        )
        for name, table in case.species.items()
    }


def field(case: Any) -> Any:
    """The sum of the case's fields; None where it has none. case: anything with field, dimension, directory, where."""
    total = None
    for i, table in enumerate(case.field):
        part = _field(case, i, table)
        total = part if total is None else total + part
    return total


def _field(case: Any, i: int, table: Any) -> Any:
    match table.kind:
        case "uniform":
            magnetic = table.magnetic[0] if table.magnetic is not None and case.dimension == 2 else table.magnetic
            return fields.uniform(table.electric, magnetic)
        case "ac":
            return fields.ac(_complex(table), table.frequency, table.phase)
        case "pulse":
            times = (table.frequency, table.duration, table.center, table.phase, table.chirp, table.envelope)
            return fields.pulse(_complex(table), *times)
        case "tabulated":
            return _tabulated(case, i, table)
        case "harmonic":
            return fields.potential(potentials.Harmonic(_array(table.stiffness), _array(table.center)))
        case "cosine":
            along = np.eye(case.dimension)[table.axis]
            return fields.potential(potentials.Cosine(table.amplitude, table.period, along, table.phase))
        case _:
            return fields.potential(potentials.Gaussian(table.amplitude, table.width, _array(table.center)))


def _complex(table: Any) -> np.ndarray:
    electric = np.asarray(table.electric)
    return electric if table.quadrature is None else electric + 1j * np.asarray(table.quadrature)


def _array(values: list | None) -> np.ndarray | None:
    return None if values is None else np.asarray(values)


def _tabulated(case: Any, i: int, table: Tabulated) -> Any:
    path = case.directory / table.file
    where = f"{case.where}: field.{i}.file = {table.file!r}"
    try:
        rows = np.loadtxt(path.read_text(encoding="utf-8").replace(",", " ").splitlines(), ndmin=2)
    except ValueError as error:  # UnicodeDecodeError is one
        raise SemijaxError(f"{where}: {' '.join(str(error).split())[:120]}: allowed are rows of numbers") from None
    if rows.shape[1] != case.dimension + 1 or not np.isfinite(rows).all():
        allowed = f"allowed are finite numbers in {case.dimension + 1} columns, time first"
        raise SemijaxError(f"{where}: {rows.shape[1]} columns: {allowed}")
    times, values = rows[:, 0] * table.time_unit, rows[:, 1:] * table.electric_unit
    if table.of == "vector_potential":
        return fields.tabulated(times, vector_potential=values * table.time_unit)
    return fields.tabulated(times, values)


def dynamics(case: Case) -> dict[str, Dynamics]:
    """name -> the equations of motion of that species in the case's field."""
    push = field(case)
    terms = case.dynamics
    return {name: Dynamics(one, push, damping=terms.damping, moment=terms.moment) for name, one in species(case).items()}


def carriers(case: Case, of: dict[str, Species]) -> dict[str, Carriers]:
    """name -> the carriers of that species at the start, in the case's precision; every species draws its own numbers."""
    if any(table.pairs for table in _starts(case).values()):
        names = {one.charge: name for name, one in of.items()}
        start = _starts(case)[names[-1]]
        made = pairs(_carriers(case, start, of[names[-1]], 0))
        found = {names[-1]: made["electron"], names[+1]: made["hole"]}
    else:
        found = {name: _carriers(case, _starts(case)[name], one, i) for i, (name, one) in enumerate(of.items())}
    return cast(found, jnp.dtype(case.run.precision))


def _starts(case: Case) -> dict[str, Any]:
    return {name: table.carriers or case.carriers for name, table in case.species.items()}


def _carriers(case: Case, table: Any, of: Species, stream: int) -> Carriers:
    n, key = case.run.carriers, jax.random.fold_in(jax.random.key(case.run.seed), stream)
    match table.kind:
        case "at_k":
            return at_k(jnp.asarray(table.wavevector), n, position=_array(table.position))
        case "packet":
            place = (np.asarray(table.position), np.asarray(table.wavevector))
            return sampling.packet(key, n, *place, table.position_spread, table.wavevector_spread)
        case "fermi_surface":
            return sampling.fermi_surface(key, of, n, table.chemical_potential, table.temperature, **_magnetic(case))
        case "fermi_level":
            return sampling.fermi_surface(key, of, n, table.fermi_level, table.temperature, **_magnetic(case))
        case _:
            law = {"chemical_potential": table.chemical_potential, "density": table.density, "cutoff": table.cutoff}
            return sampling.thermal(key, of, n, table.temperature, position=_array(table.position), **law, **_magnetic(case))


def _magnetic(case: Case) -> dict[str, Any]:
    """The magnetic field of the case, which only uniform fields have, for laws that depend on it."""
    found = [np.asarray(table.magnetic) for table in case.field if table.kind == "uniform" and table.magnetic is not None]
    total = sum(found[1:], found[0]) if found else None
    if total is not None and case.dimension == 2:
        total = total[0]
    return {"magnetic": total, "moment": case.dynamics.moment}


def step(case: Case) -> Any:
    """The step of the case: a scheme, with volume and relaxation where they are asked for."""
    made = getattr(steppers, case.run.step)  # one of the closed set of the schema
    made = with_volume(made) if case.run.volume else made
    relaxation = case.relaxation
    return made if relaxation is None else with_relaxation(made, relaxation.tau, relaxation.temperature, case.run.seed)


def recorders(case: Case) -> dict[str, Any]:
    """name -> observables.mean(...) and the like; a sample of more carriers than there are takes them all."""
    return {name: _recorder(table, case.run.carriers) for name, table in case.record.items()}


def _recorder(table: RecordTable, carriers: int) -> Any:
    of = getattr(observables, table.of)  # one of the closed set of the schema
    of = of if table.axis is None else Component(of, table.axis)
    if table.by == "histogram":
        return observables.histogram(of, np.linspace(table.low or 0.0, table.high or 1.0, table.bins + 1))
    if table.by == "sample":
        return observables.sample(of, min(table.count, carriers))
    return getattr(observables, table.by)(of)


@record
class Component:
    """One component of a vector observable."""

    of: Any = static()
    axis: int = static()

    def __call__(self, dynamics, t, carrier):
        return jax.tree.map(lambda x: x[self.axis], self.of(dynamics, t, carrier))
