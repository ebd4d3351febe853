"""The fields as records: each a callable (t [fs], r [d]) -> EMField that knows what it depends on."""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp

from semijax._pytree import record
from semijax._pytree import static as fixed
from semijax._types import Array, EMField, SemijaxError, UserCodeError, cast
from semijax.fields import spline
from semijax.fields.contract import called, fitting, name_of, numbers, place, vector
from semijax.units import THZ_INTERNAL

# Every field has `uniform` (the same at all r), `static` (the same at all t), `rate` (the highest angular frequency in it, 1/fs)
# and, where E = −∂φ/∂r holds at all times, `potential(r)` -> φ in volts: hasattr(field, "potential") tells.


def as_field(function) -> Any:
    """Any callable (t, r) -> EMField as a field: fields stay as they are, other functions are taken to depend on t and r; None is
    no field at all. Raises SemijaxError for what cannot be called.
    """
    if function is None:
        return Uniform()
    if not callable(function):
        raise SemijaxError(f"field = {function!r}: allowed is a function (t, r) -> sj.EMField, such as fields.uniform(...)")
    if all(hasattr(function, name) for name in ("uniform", "static", "rate")):
        return function
    return Custom(as_tree(function))


def as_tree(function):
    """A callable as a pytree: those with leaves stay as they are, plain functions become static."""
    return jax.tree_util.Partial(function) if jax.tree_util.all_leaves([function]) else function


def _plus(self, other):
    return Sum((*_parts(self), *_parts(as_field(other))))


def _plus_reversed(self, other):
    return Sum((*_parts(as_field(other)), *_parts(self)))


def _parts(field) -> tuple:
    return field.parts if isinstance(field, Sum) else (field,)


@record
class Uniform:
    """E and B the same everywhere and always. electric: [d] V/Å; magnetic: T, [3] when d = 3, scalar B_z when d = 2; or None."""

    electric: Any = None
    magnetic: Any = None
    uniform = True
    static = True
    rate = 0.0
    __add__, __radd__ = _plus, _plus_reversed

    def __post_init__(self):
        electric, magnetic = self.electric, self.magnetic
        if electric is not None:
            electric = vector("fields.uniform", "electric", electric, "V/Å")
        if magnetic is not None:
            allowed = "a finite vector [3] in three dimensions, a scalar B_z in two, in tesla"
            magnetic = numbers("fields.uniform", "magnetic", magnetic, allowed, lambda shape: shape in ((), (3,)))
            d = (3 if magnetic.shape else 2) if electric is None else electric.shape[0]
            fitting("fields.uniform", EMField(electric, magnetic), d)
        object.__setattr__(self, "electric", electric)
        object.__setattr__(self, "magnetic", magnetic)

    def __call__(self, t, r) -> EMField:
        at, t, r = _prepared(self, t, r)
        return fitting("fields.uniform", EMField(at.electric, at.magnetic), r.shape[0])

    def potential(self, r) -> Array:
        """φ = −E·r, V, at one place r [d]."""
        at, _, r = _prepared(self, 0.0, r)
        return jnp.zeros((), r.dtype) if at.electric is None else -jnp.sum(at.electric * r)


@record
class Alternating:
    """E(t) = in_phase cos θ − quadrature sin θ, θ = 2πft + phase. in_phase, quadrature (or None): [d] V/Å; frequency f: THz."""

    in_phase: Any
    quadrature: Any
    frequency: Any
    phase: Any
    uniform = True
    static = False
    __add__, __radd__ = _plus, _plus_reversed

    @property
    def rate(self):
        """Angular frequency, 1/fs."""
        return _angular(self.frequency)

    def __call__(self, t, r) -> EMField:
        at, t, r = _prepared(self, t, r)
        return fitting("fields.ac", EMField(_oscillating(at, _angular(at.frequency) * t + at.phase)), r.shape[0])


@record
class Pulse:
    """E(t) = g(s/duration) (in_phase cos θ − quadrature sin θ), θ = 2πfs + chirp s² + phase, s = t − center.

    in_phase, quadrature (or None): [d] V/Å; frequency f: THz; duration, center: fs; chirp: 1/fs²; envelope g: a pure function.
    """

    in_phase: Any
    quadrature: Any
    frequency: Any
    duration: Any
    center: Any
    phase: Any
    chirp: Any
    envelope: Any
    uniform = True
    static = False
    __add__, __radd__ = _plus, _plus_reversed

    @property
    def rate(self):
        """Angular frequency one duration from the centre, plus the whole width 4 ln 2/duration of a Gaussian's spectrum, 1/fs."""
        return _angular(self.frequency) + 2 * abs(self.chirp) * self.duration + 4 * math.log(2) / self.duration

    def __call__(self, t, r) -> EMField:
        at, t, r = _prepared(self, t, r)
        since = t - at.center
        theta = _angular(at.frequency) * since + at.chirp * since * since + at.phase
        return fitting("fields.pulse", EMField(at.envelope(since / at.duration) * _oscillating(at, theta)), r.shape[0])


@record
class Tabulated:
    """E(t) as a polynomial between each two of times [m], fs; coefficients: of s⁰, s¹, ..., each [m-1 d]; zero outside."""

    times: Any
    coefficients: Any
    uniform = True
    static = False
    __add__, __radd__ = _plus, _plus_reversed

    @property
    def rate(self):
        """max |dE/dt| / max |E|: of a sinusoid its angular frequency, 1/fs."""
        largest, steepest = (jnp.max(jnp.abs(c)) for c in self.coefficients[:2])
        return steepest / jnp.where(largest > 0, largest, 1)

    def __call__(self, t, r) -> EMField:
        at, t, r = _prepared(self, t, r)
        electric = spline.evaluate(at.times, at.coefficients, t)
        inside = (t >= at.times[0]) & (t <= at.times[-1])
        return fitting("fields.tabulated", EMField(jnp.where(inside, electric, 0)), r.shape[0])


@record
class Potential:
    """E = −∂φ/∂r of a function phi: φ(r [d]) -> V."""

    phi: Any
    uniform = False
    static = True
    rate = 0.0
    __add__, __radd__ = _plus, _plus_reversed

    def __call__(self, t, r) -> EMField:
        return EMField(-jax.grad(self.potential)(place(r)))

    def potential(self, r) -> Array:
        """φ, V, at one place r [d]; raises UserCodeError unless the user's function gives one real number."""
        at, _, r = _prepared(self, 0.0, r)
        value = called(at.phi, r)
        if jnp.shape(value) != () or not jnp.issubdtype(jnp.result_type(value), jnp.floating):
            what = f"{jnp.result_type(value)} of shape {jnp.shape(value)} for r of shape {r.shape}"
            raise UserCodeError(f"field: {name_of(self.phi)}(r) returns {what}: allowed is one real number, in volts")
        return jnp.asarray(value, r.dtype)


@record
class Custom:
    """A user's function (t, r [d]) -> EMField and what is declared about it; phi: its potential φ(r) -> V, where it has one."""

    function: Any
    rate: Any = 0.0
    phi: Any = None
    uniform: bool = fixed(default=False)
    static: bool = fixed(default=False)
    __add__, __radd__ = _plus, _plus_reversed

    @property
    def potential(self):
        """φ(r [d]) -> V; there only where it was declared."""
        if self.phi is None:
            raise AttributeError("potential")
        return Potential(self.phi).potential

    def __call__(self, t, r) -> EMField:
        at, t, r = _prepared(self, t, r)
        value, name = called(at.function, t, r), name_of(self.function)
        if not isinstance(value, EMField):
            raise UserCodeError(f"field: {name}(t, r) returns {type(value).__name__}: allowed is sj.EMField(electric, magnetic)")
        if any(jnp.iscomplexobj(x) for x in jax.tree.leaves(value)):
            raise UserCodeError(f"field: {name}(t, r) returns complex numbers: allowed are real ones; take .real")
        parts = (x if x is None else jnp.asarray(x, r.dtype) for x in (value.electric, value.magnetic))
        return fitting(f"field: {name}", EMField(*parts), r.shape[0])


@record
class Sum:
    """Several fields at once; f1 + f2 makes one."""

    parts: tuple
    __add__, __radd__ = _plus, _plus_reversed

    @property
    def uniform(self) -> bool:
        """Whether every part is."""
        return all(part.uniform for part in self.parts)

    @property
    def static(self) -> bool:
        """Whether every part is."""
        return all(part.static for part in self.parts)

    @property
    def rate(self):
        """The highest of the parts', 1/fs."""
        return max(part.rate for part in self.parts)

    @property
    def potential(self):
        """φ(r [d]) -> V, the sum; there only where every part has one."""
        potentials = [part.potential for part in self.parts]
        return lambda r: functools.reduce(jnp.add, [phi(r) for phi in potentials])

    def __call__(self, t, r) -> EMField:
        return functools.reduce(EMField.__add__, [part(t, r) for part in self.parts])


def _prepared(field, t, r):
    """The field's leaves and t in the dtype of r, and r, one place [d]."""
    r = place(r)
    return cast(field, r.dtype), jnp.asarray(t, r.dtype), r


def _angular(frequency):
    """THz -> angular frequency in 1/fs."""
    return 2 * math.pi * THZ_INTERNAL * frequency


def _oscillating(wave, theta):
    real = wave.in_phase * jnp.cos(theta)
    return real if wave.quadrature is None else real - wave.quadrature * jnp.sin(theta)
