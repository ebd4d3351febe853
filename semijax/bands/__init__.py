"""Bands: any E(k) (Band), and the closed forms of the textbooks."""

from semijax.bands.band import Band
from semijax.bands.dirac import graphene, massive_dirac
from semijax.bands.library import cosine, ellipsoidal, kane, parabolic, superlattice, tight_binding, warped
from semijax.bands.sampled import sampled

__all__ = [
    "Band",
    "cosine",
    "ellipsoidal",
    "graphene",
    "kane",
    "massive_dirac",
    "parabolic",
    "sampled",
    "superlattice",
    "tight_binding",
    "warped",
]
