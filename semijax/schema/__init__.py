"""The tables of a case file: their keys, types, bounds and defaults, and nothing else."""
