"""Slater-Koster tight binding: s, p, d orbitals on the atoms of any crystal, H(params, k) of two-centre integrals with readable names."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from semijax._types import SemijaxError
from semijax.bands import inputs
from semijax.bands.constants import Constants
from semijax.bands.hamiltonian import Hamiltonian
from semijax.bands.models._bonds import bonds
from semijax.bands.models._integrals import Function, Integral, Terms, basis, integrals
from semijax.bands.models._two_centre_matrix import Positions, TwoCentre
from semijax.bands.structure import Structure
from semijax.bands.wannier import Model
from semijax.units import HBAR2_M0

_WHERE = "slater_koster"
_SHELL = 0.01  # Å: neighbours whose distances differ by less are equally near
_SCALINGS = (None, "power", "exponential")

# Harrison's universal integrals in ħ²/m0 d², times √(r_d/d)³ for each d orbital; r_d from copper's 0.67 Å to titanium's 1.08 Å.
_HARRISON = {"ss_sigma": -1.32, "sp_sigma": 1.42, "pp_sigma": 2.22, "pp_pi": -0.63, "sd_sigma": -3.16, "pd_sigma": -2.95}
_HARRISON |= {"pd_pi": 1.36, "dd_sigma": -16.2, "dd_pi": 8.75, "dd_delta": 0.0}
_R_D = 0.8


def slater_koster(
    structure: Structure,
    orbitals: Any,
    shells: Any = 1,
    *,
    hopping: Mapping | None = None,
    overlap: Mapping | bool | None = None,
    scaling: str | None = None,
    decay: Mapping | None = None,
    lengths: Mapping | None = None,
    dimension: int | None = None,
    tolerance: float = _SHELL,
) -> Hamiltonian:
    """Tight binding of a crystal as a Hamiltonian for `bands.bloch`, periodic in its lattice; its basis has the phases of the atoms.

    orbitals: {"Ga": {"s": −2.7, "p": 3.7}, ...}, energies in eV; or names alone, "s p s*", for all species, energies 0. Names: s, p, d, one
    of their functions (pz, dxy, dx2-y2, ...), t2g, eg, each with an energy of its own; with * a second shell of the kind. shells:
    neighbours up to the n-th distance of the crystal, or distances [Å] at which the shells end. hopping: integrals
    {"Ga-As-1": {"sp_sigma": 2.5, ...}}, eV: s of Ga, p of As, the first distance; what is not named is 0; None: Harrison's at the first
    distance, to begin a fit with, else 0. overlap: likewise, without unit; True for zeros. scaling: "power", V (d0/d)^decay, or
    "exponential", V exp(−decay (d/d0 − 1)); d0: the mean length of a pair's bonds here, or `lengths` {"Ga-As-1": Å}; decay:
    {"Ga-As-1": {...}}, what is not named is 2, 7/2 with one d orbital, 5 with two. dimension: of k; None: that of the lattice where it lies
    along the first axes, else 3; 2 takes the first two vectors, of a layer. tolerance: distances that differ by less, Å, are one.

    params: {"onsite": {species: {orbital: eV}}, "hopping": {pair: {integral: eV}}, and "overlap", "decay" alike}, of those integrals that
    some bond makes use of. With overlaps H is that of orthogonal functions, L⁻¹HL⁻† with S = LL†; the curvature has what their change with
    k adds, positions between functions taken as S_ab (r_a + r_b)/2; the moment has not.

    Raises SemijaxError. Slater, Koster, Phys. Rev. 94, 1498 (1954), doi:10.1103/PhysRev.94.1498; Harrison, Electronic Structure and
    the Properties of Solids (Dover, New York, 1989).
    """
    inputs.one_of(_WHERE, "scaling", scaling, _SCALINGS)
    if scaling is None and (decay is not None or lengths is not None):
        raise SemijaxError(f"{_WHERE}: decay or lengths without scaling: allowed with scaling = 'power' or 'exponential'")
    structure, dimension = _space(structure, dimension)
    functions, energies = basis(_WHERE, structure, orbitals)
    found = bonds(_WHERE, structure, shells, inputs.number(_WHERE, "tolerance", tolerance, above=0.0))
    names, terms = integrals(structure, functions, found)
    zeros = dict.fromkeys(names, 0.0)
    onsite = {one: {key: inputs.number(_WHERE, f"{one} {key}", x) for key, x in of.items()} for one, of in energies.items()}
    params: dict[str, Any] = {"onsite": onsite}
    params["hopping"] = _numbers("hopping", _harrison(names, terms) if hopping is None else zeros, hopping)
    if overlap is not None and overlap is not False:
        params["overlap"] = _numbers("overlap", zeros, None if overlap is True else overlap)
    if scaling is not None:
        params["decay"] = _numbers("decay", {name: _exponent(name) for name in names}, decay)
    stretch = _stretch(names, terms, lengths, scaling)
    table = _table(structure, functions, terms, stretch, dimension)
    of = TwoCentre(table, tuple(names), _places(energies), "overlap" in params)
    made = Hamiltonian(of, params, structure.lattice[:, :dimension], positions=Positions(of) if of.overlapping else None)
    if of.overlapping:
        _check_overlaps(made)
    return made


def as_wannier(hamiltonian: Hamiltonian) -> Model:
    """A Slater-Koster Hamiltonian of orthogonal functions as a model of functions at its atoms, for what reads H(R): survey, bands.wannier.

    A model has three lattice vectors: others than the crystal's are unit vectors at right angles. Raises SemijaxError for other
    Hamiltonians, and where there are overlaps.
    """
    of = hamiltonian.matrix
    if not isinstance(of, TwoCentre) or of.overlapping:
        what = "overlaps" if isinstance(of, TwoCentre) else f"{type(of).__name__}, no slater_koster"
        raise SemijaxError(f"as_wannier: hamiltonian has {what}: allowed is bands.models.slater_koster(...) without overlap")
    cells, half = of.table.cells, np.asarray(jax.jit(of.hopping)(hamiltonian.params))
    rows, centres = np.asarray(hamiltonian.lattice), np.asarray(of.table.centres)
    p, d = rows.shape
    lattice = np.zeros((3, 3))
    lattice[:p, :d] = rows
    lattice[p:] = np.linalg.svd(lattice[:p])[2][p:]
    both = np.concatenate([-cells[:0:-1], cells])
    hopping = np.concatenate([half[:0:-1].swapaxes(1, 2), half]).astype(np.complex128)
    return Model(lattice, np.pad(both, [(0, 0), (0, 3 - p)]), hopping, np.pad(centres, [(0, 0), (0, 3 - d)]))


def _space(structure: Any, dimension: int | None) -> tuple[Structure, int]:
    """The structure with the lattice vectors along which k is periodic, and the dimension of k."""
    if not isinstance(structure, Structure):
        raise SemijaxError(f"{_WHERE}: structure = {type(structure).__name__}: allowed is a bands.Structure")
    p = len(structure.lattice)
    flat = np.abs(structure.lattice[:, p:]).max(initial=0.0) < 1e-9
    if dimension is None:
        dimension = p if flat else 3
    inputs.one_of(_WHERE, "dimension", dimension, (1, 2, 3))
    if dimension == 2:
        return structure.layer(_WHERE), 2
    if dimension < p or (dimension == 1 and not flat):
        raise SemijaxError(f"{_WHERE}: dimension = 1 with lattice {structure.lattice.tolist()} Å: allowed is a chain along x")
    return structure, dimension


def _check_overlaps(made: Hamiltonian) -> None:
    """Raises SemijaxError where the functions are not independent, at the zone's centre or halfway to its faces, ends and corners."""
    if any(inputs.traced(x) for x in jax.tree.leaves(made.params)):
        return
    p = len(made.lattice)
    k = np.array(list(itertools.product((0.0, 0.25, 0.5), repeat=p))) @ (2 * np.pi * np.linalg.pinv(made.lattice).T)
    matrices = np.asarray(jax.jit(jax.vmap(made.matrix.overlap, (None, 0)))(made.params, k))
    least = float(np.linalg.eigvalsh(matrices).min())
    if not least > 0:
        raise SemijaxError(
            f"{_WHERE}: overlap: its matrix has the eigenvalue {least:.3g}: allowed are numbers that leave all of them > 0"
        )


def _numbers(key: str, start: dict[Integral, float], given: Mapping | None) -> dict[str, dict[str, Any]]:
    """{pair: {integral: number}}: those given, the others from `start`; raises SemijaxError for a name that is none of them."""
    given = {} if given is None else given
    tree: dict[str, dict[str, Any]] = {}
    for name, number in start.items():
        tree.setdefault(name.pair, {})[name.kind] = number
    for pair, of in given.items():
        if pair not in tree or not isinstance(of, Mapping):
            raise SemijaxError(f"{_WHERE}: {key} {pair!r}: allowed are {{integral: number}} of {', '.join(tree)}")
        for kind, number in of.items():
            if kind not in tree[pair]:
                raise SemijaxError(f"{_WHERE}: {key} {pair} {kind!r}: allowed are {', '.join(tree[pair])}")
            tree[pair][kind] = inputs.number(_WHERE, f"{key} {pair} {kind}", number)
    return tree


def _harrison(names: list[Integral], terms: Terms) -> dict[Integral, float]:
    """Harrison's integrals at the first distance, 0 at others."""
    found = {}
    for i, name in enumerate(names):
        d = float(terms.length[terms.integral == i].mean())
        kind = name.kind.replace("*", "")
        eta = _HARRISON.get(kind) or _HARRISON.get(kind[1::-1] + kind[2:], 0.0)
        first = name.pair.endswith("-1")
        found[name] = first * eta * HBAR2_M0 / d**2 * math.sqrt(_R_D / d) ** (3 * kind[:2].count("d"))
    return found


def _exponent(name: Integral) -> float:
    return {0: 2.0, 1: 3.5, 2: 5.0}[name.kind[: name.kind.index("_")].count("d")]


def _stretch(names: list[Integral], terms: Terms, lengths: Mapping | None, scaling: str | None) -> np.ndarray:
    """Of every term what its decay is multiplied with: log d/d0, or d/d0 − 1; [m]."""
    if scaling is None:
        return np.zeros(0)
    pairs = np.array([name.pair for name in names])[terms.integral]
    unknown = set(lengths or {}) - set(pairs)
    if unknown:
        raise SemijaxError(f"{_WHERE}: lengths {sorted(unknown)[0]!r}: allowed are {', '.join(dict.fromkeys(pairs))}")
    ratio = np.empty(len(pairs))
    for pair in set(pairs):
        own = terms.length[pairs == pair]
        mean = inputs.number(_WHERE, f"lengths {pair}", (lengths or {}).get(pair, own.mean()), above=0.0)
        ratio[pairs == pair] = own / mean
    return np.log(ratio) if scaling == "power" else ratio - 1


def _places(energies: dict[str, dict[str, float]]) -> tuple[tuple[str, str], ...]:
    return tuple((one, name) for one, of in energies.items() for name in of)


def _table(structure: Structure, functions: list[Function], terms: Terms, stretch: np.ndarray, dimension: int) -> Constants:
    """What the matrix is made of; of R and −R one is kept, of R = 0 half."""
    n, zero = len(functions), (0,) * terms.cell.shape[1]
    cells = [tuple(R) for R in terms.cell.tolist()]
    order = {R: i for i, R in enumerate([zero, *sorted({R for R in cells if zero < R})])}
    kept = np.array([R in order for R in cells])
    number = np.array([order[R] for R in cells if R in order])
    half = np.where(number == 0, 0.5, 1.0)
    places = [(structure.symbols[f.atom], f.name) for f in functions]
    names = list(dict.fromkeys(places))
    return Constants(
        cells=np.array(list(order), dtype=np.int64),
        vectors=(np.array(list(order)) @ structure.lattice)[:, :dimension],
        centres=structure.positions[[f.atom for f in functions]][:, :dimension],
        onsite=np.array([names.index(place) for place in places]),
        integral=terms.integral[kept],
        coefficient=terms.coefficient[kept] * half,
        place=(number * n + terms.a[kept]) * n + terms.b[kept],
        stretch=stretch[kept] if len(stretch) else stretch,
    )
