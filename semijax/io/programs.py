"""Models of pythtb and cells of ASE as ours, by their attributes: neither program is imported."""

from typing import Any

import numpy as np

from semijax._types import SemijaxError
from semijax.bands.wannier import Model


def from_pythtb(model: Any) -> Model:
    """A pythtb 1.x `tb_model` or 2.x `TBModel` -> Model; its lengths are taken as Å, its energies as eV.

    Directions that pythtb has not are filled up with unit vectors at right angles; along those without a period R is 0. With spin the
    functions are (orbital, spin), spin fastest. Raises SemijaxError for anything else, and for parameters that have no values yet.
    """
    if getattr(model, "parameters", None):
        names = ", ".join(map(str, model.parameters))
        raise SemijaxError(f"from_pythtb: parameters {names} have no values: allowed is model.with_parameters(...)")
    try:
        lattice, orbitals, periodic, onsite, hops = _modern(model) if hasattr(model, "lat_vecs") else _classic(model)
        d = len(lattice)
        rows = np.eye(3)
        rows[:d, :d] = lattice
        spin = 1 if np.ndim(onsite) == 1 else 2
        centres = np.zeros((len(orbitals), 3))
        centres[:, :d] = orbitals @ lattice
        blocks = _blocks(len(orbitals), spin, onsite, [(*hop[:3], _translation(hop[3], periodic, d)) for hop in hops])
    except (AttributeError, TypeError, ValueError, IndexError, KeyError) as error:
        what = " ".join(str(error).split())[:100]
        name = type(model).__name__
        raise SemijaxError(f"from_pythtb: {name} is no model ({what}): allowed is a pythtb tb_model or TBModel, d ≤ 3") from None
    translations = sorted(blocks)
    hopping = np.array([blocks[R] for R in translations])
    return Model(rows, np.array(translations, dtype=np.int64), hopping, np.repeat(centres, spin, axis=0))


def cell_from_ase(atoms: Any) -> np.ndarray:
    """Lattice vectors [p 3], Å, of an ASE `Atoms`, along its p periodic directions; raises SemijaxError where there are none."""
    try:
        rows = np.array(atoms.cell, dtype=np.float64)[np.array(atoms.pbc, dtype=bool)]
    except (AttributeError, TypeError, ValueError, IndexError):
        raise SemijaxError(f"cell_from_ase: {type(atoms).__name__} has no cell and pbc: allowed is an ASE Atoms") from None
    if rows.ndim != 2 or rows.shape[1] != 3 or len(rows) == 0 or np.linalg.matrix_rank(rows) < len(rows):
        raise SemijaxError(f"cell_from_ase: periodic cell = {rows.tolist()}: allowed are one to three independent vectors in Å")
    return rows


def _classic(model) -> tuple:
    """lattice, orbitals (reduced), periodic directions, onsite, hops (amplitude, i, j, R) of pythtb 1.x."""
    hops = [(hop[0], hop[1], hop[2], hop[3] if len(hop) > 3 else ()) for hop in model._hoppings]
    return np.array(model.get_lat()), np.array(model.get_orb()), list(model._per), np.array(model._site_energies), hops


def _modern(model) -> tuple:
    """The same of pythtb 2.x."""
    hops = [(hop["amplitude"], hop["from_orbital"], hop["to_orbital"], hop.get("lattice_vector", ())) for hop in model.hoppings]
    return np.array(model.lat_vecs), np.array(model.orb_vecs), list(model.periodic_dirs), np.array(model.onsite), hops


def _translation(given, periodic: list[int], d: int) -> tuple[int, int, int]:
    """R of a hop: along directions without a period there is none."""
    R = [0, 0, 0]
    for direction in periodic if len(given) else ():
        R[range(d)[direction]] = int(given[direction])
    return R[0], R[1], R[2]


def _blocks(n: int, spin: int, onsite: np.ndarray, hops: list) -> dict[tuple[int, int, int], np.ndarray]:
    """H(R) [n·spin n·spin] for every R and −R; pythtb says each bond once: ⟨0i|H|Rj⟩ is the amplitude, ⟨0j|H|−R i⟩ its conjugate."""
    empty = np.zeros((n, spin, n, spin), np.complex128)
    blocks = {(0, 0, 0): empty.copy()}
    for i, energy in enumerate(onsite):
        blocks[0, 0, 0][i, :, i, :] = np.reshape(energy, (spin, spin))
    for amplitude, i, j, R in hops:
        amplitude = np.reshape(np.asarray(amplitude, np.complex128), (spin, spin))
        back = (-R[0], -R[1], -R[2])
        blocks.setdefault(R, empty.copy())[i, :, j, :] += amplitude
        blocks.setdefault(back, empty.copy())[j, :, i, :] += amplitude.conj().T
    return {R: block.reshape(n * spin, n * spin) for R, block in blocks.items()}
