"""Sensitivity: sums over carriers whose forward derivatives the engine carries along with the carriers, in the same kernels.

JAX's own derivative of a run takes the steps apart, and runs several times slower than the engine's kernels. Forwards there is no need:
∂z/∂θ moves by the derivative of the step, so a step that carries it along is one more step, and its kernel one more kernel.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap
from jax.custom_derivatives import SymbolicZero

from semijax import observables
from semijax._pytree import record, replace, static
from semijax._types import Array, Flow, Phase
from semijax.simulate import simulate
from semijax.steppers import increment_of
from semijax.stepping import advance

TOGETHER = 4  # derivatives that one run carries along: a kernel has a largest size

_forwards: ContextVar[bool] = ContextVar("forwards", default=False)


class Clock(NamedTuple):
    """From `first`, fs, on `frames` times `steps` steps over `spacing`, fs."""

    first: float
    spacing: float
    frames: int
    steps: int


@contextlib.contextmanager
def forwards(only: bool) -> Iterator[None]:
    """Within it, runs are traced for forward derivatives only: `sums` then carries them along, but cannot be transposed."""
    before = _forwards.set(only)
    try:
        yield
    finally:
        _forwards.reset(before)


def sums(clock: Clock, dynamics: Any, carriers: Any, step: Any, of: Any) -> Array:
    """Σ weight · of(dynamics, t, carrier) [frames + 1 ...] of an observable that is one array."""
    plain = getattr(step, "on_carrier", False) or carriers.jacobian is not None
    run = _sums if _forwards.get() and not plain else _run
    return run(clock, (dynamics, carriers, step, of))


def _run(clock: Clock, given: tuple) -> Array:
    dynamics, carriers, step, of = given
    length = clock.spacing * clock.frames
    run = simulate(
        dynamics,
        carriers,
        duration=length,
        dt=clock.spacing / clock.steps,
        every=clock.steps,
        record={"sum": observables.sum(of)},
        step=step,
        start=clock.first,
        keep=False,
    )
    return run.frames["sum"]


_sums = jax.custom_jvp(_run, nondiff_argnums=(0,))


@partial(_sums.defjvp, symbolic_zeros=True)
def _(clock: Clock, primals: tuple, tangents: tuple):
    leaves, tree = jax.tree.flatten(primals[0])
    changes = jax.tree.leaves(tangents[0], is_leaf=lambda x: isinstance(x, SymbolicZero))
    moving = tuple(i for i, x in enumerate(changes) if not isinstance(x, SymbolicZero) and x.dtype != jax.dtypes.float0)
    if not moving:
        total = _run(clock, primals[0])
        return total, jnp.zeros_like(total)
    return _with_changes(partial(_carried, clock, tree, moving), leaves, [changes[i] for i in moving])


def _with_changes(run: Any, leaves: list, changes: list) -> tuple[Array, Array]:
    """(sums, their change) along one direction; along many at once under vmap, some in each run."""

    @custom_vmap
    def one(leaves, changes):
        total, changed = run(leaves, [x[None] for x in changes])
        return total, changed[0]

    @one.def_vmap
    def _(size, batched, leaves, changes):
        if any(batched[0]):  # several bands or fields at once: one after another
            flags, tree = jax.tree.flatten(batched)
            values = jax.tree.leaves((leaves, changes))

            def each(own):
                own = iter(own)
                return one(*jax.tree.unflatten(tree, [next(own) if b else x for x, b in zip(values, flags)]))

            return jax.lax.map(each, [x for x, b in zip(values, flags) if b]), (True, True)
        whole = [x if b else jnp.broadcast_to(x, (size, *x.shape)) for x, b in zip(changes, batched[1])]
        together = min(TOGETHER, size)
        groups = -(-size // together)
        fill = np.minimum(np.arange(groups * together), size - 1)
        whole = [x[fill].reshape(groups, together, *x.shape[1:]) for x in whole]
        if groups == 1:
            total, changed = run(leaves, [x[0] for x in whole])
            return (total, changed[:size]), (False, True)
        totals, changed = jax.lax.map(lambda some: run(leaves, some), whole)
        return (totals[0], changed.reshape(-1, *changed.shape[2:])[:size]), (False, True)

    return one(leaves, changes)


def _carried(clock: Clock, tree: Any, moving: tuple[int, ...], leaves: list, changes: list) -> tuple[Array, Array]:
    """(sums [f ...], their changes [p f ...]) along p directions: changes [p ...] of the leaves that are `moving`."""
    dynamics, carriers, step, of = jax.tree.unflatten(tree, leaves)
    directions = changes[0].shape[0]
    first = 0
    parts = []
    for part in (dynamics, carriers, step, of):
        size = len(jax.tree.leaves(part))
        parts.append({i - first: x for i, x in zip(moving, changes) if first <= i < first + size})
        first += size
    carriers = replace(carriers, jacobian=_starting(carriers, parts[1], directions))
    if carriers.weight is None:
        carriers = replace(carriers, weight=jnp.ones(carriers.count, carriers.phase.wavevector.dtype))
    of_dynamics = tuple(parts[0]), list(parts[0].values())
    sensed = Sensed(of, of_dynamics[1], directions, of_dynamics[0])
    total = _run(clock, (dynamics, carriers, Sensitive(step, of_dynamics[1], directions, of_dynamics[0]), sensed))
    return total[:, 0], jnp.moveaxis(total[:, 1:], 1, 0)


def _starting(carriers: Any, changes: dict[int, Array], directions: int) -> Array:
    """∂(r, k, log weight)/∂θ of every carrier at the start [n p 2d + 1]."""
    leaves = jax.tree.leaves(carriers)
    zeros = [changes.get(i, jnp.zeros((directions, *jnp.shape(x)))) for i, x in enumerate(leaves)]
    of = jax.tree.unflatten(jax.tree.structure(carriers), zeros)
    dtype = carriers.phase.wavevector.dtype
    weight = jnp.zeros((directions, carriers.count), dtype)
    if carriers.weight is not None:
        some = carriers.weight != 0
        weight = jnp.where(some[None], of.weight / jnp.where(some, carriers.weight, 1)[None], 0)
    rows = jnp.concatenate([of.phase.position, of.phase.wavevector, weight[..., None]], axis=-1)
    return jnp.moveaxis(rows.astype(dtype), 0, 1)


@record
class Sensitive:
    """A step that also carries ∂(r, k)/∂θ in `carrier.jacobian` [p 2d + 1], whose last column stays as it is.

    changes: of the leaves number `moving` of the dynamics along p directions [p ...]. k is differentiated as it would be had it never
    been folded: folding subtracts reciprocal vectors, which may depend on θ.
    """

    step: Any
    changes: list
    directions: int = static(default=1)
    moving: tuple[int, ...] = static(default=())
    on_carrier = True

    def __call__(self, flow: Flow, t, carrier, dt):
        rates = []
        for j in range(self.directions):
            values, moves = _along(self.changes, self.moving, flow, carrier, j)

            def increment(mine, phase):
                return increment_of(self.step, _with(flow, self.moving, mine), t, phase, dt)

            change = jax.jvp(increment, values, moves)[1]
            rates.append(jnp.concatenate([change.position, change.wavevector, jnp.zeros_like(change.position[:1])]))
        moved = advance(self.step, flow, t, carrier, dt)
        return replace(moved, jacobian=carrier.jacobian + jnp.stack(rates))


@record
class Sensed:
    """An observable of a carrier that a Sensitive step has moved, and its derivatives with those of the weight: [1 + p ...]."""

    of: Any
    changes: list
    directions: int = static(default=1)
    moving: tuple[int, ...] = static(default=())

    def __call__(self, dynamics, t, carrier):
        def look(mine, phase):
            return self.of(_with(dynamics, self.moving, mine), t, replace(carrier, phase=phase, jacobian=None))

        found = [look([jax.tree.leaves(dynamics)[i] for i in self.moving], carrier.phase)]
        for j in range(self.directions):
            values, moves = _along(self.changes, self.moving, dynamics, carrier, j)
            found.append(jax.jvp(look, values, moves)[1] + carrier.jacobian[j, -1] * found[0])
        return jnp.stack(found)


def _along(changes: list, moving: tuple[int, ...], dynamics: Any, carrier: Any, j: int) -> tuple[tuple, tuple]:
    """((leaves that move, phase), their changes along direction j)."""
    leaves, tree = jax.tree.flatten(dynamics)
    mine, moves = [leaves[i] for i in moving], [x[j] for x in changes]
    d = carrier.phase.wavevector.shape[0]
    row = carrier.jacobian[j]
    k = row[d : 2 * d]
    if carrier.winding is not None:
        zeros = [jnp.zeros_like(x) for x in leaves]
        for i, x in zip(moving, moves):
            zeros[i] = x
        folded = jax.tree.unflatten(tree, zeros).species.band.reciprocal
        k = k - jnp.sum(carrier.winding.astype(k.dtype)[:, None] * folded, axis=0)
    return (mine, carrier.phase), (moves, Phase(row[:d], k))


def _with(dynamics: Any, moving: tuple[int, ...], mine: list) -> Any:
    leaves, tree = jax.tree.flatten(dynamics)
    for i, x in zip(moving, mine):
        leaves[i] = x
    return jax.tree.unflatten(tree, leaves)
