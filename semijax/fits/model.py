"""Model: a band or a Hamiltonian as a function of a tree of parameters, and what a fit calls a band."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from semijax import bands
from semijax._pytree import record, replace, static
from semijax._types import SemijaxError, UserCodeError
from semijax.bands.band import Band
from semijax.bands.contract import name_of
from semijax.bands.hamiltonian import Hamiltonian


@record
class Model:
    """What is fitted where the parameters are not the band's own: tied masses, a period, several bands of the same numbers.

    build: (params) -> Band, Hamiltonian, or a tuple or dict of them; pure, and able to take traced numbers, as bands.* are.
    params: any tree of numbers and arrays; its floating leaves are the parameters.

        fits.Model(lambda p: bands.ellipsoidal([p["mt"], p["mt"], p["ml"]]), {"mt": 0.1, "ml": 1.2})
    """

    build: Callable[[Any], Any] = static()
    params: Any = None

    def __post_init__(self):
        if not callable(self.build):
            raise SemijaxError(f"Model: build = {self.build!r}: allowed is a function of the parameters that returns a band")

    @property
    def built(self) -> Any:
        """What `build` makes of the parameters; raises UserCodeError unless it is made of bands."""
        made = self.build(self.params)
        parts = jax.tree.leaves(made, is_leaf=holds)
        if not parts or not all(isinstance(part, Band | Hamiltonian) for part in parts):
            raise UserCodeError(
                f"Model: {name_of(self.build)}(params) returns {type(made).__name__}: allowed is a Band, a Hamiltonian, "
                "or a tuple or dict of them"
            )
        return made


def holds(node: Any) -> bool:
    """Whether a node of a tree is something whose parameters are its `params`, and nothing else of it."""
    return isinstance(node, Band | Hamiltonian | Model)


def built(tree: Any) -> Any:
    """The tree with what its Models build in their places."""
    return jax.tree.map(lambda node: node.built if isinstance(node, Model) else node, tree, is_leaf=holds)


def followed(band: Band, before: Band) -> Band:
    """A band with other parameters than `before`, and the lattice that follows from them where a closed form has a length for a
    parameter: the period of a cosine or a superlattice, the bond of graphene.
    """
    key = _lengths().get(_innermost(band.energy)) if band.lattice is not None else None
    if key is None:
        return band
    ratio = band.params[key] / before.params[key]
    ratio = ratio[..., None, None] if isinstance(ratio, Tracer) else np.asarray(ratio, np.float64)[..., None, None]
    return replace(band, lattice=before.lattice * ratio, reciprocal=before.reciprocal / ratio)


def follows(band: Band) -> str | None:
    """The parameter that the lattice of a closed form follows; None where there is none."""
    return _lengths().get(_innermost(band.energy))


@cache
def _lengths() -> dict[Callable, str]:
    lattices = {bands.cosine(1.0, 1.0): "period", bands.superlattice(1.0, 1.0, 1.0): "period"}
    lattices |= {bands.graphene(sign=sign): "bond" for sign in (1, -1)}
    return {band.energy: key for band, key in lattices.items()}


def _innermost(energy: Callable) -> Callable:
    """What a negated or reflected band's energy wraps."""
    while hasattr(energy, "of"):
        energy = energy.of
    return energy
