"""plot: pictures of bands, runs and phase space; functions of arrays that return matplotlib Axes (`with plot.style(): ...`)."""

from semijax.plot.bandlines import band_lines
from semijax.plot.brillouin import brillouin_zone
from semijax.plot.clouds import real_space_cloud, zone_cloud
from semijax.plot.ellipsoids import energy_ellipsoid, orbit_3d
from semijax.plot.emission import spectrum
from semijax.plot.energy import band, bands_and_mass
from semijax.plot.fitted import convergence, fitted
from semijax.plot.house import save, style
from semijax.plot.minibands import miniband_with_occupation, occupation_map
from semijax.plot.orbits import fermi_orbit, k_orbits, pair_tracks
from semijax.plot.patches import phase_space_patch
from semijax.plot.series import current_density, drift, energy_drift, liouville, time_series
from semijax.plot.surfaces import fermi_surface
from semijax.plot.sweeps import drift_against_field, frequency_against_field

__all__ = [
    "band",
    "band_lines",
    "bands_and_mass",
    "brillouin_zone",
    "convergence",
    "current_density",
    "drift",
    "drift_against_field",
    "energy_drift",
    "energy_ellipsoid",
    "fermi_orbit",
    "fermi_surface",
    "fitted",
    "frequency_against_field",
    "k_orbits",
    "liouville",
    "miniband_with_occupation",
    "occupation_map",
    "orbit_3d",
    "pair_tracks",
    "phase_space_patch",
    "real_space_cloud",
    "save",
    "spectrum",
    "style",
    "time_series",
    "zone_cloud",
]
