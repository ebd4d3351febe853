"""The cases: what is integrated, from where, for how long. Numbers in eV, Å, fs, V/Å, tesla; trajectories repeat after BASE of them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import metal, rates
from .constants import HBAR, TESLA

BASE = 4096  # different trajectories, at most; a larger ensemble repeats them, so that its means are known from these


@dataclass(frozen=True)
class Case:
    """One initial value problem of many trajectories.

    components: (r..., k...) that move, `constants` more that do not. params: of the band, plain numbers. dt [fs] × steps, what is
    averaged every `every` steps. spread: half width of the starting k, 1/Å (of a period: any k is reached). base: different
    trajectories.
    """

    name: str
    title: str
    components: int
    params: dict[str, Any]
    dt: float
    spread: tuple[float, ...]
    electric: tuple[float, ...] = ()
    magnetic: tuple[float, ...] = ()
    charge: int = -1
    constants: int = 0
    steps: int = 200
    every: int = 10
    base: int = BASE
    tags: tuple[str, ...] = field(default=())

    @property
    def dimension(self) -> int:
        """Dimension of space; of Lorenz's system, its three variables."""
        return self.components // 2 if self.name != "lorenz" else 3

    def rates(self, x, t, z) -> tuple:
        """(what is averaged, dz/dt) by hand, see rates.py."""
        return getattr(rates, self.name.removesuffix("_split"))(x, self, t, z)

    def start(self, n: int, dtype="float64") -> np.ndarray:
        """Components at t = 0, [components + constants, n]."""
        base = min(n, self.base)
        z = np.zeros((self.components + self.constants, base))
        if self.name == "lorenz":
            z[0], z[3] = 1.0, np.linspace(0.0, 21.0, base)  # as in the DiffEqGPU paper
        else:
            d, generator = self.dimension, np.random.default_rng(0)
            uniform = generator.uniform(-1.0, 1.0, (BASE, 2 * d)).T[:, :base]
            z[:d] = (self.params["length"] / 2 * uniform[:d]) if self.name == "potential" else 0.0
            z[d:] = np.asarray(self.spread)[:, None] * uniform[d:]
        z = z.astype(dtype)
        return z if n == base else np.concatenate([np.tile(z, n // base), z[:, : n % base]], axis=1)

    def times_drawn(self, n: int) -> np.ndarray:
        """How often each of the first `base` trajectories occurs among n: the weights of a mean."""
        base = min(n, self.base)
        return (n // base) + (np.arange(base) < n % base)


# W1 in units ħ = e = 1 has t = (.5, .4, .3), a = (1, 1.1, 1.3), E = (.1, .05, .02), B = (.1, .2, .3), dt = .02: the same phases here.
_W1: dict[str, Any] = dict(
    components=6,
    params={"hopping": tuple(HBAR * t for t in (0.5, 0.4, 0.3)), "period": (1.0, 1.1, 1.3)},
    dt=0.02,
    spread=tuple(np.pi / a for a in (1.0, 1.1, 1.3)),
    electric=tuple(HBAR * e for e in (0.1, 0.05, 0.02)),
)
_KV = 1e-5  # V/Å
_MINIBAND: dict[str, Any] = {"bandwidth": 0.018, "period": 114.0, "mass": 0.067}

# Copper's zone is covered twice by a cube of 4π/period. 2048 trajectories read 2/3 of the table's cache lines; fewer are judged sooner.
_COPPER: dict[str, Any] = dict(components=6, params={}, dt=1.0, spread=(2 * np.pi / metal.PERIOD,) * 3)
_COPPER |= {"electric": (_KV, 0.0, 0.0), "magnetic": (0.0, 1.0, 2.0)}

_ALL = (
    Case("w1", "W1: cosine band, E and B", magnetic=tuple(HBAR * b / TESLA for b in (0.1, 0.2, 0.3)), **_W1),
    Case("w1_split", "W1 without B", magnetic=(0.0, 0.0, 0.0), tags=("splits",), **_W1),
    Case("parabolic", "parabolic, E and B", 6, {"mass": 0.067}, 2.0, (0.02,) * 3, (2e-4, 1e-4, 0.0), (1.0, 2.0, 8.0)),
    Case("kane", "Kane, E and B", 6, {"mass": 0.0135, "alpha": 4.1}, 0.5, (0.03,) * 3, (3e-4, 1e-4, 0.0), (1.0, 2.0, 5.0)),
    Case(
        "warped",
        "warped heavy holes, E and B",
        6,
        {"A": 4.22, "B": 0.78, "C": 4.8},
        2.0,
        (0.05,) * 3,
        (2e-4, 1e-4, 3e-4),
        (1.0, 2.0, 8.0),
        charge=+1,
    ),
    Case(
        "superlattice",
        "superlattice, THz pulse and B",
        6,
        _MINIBAND | {"peak": 30 * _KV, "frequency": 1.5, "duration": 300.0, "center": 400.0},
        4.0,
        (0.01, 0.01, np.pi / 114.0),
        magnetic=(1.0, 5.0, 0.0),
    ),
    Case("graphene", "graphene, E and B", 4, {"hopping": 2.7, "bond": 1.42}, 0.05, (1.4, 1.4), (2e-2, 1e-2), (200.0,)),
    Case(
        "dirac",
        "massive Dirac with Berry terms, E and B",
        4,
        {"gap": 0.3, "hbar_v": 3.5},
        0.2,
        (0.08, 0.08),
        (2e-3, 1e-3),
        (10.0,),
    ),
    Case(
        "potential",
        "parabolic in a periodic potential, B",
        6,
        {"mass": 0.067, "height": 0.01, "length": 200.0},
        0.5,
        (0.02,) * 3,
        magnetic=(1.0, 2.0, 8.0),
    ),
    Case(
        "user",
        "a user's own band, E and B",
        6,
        {"scale": 0.5, "tensor": ((60.0, 5.0, 0.0), (5.0, 40.0, 3.0), (0.0, 3.0, 20.0)), "warp": 0.05}
        | {"vectors": ((5.0, 1.0, 0.0), (0.0, 4.0, 2.0))},
        0.2,
        (0.3,) * 3,
        (2e-3, 1e-3, 1e-3),
        (5.0, 10.0, 20.0),
    ),
    Case(
        "miniband", "superlattice at 10 kV/cm", 6, _MINIBAND, 4.0, (0.01, 0.01, np.pi / 114.0), (0.0, 0.0, 10 * _KV), (0.0,) * 3
    ),
    Case("copper", "copper at the Fermi level, tabulated, E and B", base=2048, **_COPPER),
    Case("copper_exact", "copper at the Fermi level, 7 Wannier functions, E and B", steps=20, base=256, **_COPPER),
    Case("lorenz", "Lorenz, calibration", 3, {"sigma": 10.0, "beta": 8 / 3}, 1e-3, (), constants=1, steps=1000, every=1000),
)
CASES = {case.name: case for case in _ALL}
BANDS = ("parabolic", "kane", "warped", "superlattice", "graphene", "dirac", "potential", "user")
