"""survey: what a Hamiltonian in Wannier functions holds: extrema and masses, gaps, density of states, paths; plain float64 NumPy."""

from semijax.survey.density import Density, density_of_states
from semijax.survey.extrema import Extremum, extrema
from semijax.survey.gaps import Filling, Gap, direct_gap, filling
from semijax.survey.local import Local, Matrices
from semijax.survey.paths import Leg, Line, line, standard_path
from semijax.survey.places import Symmetry, symmetry

__all__ = [
    "Density",
    "Extremum",
    "Filling",
    "Gap",
    "Leg",
    "Line",
    "Local",
    "Matrices",
    "Symmetry",
    "density_of_states",
    "direct_gap",
    "extrema",
    "filling",
    "line",
    "standard_path",
    "symmetry",
]
