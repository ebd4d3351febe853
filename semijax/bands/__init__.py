"""Bands: any E(k) (Band), the closed forms of the textbooks, and bands of Hamiltonians: models, Wannier functions."""

from semijax.bands import materials, models
from semijax.bands.band import Band
from semijax.bands.bloch import bloch
from semijax.bands.dirac import graphene, massive_dirac
from semijax.bands.fourier import fourier
from semijax.bands.library import cosine, ellipsoidal, kane, parabolic, superlattice, tight_binding, warped
from semijax.bands.refinement import refinement
from semijax.bands.sampled import sampled
from semijax.bands.smoothing import smoothed
from semijax.bands.stars import rotations_of, stars
from semijax.bands.structure import Structure
from semijax.bands.tabulate import tabulate
from semijax.bands.wannier import wannier

__all__ = [
    "Band",
    "Structure",
    "bloch",
    "cosine",
    "ellipsoidal",
    "fourier",
    "graphene",
    "kane",
    "massive_dirac",
    "materials",
    "models",
    "parabolic",
    "refinement",
    "rotations_of",
    "sampled",
    "smoothed",
    "stars",
    "superlattice",
    "tabulate",
    "tight_binding",
    "wannier",
    "warped",
]
