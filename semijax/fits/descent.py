"""fit: parameters from any loss, by an optimiser of optax, and their covariance from its exact Hessian."""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import record, replace
from semijax._types import Array, SemijaxError
from semijax.configure import at_first_use
from semijax.fits.batches import check_numbers, drawn_starts
from semijax.fits.followed import Followed, Steady
from semijax.fits.measured import Measured
from semijax.fits.problem import Problem, problem_of
from semijax.fits.result import Fit
from semijax.fits.sensitivity import forwards
from semijax.fits.uncertainty import Uncertainty, hopeful, of_hessian

FEW = 4  # parameters up to which a gradient is taken forwards: p + 1 passes and no memory, against about five passes backwards
FEW_MOVING = 40  # the same through trajectories: forwards the engine's kernels do it, backwards takes fifty times a run of theirs
LOOKS = 50  # steps between two looks at how it goes
NEAR = 0.01  # standard errors from the minimum that count as there
MOST_OF_HESSIAN = 500  # parameters up to which the Hessian is made


def fit(
    loss: Callable[[Any, Any], Any],
    band: Any,
    data: Any,
    *,
    optimiser: Any,
    steps: int,
    bounds: Any = None,
    frozen: Any = (),
    priors: Any = None,
    starts: int = 1,
    key: Any = None,
    spread: float = 1.0,
    patience: int | None = None,
    tolerance: float = 1e-6,
    gradient: str | None = None,
    covariance: bool = True,
    progress: Callable[[int, int, float], Any] | None = None,
) -> Fit:
    """The parameters where a loss is least among `steps` steps of an optimiser, from where `band` starts.

    loss: (band, data) -> scalar, pure; `fits.misfit` for data of `fits.energies(...)` and the like. Errors are those of a loss that is −log
    of a probability, ½ χ² of normal errors: the inverse of its Hessian (Laplace). optimiser: optax.adam(1e-2), optax.lbfgs(), ...: it
    sees numbers without bounds that change by about one when a parameter changes by its size, so a rate of 1e-2 is one per cent. Keep
    one optimiser: another one, though equal, compiles again. band, data, bounds, frozen, priors, starts, key and spread are those of
    sj.least_squares; all starts go on together and the best is kept. patience: stops after so many steps in which the best loss fell
    by less than `tolerance` of itself. gradient: "forward" or "reverse"; None: forwards up to 4 parameters, or up to 40 where `data`
    have trajectories (fits.drift and the like), else backwards. covariance: False spares the Hessian. progress: called with (steps
    done, steps, best loss) now and then; a true value stops it there.

    A loss that is no longer finite, or 1e6 times what it was, stops a start; the best point is kept. Warns of that, of a minimum that
    is not reached, and of parameters that the data do not determine; raises SemijaxError.
    """
    where = "fit"
    at_first_use()
    check_numbers(where, steps=steps, starts=starts, tolerance=tolerance, jacobian=gradient)
    if patience is not None and (isinstance(patience, bool) or not isinstance(patience, int) or patience < 1):
        raise SemijaxError(f"{where}: patience = {patience!r}: allowed is a whole number ≥ 1, or None")
    tool = _tool(where, optimiser)
    problem, given = problem_of(where, loss, band, data, bounds=bounds, frozen=frozen, priors=priors)
    _check_scalar(where, problem)
    u = drawn_starts(where, problem, starts, key, spread)
    few = FEW_MOVING if any(isinstance(part.predict, Followed | Steady) for part in _measured(data)) else FEW
    mode = gradient or ("forward" if u.shape[1] <= few else "reverse")
    way = _begun(problem, u, tool=tool)
    if not np.isfinite(way.first[0]):
        raise SemijaxError(f"{where}: the loss is {float(way.first[0])} at the start: allowed is a start where it is finite")
    way, losses, stopped = _followed(problem, way, tool, steps, mode, patience, tolerance, progress)
    at = jax.device_get(_ended(problem, way, hessian=covariance and u.shape[1] <= MOST_OF_HESSIAN))
    losses = np.concatenate([losses, at.losses[None]])[:, int(at.number)]
    made = _fit(where, problem, given, at, losses, stopped)
    for remark in made.remarks:
        warnings.warn(f"{where}: {remark}", stacklevel=2)
    return made


@record
class _Way:
    """Where every start has come to: leaves [starts ...]."""

    u: Any
    state: Any
    best: Any
    best_loss: Any
    first: Any
    alive: Any


@record
class _Ended:
    """Of the best start: its number, parameters [p] and loss, and the losses of all at their last points; None unless the Hessian is
    made: its gradient [p] and Hessian [p p].
    """

    number: Any
    values: Any
    loss: Any
    at_bound: Any
    losses: Any
    slope: Any = None
    hessian: Any = None


def _followed(
    problem: Problem, way: _Way, tool: Any, steps: int, mode, patience, tolerance, progress
) -> tuple[_Way, np.ndarray, str]:
    """(the ways, losses [so many starts], why it stopped)."""
    done, found, stopped = 0, [], ""
    while done < steps and not stopped:
        length = min(LOOKS, steps - done)
        way, losses = _steps(problem, way, length, tool=tool, mode=mode)
        found, done = [*found, np.asarray(losses)[:length]], done + length
        best = np.fmin.accumulate(np.fmin.reduce(np.concatenate(found), axis=1))
        if not np.asarray(way.alive).any():
            stopped = "diverged: the loss is not finite, or 1e6 times what it was; the best point is kept"
        elif patience is not None and done > patience and best[-1 - patience] - best[-1] <= tolerance * abs(best[-1]):
            stopped = f"the best loss fell by less than {tolerance:g} of itself in {patience} steps"
        elif progress is not None and progress(done, steps, float(best[-1])):
            stopped = "stopped by progress"
    return way, np.concatenate(found), stopped or f"{steps} steps done"


@partial(jax.jit, static_argnames=("tool",))
def _begun(problem: Problem, u: Array, *, tool: Any) -> _Way:
    first = jax.vmap(lambda u: problem.loss(problem.bounds.inside(u)))(u)
    with _relaxed():
        state = jax.vmap(tool.init)(u)
    best = jnp.where(jnp.isfinite(first), first, jnp.inf)
    return _Way(u, state, u, best, first, jnp.isfinite(first))


@partial(jax.jit, static_argnames=("tool", "mode"))
def _steps(problem: Problem, way: _Way, length: Any, *, tool: Any, mode: str) -> tuple[_Way, Array]:
    """The ways after `length` steps, and the losses [LOOKS starts] before each."""

    def of(u):
        return problem.loss(problem.bounds.inside(u))

    def step(way: _Way) -> tuple[_Way, Array]:
        value, slope = _value_and_slope(of, way.u, mode == "forward")
        way = _noted(way, value, jnp.all(jnp.isfinite(slope)))
        slope = jnp.where(way.alive, slope, 0.0)
        with _relaxed():
            change, state = tool.update(slope, way.state, way.u, value=value, grad=slope, value_fn=of)
        moved = replace(way, u=way.u + change.astype(way.u.dtype), state=state)
        return jax.tree.map(partial(jnp.where, way.alive), moved, way), value

    def one(i, carry):
        way, losses = carry
        way, value = jax.vmap(step)(way)
        return way, losses.at[i].set(value)

    losses = jnp.full((LOOKS, way.u.shape[0]), jnp.nan, way.u.dtype)
    return jax.lax.fori_loop(0, length, one, (way, losses))


def _noted(way: _Way, value: Array, finite: Any) -> _Way:
    """The way of one start with its loss at u noted."""
    room = 1e6 * jnp.maximum(jnp.abs(way.first), 1.0)
    alive = way.alive & jnp.isfinite(value) & finite & (value - way.first <= room)
    better = alive & (value < way.best_loss)
    return replace(way, best=jnp.where(better, way.u, way.best), best_loss=jnp.where(better, value, way.best_loss), alive=alive)


def _value_and_slope(of: Callable, u: Array, forward: bool) -> tuple[Array, Array]:
    if not forward:
        return jax.value_and_grad(of)(u)
    with forwards(True):
        slope, value = jax.jacfwd(lambda u: (of(u),) * 2, has_aux=True)(u)
    return value, slope


@partial(jax.jit, static_argnames=("hessian",))
def _ended(problem: Problem, way: _Way, *, hessian: bool) -> _Ended:
    last = jax.vmap(lambda u: problem.loss(problem.bounds.inside(u)))(way.u)
    way = jax.vmap(_noted, in_axes=(0, 0, None))(way, last, True)
    number = jnp.argmin(way.best_loss)
    x, of = problem.bounds.inside(way.best[number]), problem.loss
    at = _Ended(number, x, way.best_loss[number], problem.bounds.at(x), last)
    if not hessian:
        return at
    if x.shape[0] <= FEW:
        return replace(at, slope=jax.jacfwd(of)(x), hessian=jax.jacfwd(jax.jacfwd(of))(x))
    return replace(at, slope=jax.grad(of)(x), hessian=jax.hessian(of)(x))


def _fit(where: str, problem: Problem, given: list, at: _Ended, losses: np.ndarray, stopped: str) -> Fit:
    band, data = problem.layout.given_back(given, at.values)
    p = len(at.values)
    known = None if at.hessian is None else of_hessian(at.hessian)
    if known is not None:
        hopeful(where, known.condition, at.values.dtype)
    covariance, determined = (np.full((p, p), np.nan), np.ones(p, bool)) if known is None else known[:2]
    numbers = (band, data, at.values, losses[~np.isnan(losses)], covariance, determined, at.at_bound, 2 * at.loss, 0, None, None)
    away = None if known is None else _distance(at, known)
    there = away is None or (not known.falls and away < NEAR)  # pyright: ignore[reportOptionalMemberAccess]
    states = (np.nan if known is None else known.condition, there and not stopped.startswith("diverged"), len(losses))
    made = Fit(*numbers, *states, layout=problem.layout, stopped=stopped)
    return replace(made, remarks=_remarks(made, known, away))


def _distance(at: _Ended, known: Uncertainty) -> float:
    """How far the minimum is, in standard errors: sqrt(gᵀ C g), with what is determined and at no bound."""
    sure = known.determined & (at.at_bound == 0)
    square = float(at.slope[sure] @ known.covariance[np.ix_(sure, sure)] @ at.slope[sure])
    return float(np.sqrt(square)) if square >= 0 else np.inf


def _remarks(made: Fit, known: Uncertainty | None, away: float | None) -> tuple[str, ...]:
    said, names = [], ", ".join(made.undetermined)
    falls = known is not None and bool(known.falls)
    if names and falls:
        said.append(f"no minimum: the loss falls along a direction of {names}; their errors are infinite ({made.stopped})")
    elif names:
        said.append(
            f"the data do not determine {names}: the loss does not rise along a direction of these; their errors are infinite"
        )
    if made.stopped.startswith("diverged"):
        said.append(made.stopped)
    elif away is not None and not made.converged and not falls:
        said.append(
            f"{made.stopped}, but the minimum is {away:.2g} standard errors away: allowed are more steps, or another optimiser"
        )
    return tuple(said)


def _measured(data: Any) -> list[Measured]:
    parts = jax.tree.leaves(data, is_leaf=lambda node: isinstance(node, Measured))
    return [part for part in parts if isinstance(part, Measured)]


def _check_scalar(where: str, problem: Problem) -> None:
    found = jax.eval_shape(lambda leaves: problem.of(*jax.tree.unflatten(problem.layout.tree, leaves)), problem.leaves)
    if getattr(found, "shape", None) != ():
        shape = getattr(found, "shape", type(found).__name__)
        raise SemijaxError(
            f"{where}: loss(band, data) has shape {shape}: allowed is a scalar; residuals are for sj.least_squares"
        )


def _tool(where: str, optimiser: Any) -> Any:
    """The optimiser, taking the arguments that line searches need."""
    if not callable(getattr(optimiser, "init", None)) or not callable(getattr(optimiser, "update", None)):
        raise SemijaxError(f"{where}: optimiser = {optimiser!r}: allowed is one of optax, such as optax.adam(1e-2)")
    import optax

    return optax.with_extra_args_support(optimiser)


@contextlib.contextmanager
def _relaxed() -> Iterator[None]:
    """Optax mixes dtypes and ranks, which a program may have forbidden."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
