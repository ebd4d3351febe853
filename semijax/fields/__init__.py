"""Electric and magnetic fields that carriers feel: anything (t, r) -> EMField, the usual ones ready-made, sums with +."""

from semijax.fields.contract import check
from semijax.fields.library import ac, custom, potential, pulse, tabulated, uniform
from semijax.fields.records import as_field

__all__ = ["ac", "as_field", "check", "custom", "potential", "pulse", "tabulated", "uniform"]
