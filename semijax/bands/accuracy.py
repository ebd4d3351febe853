"""How far a tabulated band is from the exact one: measured at random wavevectors, kept with the places where it is worst."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import SemijaxError
from semijax.bands.band import Band
from semijax.bands.contract import check_finite
from semijax.units import HBAR

_BLOCK = 1 << 14  # wavevectors at a time: bounds the memory of bands with many states
_TRIES = 256  # blocks of random wavevectors in search of those in a window
_UNITS = {"energy": "eV", "gradient": "eV Å", "hessian": "eV Å²", "curvature": "Å²", "moment": "e Å²/fs"}


@dataclass(frozen=True)
class Deviation:
    """|tabulated − exact| of one quantity over test points: root mean square and largest, in `unit`, and the k [d], 1/Å, of the latter.

    Vectors by their length, matrices by the root of the sum of squares.
    """

    rms: float
    largest: float
    unit: str
    where: np.ndarray


@dataclass(frozen=True)
class Accuracy:
    """Measured errors of a tabulated band, by quantity: energy [eV], gradient ∂E/∂k [eV Å], hessian ∂²E/∂k∂k [eV Å²], and where the
    band has them curvature [Å²] and moment [e Å²/fs].

    zone: at `points` random wavevectors of the zone. window: at `points` of those with energies in `between` (lowest, highest), eV;
    None without one. That more than 3/N of the volume is worse than the largest of N random points has a probability of 5 % only.
    mesh, degree: of the table. bytes: of the table in float32. dtype: of the k at which it was tested. tolerance: on the
    gradient, in the window where there is one; None: none asked for.
    """

    zone: dict[str, Deviation]
    window: dict[str, Deviation] | None
    between: tuple[float, float] | None
    points: int
    mesh: tuple[int, ...]
    degree: int
    bytes: int
    dtype: str
    tolerance: float | None

    @property
    def worst(self) -> Deviation:
        """The error of ∂E/∂k that the tolerance is about."""
        return (self.window or self.zone)["gradient"]

    @property
    def meets(self) -> bool:
        """Whether the largest error of ∂E/∂k is within the tolerance; True where none was asked for."""
        return self.tolerance is None or self.worst.largest <= self.tolerance

    def __str__(self) -> str:
        mesh = " × ".join(map(str, self.mesh))
        lines = [f"mesh {mesh}, splines of degree {self.degree}, {self.bytes / 2**20:.3g} MiB in float32, tested in {self.dtype}"]
        for where, found in (("zone", self.zone), (_said(self.between), self.window)):
            lines += [_line(where, self.points, name, one) for name, one in (found or {}).items()]
        if self.tolerance is not None:
            lines.append(f"tolerance {self.tolerance:g} eV Å: {'met' if self.meets else 'not met'}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Truth:
    """The exact band at test points: k [n d], and every quantity [n ...]; how many of them are in the window."""

    k: np.ndarray
    values: dict[str, np.ndarray]

    @classmethod
    def of(cls, band: Band, k: np.ndarray) -> "Truth":
        """The band at k [n d]; raises UserCodeError where it is not finite."""
        values = quantities(band, k)
        if not all(np.isfinite(x).all() for x in values.values()):
            check_finite(band, jnp.asarray(k))
            raise SemijaxError("tabulate: the Berry curvature or moment of the band is not finite: allowed are finite values")
        return cls(k, values)

    def against(self, band: Band) -> dict[str, Deviation]:
        """The errors of another band at the same k, whose dtype is that of the test."""
        found = quantities(band, self.k)
        return {name: _deviation(name, found[name], exact, self.k) for name, exact in self.values.items()}


def random_points(band: Band, points: int, seed: int, dtype: Any) -> np.ndarray:
    """Wavevectors [points d], 1/Å, equally distributed over the zone, representable in the dtype."""
    fractions = np.random.default_rng([seed, 0]).random((points, len(band.lattice))) - 0.5
    return (fractions @ band.reciprocal).astype(dtype)


def points_within(band: Band, points: int, between: tuple[float, float], seed: int, dtype: Any) -> np.ndarray:
    """As `random_points`, of those with energies in the window; raises SemijaxError where there are next to none."""
    rng, kept, count, seen = np.random.default_rng([seed, 1]), [], 0, []
    for tries in range(_TRIES):
        k = ((rng.random((_BLOCK, len(band.lattice))) - 0.5) @ band.reciprocal).astype(dtype)
        energies = in_blocks(band, k.astype(np.float64))
        inside = (energies >= between[0]) & (energies <= between[1])
        kept.append(k[inside])
        seen += [energies.min(), energies.max()]
        count += int(inside.sum())
        if count >= points:
            return np.concatenate(kept)[:points]
        if count == 0 and tries >= _TRIES // 16:
            break
    raise SemijaxError(
        f"tabulate: window = {between}: {count} of {len(kept) * _BLOCK} random k have such energies: allowed are windows of which at least "
        f"{points} have; the band is between {min(seen):.6g} and {max(seen):.6g} eV"
    )


def quantities(band: Band, k: np.ndarray) -> dict[str, np.ndarray]:
    """Energy, gradient, Hessian, and Berry curvature and moment where the band has them, at k [n d], as float64."""
    found = {
        "energy": in_blocks(band, k),
        "gradient": in_blocks(band.velocity, k) * HBAR,
        "hessian": in_blocks(band.inverse_mass, k) * HBAR**2,
    }
    slots = {"curvature": (band.curvature, band.berry_curvature), "moment": (band.moment, band.orbital_moment)}
    return found | {name: in_blocks(function, k) for name, (slot, function) in slots.items() if slot is not None}


def in_blocks(function: Callable, k: np.ndarray) -> np.ndarray:
    """function(k) of each of many k [n d], computed in their dtype, a block at a time: float64 [n ...]."""
    compiled, out = jax.jit(jax.vmap(function)), []
    for start in range(0, len(k), _BLOCK):
        block = k[start : start + _BLOCK]
        size = min(_BLOCK, 1 << (len(k) - 1).bit_length())  # one program for all blocks
        filled = np.concatenate([block, np.repeat(block[:1], size - len(block), axis=0)])
        out.append(np.asarray(compiled(jnp.asarray(filled)), np.float64)[: len(block)])
    return np.concatenate(out)


def _deviation(name: str, found: np.ndarray, exact: np.ndarray, k: np.ndarray) -> Deviation:
    error = np.sqrt(((found - exact).reshape(len(k), -1) ** 2).sum(axis=1))
    worst = int(error.argmax())
    return Deviation(float(np.sqrt((error**2).mean())), float(error[worst]), _UNITS[name], k[worst].astype(np.float64))


def _said(between: tuple[float, float] | None) -> str:
    return "" if between is None else f"{between[0]:g} to {between[1]:g} eV"


def _line(where: str, points: int, name: str, one: Deviation) -> str:
    at = ", ".join(f"{x:.4f}" for x in one.where)
    return f"{where}, {points} points: {name} rms {one.rms:.2e}, largest {one.largest:.2e} {one.unit} at k = ({at}) 1/Å"
