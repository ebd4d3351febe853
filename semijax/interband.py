"""Interband: what moving in one band leaves out, along the ways of some carriers: tunnelling, magnetic breakdown, Landau quanta."""

from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from semijax._pytree import replace
from semijax._types import Array, Phase, cast
from semijax.bands.neighbours import Neighbours
from semijax.dynamics import cross
from semijax.units import HBAR, TESLA_INTERNAL

_CROSSED = 1e-6  # of the gap: levels that come nearer than this count as crossing


class Mixing(NamedTuple):
    """How fast a force mixes the band with a neighbour: η, and the gap where it does, eV."""

    adiabaticity: Array
    gap: Array


class Found(NamedTuple):
    """The largest value of something along a way, and where: time, fs, and wavevector [d], 1/Å. gap: eV; field: |E| [V/Å] or |B| [T]."""

    value: Array
    gap: Array
    field: Array
    time: Array
    wavevector: Array


class Orbit(NamedTuple):
    """The motion across B. turning: the rate at which the velocity turns, whose mean over an orbit is ω_c, 1/fs; inverse: the inverse mass
    in it, Å²/(eV fs²); square: of the velocity, Å²/fs².
    """

    turning: Array
    inverse: Array
    square: Array


class Seen(NamedTuple):
    """Of each carrier along its way: where η of the electric and of the magnetic force and ħω_c over the gap were largest, and the means of
    its orbit.
    """

    electric: Found
    magnetic: Found
    quantum: Found
    orbit: Orbit


def adiabaticity(neighbours: Neighbours, forces: list, reach) -> list[Mixing]:
    """η = max_m |F·ξ_nm|/|E_m − E_n|, ξ_nm = i⟨n|∂_k|m⟩, of each force [d], eV/Å, where the way on which all of them take h comes nearest
    to h = 0 within `reach` fs, taken as straight.

    Levels that forces move evenly, gap² = Δ² + (αt)², have η = ħα/2Δ² at most, and change places with the probability of Landau and Zener,
    exp(−πΔ²/2ħα) = exp(−π/4η): Zener, Proc. R. Soc. A 137, 696 (1932), doi:10.1098/rspa.1932.0165. Of the magnetic force that is
    exp(−B₀/B) with B₀ = πΔ²/(4ħe v_x v_y): Blount, Phys. Rev. 126, 1636 (1962), doi:10.1103/PhysRev.126.1636.
    """
    known = jnp.isfinite(neighbours.gap)
    gap = jnp.where(known, neighbours.gap, 1.0)
    rates = [_change(neighbours, force) for force in forces]
    whole = sum(rates[1:], rates[0])
    square = jnp.sum(whole * whole, axis=1)
    wait = jnp.clip(-gap * whole[:, -1] / jnp.where(square > 0, square, 1.0), -reach, reach)
    nearest = wait[:, None] * whole + gap[:, None] * jnp.eye(1, whole.shape[1], whole.shape[1] - 1, dtype=gap.dtype)
    size = jnp.maximum(jnp.sqrt(jnp.sum(nearest * nearest, axis=1)), _CROSSED * gap)
    crossed = size <= _CROSSED * gap
    way = nearest / size[:, None]

    def one(rate) -> Mixing:
        across = rate - way * jnp.sum(way * rate, axis=1)[:, None]
        turning = jnp.sqrt(jnp.sum(jnp.where(crossed[:, None], rate, across) ** 2, axis=1))
        found = jnp.where(known, HBAR * turning / (2 * size**2), 0.0)
        worst = jnp.argmax(found)
        return Mixing(found[worst], jnp.where(known, size, jnp.inf)[worst])

    return [one(rate) for rate in rates]


def _change(neighbours: Neighbours, force: Array) -> Array:
    """dh/dt [m c + 1], eV/fs: components across h, then the one along it."""
    across = jnp.sum(neighbours.turn * force[None, None, :], axis=2)
    return jnp.concatenate([across, jnp.sum(neighbours.slope * force[None, :], axis=1)[:, None]], axis=1) / HBAR


def orbiting(velocity: Array, mass: Array, magnetic: Array) -> tuple[Array, Array, Array]:
    """(|B| [T], inverse mass w with which B turns the velocity across it, Å²/(eV fs²), square of that velocity): w = |t·M⁻¹·t| with t the
    unit vector across both, and √|det M⁻¹ across B| for a carrier at rest. ω_c is the mean of |q|Bw over an orbit. mass: M⁻¹ [d d].
    """
    if velocity.shape[0] == 2:
        size, along = jnp.abs(magnetic), jnp.stack([velocity[1], -velocity[0]])
        minor = mass[0, 0] * mass[1, 1] - mass[0, 1] * mass[1, 0]
    else:
        size = jnp.sqrt(jnp.sum(magnetic * magnetic))
        axis = magnetic / jnp.where(size > 0, size, 1.0)
        along = jnp.cross(velocity, axis)
        cofactors = jnp.stack([jnp.cross(mass[1], mass[2]), jnp.cross(mass[2], mass[0]), jnp.cross(mass[0], mass[1])])
        minor = jnp.sum(axis[:, None] * cofactors * axis[None, :])
    square = jnp.sum(along * along)
    tangent = along / jnp.sqrt(jnp.where(square > 0, square, 1.0))
    inverse = jnp.abs(jnp.sum(tangent[:, None] * mass * tangent[None, :]))
    return size, jnp.where(square > 0, inverse, jnp.sqrt(jnp.abs(minor))), square


@jax.jit
def followed(dynamics, phase: Phase, start, dt, steps) -> Seen:
    """What carriers, phase [n d], meet in `steps` steps of dt [fs] from `start` on: leaves [n ...]; their own bands' Ω and m, which shift
    the way by parts in a thousand, are left out.
    """
    dtype = phase.wavevector.dtype
    dynamics, start, dt = cast((dynamics, start, dt), dtype)
    species = dynamics.species
    plain = replace(dynamics, species=replace(species, band=replace(species.band, curvature=None, moment=None)))
    return jax.vmap(partial(_followed, plain, start, dt, steps))(phase)


def _followed(dynamics, start, dt, steps, phase: Phase) -> Seen:
    """Of one carrier."""
    zero, nowhere = jnp.zeros((), phase.wavevector.dtype), jnp.zeros_like(phase.wavevector)
    none = Found(zero, zero + jnp.inf, zero, zero, nowhere)

    def step(i, state):
        phase, seen = state
        t = start + i.astype(dt.dtype) * dt
        # a whole step each way: where bands touch at one point of the way, those beside it tell
        return _moved(dynamics, t, phase, dt), _with(seen, _here(dynamics, t, phase, dt))

    _, seen = lax.fori_loop(0, steps + 1, step, (phase, Seen(none, none, none, Orbit(zero, zero, zero))))
    return seen._replace(orbit=jax.tree.map(lambda x: x / (steps + 1).astype(x.dtype), seen.orbit))


def _moved(dynamics, t, phase: Phase, dt) -> Phase:
    """One step of Runge and Kutta's fourth-order method, its stages in a loop: a quarter of the program to compile."""
    waits, weights = (jnp.asarray(x, dt.dtype) for x in ((0.0, 0.5, 0.5, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)))

    def stage(i, state):
        rates, total = state
        here = jax.tree.map(lambda z, rate: z + waits[i] * dt * rate, phase, rates)
        rates = dynamics(t + waits[i] * dt, here)
        return rates, jax.tree.map(lambda z, rate: z + weights[i] * dt * rate, total, rates)

    return lax.fori_loop(0, 4, stage, (jax.tree.map(jnp.zeros_like, phase), phase))[1]


def _with(seen: Seen, here: Seen) -> Seen:
    """What was seen, and what is seen here: of values the larger, of others the sum."""

    def larger(old: Found, new: Found) -> Found:
        return Found(*(jnp.where(new.value > old.value, a, b) for a, b in zip(new, old)))

    electric, magnetic, quantum = map(larger, seen[:3], here[:3])
    return Seen(electric, magnetic, quantum, jax.tree.map(jnp.add, seen.orbit, here.orbit))


def _here(dynamics, t, phase: Phase, reach) -> Seen:
    """What one carrier meets at one time."""
    k, band, charge = phase.wavevector, dynamics.species.band, dynamics.species.charge
    field = dynamics.at(t, phase.position)
    zero, nothing = jnp.zeros((), k.dtype), jnp.zeros_like(k)
    electric = nothing if field.electric is None else field.electric
    push, size, inverse, square = nothing, zero, zero, zero
    if field.magnetic is not None:
        velocity, mass = _velocity_and_mass(band, k)
        push = charge * TESLA_INTERNAL * cross(velocity, field.magnetic)
        size, inverse, square = orbiting(velocity, mass, field.magnetic)
    mixed, nearest = [Mixing(zero, zero + jnp.inf)] * 2, zero + jnp.inf
    if band.neighbours is not None:
        neighbours = band.neighbours(cast(band.params, k.dtype), k)
        mixed, nearest = adiabaticity(neighbours, [charge * electric, push], reach), jnp.min(neighbours.gap)
    sizes = (jnp.sqrt(jnp.sum(electric * electric)), size)
    pulled, pushed = (Found(x.adiabaticity, x.gap, of, t, k) for x, of in zip(mixed, sizes))
    turning = abs(charge) * TESLA_INTERNAL * size * inverse
    quantum = Found(HBAR * turning / nearest, nearest, size, t, k)
    return Seen(pulled, pushed, quantum, Orbit(turning, inverse, square))


def _velocity_and_mass(band, k: Array) -> tuple[Array, Array]:
    """(v [d], M⁻¹ [d d]), the one on the way to the other."""

    def velocity(k):
        value = band.velocity(k)
        return value, value

    mass, value = jax.jacfwd(velocity, has_aux=True)(k)
    return value, mass / HBAR


def count_of_neighbours(band, d: int) -> int:
    """How many other bands a band knows, of k [d]; 0 where it knows none."""
    if band.neighbours is None:
        return 0
    leaves, tree = jax.tree.flatten(band.params)
    return _count(band.neighbours, tree, tuple((jnp.shape(x), jnp.result_type(x)) for x in leaves), (d,), jnp.result_type(float))


@lru_cache(maxsize=64)
def _count(neighbours, tree, leaves: tuple, shape: tuple[int, ...], dtype) -> int:
    params = jax.tree.unflatten(tree, [jax.ShapeDtypeStruct(size, kind) for size, kind in leaves])
    found = jax.eval_shape(lambda params, k: neighbours(cast(params, k.dtype), k), params, jax.ShapeDtypeStruct(shape, dtype))
    return found.gap.shape[0]
