"""A result as an xarray Dataset with units on every variable, and as a netCDF file."""

import json
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from semijax.io.atomic import replacing

_UNITS = {
    "position": "angstrom",
    "wavevector": "1/angstrom",
    "folded_wavevector": "1/angstrom",
    "velocity": "angstrom/fs",
    "group_velocity": "angstrom/fs",
    "energy": "eV",
    "total_energy": "eV",
    "inverse_mass": "angstrom^2/(eV fs^2)",
    "current": "e angstrom/fs",
    "log_volume": "1",
}
_SQUARED = {unit: "1" if unit == "1" else f"({unit})^2" for unit in _UNITS.values()}
_AXES = ("x", "y", "z")


def to_dataset(result, *, units: dict[str, str] | None = None, carriers: int | None = None, attributes=None):
    """A result -> xarray.Dataset: frames over `time` [fs], final carriers over `carrier`, units on every variable.

    units: name -> text, for your own observables, whose unit is else "unstated". carriers: how many of the final carriers are
    kept (None: all). attributes: global ones, numbers or text. Frames of a pair become one variable for each species,
    `drift_electron`.
    """
    import xarray

    final = result.final if isinstance(result.final, dict) else {"": result.final}
    d = next(iter(final.values())).phase.wavevector.shape[-1]
    variables: dict[str, Any] = {"time": ("time", np.asarray(result.time), {"units": "fs"})}
    kept = {name: rest for name, *rest in result.quantities}
    for name, frames in result.frames.items():
        variables |= _frames(name, frames, kept.get(name, ("", "", None)), (units or {}).get(name), d)
    for species, state in final.items():
        variables |= _final(species, state, carriers)
    variables["axis"] = ("axis", list(_AXES[:d]), {"units": "1", "long_name": "Cartesian axis"})
    status = {"certificate": json.dumps(certificate(result.status))}
    coordinates = {name: variables.pop(name) for name in list(variables) if variables[name][0] == name}
    return xarray.Dataset(variables, coordinates, {**status, **(attributes or {})})


def write_netcdf(dataset, path) -> None:
    """Writes an xarray.Dataset as netCDF-4 (h5netcdf), whole or not at all; raises OSError."""
    with replacing(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")


def certificate(status) -> dict[str, Any]:
    """The status of a run as plain numbers and words."""
    drifts = {
        name: {"change": float(x.change), "scale": float(x.scale), "carrier": int(x.carrier), "step": int(x.step)}
        for name, x in status.drifts.items()
    }
    found = {"nonfinite": int(status.nonfinite), "steps": int(status.steps), "dt_fs": float(status.dt), "drifts": drifts}
    close = {name: _close(x) for name, x in status.close.items()}
    return found | ({"close": close} if close else {})


def _close(seen) -> dict[str, Any]:
    if not int(seen.count):
        return {"count": 0}
    where = {"carrier": int(seen.carrier), "step": int(seen.step), "gap_eV": float(seen.gap)}
    return {"count": int(seen.count), **where, "wavevector_1/angstrom": [float(x) for x in seen.wavevector]}


def _frames(name: str, frames: Any, kept: Sequence, unit: str | None, d: int) -> dict[str, Any]:
    if isinstance(frames, dict):
        parts = [_frames(f"{name}_{key}", value, kept, unit, d) for key, value in frames.items()]
        return {key: value for part in parts for key, value in part.items()}
    values, (by, observable, edges) = np.asarray(frames), kept
    unit = unit or _unit(by, observable)
    if edges is not None:
        dimension, middle = f"{name}_bin", (np.asarray(edges)[1:] + np.asarray(edges)[:-1]) / 2
        counts = (("time", dimension), values, {"units": "1", "long_name": "weighted count"})
        return {name: counts, dimension: (dimension, middle, {"units": unit, "long_name": "middle of the bin"})}
    label = {"long_name": f"{by} of {observable}"} if by else {}
    return {name: (("time", *_dimensions(name, values.shape[1:], d, by == "sample")), values, {"units": unit, **label})}


def _dimensions(name: str, shape: tuple, d: int, sampled: bool) -> list[str]:
    """Names of the axes after time: carriers of a sample, Cartesian axes, and numbered ones for anything else."""
    rest = list(shape[1:] if sampled else shape)
    found = [f"{name}_carrier"] if sampled else []
    if rest and all(size == d for size in rest):
        return found + ["axis", "axis_2", "axis_3"][: len(rest)]
    return found + [f"{name}_{i}" for i in range(len(rest))]


def _unit(by: str, observable: str) -> str:
    """The unit of what is recorded: that of the observable, squared for a covariance."""
    unit = _UNITS.get(observable, "unstated")
    return _SQUARED.get(unit, unit) if by == "covariance" else unit


def _final(species: str, state: Any, most: int | None) -> dict[str, Any]:
    state = jax.tree.map(lambda x: np.asarray(x[:most]), state)
    end = f"_{species}" if species else ""
    found = {
        f"final_position{end}": (("carrier", "axis"), state.phase.position, {"units": "angstrom"}),
        f"final_wavevector{end}": (("carrier", "axis"), state.phase.wavevector, {"units": "1/angstrom"}),
    }
    others = {"weight": ("carrier",), "id": ("carrier",), "log_volume": ("carrier",), "jacobian": ("carrier", "phase", "phase_2")}
    for key, dimensions in others.items():
        if getattr(state, key, None) is not None:
            found[f"final_{key}{end}"] = (dimensions, getattr(state, key), {"units": "1"})
    return found
