"""Peers: each file runs the cases as users of that package would; a peer that is missing or cannot is named, never dropped."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Entry -> (module here, packages it needs).
PEERS = {
    "semijax": ("ours", ("semijax",)),
    "C": ("hand_c", ()),
    "CUDA": ("hand_cuda", ()),
    "plain JAX": ("plain", ("jax",)),
    "diffrax": ("with_diffrax", ("diffrax",)),
    "NumPy": ("with_numpy", ("numpy",)),
    "numba": ("with_numba", ("numba",)),
    "heyoka": ("with_heyoka", ("heyoka",)),
    "gradsolve": ("with_gradsolve", ("gradsolve",)),
    "torch eager": ("with_torch", ("torch",)),
    "torchdiffeq": ("with_torchdiffeq", ("torch", "torchdiffeq")),
}


@dataclass
class Job:
    """A prepared entry. once: one run, with everything a user pays for, finished when it returns. unpack: what it returned ->
    (means [frames, o] or None, end [components, n]). exact: does not take RK4's steps. allowed: the error that is right, None for the
    usual one. verdict: a check of its own, for what is no trajectory (a gradient, collisions).
    """

    once: Callable[[], Any]
    unpack: Callable[[Any], tuple] = lambda out: out
    exact: bool = False
    allowed: float | None = None
    verdict: Callable[[Any], Any] | None = None


def module(peer: str):
    """The module of a peer: `supports(spec)` -> reason or None, `prepare(spec, case)` -> Job."""
    return importlib.import_module(f".{PEERS[peer][0]}", __name__)


def missing(peer: str) -> list[str]:
    """The packages of a peer that are not installed."""
    return [name for name in PEERS[peer][1] if importlib.util.find_spec(name) is None]
