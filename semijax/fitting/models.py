"""Models: from the tables of a fit file to what is fitted: bands by their own parameters, or made of named ones."""

from dataclasses import dataclass
from typing import Any

from semijax import bands, build, fits
from semijax._types import SemijaxError
from semijax.fitting.case import Reference, kinds_of, models_of
from semijax.schema.fitting import FitCase


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

    kinds = [kinds_of(case, references, name)[0] for name in names]
    return ["" if kind == "number" else KINDS[kind].unit for kind in kinds]


def _own(case: FitCase, name: str, table: Any) -> Any:
    where = f"models.{name}" if name else "model"
    if table.kind != "slater_koster":
        return build.band(table, case.directory, where)
    symbols, places = [atom.symbol for atom in table.atoms], [atom.place for atom in table.atoms]
    try:
        crystal = bands.Structure.fractional(table.lattice, symbols, places)
        options = {"overlap": table.overlap, "dimension": table.dimension}
        return bands.models.slater_koster(crystal, table.orbitals, table.shells, **options)
    except SemijaxError as error:
        raise SemijaxError(f"{case.where}: {where}: {error}") from None


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
