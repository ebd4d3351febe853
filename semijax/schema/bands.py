"""The bands a case file can name: the arguments of semijax.bands under the same names; `negate` is E -> −E (a valence band)."""

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from semijax.schema.values import (
    VECTOR,
    BandIndex,
    Count,
    Dimension,
    DiracVelocity,
    Energy,
    Length,
    Mass,
    Nonparabolicity,
    Number,
    Period,
    Sign,
    Table,
    Wavevector,
    Width,
)


class Parabolic(Table):
    kind: Literal["parabolic"]
    mass: Mass
    minimum: Energy = 0.0
    dimension: Dimension = 3
    negate: bool = False


class Ellipsoidal(Table):
    kind: Literal["ellipsoidal"]
    masses: Annotated[list[Mass], VECTOR]
    axes: Annotated[list[Annotated[list[Number], VECTOR]], VECTOR] | None = None
    center: Annotated[list[Wavevector], VECTOR] | None = None
    minimum: Energy = 0.0
    negate: bool = False

    @property
    def dimension(self) -> int:
        return len(self.masses)


class Kane(Table):
    kind: Literal["kane"]
    mass: Mass
    alpha: Nonparabolicity
    minimum: Energy = 0.0
    dimension: Dimension = 3
    negate: bool = False


class Warped(Table):
    kind: Literal["warped"]
    A: Number
    B: Number
    C: Number
    branch: Literal["heavy", "light"] = "heavy"
    maximum: Energy = 0.0
    negate: bool = False
    dimension: ClassVar[int] = 3


class Cosine(Table):
    kind: Literal["cosine"]
    bandwidth: Width
    period: Period
    dimension: Dimension = 1
    negate: bool = False


class Superlattice(Table):
    kind: Literal["superlattice"]
    bandwidth: Width
    period: Period
    mass: Mass
    negate: bool = False
    dimension: ClassVar[int] = 3


class Hop(Table):
    vector: Annotated[list[Length], VECTOR]
    energy: Energy


class TightBinding(Table):
    kind: Literal["tight_binding"]
    hopping: Annotated[list[Hop], Field(min_length=1, max_length=10_000)]
    onsite: Energy = 0.0
    lattice: Annotated[list[Annotated[list[Length], VECTOR]], VECTOR] | None = None
    negate: bool = False

    @property
    def dimension(self) -> int:
        return len(self.hopping[0].vector)


class Graphene(Table):
    kind: Literal["graphene"]
    hopping: Energy = 2.7
    bond: Period = 1.42
    overlap: Number = 0.0
    sign: Sign = 1
    negate: bool = False
    dimension: ClassVar[int] = 2


class MassiveDirac(Table):
    kind: Literal["massive_dirac"]
    gap: Width
    hbar_v: DiracVelocity
    valley: Sign = 1
    sign: Sign = 1
    negate: bool = False
    dimension: ClassVar[int] = 2


class Wannier(Table):
    """Band `index` (0 is the lowest) of the Wannier90 files at a prefix, relative to the case file; `kind` may be left out."""

    kind: Literal["wannier"]
    wannier: Annotated[str, Field(min_length=1, max_length=4096)]
    index: BandIndex
    dimension: Literal[2, 3] = 3
    multiplicity: Count = 1
    negate: bool = False


def named(value: Any) -> Any:
    """{ wannier = "cu", index = 5 } says its kind by its first key."""
    return {"kind": "wannier", **value} if isinstance(value, dict) and "wannier" in value and "kind" not in value else value


AnyBand: TypeAlias = (
    Parabolic | Ellipsoidal | Kane | Warped | Cosine | Superlattice | TightBinding | Graphene | MassiveDirac | Wannier
)
Band: TypeAlias = Annotated[AnyBand, Field(discriminator="kind"), BeforeValidator(named)]
