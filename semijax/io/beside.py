"""Beside: which files of Wannier90 lie at a prefix."""

from pathlib import Path

from semijax.io.text import existing

_HAMILTONIANS = ("_tb.dat", "_hr.dat")  # in the order in which they are looked for
_OTHERS = ("_wsvec.dat", ".win", "_centres.xyz", "_band.labelinfo.dat", "_band.dat")


def hamiltonian(name) -> tuple[Path, Path] | None:
    """(prefix, file) of the Hamiltonian at a prefix, or named in full, as `read_wannier90` takes it; None where there is none."""
    path = Path(name)
    whole = path.name.removesuffix(".gz")
    for end in _HAMILTONIANS:
        if whole.endswith(end):
            found = existing(path.with_name(whole))
            return None if found is None else (path.with_name(whole.removesuffix(end)), found)
    for end in _HAMILTONIANS:
        if path.name and (found := existing(at(path, end))):
            return path, found
    return None


def files(name) -> list[Path]:
    """The Hamiltonian at a prefix and what lies beside it; [] where there is none."""
    found = hamiltonian(name)
    if found is None:
        return []
    return [found[1], *(path for end in _OTHERS if (path := existing(at(found[0], end))))]


def at(prefix: Path, end: str) -> Path:
    """The path of a prefix with an end: cu and _tb.dat make cu_tb.dat."""
    return prefix.with_name(prefix.name + end)
