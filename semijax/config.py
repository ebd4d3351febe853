"""From a TOML file and `key=value` overrides to a checked Case; a mistake is one line: file, key, value and what is allowed."""

import copy
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from semijax import quantities
from semijax._types import SemijaxError
from semijax.schema import words
from semijax.schema.case import RECORD, Case
from semijax.schema.consistency import mistakes

MOST_BYTES = 1_000_000
_MOST_LINES = 8  # mistakes shown at once
_PART = r"(?:[\w\-]+|\"[^\"\n]*\"|'[^'\n]*')"
_LONG_KEY = re.compile(rf"(?<![\w\-\"'.]){_PART}(?:[ \t]*\.[ \t]*{_PART}){{16}}")


def load(path, overrides: Iterable[tuple[str, str]] = ()) -> Case:
    """Reads and checks a case file [TOML]; overrides are ("field.0.electric.2", "5 kV/cm") pairs.

    Raises SemijaxError, one line for each mistake.
    """
    path = Path(path)
    document = read(path)
    for key, value in overrides:
        document = changed(document, key, as_toml(value), path.name)
    return check(document, path.name, path.parent)


def read(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, unchecked; raises SemijaxError for what is no file, no text or no TOML."""
    where = words.clean(str(path))
    if not path.is_file():
        raise SemijaxError(f"{where}: no such file: allowed is a TOML case file, or one of `semijax cases`")
    if path.stat().st_size > MOST_BYTES:
        raise SemijaxError(f"{where}: {path.stat().st_size} bytes: allowed are at most {MOST_BYTES}")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise SemijaxError(f"{where}: byte {error.start} is not UTF-8: allowed is a TOML file in UTF-8") from None
    return parse(text, where)


def parse(text: str, where: str = "case") -> dict[str, Any]:
    """The tables of a TOML text, unchecked."""
    # tomllib takes seconds for keys of thousands of parts and recurses into nested lists
    if _LONG_KEY.search(text):
        raise SemijaxError(f"{where}: a key of more than 16 parts: allowed are the keys of `semijax schema`")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise SemijaxError(f"{where}: nested too deeply: allowed are the tables of `semijax schema`") from None
    except ValueError as error:  # TOMLDecodeError, or a number with too many digits
        raise SemijaxError(f"{where}: not TOML: {words.clean(str(error))[:200]}") from None


def check(document: dict[str, Any], where: str = "case", directory: Path | str = ".") -> Case:
    """The Case that a document of tables describes; raises SemijaxError, one line for each mistake."""
    try:
        case = Case.model_validate(document)
    except ValidationError as error:
        raise refused(where, words.lines(error, Case)) from None
    case._document, case._where, case._directory = copy.deepcopy(document), where, Path(directory)
    found = list(mistakes(case))
    if found:
        raise refused(where, found)
    return case


def as_toml(text: str) -> Any:
    """The value of `--set key=text`: TOML where it is TOML, else the text itself (so that 5 kV/cm needs no quotes)."""
    try:
        found = parse(f"value = {text}")
    except SemijaxError:
        return text
    return found["value"] if list(found) == ["value"] else text


def changed(document: dict[str, Any], key: str, value: Any, where: str = "case") -> dict[str, Any]:
    """A copy of the document with another value at `key`, field.0.electric.2; raises SemijaxError where no such place is."""
    document = copy.deepcopy(document)
    path, at = _path(key), document
    for i, part in enumerate(path):
        place: Any = part if isinstance(at, list) else str(part)
        if isinstance(at, list) and not (isinstance(part, int) and part < len(at)):
            allowed = f"allowed after {words.dotted(path[:i])} is {f'0 to {len(at) - 1}' if at else 'nothing, it is empty'}"
            raise SemijaxError(f"{where}: {words.line([key], value, allowed)}")
        if not isinstance(at, dict | list):
            raise SemijaxError(f"{where}: {words.line([key], value, f'allowed is no key below {words.dotted(path[:i])}')}")
        if i == len(path) - 1:
            at[place] = value
        elif isinstance(at, dict):
            at = at.setdefault(place, {})
        else:
            at = at[place]
    return document


def value_at(case: Case, key: str) -> Any:
    """The checked value at a key, in the unit inside."""
    at: Any = case
    for part in _path(key):
        at = at[str(part)] if isinstance(at, dict) else at[part] if isinstance(at, list) else getattr(at, str(part))
    return at


def scan_cases(case: Case) -> list[Case]:
    """The case of every point of its scan, without a scan of their own; [] where it has none."""
    scan = case.scan
    if scan is None:
        return []
    document = {key: value for key, value in case.document.items() if key != "scan"}
    if scan.carriers is not None:
        document = changed(document, "run.carriers", scan.carriers)
    if scan.record is not None:
        written = document.get("record", RECORD)
        document["record"] = {name: written[name] for name in scan.record}
    values = scan.values if scan.values is not None else _between(case)
    where = f"{case.where} [scan]"
    return [check(changed(document, scan.key, value, where), where, case.directory) for value in values]


def _between(case: Case) -> list[float]:
    """`points` values from `first` to `last`, in the unit inside of the scanned key."""
    scan = case.scan
    assert scan is not None
    assert scan.points is not None
    quantity = words.quantity_of(words.field_at(Case, _path(scan.key)))
    if quantity is None:
        allowed = "allowed with first and last is a key that takes a quantity"
        raise SemijaxError(f"{case.where}: {words.line(['scan', 'key'], scan.key, allowed)}")
    ends = []
    for key in ("first", "last"):
        try:
            ends.append(quantities.internal(getattr(scan, key), *quantity.kinds))
        except ValueError as error:
            raise SemijaxError(f"{case.where}: {words.line(['scan', key], getattr(scan, key), str(error))}") from None
    return [float(x) for x in np.linspace(ends[0], ends[1], scan.points)]


def _path(key: str) -> list:
    return [int(part) if part.isascii() and part.isdigit() and len(part) < 10 else part for part in key.strip().split(".")]


def refused(where: str, found: list[str]) -> SemijaxError:
    """The error of a file with these mistakes, one line for each."""
    rest = [f"and {len(found) - _MOST_LINES} more"] if len(found) > _MOST_LINES else []
    return SemijaxError("\n".join(f"{where}: {text}" for text in [*found[:_MOST_LINES], *rest]))


def scan_key(case: Case) -> tuple[str, str]:
    """The scanned key and its unit inside ("1" for a plain number)."""
    key = case.scan.key if case.scan is not None else ""
    quantity = words.quantity_of(words.field_at(Case, _path(key)))
    return key, (quantities.KINDS[quantity.kinds[0]].unit or "1") if quantity is not None else "1"


def scanned(case: Case, point: Case) -> tuple[Any, str]:
    """The value of the scanned key at one point of the scan, and how a progress line calls it."""
    key, unit = scan_key(case)
    value = value_at(point, key)
    shown = f"{value:.4g}" if isinstance(value, float) else words.shown(value)
    return value, f"{key} = {shown} {unit}"
