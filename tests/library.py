"""One band of every kind, with what the tests of bands and laws ask of it, and the published cases."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from semijax import bands
from semijax.units import KB

CASES = {case["id"]: case for case in json.loads(Path(__file__).with_name("cases.json").read_text())["cases"]}
SI_VALLEY = ([0.1905, 0.1905, 0.9163], [[1, 1, 0], [1, -1, 0], [0, 0, 1]], [0.0, 0.0, 0.984], 1.12)

ROOM = 300 * KB
HOLES = CASES["HO1"]["inputs_SI"]["sets"]
UNIFORM = np.random.default_rng(11).uniform(1e-6, 1 - 1e-6, (512, 3))

LIBRARY = {
    "parabolic 1D": bands.parabolic(0.067, 0.3, dimension=1),
    "parabolic": bands.parabolic(0.067),
    "ellipsoidal": bands.ellipsoidal(*SI_VALLEY),
    "kane": bands.kane(0.063, 0.61, 0.1, dimension=2),
    "warped heavy": bands.warped(13.38, 8.48, 13.14, "heavy", 0.2),
    "warped light": bands.warped(13.38, 8.48, 13.14, "light"),
    "cosine": bands.cosine(0.018, 114.0, dimension=2),
    "superlattice": bands.superlattice(0.018, 114.0, 0.067),
    "tight binding": bands.tight_binding({(3.8, 0.0): -0.8, (0.0, 3.8): -0.8, (3.8, 3.8): 0.24}, 0.1, [[3.8, 0], [0, 3.8]]),
    "graphene": bands.graphene(3.033, overlap=0.129),
    "graphene lower": bands.graphene(sign=-1),
    "massive Dirac": bands.massive_dirac(1.66, 3.51),
    "massive Dirac lower": bands.massive_dirac(1.66, 3.51, valley=-1, sign=-1),
    "negated": -bands.superlattice(0.0016, 114.0, 0.11),
    "reflected": (-bands.ellipsoidal(*SI_VALLEY)).reflected(),
}


def points(band, n=4):
    return jnp.asarray(np.random.default_rng(4).uniform(-0.3, 0.3, (n, band.dimension)))


@jax.jit
def derivatives(band, k):
    """E [n], v [n d], 1/m [n d d] at k [n d]."""
    return jax.vmap(lambda q: (band(q), band.velocity(q), band.inverse_mass(q)))(k)


def inverse_mass(band, k):
    """1/m of one k, as float64 NumPy."""
    return np.asarray(derivatives(band, k[None])[2][0], np.float64)


def law_of(band, kT=ROOM):
    return band.law(band.params, kT)


@jax.jit
def _draw(law, u):
    return jax.vmap(law)(u)


def drawn(law, u):
    return np.asarray(_draw(law, jnp.asarray(u)))


@jax.jit
def _energies(band, k):
    return jax.vmap(band)(k)


def energies(band, k):
    return np.asarray(_energies(band, jnp.asarray(k)))
