"""Where the picture of one band ends: Zener tunnelling, magnetic breakdown and Landau quanta along the ways of carriers."""

from semijax.limits import Limits, Passage, Quantum, limits

__all__ = ["Limits", "Passage", "Quantum", "limits"]
