"""What to look at: functions f(dynamics, t, carrier) of one carrier, and ways to add them up over an ensemble."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from semijax._pytree import record, static
from semijax._types import Array, SemijaxError
from semijax.engine.reduce import Slot

# -- functions of one carrier; of a pair they return a dict with the pair's keys --------------------------------------------


def _of_each(measure):
    def of_each(dynamics, t, carrier):
        if isinstance(dynamics, dict):
            return {name: measure(dynamics[name], t, carrier[name]) for name in dynamics}
        return measure(dynamics, t, carrier)

    of_each.__name__, of_each.__doc__, of_each.__qualname__ = measure.__name__, measure.__doc__, measure.__qualname__
    return of_each


@_of_each
def position(dynamics, t, carrier) -> Array:
    """Position r [d], Å."""
    return carrier.phase.position


@_of_each
def wavevector(dynamics, t, carrier) -> Array:
    """Wavevector k [d], 1/Å, as it would be had it never been folded into the zone."""
    k = carrier.phase.wavevector
    if carrier.winding is None:
        return k
    return k + jnp.sum(carrier.winding.astype(k.dtype)[:, None] * dynamics.species.band.reciprocal, axis=0)


@_of_each
def folded_wavevector(dynamics, t, carrier) -> Array:
    """Wavevector k [d], 1/Å, folded into the reciprocal cell centred at zero (fractional coordinates in [−1/2, 1/2])."""
    return carrier.phase.wavevector


@_of_each
def velocity(dynamics, t, carrier) -> Array:
    """dr/dt [d], Å/fs, the anomalous velocity included."""
    return dynamics(t, carrier.phase).position


@_of_each
def group_velocity(dynamics, t, carrier) -> Array:
    """∂ε/∂k/ħ [d], Å/fs."""
    return dynamics.group_velocity(t, carrier.phase)


@_of_each
def energy(dynamics, t, carrier) -> Array:
    """Band energy, eV (of a hole: −E_v, counted positive into the band)."""
    return dynamics.energy(t, carrier.phase)


@_of_each
def total_energy(dynamics, t, carrier) -> Array:
    """Band energy plus q φ(r) of the static field, eV."""
    return dynamics.total_energy(t, carrier.phase)


@_of_each
def inverse_mass(dynamics, t, carrier) -> Array:
    """Inverse effective mass [d d], Å²/(eV fs²)."""
    return dynamics.species.band.inverse_mass(carrier.phase.wavevector)


@_of_each
def log_volume(dynamics, t, carrier) -> Array:
    """Log of the phase-space volume carried by sj.with_volume, a scalar."""
    if carrier.log_volume is None:
        raise SemijaxError("observables.log_volume: step carries no volume: allowed with step=sj.with_volume(...)")
    return carrier.log_volume


def current(dynamics, t, carrier) -> Array:
    """Charge times velocity [d], e Å/fs; of a pair, the sum over its carriers."""
    if isinstance(dynamics, dict):
        terms = [current(dynamics[name], t, carrier[name]) for name in dynamics]
        return jax.tree.reduce(jnp.add, terms)
    return dynamics.species.charge * velocity(dynamics, t, carrier)


# -- ways to add up; every part is a tree of sums that starts at zero -------------------------------------------------------


def _weight(carrier):
    """The statistical weight of a carrier; a pair counts as its first member."""
    return next(iter(carrier.values())).weight if isinstance(carrier, dict) else carrier.weight


def _times(weight, tree):
    return jax.tree.map(lambda x: weight * x, tree)


def _plus(left, right):
    return jax.tree.map(jnp.add, left, right)


@record
class _Mean:
    """Σ w f / Σ w."""

    of: Any

    def part(self, dynamics, t, carrier):
        weight = _weight(carrier)
        return weight, _times(weight, self.of(dynamics, t, carrier))

    def merge(self, left, right):
        return _plus(left, right)

    def finish(self, total):
        weight, value = total
        return jax.tree.map(lambda x: x / weight, value)


@record
class _Sum:
    """Σ w f."""

    of: Any

    def part(self, dynamics, t, carrier):
        return _times(_weight(carrier), self.of(dynamics, t, carrier))

    def merge(self, left, right):
        return _plus(left, right)

    def finish(self, total):
        return total


@record
class _Covariance:
    """Σ w (f − ⟨f⟩)(f − ⟨f⟩)ᵀ / Σ w, merged pairwise (Chan, Golub, LeVeque, Am. Stat. 37, 242 (1983), eq. 2.1).

    Subtracting two large moments instead would lose all digits in float32.
    """

    of: Any

    def part(self, dynamics, t, carrier):
        weight, value = _weight(carrier), self.of(dynamics, t, carrier)
        return weight, value, jax.tree.map(lambda x: jnp.zeros((*x.shape, *x.shape), x.dtype), value)

    def merge(self, left, right):
        (wa, xa, ca), (wb, xb, cb) = left, right
        weight = wa + wb
        share = wb / jnp.where(weight == 0, 1, weight)
        step = jax.tree.map(jnp.subtract, xb, xa)
        mean = jax.tree.map(lambda x, s: x + s * _across(share, s), xa, step)
        return weight, mean, jax.tree.map(lambda a, b, s: a + b + _square(s, a) * _across(wa * share, a), ca, cb, step)

    def finish(self, total):
        weight, _, scatter = total
        return jax.tree.map(lambda c: c / weight, scatter)


def _square(s: Array, like: Array) -> Array:
    """s sᵀ over the leading axis of s (s² where f is a scalar); trailing axes are lanes."""
    return s * s if s.ndim == like.ndim else s[:, None] * s[None, :]


def _across(weight: Array, like: Array) -> Array:
    """A weight per lane, shaped to multiply [... lanes]."""
    return weight.reshape((1,) * (like.ndim - weight.ndim) + weight.shape)


@record
class _Histogram:
    """Σ w per bin of a scalar f; outside the edges nothing counts, the last bin includes its right edge."""

    of: Any
    edges: Any

    def part(self, dynamics, t, carrier):
        weight, value = _weight(carrier), self.of(dynamics, t, carrier)
        for x in jax.tree.leaves(value):
            if x.ndim:
                raise SemijaxError(f"histogram: the observable has shape {x.shape}: allowed is a scalar; pick a component")
        return weight, value

    def in_tile(self, parts, tree):
        """Counts [bins] of lanes (weight, value), by the tree that adds up lanes."""
        weight, value = parts

        def counts(x):
            edges = self._edges(x.dtype)[:, None]
            inside = (edges[:-1] <= x[None, :]) & (x[None, :] < edges[1:])
            return tree(jnp.add, jnp.where(inside, weight[None, :], jnp.zeros((), weight.dtype)))

        return jax.tree.map(counts, value)

    def slots(self, part):
        """The weight of one carrier in its bin, for each of the numbers looked at; there are `size` bins."""
        weight, value = part

        def one(x):
            edges, found = self._edges(x.dtype), jnp.int32(0)
            for i in reversed(range(self.size.bit_length())):  # the last edge at or below x
                further = found + jnp.int32(1 << i)
                below = edges[jnp.minimum(further, jnp.int32(self.size))] <= x
                found = jnp.where((further < self.size) & below, further, found)
            return Slot(jnp.where((edges[0] <= x) & (x < edges[-1]), found, jnp.int32(-1)), weight)

        return jax.tree.map(one, value)

    @property
    def size(self) -> int:
        return len(self.edges) - 1

    def _edges(self, dtype):
        edges = jnp.asarray(self.edges, dtype)
        last = jnp.nextafter(edges[-1], jnp.asarray(jnp.inf, dtype))  # the last bin has its right edge
        return jnp.append(edges[:-1], last)

    def merge(self, left, right):
        return _plus(left, right)

    def finish(self, total):
        return total


@record
class Sample:
    """f of the first m carriers, one by one; the only recorder that stores carriers."""

    of: Any
    count: int = static()


def mean(f) -> _Mean:
    """Weighted ensemble mean: frames [f ...]."""
    return _Mean(_observable("mean", f))


def sum(f) -> _Sum:  # the field's word, as in design: observables.sum(f)
    """Weighted ensemble sum: frames [f ...]."""
    return _Sum(_observable("sum", f))


def covariance(f) -> _Covariance:
    """Weighted (population) covariance of f [d]: frames [f d d]; of a scalar, the variance [f]."""
    return _Covariance(_observable("covariance", f))


def histogram(f, edges) -> _Histogram:
    """Weighted counts of a scalar f between increasing edges [bins + 1]: frames [f bins]."""
    edges = jnp.asarray(edges)
    if edges.ndim != 1 or edges.shape[0] < 2 or not bool((jnp.diff(edges) > 0).all()):
        raise SemijaxError(f"histogram: edges of shape {edges.shape}: allowed are at least two increasing numbers")
    return _Histogram(_observable("histogram", f), edges)


def sample(f, n: int) -> Sample:
    """f of carriers 0 … n − 1: frames [f n ...]."""
    if not isinstance(n, int) or n < 1:
        raise SemijaxError(f"sample: n = {n!r}: allowed is a whole number ≥ 1")
    return Sample(_observable("sample", f), n)


def described(recorders: dict[str, Any]) -> tuple[tuple, ...]:
    """What each recorder keeps, in plain words and numbers: (name, "mean", "velocity", edges of a histogram or None)."""
    found = []
    for name, recorder in recorders.items():
        edges, of = getattr(recorder, "edges", None), recorder.of
        while not hasattr(of, "__name__") and (hasattr(of, "of") or hasattr(of, "func")):
            of = of.func if hasattr(of, "func") else of.of
        numbers = None if edges is None or isinstance(edges, Tracer) else tuple(np.asarray(edges).tolist())
        found.append((name, type(recorder).__name__.strip("_").lower(), getattr(of, "__name__", ""), numbers))
    return tuple(found)


def _observable(where: str, f):
    if not callable(f):
        raise SemijaxError(f"{where}: f = {f!r}: allowed is a function f(dynamics, t, carrier) of one carrier")
    leaves = jax.tree.leaves(f)
    return jax.tree_util.Partial(f) if len(leaves) == 1 and leaves[0] is f else f
