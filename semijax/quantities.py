"""Quantities: a number or a text such as "10 kV/cm" -> a float in the units inside (eV, Å, fs, K, V/Å, T, THz)."""

import functools
import math
import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Kind:
    """One kind of quantity: how a message calls it, an example for a user, and the unit that plain numbers are in."""

    words: str
    example: str
    unit: str


KINDS = {
    "number": Kind("a number", "0.5", ""),
    "energy": Kind("an energy", '"18 meV"', "eV"),
    "length": Kind("a length", '"11.4 nm"', "angstrom"),
    "time": Kind("a time", '"1 ps"', "fs"),
    "clock": Kind("a time of the clock", '"30 s"', "s"),
    "temperature": Kind("a temperature", '"10 K"', "K"),
    "electric": Kind("an electric field", '"10 kV/cm"', "V/angstrom"),
    "magnetic": Kind("a magnetic field", '"5 T"', "T"),
    "frequency": Kind("a frequency", '"2 THz"', "THz"),
    "rate": Kind("a rate", '"1 / ps"', "1/fs"),
    "chirp": Kind("a chirp", '"0.1 / ps^2"', "1/fs^2"),
    "wavevector": Kind("a wavevector", '"0.1 / nm"', "1/angstrom"),
    "density in 1D": Kind("a density per length", '"1e6 cm^-1"', "1/angstrom"),
    "density in 2D": Kind("a density per area", '"1e11 cm^-2"', "1/angstrom^2"),
    "density in 3D": Kind("a density per volume", '"1e15 cm^-3"', "1/angstrom^3"),
    "potential": Kind("a potential", '"20 mV"', "V"),
    "stiffness": Kind("a second derivative of a potential", '"1 mV/nm^2"', "V/angstrom^2"),
    "mass": Kind("a mass", "0.067 (free-electron masses)", "electron_mass"),
    "nonparabolicity": Kind("an inverse energy", '"0.64 / eV"', "1/eV"),
    "velocity": Kind("a velocity", '"1e7 cm / s"', "angstrom/fs"),
    "dirac velocity": Kind("an energy times a length", '"3.5 eV angstrom"', "eV*angstrom"),
}

LONGEST = 64  # characters; no quantity anyone writes is longer

_PREFIXED = {
    "eV": "m k M",
    "J": "m",
    "m": "f p n u µ m c k",
    "s": "a f p n u µ m",
    "Hz": "k M G T",
    "V": "u µ m k M G",
    "K": "u µ m",
    "T": "m",
    "A": "m u µ",
}
_PLAIN = ["min", "h", "angstrom", "Å", "bohr", "Ry", "electron_mass", "m_e"]
_UNITS = frozenset(_PLAIN) | {p + u for u, prefixes in _PREFIXED.items() for p in ["", *prefixes.split()]}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
_FACTOR = re.compile(r"([A-Za-zÅµ_]+)(?:(?:\^|\*\*)?([+-]?[1-4]))?")
_SUPERSCRIPTS = str.maketrans("⁻⁺⁰¹²³⁴μ\u212b", "-+01234µÅ")


def internal(value: Any, *kinds: str, above: float | None = None, least: float | None = None) -> float:
    """A number, or a text with a unit, of one of `kinds` -> a float in the unit inside.

    above, least: value > above, value ≥ least. Raises ValueError with the words `allowed is an energy such as "18 meV"`.
    """
    number = _parsed(value, kinds)
    low = -math.inf if least is None else least
    if number is None or not math.isfinite(number) or number < low or (above is not None and number <= above):
        raise ValueError(allowed(*kinds, above=above, least=least))
    return number


def allowed(*kinds: str, above: float | None = None, least: float | None = None) -> str:
    """What a message says of a key that takes one of `kinds`."""
    words = " or ".join(KINDS[kind].words for kind in kinds)
    bound = f" > {above:g}" if above is not None else f" ≥ {least:g}" if least is not None else ""
    return f"allowed is {words}{bound} such as {KINDS[kinds[-1]].example}"


def any_kind(text: str) -> float | None:
    """A text `number unit` of any known kind -> the float inside (1/time counts as a frequency, THz); None if it is none."""
    order = sorted(KINDS, key=lambda kind: kind == "rate")
    return next((number for kind in order if (number := _parsed(text, (kind,))) is not None), None)


def _parsed(value: Any, kinds: tuple[str, ...]) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) <= 1e300 else math.inf
    match = _NUMBER.match(value.strip()) if isinstance(value, str) and len(value) <= LONGEST else None
    if match is None:
        return None
    number, unit = match.group(), value.strip()[match.end() :].strip()
    if not unit or not math.isfinite(float(number)):
        return float(number)
    factors = (_factor(unit, KINDS[kind].unit) for kind in kinds)
    # exact until the last rounding: "18 meV" is the same float as 0.018
    return next((_rounded(Fraction(number) * factor) for factor in factors if factor is not None), None)


def _rounded(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


@functools.lru_cache(maxsize=256)
def _factor(unit: str, target: str) -> Fraction | None:
    """How many `target` one `unit` is; None where the text is no unit or one of another kind."""
    factors = _factors(unit)
    if not factors or not target:
        return None
    registry = _registry()
    product = registry.Quantity(Fraction(1))
    for name, power in factors:
        product = product * registry.Quantity(Fraction(1), name) ** power
    goal = registry.parse_units(target.replace("^", "**"))
    return product.to(goal).magnitude if product.is_compatible_with(goal) else None


def _factors(unit: str) -> list[tuple[str, int]] | None:
    """`kV/cm` -> [("kV", 1), ("cm", -1)]; only names from the list above ever reach pint."""
    text = unicodedata.normalize("NFC", unit).translate(_SUPERSCRIPTS).replace("**", "^")
    words = re.sub(r"\s*/\s*", " /", re.sub(r"\s*[*·]\s*", " ", text)).split()
    found = [(_FACTOR.fullmatch(word.removeprefix("/")), -1 if word.startswith("/") else 1) for word in words]
    if any(factor is None or factor[1] not in _UNITS for factor, _ in found):
        return None
    return [(factor[1], sign * int(factor[2] or 1)) for factor, sign in found if factor]


@functools.cache
def _registry() -> Any:
    import pint  # building the registry takes a quarter of a second: only when a unit is written

    return pint.UnitRegistry(non_int_type=Fraction)  # pyright: ignore[reportArgumentType] (pint takes any number type)
