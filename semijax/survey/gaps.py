"""Gaps: how many bands a level fills, and the direct and indirect gaps above them."""

from typing import NamedTuple

import numpy as np

from semijax.survey.density import density_of_states
from semijax.survey.extrema import newton
from semijax.survey.local import Matrices
from semijax.survey.places import Symmetry

_WHOLE = 0.05  # of a band: what a level at a band edge, or in a semimetal's small pockets, is off a whole number of filled bands


class Filling(NamedTuple):
    """Filled bands below a level: how many per cell (spin not counted), and whether that is a whole number, up to 0.05."""

    bands: float
    whole: int | None


class Gap(NamedTuple):
    """The smallest E_n(k) − E_{n−1}(k), eV, at k [d], fractional; refined: whether Newton's method came to an end there; count: of places
    the same by symmetry.
    """

    energy: float
    k: np.ndarray
    count: int
    refined: bool


def filling(mesh: np.ndarray, level: float, reciprocal=None) -> Filling:
    """How many bands of energies [n ... bands] on a mesh a level [eV] fills, by linear interpolation (`density_of_states`)."""
    filled = float(density_of_states(mesh, [level - 1.0, level], reciprocal).below[1])
    whole = round(filled)
    return Filling(filled, whole if abs(filled - whole) < _WHOLE and 0 < whole < mesh.shape[-1] else None)


def direct_gap(matrices: Matrices, mesh: np.ndarray, bands: int, of: Symmetry) -> Gap:
    """The smallest direct gap above `bands` filled bands, found on a mesh of energies [n ... bands], refined where no others touch."""
    gaps = mesh[..., bands] - mesh[..., bands - 1]
    place = np.unravel_index(int(gaps.argmin()), gaps.shape)
    k = np.array(place) / mesh.shape[0]
    local = matrices.local(k)
    done = False
    if len(local.group(bands)) == len(local.group(bands - 1)) == 1:

        def slope(k):
            local = matrices.local(k)
            return local.slope(bands) - local.slope(bands - 1)

        def hessian(k):
            local = matrices.local(k)
            return local.hessian(bands) - local.hessian(bands - 1)

        k, done = newton(slope, hessian, matrices, k, 1, 1 / mesh.shape[0])
        local = matrices.local(k)
    energy = float(local.energies[bands] - local.energies[bands - 1])
    return Gap(energy, k - np.round(k), len(of.star(k)), done)
