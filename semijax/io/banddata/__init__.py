"""Band data: energies of density-functional programs at their k, from .npz, Quantum ESPRESSO, VASP and Wannier90, as one record."""

from pathlib import Path

from semijax._types import SemijaxError
from semijax.io.banddata.espresso import read_espresso
from semijax.io.banddata.npz import read_npz
from semijax.io.banddata.record import BandData
from semijax.io.banddata.vasp import read_eigenval, read_poscar
from semijax.io.banddata.wannier90 import read_band_path
from semijax.io.text import existing

__all__ = ["BandData", "read_band_path", "read_bands", "read_eigenval", "read_espresso", "read_npz", "read_poscar"]

_SCHEMA = "data-file-schema.xml"


def read_bands(path, *, lattice=None, spin: str | None = None) -> BandData:
    """Bands from a .npz, a `data-file-schema.xml` (or its .save directory), an EIGENVAL, or the prefix of a `_band.dat` and `_band.kpt`.

    lattice: rows [3 3], Å, where the file tells none; spin: "up" or "down" of a file with both. Text files may be .gz. Raises SemijaxError
    `file:line: what: allowed is ...`.
    """
    path = Path(path)
    if path.is_dir():
        inside = [path / name for name in (_SCHEMA, "EIGENVAL") if existing(path / name)]
        path = inside[0] if inside else path
    name = path.name.removesuffix(".gz")
    prefix = path.with_name(name.removesuffix("_band.dat"))
    if name.startswith("EIGENVAL"):
        return read_eigenval(path, lattice, spin)
    if name.endswith(".xml"):
        _none(path, "lattice", lattice, "which the file tells")
        return read_espresso(path, spin)
    if name.endswith(".npz") or existing(prefix.with_name(prefix.name + "_band.dat")):
        _none(path, "spin", spin, "for one spin")
        return read_npz(path, lattice) if name.endswith(".npz") else read_band_path(prefix, lattice)
    raise SemijaxError(
        f"{path}: no band data: allowed is a .npz, a {_SCHEMA} or its directory, an EIGENVAL, or the prefix of a _band.dat and _band.kpt"
    )


def _none(path: Path, key: str, value, why: str) -> None:
    if value is not None:
        raise SemijaxError(f"{path}: {key} = {value!r}: allowed is None, {why}")
