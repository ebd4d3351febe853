"""Structures of other programs as ours: ASE's Atoms, the atoms of a .win."""

from typing import Any

import numpy as np

from semijax._types import SemijaxError
from semijax.bands.structure import Structure
from semijax.io.programs import cell_from_ase
from semijax.io.wannier90.win import Win, read_win


def structure_from_ase(atoms: Any) -> Structure:
    """Cell and atoms of an ASE `Atoms`, along its periodic directions; raises SemijaxError for what is none."""
    rows = cell_from_ase(atoms)
    try:
        symbols, positions = list(atoms.get_chemical_symbols()), np.array(atoms.positions, dtype=np.float64)
    except (AttributeError, TypeError, ValueError):
        raise SemijaxError(f"structure_from_ase: {type(atoms).__name__} has no atoms: allowed is an ASE Atoms") from None
    return Structure(rows, symbols, positions)


def structure_from_win(win: Any) -> Structure:
    """Cell and atoms of a `Win`, or of `prefix`.win; raises SemijaxError where the file does not tell both."""
    found = win if isinstance(win, Win) else read_win(win)
    if found.lattice is None or not found.symbols:
        lacking = "unit_cell_cart" if found.lattice is None else "atoms_frac or atoms_cart"
        raise SemijaxError(f"structure_from_win: no {lacking}: allowed is a .win with a cell and atoms")
    return Structure.fractional(found.lattice, found.symbols, found.atoms)
