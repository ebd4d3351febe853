"""Models: from the tables of a fit file to what is fitted: bands by their own parameters, or made of named ones."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semijax import build, fits
from semijax.fitting.case import Reference, kinds_of, models_of
from semijax.schema.fitting import FitCase

# Further kinds of models: kind -> (its table, the directory of the file) -> a Band, a Hamiltonian or fits.Model, whose `params` are
# fitted under their own names. Their tables belong into schema.fitting.
MAKERS: dict[str, Callable[[Any, Path], Any]] = {}


def model(case: FitCase, references: list[Reference]) -> Any:
    """What is fitted: one band, or a dict of several; fits.Model of the named parameters where the tables have names for numbers."""
    tables = models_of(case)
    if references:
        starts = {name: _start(case, references, name) for name in sorted({reference.name for reference in references})}
        given = {name: (table.kind, table.model_dump(exclude={"kind", "negate"}), table.negate) for name, table in tables.items()}
        return fits.Model(_Made(given, tuple(references)), starts)
    made = {name: _own(case, name, table) for name, table in tables.items()}
    return made.get("", made)


def units_of(case: FitCase, references: list[Reference], names: tuple[str, ...]) -> list[str]:
    """The unit of every parameter; "" where it is not known."""
    from semijax.quantities import KINDS

    used = {reference.name for reference in references}
    return [KINDS[kinds_of(case, references, name)[0]].unit if name in used else "" for name in names]


def _own(case: FitCase, name: str, table: Any) -> Any:
    if table.kind in MAKERS:
        return MAKERS[table.kind](table, case.directory)
    where = f"models.{name}" if name else "model"
    return build.band(table, case.directory, where)


def _start(case: FitCase, references: list[Reference], name: str) -> float:
    """Where a named parameter starts, in the unit inside: what the checked model has in its place."""
    reference = next(one for one in references if one.name == name)
    at: Any = models_of(case)[reference.model]
    for part in reference.path:
        at = at[part] if isinstance(at, list) else getattr(at, part)
    return float(at)


@dataclass(eq=False)
class _Made:
    """The bands of the tables with named parameters in their places, a function of these."""

    given: dict[str, tuple[str, dict, bool]]
    references: tuple[Reference, ...]

    def __call__(self, params: dict[str, Any]) -> Any:
        made = {name: self._one(name, params) for name in self.given}
        return made.get("", made)

    def _one(self, name: str, params: dict[str, Any]) -> Any:
        kind, given, negate = self.given[name]
        for reference in self.references:
            if reference.model == name:
                given = _with(given, reference.path, params[reference.name])
        band = build.closed_form(kind, given)
        return -band if negate else band


def _with(tree: Any, path: tuple, value: Any) -> Any:
    """A copy of nested dicts and lists with another value in one place."""
    if not path:
        return value
    copy = list(tree) if isinstance(tree, list) else dict(tree)
    copy[path[0]] = _with(tree[path[0]], path[1:], value)
    return copy
