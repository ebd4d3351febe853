"""Hamiltonians of semiconductors near a band edge: Luttinger-Kohn 4 × 4, Kane 8 × 8, and the quantum well of Bernevig, Hughes, Zhang."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from semijax._types import Array
from semijax.bands import inputs
from semijax.bands.hamiltonian import Hamiltonian
from semijax.bands.models._matrices import PAULI, combined
from semijax.units import HBAR2_M0

_ROOT3 = math.sqrt(3)
# J = 3/2 in the basis m = 3/2, 1/2, −1/2, −3/2
_UP = np.diag([_ROOT3, 2.0, _ROOT3], 1)
_J = [(_UP + _UP.T) / 2, (_UP - _UP.T) / 2j, np.diag([1.5, 0.5, -0.5, -1.5])]
_LUTTINGER = [np.eye(4), *(j @ j for j in _J), *((_J[a] @ _J[b] + _J[b] @ _J[a]) / 2 for a, b in ((0, 1), (1, 2), (2, 0)))]

# L = 1 on X, Y, Z: (L_i)_jk = −i ε_ijk
_L = np.zeros((3, 3, 3), complex)
for _i, _j, _k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
    _L[_i, _j, _k], _L[_i, _k, _j] = -1j, 1j


def luttinger(gamma: Any, maximum: float = 0.0) -> Hamiltonian:
    """The four valence bands at Γ, E ≤ `maximum` [eV]: 0, 1 are the light holes, 2, 3 the heavy ones, each equal for both spins.

    H = maximum − ħ²/2m0 [(γ1 + 5γ2/2) k² − 2γ2 Σ k_i² J_i² − 4γ3 Σ_{i<j} k_i k_j {J_i, J_j}], {A, B} = (AB + BA)/2, J = 3/2; gamma:
    (γ1, γ2, γ3), as in bands.materials. Luttinger, Phys. Rev. 102, 1030 (1956); doi:10.1103/PhysRev.102.1030.
    """
    params = {
        "gamma": inputs.array("luttinger", "gamma", gamma, (3,)),
        "maximum": inputs.number("luttinger", "maximum", maximum),
    }
    return Hamiltonian(_luttinger, params, dimension=3, multiplicity=2)


def kane(
    gap: float, split_off: float, kane_energy: float, gamma: Any, mass: float | None = None, maximum: float = 0.0
) -> Hamiltonian:
    """Eight bands at Γ: 0, 1 split off, 2 ... 5 light and heavy holes, 6, 7 conduction band, each equal for both spins.

    gap at Γ, split_off Δ, kane_energy E_P = 2m0P²/ħ²: eV, > 0; gamma: Luttinger's (γ1, γ2, γ3), of which the model's own part is
    taken out (γ1 − E_P/3E_g, γ2 − E_P/6E_g, γ3 − E_P/6E_g); mass of the conduction band, free-electron masses: None says that no remote
    band changes it. Basis S, X, Y, Z times spin; terms of inversion asymmetry are left out. Kane, J. Phys. Chem. Solids 1, 249 (1957),
    doi:10.1016/0022-3697(57)90013-6; Vurgaftman, Meyer, Ram-Mohan, J. Appl. Phys. 89, 5815 (2001), section II A 1,
    doi:10.1063/1.1368156.
    """
    positive = {"gap": gap, "split_off": split_off, "kane_energy": kane_energy}
    params = {key: inputs.number("kane", key, value, above=0.0) for key, value in positive.items()}
    params["gamma"] = inputs.array("kane", "gamma", gamma, (3,))
    params["mass"] = None if mass is None else inputs.number("kane", "mass", mass, above=0.0)
    params["maximum"] = inputs.number("kane", "maximum", maximum)
    return Hamiltonian(_kane, params, dimension=3, multiplicity=2)


def bhz(
    A: float = 3.645, B: float = -68.6, D: float = -51.2, M: float = -0.010, C: float = 0.0, spin: int | None = None
) -> Hamiltonian:
    """A quantum well of HgTe: h(k) = C − Dk² + A(kx σx − ky σy) + (M − Bk²)σz for spin = +1, h*(−k) for −1; both where it is None.

    A: eV Å; B, D: eV Å²; C, M: eV; inverted where M/B > 0. Bernevig, Hughes, Zhang, Science 314, 1757 (2006),
    doi:10.1126/science.1133734. The sign of σy and the defaults, for a well of 70 Å, are those in common use after König et al., J. Phys.
    Soc. Jpn. 77, 031007 (2008), doi:10.1143/JPSJ.77.031007.
    """
    params = {key: inputs.number("bhz", key, value) for key, value in {"A": A, "B": B, "C": C, "D": D, "M": M}.items()}
    if spin is None:
        return Hamiltonian(_bhz, params, dimension=2, multiplicity=2)
    return Hamiltonian(_bhz_up if inputs.one_of("bhz", "spin", spin, (1, -1)) > 0 else _bhz_down, params, dimension=2)


def _luttinger(params, k: Array) -> Array:
    g1, g2, g3 = params["gamma"]
    x, y, z = k
    unit = HBAR2_M0 / 2
    square = params["maximum"] - unit * (g1 + 2.5 * g2) * (x * x + y * y + z * z)
    own = [2 * unit * g2 * q * q for q in k]
    mixed = [4 * unit * g3 * q for q in (x * y, y * z, z * x)]
    return combined([square, *own, *mixed], _LUTTINGER)


def _kane(params, k: Array) -> Array:
    gap, delta, energy = params["gap"], params["split_off"], params["kane_energy"]
    unit = HBAR2_M0 / 2
    square = jnp.sum(k * k)
    remote = 1.0 if params["mass"] is None else 1 / params["mass"] - energy * (gap + 2 * delta / 3) / (gap * (gap + delta))
    g1, g2, g3 = params["gamma"] - energy / gap * jnp.asarray([1 / 3, 1 / 6, 1 / 6], k.dtype)
    own = [params["maximum"] - delta / 3 - unit * ((g1 - 2 * g2) * square + 6 * g2 * q * q) for q in k]
    mixed = [-6 * unit * g3 * k[a] * k[b] for a, b in ((0, 1), (1, 2), (2, 0))]
    coupling = [jnp.sqrt(energy * unit) * q for q in k]
    bottom = params["maximum"] + gap + unit * remote * square
    return combined([bottom, *own, *mixed, *coupling, delta / 3], _KANE)


def _kane_matrices() -> list:
    """Of S, X, Y, Z times spin: S, X, Y, Z themselves; XY, YZ, ZX; i(SX − XS), ...; L·σ."""
    orbital = [np.diag(row).astype(complex) for row in np.eye(4)]
    for a, b, value in ((1, 2, 1), (2, 3, 1), (3, 1, 1), (0, 1, 1j), (0, 2, 1j), (0, 3, 1j)):
        matrix = np.zeros((4, 4), complex)
        matrix[a, b], matrix[b, a] = value, np.conj(value)
        orbital.append(matrix)
    spin_orbit = np.zeros((8, 8), complex)
    spin_orbit[2:, 2:] = sum(np.kron(_L[i], PAULI[1 + i]) for i in range(3))
    return [*(np.kron(one, np.eye(2)) for one in orbital), spin_orbit]


_KANE = _kane_matrices()


def _bhz_parts(params, k: Array) -> list:
    x, y = k
    square = x * x + y * y
    return [params["C"] - params["D"] * square, params["A"] * x, -params["A"] * y, params["M"] - params["B"] * square]


def _bhz_up(params, k: Array) -> Array:
    return combined(_bhz_parts(params, k), list(PAULI))


def _bhz_down(params, k: Array) -> Array:
    return combined(_bhz_parts(params, k), list(_DOWN))


_DOWN = PAULI * np.array([1, -1, 1, 1])[:, None, None]  # h*(−k): of A(kx σx − ky σy), σx changes its sign
_UPPER, _LOWER = np.diag([1, 0]), np.diag([0, 1])


def _bhz(params, k: Array) -> Array:
    return combined(_bhz_parts(params, k), [np.kron(_UPPER, a) + np.kron(_LOWER, b) for a, b in zip(PAULI, _DOWN)])
