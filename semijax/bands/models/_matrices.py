"""Hermitian matrices as real combinations of constant ones."""

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import Array

PAULI = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def combined(numbers: list, matrices: list) -> Array:
    """Σ numbers_i matrices_i [n n], of real scalars and constant Hermitian matrices: exactly Hermitian, in the precision of the numbers."""
    x = jnp.stack([jnp.asarray(number) for number in numbers])
    constant = np.stack(matrices).astype(np.complex128)

    def dot(part):
        return jnp.tensordot(x, jnp.asarray(part, x.dtype), axes=1, precision="highest")

    return jax.lax.complex(dot(np.real(constant)), dot(np.imag(constant)))


def entry(n: int, *places: tuple[int, int], value: complex = 1.0) -> np.ndarray:
    """The Hermitian matrix [n n] with `value` at the places (row, column) and its conjugate at (column, row)."""
    matrix = np.zeros((n, n), complex)
    for row, column in places:
        matrix[row, column] = value
        matrix[column, row] = np.conj(value)
    return matrix
