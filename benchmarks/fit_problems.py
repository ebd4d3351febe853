"""Fits that are timed: masses of germanium (2 parameters), tight binding of silicon (8 and 20), each with a box to begin in."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax import bands, fits
from semijax._pytree import replace
from semijax.io import read_bands

BANDS = Path(__file__).parent.parent / "tests" / "data" / "si" / "si_dft_bands.npz"
EVERY = 8  # of the k of the path; 21 are left


@dataclass(frozen=True)
class Problem:
    """A model of x [p], data, the box [p 2] starts are drawn in, and the least loss ½ χ² that anybody has found."""

    name: str
    title: str
    build: Callable[[Any], Any]
    data: Any
    box: np.ndarray
    best: float

    @property
    def count(self) -> int:
        """Parameters."""
        return len(self.box)

    @property
    def wanted(self) -> float:
        """The loss at which a search is over: within 1 % of the best."""
        return 1.01 * self.best

    def model(self, x: Any) -> fits.Model:
        """What sj.least_squares is given."""
        return fits.Model(self.build, {"x": x})

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """x [p] from the box, uniformly."""
        return rng.uniform(*self.box.T)


def germanium() -> Problem:
    """Two masses from forty cyclotron masses in ten directions of B, with half a percent of noise."""
    valleys = [[1, 1, 1], [1, -1, 1], [-1, 1, 1], [-1, -1, 1]]
    angle = np.radians(np.arange(0, 91, 10))
    directions = np.stack([np.sin(angle) / np.sqrt(2), np.sin(angle) / np.sqrt(2), np.cos(angle)], axis=1)
    exact = fits.cyclotron_masses(directions, np.ones((10, 4)), valleys=valleys).predicted(_ellipsoid({"x": [1.588, 0.08152]}))
    seen = np.asarray(exact) * (1 + 0.005 * np.random.default_rng(7).normal(size=(10, 4)))
    data = fits.cyclotron_masses(directions, seen, valleys=valleys, sigma=0.005)
    return Problem("germanium", "Ge: two cyclotron masses", _ellipsoid, data, np.array([[0.3, 3.0], [0.02, 0.5]]), 12.8624)


def vogl() -> Problem:
    """sp³s* of nearest neighbours, of whose ten numbers Vogl's model has eight, to valence bands and, at a fifth, the next one."""
    x = {"pp_pi": -0.7, "pp_sigma": 2.7, "s*p_sigma": 2.3, "sp_sigma": 2.5, "ss_sigma": -2.0}
    middle = {f"hopping.Si-Si-1.{kind}": (value, abs(value) / 2) for kind, value in x.items()}
    middle |= {f"onsite.Si.{kind}": (value, 2.0) for kind, value in {"p": 1.7, "s": -4.2, "s*": 6.7}.items()}
    return _silicon("vogl", "Si: sp³s*, nearest neighbours", {"s*": 6.7}, 1, middle, 5, 2.56879)


def distant() -> Problem:
    """sp³ to fifth neighbours without two of the smallest integrals, to valence bands."""
    near = {"pp_pi": -0.8, "pp_sigma": 6.3, "sp_sigma": 1.7, "ss_sigma": -1.3}
    middle = {f"hopping.Si-Si-1.{kind}": (value, 0.6) for kind, value in near.items()}
    middle |= {"onsite.Si.p": (5.6, 0.6), "onsite.Si.s": (-6.4, 0.6)}
    far = {"2.pp_pi": -0.3, "2.pp_sigma": 0.3, "2.sp_sigma": 0.2, "3.pp_pi": -0.1, "3.pp_sigma": -0.2}
    for shell in (2, 3, 4, 5):
        for kind in near:
            middle[f"hopping.Si-Si-{shell}.{kind}"] = far.get(f"{shell}.{kind}", 0.0), 0.3
    del middle["hopping.Si-Si-5.pp_pi"], middle["hopping.Si-Si-5.ss_sigma"]
    return _silicon("distant", "Si: sp³, five shells", {}, 5, middle, 4, 0.0245606)


def _ellipsoid(p: Any) -> Any:
    return bands.ellipsoidal([p["x"][1], p["x"][1], p["x"][0]])


def _silicon(name: str, title: str, more: dict, shells: int, middle: dict, count: int, best: float) -> Problem:
    """middle: {name: (middle of the box, half its width)} of the parameters; others are zero. count: bands of the data."""
    dft = read_bands(BANDS)
    crystal = bands.Structure.fractional(dft.lattice, ("Si", "Si"), [[0, 0, 0], [-0.25, 0.75, -0.25]])
    hamiltonian = bands.models.slater_koster(crystal, {"Si": {"s": -4.2, "p": 1.7, **more}}, shells)
    paths, _ = jax.tree_util.tree_flatten_with_path(hamiltonian.params)
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]
    free = np.array([i for i, one in enumerate(names) if one in middle])
    box = np.array([[middle[names[i]][0] + sign * middle[names[i]][1] for sign in (-1, 1)] for i in free])
    tree = jax.flatten_util.ravel_pytree(hamiltonian.params)[1]

    def build(p):
        return replace(hamiltonian, params=tree(jnp.zeros(len(names)).at[free].set(p["x"])))

    energies = (dft.energies - dft.fermi)[::EVERY, :count]
    weight = np.broadcast_to(np.where(np.arange(count) < 4, 1.0, 0.04), energies.shape)
    return Problem(name, title, build, fits.energies(dft.cartesian[::EVERY], energies, weight=weight), box, best)


@functools.cache
def problems() -> dict[str, Problem]:
    """All, by name."""
    return {one.name: one for one in (germanium(), vogl(), distant())}
