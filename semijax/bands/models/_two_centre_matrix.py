"""H(params, k) of Slater-Koster integrals: H(R) from their names, its Bloch sum, and orthogonal functions where there are overlaps."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

from semijax._types import Array
from semijax.bands.constants import Constants
from semijax.bands.models._integrals import Integral


@dataclass(frozen=True)
class TwoCentre:
    """A callable (params, k [d]) -> H [n n], eV."""

    table: Constants
    names: tuple[Integral, ...]
    onsite: tuple[tuple[str, str], ...]
    overlapping: bool

    def __call__(self, params, k: Array) -> Array:
        matrix = self._sum(self._half(params, "hopping", self._energies(params, k.dtype)), k)
        if not self.overlapping:
            return matrix
        lower = self.root(params, k)
        left = solve_triangular(lower, matrix, lower=True)
        return solve_triangular(lower, left.conj().T, lower=True)

    def root(self, params, k: Array) -> Array:
        """L [n n] of the overlap matrix LL†."""
        return jnp.linalg.cholesky(self.overlap(params, k))

    def overlap(self, params, k: Array) -> Array:
        """Overlaps of the functions [n n] at one k [d]."""
        ones = jnp.ones(len(self.table.onsite), k.dtype)
        return self._sum(self._half(params, "overlap", ones), k)

    def hopping(self, params) -> Array:
        """⟨0a|H|Rb⟩ [R n n], eV, of one of each R and −R, in the order of table.cells."""
        half = self._half(params, "hopping", self._energies(params, jnp.result_type(float)))
        return half.at[0].add(half[0].T)

    def _energies(self, params, dtype) -> Array:
        return jnp.stack([jnp.asarray(params["onsite"][one][name], dtype) for one, name in self.onsite])[self.table.onsite]

    def _half(self, params, key: str, diagonal: Array) -> Array:
        """Real matrices [R n n] of one of each R and −R, half of R = 0."""
        t, n, dtype = self.table, len(self.table.onsite), diagonal.dtype
        values = jnp.stack([jnp.asarray(params[key][name.pair][name.kind], dtype) for name in self.names])
        terms = values[t.integral] * jnp.asarray(t.coefficient, dtype)
        if len(t.stretch):
            decay = jnp.stack([jnp.asarray(params["decay"][name.pair][name.kind], dtype) for name in self.names])
            terms = terms * jnp.exp(-decay[t.integral] * jnp.asarray(t.stretch, dtype))
        half = jnp.zeros(len(t.cells) * n * n, dtype).at[t.place].add(terms).reshape(len(t.cells), n, n)
        return half.at[0].add(jnp.diag(diagonal / 2))

    def _sum(self, half: Array, k: Array) -> Array:
        """Σ_R exp(ik·(R + t_b − t_a)) X(R) [n n]."""
        t = self.table
        phase = jnp.sum(jnp.asarray(t.vectors, k.dtype) * k[None, :], axis=1)
        flat = half.reshape(len(t.cells), -1)
        parts = [jnp.dot(f(phase), flat, precision="highest").reshape(half.shape[1:]) for f in (jnp.cos, jnp.sin)]
        value = jax.lax.complex(*parts)
        own = jnp.sum(jnp.asarray(t.centres, k.dtype) * k[None, :], axis=1)
        shift = jax.lax.complex(jnp.cos(own), jnp.sin(own))
        return (value + value.conj().T) * (shift.conj()[:, None] * shift[None, :])


@dataclass(frozen=True)
class Positions:
    """⟨a|i∂_k|b⟩ [n n d], Å, of the orthogonal functions: (i/2)(X − X†), X = L⁻¹ ∂L, where ⟨a|r|b⟩ = S_ab (r_a + r_b)/2 of the atoms'."""

    of: TwoCentre

    def __call__(self, params, k: Array) -> Array:
        lower = self.of.root(params, k)
        slopes = jax.jacfwd(lambda k: self.of.root(params, k))(k)
        found = [solve_triangular(lower, slopes[..., a], lower=True) for a in range(k.shape[0])]
        return jnp.stack([0.5j * (x - x.conj().T) for x in found], axis=-1)
