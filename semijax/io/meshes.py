"""Energies on meshes of the whole zone: BXSF read and written, FRMSF written, tables in .npz read."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from semijax._types import SemijaxError
from semijax.io.atomic import replacing
from semijax.io.text import Text
from semijax.lattice import reciprocal

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, RuntimeError, MemoryError, OSError)


class Mesh(NamedTuple):
    """Energies [bands n1 n2 n3], eV, at k = Σ (i_j/n_j) b_j, i_j = 0 ... n_j − 1; lattice [3 3], Å; Fermi level, eV; one label a band."""

    lattice: np.ndarray
    energies: np.ndarray
    fermi: float
    labels: tuple[str, ...]


def read_bxsf(path, *, wavevector: float = 1.0, energy: float = 1.0) -> Mesh:
    """A BXSF file of XCrySDen, plain or .gz, its repeated end points checked and left out; raises SemijaxError `file:line: ...`.

    wavevector: 1/Å in one unit of the file's reciprocal vectors, for which the format names none (Wannier90: 1/Å, with the 2π); energy: eV
    in one unit of its energies.
    """
    text = Text(path)
    fermi = _fermi(text)
    bands = text.whole("the number of bands")
    said = text.reals(3, "points along each vector")
    if min(said) < 2 or max(said) > 1e9 or any(x != int(x) for x in said):
        raise text.fault(f"{' '.join(f'{x:g}' for x in said)} points", "whole numbers ≥ 2, the last point the first again")
    points = [int(x) for x in said]
    if any(text.reals(3, "the origin")):
        raise text.fault("an origin elsewhere", "0 0 0")
    vectors = np.array([text.reals(3, "a reciprocal vector") for _ in range(3)])
    if np.linalg.matrix_rank(vectors) < 3:
        raise text.fault(f"reciprocal vectors {vectors.tolist()}", "three independent ones")
    text.room(bands * points[0] * points[1] * points[2])
    labels, energies = [], []
    for _ in range(bands):
        label, values = _band(text, points)
        labels.append(label)
        energies.append(values)
    return Mesh(reciprocal(wavevector * vectors), energy * np.array(energies), energy * fermi, tuple(labels))


def write_bxsf(path, lattice, energies, fermi: float, labels: Sequence[str] | None = None) -> None:
    """Writes energies [bands n1 n2 n3], eV, of a lattice [3 3], Å, as BXSF, end points repeated; raises SemijaxError, OSError."""
    rows, values = _checked("write_bxsf", lattice, energies)
    fermi = _level("write_bxsf", fermi)
    labels = [str(i + 1) for i in range(len(values))] if labels is None else [str(label) for label in labels]
    if len(labels) != len(values) or any(len(label.split()) != 1 for label in labels):
        raise SemijaxError(f"write_bxsf: labels = {labels}: allowed is one word for each of {len(values)} bands")
    head = ["BEGIN_INFO", "  # energies in eV, reciprocal vectors in 1/angstrom", f"  Fermi Energy: {fermi:.12g}", "END_INFO"]
    head += ["BEGIN_BLOCK_BANDGRID_3D", "semijax", "BEGIN_BANDGRID_3D_bands", str(len(values))]
    head += [" ".join(str(n + 1) for n in values.shape[1:]), "0.0 0.0 0.0", *_rows(reciprocal(rows))]
    with replacing(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as file:
        file.write("\n".join(head) + "\n")
        for label, band in zip(labels, np.pad(values, [(0, 0), (0, 1), (0, 1), (0, 1)], mode="wrap")):
            file.write(f"BAND: {label}\n")
            _column(file, band)
        file.write("END_BANDGRID_3D\nEND_BLOCK_BANDGRID_3D\n")


def write_frmsf(path, lattice, energies, colour=None, fermi: float = 0.0) -> None:
    """Writes energies [bands n1 n2 n3], eV, of a lattice [3 3], Å, as FRMSF of FermiSurfer, the Fermi level at its zero.

    colour: on the same mesh, one number (a speed, a component of the curvature) or two or three for each point [bands n1 n2 n3 m].
    Raises SemijaxError, OSError. Source: Kawamura, Comput. Phys. Commun. 239, 197 (2019), https://doi.org/10.1016/j.cpc.2019.01.017.
    """
    rows, values = _checked("write_frmsf", lattice, energies)
    parts = [] if colour is None else _colour(colour, values.shape)
    # Switch 1: k = (i − 1)/n along each vector, Γ first.
    head = [" ".join(map(str, values.shape[1:])), "1", str(len(values)), *_rows(reciprocal(rows))]
    with replacing(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as file:
        file.write("\n".join(head) + "\n")
        for part in [values - _level("write_frmsf", fermi), *parts]:
            _column(file, part)


def read_table(path, index: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """lattice [p d], Å, and energies [n1 ... np], eV, as `bands.sampled` takes them, from a .npz with arrays of these names.

    energies[i1, ..., ip] is E at k = Σ (i_j/n_j) b_j, Γ first, ends not repeated; with a first axis of bands, `index` picks one.
    Raises SemijaxError naming the file, the array and its shape.
    """
    try:
        with np.load(Path(path), allow_pickle=False) as file:
            found = {key: np.asarray(file[key]) for key in ("lattice", "energies") if key in file.files}
            names = list(file.files)
    except _DAMAGE as error:
        what = " ".join(str(error).split())[:100]
        raise SemijaxError(f"{path}: cannot be read ({what}): allowed is a .npz with arrays lattice and energies") from None
    if len(found) < 2:
        raise SemijaxError(f"{path}: arrays {', '.join(names)}: allowed are lattice and energies")
    lattice, energies = (_real(f"{path}: {key}", found[key]) for key in ("lattice", "energies"))
    p = lattice.shape[0] if lattice.ndim == 2 else 0
    if not 1 <= p <= lattice.shape[-1] <= 3 or np.linalg.matrix_rank(lattice) < p:
        raise SemijaxError(f"{path}: lattice = {lattice.tolist()}: allowed are p ≤ d independent rows of length d ≤ 3, in Å")
    if index is not None:
        if energies.ndim != p + 1 or not 0 <= index < len(energies):
            raise SemijaxError(f"{path}: index = {index} of energies {energies.shape}: allowed is a band of [bands n1 ... n{p}]")
        energies = energies[index]
    if energies.ndim != p or energies.size == 0:
        raise SemijaxError(
            f"{path}: energies have shape {energies.shape}: allowed is [n1 ... n{p}], or [bands n1 ... n{p}] with index="
        )
    return lattice, energies


def _fermi(text: Text) -> float:
    """The Fermi level, and the file read on to the line before the number of bands."""
    fermi = None
    while True:
        words = text.words("BEGIN_BANDGRID_3D")
        line = b" ".join(words).upper()
        if line.startswith(b"FERMI ENERGY"):
            fermi = text.real(words[-1], "the Fermi level")
        if line.startswith((b"BEGIN_BANDGRID_3D", b"BANDGRID_3D")):
            break
    if fermi is None:
        raise text.fault("no line `Fermi Energy:` before it", "a file with one")
    return fermi


def _band(text: Text, points: list[int]) -> tuple[str, np.ndarray]:
    """Label and energies of the next band, without repeated ends."""
    words = text.words("BAND:")
    if len(words) != 2 or words[0].upper() != b"BAND:":
        raise text.fault(f"{len(words)} words", "BAND: and a label")
    line, ends = text.line, [text.data.find(mark, text.offset) for mark in (b"BAND:", b"END_BANDGRID")]
    if max(ends) < 0:
        raise text.fault("the band does not end", "a line BAND: or END_BANDGRID_3D after it")
    values = text.numbers(min(end for end in ends if end >= 0))
    if len(values) != points[0] * points[1] * points[2]:
        raise text.fault(f"{len(values)} energies", f"{' × '.join(map(str, points))}", line)
    values = values.reshape(points)
    # Two printings of the same number, and of k and k + G, agree to the eighth digit.
    allowed = 1e-6 * (1 + float(np.abs(values).max()))
    apart = max(float(np.abs(np.take(values, 0, axis) - np.take(values, -1, axis)).max()) for axis in range(3))
    if apart > allowed:
        raise text.fault(
            f"the ends of the mesh differ by {apart:.3g}", f"the first point again as the last, to {allowed:.1g}", line
        )
    return words[1].decode("ascii", "replace"), values[:-1, :-1, :-1]


def _checked(where: str, lattice, energies) -> tuple[np.ndarray, np.ndarray]:
    rows, values = (_real(f"{where}: {key}", value) for key, value in (("lattice", lattice), ("energies", energies)))
    if rows.shape != (3, 3) or np.linalg.matrix_rank(rows) < 3:
        raise SemijaxError(f"{where}: lattice = {rows.tolist()}: allowed are three independent rows in Å")
    if values.ndim != 4 or values.size == 0:
        raise SemijaxError(f"{where}: energies have shape {values.shape}: allowed is [bands n1 n2 n3]")
    return rows, values


def _colour(colour, shape: tuple[int, ...]) -> list[np.ndarray]:
    values = _real("write_frmsf: colour", colour)
    values = values[..., None] if values.shape == shape else values
    if values.shape[:-1] != shape or not 1 <= values.shape[-1] <= 3:
        raise SemijaxError(
            f"write_frmsf: colour has shape {np.shape(colour)}: allowed is {shape}, or with 1 to 3 components more"
        )
    return list(np.moveaxis(values, -1, 0))


def _real(where: str, value: Any) -> np.ndarray:
    try:
        # np.array of complex numbers as float would drop the imaginary part with no more than a warning.
        found = np.asarray(value)
        found = found.astype(np.float64) if found.dtype.kind in "fiu" else np.array(np.nan)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if not np.isfinite(found).all():
        raise SemijaxError(f"{where}: not all of it are finite real numbers: allowed are such arrays")
    return found


def _level(where: str, fermi) -> float:
    level = _real(f"{where}: fermi", fermi)
    if level.shape != ():
        raise SemijaxError(f"{where}: fermi has shape {level.shape}: allowed is one number in eV")
    return float(level)


def _rows(vectors: np.ndarray) -> list[str]:
    return [" ".join(f"{x:.15e}" for x in row) for row in vectors]


def _column(file, values: np.ndarray) -> None:
    file.write("\n".join(map("{:.12e}".format, values.ravel().tolist())) + "\n")
