"""Runs of more carriers than fit at once: a chunk after another, each through the whole duration; memory forecast and chosen."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from semijax._pytree import record, static
from semijax._types import SemijaxError
from semijax.carriers import Carriers
from semijax.configure import memory
from semijax.engine import tiles
from semijax.engine.over import chosen as chosen_engine

LARGEST = 1 << 21  # carriers of a chunk on a CPU: many, so that what a chunk costs by itself does not count
_GENEROUS = 60  # times the carriers given is more than any run needs, a Jacobian of each among it
_ALWAYS = 1 << 28  # bytes that any machine has
_LOOKED_AT = 256
_PART = 0.8  # of the free memory that a run may take


class _Held(NamedTuple):
    """What a run was seen to hold at its peak: so many times the state of the carriers followed at once, and the bytes of those that are
    made for it, and of the samples; in bytes, compiling and the programs themselves, and what is not given back between chunks.
    """

    states: float
    made: float
    samples: float
    fixed: float
    between: float


_BY_KERNELS, _BY_LANES = _Held(1.7, 1.0, 5.5, 100e6, 190e6), _Held(2.8, 2.0, 7.0, 210e6, 170e6)


@record
class Prepared:
    """Carriers that are made when their turn comes, see `sj.prepared`."""

    make: Callable = static()
    count: int = static()


def prepared(make: Callable[[int, int], Any], count: int) -> Prepared:
    """`count` carriers for `sj.simulate` that never exist all at once.

    make(first, n) -> Carriers (or a dict of them, for pairs) number first, first + 1, ..., first + n − 1 of them all, such as
    `lambda first, n: sj.thermal(0, electron, n, 300.0, first=first)`. Raises SemijaxError for other arguments.
    """
    if not callable(make) or isinstance(count, bool) or not isinstance(count, int) or not 1 <= count < 2**31:
        raise SemijaxError(
            f"prepared: make = {make!r}, count = {count!r}: allowed are a function (first, n) and a whole number ≥ 1"
        )
    return Prepared(make, count)


@record
class Forecast:
    """What a run will need. bytes: at its peak, beside the carriers given. free: bytes to be had, None where the system does not say.
    chunk: carriers followed at once.
    """

    bytes: int = static()
    free: int | None = static()
    chunk: int = static()

    def __str__(self) -> str:
        free = "" if self.free is None else f" of {self.free / 2**30:.1f} GiB free"
        return f"memory: about {self.bytes / 2**30:.2g} GiB{free}"


def forecast(carriers: Any, given: int, inside: int, chunk: int | None, keep: bool, samples: int = 0) -> Forecast:
    """given, inside: bytes of one carrier as it comes and in the engine. chunk: as the user wants it; None: as large as fits, and no
    larger than pays. keep: whether the carriers are returned. samples: bytes of those that are recorded.
    """
    free, count, made, engine = available(), count_of(carriers), isinstance(carriers, Prepared), chosen_engine(True)
    held = _BY_KERNELS if engine.kernels and engine.platform == "cpu" else _BY_LANES

    def need(size):
        followed = min(size, count) * (held.states * inside + held.made * made * given)
        return int(followed + inside * keep * count + held.samples * samples + held.fixed + held.between * (size < count))

    if chunk is None:
        chunk = count if jax.default_backend() != "cpu" else LARGEST
        while free is not None and chunk > tiles.DEFAULT and need(chunk) > _PART * free:
            chunk = 1 << (chunk - 1).bit_length() - 1  # the next smaller power of two
    chunk = min(count, max(tiles.BLOCK, 1 << (chunk - 1).bit_length()))
    if free is not None and need(chunk) > free:
        most = max(0, int((free - held.fixed) / (need(chunk) - held.fixed) * count))
        raise SemijaxError(
            f"simulate: {count} carriers need about {need(chunk) / 2**30:.2g} GiB, {free / 2**30:.2g} GiB are free: allowed are at most "
            f"{most:_}" + (", or keep = False" if keep else "")
        )
    return Forecast(need(chunk), free, chunk)


def chosen(carriers: Any, head: Any, inside: Callable[[], int], chunk: int | None, keep: bool) -> int:
    """Carriers at once, see `forecast`. head: some of them. inside() is asked where it matters."""
    count, given = count_of(carriers), bytes_of(head)
    little = count * given * _GENEROUS < _ALWAYS  # to ask the system takes as long as a short run
    free = None if little else available()
    if chunk is None and (free is None or count * given * _GENEROUS < free):
        return count if jax.default_backend() != "cpu" else min(count, LARGEST)
    return forecast(carriers, given, inside(), chunk, keep).chunk


def first_of(carriers: Any) -> Any:
    """Some of the carriers to look at: all that are given, or the first of those to be made."""
    return part_of(carriers, 0, min(carriers.count, _LOOKED_AT)) if isinstance(carriers, Prepared) else carriers


def available() -> int | None:
    """Bytes free for carriers, on the device or, for a CPU, on the machine."""
    if jax.default_backend() == "cpu":
        return memory()[1]
    told = jax.devices()[0].memory_stats() or {}
    return told["bytes_limit"] - told.get("bytes_in_use", 0) if "bytes_limit" in told else None


def bytes_of(carriers: Any) -> int:
    """Bytes of one carrier of a tree (or of shapes and dtypes) with leaves [n ...]."""
    leaves = jax.tree.leaves(carriers)
    return sum(math.prod(x.shape[1:]) * x.dtype.itemsize for x in leaves)


def part_of(carriers: Any, first: int, n: int) -> Any:
    """Carriers number first ... first + n − 1."""
    if not isinstance(carriers, Prepared):
        return carriers if n == count_of(carriers) else jax.tree.map(lambda x: x[first : first + n], carriers)
    part = carriers.make(first, n)
    for one in part.values() if isinstance(part, dict) else [part]:
        if not isinstance(one, Carriers) or one.count != n:
            found = f"{one.count} carriers" if isinstance(one, Carriers) else type(one).__name__
            raise SemijaxError(f"prepared: make({first}, {n}) returns {found}: allowed are sj.Carriers, {n} of them")
    return part


def count_of(carriers: Any) -> int:
    """How many carriers or pairs."""
    return (next(iter(carriers.values())) if isinstance(carriers, dict) else carriers).count


class Kept:
    """The carriers at the end, put together chunk by chunk in memory that is there once."""

    def __init__(self, count: int):
        self.count, self.carriers, self.done = count, None, 0

    def add(self, part: Any) -> None:
        """The next ones; None where they are not wanted."""
        if part is None:
            return
        n = count_of(part)
        if self.carriers is None:
            self.carriers = part if n == self.count else jax.tree.map(partial(_empty, self.count), part)
        if n < self.count:
            self.carriers = _placed(self.carriers, part, np.int32(self.done))
        self.done += n

    def all(self) -> Any:
        """Those there are: fewer than all where the run was stopped, None where they were not wanted."""
        if self.carriers is None:
            return None
        return self.carriers if self.done == self.count else jax.tree.map(lambda x: x[: self.done], self.carriers)


class Through:
    """What chunks leave as they go through: their parts and certificates, and the carriers at the end."""

    def __init__(self, count: int):
        self.kept, self.parts, self.watches = Kept(count), [], []
        self._waiting, self._tree = [], None

    def add(self, part: Any, watch: Any, left: Any, counts: bool = True) -> None:
        """Of the next chunk; one that does not count, because it was stopped, only tells the tree."""
        self._tree = jax.tree.structure((part, watch, left))
        waiting, self._waiting = self._waiting, []
        for leaves in waiting:
            self.again(leaves)
        if counts:
            self._add(part, watch, left)

    def again(self, leaves: list) -> None:
        """Of the next chunk, as leaves that were kept; they wait for a chunk that tells their tree."""
        if self._tree is None:
            self._waiting.append(leaves)
        else:
            self._add(*jax.tree.unflatten(self._tree, [jnp.asarray(x) for x in leaves]))

    def _add(self, part: Any, watch: Any, left: Any) -> None:
        self.parts.append(part)
        self.watches.append(watch)
        self.kept.add(left)


def _empty(count: int, x):
    return jnp.zeros((count, *x.shape[1:]), x.dtype)


@partial(jax.jit, donate_argnums=0)
def _placed(all_, part, first):
    return jax.tree.map(lambda x, y: jax.lax.dynamic_update_slice_in_dim(x, y, first, 0), all_, part)
