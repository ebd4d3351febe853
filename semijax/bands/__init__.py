"""Bands: any E(k) (Band), the closed forms of the textbooks, and bands of Hamiltonians: models, Wannier functions."""

from semijax.bands import materials, models
from semijax.bands.band import Band
from semijax.bands.bloch import bloch
from semijax.bands.dirac import graphene, massive_dirac
from semijax.bands.library import cosine, ellipsoidal, kane, parabolic, superlattice, tight_binding, warped
from semijax.bands.wannier import wannier

__all__ = [
    "Band",
    "bloch",
    "cosine",
    "ellipsoidal",
    "graphene",
    "kane",
    "massive_dirac",
    "materials",
    "models",
    "parabolic",
    "superlattice",
    "tight_binding",
    "wannier",
    "warped",
]
