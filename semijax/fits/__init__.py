"""Fits: band parameters from data, with errors; kinds of data, least squares, descent on any loss, and many fits at once."""

from semijax.fits.batches import many
from semijax.fits.descent import fit
from semijax.fits.least import least_squares
from semijax.fits.levels import energies
from semijax.fits.local import bloch_frequencies, cyclotron_masses, filling, masses, velocities
from semijax.fits.measured import Measured, measured, misfit, residuals
from semijax.fits.model import Model
from semijax.fits.motion import current, drift, ensemble, over_zone, steady_drift
from semijax.fits.parameters import restarted
from semijax.fits.resampling import bootstrap, copies
from semijax.fits.result import Fit, one

__all__ = [
    "Fit",
    "Measured",
    "Model",
    "bloch_frequencies",
    "bootstrap",
    "copies",
    "current",
    "cyclotron_masses",
    "drift",
    "energies",
    "ensemble",
    "filling",
    "fit",
    "least_squares",
    "many",
    "masses",
    "measured",
    "misfit",
    "one",
    "over_zone",
    "residuals",
    "restarted",
    "steady_drift",
    "velocities",
]
