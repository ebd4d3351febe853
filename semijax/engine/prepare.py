"""From a user's carriers to the engine's state and back: checked, cast, lifted, folded, cut into tiles."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import eval_context

from semijax import stepping
from semijax._pytree import replace
from semijax._types import Phase, SemijaxError, cast
from semijax.carriers import Carriers
from semijax.dynamics import Dynamics
from semijax.engine import tiles
from semijax.engine.host import jit_together
from semijax.engine.state import Run, each
from semijax.lattice import fold
from semijax.observables import wavevector

# -- checks -----------------------------------------------------------------------------------------------------------------


def check_inputs(dynamics, carriers, record: dict, every, total: int, chunk) -> None:
    """Raises SemijaxError, in the words of sj.simulate, for anything that cannot be run. carriers: all, or the first of `total`."""
    if isinstance(dynamics, dict) or isinstance(carriers, dict):
        keys = [sorted(x) if isinstance(x, dict) else None for x in (dynamics, carriers)]
        if keys[0] != keys[1] or not keys[0]:
            raise SemijaxError(
                f"simulate: dynamics has keys {keys[0]}, carriers {keys[1]}: allowed are two dicts of the same keys"
            )
        counts = {name: c.count for name, c in carriers.items()}
        if len(set(counts.values())) > 1:
            raise SemijaxError(f"simulate: carriers = {counts}: allowed are equal numbers, each pair is one carrier")
        for name in dynamics:
            _check_one(f"simulate[{name}]", dynamics[name], carriers[name])
    else:
        _check_one("simulate", dynamics, carriers)
    if not isinstance(every, int) or every < 1:
        raise SemijaxError(f"simulate: every = {every!r}: allowed is a whole number ≥ 1")
    for name, recorder in record.items():
        if not hasattr(recorder, "of"):
            raise SemijaxError(
                f"simulate: record['{name}'] = {recorder!r}: allowed is observables.mean(f), sum, covariance, histogram, sample"
            )
        if getattr(recorder, "count", 0) > total:
            raise SemijaxError(f"simulate: record['{name}'] samples {recorder.count} of {total} carriers: allowed is at most all")
    if chunk is not None and (isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1):
        raise SemijaxError(f"simulate: chunk = {chunk!r}: allowed is a whole number ≥ 1")


def _check_one(where: str, dynamics, carriers) -> None:
    if not isinstance(dynamics, Dynamics):
        raise SemijaxError(f"{where}: dynamics = {dynamics!r}: allowed is sj.Dynamics(species, field), or a dict of them")
    if not isinstance(carriers, Carriers):
        raise SemijaxError(f"{where}: carriers = {type(carriers).__name__}: allowed is sj.Carriers, or a dict of them")
    d = dynamics.species.band.dimension
    if d is not None and d != carriers.dimension:
        raise SemijaxError(f"{where}: carriers have d = {carriers.dimension}: allowed is {d}, the dimension of the band")


def first_bad(carriers) -> dict[str, Any]:
    """Of each species the number of the first carrier that is not finite, or of all carriers; not yet waited for."""
    with eval_context():  # a jit may close over carriers
        return {name: _first_bad(one.phase) for name, one in _named(carriers)}


def check_start(bad: dict[str, Any], carriers, first: int = 0) -> None:
    """Raises SemijaxError for what `first_bad` found: the first carrier whose position or wavevector is not finite. first: the number of
    the first carrier of these among all.
    """
    for name, one in _named(carriers):
        if name in bad and int(bad[name]) < one.count:
            raise SemijaxError(
                f"simulate: {name}: position or wavevector of carrier {first + int(bad[name])} is not finite: allowed are numbers"
            )


def _named(carriers) -> list[tuple[str, Any]]:
    return list(carriers.items()) if isinstance(carriers, dict) else [("carriers", carriers)]


@jax.jit
def _first_bad(phase: Phase):
    """The number of the first carrier that is not finite; how many there are if all are."""
    ok = jnp.isfinite(phase.position).all(1) & jnp.isfinite(phase.wavevector).all(1)
    return jnp.where(ok.all(), len(ok), jnp.argmin(ok))


# -- in and out -------------------------------------------------------------------------------------------------------------


def prepared(step, dynamics, dtype):
    """The step with what a run computes once; for a pair one step for each species."""
    if isinstance(dynamics, dict):
        return {name: stepping.prepared(step, dynamics[name], i, dtype) for i, name in enumerate(sorted(dynamics))}
    return stepping.prepared(step, dynamics, 0, dtype)


@partial(jit_together, static_argnames=("compensated", "lanes", "slots", "dtype"))
def enter(run: Run, carriers, *, compensated: bool, lanes: int, slots: int, dtype) -> tuple[Run, Any]:
    """(run, state): all in the dtype of the carriers, the carriers in tiles. One program: a call for each small thing would take longer
    than a short run.
    """
    run, carriers = cast((run, carriers), dtype)
    return run, tiles.pack(each(partial(_enter_one, compensated, dtype), run.dynamics, run.step, carriers), lanes, slots)


def _enter_one(compensated: bool, dtype, dynamics, step, carriers):
    carriers = stepping.lifted(step, carriers)
    carriers = stepping.compensated(carriers) if compensated else carriers
    band = dynamics.species.band
    if band.lattice is None:
        return carriers
    k, winding = jax.vmap(lambda k: fold(k, band.lattice, band.reciprocal))(carriers.phase.wavevector)
    return replace(carriers, phase=Phase(carriers.phase.position, k), winding=winding)


def leave(dynamics, state, taken, count: int, collides: bool) -> Any:
    """The user's carriers again: leaves [n ...], k unfolded; `taken` steps are added where random draws count them."""

    def one(dynamics, carriers):
        unfolded = jax.vmap(lambda c: wavevector(dynamics, 0.0, c))(carriers)
        if collides and carriers.steps is None:
            carriers = replace(carriers, steps=jnp.full((count,), taken, jnp.uint32))
        return replace(carriers, phase=Phase(carriers.phase.position, unfolded))

    return each(one, dynamics, tiles.unpack(state, count))
