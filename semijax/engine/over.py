"""A function of one carrier over all lanes of a tile: as a lane program where it can be one, else as JAX's vmap."""

import math
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from semijax._pytree import record, static
from semijax._types import SemijaxError
from semijax.configure import threads
from semijax.engine.cuda import nvrtc
from semijax.engine.lanes import Program, Unsupported
from semijax.engine.llvm import machine
from semijax.engine.pieces import LANES, MOST, PIECE, Packed, cut, in_one_piece, one_by_one

_ENGINES = ("kernels", "lanes", "plain")
LONGEST_KERNEL = 12_000  # operations of a program in a kernel: LLVM takes half a minute for one of 10,000
LONGEST = 6000  # operations of a program: the tests compile one of 5,440, one of 6,791 was not compiled in three minutes
_told: set[str] = set()


@dataclass(frozen=True)
class Engine:
    """How a step runs: as a lane program or by vmap alone, compiled for "cpu" or "gpu"; kernels: as machine code or in
    CUDA C. devices: how many share the tiles. threads: how many work for a kernel of a CPU.
    """

    lanes: bool
    platform: str
    kernels: bool = False
    devices: int = 1
    threads: int = 1

    @property
    def simpler(self) -> "Engine":
        """The same without kernels."""
        return Engine(self.lanes, self.platform, devices=jax.device_count())

    def __str__(self) -> str:
        return "kernels" if self.kernels else "lanes" if self.lanes else "plain"


def chosen(concrete: bool) -> Engine:
    """The fastest on the platform JAX runs on: kernels on a CPU and an NVIDIA GPU, else lanes; or what the environment variable
    SEMIJAX_ENGINE says. concrete: whether nothing is traced: a kernel of a CPU then has threads instead of devices, which only
    derivatives need.
    """
    name = os.environ.get("SEMIJAX_ENGINE", _ENGINES[0])
    if name not in _ENGINES:
        raise SemijaxError(f"SEMIJAX_ENGINE = {name!r}: allowed are {', '.join(_ENGINES)}")
    platform = "cpu" if jax.default_backend() == "cpu" else "gpu"
    kernels = name == "kernels" and (platform == "cpu" or "cuda" in jax.devices()[0].client.platform_version)
    if kernels:
        there, what, wheel = (
            (machine.binding(), "llvmlite", "llvmlite") if platform == "cpu" else (nvrtc.library(), "NVRTC", "nvidia-cuda-nvrtc")
        )
        if there is None:
            _tell(f"steps run as lanes, slower than kernels: {what} is not installed (pip install {wheel})")
        kernels = there is not None
    devices = 1 if concrete and kernels and platform == "cpu" else jax.device_count()
    return Engine(
        name != "plain", platform, kernels, devices, max(1, threads() // devices) if kernels and platform == "cpu" else 1
    )


@record
class Apart:
    """Carriers as rows, one array [lanes] for each of their numbers: what a loop carries, so that nothing is stacked on the way."""

    rows: list
    tree: Any = static()
    shapes: tuple = static()

    @property
    def whole(self):
        """The carriers: leaves [... lanes]."""
        rows, leaves = iter(self.rows), []
        for shape in self.shapes:
            own = [next(rows) for _ in range(math.prod(shape))]
            leaves.append(jnp.stack(own).reshape(*shape, -1) if shape else own[0])
        return jax.tree.unflatten(self.tree, leaves)


def apart(carrier, engine: Engine):
    """Carriers with leaves [... lanes] as rows where the engine steps rows; else as they are."""
    if not engine.lanes:
        return carrier
    leaves, tree = jax.tree.flatten(carrier)
    return Apart(Program.rows(carrier), tree, tuple(x.shape[:-1] for x in leaves))


def whole(carrier):
    """The inverse of `apart`."""
    return carrier.whole if isinstance(carrier, Apart) else carrier


def over_lanes(function: Callable, given: Any, carrier: Any, scalars: Any, engine: Engine) -> Callable:
    """(carrier, scalars) -> tree with leaves [... lanes], of function(given, carrier, scalars) of one carrier.

    Call it where `given` is at hand, outside the loop; `carrier` (a tree of leaves [... lanes]) and `scalars` are examples. What is
    returned takes carriers, whole or apart.
    """
    program = program_of(function, given, carrier, scalars) if engine.lanes else None
    if program is None:
        plain = jax.vmap(function, in_axes=(None, -1, None), out_axes=-1)
        return lambda carrier, scalars: plain(given, whole(carrier), scalars)
    apart = engine.platform == "cpu"
    return lambda carrier, scalars: program.tree_of(program(rows_of(carrier), program.clock(scalars), apart=apart))


def blocks_over_lanes(function: Callable, keep: Callable, given: Any, carrier: Any, scalars: Any, engine: Engine) -> Callable:
    """(carrier, beside, scalars) -> what `keep` makes of blocks of lanes: leaves [blocks ...].

    function: as for `over_lanes`. keep(its tree, beside): of leaves [... lanes], lanes a multiple of reduce.BLOCK; it must not use
    arrays from outside. beside: a tree of leaves [lanes].
    """
    program = program_of(function, given, carrier, scalars) if engine.lanes else None
    if program is None or engine.platform != "cpu" or not program.small(LANES):
        look = over_lanes(function, given, carrier, scalars, engine)
        return lambda carrier, beside, scalars: jax.tree.map(lambda x: x[None], keep(look(carrier, scalars), beside))
    used = [program.reads(i) for i in range(program.count)]

    def block(lanes, given):
        (rows, beside), (shared, clock) = lanes, given
        rows = iter(rows)
        rows = [next(rows) if use else None for use in used]
        seen = program(rows, clock, shared.unpacked(), apart=True, most=MOST / LANES)
        return keep(program.tree_of(seen), beside)

    run = in_one_piece(partial(one_by_one, block), jax.vmap(block, in_axes=(0, None)))

    def looks(carrier, beside, scalars):
        rows = [row for row, use in zip(rows_of(carrier), used, strict=True) if use]
        given = Packed(program.needed()), program.clock(scalars)
        pieces = cut(cut((rows, beside), LANES), PIECE // LANES, axis=0)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), one_by_one(run, pieces, given))

    return looks


def rows_of(carrier) -> list:
    """The carrier's numbers as rows [lanes], carriers whole or apart."""
    return carrier.rows if isinstance(carrier, Apart) else Program.rows(carrier)


def program_of(function: Callable, given: Any, carrier: Any, scalars: Any, scalar: bool = False) -> Program | None:
    """The function as a lane program; None, said once, where it cannot be one. scalar: for a kernel, where a vmapped call cannot be; what
    cannot be one becomes a lane program after it, so nothing is said.
    """
    try:
        program = Program(function, given, carrier, scalars, scalar)
    except Unsupported as error:
        if scalar:
            return None
        _tell(f"runs as plain JAX, slower: {error} cannot be written as lanes")
        return None
    if scalar:
        without = any(node.op == "opaque" and node.attr.routine is None for node in program.order)
        return None if without or len(program.order) > LONGEST_KERNEL else program
    if len(program.order) > LONGEST:
        _tell(f"runs as plain JAX, slower: a step of {len(program.order)} operations, allowed are {LONGEST} in lanes")
        return None
    if program.vmapped:
        _tell(f"{', '.join(program.vmapped)} in E(k), a field or an observable stays a vmapped call, slower than the rest")
    return program


def _tell(notice: str) -> None:
    if notice not in _told:
        _told.add(notice)
        warnings.warn(f"semijax: {notice}", stacklevel=2)


def example(tree):
    """Shapes and dtypes of a tree without its leading axis: one tile of many."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(jnp.shape(x)[1:], x.dtype), tree)
