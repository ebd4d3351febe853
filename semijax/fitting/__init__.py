"""Fitting: `semijax fit fit.toml`, from the file to tables, figures and a record of the fit."""
