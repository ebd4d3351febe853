"""Every test runs in float64 on the CPU and forbids silent promotion of dtypes and ranks."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("MPLBACKEND", "agg")

import jax
from hypothesis import settings

import semijax as sj

sj.configure(devices=1, precision="float64")
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

# derandomize: the same examples on every machine, so that a red test can be run again
settings.register_profile("semijax", deadline=None, max_examples=25, derandomize=True, print_blob=True)
settings.load_profile("semijax")
