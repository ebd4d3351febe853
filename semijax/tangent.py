"""Transformations step -> step that carry the Jacobian of the motion: Liouville volume and the whole tangent map."""

import functools
import operator
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from semijax._pytree import record, replace
from semijax._types import Array, Flow, Phase, SemijaxError
from semijax.steppers import as_step, increment_of
from semijax.stepping import Residual, advance, nested, prepared, scheme_of, two_sum


@record
class WithVolume:
    """A step that also adds log|det ∂z(t+dt)/∂z(t)| (and log D where the flow has one) to `carrier.log_volume`."""

    step: Any
    on_carrier = True

    def __call__(self, flow: Flow, t, carrier, dt):
        moved = advance(self.step, flow, t, carrier, dt)
        scheme, phase = scheme_of(self.step), carrier.phase
        growth = None if getattr(scheme, "preserves_volume", False) else _log_growth(scheme, flow, t, phase, dt)
        measure = getattr(flow, "log_measure", _one)
        before, after = measure(t, phase), measure(t + dt, moved.phase)
        if before is not None and after is not None:
            growth = after - before if growth is None else growth + after - before
        return moved if growth is None else _accumulate(moved, growth)

    def prepared(self, dynamics, stream: int, dtype):
        """The step with what it needs for a run (see `stepping.prepared`)."""
        return WithVolume(prepared(self.step, dynamics, stream, dtype))

    def lifted(self, carriers):
        """Carriers with log_volume starting at zero where they have none."""
        k = carriers.phase.wavevector
        zero = jnp.zeros(k.shape[:1], k.dtype)
        if carriers.log_volume is not None:
            return carriers
        residual = Residual() if carriers.residual is None else carriers.residual
        return replace(carriers, log_volume=zero, residual=replace(residual, log_volume=zero))


@record
class WithJacobian:
    """A step that also multiplies `carrier.jacobian` [2d 2d] by ∂z(t+dt)/∂z(t); rows and columns (r, k)."""

    step: Any
    on_carrier = True

    def __call__(self, flow: Flow, t, carrier, dt):
        moved = advance(self.step, flow, t, carrier, dt)
        change = _jacobian_of_increment(scheme_of(self.step), flow, t, carrier.phase, dt)
        return replace(moved, jacobian=carrier.jacobian + _matmul(change, carrier.jacobian))

    def prepared(self, dynamics, stream: int, dtype):
        """The step with what it needs for a run (see `stepping.prepared`)."""
        return WithJacobian(prepared(self.step, dynamics, stream, dtype))

    def lifted(self, carriers):
        """Carriers with the Jacobian starting at one where they have none."""
        if carriers.jacobian is not None:
            return carriers
        n, d = carriers.phase.wavevector.shape
        return replace(carriers, jacobian=jnp.tile(jnp.eye(2 * d, dtype=carriers.phase.wavevector.dtype), (n, 1, 1)))


def with_volume(step) -> WithVolume:
    """Carries the phase-space volume: final.log_volume [n] = log[D(t) det ∂(r,k)(t)/∂(r,k)(0) / D(0)], D = 1 without curvature.

    Liouville's theorem says zero; damping dk/dt = −γk says −d γ t. Split steps have det 1 identically, so nothing is computed.
    Collisions do not count: put sj.with_relaxation outside. Raises SemijaxError for a step that collides.
    """
    return WithVolume(_deterministic("with_volume", step))


def with_jacobian(step) -> WithJacobian:
    """Carries the tangent map: final.jacobian [n 2d 2d] = ∂(r,k)(t)/∂(r,k)(0); raises SemijaxError for a step that collides."""
    return WithJacobian(_deterministic("with_jacobian", step))


def _one(t, phase) -> None:
    """The measure of a flow that states none: one, whose logarithm adds nothing."""


def _deterministic(where: str, step):
    if any(getattr(inner, "collides", False) for inner in nested(step)):
        raise SemijaxError(
            f"{where}: step with collisions: allowed is a deterministic step; write with_relaxation({where}(...), ...)"
        )
    return as_step(step)


def _accumulate(carrier, growth: Array):
    """log_volume + growth with Neumaier's compensation: a million terms near the rounding of one do not drift."""
    total, lost = two_sum(carrier.log_volume, growth + carrier.residual.log_volume)
    return replace(carrier, log_volume=total, residual=replace(carrier.residual, log_volume=lost))


def _log_growth(scheme, flow: Flow, t, phase: Phase, dt) -> Array:
    """log|det ∂z(t+dt)/∂z(t)| of one step; the k block alone where dk/dt does not depend on r (block triangular)."""
    if not getattr(flow, "decoupled", False):
        return log_det_one_plus(_jacobian_of_increment(scheme, flow, t, phase, dt))

    def wavevector_change(k):
        return increment_of(scheme, flow, t, Phase(phase.position, k), dt).wavevector

    return log_det_one_plus(jax.jacfwd(wavevector_change)(phase.wavevector))


def _jacobian_of_increment(scheme, flow: Flow, t, phase: Phase, dt) -> Array:
    flat, unravel = ravel_pytree(phase)  # position first, then wavevector
    return jax.jacfwd(lambda z: ravel_pytree(increment_of(scheme, flow, t, unravel(z), dt))[0])(flat)


def log_det_one_plus(a: Array) -> Array:
    """log det(1 + A) of a small matrix [m m], m ≤ 3 or 4, 6, exact to the rounding of A however close det is to one.

    det(1 + A) − 1 is the sum of the principal minors of A. A matrix of two blocks (r, k) goes by Schur's complement,
    det(1 + A) = det(1 + A_kk) det(1 + A_rr − A_rk (1 + A_kk)⁻¹ A_kr), which never subtracts numbers near one either.
    """
    m = a.shape[0]
    if m <= 3:
        return jnp.log1p(_minors([[a[i, j] for j in range(m)] for i in range(m)]))
    h = m // 2
    rr, rk, kr, kk = ([[a[i + p, j + q] for j in range(h)] for i in range(h)] for p, q in ((0, 0), (0, h), (h, 0), (h, h)))
    rest = _product(rk, _solve_one_plus(kk, kr))
    schur = [[rr[i][j] - rest[i][j] for j in range(h)] for i in range(h)]
    return jnp.log1p(_minors(kk)) + jnp.log1p(_minors(schur))


# Small matrices as lists of scalars: the same operations in the same order for one carrier or a million, so the same bits.


def _minors(a: list) -> Array:
    """det(1 + A) − 1: the sum of all principal minors of a 1 × 1, 2 × 2 or 3 × 3 matrix."""
    if len(a) == 1:
        return a[0][0]
    if len(a) == 2:
        return a[0][0] + a[1][1] + (a[0][0] * a[1][1] - a[0][1] * a[1][0])
    pairs = [a[i][i] * a[j][j] - a[i][j] * a[j][i] for i, j in ((0, 1), (0, 2), (1, 2))]
    cofactor = [a[1][j] * a[2][k] - a[1][k] * a[2][j] for j, k in ((1, 2), (2, 0), (0, 1))]
    whole = a[0][0] * cofactor[0] + a[0][1] * cofactor[1] + a[0][2] * cofactor[2]
    return a[0][0] + a[1][1] + a[2][2] + (pairs[0] + pairs[1] + pairs[2]) + whole


def _solve_one_plus(a: list, b: list) -> list:
    """(1 + A)⁻¹ B by Gauss elimination without pivots: 1 + A of one step is near the identity."""
    n = len(a)
    left = [[a[i][j] + (1.0 if i == j else 0.0) for j in range(n)] for i in range(n)]
    right = [list(row) for row in b]
    for i in range(n):
        for j in range(n):
            if j != i:
                factor = left[j][i] / left[i][i]
                left[j] = [x - factor * y for x, y in zip(left[j], left[i], strict=True)]
                right[j] = [x - factor * y for x, y in zip(right[j], right[i], strict=True)]
    return [[x / left[i][i] for x in right[i]] for i in range(n)]


def _product(a: list, b: list) -> list:
    columns = list(zip(*b, strict=True))
    return [
        [functools.reduce(operator.add, (x * y for x, y in zip(row, column, strict=True))) for column in columns] for row in a
    ]


def _matmul(a: Array, b: Array) -> Array:
    # Written out: a batched library product takes another path, with other roundings, for other batch sizes.
    return jnp.sum(a[:, :, None] * b[None, :, :], axis=1)
