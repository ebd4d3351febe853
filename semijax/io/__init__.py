"""Files: results as xarray and netCDF, checkpoints that notice a flipped bit, Hamiltonians and energies of other programs."""

from semijax.io.banddata import BandData, read_bands
from semijax.io.checkpoint import load, save
from semijax.io.dataset import to_dataset, write_netcdf
from semijax.io.lines import Points, read_band_dat, read_points
from semijax.io.meshes import Mesh, read_bxsf, read_table, write_bxsf, write_frmsf
from semijax.io.programs import cell_from_ase, from_pythtb
from semijax.io.structures import structure_from_ase, structure_from_win
from semijax.io.wannier90 import Win, read_labelinfo, read_wannier90, read_win

__all__ = [
    "BandData",
    "Mesh",
    "Points",
    "Win",
    "cell_from_ase",
    "from_pythtb",
    "load",
    "read_band_dat",
    "read_bands",
    "read_bxsf",
    "read_labelinfo",
    "read_points",
    "read_table",
    "read_wannier90",
    "read_win",
    "save",
    "structure_from_ase",
    "structure_from_win",
    "to_dataset",
    "write_bxsf",
    "write_frmsf",
    "write_netcdf",
]
