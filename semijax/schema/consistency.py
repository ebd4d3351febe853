"""What one key of a case demands of another: dimensions that agree, choices that exclude each other, files that exist."""

from collections.abc import Iterator
from typing import Any

from semijax import quantities
from semijax.cases import reports
from semijax.io.beside import hamiltonian
from semijax.schema import words
from semijax.schema.case import Case
from semijax.schema.words import one_of

_EDGES = {
    "position": "length",
    "wavevector": "wavevector",
    "folded_wavevector": "wavevector",
    "energy": "energy",
    "total_energy": "energy",
}
MOST_STEPS = 10**9


def mistakes(case: Case) -> Iterator[str]:
    """One line for each."""
    yield from _species(case)
    yield from _vectors(case)
    yield from _run(case)
    for name, entry in case.record.items():
        yield from _record(case, name, entry)
    yield from _scan(case)
    if case.report is not None and case.report not in reports():
        yield _line(case, ["report"], case.report, one_of(reports(), case.report))


def charge_of(name: str, charge: str | None) -> str | None:
    """The charge a species has: what it says, or what its name says."""
    return charge or (name if name in ("electron", "hole") else None)


def _species(case: Case) -> Iterator[str]:
    d = case.dimension
    for name, species in case.species.items():
        path = ["species", name]
        if charge_of(name, species.charge) is None:
            yield f'species.{name}.charge is missing: allowed are "electron", "hole" (only species of these names need none)'
        if species.band.dimension != d:
            yield _line(case, [*path, "band", "dimension"], species.band.dimension, f"allowed is {d}, that of the first species")
        if species.band.kind == "tight_binding":
            for i, hop in enumerate(species.band.hopping):
                yield from _length(case, [*path, "band", "hopping", i, "vector"], hop.vector, d)
        if species.band.kind == "ellipsoidal":
            yield from _length(case, [*path, "band", "center"], species.band.center, d)
            for i, axis in enumerate(species.band.axes or []):
                yield from _length(case, [*path, "band", "axes", i], axis, d)
        if species.band.kind == "wannier":
            yield from _files(case, [*path, "band", "wannier"], species.band.wannier)
    if any(carriers.pairs for carriers in _preparations(case).values()):
        charges = sorted(charge_of(name, species.charge) or "" for name, species in case.species.items())
        if charges != ["electron", "hole"]:
            yield _line(case, ["carriers", "pairs"], True, "allowed with exactly one electron and one hole under [species]")


def _files(case: Case, path: list, prefix: str) -> Iterator[str]:
    if hamiltonian(case.directory / prefix) is None:
        allowed = f"allowed is the prefix of a Wannier90 _tb.dat or _hr.dat, plain or .gz (looked in {case.directory})"
        yield _line(case, path, prefix, allowed)


def _preparations(case: Case) -> dict[tuple, Any]:
    own = {("species", name, "carriers"): s.carriers for name, s in case.species.items() if s.carriers is not None}
    return {("carriers",): case.carriers, **own}


def _vectors(case: Case) -> Iterator[str]:
    d = case.dimension
    for path, carriers in _preparations(case).items():
        for key in ("position", "wavevector"):
            yield from _length(case, [*path, key], getattr(carriers, key, None), d)
        yield from _density(case, path, carriers)
    for i, field in enumerate(case.field):
        for key in ("electric", "quadrature", "stiffness", "center"):
            value = getattr(field, key, None)
            yield from _length(case, ["field", i, key], value if isinstance(value, list) else None, d)
        if field.kind == "uniform" and field.magnetic is not None and len(field.magnetic) != {2: 1, 3: 3}.get(d):
            allowed = {1: "none in one dimension", 2: "[B_z] in two dimensions", 3: "three numbers in three dimensions"}[d]
            yield _line(case, ["field", i, "magnetic"], field.magnetic, f"allowed is {allowed}")
        if field.kind == "cosine" and field.axis >= d:
            yield _line(case, ["field", i, "axis"], field.axis, f"allowed is 0 to {d - 1} in {d} dimensions")
        if field.kind == "tabulated" and not (case.directory / field.file).is_file():
            yield _line(case, ["field", i, "file"], field.file, f"allowed is an existing file (looked in {case.directory})")


def _length(case: Case, path: list, value: list | None, d: int) -> Iterator[str]:
    if value is not None and len(value) != d:
        yield _line(case, path, value, f"allowed is a list of {d} in {d} dimensions")


def _density(case: Case, path: tuple, carriers: Any) -> Iterator[str]:
    if getattr(carriers, "density", None) is not None:
        yield from _kind(case, [*path, "density"], f"density in {case.dimension}D")


def _kind(case: Case, path: list, kind: str) -> Iterator[str]:
    """What is written at `path` must be of one kind, where the table alone could not tell which."""
    written = _written(case, path)
    try:
        quantities.internal(0 if written is None else written, kind)
    except ValueError as error:
        yield _line(case, path, written, str(error))


def _run(case: Case) -> Iterator[str]:
    run = case.run
    if run.frames is not None and run.every is not None:
        yield _line(case, ["run", "every"], run.every, "allowed is only one of frames and every")
    if run.dt is not None and run.dt > run.duration:
        yield _line(case, ["run", "dt"], run.dt, f"allowed is at most the duration, {run.duration:g} fs")
    if run.dt is not None and run.duration / run.dt > MOST_STEPS:
        least = run.duration / MOST_STEPS
        yield _line(case, ["run", "dt"], run.dt, f"allowed is at least {least:g} fs, {MOST_STEPS:.0e} steps")


def _record(case: Case, name: str, entry: Any) -> Iterator[str]:
    path = ["record", name]
    if entry.of == "log_volume" and not case.run.volume:
        yield _line(case, [*path, "of"], entry.of, "allowed with run.volume = true")
    if entry.axis is not None and entry.axis >= case.dimension:
        yield _line(case, [*path, "axis"], entry.axis, f"allowed is 0 to {case.dimension - 1} in {case.dimension} dimensions")
    if entry.by != "histogram":
        return
    if entry.low is None or entry.high is None:
        key = "low" if entry.low is None else "high"
        yield f"record.{name}.{key} is missing: allowed are low < high, the edges of the histogram"
    elif not entry.low < entry.high:
        yield _line(case, [*path, "low"], entry.low, f"allowed are low < high (high is {entry.high})")
    for key in ("low", "high"):
        yield from _kind(case, [*path, key], _EDGES.get(entry.of, "number"))


def _scan(case: Case) -> Iterator[str]:
    scan = case.scan
    if scan is None:
        return
    ends = [scan.first, scan.last, scan.points]
    if (scan.values is None) == (None in ends) or (scan.values is not None and ends != [None] * 3):
        yield _line(case, ["scan", "key"], scan.key, "allowed with either values = [...], or first, last and points")
    if scan.key.split(".")[0] in ("scan", "record", "report", "title") or scan.key in _FIXED:
        allowed = "allowed is a key of species, field, carriers, relaxation or dynamics, or run.duration"
        yield _line(case, ["scan", "key"], scan.key, allowed)
    for name in scan.record or []:
        if name not in case.record:
            yield _line(case, ["scan", "record"], scan.record, f"{one_of(case.record, name)}, the records of the case")


_FIXED = {f"run.{key}" for key in ("carriers", "frames", "every", "precision", "volume", "keep")}


def _line(case: Case, path: list, value: Any, allowed: str) -> str:
    written = _written(case, path)
    return words.line(path, value if written is None else written, allowed)


def _written(case: Case, path: list) -> Any:
    """What the user wrote at a key (the checked case holds floats in the units inside); None where nothing is written."""
    at: Any = case.document
    for part in path:
        if isinstance(at, dict):
            at = at.get(part)
        else:
            at = at[part] if isinstance(at, list) and isinstance(part, int) and part < len(at) else None
    return at
