"""The manifest of a finished run: a hash of every file, and one of the results alone; written last, so that it says all is there."""

import hashlib
import json
from pathlib import Path
from typing import Any

from semijax._types import SemijaxError
from semijax.io.atomic import replacing
from semijax.runs import owner

NAME, RESULTS, FORMAT = "manifest.json", "results.nc", 1
_APART = {NAME, owner.LOCK, owner.RECORD}


def hash_of(results: Path) -> str:
    """SHA-256 of what was found: every variable but the axes, in order of their names, and the carriers at the end.

    Times, paths and versions are not in it.
    """
    import xarray

    total = hashlib.sha256()
    with xarray.open_dataset(results, engine="h5netcdf", decode_cf=False) as data:
        for name in sorted(str(name) for name in data.data_vars):
            values = data[name].to_numpy()
            total.update(f"{name} {values.dtype.str} {values.shape}".encode())
            total.update(values.tobytes())
        total.update(str(data.attrs.get("final_sha256", "")).encode())
    return total.hexdigest()


def write(directory: Path) -> str:
    """Writes the manifest; the hash of the results."""
    found = {
        "format": FORMAT,
        "hash": hash_of(directory / RESULTS),
        "files": {name: _file(directory / name) for name in files(directory)},
    }
    with replacing(directory / NAME) as path:
        path.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found["hash"]


def verified(directory: Path) -> tuple[str, list[str]]:
    """(hash of the results, what is not as the run left it: a line each). Raises SemijaxError where no finished run is."""
    path = directory / NAME
    if not path.is_file():
        raise SemijaxError(f"{directory}: no {NAME}: allowed is the directory of a finished run; semijax resume finishes one")
    try:
        found = json.loads(path.read_bytes())
        known: dict[str, Any] = dict(found["files"])
        said = str(found["hash"])
    except (ValueError, KeyError, TypeError):
        return "", [f"{path}: damaged"]
    wrong = []
    for name, facts in known.items():
        file = directory / name
        if not file.is_file():
            wrong.append(f"{file}: missing")
        elif _file(file) != facts:
            wrong.append(f"{file}: changed since the run")
    wrong += [f"{directory / name}: not of this run" for name in files(directory) if name not in known]
    if f"{directory / RESULTS}: changed since the run" in wrong or RESULTS not in known:
        return "", [*wrong]
    real = hash_of(directory / RESULTS) if (directory / RESULTS).is_file() else ""
    return real, wrong if real == said or wrong else [f"{path}: its hash is not that of {RESULTS}"]


def files(directory: Path) -> list[str]:
    """The files that belong to the run, below its directory."""
    every = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    return [name for name in every if name not in _APART]


def _file(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": path.stat().st_size}
