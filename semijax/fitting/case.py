"""From a fit file to a checked FitCase: names in its models are parameters, and every mistake is one line."""

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from semijax import config, quantities
from semijax.schema import words
from semijax.schema.fitting import Column, FitCase

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_OF_BONDS = re.compile(r"(\w+\.)?(onsite|hopping)\.")  # energies of a slater_koster model, by their own names
_NOT_NUMBERS = ("kind", "branch", "envelope", "wannier", "symbol")  # keys of a model whose text is no number


@dataclass(frozen=True)
class Reference:
    """A number of a model that is a parameter: models.`model`.`path` is `name`."""

    model: str
    path: tuple[Any, ...]
    name: str


def load(path: Any, overrides: Iterable[tuple[str, str]] = ()) -> tuple[FitCase, list[Reference]]:
    """Reads and checks a fit file [TOML]: the case, its models with the parameters' starts in them, and where these were.

    overrides: ("fit.starts", "20") pairs. Raises SemijaxError, one line for each mistake.
    """
    path = Path(path)
    document = config.read(path)
    for key, value in overrides:
        document = config.changed(document, key, config.as_toml(value), path.name)
    return check(document, path.name, path.parent)


def check(document: dict[str, Any], where: str = "fit", directory: Path | str = ".") -> tuple[FitCase, list[Reference]]:
    """The FitCase that a document of tables describes; raises SemijaxError, one line for each mistake."""
    filled, references = _filled(document)
    try:
        case = FitCase.model_validate(filled)
    except ValidationError as error:
        lines = words.lines(error, FitCase)
        raise config.refused(where, [_with_hint(line, document) for line in lines]) from None
    case._document, case._where, case._directory = copy.deepcopy(document), where, Path(directory)
    found = list(_mistakes(case, references))
    if found:
        raise config.refused(where, found)
    return case, references


def models_of(case: FitCase) -> dict[str, Any]:
    """Name -> table of every model; the only one of [model] has no name."""
    return dict(case.models) if case.models is not None else {"": case.model}


def kinds_of(case: FitCase, references: list[Reference], name: str) -> tuple[str, ...]:
    """The kinds of quantity that a parameter can be, as the place in the model that it is used at says."""
    for reference in references:
        if reference.name == name:
            quantity = words.quantity_of(words.field_at(type(models_of(case)[reference.model]), reference.path))
            if quantity is not None:
                return quantity.kinds
    if any(table.kind == "slater_koster" for table in models_of(case).values()) and _OF_BONDS.match(name):
        return ("energy",)
    return ("time",) if name.rpartition(".")[2] == "tau" else ("number",)


def _key(reference: Reference) -> tuple[Any, ...]:
    return ("models", reference.model, *reference.path) if reference.model else ("model", *reference.path)


def _filled(document: dict[str, Any]) -> tuple[dict[str, Any], list[Reference]]:
    """The document with starts in the places of names, and the references these were."""
    document = copy.deepcopy(document)
    parameters = document.get("parameters")
    names = parameters if isinstance(parameters, dict) else {}
    references: list[Reference] = []
    tables = {"": document.get("model"), **(document["models"] if isinstance(document.get("models"), dict) else {})}
    for model, table in tables.items():
        for path in list(_texts(table)):
            at: Any = table
            for part in path[:-1]:
                at = at[part]
            name = at[path[-1]]
            if name in names:
                references.append(Reference(model, path, name))
                given = names[name]
                at[path[-1]] = given.get("start") if isinstance(given, dict) else given
    return document, references


def _texts(table: Any, path: tuple = ()) -> Iterator[tuple]:
    """The places of texts in a model that may be names."""
    items = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    for key, value in items:
        if isinstance(value, str) and _NAME.fullmatch(value) and key not in _NOT_NUMBERS:
            yield (*path, key)
        else:
            yield from _texts(value, (*path, key))


def _with_hint(line: str, document: dict) -> str:
    """A model's value that is a word may be meant as a parameter."""
    found = re.match(r'models?\.[\w.]+ = "([A-Za-z][A-Za-z0-9_]*)": ', line)
    if not found:
        return line
    known = ", ".join(document.get("parameters") or {}) or "none so far"
    return f"{line}, or a name under [parameters] ({known})"


def _mistakes(case: FitCase, references: list[Reference]) -> Iterator[str]:
    if (case.model is None) == (case.models is None):
        yield "model is missing: allowed is [model], or several as [models.NAME]"
        return
    dimensions = {name: table.dimension for name, table in models_of(case).items()}
    if len(set(dimensions.values())) > 1:
        yield f"models: dimensions {dimensions}: allowed are models of one dimension"
    for reference in references:
        if models_of(case)[reference.model].kind == "slater_koster":
            allowed = 'allowed are numbers; its parameters have names of their own, such as "hopping.Si-Si-1.ss_sigma"'
            yield f"{words.dotted(_key(reference))} = {words.shown(reference.name)}: {allowed}"
    used = {reference.name for reference in references}
    for name, parameter in case.parameters.items():
        if references and _NAME.fullmatch(name) and name not in used:
            yield f"parameters.{name}: allowed are names that a model uses, such as mass = {words.shown(name)}, or are of the data"
        if parameter.start is None and name in used:
            yield f"parameters.{name}.start is missing: allowed is {words.shown(name)} = a number, or a table with start"
        for key, value in _numbers(parameter):
            try:
                quantities.internal(value, *kinds_of(case, references, name))
            except ValueError as error:
                yield words.line(["parameters", name, key], value, str(error))
    for name, data in case.data.items():
        yield from _data(case, name, data)


def _numbers(parameter: Any) -> Iterator[tuple[str, Any]]:
    for key in ("start", "low", "high"):
        if getattr(parameter, key) is not None:
            yield key, getattr(parameter, key)
    for i, value in enumerate(parameter.prior or []):
        yield f"prior.{i}", value


def _data(case: FitCase, name: str, data: Any) -> Iterator[str]:
    path = ["data", name]
    if not (case.directory / data.file).is_file():
        yield words.line([*path, "file"], data.file, f"allowed is an existing file (looked in {case.directory})")
    for key in type(data).model_fields:
        column = getattr(data, key)
        if isinstance(column, Column):
            yield from _column([*path, key], column)
    names = [model for model in models_of(case) if model]
    if data.part is not None and data.part not in names:
        yield words.line([*path, "part"], data.part, words.one_of(names, data.part) if names else "allowed with [models.NAME]")
    if data.kind == "energies" and data.window is not None and not data.window[0] < data.window[1]:
        yield words.line([*path, "window"], case.document["data"][name].get("window"), "allowed are low < high")
    if data.kind == "energies" and data.zone and data.lattice is None:
        yield words.line([*path, "zone"], True, "allowed beside lattice, the direct lattice vectors")
    if data.kind == "cyclotron_masses" and (
        (data.direction is None) == (data.angle is None) or (data.angle is None) != (data.plane is None)
    ):
        yield f"{words.dotted(path)}: allowed is direction, or angle and plane"
    if data.kind in ("drift", "current", "steady_drift") and (data.mesh is None) == (data.wavevector is None):
        yield f"{words.dotted(path)}.mesh is missing: allowed is either mesh or wavevector"
    if data.kind == "current" and data.current.unit in ("1", "arbitrary") and data.scale is None:
        yield f'{words.dotted(path)}.scale is missing: allowed with a unit of {data.current.unit} is scale = "free"'


def _column(path: list, column: Column) -> Iterator[str]:
    if (column.column is None) == (column.constant is None):
        yield f"{words.dotted(path)}: {Column.words.join(['allowed is ', ''])}"
    elif column.column is not None and column.unit is None:
        yield f'{words.dotted([*path, "unit"])} is missing: allowed is the unit of the column such as "meV", "1" for a plain number'
