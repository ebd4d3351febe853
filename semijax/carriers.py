"""Carriers: a batch of phase-space points with their statistical weights; the leading axis is the ensemble."""

from typing import Any

import jax
import jax.numpy as jnp

from semijax._pytree import record
from semijax._types import Phase, SemijaxError
from semijax.configure import at_first_use


@record
class Carriers:
    """n carriers; every leaf has the leading axis n (inside the engine a carrier is this record without it).

    phase: position and wavevector, [n d], Å and 1/Å.
    weight: [n], how many physical carriers each stands for (or any statistical weight); None means 1.
    id: [n] uint32, the number that keys a carrier's random draws; None means 0, 1, ... n − 1.
    steps: [n] uint32, steps taken so far, which counts the random draws; None means 0.
    winding: [n p] int32, how many reciprocal vectors the engine has folded away (`wavevector` is unfolded).
    log_volume: [n], log of the phase-space volume (`sj.with_volume`), else None.
    jacobian: [n 2d 2d], ∂(r, k)(t)/∂(r, k)(0) (`sj.with_jacobian`), else None.
    residual: what rounding lost in compensated sums (`compensated=True`), else None.
    """

    phase: Phase
    weight: Any = None
    id: Any = None
    steps: Any = None
    winding: Any = None
    log_volume: Any = None
    jacobian: Any = None
    residual: Any = None

    def __post_init__(self):
        r, k = (jnp.asarray(x) for x in (self.phase.position, self.phase.wavevector))
        if k.ndim != 2 or r.shape != k.shape or k.shape[1] not in (1, 2, 3) or k.shape[0] == 0:
            raise SemijaxError(
                f"Carriers: position {r.shape} and wavevector {k.shape}: "
                "allowed are two arrays of the same shape [n d], n ≥ 1, d = 1, 2, 3"
            )
        if self.weight is not None and jnp.shape(self.weight) != k.shape[:1]:
            raise SemijaxError(f"Carriers: weight has shape {jnp.shape(self.weight)}: allowed is ({k.shape[0]},)")

    @property
    def count(self) -> int:
        """n, the number of carriers."""
        return self.phase.wavevector.shape[0]

    @property
    def dimension(self) -> int:
        """d, the dimension of space."""
        return self.phase.wavevector.shape[-1]


def at_k(k, n: int = 1, *, position=None) -> Carriers:
    """n carriers at rest in space at one wavevector k [d], 1/Å, and one position [d], Å (the origin)."""
    at_first_use()
    k = _vector("at_k", "k", k)
    r = jnp.zeros_like(k) if position is None else _vector("at_k", "position", position).astype(k.dtype)
    if n < 1:
        raise SemijaxError(f"at_k: n = {n}: allowed is n ≥ 1")
    return Carriers(Phase(jnp.tile(r, (n, 1)), jnp.tile(k, (n, 1))))


def pairs(electrons: Carriers) -> dict[str, Carriers]:
    """Electron-hole pairs of vertical transitions: the hole sits at the same r with k_h = −k_e."""
    phase = Phase(electrons.phase.position, jax.tree.map(jnp.negative, electrons.phase.wavevector))
    return {"electron": electrons, "hole": Carriers(phase, electrons.weight, electrons.id)}


def _vector(where: str, key: str, value):
    value = jnp.asarray(value)
    value = value if jnp.issubdtype(value.dtype, jnp.floating) else value.astype(jnp.result_type(float))
    if value.ndim != 1 or value.shape[0] not in (1, 2, 3):
        raise SemijaxError(f"{where}: {key} has shape {value.shape}: allowed is one vector [d], d = 1, 2, 3")
    return value
