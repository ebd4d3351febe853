"""Local: all bands of a Wannier model about one k, to second order, and their energies at many k."""

from typing import NamedTuple

import numpy as np

from semijax import lattice as lattices
from semijax import units
from semijax._types import SemijaxError
from semijax.bands.wannier import Model

TOUCHING = 1e-3  # eV: bands nearer than this are one group: symmetry makes them equal, and Wannier functions break it a little
_ENTRIES = 2_000_000  # of phases exp(ik·R) held at once
_MOST = 5e7  # matrix elements on a mesh: 0.8 GB


class Local(NamedTuple):
    """Bands about one k [d], fractional: energies [n], eV; ∂H [n n d], eV Å, and ∂²H [n n d d], eV Å², between the eigenvectors."""

    k: np.ndarray
    energies: np.ndarray
    first: np.ndarray
    second: np.ndarray

    def group(self, index: int) -> np.ndarray:
        """The bands that touch band `index` here, itself among them: those within TOUCHING of it."""
        return np.flatnonzero(np.abs(self.energies - self.energies[index]) < TOUCHING)

    def slope(self, index: int) -> np.ndarray:
        """∂E/∂k [d], eV Å, of one band; the average of its group where bands touch."""
        group = self.group(index)
        return np.mean(self.first.real[group, group], axis=0)  # pyright: ignore[reportAttributeAccessIssue]

    def hessian(self, index: int) -> np.ndarray:
        """∂²E/∂k∂k [d d], eV Å², of one band, with the interband terms; the average of its group where bands touch."""
        expansion = self.expansion(index)
        return np.mean(np.diagonal(expansion.real), axis=-1)  # pyright: ignore[reportAttributeAccessIssue]

    def expansion(self, index: int) -> np.ndarray:
        """W [g g d d], eV Å²: to second order the bands of the group of `index` are the eigenvalues of E + ½ q·W·q about k.

        W_ij = ⟨i|∂_a∂_b H|j⟩ + Σ_m [⟨i|∂_a H|m⟩⟨m|∂_b H|j⟩ + a ↔ b]/(E − E_m) over the bands m outside the group (Löwdin, J. Chem. Phys.
        19, 1396 (1951), doi:10.1063/1.1748067); terms linear in q, where there are any, come beside it.
        """
        group = self.group(index)
        others = np.setdiff1d(np.arange(len(self.energies)), group)
        gaps = np.mean(self.energies[group]) - self.energies[others]
        across = self.first[np.ix_(group, others)]
        mixed = np.einsum("ima,jmb,m->ijab", across, across.conj(), 1 / gaps)
        return self.second[np.ix_(group, group)] + mixed + mixed.swapaxes(2, 3)

    def linear(self, index: int) -> np.ndarray:
        """⟨i|∂H|j⟩ [g g d], eV Å, within the group of `index`, less its average slope: not zero where bands cross in a cone."""
        group = self.group(index)
        inner = self.first[np.ix_(group, group)]
        return inner - np.eye(len(group))[:, :, None] * self.slope(index)


class Matrices:
    """H(k) of a model, its derivatives and its energies. dimension: 2 for a layer, whose R₃ are all 0 and whose third vector is normal.

    lattice [d d], Å, reciprocal [d d], 1/Å: rows are vectors; count: number of bands.
    """

    def __init__(self, model: Model):
        rows, R = np.asarray(model.lattice, np.float64), np.asarray(model.translations)
        flat = not R[:, 2].any() and np.abs(rows[:2, 2]).max() < 1e-6
        self.dimension = d = 2 if flat else 3
        self.lattice, self.translations = rows[:d, :d], R[:, :d]
        self.reciprocal = lattices.reciprocal(self.lattice)
        self.count = int(np.shape(model.hopping)[1])
        self._hopping = np.asarray(model.hopping).reshape(len(R), -1)
        self._vectors = self.translations @ self.lattice

    def cartesian(self, k) -> np.ndarray:
        """Fractional k [... d] in 1/Å."""
        return np.asarray(k, np.float64) @ self.reciprocal

    def fractional(self, k) -> np.ndarray:
        """k [... d], 1/Å, in units of the reciprocal vectors."""
        return np.asarray(k, np.float64) @ self.lattice.T / (2 * np.pi)

    def energies(self, k) -> np.ndarray:
        """Energies [m n], eV, lowest first, at fractional k [m d]."""
        k = np.asarray(k, np.float64)
        block = max(1, _ENTRIES // len(self.translations))
        parts = [self._eigenvalues(self._phases(k[i : i + block]) @ self._hopping) for i in range(0, len(k), block)]
        return np.concatenate(parts) if parts else np.zeros((0, self.count))

    def mesh(self, points: int) -> np.ndarray:
        """Energies [points ... n], eV, at the fractional k i/points of the primitive cell, by one fast Fourier transform."""
        return self._eigenvalues(self._on_mesh(self._hopping, points)).reshape(*(points,) * self.dimension, self.count)

    def speeds(self, points: int) -> tuple[np.ndarray, np.ndarray]:
        """Energies [points ... n], eV, and |velocity| [points ... n], Å/fs, at the k of `mesh`; where bands touch, of the basis found."""
        energies, states = np.linalg.eigh(self._square(self._on_mesh(self._hopping, points)))
        squares = np.zeros(energies.shape)
        for axis in range(self.dimension):
            slopes = self._square(self._on_mesh(1j * self._vectors[:, axis, None] * self._hopping, points))
            squares += np.einsum("mai,mab,mbi->mi", states.conj(), slopes, states, optimize=True).real ** 2
        shape = (*(points,) * self.dimension, self.count)
        return energies.reshape(shape), np.sqrt(squares).reshape(shape) / units.HBAR

    def local(self, k) -> Local:
        """All bands about one fractional k [d]."""
        k = np.asarray(k, np.float64)
        phased = self._phases(k[None])[0][:, None] * self._hopping
        vectors = self._vectors

        def summed(weight: np.ndarray) -> np.ndarray:
            return (weight.reshape(len(vectors), -1).T @ phased).reshape(*weight.shape[1:], self.count, self.count)

        energies, states = np.linalg.eigh(summed(np.ones(len(vectors))))
        first = states.conj().T @ summed(1j * vectors) @ states
        second = states.conj().T @ summed(-vectors[:, :, None] * vectors[:, None, :]) @ states
        return Local(k, energies, np.moveaxis(first, 0, -1), np.moveaxis(second, (0, 1), (-2, -1)))

    def velocities(self, k) -> np.ndarray:
        """Group velocities [n d], Å/fs, of all bands at one fractional k [d]."""
        local = self.local(k)
        return np.array([local.slope(i) for i in range(self.count)]) / units.HBAR

    def _phases(self, k: np.ndarray) -> np.ndarray:
        return np.exp(2j * np.pi * k @ self.translations.T)

    def _on_mesh(self, values: np.ndarray, points: int) -> np.ndarray:
        """Σ_R exp(ik·R) X(R) [N n²] of values [R n²] at all k of a mesh."""
        shape = (points,) * self.dimension
        most = int((_MOST / self.count**2) ** (1 / self.dimension))
        if not 2 <= points <= most:
            raise SemijaxError(f"mesh = {points}: allowed are 2 to {most} points along each vector of {self.count} bands")
        summed = np.zeros((points**self.dimension, self.count**2), complex)
        np.add.at(summed, np.ravel_multi_index(tuple(self.translations.T), shape, mode="wrap"), values)
        axes = tuple(range(self.dimension))
        return np.fft.ifftn(summed.reshape(*shape, -1), axes=axes, norm="forward").reshape(-1, self.count**2)

    def _square(self, matrices: np.ndarray) -> np.ndarray:
        return matrices.reshape(-1, self.count, self.count)

    def _eigenvalues(self, matrices: np.ndarray) -> np.ndarray:
        return np.linalg.eigvalsh(self._square(matrices))
