"""jit whose executable uses the processor's widest vectors, where XLA's CPU compiler takes the option."""

import functools
import warnings
from collections.abc import Callable

import jax
from jax.core import Tracer

_OPTIONS = {"xla_cpu_prefer_vector_width": 512}  # internal to XLA: a later compiler may not know it


def wide_jit(function: Callable, **how) -> Callable:
    """jax.jit(function, **how), with wide vectors on a CPU. Inside another jit, whose options these are not, without them."""
    plain, wide = jax.jit(function, **how), jax.jit(function, compiler_options=_OPTIONS, **how)

    @functools.wraps(function)
    def call(*arguments, **options):
        if jax.default_backend() != "cpu" or not _taken():
            return plain(*arguments, **options)
        traced = any(isinstance(x, Tracer) for x in jax.tree.leaves((arguments, options)))
        return (plain if traced else wide)(*arguments, **options)

    return call


@functools.cache
def _taken() -> bool:
    """Whether this compiler knows the option; says so once if not."""
    try:
        jax.jit(lambda x: x, compiler_options=_OPTIONS).lower(jax.ShapeDtypeStruct((), "float32")).compile()
    except jax.errors.JaxRuntimeError:  # "No such compile option": steps only get slower
        warnings.warn("semijax: this compiler takes no vector width: steps run slower", stacklevel=2)
        return False
    return True
