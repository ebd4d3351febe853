"""The fields a case file can name; a case lists any number of them and carriers feel the sum."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field as Key

from semijax.schema.values import (
    VECTOR,
    Axis,
    Chirp,
    Duration,
    Electric,
    Frequency,
    Length,
    Magnetic,
    Number,
    Period,
    Stiffness,
    Table,
    Time,
    Volt,
)

ElectricVector = Annotated[list[Electric], VECTOR]


class Uniform(Table):
    kind: Literal["uniform"]
    electric: ElectricVector | None = None
    magnetic: Annotated[list[Magnetic], VECTOR] | None = None  # three numbers in three dimensions, [B_z] in two


class AC(Table):
    kind: Literal["ac"]
    electric: ElectricVector
    frequency: Frequency
    phase: Number = 0.0
    quadrature: ElectricVector | None = None  # elliptical: E = electric cos θ − quadrature sin θ


class Pulse(Table):
    kind: Literal["pulse"]
    electric: ElectricVector
    frequency: Frequency
    duration: Duration
    center: Time
    phase: Number = 0.0
    chirp: Chirp = 0.0
    envelope: Literal["gaussian", "sin2", "supersine"] = "gaussian"
    quadrature: ElectricVector | None = None


class Tabulated(Table):
    kind: Literal["tabulated"]
    file: str  # columns of text: time, then one per dimension; a relative path starts from the case file
    of: Literal["electric", "vector_potential"] = "electric"
    time_unit: Duration = 1.0  # what 1 in the first column is
    electric_unit: Annotated[Electric, Key(gt=0)] = 1.0  # what 1 in the other columns is; of A, times the time unit


class Harmonic(Table):
    """φ(r) = ½ Σ stiffness_i (r_i − center_i)²."""

    kind: Literal["harmonic"]
    stiffness: Annotated[list[Stiffness], VECTOR]
    center: Annotated[list[Length], VECTOR] | None = None


class CosinePotential(Table):
    """φ(r) = amplitude cos(2π r_axis/period + phase)."""

    kind: Literal["cosine"]
    amplitude: Volt
    period: Period
    axis: Axis = 0
    phase: Number = 0.0


class Gaussian(Table):
    """φ(r) = amplitude exp(−|r − center|²/(2 width²))."""

    kind: Literal["gaussian"]
    amplitude: Volt
    width: Period
    center: Annotated[list[Length], VECTOR] | None = None


Field: TypeAlias = Annotated[
    Uniform | AC | Pulse | Tabulated | Harmonic | CosinePotential | Gaussian,
    Key(discriminator="kind"),
]
