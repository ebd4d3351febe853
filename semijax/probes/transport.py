"""Transport from sums over a mesh of the zone: electrons, density of states, conductivity over τ, anomalous Hall conductivity."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from semijax._pytree import record
from semijax._types import SemijaxError, cast
from semijax.bands import inputs
from semijax.bands.bloch import FLOOR
from semijax.bands.eigen import Grouping
from semijax.bands.hamiltonian import Hamiltonian, all_bands
from semijax.bands.wannier import Model, hamiltonian
from semijax.lattice import reciprocal
from semijax.units import HBAR, KB

_E = 1.602176634e-19  # C, exact
_ROOM = 1 << 26  # bytes of the matrices of a block


@record
class FermiSums:
    """Sums over all bands and a mesh; leading axes [...] are those of `temperature`, then those of `mu`.

    electrons: per cell. density_of_states: ∂(electrons)/∂µ, per eV and cell: the states seen with kT. energy: Σ f E, eV per cell.
    conductivity_over_tau [... d d]: (e²/V) Σ (−∂f/∂E) v v, S/(m s); of a layer S/s. hall: σ of the anomalous Hall effect,
    −(e²/ħV) Σ f Ω, S/m, its axial vector [... 3] (x is σ_yz); of a layer σ_xy, S. curvature: Σ f Ω per cell, Å², without spin.
    """

    electrons: Any
    density_of_states: Any
    energy: Any
    conductivity_over_tau: Any
    hall: Any
    curvature: Any


def fermi_sums(
    model,
    mesh,
    temperature,
    mu,
    *,
    spin: int = 2,
    dimension: int = 3,
    positions: bool = True,
    floor: float = FLOOR,
    block: int | None = None,
) -> FermiSums:
    """Sums of Fermi-Dirac occupations over a Γ-centred mesh of the zone: exact for that mesh, converged or not.

    model: a Wannier model or a bands.models Hamiltonian with a lattice for every direction. mesh: points along each reciprocal vector.
    temperature: K, > 0; mu: eV; numbers or arrays. spin: electrons per band and k. dimension: of a Wannier model, 2 for a layer.
    positions: whether a Wannier model's matrix elements of position enter the curvature. floor: gaps of less count as touching in the
    curvature, eV; where bands touch, v v is that of the eigenvectors found. block: wavevectors at once; None: what fits in 64 MB.
    Raises SemijaxError for other input.
    """
    if isinstance(model, Model):
        model = hamiltonian(model, dimension=dimension, positions=positions)
    if not isinstance(model, Hamiltonian) or model.lattice is None or np.shape(model.lattice)[0] != np.shape(model.lattice)[1]:
        raise SemijaxError(
            f"fermi_sums: model = {type(model).__name__}: allowed is a Wannier model, or a Hamiltonian of a crystal"
        )
    lattice = np.asarray(model.lattice, np.float64)
    counts = tuple(int(n) for n in np.broadcast_to(mesh, len(lattice)))
    if min(counts) < 1:
        raise SemijaxError(f"fermi_sums: mesh = {mesh!r}: allowed are whole numbers ≥ 1")
    shapes = np.shape(temperature), np.shape(mu)
    hot = KB * inputs.array("fermi_sums", "temperature", np.reshape(temperature, -1), (np.size(temperature),), above=0.0)
    level = inputs.array("fermi_sums", "mu", np.reshape(mu, -1), (np.size(mu),))
    total = int(np.prod(counts))
    how = {"of": model.matrix, "positions": model.positions, "grouping": Grouping(floor, model.multiplicity), "counts": counts}
    size = min(block or _fitting(model, len(lattice)), total)
    found = _sums(model.params, reciprocal(lattice), hot, level, size=size, **how)
    found = [x.reshape(*shapes[0], *shapes[1], *x.shape[2:]) / total for x in found]
    number, slope, energy, flow, curvature = found
    volume = abs(np.linalg.det(lattice))  # Å^d
    metre = 1e10 ** (len(lattice) - 2)  # of Å^(2 − d)
    # e²/(eV Å^(d−2) fs²) and e²/(eV fs Å^(d−2)): one e is the eV's
    flow, hall = spin * _E * 1e30 * metre / volume * flow, -spin * _E * 1e15 * metre / (HBAR * volume) * curvature
    return FermiSums(spin * number, spin * slope, spin * energy, flow, hall, curvature)


def _fitting(model: Hamiltonian, d: int) -> int:
    """Wavevectors of a block: some ten matrices of each, and its phases."""
    leaves = jax.tree.leaves(model.params)
    n = jax.eval_shape(model.matrix_at, jax.ShapeDtypeStruct((d,), jnp.result_type(float))).shape[0]
    longest = max((np.shape(x)[0] for x in leaves if np.ndim(x)), default=1)
    return max(1, _ROOM // (160 * n * n + 8 * (d + 1) * 4 * longest))


@partial(jax.jit, static_argnames=("of", "positions", "grouping", "counts", "size"))
def _sums(params, vectors, hot, level, *, of, positions, grouping, counts: tuple, size: int) -> list:
    """Σ over the mesh and the bands of f, −∂f/∂E, f E, −∂f/∂E v v, f Ω: leaves [T M ...]."""
    dtype = jnp.result_type(float)
    params, vectors, hot, level = cast((params, vectors, hot, level), dtype)
    total = int(np.prod(counts))
    bands = jax.vmap(lambda k: all_bands(of, positions, grouping, params, k, averaged=False))

    def one(sums, first):
        number = first + jnp.arange(size, dtype=jnp.int32)
        places = jnp.unravel_index(jnp.minimum(number, total - 1), counts)
        parts = jnp.stack([place.astype(dtype) / n for place, n in zip(places, counts)], axis=1)
        seen = bands(jnp.dot(parts, vectors, precision="highest"))
        x = (seen.energy[None] - level[:, None, None])[None] / hot[:, None, None, None]  # [T M k bands]
        real = (number < total).astype(dtype)[:, None]
        filled = jax.nn.sigmoid(-x) * real[None, None]
        slope = filled * jax.nn.sigmoid(x) / hot[:, None, None, None]

        def summed(weight, values):
            return jnp.einsum("tmkn,kn...->tm...", weight, values, precision="highest")

        ones = jnp.ones_like(seen.energy)
        pairs = seen.velocity[..., :, None] * seen.velocity[..., None, :]
        found = [(filled, ones), (slope, ones), (filled, seen.energy), (slope, pairs), (filled, seen.curvature)]
        return [a + summed(*b) for a, b in zip(sums, found)], None

    d = len(counts)
    tails = [(), (), (), (d, d), {1: (0,), 2: (), 3: (3,)}[d]]
    zeros = [jnp.zeros((hot.shape[0], level.shape[0], *tail), dtype) for tail in tails]
    return lax.scan(one, zeros, jnp.arange(0, total, size, dtype=jnp.int32))[0]
