"""semijax: semiclassical dynamics of crystal electrons and holes in any band E(k), differentiable, on CPU and GPU."""

from semijax import bands, fields, fits, observables, probes, units
from semijax._types import BrokenInvariant, EMField, Phase, SemijaxError, UserCodeError
from semijax.bands.band import Band
from semijax.carriers import Carriers, at_k, pairs
from semijax.configure import configure
from semijax.dynamics import Dynamics, Species, electron, hole
from semijax.engine.chunks import prepared
from semijax.fits import Fit, fit, least_squares
from semijax.sampling import fermi_surface, packet, thermal
from semijax.scattering import with_relaxation
from semijax.simulate import Result, forecast, simulate
from semijax.steppers import dop8, euler, heun, leapfrog, midpoint, rk4, strang, yoshida4
from semijax.tangent import with_jacobian, with_volume
from semijax.timestep import suggest_dt

__version__ = "0.1.0"

__all__ = [
    "Band",
    "BrokenInvariant",
    "Carriers",
    "Dynamics",
    "EMField",
    "Fit",
    "Phase",
    "Result",
    "SemijaxError",
    "Species",
    "UserCodeError",
    "at_k",
    "bands",
    "configure",
    "dop8",
    "electron",
    "euler",
    "fermi_surface",
    "fields",
    "fit",
    "fits",
    "forecast",
    "heun",
    "hole",
    "io",
    "leapfrog",
    "least_squares",
    "midpoint",
    "observables",
    "packet",
    "pairs",
    "plot",
    "prepared",
    "probes",
    "rk4",
    "simulate",
    "strang",
    "suggest_dt",
    "thermal",
    "units",
    "with_jacobian",
    "with_relaxation",
    "with_volume",
    "yoshida4",
]


def __getattr__(name: str):
    """`sj.io` and `sj.plot` load on first use: xarray and matplotlib are no business of a simulation."""
    if name in ("io", "plot"):
        import importlib

        return importlib.import_module(f"semijax.{name}")
    raise AttributeError(f"module 'semijax' has no attribute {name!r}")
