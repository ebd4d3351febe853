"""Checkpoints: carriers and results in one .npz file whose every array carries a hash, written whole or not at all."""

import hashlib
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

from semijax import certify
from semijax._types import Phase, SemijaxError
from semijax.carriers import Carriers
from semijax.io.atomic import replacing
from semijax.simulate import Result
from semijax.stepping import Residual

FORMAT = 1
_RECORDS = {cls.__name__: cls for cls in (Carriers, Phase, Residual, Result, certify.Status, certify.Drift, certify.Close)}
# What zipfile, zlib, json and numpy raise for a file that is not what it says.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, RuntimeError, AttributeError)


def save(tree: Any, path) -> None:
    """Writes carriers, a result, or dicts and lists of them to `path` (.npz); raises SemijaxError for anything else, OSError.

    Arrays are kept bit for bit with a SHA-256 each; the file is flushed to the disk before it takes its place.
    """
    arrays: dict[str, bytes] = {}
    manifest = {"format": FORMAT, "tree": _describe(tree, arrays)}
    manifest["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in arrays.items()}
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as file:
        file.writestr("manifest.json", json.dumps(manifest, allow_nan=False))
        for name, data in arrays.items():
            file.writestr(f"{name}.npy", data)


def load(path) -> Any:
    """What `save` wrote, NumPy arrays as leaves; raises SemijaxError where a bit differs or it is no such file, OSError."""
    content = Path(path).read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            manifest = json.loads(file.read("manifest.json"))
            if manifest["format"] != FORMAT:
                raise SemijaxError(f"{path}: format {manifest['format']!r}: allowed is {FORMAT}; another semijax wrote it")
            hashes = manifest["sha256"].items()
            arrays = {name: _checked(path, name, file.read(f"{name}.npy"), digest) for name, digest in hashes}
        return _rebuild(manifest["tree"], arrays)
    except SemijaxError:
        raise
    except _DAMAGE as error:
        what = " ".join(str(error).split())[:100]
        raise SemijaxError(f"{path}: damaged or no checkpoint ({what}): allowed is a file that sj.io.save wrote") from None


def _checked(path, name: str, data: bytes, digest: str) -> np.ndarray:
    if hashlib.sha256(data).hexdigest() != digest:
        raise SemijaxError(f"{path}: array {name} does not match its hash: allowed is a file that sj.io.save wrote")
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)


def _describe(tree: Any, arrays: dict[str, bytes]) -> Any:
    """The tree as JSON; arrays go into `arrays` and leave their name."""
    if tree is None or isinstance(tree, bool | int | float | str):
        return {"value": repr(tree) if isinstance(tree, float) else tree, "float": isinstance(tree, float)}
    if isinstance(tree, np.ndarray | np.generic | jax.Array):
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.asarray(tree), allow_pickle=False)
        name = f"a{len(arrays)}"
        arrays[name] = buffer.getvalue()
        return {"array": name}
    if isinstance(tree, dict) and all(isinstance(key, str) for key in tree):
        return {"dict": {key: _describe(value, arrays) for key, value in tree.items()}}
    if isinstance(tree, list | tuple):
        return {type(tree).__name__: [_describe(value, arrays) for value in tree]}
    name = type(tree).__name__
    if _RECORDS.get(name) is type(tree):
        return {"record": name, "fields": {key: _describe(value, arrays) for key, value in vars(tree).items()}}
    raise SemijaxError(f"save: {name}: allowed are carriers, results, arrays, numbers, text, and dicts and lists of them")


def _rebuild(node: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    if "array" in node:
        return arrays[node["array"]]
    if "dict" in node:
        return {key: _rebuild(value, arrays) for key, value in node["dict"].items()}
    if "record" in node:
        return _RECORDS[node["record"]](**{key: _rebuild(value, arrays) for key, value in node["fields"].items()})
    if "value" in node:
        return float(node["value"]) if node["float"] else node["value"]
    kind = list if "list" in node else tuple
    return kind(_rebuild(value, arrays) for value in node[kind.__name__])
