"""Data: from the tables of a fit file and the files they name to semijax.fits data."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from semijax import build, fits
from semijax._types import SemijaxError
from semijax.carriers import at_k
from semijax.fitting.case import models_of
from semijax.fitting.columns import File, factor, quantity
from semijax.lattice import reciprocal
from semijax.schema import words
from semijax.schema.fitting import Column, FitCase


def data(case: FitCase) -> dict[str, fits.Measured]:
    """Name -> data; raises SemijaxError, in one line that names the file, the key and what is allowed."""
    made = {}
    for name, table in case.data.items():
        where = f"data.{name}"
        try:
            file = File(case.directory / table.file)
            made[name] = _KINDS[table.kind](case, where, file, table)
        except SemijaxError as error:
            said = str(error)
            said = said if said.startswith((where, str(case.directory))) else f"{where}: {said}"
            raise SemijaxError(f"{case.where}: {said}") from None
    return made


def _energies(case: FitCase, where: str, file: File, table: Any) -> fits.Measured:
    energy = quantity(file, f"{where}.energy", table.energy, "energy") - table.zero
    columns = table.bands
    if columns is not None and energy.ndim == 2 and table.match != "nearest" and energy.shape[1] > len(columns):
        if max(columns) >= energy.shape[1]:
            allowed = f"allowed are 0 to {energy.shape[1] - 1}, the bands of {file.path.name}"
            raise SemijaxError(words.line([where, "bands"], columns, allowed))
        energy = energy[:, columns]  # the columns of these bands, of a file that has more
        columns = columns if _has_levels(case) else None
    options = {"match": table.match, "offset": table.offset, "part": table.part}
    options |= {"window": None if table.window is None else tuple(np.subtract(table.window, table.zero))}
    options |= {"zone": table.lattice if table.zone else None, "bands": columns}
    weight = None if table.weight is None else quantity(file, f"{where}.weight", table.weight, "number")
    return fits.energies(
        _wavevectors(case, where, file, table), energy, sigma=_sigma(file, where, table, "energy"), weight=weight, **options
    )


def _velocities(case: FitCase, where: str, file: File, table: Any) -> fits.Measured:
    velocity = quantity(file, f"{where}.velocity", table.velocity, "velocity")
    velocity = velocity[:, None] if velocity.ndim == 1 else velocity
    k = _wavevectors(case, where, file, table)
    return fits.velocities(k, velocity, sigma=_sigma(file, where, table, "velocity"), part=table.part)


def _masses(case: FitCase, where: str, file: File, table: Any) -> fits.Measured:
    along = quantity(file, f"{where}.along", table.along, "number")
    mass = quantity(file, f"{where}.mass", table.mass, "mass")
    k = _wavevectors(case, where, file, table)
    return fits.masses(k, mass, along=along, sigma=_sigma(file, where, table, "number"), part=table.part)


def _cyclotron_masses(case: FitCase, where: str, file: File, table: Any) -> fits.Measured:
    mass, at = quantity(file, f"{where}.mass", table.mass, "mass"), None
    if table.angle is not None:
        angle = file.numbers(f"{where}.angle.column", table.angle) * _angle(where, table.angle)
        start, toward = (np.asarray(vector, float) for vector in table.plane)
        start = start / np.linalg.norm(start)
        toward = toward - (toward @ start) * start
        if not np.linalg.norm(toward) > 0 or not np.isfinite(toward).all():
            raise SemijaxError(words.line([where, "plane"], table.plane, "allowed are two vectors that span a plane"))
        directions = np.outer(np.cos(angle), start) + np.outer(np.sin(angle), toward / np.linalg.norm(toward))
        at = np.degrees(angle)
    else:
        directions = quantity(file, f"{where}.direction", table.direction, "number")
    sigma = _sigma(file, where, table, "number")
    return fits.cyclotron_masses(directions, mass, valleys=table.valleys, sigma=sigma, part=table.part, at=at)


def _bloch_frequencies(case: FitCase, where: str, file: File, table: Any) -> fits.Measured:
    electric = quantity(file, f"{where}.electric", table.electric, "electric")
    frequency = quantity(file, f"{where}.frequency", table.frequency, "frequency")
    sigma = _sigma(file, where, table, "frequency")
    return fits.bloch_frequencies(electric, frequency, row=table.row, sigma=sigma, part=table.part)


def _drift(case: FitCase, where: str, file: File, table: Any) -> fits.Measured:
    times, velocity = (
        quantity(file, f"{where}.time", table.time, "time"),
        quantity(file, f"{where}.velocity", table.velocity, "velocity"),
    )
    return fits.drift(times, velocity, sigma=_sigma(file, where, table, "velocity"), **_series(case, where, table))


def _current(case: FitCase, where: str, file: File, table: Any) -> fits.Measured:
    times, given = quantity(file, f"{where}.time", table.time, "time"), table.current
    plain = given.unit in ("1", "arbitrary")
    value = file.numbers(f"{where}.current.column", given) * (1.0 if plain else factor(f"{where}.current", given, "velocity"))
    sigma = _sigma(file, where, table, "number" if plain else "velocity")
    return fits.current(times, value, sigma=sigma, **_series(case, where, table))


def _series(case: FitCase, where: str, table: Any) -> dict[str, Any]:
    dimension = _dimension(case)
    if table.component >= dimension:
        raise SemijaxError(words.line([where, "component"], table.component, f"allowed is 0 to {dimension - 1}"))
    _check_fields(where, table.field, dimension)
    shim = SimpleNamespace(field=table.field, dimension=dimension, directory=case.directory, where=f"{case.where}: {where}")
    options = {"component": table.component, "field": build.field(shim), "start": table.begin}
    return options | {"scale": table.scale, "offset": table.offset} | _ensemble(case, where, table)


def _steady_drift(case: FitCase, where: str, file: File, table: Any) -> fits.Measured:
    if table.tau is None:
        raise SemijaxError(f'{where}.tau is missing: allowed is a relaxation time to start from, such as "1 ps"')
    electric = quantity(file, f"{where}.electric", table.electric, "electric")
    velocity = quantity(file, f"{where}.velocity", table.velocity, "velocity")
    if len(table.direction) != _dimension(case):
        raise SemijaxError(words.line([where, "direction"], table.direction, f"allowed is a list of {_dimension(case)}"))
    options = {"direction": table.direction, "samples": table.samples, "sigma": _sigma(file, where, table, "velocity")}
    return fits.steady_drift(electric, velocity, **options, **_ensemble(case, where, table))


def _ensemble(case: FitCase, where: str, table: Any) -> dict[str, Any]:
    if table.wavevector is not None and len(table.wavevector) != _dimension(case):
        raise SemijaxError(words.line([where, "wavevector"], table.wavevector, f"allowed is a list of {_dimension(case)}"))
    carriers = fits.over_zone(table.mesh) if table.mesh is not None else at_k(np.asarray(table.wavevector))
    charge = -1 if table.charge == "electron" else 1
    return {"carriers": carriers, "charge": charge, "temperature": table.temperature, "tau": table.tau, "part": table.part}


def _check_fields(where: str, tables: list, dimension: int) -> None:
    for i, table in enumerate(tables):
        for key in ("electric", "quadrature", "stiffness", "center"):
            value = getattr(table, key, None)
            if isinstance(value, list) and len(value) != dimension:
                raise SemijaxError(
                    words.line([where, "field", i, key], value, f"allowed is a list of {dimension} in {dimension} dimensions")
                )


def _has_levels(case: FitCase) -> bool:
    """Whether the models are of H(k), whose levels have the numbers that bands of a file have."""
    return any(model.kind == "slater_koster" for model in models_of(case).values())


def _dimension(case: FitCase) -> int:
    return next(iter(models_of(case).values())).dimension


def _wavevectors(case: FitCase, where: str, file: File, table: Any) -> np.ndarray:
    """k [n d], 1/Å; of a model of fewer dimensions without further columns, if these are zero."""
    column: Column = table.k
    if column.unit != "fraction":
        return _flat(case, quantity(file, f"{where}.k", column, "wavevector"))
    if table.lattice is None:
        raise SemijaxError(f"{where}.lattice is missing: allowed with k in fractions are the direct lattice vectors, rows")
    k, rows = file.numbers(f"{where}.k.column", column), reciprocal(table.lattice)
    k = k[:, None] if k.ndim == 1 else k
    if k.shape[1] != len(rows):
        raise SemijaxError(f"{where}.k: {k.shape[1]} columns: allowed are {len(rows)}, one for each lattice vector")
    return _flat(case, k @ rows)


def _flat(case: FitCase, k: np.ndarray) -> np.ndarray:
    k = k[:, None] if k.ndim == 1 else k
    d = _dimension(case)
    return k[:, :d] if k.shape[1] > d and not k[:, d:].any() else k


def _sigma(file: File, where: str, table: Any, kind: str) -> np.ndarray | None:
    return None if table.sigma is None else quantity(file, f"{where}.sigma", table.sigma, kind)


def _angle(where: str, column: Column) -> float:
    sizes = {"degree": np.pi / 180, "radian": 1.0}
    if column.unit not in sizes:
        raise SemijaxError(words.line([where, "angle", "unit"], column.unit, words.one_of(sizes, column.unit)))
    return sizes[column.unit]


_KINDS = {
    "energies": _energies,
    "velocities": _velocities,
    "masses": _masses,
    "cyclotron_masses": _cyclotron_masses,
    "bloch_frequencies": _bloch_frequencies,
    "drift": _drift,
    "current": _current,
    "steady_drift": _steady_drift,
}
