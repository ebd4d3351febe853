"""From what a file says to a Model: weights and replicas put in, each R once and −R with it, Hermitian to the last bit."""

import numpy as np

from semijax._types import SemijaxError
from semijax.bands.wannier import Model
from semijax.io.wannier90.hamiltonian import Blocks
from semijax.io.wannier90.replicas import Replicas, alone

# Wannier90's H(k) is Hermitian to rounding, so H(R) − H(−R)† holds what printing took away: half a unit of the sixth decimal of _hr.dat
# twice, or of the eighth digit of _tb.dat. Programs that symmetrise or transform printed files add up a few such roundings: ten.
# To the eigenvalues what is averaged away matters in second order only.
_DECIMALS, _DIGITS = 1e-5, 1e-7
_MOST = 125  # replicas of one R lie within two supercells of it in each direction


def model(found: Blocks, replicas: Replicas | None, lattice: np.ndarray, centres: np.ndarray | None, name: str) -> Model:
    """The Model of `found`, with `replicas` that came from the file `name`, or each matrix element at its own R (None).

    Raises SemijaxError naming R and the residual where H(−R) ≠ H(R)† beyond what printing explains.
    """
    allowed = _DECIMALS + _DIGITS * float(np.abs(found.hopping).max())
    own = alone(*found.hopping.shape[:2])
    if replicas is not None:
        # A wrong number in the Hamiltonian is no fault of the replicas: it is looked for first.
        _hermitian(*_summed(found._replace(positions=None), own, found.name), allowed, found.name)
    translations, parts = _summed(found, replicas or own, name)
    _hermitian(translations, parts, allowed, name)
    hopping, *positions = (_averaged(part) for part in parts)
    if not positions:
        return Model(lattice, translations, hopping, centres)
    where = np.stack(positions, axis=-1)
    home = where[len(translations) // 2]  # R = 0: the list is symmetric
    return Model(lattice, translations, hopping, np.real(np.diagonal(home)).T.copy(), where)


def _summed(found: Blocks, replicas: Replicas, name: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """All R + T and −R − T in order [R' 3]; H and the components of r, where known, each complex [R' n n]."""
    n = found.hopping.shape[1]
    moved = found.translations[replicas.row] + replicas.shift
    least = -np.abs(moved).max(axis=0)
    span = 1 - 2 * least
    keys = ((moved - least) @ np.array([span[1] * span[2], span[2], 1])).astype(np.int64)
    last = int(np.prod(span)) - 1  # the key of −R is last − key
    every = np.unique(np.concatenate([keys, last - keys, [last // 2]]))
    if len(every) > _MOST * len(found.translations):
        raise SemijaxError(
            f"{name}: {len(every)} translations R + T of {len(found.translations)} R: allowed are {_MOST} for each R"
        )
    translations = np.stack(np.unravel_index(every, tuple(span)), axis=1) + least
    place = (np.searchsorted(every, keys) * n + replicas.a) * n + replicas.b
    share = replicas.share / found.ndegen[replicas.row]
    parts = [found.hopping] if found.positions is None else [found.hopping, *np.moveaxis(found.positions, -1, 0)]
    sums = []
    for part in parts:
        values = share * part[replicas.row, replicas.a, replicas.b]
        halves = [np.bincount(place, half, len(every) * n * n) for half in (values.real, values.imag)]
        sums.append((halves[0] + 1j * halves[1]).reshape(-1, n, n))
    return translations, sums


def _dagger(matrices: np.ndarray) -> np.ndarray:
    """M(−R)† of M [R n n] on a symmetric list of R in order."""
    return np.conj(matrices[::-1].swapaxes(1, 2))


def _averaged(matrices: np.ndarray) -> np.ndarray:
    # Positions of Wannier90 are Hermitian up to its finite differences in k; postw90 averages them in the same way.
    return (matrices + _dagger(matrices)) / 2


def _hermitian(translations: np.ndarray, parts: list[np.ndarray], allowed: float, name: str) -> None:
    residual = np.abs(parts[0] - _dagger(parts[0])).max(axis=(1, 2))
    worst = int(np.argmax(residual))
    if residual[worst] > allowed:
        R = " ".join(str(int(x)) for x in translations[worst])
        what = f"R = {R}: |H(R) − H(−R)†| = {residual[worst]:.3g} eV, weights and replicas put in"
        raise SemijaxError(f"{name}: {what}: allowed is ≤ {allowed:.1g}, what printing explains")
