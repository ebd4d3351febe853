"""Two-centre integrals: how hopping between s, p and d orbitals depends on the direction of the bond."""

import numpy as np

from semijax._types import SemijaxError

SIGMA, PI, DELTA = "sigma", "pi", "delta"
KINDS = (SIGMA, PI, DELTA)

# Orthonormal (Frobenius) symmetric matrices Q, d_a = Q_a:rr up to a common factor, in the order of Slater and Koster.
_XY, _YZ, _ZX = (np.zeros((3, 3)) for _ in range(3))
for _Q, _i, _j in ((_XY, 0, 1), (_YZ, 1, 2), (_ZX, 2, 0)):
    _Q[_i, _j] = _Q[_j, _i] = 0.5**0.5
_D = np.array([_XY, _YZ, _ZX, np.diag([1, -1, 0]) / 2**0.5, np.diag([-1, -1, 2]) / 6**0.5])

# name -> (angular momentum, which of its functions)
ORBITALS = {
    "s": (0, (0,)),
    "p": (1, (0, 1, 2)),
    "px": (1, (0,)),
    "py": (1, (1,)),
    "pz": (1, (2,)),
    "d": (2, (0, 1, 2, 3, 4)),
    "dxy": (2, (0,)),
    "dyz": (2, (1,)),
    "dzx": (2, (2,)),
    "dx2-y2": (2, (3,)),
    "dz2": (2, (4,)),
    "t2g": (2, (0, 1, 2)),
    "eg": (2, (3, 4)),
}


def orbital(where: str, name: str) -> tuple[str, int, tuple[int, ...]]:
    """(shell, angular momentum, functions) of an orbital's name: p of px, s* of s*; raises SemijaxError for a name that is none."""
    plain = name.removesuffix("*")
    if plain not in ORBITALS:
        raise SemijaxError(f"{where}: orbital {name!r}: allowed are {', '.join(ORBITALS)}, and these with * for a second shell")
    angular, functions = ORBITALS[plain]
    return "spd"[angular] + "*" * (name != plain), angular, functions


def factors(directions: np.ndarray, first: int, second: int) -> np.ndarray:
    """Of unit vectors [m 3] from one atom to another: hopping ⟨first|H|second⟩ = Σ_i V_i factors[i], [kinds m 2l+1 2l'+1].

    V_i: σ, π, δ, as many as the smaller angular momentum and one. For first > second the sign (−1)^(l+l') is in, so that V is the
    integral in the order of rising angular momentum, as in table I of Slater, Koster, Phys. Rev. 94, 1498 (1954),
    doi:10.1103/PhysRev.94.1498.
    """
    if first > second:
        return (-1) ** (first + second) * factors(directions, second, first).swapaxes(2, 3)
    along = [_along(directions, momentum) for momentum in (first, second)]
    sigma = along[0][:, :, None] * along[1][:, None, :]
    if first == 0:
        return sigma[None]
    across = [_across(directions, momentum) for momentum in (first, second)]
    pi = np.einsum("max,mbx->mab", *across)
    if first == 1:
        return np.stack([sigma, pi])
    return np.stack([sigma, pi, np.eye(5) - sigma - pi])


def _along(n: np.ndarray, angular: int) -> np.ndarray:
    """Of each function the part of no angular momentum about n, [m 2l+1]: the σ orbital in terms of them."""
    if angular < 2:
        return np.ones((len(n), 1)) if angular == 0 else n
    return 1.5**0.5 * np.einsum("mi,aij,mj->ma", n, _D, n)


def _across(n: np.ndarray, angular: int) -> np.ndarray:
    """Of each function the part of angular momentum one about n, as a vector across n, [m 2l+1 3]."""
    functions = np.broadcast_to(np.eye(3), (len(n), 3, 3)) if angular == 1 else 2**0.5 * np.einsum("aij,mj->mai", _D, n)
    return functions - np.einsum("mai,mi->ma", functions, n)[:, :, None] * n[:, None, :]
