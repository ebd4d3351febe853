"""What the constructors of bands refuse: one line each, naming the band, the key, the value and what is allowed."""

import math

import numpy as np
import pytest

from semijax import bands
from semijax._types import SemijaxError


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: bands.parabolic(0.0), "parabolic: mass = 0.0: allowed is a number > 0"),
        (lambda: bands.parabolic(-0.2), "parabolic: mass = -0.2: allowed"),
        (lambda: bands.parabolic(math.nan), "parabolic: mass = nan: allowed"),
        (lambda: bands.parabolic("light"), "parabolic: mass = 'light': allowed"),
        (lambda: bands.parabolic(True), "parabolic: mass = True: allowed"),
        (lambda: bands.parabolic([0.1, 0.2]), r"parabolic: mass = \[0.1, 0.2\]: allowed"),
        (lambda: bands.parabolic(0.2, math.inf), "parabolic: minimum = inf: allowed is a finite number"),
        (lambda: bands.parabolic(0.2, dimension=4), "parabolic: dimension = 4: allowed are 1, 2, 3"),
        (lambda: bands.ellipsoidal([0.1, 0.2, 0.0]), r"ellipsoidal: masses = \[0.1, 0.2, 0.0\]: allowed"),
        (lambda: bands.ellipsoidal(0.3), r"ellipsoidal: masses has shape \(\): allowed is \(1,\) or \(2,\) or \(3,\)"),
        (lambda: bands.ellipsoidal([0.1] * 4), r"ellipsoidal: masses has shape \(4,\): allowed"),
        (lambda: bands.ellipsoidal([0.1, 0.2], axes=np.eye(3)), r"ellipsoidal: axes has shape \(3, 3\): allowed is \(2, 2\)"),
        (lambda: bands.ellipsoidal([0.1, 0.2], axes=[[1, 0], [1, 1]]), "ellipsoidal: axes = .* right angles"),
        (lambda: bands.ellipsoidal([0.1, 0.2], axes=[[0, 0], [0, 0]]), "ellipsoidal: axes = .* right angles"),
        (lambda: bands.ellipsoidal([0.1, 0.2], center=[0.0]), r"ellipsoidal: center has shape \(1,\): allowed is \(2,\)"),
        (lambda: bands.kane(0.063, -0.1), "kane: alpha = -0.1: allowed is a number ≥ 0"),
        (lambda: bands.warped(4.0, 3.0, 8.0), r"warped: A = 4.0: allowed is a number > sqrt\(B² \+ C²/3\)"),
        (lambda: bands.warped(-4.0, 1.0, 1.0, "light"), "warped: A = -4.0: allowed"),
        (lambda: bands.warped(4.0, 1.0, 1.0, "spin"), "warped: kind = 'spin': allowed are 'heavy', 'light'"),  # pyright: ignore
        (lambda: bands.cosine(0.0, 100.0), "cosine: bandwidth = 0.0: allowed"),
        (lambda: bands.cosine(0.01, -1.0), "cosine: period = -1.0: allowed"),
        (lambda: bands.superlattice(0.018, 114.0, 0.0), "superlattice: mass = 0.0: allowed"),
        (lambda: bands.tight_binding({}), "tight_binding: hoppings = {}: allowed is a dictionary"),
        (lambda: bands.tight_binding({(1.0, 0.0): 1.0, (1.0,): 2.0}), "tight_binding: vectors = .* tuples R of one length"),
        (lambda: bands.tight_binding({1.0: 1.0}), "tight_binding: vectors = .* tuples R of one length"),  # pyright: ignore
        (lambda: bands.tight_binding({(1.0, 0.0): math.nan}), r"tight_binding: hoppings = \[nan\]: allowed"),
        (lambda: bands.tight_binding({(1.0, 0.0): "t"}), "tight_binding: hoppings = .* allowed"),  # pyright: ignore
        (
            lambda: bands.tight_binding({(1.5,): 1.0}, lattice=[[1.0]]),
            r"R = \(1.5,\): allowed are whole-number sums",
        ),
        (lambda: bands.tight_binding({(1.0, 1.0): 1.0}, lattice=[[1.0, 0.0]]), r"tight_binding: R = \(1.0, 1.0\): allowed"),
        (lambda: bands.tight_binding({(1.0,): 1.0}, lattice=[[1.0, 0.0]]), "Band: dimension = 1: allowed is 2"),
        (lambda: bands.graphene(overlap=0.34), "graphene: overlap = 0.34: allowed is a number < 1/3"),
        (lambda: bands.graphene(hopping=-3.0), "graphene: hopping = -3.0: allowed"),
        (lambda: bands.graphene(sign=0), "graphene: sign = 0: allowed are 1, -1"),
        (lambda: bands.massive_dirac(0.0, 3.5), "massive_dirac: gap = 0.0: allowed"),
        (lambda: bands.massive_dirac(1.0, 3.5, valley=2), "massive_dirac: valley = 2: allowed are 1, -1"),
        (lambda: bands.Band(lambda p, k: 0.0, lattice=[[1.0, 0.0], [2.0, 0.0]]), "Band: lattice = .* independent rows"),
        (lambda: bands.Band(3.0), "Band: energy = 3.0: allowed is a function"),  # pyright: ignore
    ],
)
def test_constructors_refuse_in_one_line(build, message):
    with pytest.raises(SemijaxError, match=message) as error:
        build()
    assert "\n" not in str(error.value)
