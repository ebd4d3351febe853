"""The contract of a user's E(k), checked while tracing and spoken about in the user's words."""

import jax
import jax.numpy as jnp

from semijax._types import Array, UserCodeError

_TRACING = (
    jax.errors.TracerBoolConversionError,
    jax.errors.TracerArrayConversionError,
    jax.errors.ConcretizationTypeError,
)


def name_of(function) -> str:
    """What a user calls the function: its name, or the name of its type."""
    while hasattr(function, "of"):  # the sign and reflection wrappers of Band
        function = function.of
    return getattr(function, "__qualname__", None) or type(function).__name__


def in_users_words(energy, params, k: Array) -> Array:
    """energy(params, k) for one k [d]; raises UserCodeError unless it is a real scalar computed without branching on k."""
    if k.ndim != 1:
        raise UserCodeError(f"band: k has shape {k.shape}: allowed is one wavevector [d]; use jax.vmap(band) for many")
    try:
        value = energy(params, k)
    except _TRACING as error:
        raise UserCodeError(
            f"band: {name_of(energy)}(params, k) uses the value of k in Python (if, float(), numpy): "
            "allowed are jax.numpy operations; write jnp.where instead of if"
        ) from error
    shape, dtype = jnp.shape(value), jnp.result_type(value)
    if shape != ():
        raise UserCodeError(
            f"band: {name_of(energy)}(params, k) returns shape {shape} for k of shape {k.shape}: allowed is a scalar, shape ()"
        )
    if not jnp.issubdtype(dtype, jnp.floating):
        raise UserCodeError(f"band: {name_of(energy)}(params, k) returns {dtype}: allowed is a real energy in eV; take .real")
    return jnp.asarray(value, k.dtype)


def check_finite(band, k: Array) -> None:
    """Raises UserCodeError naming the first of the wavevectors [n d] where E, its gradient or its Hessian is not finite."""

    def finite(one):
        return jnp.isfinite(band(one)), jnp.all(jnp.isfinite(band.velocity(one))), jnp.all(jnp.isfinite(band.inverse_mass(one)))

    for what, ok in zip(("E(k)", "its gradient", "its Hessian"), jax.jit(jax.vmap(finite))(k), strict=True):
        if not ok.all():
            at = k[int(jnp.argmin(ok))].tolist()
            raise UserCodeError(
                f"band: {what} of {name_of(band.energy)} is not finite at k = {at} 1/Å: allowed is a finite value"
            )
