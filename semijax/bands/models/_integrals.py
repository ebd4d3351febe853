"""Slater-Koster integrals: which ones a crystal has, what they are called, and what each adds to H(R)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from semijax._types import SemijaxError
from semijax.bands.models._bonds import Bonds
from semijax.bands.models._two_centre import KINDS, factors, orbital
from semijax.bands.structure import Structure

_NOTHING = 1e-12  # products of components of unit vectors that are smaller are rounding


class Function(NamedTuple):
    """One orbital of one atom: its shell (s, p, d, s*), angular momentum, number within the shell, and the name given for it."""

    atom: int
    shell: str
    angular: int
    number: int
    name: str


class Integral(NamedTuple):
    """Of a pair of species at one of the distances ("Ga-As-1"), between two of their shells ("sp_sigma")."""

    pair: str
    kind: str


class Terms(NamedTuple):
    """Lines [m] that say: V[integral] times coefficient goes to ⟨0a|H|Rb⟩, R = cell [m p]; length of the bond, Å."""

    integral: np.ndarray
    coefficient: np.ndarray
    cell: np.ndarray
    a: np.ndarray
    b: np.ndarray
    length: np.ndarray


def basis(where: str, structure: Structure, orbitals: Any) -> tuple[list[Function], dict[str, dict[str, float]]]:
    """The orbitals of the atoms of a cell, one after another, and their energies {species: {name: eV}}.

    orbitals: {species: {name: energy, eV}}, or {species: "s p"} with energies 0, or "s p" for all species.
    """
    species = structure.species
    given: Mapping[str, Any] = orbitals if isinstance(orbitals, Mapping) else dict.fromkeys(species, orbitals)
    if set(given) != set(species):
        raise SemijaxError(f"{where}: orbitals of {', '.join(map(str, given))}: allowed are those of {', '.join(species)}")
    energies = {}
    for one in species:
        names: Any = given[one]
        names = names.split() if isinstance(names, str) else names
        energies[one] = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, 0.0)
        _check_distinct(where, one, list(energies[one]))
    functions = []
    for atom, one in enumerate(structure.symbols):
        for name in energies[one]:
            shell, angular, numbers = orbital(where, name)
            functions += [Function(atom, shell, angular, number, name) for number in numbers]
    return functions, energies


def integrals(structure: Structure, functions: list[Function], bonds: Bonds) -> tuple[list[Integral], Terms]:
    """The integrals that some bond makes use of, near ones first, and what they add to H(R).

    In a name the species come in the order of the structure's, their shells in the same order; of two shells of one species the lower
    angular momentum comes first.
    """
    directions = bonds.vector / bonds.length[:, None]
    momenta = {f.angular for f in functions}
    table = {(a, b): factors(directions, a, b) for a in momenta for b in momenta}
    of = [[(row, f) for row, f in enumerate(functions) if f.atom == atom] for atom in range(len(structure.symbols))]
    found: dict[tuple, list] = {}
    for m, (i, j, shell) in enumerate(zip(bonds.i.tolist(), bonds.j.tolist(), bonds.shell.tolist())):
        for row, f in of[i]:
            for column, g in of[j]:
                coefficients = table[f.angular, g.angular][:, m, f.number, g.number]
                for kind, coefficient in enumerate(coefficients.tolist()):
                    if abs(coefficient) > _NOTHING:
                        key = (shell, *_ordered(structure, f, g), kind)
                        found.setdefault(key, []).append((coefficient, m, row, column))
    keys = sorted(found)
    which = np.repeat(np.arange(len(keys)), [len(found[key]) for key in keys])
    lines = [line for key in keys for line in found[key]]
    coefficient, m, row, column = (np.array(x) for x in zip(*lines))
    names = [_named(structure, *key) for key in keys]
    return names, Terms(which, coefficient, bonds.cell[m], row, column, bonds.length[m])


def _check_distinct(where: str, species: str, names: list[str]) -> None:
    found = [(shell, number) for shell, _, numbers in (orbital(where, name) for name in names) for number in numbers]
    if not names or len(set(found)) < len(found):
        raise SemijaxError(f"{where}: orbitals of {species} = {' '.join(names)!r}: allowed are one or more, each once")


def _ordered(structure: Structure, f: Function, g: Function) -> tuple:
    """(species, shell, species, shell) of two orbitals, whichever comes first."""
    ends = [(structure.species.index(structure.symbols[x.atom]), x.angular, x.shell) for x in (f, g)]
    return tuple(sorted(ends))


def _named(structure: Structure, shell: int, first: tuple, second: tuple, kind: int) -> Integral:
    A, B = (structure.species[end[0]] for end in (first, second))
    return Integral(f"{A}-{B}-{shell}", f"{first[2]}{second[2]}_{KINDS[kind]}")
