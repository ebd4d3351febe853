"""Refinement: a few numbers of a Wannier model set free, each shared by all matrix elements that symmetry makes equal."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from semijax._types import SemijaxError
from semijax.bands import inputs
from semijax.bands.hamiltonian import Hamiltonian
from semijax.bands.wannier import Model, hamiltonian

_WHERE = "refinement"


@dataclass(frozen=True, eq=False, repr=False)
class Refinement:
    """Which numbers of a model are free.

    original: the model. start: {"onsite": [g] energies, "hopping": [h] sizes |⟨0a|H|Rb⟩|}, eV: the values of the model, a tree to be
    fitted. distances [h]: |R + t_b − t_a| of the hoppings, Å. counts: {"onsite": [g], "hopping": [h]}: how many matrix elements each
    number stands for. Whatever the numbers are, H(−R) = H(R)†, and each element keeps its phase.
    """

    original: Model
    start: dict[str, np.ndarray]
    distances: np.ndarray
    counts: dict[str, np.ndarray]
    places: tuple[np.ndarray, ...]  # (R, a, b) of the elements that change
    phases: np.ndarray
    group: np.ndarray  # of each element, its number among those of onsite and hopping

    def model(self, values: Any) -> Model:
        """The model with these values, a tree like `start`; a pure function, to be traced and differentiated."""
        change = [
            jnp.asarray(values[key]) - jnp.asarray(self.start[key], jnp.result_type(float)) for key in ("onsite", "hopping")
        ]
        moved = jnp.concatenate(change)[self.group]
        hopping = jnp.asarray(self.original.hopping)
        added = jnp.asarray(self.phases, hopping.dtype) * moved.astype(hopping.dtype)
        of = self.original
        return Model(of.lattice, of.translations, hopping.at[self.places].add(added), of.centres, of.positions)

    def hamiltonian(self, values: Any, *, dimension: int = 3, multiplicity: int = 1) -> Hamiltonian:
        """The Hamiltonian of `model(values)`, as `bands.wannier` has it; a pure function too."""
        return hamiltonian(self.model(values), dimension=dimension, multiplicity=multiplicity)


def refinement(model: Model, within: float, *, least: float = 1e-3, alike: float = 1e-3, tolerance: float = 0.02) -> Refinement:
    """On-site energies and the hoppings between functions up to `within` Å of each other as free numbers, a few for each shell.

    least: hoppings that are smaller, eV, stay as they are. alike: elements at one distance (to `tolerance`, Å) whose sizes differ by less
    than this from the next one, eV, share a number, as those do that a symmetry makes equal; on-site energies alike. Raises SemijaxError
    for a model without centres.
    """
    within, least, alike, tolerance = (
        inputs.number(_WHERE, key, value, least=0.0)
        for key, value in {"within": within, "least": least, "alike": alike, "tolerance": tolerance}.items()
    )
    if model.centres is None:
        raise SemijaxError(f"{_WHERE}: the model has no centres: allowed is one with them, Model(centres=[n 3] in Å)")
    hopping, centres = np.asarray(model.hopping, np.complex128), np.asarray(model.centres)
    apart = (
        (np.asarray(model.translations) @ np.asarray(model.lattice))[:, None, None] + centres[None, None] - centres[None, :, None]
    )
    distance = np.linalg.norm(apart, axis=3)
    home = (np.asarray(model.translations) == 0).all(axis=1)
    own = home[:, None, None] & np.eye(len(centres), dtype=bool)
    chosen = (distance <= within) & (np.abs(hopping) >= least) & ~own
    onsite, (energies, _, first) = np.nonzero(own), _shared(np.zeros(own.sum()), np.real(hopping[own]), tolerance, alike)
    others, (sizes, distances, second) = np.nonzero(chosen), _shared(distance[chosen], np.abs(hopping[chosen]), tolerance, alike)
    places = tuple(np.concatenate(pair) for pair in zip(onsite, others))
    phases = np.concatenate([np.ones(len(first)), hopping[chosen] / np.abs(hopping[chosen])])
    counts = {"onsite": np.bincount(first), "hopping": np.bincount(second)}
    start = {"onsite": energies, "hopping": sizes}
    return Refinement(model, start, distances, counts, places, phases, np.concatenate([first, second + len(energies)]))


def _shared(
    distances: np.ndarray, sizes: np.ndarray, tolerance: float, alike: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean size [g] and distance [g] of the groups of elements that are alike, and the group of each element."""
    order = np.argsort(distances, kind="stable")
    shell = np.empty(len(distances), int)
    shell[order] = np.cumsum(np.diff(distances[order], prepend=0.0) > tolerance)
    order = np.lexsort((sizes, shell))
    new = (np.diff(shell[order], prepend=-1) > 0) | (np.diff(sizes[order], prepend=-np.inf) > alike)
    group = np.empty(len(sizes), int)
    group[order] = np.cumsum(new) - 1
    count = np.bincount(group)
    return np.bincount(group, sizes) / count, np.bincount(group, distances) / count, group
