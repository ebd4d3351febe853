"""jit whose executable uses the processor's widest vectors, where XLA's CPU compiler takes the option, and its arguments' memory."""

import functools
import warnings
from collections.abc import Callable

import jax
from jax.core import Tracer

_OPTIONS = {"xla_cpu_prefer_vector_width": 512}  # internal to XLA: a later compiler may not know it


def wide_jit(function: Callable, *, donate_argnames: tuple[str, ...] = (), **how) -> Callable:
    """jax.jit(function, **how), with wide vectors on a CPU. Inside another jit, whose options these are not, without them; there, and
    under vmap and grad, nothing is donated either.
    """
    inside, outside = jax.jit(function, **how), jax.jit(function, donate_argnames=donate_argnames, **how)
    wide = jax.jit(function, donate_argnames=donate_argnames, compiler_options=_OPTIONS, **how)

    @functools.wraps(function)
    def call(*arguments, **options):
        if any(isinstance(x, Tracer) for x in jax.tree.leaves((arguments, options))):
            return inside(*arguments, **options)
        return (wide if jax.default_backend() == "cpu" and _taken() else outside)(*arguments, **options)

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
