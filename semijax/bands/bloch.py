"""bands.bloch: one band of a many-band Hamiltonian H(k) as a Band, with its Berry curvature, orbital moment and gap."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import Array, SemijaxError, cast
from semijax.bands import inputs, summed, two_levels, two_rows
from semijax.bands.band import Band
from semijax.bands.contract import name_of
from semijax.bands.eigen import Grouping, level, separation
from semijax.bands.hamiltonian import Hamiltonian, all_bands, joined, matrix_of
from semijax.bands.neighbours import BlochNeighbours

FLOOR = 1e-4  # eV: bands that symmetry makes equal differ by up to 1e-5 eV in Wannier functions, which break it a little


def bloch(
    hamiltonian,
    params: Any = None,
    index: int = 0,
    lattice: Any = None,
    *,
    dimension: int | None = None,
    multiplicity: int = 1,
    floor: float = FLOOR,
    curvature: bool = True,
    moment: bool = True,
) -> Band:
    """Band `index` (0 is the lowest) of H(params, k) [n n], eV, Hermitian; or of a `Hamiltonian` (bands.models.haldane(), ...).

    Bands are numbered by energy at each k: where two cross, a carrier stays in the lower or in the upper one. Bands nearer than
    `floor` [eV] are a group: the energy is that of the band itself, velocity, curvature and moment are averages of the group, and
    terms between its bands are left out of all derivatives. A run counts the carriers it sees so near (`result.status.close`).
    multiplicity: so many neighbouring eigenvalues are equal at every k (2 for Kramers pairs); they are always a group, and not counted.
    curvature, moment: False leaves them out (a crystal with inversion and time reversal has none); in one dimension there is none.
    Complex params become pairs of real ones in `band.params`.

    Every derivative with respect to k and params exists and is exact outside groups: ∂E = ⟨n|∂H|n⟩, and the second derivative has the
    interband terms. Raises SemijaxError for an index that H has not, a matrix that is not Hermitian, or a floor ≤ 0.
    """
    if not isinstance(hamiltonian, Hamiltonian):
        if not callable(hamiltonian):
            raise SemijaxError(f"bloch: hamiltonian = {hamiltonian!r}: allowed is a function H(params, k) or a bands.models one")
        matrix: Any = hamiltonian
        hamiltonian = Hamiltonian(matrix, params, lattice, dimension, multiplicity=multiplicity)
    elif params is not None or lattice is not None:
        raise SemijaxError("bloch: params or lattice beside a Hamiltonian: allowed is none, it has its own")
    if isinstance(index, bool) or not isinstance(index, int | np.integer) or index < 0:
        raise SemijaxError(f"bloch: index = {index!r}: allowed is a whole number ≥ 0, 0 for the lowest band")
    grouping = _grouping(floor, hamiltonian.multiplicity)
    slots = _slots(hamiltonian, int(index), grouping)
    band = Band(slots["energy"], hamiltonian.params, hamiltonian.lattice, hamiltonian.dimension, gap=slots["gap"])
    rows = None if band.dimension is None else _check(band, hamiltonian.matrix, int(index))
    if hamiltonian.vector is not None or (rows == 2 and grouping.multiplicity == 1 and hamiltonian.positions is None):
        vector = hamiltonian.vector or two_rows.VectorOf(hamiltonian.matrix)
        slots = two_rows.TwoRows(vector, 2 * int(index) - 1, grouping).slots()
    flat = band.dimension == 1
    wanted = {"curvature": curvature and not flat, "moment": moment and not flat}
    slots = {name: slot for name, slot in slots.items() if wanted.get(name, True)}
    return Band(params=band.params, lattice=band.lattice, dimension=band.dimension, **slots)


def _slots(hamiltonian: Hamiltonian, index: int, grouping: Grouping) -> dict[str, Callable]:
    """A Band's energy, gap, curvature, moment and neighbours, of a matrix of any number of rows."""
    one = hamiltonian.matrix, index, grouping
    energy, gap = BlochEnergy(*one, hamiltonian.sums), BlochGap(*one, hamiltonian.sums)
    curvature, neighbours = BlochCurvature(*one, hamiltonian.positions), BlochNeighbours(*one, hamiltonian.positions)
    return {"energy": energy, "gap": gap, "curvature": curvature, "moment": BlochMoment(*one), "neighbours": neighbours}


@dataclass(frozen=True)
class BlochEnergy:
    """Eigenvalue number `index` of the matrix `of`. sums: see `Hamiltonian`."""

    of: Callable
    index: int
    grouping: Grouping
    sums: Callable | None = None

    def __call__(self, params, k: Array) -> Array:
        if self.sums is not None:
            vectors, table = self.sums(joined(params))
            return summed.level(self.grouping, self.index, vectors, table, k)
        matrix = matrix_of(self.of, params, k)
        _check_index(self.index, matrix.shape[0])
        return level(self.grouping, self.index, matrix)


@dataclass(frozen=True)
class BlochGap:
    """(distance to the nearest other band, floor below which it counts as touching), eV."""

    of: Callable
    index: int
    grouping: Grouping
    sums: Callable | None = None

    def __call__(self, params, k: Array) -> tuple[Array, Array]:
        if self.sums is not None:
            vectors, table = self.sums(joined(params))
            return summed.separation(self.grouping, self.index, vectors, table, k)
        return separation(self.grouping, self.index, matrix_of(self.of, params, k))


@dataclass(frozen=True)
class BlochCurvature:
    """Berry curvature, Å²."""

    of: Callable
    index: int
    grouping: Grouping
    positions: Callable | None = None

    def __call__(self, params, k: Array) -> Array:
        if _two_levels(self.of, self.grouping, params, k):
            here = self.positions and partial(self.positions, joined(params))
            return two_levels.curvature(self.grouping, self.index, partial(matrix_of, self.of, params), here, k)
        return all_bands(self.of, self.positions, self.grouping, params, k).curvature[self.index]


@dataclass(frozen=True)
class BlochMoment:
    """Orbital moment, e Å²/fs."""

    of: Callable
    index: int
    grouping: Grouping

    def __call__(self, params, k: Array) -> Array:
        if _two_levels(self.of, self.grouping, params, k):
            return two_levels.moment(self.grouping, self.index, partial(matrix_of, self.of, params), k)
        return all_bands(self.of, None, self.grouping, params, k).moment[self.index]


def _two_levels(of: Callable, grouping: Grouping, params, k: Array) -> bool:
    return jax.eval_shape(partial(matrix_of, of), params, k).shape[0] == 2 * grouping.multiplicity


def _grouping(floor, multiplicity) -> Grouping:
    if not isinstance(floor, int | float) or isinstance(floor, bool):
        raise SemijaxError(f"bloch: floor = {floor!r}: allowed is a number > 0, in eV")
    return Grouping(inputs.number("bloch", "floor", floor, above=0.0), multiplicity)


@partial(jax.jit, static_argnums=0)
def _matrix(of: Callable, params, k: Array) -> Array:
    return matrix_of(of, params, k)  # compiled once for every band of a model


def _check(band: Band, of: Callable, index: int) -> int:
    """Rows of the matrix. Raises SemijaxError where it has no such band or, at a k of no symmetry, is not Hermitian."""
    k = jnp.asarray([0.137, -0.211, 0.093][: band.dimension])
    params = cast(band.params, k.dtype)
    shape = jax.eval_shape(lambda params, k: matrix_of(of, params, k), params, k).shape
    _check_index(index, shape[0])
    if any(inputs.traced(x) for x in jax.tree.leaves(params)):
        return shape[0]
    with jax.ensure_compile_time_eval():
        value = np.asarray(_matrix(of, params, k))
    off, size = np.abs(value - value.conj().T), np.abs(value).max(initial=0.0)
    if np.isfinite(value).all() and off.max() > 1e3 * np.finfo(np.abs(value).dtype).eps * max(size, 1e-30):
        row, column = (int(i) for i in np.unravel_index(off.argmax(), off.shape))
        raise SemijaxError(
            f"bloch: {name_of(of)}(params, k)[{row}, {column}] differs by {off.max():.3g} eV from the conjugate of "
            f"[{column}, {row}] at k = {np.asarray(k).tolist()} 1/Å: allowed is a Hermitian matrix"
        )
    return shape[0]


def _check_index(index: int, n: int) -> None:
    if index >= n:
        raise SemijaxError(f"bloch: index = {index}: allowed are 0 to {n - 1}, the bands of a matrix of {n} rows")
