"""A function of one carrier over all lanes of a tile: as a lane program where it can be one, else as JAX's vmap."""

import os
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from semijax._types import SemijaxError
from semijax.engine.lanes import Program, Unsupported

_ENGINES = ("lanes", "plain")
_told: set[str] = set()


def chosen() -> str:
    """The engine that runs: "plain" (vmap alone), or "lanes" where the environment variable SEMIJAX_ENGINE says so."""
    engine = os.environ.get("SEMIJAX_ENGINE", "plain")
    if engine not in _ENGINES:
        raise SemijaxError(f"SEMIJAX_ENGINE = {engine!r}: allowed are {', '.join(_ENGINES)}")
    return engine


def over_lanes(function: Callable, given: Any, carrier: Any, scalars: Any, engine: str) -> Callable:
    """(carrier, scalars) -> tree with leaves [... lanes], of function(given, carrier, scalars) of one carrier.

    Call it where `given` is at hand, outside the loop; `carrier` and `scalars` are examples.
    """
    program = _program(function, given, carrier, scalars) if engine == "lanes" else None
    if program is None:
        plain = jax.vmap(function, in_axes=(None, -1, None), out_axes=-1)
        return lambda carrier, scalars: plain(given, carrier, scalars)

    def look(carrier, scalars):
        shapes, rows = zip(*program(program.rows(carrier), scalars), strict=True)
        # Stacked without the barrier, rows would be computed again for every array they are part of.
        return program.tree_of(list(zip(shapes, lax.optimization_barrier(list(rows)), strict=True)))

    return look


def steps_over_lanes(function: Callable, given: Any, carrier: Any, scalars: Any, engine: str) -> Callable:
    """(carrier, scalars [steps ...]) -> carrier, after as many calls of function(given, carrier, scalars) -> carrier."""
    program = _program(function, given, carrier, scalars) if engine == "lanes" else None
    unroll = 1 if jax.default_backend() == "cpu" else 4  # a GPU fuses the steps of one iteration into one kernel
    if program is None:
        plain = jax.vmap(function, in_axes=(None, -1, None), out_axes=-1)
        return lambda carrier, scalars: lax.scan(lambda c, s: (plain(given, c, s), None), carrier, scalars)[0]
    moving = program.moving

    def steps(carrier, scalars):
        rows = program.rows(carrier)
        still = program.still(rows, moving)

        def body(changing, one):
            now = list(rows)
            for i, row in zip(moving, changing):
                now[i] = row
            flat = [row for _, out in program(now, one, still) for row in out]
            return [flat[i] for i in moving], None

        last, _ = lax.scan(body, [rows[i] for i in moving], scalars, unroll=min(unroll, jax.tree.leaves(scalars)[0].shape[0]))
        for i, row in zip(moving, last):
            rows[i] = row
        return program.carrier(rows)

    return steps


def _program(function, given, carrier, scalars) -> Program | None:
    try:
        program = Program(function, given, carrier, scalars)
    except Unsupported as error:
        _tell(f"runs as plain JAX, slower: {error} cannot be written as lanes")
        return None
    if program.vmapped:
        _tell(f"{', '.join(program.vmapped)} in E(k), a field or an observable stays a vmapped call, slower than the rest")
    return program


def _tell(notice: str) -> None:
    if notice not in _told:
        _told.add(notice)
        warnings.warn(f"semijax: {notice}", stacklevel=2)


def example(tree):
    """Shapes and dtypes of a tree without its leading axis: one tile of many."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(jnp.shape(x)[1:], x.dtype), tree)
