"""VASP: EIGENVAL, and the cell and atoms of a POSCAR or CONTCAR beside it."""

from pathlib import Path

import numpy as np

from semijax.bands.structure import Structure
from semijax.io.banddata.record import CHANNELS, BandData, channel, rows_of, sorted_bands
from semijax.io.text import Text, existing

_COLUMNS = {1: {2: False, 3: True}, 2: {3: False, 5: True}}  # spins -> words of a line -> whether occupations are among them


def read_eigenval(path, lattice=None, spin: str | None = None) -> BandData:
    """An EIGENVAL, plain or .gz; spin: "up" or "down" where it has both. lattice [3 3], Å, else that of CONTCAR or POSCAR beside it.

    The file tells no Fermi level. Raises SemijaxError `file:line: ...`.
    """
    text = Text(path)
    first = text.words("numbers of ions and spins")
    spins = int(first[-1]) if len(first) == 4 and first[-1] in (b"1", b"2") else 0
    if not spins:
        raise text.fault(f"{b' '.join(first)[:40].decode('ascii', 'replace')!r}", "four whole numbers, the last ISPIN, 1 or 2")
    chosen = channel(text.name, spin, spins == 2)
    for what in ("the volume", "the temperature", "CAR", "the system's name"):
        text.words(what)
    words = text.words("electrons, k-points, bands")
    if len(words) != 3 or not all(word.isdigit() and 0 < int(word) < 10**8 for word in words[1:]):
        raise text.fault(f"{len(words)} words", "numbers of electrons, k-points and bands")
    electrons, points, count = text.real(words[0], "the number of electrons"), int(words[1]), int(words[2])
    text.room(points * (4 + 2 * count))
    k, values = _blocks(text, points, count, spins)
    energies = values[..., CHANNELS.index(chosen) if chosen else 0]
    filled = values[..., spins + (CHANNELS.index(chosen) if chosen else 0)] if values.shape[-1] > spins else None
    energies, filled = sorted_bands(energies, filled)
    structure = _beside(Path(path)) if lattice is None else None
    rows = rows_of(lattice) if structure is None else structure.lattice
    weights = k[:, 3] / k[:, 3].sum() if k[:, 3].sum() > 0 else np.full(points, 1 / points)
    return BandData(k[:, :3], energies, weights, rows, filled, None, chosen, electrons, structure, text.name)


def read_poscar(path) -> Structure:
    """Cell and atoms of a POSCAR or CONTCAR of VASP 5; raises SemijaxError `file:line: ...`."""
    text = Text(path)
    text.words("a comment")
    scale = text.reals(1, "the scale")[0]
    rows = np.array([text.reals(3, "a lattice vector") for _ in range(3)])
    volume = abs(np.linalg.det(rows))
    if scale == 0 or volume < 1e-9 * np.abs(rows).max() ** 3:
        raise text.fault(f"scale {scale:g}, lattice {rows.tolist()}", "a scale ≠ 0 and three independent rows")
    rows *= scale if scale > 0 else (-scale / volume) ** (1 / 3)  # a negative one is the cell's volume
    names = [word.decode("utf-8", "replace") for word in text.words("names of species")]
    counts = text.wholes(len(names), "numbers of atoms") if names and not names[0].isdigit() else None
    if counts is None:
        raise text.fault(f"{' '.join(names)[:40]!r}", "a line of names of species, as VASP 5 writes it")
    line = text.words("Direct or Cartesian")
    if line[:1] and line[0][:1] in b"sS":
        line = text.words("Direct or Cartesian")
    cartesian = bool(line) and line[0][:1] in b"cCkK"
    places = []
    for _ in range(int(counts.sum())):
        words = text.words("an atom")
        if len(words) < 3:
            raise text.fault(f"{len(words)} words", "three coordinates of an atom")
        places.append([text.real(word, "a coordinate") for word in words[:3]])
    positions = (
        np.array(places) * (scale if scale > 0 else (-scale / volume) ** (1 / 3)) if cartesian else np.array(places) @ rows
    )
    symbols = [name for name, many in zip(names, counts.tolist()) for _ in range(many)]
    return Structure(rows, symbols, positions)


def _blocks(text: Text, points: int, count: int, spins: int) -> tuple[np.ndarray, np.ndarray]:
    """k with weights [m 4], and the columns after a band's number [m n columns]."""
    k, values, width = [], [], None
    for _ in range(points):
        words = text.words("a k-point")
        while not words:
            words = text.words("a k-point")
        if len(words) != 4:
            raise text.fault(f"{len(words)} words", "k and its weight, 4 numbers")
        k.append([text.real(word, "k or its weight") for word in words])
        for band in range(1, count + 1):
            words = text.words(f"band {band}")
            width = len(words) if width is None else width
            if len(words) != width or width not in _COLUMNS[spins] or words[0] != str(band).encode():
                allowed = " or ".join(str(n) for n in _COLUMNS[spins])
                raise text.fault(f"{len(words)} words", f"{allowed}, as in other lines, that begin with the band's number {band}")
            values.append([text.real(word, "an energy or occupation") for word in words[1:]])
    return np.array(k), np.array(values).reshape(points, count, -1)


def _beside(path: Path) -> Structure | None:
    """The structure of a CONTCAR or POSCAR in the same directory; None where there is none."""
    for name in ("CONTCAR", "POSCAR"):
        found = existing(path.with_name(name))
        if found is not None and found.stat().st_size:
            return read_poscar(found)
    return None
