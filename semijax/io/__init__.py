"""Files: results as xarray and netCDF, checkpoints that notice a flipped bit."""

from semijax.io.checkpoint import load, save
from semijax.io.dataset import to_dataset, write_netcdf

__all__ = ["load", "save", "to_dataset", "write_netcdf"]
