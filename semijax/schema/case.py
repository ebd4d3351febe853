"""A whole case: what moves, how it starts, what pushes it, how it is followed, what is recorded, scanned and judged."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from annotated_types import MaxLen
from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from semijax import quantities
from semijax.schema.bands import Band
from semijax.schema.fields import Field as FieldTable
from semijax.schema.values import (
    VECTOR,
    Axis,
    Count,
    Damping,
    Density,
    Duration,
    Edge,
    Energy,
    Length,
    Name,
    Seed,
    Spread,
    Table,
    Temperature,
    Time,
    Wait,
    Wavevector,
    WavevectorSpread,
)

Precision: TypeAlias = Literal["float32", "float64"]
Position = Annotated[list[Length], VECTOR]
Point = Annotated[list[Wavevector], VECTOR]


class Run(Table):
    """How the motion is followed; `dt` left out is suggested, `frames` counts the intervals between records."""

    duration: Duration
    carriers: Count = 10_000
    dt: Duration | None = None
    frames: Annotated[Count, Field(le=1_000_000)] | None = None
    every: Count | None = None
    start: Time = 0.0
    step: Literal["euler", "heun", "midpoint", "rk4", "dop8", "leapfrog", "strang", "yoshida4"] = "rk4"
    precision: Precision = "float32"
    compensated: bool = False
    volume: bool = False
    seed: Seed = 0
    keep: Annotated[int, Field(ge=0, le=2**31 - 1)] = 10_000


class Checkpoint(Table):
    """How often a run keeps itself, by the clock; rarer where it would take over 2 % of the time."""

    every: Wait = 30.0


class AtK(Table):
    """Every carrier at one wavevector and one place."""

    kind: Literal["at_k"]
    wavevector: Point
    position: Position | None = None
    pairs: bool = False


class Packet(Table):
    """A Gaussian in position and wavevector."""

    kind: Literal["packet"]
    position: Position
    wavevector: Point
    position_spread: Spread
    wavevector_spread: WavevectorSpread
    pairs: bool = False


class Thermal(Table):
    """Maxwell-Boltzmann, or Fermi-Dirac where a chemical potential or a density is given."""

    kind: Literal["thermal"]
    temperature: Temperature
    chemical_potential: Energy | None = None
    density: Density | None = None
    cutoff: Energy | None = None
    position: Position | None = None
    pairs: bool = False


class FermiSurface(Table):
    """Weights −∂f/∂E around the chemical potential."""

    kind: Literal["fermi_surface"]
    temperature: Temperature
    chemical_potential: Energy
    pairs: bool = False


class FermiLevel(Table):
    """A Fermi surface by the level that a metal's files tell; `kind` may be left out."""

    kind: Literal["fermi_level"]
    fermi_level: Energy
    temperature: Temperature = 300.0
    pairs: ClassVar[bool] = False


def _named(value: Any) -> Any:
    """{ fermi_level = 14.68 } says its kind by its first key."""
    named = isinstance(value, dict) and "fermi_level" in value and "kind" not in value
    return {"kind": "fermi_level", **value} if named else value


Carriers: TypeAlias = Annotated[
    AtK | Packet | Thermal | FermiSurface | FermiLevel, Field(discriminator="kind"), BeforeValidator(_named)
]


class Species(Table):
    """One kind of carrier; a hole's band is the valence band (electron-like ones: negate = true)."""

    band: Band
    charge: Literal["electron", "hole"] | None = None  # left out: what the name says
    degeneracy: Count = 2
    carriers: Carriers | None = None  # instead of the case's own


class Dynamics(Table):
    """Terms of the equations of motion beside band and field."""

    damping: Damping = 0.0
    moment: bool = True


class Relaxation(Table):
    """Collisions that redraw the wavevector from the thermal law at rate 1/tau."""

    tau: Duration
    temperature: Temperature


ObservableName: TypeAlias = Literal[
    "position",
    "wavevector",
    "folded_wavevector",
    "velocity",
    "group_velocity",
    "energy",
    "total_energy",
    "inverse_mass",
    "current",
    "log_volume",
]


class Record(Table):
    """What is recorded under one name: "mean velocity", or a table for a histogram or single carriers."""

    words: ClassVar[str] = 'text such as "mean velocity", or a table with by, of, axis, low, high, bins, count'

    by: Literal["mean", "sum", "covariance", "histogram", "sample"]
    of: ObservableName
    axis: Axis | None = None
    low: Edge | None = None
    high: Edge | None = None
    bins: Annotated[Count, Field(le=100_000)] = 100
    count: Annotated[Count, Field(le=1_000_000)] = 100

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str) and len(words := value.split()) == 2:
            return {"by": words[0], "of": words[1]}
        return value


RECORD = {"drift": "mean velocity", "energy": "mean energy", "position": "mean position"}


class Scan(Table):
    """The case again for each value of one key: `values`, or `points` from `first` to `last`; `record`: the records it keeps."""

    key: Annotated[str, Field(max_length=200)]
    values: Annotated[list[Any], Field(min_length=1, max_length=10_000)] | None = None
    first: Any = None
    last: Any = None
    points: Annotated[Count, Field(ge=2, le=10_000)] | None = None
    carriers: Count | None = None
    record: list[Name] | None = None


def _free(value: Any) -> Any:
    """A value of the [analysis] table, numbers in the unit inside; text that is no quantity stays text."""
    if isinstance(value, list):
        return [_free(x) for x in value]
    if isinstance(value, str):
        number = quantities.any_kind(value)
        return value if number is None else number
    return value if isinstance(value, bool | int) else quantities.internal(value, "number")


class Case(Table):
    """A case file; `config.load` makes one."""

    title: str = ""
    report: Annotated[str, Field(max_length=64)] | None = None
    run: Run
    carriers: Carriers
    species: Annotated[dict[Name, Species], Field(min_length=1, max_length=64)]
    field: Annotated[list[FieldTable], MaxLen(64)] = Field(default_factory=list)
    dynamics: Dynamics = Dynamics()
    relaxation: Relaxation | None = None
    record: Annotated[dict[Name, Record], MaxLen(100)] = Field(default=RECORD, validate_default=True)  # pyright: ignore
    scan: Scan | None = None
    checkpoint: Checkpoint = Checkpoint()
    analysis: dict[Name, Annotated[Any, BeforeValidator(_free)]] = Field(default_factory=dict)

    _document: dict[str, Any] = PrivateAttr(default_factory=dict)
    _where: str = PrivateAttr(default="case")
    _directory: Path = PrivateAttr(default=Path())

    @property
    def document(self) -> dict[str, Any]:
        """The tables as the user wrote them, overrides included."""
        return self._document

    @property
    def where(self) -> str:
        """The file's name, the first word of every message."""
        return self._where

    @property
    def directory(self) -> Path:
        """Where relative paths in the case start."""
        return self._directory

    @property
    def dimension(self) -> int:
        """d of the first species; all agree."""
        return next(iter(self.species.values())).band.dimension
