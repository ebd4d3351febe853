"""Ready-made fields: uniform, alternating, pulses, tables, potentials and declared functions; add them with +."""

from collections.abc import Callable
from typing import Any

from semijax._types import Array, EMField, SemijaxError
from semijax.fields import envelopes, spline
from semijax.fields.contract import as_array, numbers, vector
from semijax.fields.records import Alternating, Custom, Potential, Pulse, Tabulated, Uniform, as_tree

_ENVELOPES = {"gaussian": envelopes.gaussian, "sin2": envelopes.sin2, "supersine": envelopes.supersine}


def uniform(electric=None, magnetic=None) -> Uniform:
    """The same E [d], V/Å (a scalar when d = 1), and B, tesla, everywhere and always; None is no such field.

    magnetic: [3] when d = 3, a scalar B_z when d = 2, None when d = 1. Raises SemijaxError.
    """
    return Uniform(electric, magnetic)


def ac(electric, frequency, phase=0.0) -> Alternating:
    """E(t) = Re[electric exp(i(2πft + phase))], f = frequency in THz, t in fs; for a real electric, electric cos(2πft + phase).

    electric: [d] V/Å (a scalar when d = 1), complex for elliptical polarisation: [1, 1j] turns from x towards −y, [1, −1j] from
    x towards y, each component having its own amplitude. Raises SemijaxError.
    """
    in_phase, quadrature = _polarisation("fields.ac", electric)
    phase = numbers("fields.ac", "phase", phase, "a finite number of radians")
    return Alternating(in_phase, quadrature, _frequency("fields.ac", frequency), phase)


def pulse(
    electric, frequency, duration, center, phase=0.0, chirp=0.0, envelope: str | Callable[[Array], Array] = "gaussian"
) -> Pulse:
    """E(t) = g(s/duration) Re[electric exp(i(2πfs + chirp s² + phase))] with s = t − center, fs.

    electric: [d] V/Å, peak of the envelope, complex for elliptical polarisation as in `ac`. frequency f: THz; 0 is a pulse of one
    sign. duration: FWHM of the intensity g², fs. phase: carrier-envelope phase, radians; 0 puts a crest at the centre. chirp:
    1/fs²; the angular frequency at t is 2πf + 2 chirp s. envelope g: "gaussian" (never zero), "sin2" (sin² of the field) and
    "supersine" (both exactly zero outside 2.7468 and 2.0285 durations in all), or any pure function of s/duration.

    The envelope multiplies the field, so a pulse of few cycles may leave a net area ∫E dt (none at phase = ±π/2 without chirp);
    where that must vanish, tabulate the vector potential. Raises SemijaxError.
    """
    where = "fields.pulse"
    in_phase, quadrature = _polarisation(where, electric)
    if not callable(envelope) and (not isinstance(envelope, str) or envelope not in _ENVELOPES):
        raise SemijaxError(f"{where}: envelope = {envelope!r}: allowed are {', '.join(_ENVELOPES)} or a function")
    return Pulse(
        in_phase,
        quadrature,
        _frequency(where, frequency),
        numbers(where, "duration", duration, "a finite number of fs > 0", value_fits=lambda x: x > 0),
        numbers(where, "center", center, "a finite number of fs"),
        numbers(where, "phase", phase, "a finite number of radians"),
        numbers(where, "chirp", chirp, "a finite number in 1/fs²"),
        as_tree(envelope if callable(envelope) else _ENVELOPES[envelope]),
    )


def tabulated(times, electric=None, *, vector_potential=None) -> Tabulated:
    """E(t) through a table of the field, or E = −dA/dt of a table of the vector potential; exactly zero outside the table.

    times: [m] fs, increasing, m ≥ 4. electric: [m d] V/Å, or vector_potential: [m d] V fs/Å ([m] when d = 1). Between the times
    the table is a cubic spline (not-a-knot), differentiated exactly; E jumps where it is not zero at an end. Raises SemijaxError.
    """
    where = "fields.tabulated"
    if (electric is None) == (vector_potential is None):
        raise SemijaxError(f"{where}: electric and vector_potential: allowed is exactly one of them")
    key, table = ("electric", electric) if vector_potential is None else ("vector_potential", vector_potential)
    x = numbers(
        where,
        "times",
        times,
        "at least 4 increasing finite numbers of fs",
        lambda shape: len(shape) == 1 and shape[0] >= 4,
        lambda x: x[1:] > x[:-1],
    )
    allowed = f"finite numbers [{x.shape[0]} d], d = 1, 2, 3, one row for each time"
    y = numbers(where, key, table, allowed, lambda shape: shape[:1] == x.shape and (shape[1:] or (1,)) in ((1,), (2,), (3,)))
    coefficients = spline.cubic(x, y.reshape(x.shape[0], -1))
    if vector_potential is not None:
        coefficients = [-c for c in spline.derivative(coefficients)]
    return Tabulated(x, coefficients)


def potential(phi: Callable[[Array], Any]) -> Potential:
    """E = −∂φ/∂r of any pure function φ(r [d]) -> V; a callable pytree keeps its leaves.

    Raises SemijaxError for what is no function; the field, when called, UserCodeError where φ is not one real number.
    """
    return Potential(_function("fields.potential", "phi", phi, "φ(r) -> volts"))


def custom(
    function: Callable[[Any, Array], EMField], *, uniform: bool = False, static: bool = False, rate=0.0, potential=None
) -> Custom:
    """Any pure function (t, r [d]) -> EMField with what is known about it, taken at its word.

    uniform: does not depend on r (Jacobians then need the k block alone). static: does not depend on t. rate: the highest
    angular frequency in it, 1/fs, for the time step. potential: φ(r) -> V with E = −∂φ/∂r, where a static field has one. Raises
    SemijaxError.
    """
    where = "fields.custom"
    if potential is not None and not static:
        raise SemijaxError(f"{where}: potential with static = False: allowed only where the field does not depend on time")
    return Custom(
        _function(where, "function", function, "(t, r) -> sj.EMField"),
        numbers(where, "rate", rate, "a finite number ≥ 0 in 1/fs", value_fits=lambda x: x >= 0),
        None if potential is None else _function(where, "potential", potential, "φ(r) -> volts"),
        bool(uniform),
        bool(static),
    )


def _function(where: str, key: str, function, allowed: str):
    if not callable(function):
        raise SemijaxError(f"{where}: {key} = {function!r}: allowed is a function {allowed}")
    return as_tree(function)


def _frequency(where: str, frequency):
    return numbers(where, "frequency", frequency, "a finite number of THz ≥ 0", value_fits=lambda x: x >= 0)


def _polarisation(where: str, electric):
    """The real amplitude, and minus the amplitude of the sine (None for a real field), each [d]."""
    array, _ = as_array(electric)
    if array.dtype.kind != "c":
        return vector(where, "electric", electric, "V/Å"), None
    return vector(where, "electric", array.real, "V/Å"), vector(where, "electric", array.imag, "V/Å")
