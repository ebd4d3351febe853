"""Quantum ESPRESSO: bands, occupations, cell and atoms of a `data-file-schema.xml`."""

import numpy as np

from semijax.bands.structure import Structure
from semijax.io.banddata.record import BOHR, CHANNELS, RYDBERG, BandData, channel, sorted_bands
from semijax.io.banddata.xml import Element, Elements

_CELL, _BANDS = "output/atomic_structure", "output/band_structure"
_AXES = tuple(f"{_CELL}/cell/a{i}" for i in (1, 2, 3))
_ATOM = f"{_CELL}/atomic_positions/atom"
_K, _ENERGIES, _FILLED = (f"{_BANDS}/ks_energies/{name}" for name in ("k_point", "eigenvalues", "occupations"))
_LEVELS = tuple(f"{_BANDS}/{name}" for name in ("fermi_energy", "highestOccupiedLevel"))
_WORDS = ("lsda", "noncolin", "nbnd", "nbnd_up", "nbnd_dw", "nelec", "two_fermi_energies")
_WANTED = (_CELL, *_AXES, _ATOM, _K, _ENERGIES, _FILLED, *_LEVELS, *(f"{_BANDS}/{word}" for word in _WORDS))
_HARTREE = 2 * RYDBERG


def read_espresso(path, spin: str | None = None) -> BandData:
    """A `data-file-schema.xml` of pw.x (6.2 and later), plain or .gz; spin: "up" or "down" where it has both.

    Its units are Hartree, Bohr and, for k, 2π/alat. Raises SemijaxError `file:line: ...`.
    """
    xml = Elements(path, _WANTED)
    chosen = channel(xml.file.name, spin, xml.true(f"{_BANDS}/lsda"))
    kept, count = _columns(xml, chosen)
    rows = np.array([xml.reals(xml.one(axis), "a lattice vector", 3) for axis in _AXES]) * BOHR
    if np.linalg.matrix_rank(rows) < 3:
        raise xml.file.fault(f"cell {rows.tolist()} Å", "three independent rows", xml.one(_AXES[0]).line)
    points = xml.all(_K)
    k = np.array([xml.reals(point, "k", 3) for point in points])
    alat = xml.attribute(xml.one(_CELL), "alat") * BOHR
    if alat <= 0:
        raise xml.file.fault(f"alat = {alat / BOHR:g}", "a number > 0", xml.one(_CELL).line)
    energies = _HARTREE * _table(xml, _ENERGIES, len(k), count)[:, kept]
    filled = _table(xml, _FILLED, len(k), count)[:, kept] if _FILLED in xml.found else None
    weights = np.array([xml.attribute(point, "weight") for point in points])
    weights = weights / weights.sum() if weights.sum() > 0 else np.full(len(k), 1 / len(k))
    electrons = (
        float(xml.reals(xml.one(f"{_BANDS}/nelec"), "the number of electrons", 1)[0]) if f"{_BANDS}/nelec" in xml.found else None
    )
    energies, filled = sorted_bands(energies, filled)
    spin = "spinor" if xml.true(f"{_BANDS}/noncolin") else chosen
    structure = _structure(xml, rows) if _ATOM in xml.found else None
    return BandData(
        k @ rows.T / alat, energies, weights, rows, filled, _fermi(xml, chosen), spin, electrons, structure, xml.file.name
    )


def _columns(xml: Elements, chosen: str | None) -> tuple[slice, int]:
    """Which of the eigenvalues of a k are of the chosen spin, and how many there are; up comes first."""
    if chosen is None:
        count = xml.whole(f"{_BANDS}/nbnd")
        return slice(0, count), count
    up, down = (xml.whole(f"{_BANDS}/{name}") for name in ("nbnd_up", "nbnd_dw"))
    return (slice(0, up) if chosen == CHANNELS[0] else slice(up, up + down)), up + down


def _table(xml: Elements, path: str, points: int, count: int) -> np.ndarray:
    rows = xml.all(path)
    if len(rows) != points:
        raise xml.file.fault(f"{len(rows)} elements {path.rpartition('/')[2]}", f"{points}, one for each k_point", rows[-1].line)
    return np.array([xml.reals(row, "bands", count) for row in rows])


def _fermi(xml: Elements, chosen: str | None) -> float | None:
    """The Fermi level, of the chosen spin where there are two, else the highest occupied energy, eV."""
    both = f"{_BANDS}/two_fermi_energies"
    if chosen is not None and both in xml.found:
        return float(_HARTREE * xml.reals(xml.one(both), "Fermi levels", 2)[CHANNELS.index(chosen)])
    found = [xml.one(level) for level in _LEVELS if level in xml.found]
    return float(_HARTREE * xml.reals(found[0], "the Fermi level", 1)[0]) if found else None


def _structure(xml: Elements, rows: np.ndarray) -> Structure:
    atoms: list[Element] = xml.all(_ATOM)
    positions = BOHR * np.array([xml.reals(atom, "an atom's position", 3) for atom in atoms])
    return Structure(rows, [_name(atom) for atom in atoms], positions)


def _name(atom: Element) -> str:
    """An atom's species, spelled so that names of pairs stay readable."""
    return atom.attributes.get("name", "X").replace("-", "_").replace(".", "_").strip() or "X"
