"""Which vmapped calls can be part of one piece of machine code: those that need no kernel or library of their own."""

import jax
from jax.extend.core import jaxprs_in_params

_ARITHMETIC = """abs acos acosh add add_any and asin asinh atan atan2 atanh bitcast_convert_type cbrt ceil clamp conj
convert_element_type copy cos cosh div eq erf erf_inv erfc exp exp2 expm1 floor ge gt imag integer_pow is_finite le log log1p
logistic lt max min mul ne neg nextafter not or population_count clz pow real rem round rsqrt select_n shift_left
shift_right_arithmetic shift_right_logical sign sin sinh sqrt square stop_gradient sub tan tanh xor"""
_MOVEMENT = """argmax argmin broadcast broadcast_in_dim concatenate dynamic_slice dynamic_update_slice expand_dims gather iota pad
reduce_and reduce_max reduce_min reduce_or reduce_prod reduce_sum reshape rev slice split squeeze stack transpose unstack"""
_CONTROL = "cond while scan jit pjit closed_call core_call custom_jvp_call custom_vjp_call remat checkpoint"
_FIT = set(f"{_ARITHMETIC} {_MOVEMENT} {_CONTROL}".split())


def fits(function, *arguments) -> bool:
    """Whether the function of these arrays (or their shapes) needs nothing but arithmetic, movement of data and loops."""
    return _all_fit(jax.make_jaxpr(function)(*arguments).jaxpr)


def _all_fit(jaxpr) -> bool:
    return all(e.primitive.name in _FIT and all(map(_all_fit, jaxprs_in_params(e.params))) for e in jaxpr.eqns)
