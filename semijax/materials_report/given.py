"""Given: what files beside a Wannier90 prefix and a user's options say, read and checked: model, path, level, points to compare with."""

import math
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semijax import provenance, survey
from semijax._types import SemijaxError
from semijax.bands.wannier import Model
from semijax.io import Points, Win, read_band_dat, read_labelinfo, read_points, read_wannier90, read_win
from semijax.io.beside import at, files, hamiltonian
from semijax.io.text import existing

PATHS = ("auto", "seekpath", "win", "labelinfo")


@dataclass(frozen=True)
class Given:
    """One material: its Hamiltonian, a path, a Fermi level (eV) and whence, points of other programs, notes on what was found or not."""

    prefix: Path
    model: Model
    matrices: survey.Matrices
    line: survey.Line
    line_from: str
    level: float | None
    level_from: str
    points: tuple[Points, ...]
    frozen: float | None
    files: dict[str, str]
    notes: tuple[str, ...] = field(default=())


def gathered(name: str, *, dft: Path | None = None, fermi: float | None = None, path: str = "auto") -> Given:
    """Reads all that lies at a prefix; raises SemijaxError, one line."""
    if fermi is not None and not math.isfinite(fermi):
        raise SemijaxError(f"--fermi {fermi}: allowed is a finite number, in eV")
    if path not in PATHS:
        raise SemijaxError(f"--path {path}: allowed are {', '.join(PATHS)}")
    found = hamiltonian(name)
    if found is None:
        raise SemijaxError(f"{name}: neither {name}_tb.dat nor {name}_hr.dat: allowed is the prefix of one, plain or .gz")
    stem = found[0]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model = read_wannier90(name)
    win = read_win(stem) if existing(at(stem, ".win")) else None
    labels = read_labelinfo(stem) if existing(at(stem, "_band.labelinfo.dat")) else ()
    matrices = survey.Matrices(model)
    legs, source = _legs(stem, model, matrices, win, labels, path)
    points = () if dft is None else (read_points(dft),)
    level, level_from = _level(stem, win, fermi, points)
    if labels and existing(at(stem, "_band.dat")):
        points += (read_band_dat(stem, labels),)
    for one in points[:1] if dft is not None else ():
        _checked(one, matrices)
    return Given(
        prefix=stem,
        model=model,
        matrices=matrices,
        line=survey.line(legs, matrices.reciprocal),
        line_from=source,
        level=level,
        level_from=level_from,
        points=points,
        frozen=_number(win, "dis_froz_max"),
        files=provenance.hashes([*files(name), *([dft] if dft is not None else [])]),
        notes=tuple(" ".join(str(one.message).split()) for one in said if issubclass(one.category, UserWarning)),
    )


def _legs(stem: Path, model: Model, matrices: survey.Matrices, win: Win | None, labels: Any, path: str) -> tuple[list, str]:
    """The legs of the path, and what they are from."""
    d = matrices.dimension
    if path in ("auto", "seekpath") and win is not None and win.symbols:
        legs = survey.standard_path(model.lattice, win.symbols, win.atoms, d)
        if legs:
            return legs, "seekpath"
    if path == "seekpath":
        lacking = (
            "atoms in the .win" if win is None or not win.symbols else 'seekpath and spglib, pip install "semijax[symmetry]"'
        )
        raise SemijaxError(f"--path seekpath: allowed is with {lacking}")
    if path in ("auto", "win") and win is not None and (legs := survey.paths.of_pairs(win.path, d)):  # pyright: ignore[reportAttributeAccessIssue]
        return legs, f"{stem.name}.win"
    if path in ("auto", "labelinfo") and (legs := survey.paths.of_labels(labels, d)):  # pyright: ignore[reportAttributeAccessIssue]
        return legs, f"{stem.name}_band.labelinfo.dat"
    wanted = {"win": "a kpoint_path in its .win", "labelinfo": "a _band.labelinfo.dat beside it"}
    either = 'atoms in its .win and pip install "semijax[symmetry]", a kpoint_path in its .win, or a _band.labelinfo.dat'
    raise SemijaxError(f"{stem}: no path through the zone: allowed is a prefix with {wanted.get(path, either)}")


def _level(stem: Path, win: Win | None, fermi: float | None, points: tuple[Points, ...]) -> tuple[float | None, str]:
    if fermi is not None:
        return fermi, "--fermi"
    for one in points:
        if one.fermi is not None:
            return one.fermi, Path(one.name).name
    level = _number(win, "fermi_energy")
    return level, "" if level is None else f"{stem.name}.win"


def _number(win: Win | None, key: str) -> float | None:
    """A number among the keywords of a .win; None where it is none."""
    try:
        value = float((win.keywords if win is not None else {})[key].lower().replace("d", "e"))
    except (KeyError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _checked(points: Points, matrices: survey.Matrices) -> None:
    if points.energies.shape[1] < matrices.count:
        raise SemijaxError(
            f"{points.name}: energy_eV has {points.energies.shape[1]} bands: allowed are {matrices.count} or more, as H(R) has"
        )
