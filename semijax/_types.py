"""Words every layer shares: one carrier's phase-space point, the field it feels, and the shapes of the user's functions."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from semijax._pytree import record

Array: TypeAlias = jax.Array
EnergyFn: TypeAlias = Callable[[Any, Array], Array]  # energy(params, k[d]) -> scalar, eV
Flow: TypeAlias = Callable[[Any, Any], Any]  # flow(t, z) -> dz/dt, same tree as z
Step: TypeAlias = Callable[[Flow, Any, Any, Any], Any]  # step(flow, t, z, dt) -> z
Observable: TypeAlias = Callable[[Any, Any, Any], Any]  # observable(dynamics, t, carrier) -> array or tree of arrays
FieldFn: TypeAlias = Callable[[Any, Array], "EMField"]  # field(t, r[d]) -> EMField


class SemijaxError(ValueError):
    """A user's mistake, said in one line that names the thing, its value and what is allowed."""


class UserCodeError(SemijaxError):
    """A function the user handed in (a band, a field, an observable) breaks its contract; names the function."""


class BrokenInvariant(ArithmeticError):
    """A run whose certificate does not hold; names the carrier and the step."""


@record
class Phase:
    """A point of phase space: position [..., d] (Å) and wavevector [..., d] (1/Å)."""

    position: Any
    wavevector: Any


@record
class EMField:
    """The field one carrier feels; None is exactly zero and costs nothing.

    electric: [d], V/Å. magnetic: tesla; [3] when d = 3, a scalar B_z when d = 2, None when d = 1.
    """

    electric: Any = None
    magnetic: Any = None

    def __add__(self, other: "EMField") -> "EMField":
        return EMField(_add(self.electric, other.electric), _add(self.magnetic, other.magnetic))


def _add(a, b):
    if a is None or b is None:
        return b if a is None else a
    return a + b


def cast(tree: Any, dtype: Any) -> Any:
    """The tree with every floating leaf (Python floats included) as an array of `dtype`; integers stay as they are."""

    def one(x):
        return jnp.asarray(x, dtype) if jnp.issubdtype(jnp.result_type(x), jnp.floating) else x

    return jax.tree.map(one, tree)
