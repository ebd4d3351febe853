"""The values a key of a case file can take: quantities with units, counts, names; and the table that refuses unknown keys."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import core_schema

from semijax import quantities


@dataclass(frozen=True)
class Quantity:
    """The type of a key that takes a number in the unit inside, or a text with a unit."""

    kinds: tuple[str, ...]
    above: float | None = None
    least: float | None = None

    def __call__(self, value: Any) -> float:
        return quantities.internal(value, *self.kinds, above=self.above, least=self.least)

    @property
    def allowed(self) -> str:
        """What a message says: `allowed is an energy such as ...`."""
        return quantities.allowed(*self.kinds, above=self.above, least=self.least)

    def __get_pydantic_core_schema__(self, source, handler):
        return core_schema.no_info_plain_validator_function(self)

    def __get_pydantic_json_schema__(self, schema, handler):
        unit = " or ".join(quantities.KINDS[kind].unit or "a plain number" for kind in self.kinds)
        return {"type": ["number", "string"], "description": f"{self.allowed}; a plain number is in {unit}"}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Number = Annotated[float, Quantity(("number",))]
NotNegative = Annotated[float, Quantity(("number",), least=0)]
Energy = Annotated[float, Quantity(("energy",))]
Width = Annotated[float, Quantity(("energy",), above=0)]
Length = Annotated[float, Quantity(("length",))]
Period = Annotated[float, Quantity(("length",), above=0)]
Spread = Annotated[float, Quantity(("length",), least=0)]
Time = Annotated[float, Quantity(("time",))]
Duration = Annotated[float, Quantity(("time",), above=0)]
Wait = Annotated[float, Quantity(("clock",), least=0)]
Temperature = Annotated[float, Quantity(("temperature",), above=0)]
Electric = Annotated[float, Quantity(("electric",))]
Magnetic = Annotated[float, Quantity(("magnetic",))]
Frequency = Annotated[float, Quantity(("frequency",), least=0)]
Damping = Annotated[float, Quantity(("rate",), least=0)]
Chirp = Annotated[float, Quantity(("chirp",))]
Wavevector = Annotated[float, Quantity(("wavevector",))]
WavevectorSpread = Annotated[float, Quantity(("wavevector",), least=0)]
Density = Annotated[float, Quantity(("density in 1D", "density in 2D", "density in 3D"), above=0)]
Volt = Annotated[float, Quantity(("potential",))]
Stiffness = Annotated[float, Quantity(("stiffness",))]
Mass = Annotated[float, Quantity(("mass",), above=0)]
Nonparabolicity = Annotated[float, Quantity(("nonparabolicity",), least=0)]
DiracVelocity = Annotated[float, Quantity(("dirac velocity",), above=0)]
Edge = Annotated[float, Quantity(("number", "length", "wavevector", "energy"))]

Count = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=2**31 - 1)]
Seed = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=2**32 - 1)]
Dimension = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=3)]
BandIndex = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=9999)]
Axis = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=2)]
Sign = Literal[1, -1]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
VECTOR = Field(min_length=1, max_length=3)


class Table(BaseModel):
    """A table of the case file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)
