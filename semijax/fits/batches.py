"""many: hundreds of fits at once, of data sets or starts, in one compiled call on all devices."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from semijax._pytree import replace
from semijax._types import Array, SemijaxError
from semijax.configure import at_first_use
from semijax.fits.looked import Looked, fit_of, look, values_at
from semijax.fits.measured import parts_of
from semijax.fits.measured import residuals as of_measured
from semijax.fits.problem import Problem, checked_count, checked_start, problem_of, residuals_at
from semijax.fits.result import Fit
from semijax.fits.uncertainty import counted


def many(
    residuals: Callable[[Any, Any], Any],
    band: Any,
    data: Any,
    *,
    axes: Any = 0,
    sigma: Any = None,
    bounds: Any = None,
    frozen: Any = (),
    priors: Any = None,
    scaled: bool | None = None,
    steps: int = 100,
    tolerance: float = 1e-8,
    jacobian: str | None = None,
    starts: int = 1,
    key: Any = None,
    spread: float = 1.0,
    batch: int | None = None,
) -> Fit:
    """sj.least_squares of each of many data sets [n ...]: a Fit whose leaves have the axis n in front, from one compiled call.

    axes: which axis of data counts the sets, as for jax.vmap: 0 for all, or a tree of numbers and None; `fits.copies` makes such data.
    starts: of each data set so many, and the best is kept. batch: fits at once on each device; None: all. The other arguments are those
    of sj.least_squares. Levenberg-Marquardt by optimistix. `converged` [n] says which are what they should be; nothing is warned about.
    """
    where = "many"
    at_first_use()
    check_numbers(where, steps=steps, starts=starts, tolerance=tolerance, jacobian=jacobian)
    data, count = _in_front(where, data, axes)
    first = jax.tree.map(lambda x, a: x if a is None else x[0], data[0], data[1])
    problem, given = problem_of(where, residuals, band, first, bounds=bounds, frozen=frozen, priors=priors, sigma=sigma)
    checked_start(where, problem, np.asarray(values_at(problem, problem.start)))
    problem, batched = _together(problem, data)
    u = drawn_starts(where, problem, starts, key, spread)
    how = {"batched": batched, "steps": steps, "tolerance": reachable(tolerance), "mode": jacobian, "batch": batch}
    found = _over_devices(problem, u, count, how)
    measured = residuals is of_measured
    stated = sigma is not None or (measured and all(part.stated for part in parts_of(first)))
    at, start, taken, converged = jax.device_get(found)
    checked_count(where, problem, int(counted(at.jacobian, at.residuals).min()))
    chi2 = np.sum(at.residuals**2, axis=1)
    losses, states = np.stack([start, chi2 / 2], axis=1), {"converged": converged & np.isfinite(chi2), "evaluations": taken}
    return fit_of(where, problem, given, at, losses, not stated if scaled is None else bool(scaled), **states)


def best_start(
    where: str, problem: Problem, starts: int, key: Any, spread: float, steps: int, tolerance: float, mode
) -> np.ndarray:
    """u [p] of the best of many starts, each followed for at most `steps` steps to a rough end."""
    u = drawn_starts(where, problem, starts, key, spread)
    return np.asarray(_best(problem, u, steps=min(steps, 100), tolerance=max(reachable(tolerance), 1e-6), mode=mode))


def check_numbers(where: str, *, steps: int, starts: int, tolerance: float, jacobian: str | None) -> None:
    """Raises SemijaxError for numbers that are none."""
    for name, value in (("steps", steps), ("starts", starts)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise SemijaxError(f"{where}: {name} = {value!r}: allowed is a whole number ≥ 1")
    if not isinstance(tolerance, int | float) or not 0 < tolerance < 1:
        raise SemijaxError(f"{where}: tolerance = {tolerance!r}: allowed is a number between 0 and 1")
    if jacobian not in (None, "forward", "reverse"):
        raise SemijaxError(f"{where}: jacobian = {jacobian!r}: allowed are 'forward', 'reverse', None")


def solve(problem: Problem, u: Array, steps: int, tolerance: float, mode: str | None) -> tuple[Array, Array, Array]:
    """(u [p], steps taken, whether it converged) from one start."""
    import optimistix

    from semijax.fits.orthogonal import Orthogonal

    solver = optimistix.LevenbergMarquardt(rtol=tolerance, atol=tolerance, linear_solver=Orthogonal())
    done = optimistix.least_squares(partial(residuals_at, mode), solver, u, problem, max_steps=steps, throw=False)
    return done.value, jnp.asarray(done.stats["num_steps"], jnp.int32), done.result == optimistix.RESULTS.successful


def _of_starts(problem: Problem, starts: Array, steps: int, tolerance: float, mode: str | None) -> tuple[Array, Array, Array]:
    """The same of the best of starts [s p]."""
    if starts.shape[0] == 1:
        return solve(problem, starts[0], steps, tolerance, mode)
    u, taken, converged = jax.vmap(lambda u: solve(problem, u, steps, tolerance, mode))(starts)
    losses = jax.vmap(lambda u: jnp.sum(problem.residuals(problem.bounds.inside(u)) ** 2))(u)
    best = jnp.argmin(jnp.where(jnp.isfinite(losses), losses, jnp.inf))
    return u[best], jnp.sum(taken), converged[best]


@partial(jax.jit, static_argnames=("steps", "tolerance", "mode"))
def _best(problem: Problem, u: Array, *, steps: int, tolerance: float, mode: str | None) -> Array:
    return _of_starts(problem, u, steps, tolerance, mode)[0]


def _whole(problem: Problem, u: Array, steps: int, tolerance: float, mode: str | None) -> tuple[Looked, Array, Array, Array]:
    """(where it ended, loss at its start, steps taken, whether it converged) of one fit."""
    start = jnp.sum(problem.residuals(problem.bounds.inside(u[0])) ** 2) / 2
    u, taken, converged = _of_starts(problem, u, steps, tolerance, mode)
    return look(problem, u, mode), start, taken, converged


@partial(jax.jit, static_argnames=("batched", "steps", "tolerance", "mode", "batch", "devices"))
def _all(problem: Problem, u: Array, *, batched: tuple, steps: int, tolerance: float, mode, batch: int | None, devices: int):
    """Many fits; leaves of the problem for which `batched` is true have the axis of the data sets in front."""
    apart = [leaf for leaf, own in zip(problem.leaves, batched) if own]
    shared = replace(problem, leaves=[None if own else leaf for leaf, own in zip(problem.leaves, batched)])

    def run(shared, u, apart):
        def one(own):
            own = iter(own)
            leaves = [next(own) if mine else leaf for leaf, mine in zip(shared.leaves, batched)]
            return _whole(replace(shared, leaves=leaves), u, steps, tolerance, mode)

        return jax.lax.map(one, apart, batch_size=batch) if batch else jax.vmap(one)(apart)

    if devices == 1:
        return run(shared, u, apart)
    mesh, split, everywhere = Mesh(np.array(jax.devices()), ("fits",)), PartitionSpec("fits"), PartitionSpec()
    mapped = jax.shard_map(run, mesh=mesh, in_specs=(everywhere, everywhere, split), out_specs=split, check_vma=False)
    return mapped(shared, u, apart)


def _over_devices(problem: Problem, u: Array, count: int, how: dict) -> tuple:
    """Every device takes its share of the data sets; the last is repeated where they do not divide."""
    devices = jax.device_count() if count >= jax.device_count() else 1
    whole = math.ceil(count / devices) * devices
    if whole > count:
        fill = np.minimum(np.arange(whole), count - 1)
        problem = replace(problem, leaves=[x[fill] if own else x for x, own in zip(problem.leaves, how["batched"])])
    found = _all(problem, u, devices=devices, **how)
    return jax.tree.map(lambda x: x[:count], found) if whole > count else found


def _in_front(where: str, data: Any, axes: Any) -> tuple[tuple[Any, Any], int]:
    """((data with the counting axes in front, a tree of 0 and None), how many data sets)."""
    spread = jax.tree.map(lambda a, x: jax.tree.map(lambda _: a, x), axes, data, is_leaf=lambda x: x is None)
    leaves, tree = jax.tree.flatten(data)
    each = tree.flatten_up_to(spread)
    try:
        moved = [jnp.asarray(x) if a is None else jnp.moveaxis(jnp.asarray(x), a, 0) for x, a in zip(leaves, each)]
        counts = {x.shape[0] for x, a in zip(moved, each) if a is not None}
    except (ValueError, IndexError):
        counts = set()
    if len(counts) != 1:
        raise SemijaxError(
            f"{where}: axes = {axes!r}: allowed are axes of one length, that of the data sets; fits.copies makes such data"
        )
    flags = jax.tree.unflatten(tree, [None if a is None else 0 for a in each])
    return (jax.tree.unflatten(tree, moved), flags), counts.pop()


def _together(problem: Problem, data: tuple[Any, Any]) -> tuple[Problem, tuple[bool, ...]]:
    """The problem with the leaves of all data sets, and which of them these are."""
    values, tree = jax.tree.flatten(data[0])
    flags = [a is not None for a in tree.flatten_up_to(data[1])]
    own = len(problem.leaves) - len(values)
    dtypes = [x.dtype for x in problem.leaves[own:]]
    leaves = [*problem.leaves[:own], *(x.astype(dtype) for x, dtype in zip(values, dtypes))]
    return replace(problem, leaves=leaves), (*([False] * own), *flags)


def drawn_starts(where: str, problem: Problem, starts: int, key: Any, spread: float) -> Array:
    """u [starts p]: the given start, and others drawn about it, uniformly between two bounds."""
    u = problem.start
    if starts == 1:
        return u[None]
    if key is None:
        raise SemijaxError(f"{where}: starts = {starts} without key: allowed is key=jax.random.key(0) beside it")
    if not isinstance(spread, int | float) or not 0 < spread < math.inf:
        raise SemijaxError(f"{where}: spread = {spread!r}: allowed is a number > 0")
    both = jnp.isfinite(problem.bounds.low) & jnp.isfinite(problem.bounds.high)
    within, about = jax.random.split(key)
    even = jax.random.logistic(within, (starts - 1, len(u)), u.dtype)  # which the sigmoid makes uniform
    near = u[None] + spread * jax.random.normal(about, (starts - 1, len(u)), u.dtype)
    return jnp.concatenate([u[None], jnp.where(both[None], even, near)])


def reachable(tolerance: float) -> float:
    return max(float(tolerance), 4 * float(jnp.finfo(jnp.result_type(float)).eps))
