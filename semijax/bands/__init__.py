"""Bands: any E(k) (Band), and the closed forms of the textbooks."""

from semijax.bands.band import Band
from semijax.bands.dirac import graphene, massive_dirac
from semijax.bands.fourier import fourier
from semijax.bands.library import cosine, ellipsoidal, kane, parabolic, superlattice, tight_binding, warped
from semijax.bands.sampled import sampled
from semijax.bands.tabulate import tabulate

__all__ = [
    "Band",
    "cosine",
    "ellipsoidal",
    "fourier",
    "graphene",
    "kane",
    "massive_dirac",
    "parabolic",
    "sampled",
    "superlattice",
    "tabulate",
    "tight_binding",
    "warped",
]
