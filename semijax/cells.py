"""Cells: a partition of k space into boxes, fine where carriers are, with bounds of E(k) in each of them."""

import itertools
import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import replace as changed
from semijax._types import Array, SemijaxError, UserCodeError
from semijax.bands.band import Band
from semijax.bands.contract import name_of
from semijax.domain import Domain
from semijax.occupation import Occupation
from semijax.states import States, density_of

_COARSE = {1: 2048, 2: 96, 3: 20}  # cells per axis to begin with: narrower features of E(k) go unseen
_PROBE = {1: 256, 2: 32, 3: 10}  # the same, while an open domain is still being widened
_ROUNDS = 200  # of cutting cells in two: where E(k) jumps, its cells could be cut for ever
_NEGLIGIBLE = math.log(1e-20)  # cells that hold less than this part of all carriers are left out
_ROUNDING = 16.0  # units in the last place by which E(k) may differ between here and a draw


@dataclass(frozen=True)
class Partition:
    """Cells centre ± half [m d] in the coordinates c of a domain, with low ≤ E ≤ high [m] (eV) in each of them.

    change [m d]: how much E may change from the centre to a face along each axis. log_mean [m]: log of the mean weight
    (an estimate). log_top [m]: log of the largest weight (a bound). flaw [m]: whether E was seen outside the bounds.
    """

    domain: Domain
    centre: np.ndarray
    half: np.ndarray
    low: np.ndarray
    high: np.ndarray
    change: np.ndarray
    log_mean: np.ndarray
    log_top: np.ndarray
    flaw: np.ndarray

    def __len__(self) -> int:
        return len(self.half)

    @property
    def log_volume(self) -> np.ndarray:
        """log of each cell's volume [m] in k space."""
        return self.domain.log_volume(self.half)

    @property
    def share(self) -> np.ndarray:
        """log of the largest part of all carriers that each cell [m] may hold."""
        return self.log_top + self.log_volume - np.logaddexp.reduce(self.log_mean + self.log_volume)

    @property
    def acceptance(self) -> float:
        """Estimated part of the points drawn under the bounds that are kept."""
        return math.exp(-np.logaddexp.reduce(self.share))

    def take(self, chosen: np.ndarray) -> "Partition":
        """The cells selected by a mask or by numbers."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})

    def without(self, chosen: np.ndarray) -> "Partition":
        """All cells but these (numbers)."""
        return self.take(np.delete(np.arange(len(self)), chosen))

    def __add__(self, other: "Partition") -> "Partition":
        return replace(self, **{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _COLUMNS})


_COLUMNS = ("centre", "half", "low", "high", "change", "log_mean", "log_top", "flaw")


@dataclass(frozen=True)
class Mesh:
    """How to partition: the band (or its states in a magnetic field), their occupation, the dtype of the draws, a factor on the bounds."""

    band: Band | States
    occupation: Occupation
    dtype: Any = float
    margin: float = 1.1

    def partition(self, domain: Domain, acceptance: float = 0.5, most: int = 1 << 17) -> Partition:
        """Cells fine enough to draw with the wanted acceptance and for bounds without flaw, or as many as allowed."""
        cells = self.coarse(domain)
        for _ in range(_ROUNDS):
            flawed = np.flatnonzero(cells.flaw)
            chosen = flawed if cells.acceptance >= acceptance else np.union1d(flawed, _wasteful(cells))
            if chosen.size == 0 or len(cells) >= most:
                break
            cells = worth_keeping(cells.without(chosen) + self.halves(cells.take(chosen)))
        return cells

    def coarse(self, domain: Domain, per_axis: dict[int, int] | None = None) -> Partition:
        """Equal cells that fill the domain, less those that hold next to nothing."""
        d = len(domain.low)
        number = (per_axis or _COARSE)[d]
        half = (domain.high - domain.low) / (2 * number)
        middles = [low + h * (2 * np.arange(number) + 1) for low, h in zip(domain.low, half)]
        centre = np.stack(np.meshgrid(*middles, indexing="ij"), -1).reshape(-1, d)
        if domain.cutoff is not None:
            nearest = np.maximum(np.abs(centre) - half, 0)[:, domain.periodic :]
            centre = centre[(nearest**2).sum(1) < domain.cutoff**2]
        return worth_keeping(self.measured(domain, centre, np.broadcast_to(half, centre.shape)))

    def widened(self, domain: Domain) -> Domain:
        """The domain with its open sides moved out until what lies beyond holds less than 1e-20 of the carriers."""
        if domain.volume < math.inf:
            return domain
        open_axes = np.arange(len(domain.low)) >= domain.periodic
        for _ in range(100):
            cells = self.coarse(domain, _PROBE)
            low = (cells.centre - 1.5 * cells.half < domain.low).any(axis=0) & open_axes
            high = (cells.centre + 1.5 * cells.half > domain.high).any(axis=0) & open_axes
            if not (low.any() or high.any()):
                return domain
            reach = 0.5 * (domain.high - domain.low)
            domain = changed(domain, low=domain.low - low * reach, high=domain.high + high * reach)
        raise SemijaxError("cutoff = None: the band has no end that the temperature can see: allowed is a radius in 1/Å")

    def halves(self, cells: Partition) -> Partition:
        """Every cell cut in two along the axis on which E changes most."""
        return self.measured(cells.domain, *cut(cells.centre, cells.half, cells.change.argmax(1)))

    def measured(self, domain: Domain, centre: np.ndarray, half: np.ndarray) -> Partition:
        """Cells with the bounds of `_measured`."""
        rounding = _ROUNDING * float(np.finfo(np.dtype(self.dtype)).eps)
        setting = self.band, self.occupation, domain, self.margin, rounding
        low, high, change, log_mean, log_top, flaw = in_tiles(_measure, setting, centre, half)
        cells = Partition(domain, centre, half, low, high, change, log_mean, log_top, flaw)
        if not np.isfinite(cells.low).all():
            at = (centre[np.argmin(np.isfinite(cells.low))] @ domain.axes).tolist()
            raise UserCodeError(
                f"band: E(k) of {name_of(self.band.energy)} is not finite near k = {at} 1/Å: allowed is a finite value"
            )
        return cells


@jax.jit
def _measure(setting: Any, centre: Array, half: Array):
    return jax.vmap(partial(_measured, *setting))(centre, half)


def _measured(band: Band | States, occupation: Occupation, domain: Domain, margin, rounding, centre: Array, half: Array):
    """low, high, change, log_mean, log_top, flaw of one cell.

    |E − E(centre)| ≤ Σ_i half_i (max|∂E/∂c_i| over corners and centre + the bend of the slope) holds where E is smooth on the
    scale of a cell; the Gauss points between test it (`flaw`), and so does every draw.
    """
    d = half.shape[0]
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=d)))
    points = jnp.asarray(np.concatenate([np.zeros((1, d)), corners, corners / math.sqrt(3)]), centre.dtype)
    points = centre[None] + points * half[None]
    values, slopes = _along(band, domain, points, 1 + 2**d)
    energy = values[:, 0]
    change, seen = _reach(energy, slopes[:, 0], margin, half)
    spread = jnp.maximum(jnp.sum(change), 2 * jnp.where(seen > jnp.sum(change), seen, 0.0))
    error = rounding * (jnp.max(jnp.abs(energy)) + jnp.sum(change / half * jnp.abs(centre)))
    low, high = energy[0] - spread - error, energy[0] + spread + error
    log, top, flaw = occupation.log(energy), occupation.log_highest(low, high), seen > jnp.sum(change) + error
    if isinstance(band, States):
        most, odd = _densest(values[:, 1], slopes[:, 1], margin, rounding, half)
        log, top, flaw = log + jnp.log(density_of(values[:, 1])), top + most, flaw | odd
    log = jnp.where(jax.vmap(domain.inside)(points), log, -jnp.inf)
    # Simpson's rule from the centre (2/3) and the corners (1/3)
    rule = jnp.asarray(np.log([2 / 3] + [1 / 3 / 2**d] * 2**d), centre.dtype)
    log_mean = jax.scipy.special.logsumexp(log[: 1 + 2**d] + rule)
    return low, high, change, log_mean, top, flaw


def _along(band: Band | States, domain: Domain, points: Array, first: int) -> tuple[Array, Array]:
    """E, and D − 1 of states, at the points [p d] -> [p 1] or [p 2], and their slopes at the first of them [first .. d]."""
    if not isinstance(band, States):
        energy = jax.vmap(lambda c: band(domain.wavevector(c)))(points)
        slope = jax.vmap(jax.grad(lambda c: band(domain.wavevector(c))))(points[:first])
        return energy[:, None], slope[:, None]

    def both(c):
        k = domain.wavevector(c)
        values = jnp.stack([band(k), band.excess(k)])
        return values, values

    slopes, values = jax.vmap(jax.jacfwd(both, has_aux=True))(points)
    return values, slopes[:first]


def _reach(values: Array, slopes: Array, margin, half: Array) -> tuple[Array, Array]:
    """How much a function may change from the centre to a face along each axis [d], and how much it was seen to."""
    slopes = jnp.where(jnp.isfinite(slopes), slopes, 0.0)  # a cusp has no slope; its neighbours have
    bend = jnp.abs(slopes[0] - jnp.mean(slopes[1:], axis=0))
    return margin * (jnp.max(jnp.abs(slopes), axis=0) + bend) * half, jnp.max(jnp.abs(values - values[0]))


def _densest(excess: Array, slopes: Array, margin, rounding, half: Array) -> tuple[Array, Array]:
    """A bound of log D in a cell, of D − 1 at its points, and whether D was seen to change by more than it says."""
    change, seen = _reach(excess, slopes, margin, half)
    spread, error = jnp.sum(change), rounding * (1 + jnp.max(jnp.abs(excess)))
    wide = jnp.maximum(spread, 2 * jnp.where(seen > spread, seen, 0.0)) + error
    outside = (excess[0] + wide <= -1) | (excess[0] - wide >= 1)
    top = jnp.where(outside, -jnp.inf, jnp.log(jnp.clip(1 + excess[0] + wide, 0.0, 2.0)))
    return jnp.where(jnp.isfinite(wide), top, math.log(2)), seen > spread + error


def cut(centre: np.ndarray, half: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres and halves of cells [2m d]: every cell [m d] cut in two along its axis [m]."""
    half, shift, at = half.copy(), np.zeros_like(half), (np.arange(len(half)), axis)
    half[at] /= 2
    shift[at] = half[at]
    return np.concatenate([centre - shift, centre + shift]), np.concatenate([half, half])


def in_tiles(function, setting, *columns: np.ndarray) -> list[np.ndarray]:
    """function(setting, *columns) [m ...] in float64, in tiles of one shape, so that it is compiled once."""
    m, tile = len(columns[0]), 512
    padded = [np.concatenate([x, np.broadcast_to(x[-1:], (-m % tile, *x.shape[1:]))]) for x in columns]
    with jax.enable_x64(True):
        parts = [function(setting, *(x[i : i + tile] for x in padded)) for i in range(0, m, tile)]
        return [np.concatenate([np.asarray(x) for x in column])[:m] for column in zip(*parts)]


def worth_keeping(cells: Partition) -> Partition:
    """The cells that may hold more than 1e-20 of the carriers."""
    return cells.take(~(cells.share < _NEGLIGIBLE))


def _wasteful(cells: Partition) -> np.ndarray:
    """Numbers of the cells that hold most of what would be rejected."""
    top = cells.log_top + cells.log_volume
    top = np.exp(top - top.max())
    return most_of(top * -np.expm1(np.minimum(cells.log_mean - cells.log_top, 0)), 0.7)


def most_of(amount: np.ndarray, part: float) -> np.ndarray:
    """Numbers of the largest amounts that make up a part of their sum."""
    order = np.argsort(-amount, kind="stable")
    return order[: int(np.searchsorted(np.cumsum(amount[order]), part * amount.sum())) + 1]
