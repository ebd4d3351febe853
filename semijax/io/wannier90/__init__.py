"""Wannier90: a Hamiltonian in Wannier functions from the files of one run."""

import math
import warnings
from pathlib import Path

import numpy as np

from semijax._types import SemijaxError
from semijax.bands.wannier import Model
from semijax.io.text import existing
from semijax.io.wannier90.assemble import model
from semijax.io.wannier90.hamiltonian import Blocks, read_hr, read_tb
from semijax.io.wannier90.replicas import Replicas, fits, grid_of, nearest, read_wsvec
from semijax.io.wannier90.win import Corner, Label, Win, cell_of, read_centres, read_labelinfo, read_win

__all__ = ["Corner", "Label", "Win", "read_labelinfo", "read_wannier90", "read_win"]

_KINDS = {"_tb.dat": read_tb, "_hr.dat": read_hr}
_HAND_WRITTEN = 8  # R with weights 1 that stand for fewer k than these are a model's neighbours, not a k grid's

# Of ours and of the tutorials' materials, hopping left at its own R.
_OFF = "by 0.3 to 3 meV on 12 × 12 k, 22 to 120 meV on 8 × 8 × 8, 0.2 to 1.1 eV on 4 × 4 × 4"


def read_wannier90(prefix, *, lattice=None, centres=None, minimal_distance: bool = True) -> Model:
    """The Hamiltonian of `prefix`_tb.dat, else of `prefix`_hr.dat, each plain or .gz; or of one of them, named in full.

    Every hopping goes to the replicas R + T of `prefix`_wsvec.dat; where there is none, to those nearest by the centres, on the mp_grid of
    `prefix`.win, or on that which the weights of R tell. minimal_distance=False leaves it at R, as most programs do. A `_hr.dat` holds no
    lattice, no centres and no positions: they come from `prefix`.win and `prefix`_centres.xyz, or from lattice [3 3], Å, and centres
    [n 3], Å; curvature is then without positions.

    Raises SemijaxError `file:line: what: allowed is ...`. Warns, UserWarning, where positions or replicas cannot be known.
    Source: Pizzi et al., J. Phys.: Condens. Matter 32, 165902 (2020), https://doi.org/10.1088/1361-648X/ab51ff.
    """
    stem, read, path = _hamiltonian(Path(prefix))
    found = read(path)
    n = found.hopping.shape[1]
    lattice = _lattice(stem, found, lattice)
    if found.positions is None:
        centres = _centres(stem, n, centres)
        what = "no positions ⟨0a|r|Rb⟩" + (", no centres" if centres is None else "")
        _warn(f"{found.name}: {what}: Berry curvature and orbital moments will be without positions; _tb.dat has them")
    elif centres is not None:
        raise SemijaxError(f"read_wannier90: centres: {found.name} has its own: allowed is None")
    else:
        centres = _own_centres(found)
    replicas, source = _replicas(stem, found, lattice, centres) if minimal_distance else (None, found.name)
    return model(found, replicas, lattice, centres, source)


def _hamiltonian(prefix: Path):
    """The stem of all names, what reads the Hamiltonian, and its path."""
    whole = prefix.name.removesuffix(".gz")
    for end, read in _KINDS.items():
        if whole.endswith(end):
            return prefix.with_name(whole.removesuffix(end)), read, prefix.with_name(whole)
    for end, read in _KINDS.items():
        path = prefix.with_name(prefix.name + end)
        if existing(path):
            return prefix, read, path
    raise SemijaxError(
        f"{prefix}: neither {prefix.name}_tb.dat nor {prefix.name}_hr.dat: allowed is the prefix of one, plain or .gz"
    )


def _beside(stem: Path, end: str) -> Path:
    return stem.with_name(stem.name + end)


def _lattice(stem: Path, found: Blocks, given) -> np.ndarray:
    if found.lattice is not None:
        if given is not None:
            raise SemijaxError(f"read_wannier90: lattice: {found.name} has its own: allowed is None")
        return found.lattice
    if given is not None:
        return _numbers("lattice", given, 3)
    if existing(_beside(stem, ".win")) is None:
        raise SemijaxError(f"{found.name}: holds no lattice, and there is no {stem.name}.win: allowed is lattice= [3 3] in Å")
    return cell_of(stem)


def _centres(stem: Path, n: int, given) -> np.ndarray | None:
    path = _beside(stem, "_centres.xyz")
    if given is not None:
        return _numbers("centres", given, n)
    if existing(path) is None:
        return None
    if existing(_beside(stem, ".win")) and _told(read_win(stem), "translate_home_cell", False):
        _warn(f"{existing(path)}: translate_home_cell moved the centres from where H(R) has them: they are not used", 4)
        return None
    return read_centres(path, n)


def _told(win: Win, key: str, otherwise: bool) -> bool:
    """A logical keyword of a .win."""
    return win.keywords.get(key, str(otherwise)).lower().lstrip(".")[:1] == "t"


def _own_centres(found: Blocks) -> np.ndarray:
    """⟨0a|r|0a⟩ [n 3]."""
    zero = (found.translations == 0).all(axis=1)
    if found.positions is None or not zero.any():
        raise SemijaxError(f"{found.name}: no R = 0 0 0: allowed is a Hamiltonian with it")
    r = int(np.argmax(zero))
    return np.real(np.diagonal(found.positions[r])).T / found.ndegen[r]


def _numbers(key: str, given, rows: int) -> np.ndarray:
    try:
        values = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if values.shape != (rows, 3) or not np.isfinite(values).all() or (key == "lattice" and np.linalg.matrix_rank(values) < 3):
        what = " ".join(repr(given).split())[:80]
        raise SemijaxError(f"read_wannier90: {key} = {what}: allowed are {rows} rows of three finite numbers in Å")
    return values


def _replicas(stem: Path, found: Blocks, lattice, centres) -> tuple[Replicas | None, str]:
    """Where each matrix element goes, None for its own R, and the file that says so."""
    path, win = _beside(stem, "_wsvec.dat"), _beside(stem, ".win")
    if written := existing(path):
        return read_wsvec(path, found.translations, found.hopping.shape[1]), str(written)
    said = read_win(stem) if existing(win) else None
    if said is not None and not _told(said, "use_ws_distance", True):
        return None, found.name
    weighted = bool((found.ndegen > 1).any())
    grid = said.mp_grid if said is not None else None
    if grid is not None and not fits(found.translations, found.ndegen, grid):
        if weighted:
            allowed = f"one that the {len(found.ndegen)} R of {found.name} stand for"
            raise SemijaxError(f"{existing(win)}: mp_grid = {grid}: allowed is {allowed}")
        return None, found.name  # replicas are written out, or far R were cut
    if grid is None:
        grid = grid_of(found.translations, found.ndegen)
        if not weighted:
            # Written out, a model of a few neighbours, or an odd k grid: of the first two nothing is missing.
            if grid is None or math.prod(grid) < _HAND_WRITTEN:
                return None, found.name
            grid = None
    if grid is None or centres is None:
        lacking = "centres" if centres is None else "mp_grid"
        _warn(f"{stem}: no _wsvec.dat, and no {lacking} to find replicas by: energies are off {_OFF}", 4)
        return None, found.name
    return nearest(found.translations, lattice, centres, grid), found.name


def _warn(what: str, depth: int = 3) -> None:
    warnings.warn(what, UserWarning, stacklevel=depth)
