"""Orthogonal: least squares by modified Gram-Schmidt in plain JAX, for the steps of Levenberg-Marquardt."""

from typing import Any

import jax
import jax.numpy as jnp
import lineax
from jax.flatten_util import ravel_pytree

from semijax._types import Array


class Orthogonal(lineax.AbstractLinearSolver):
    """x [n] of least |A x − b| for tall real matrices A [m n], as `lineax.QR`; a column of zeros leaves its x zero.

    b is made orthogonal along with the columns of A, which is as accurate as Householder's reflections: Björck, BIT 7, 1 (1967),
    doi:10.1007/BF01934122. Without LAPACK: in JAX 0.10 a batch of LAPACK's on a CPU waits for threads of the pool it holds a thread of,
    so as many batches at once as there are threads, such as those of several devices, wait forever.
    """

    def init(self, operator: Any, options: dict[str, Any]) -> Any:
        """The matrix [m n], and the structure of x."""
        return operator.as_matrix(), operator.in_structure()

    def compute(self, state: Any, vector: Any, options: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """(x, that it was found, nothing more) for the right side b."""
        matrix, structure = state
        like = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), structure)
        right, back = ravel_pytree(vector)[0], ravel_pytree(like)[1]
        return back(least(matrix, right.astype(matrix.dtype))), lineax.RESULTS.successful, {}

    def transpose(self, state: Any, options: dict[str, Any]) -> Any:
        """Not there: a wide matrix has many x."""
        raise NotImplementedError(
            "Orthogonal: transposes of tall matrices are wide: allowed are steps that nobody differentiates"
        )

    def conj(self, state: Any, options: dict[str, Any]) -> Any:
        """The same: matrices are real."""
        return state, options

    def assume_full_rank(self) -> bool:
        """False: columns of zeros are allowed."""
        return False


def least(matrix: Array, right: Array) -> Array:
    """x [n] of least |A x − b| for A [m n], m ≥ n, and b [m]."""
    n = matrix.shape[1]

    def column(j, state):
        rest, r = state
        size = jnp.linalg.norm(rest[:, j])
        unit = rest[:, j] / jnp.where(size > 0, size, 1.0)
        row = jnp.where(jnp.arange(n + 1) > j, jnp.dot(unit, rest, precision="highest"), 0.0)
        return rest - unit[:, None] * row[None, :], r.at[j].set(row.at[j].set(size))

    def solved(i, x):
        row, size = r[n - 1 - i], r[n - 1 - i, n - 1 - i]
        found = (row[n] - jnp.dot(row[:n], x, precision="highest")) / jnp.where(size > 0, size, 1.0)
        return x.at[n - 1 - i].set(jnp.where(size > 0, found, 0.0))

    together = jnp.concatenate([matrix, right[:, None]], axis=1)
    _, r = jax.lax.fori_loop(0, n, column, (together, jnp.zeros((n, n + 1), matrix.dtype)))
    return jax.lax.fori_loop(0, n, solved, jnp.zeros(n, matrix.dtype))
