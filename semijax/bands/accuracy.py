"""How far a tabulated band is from the exact one: measured at random wavevectors, kept with the places where it is worst."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import SemijaxError
from semijax.bands.band import Band
from semijax.bands.contract import check_finite
from semijax.units import HBAR

_BLOCKS = (1 << 10, 1 << 14)  # wavevectors at a time, few programs for any number: bounds the memory of bands with many states
_TRIES = 256  # blocks of random wavevectors in search of those in a window
_AROUND = 4  # points around each of the worst
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

    zone: at `points` random wavevectors of the zone, and more around the worst of them, which count for the largest error alone.
    window: the same of those with energies in `between` (lowest, highest), eV; None without one. That more than 3/N of the volume is
    worse than the largest of N random points has a probability of 5 % only.
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
    """The exact band at test points: k [n d], and every quantity [n ...]; the first `random` of them are independent draws."""

    k: np.ndarray
    values: dict[str, np.ndarray]
    random: int

    @classmethod
    def of(cls, band: Band, k: np.ndarray) -> "Truth":
        """The band at random k [n d]; raises UserCodeError where it is not finite."""
        values = quantities(band, k)
        if not all(np.isfinite(x).all() for x in values.values()):
            check_finite(band, jnp.asarray(k))
            raise SemijaxError("tabulate: the Berry curvature or moment of the band is not finite: allowed are finite values")
        return cls(k, values, len(k))

    def against(self, band: Band) -> dict[str, Deviation]:
        """The errors of another band at the same k, whose dtype is that of the test: rms over the random ones."""
        found = quantities(band, self.k)
        return {name: self._deviation(name, found[name]) for name in self.values}

    def sharpened(self, exact: Band, table: Band, cell: np.ndarray, between: tuple[float, float] | None) -> "Truth":
        """With more points around the worst: within one cell (vectors [d d], 1/Å) of them, and in the window where there is one.

        Where bands cross, few random points come near enough to see it.
        """
        error = self._errors("gradient", quantities(table, self.k)["gradient"])
        worst = self.k[np.argsort(error)[-max(1, self.random // 32) :]].astype(np.float64)
        moved = np.random.default_rng(len(self.k)).uniform(-1.0, 1.0, (_AROUND, *worst.shape)) @ cell
        k = (worst + moved).reshape(-1, worst.shape[1]).astype(self.k.dtype)
        more = quantities(exact, k)
        kept = np.ones(len(k), bool) if between is None else (more["energy"] >= between[0]) & (more["energy"] <= between[1])
        values = {name: np.concatenate([x, more[name][kept]]) for name, x in self.values.items()}
        return replace(self, k=np.concatenate([self.k, k[kept]]), values=values)

    def _errors(self, name: str, found: np.ndarray) -> np.ndarray:
        return np.sqrt(((found - self.values[name]).reshape(len(found), -1) ** 2).sum(axis=1))

    def _deviation(self, name: str, found: np.ndarray) -> Deviation:
        error = self._errors(name, found)
        worst, rms = int(np.nanargmax(error)), np.sqrt((error[: self.random] ** 2).mean())
        return Deviation(float(rms), float(error[worst]), _UNITS[name], self.k[worst].astype(np.float64))


def random_points(band: Band, points: int, seed: int, dtype: Any) -> np.ndarray:
    """Wavevectors [points d], 1/Å, equally distributed over the zone, representable in the dtype."""
    fractions = np.random.default_rng([seed, 0]).random((points, len(band.lattice))) - 0.5
    return (fractions @ band.reciprocal).astype(dtype)


def points_within(band: Band, points: int, between: tuple[float, float], seed: int, dtype: Any) -> np.ndarray:
    """As `random_points`, of those with energies in the window; raises SemijaxError where there are next to none."""
    rng, kept, count, seen = np.random.default_rng([seed, 1]), [], 0, []
    for tries in range(_TRIES):
        k = ((rng.random((_BLOCKS[-1], len(band.lattice))) - 0.5) @ band.reciprocal).astype(dtype)
        energies = in_blocks(("energy",), band, k.astype(np.float64))["energy"]
        inside = (energies >= between[0]) & (energies <= between[1])
        kept.append(k[inside])
        seen += [energies.min(), energies.max()]
        count += int(inside.sum())
        if count >= points:
            return np.concatenate(kept)[:points]
        if count == 0 and tries >= _TRIES // 16:
            break
    raise SemijaxError(
        f"tabulate: window = {between}: {count} of {len(kept) * _BLOCKS[-1]} random k have such energies: allowed are windows of which "
        f"at least {points} have; the band is between {min(seen):.6g} and {max(seen):.6g} eV"
    )


def quantities(band: Band, k: np.ndarray) -> dict[str, np.ndarray]:
    """Energy, gradient, Hessian, and Berry curvature and moment where the band has them, at k [n d], as float64."""
    return in_blocks(("energy", "gradient", "hessian", *tabled(band)), band, k)


def tabled(band: Band) -> list[str]:
    """Which of Berry curvature and orbital moment the band has."""
    return [name for name in ("curvature", "moment") if getattr(band, name) is not None]


def in_blocks(names: tuple[str, ...], band: Band, k: np.ndarray) -> dict[str, np.ndarray]:
    """Quantities of the band at many k [n d], computed in their dtype, a block at a time: float64 [n ...]."""
    size = next((size for size in _BLOCKS if size >= len(k)), _BLOCKS[-1])
    found = []
    for start in range(0, len(k), size):
        block = k[start : start + size]
        filled = np.concatenate([block, np.repeat(block[:1], size - len(block), axis=0)])
        computed = _mapped(names, band, jnp.asarray(filled))
        found.append([np.asarray(x, np.float64)[: len(block)] for x in computed])
    return {name: np.concatenate(parts) for name, parts in zip(names, zip(*found))}


@partial(jax.jit, static_argnums=0)
def _mapped(names: tuple[str, ...], band: Band, k):
    functions = {
        "energy": band,
        "gradient": lambda k: band.velocity(k) * HBAR,
        "hessian": lambda k: band.inverse_mass(k) * HBAR**2,
        "curvature": band.berry_curvature,
        "moment": band.orbital_moment,
    }
    return jax.vmap(lambda k: [functions[name](k) for name in names])(k)


def _said(between: tuple[float, float] | None) -> str:
    return "" if between is None else f"{between[0]:g} to {between[1]:g} eV"


def _line(where: str, points: int, name: str, one: Deviation) -> str:
    at = ", ".join(f"{x:.4f}" for x in one.where)
    return f"{where}, {points} points: {name} rms {one.rms:.2e}, largest {one.largest:.2e} {one.unit} at k = ({at}) 1/Å"
