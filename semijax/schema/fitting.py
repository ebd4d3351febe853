"""A fit file: the model with names for numbers, where they start, the data with their units, and how they are fitted."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from semijax.schema.bands import AnyBand, named
from semijax.schema.fields import Field as FieldTable
from semijax.schema.values import (
    VECTOR,
    Axis,
    BandIndex,
    Count,
    Energy,
    Length,
    Name,
    NotNegative,
    Number,
    Seed,
    Table,
    Temperature,
    Time,
    Wavevector,
)

File = Annotated[str, Field(min_length=1, max_length=4096)]
Matrix = Annotated[list[Annotated[list[Length], VECTOR]], VECTOR]
Vector3 = Annotated[list[Number], Field(min_length=3, max_length=3)]


def _plain(value: Any) -> Any:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


class Parameter(Table):
    """One parameter: a number to start from, and what is known of it; a plain number or text is its start."""

    words: ClassVar[str] = "a number to start from, or a table with start, low, high, prior, frozen"

    start: Any = None
    low: Any = None
    high: Any = None
    prior: Annotated[list[Any], Field(min_length=2, max_length=2)] | None = None
    frozen: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, value: Any) -> Any:
        return {"start": value} if _plain(value) else value


class Atom(Table):
    """An atom of a cell at a place in units of the lattice vectors."""

    symbol: Annotated[str, Field(min_length=1, max_length=16)]
    place: Annotated[list[Number], VECTOR]


class SlaterKoster(Table):
    """Two-centre tight binding, all its levels: `bands.models.slater_koster`; parameters are "onsite.Si.s", "hopping.Si-Si-1.ss_sigma"."""

    kind: Literal["slater_koster"]
    lattice: Matrix
    atoms: Annotated[list[Atom], Field(min_length=1, max_length=200)]
    orbitals: Annotated[dict[str, dict[str, Energy]], Field(min_length=1)]
    shells: Annotated[Count, Field(le=30)] = 1
    overlap: bool = False
    dimension: Literal[2, 3] = 3


Model: TypeAlias = Annotated[AnyBand | SlaterKoster, Field(discriminator="kind"), BeforeValidator(named)]


class Column(Table):
    """Numbers of the file, and their unit; or one quantity for all, "50 meV"."""

    words: ClassVar[str] = 'a table with column and unit such as { column = 2, unit = "meV" }, or one quantity for all'

    column: int | str | Annotated[list[int | str], Field(min_length=1, max_length=1000)] | None = None
    unit: Annotated[str, Field(max_length=64)] | None = None
    constant: Any = None

    @model_validator(mode="before")
    @classmethod
    def _from_quantity(cls, value: Any) -> Any:
        return {"constant": value} if _plain(value) else value


class Data(Table):
    """What every kind of data may have. file: columns of text (.csv, .dat, .txt; the first is 1, or its heading) or arrays (.npz)."""

    file: File
    sigma: Column | None = None
    part: Name | None = None


class Energies(Data):
    """Band energies; k in a unit of its own, "fraction" of the reciprocal vectors of `lattice`. zero: of the energies, subtracted."""

    kind: Literal["energies"]
    k: Column
    energy: Column
    weight: Column | None = None
    bands: Annotated[list[BandIndex], Field(min_length=1, max_length=1000)] | None = None
    match: Literal["order", "sorted", "nearest"] = "order"
    window: Annotated[list[Energy], Field(min_length=2, max_length=2)] | None = None
    zero: Energy = 0.0
    offset: Energy | Literal["free"] | None = None
    lattice: Matrix | None = None
    zone: bool = False


class Velocities(Data):
    kind: Literal["velocities"]
    k: Column
    velocity: Column
    lattice: Matrix | None = None


class Masses(Data):
    """Masses of forces along directions [n d]; sigma is relative."""

    kind: Literal["masses"]
    k: Column
    along: Column
    mass: Column
    lattice: Matrix | None = None


class CyclotronMasses(Data):
    """Cyclotron masses in B along directions, or turned by an angle from the first vector of `plane` towards the second; sigma is
    relative.
    """

    kind: Literal["cyclotron_masses"]
    mass: Column
    direction: Column | None = None
    angle: Column | None = None
    plane: Annotated[list[Vector3], Field(min_length=2, max_length=2)] | None = None
    valleys: Annotated[list[Vector3], Field(min_length=1, max_length=64)] | None = None


class BlochFrequencies(Data):
    kind: Literal["bloch_frequencies"]
    electric: Column
    frequency: Column
    row: Axis = 0


class Motion(Data):
    """What an ensemble needs. mesh: points along each reciprocal vector of the zone; or all at one wavevector."""

    mesh: Annotated[Count, Field(ge=2, le=100_000)] | None = None
    wavevector: Annotated[list[Wavevector], VECTOR] | None = None
    temperature: Temperature | None = None
    tau: Time | None = None
    charge: Literal["electron", "hole"] = "electron"


class Series(Motion):
    """What is followed against time, in fields."""

    time: Column
    field: Annotated[list[FieldTable], Field(min_length=1, max_length=64)]
    component: Axis = 0
    begin: Time | None = None
    scale: Number | Literal["free"] | None = None
    offset: Number | Literal["free"] | None = None


class Drift(Series):
    """Mean velocity against time."""

    kind: Literal["drift"]
    velocity: Column


class Current(Series):
    """Current per carrier against time; in a unit of its own ("1") with scale = "free"."""

    kind: Literal["current"]
    current: Column


class SteadyDrift(Motion):
    """Steady drift velocity against the field."""

    kind: Literal["steady_drift"]
    electric: Column
    velocity: Column
    direction: Annotated[list[Number], VECTOR]
    samples: Annotated[Count, Field(ge=8, le=1_000_000)] = 600


AnyData: TypeAlias = Annotated[
    Energies | Velocities | Masses | CyclotronMasses | BlochFrequencies | Drift | Current | SteadyDrift,
    Field(discriminator="kind"),
]


class How(Table):
    """How it is fitted. errors: from the scatter about the fit or as stated; left out: the scatter, unless the data have sigma."""

    steps: Count = 200
    tolerance: Annotated[NotNegative, Field(gt=0, lt=1)] = 1e-10
    starts: Annotated[Count, Field(le=100_000)] = 1
    spread: NotNegative = 1.0
    seed: Seed = 0
    errors: Literal["scatter", "stated"] | None = None
    frozen: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list)
    precision: Literal["float32", "float64"] = "float64"
    bootstrap: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class FitCase(Table):
    """A fit file; `fitting.case.load` makes one."""

    title: str = ""
    fit: How = How()
    model: Model | None = None
    models: Annotated[dict[Name, Model], Field(max_length=64)] | None = None
    parameters: Annotated[dict[str, Parameter], Field(max_length=10_000)] = Field(default_factory=dict)
    data: Annotated[dict[Name, AnyData], Field(min_length=1, max_length=64)]

    _document: dict[str, Any] = PrivateAttr(default_factory=dict)
    _where: str = PrivateAttr(default="fit")
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
        """Where relative paths in the file start."""
        return self._directory
