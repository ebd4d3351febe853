"""Boltzmann laws conserve probability, know their signs, and are data: other numbers are the same program."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library import HOLES, ROOM, UNIFORM, drawn, law_of
from scipy import special

from semijax import bands
from semijax._types import SemijaxError
from semijax.units import HBAR2_M0, KB, MEV

# -- probability is conserved -------------------------------------------------------------------------------------------------

CONSERVING = {
    # name: band, kT, log of the partition function ∫ exp(−E/kT) d^dk, tolerance of the density
    "parabolic 1D": (bands.parabolic(0.2, dimension=1), ROOM, 0.5 * math.log(2 * math.pi * 0.2 * ROOM / HBAR2_M0), 1e-13),
    "parabolic 3D": (bands.parabolic(0.2), ROOM, 1.5 * math.log(2 * math.pi * 0.2 * ROOM / HBAR2_M0), 1e-13),
    "ellipsoidal": (
        bands.ellipsoidal([0.19, 0.3, 0.92], [[1, 1, 1], [1, -1, 0], [1, 1, -2]], [0.1, 0.2, 0.9]),
        ROOM,
        1.5 * math.log(2 * math.pi * ROOM / HBAR2_M0) + 0.5 * math.log(0.19 * 0.3 * 0.92),
        1e-13,
    ),
    # in the plane as above, along z 2π/d exp(−β) I0(β)
    "superlattice": (
        bands.superlattice(18 * MEV, 114.0, 0.067),
        10 * KB,
        math.log(2 * math.pi * 0.067 * 10 * KB / HBAR2_M0 * 2 * math.pi / 114 * special.i0e(9 * MEV / (10 * KB))),
        1e-10,
    ),
    "kane 2D": (
        bands.kane(0.063, 0.61, dimension=2),
        ROOM,
        math.log(2 * math.pi * 0.063 * ROOM / HBAR2_M0 * (1 + 2 * 0.61 * ROOM)),
        1e-13,
    ),
    # Jüttner: with p = ħk sqrt(2α/m), E + 1/2α = sqrt(1 + p²)/2α and ∫ p² exp(−b sqrt(1 + p²)) dp = K2(b)/b, b = 1/2αkT
    "kane 3D": (
        bands.kane(0.063, 0.61),
        ROOM,
        math.log(4 * math.pi * (0.063 / (1.22 * HBAR2_M0)) ** 1.5 * special.kve(2, 1 / (1.22 * ROOM)) * 1.22 * ROOM),
        1e-11,
    ),
    "kane 3D, hot": (bands.kane(0.0135, 4.25), 0.2, None, 1e-8),
    # 2π kT (Δ + kT)/(ħv)² exp(−Δ/kT)
    "massive Dirac": (
        bands.massive_dirac(1e-4, 3.5),
        ROOM,
        math.log(2 * math.pi * ROOM * (5e-5 + ROOM) / 3.5**2) - 5e-5 / ROOM,
        1e-12,
    ),
    "massive Dirac holes": (
        -bands.massive_dirac(1.66, 3.51, sign=-1),
        ROOM,
        math.log(2 * math.pi * ROOM * (0.83 + ROOM) / 3.51**2) - 0.83 / ROOM,
        1e-12,
    ),
    **{
        f"{kind} holes, {name}": (-bands.warped(*HOLES[name], kind=kind), ROOM, None, tolerance)
        for name, kind, tolerance in [("Ge_DKK55", "heavy", 2e-7), ("Si_Lawaetz", "heavy", 1e-5)]
    },
}


@jax.jit
def log_product(band, law, kT, u):
    return jax.vmap(lambda u: jnp.linalg.slogdet(jax.jacfwd(law)(u))[1] - band(law(u)) / kT)(u)


@pytest.mark.parametrize("name", CONSERVING)
def test_density_times_volume_is_the_partition_function_everywhere(name):
    """exp(−E/kT) |det ∂k/∂u| = Z: the law is exact, without any statistics. Tolerances are those the laws document."""
    band, kT, log_z, tolerance = CONSERVING[name]
    law = law_of(band, kT)
    assert law.count == band.dimension
    found = np.asarray(log_product(band, law, kT, jnp.asarray(UNIFORM[:, : law.count])))
    np.testing.assert_allclose(found, np.median(found) if log_z is None else log_z, rtol=0, atol=tolerance)


# -- signs --------------------------------------------------------------------------------------------------------------------


def test_the_law_of_minus_e_is_that_of_negative_kT():
    band = bands.cosine(18 * MEV, 114.0)
    low, high = (drawn(law_of(b, 20 * KB), UNIFORM[:, :1]) for b in (band, -band))
    # holes of a cosine gather at the zone boundary
    np.testing.assert_allclose(np.cos(114 * high), -np.cos(114 * low), atol=1e-12)
    assert np.abs(high).max() <= math.pi / 114 * (1 + 1e-12)
    np.testing.assert_array_equal(drawn(law_of((-band).reflected(), 20 * KB), UNIFORM[:, :1]), -high)


def test_minus_a_law_is_its_mirror_image():
    law = law_of(bands.ellipsoidal([0.2, 0.3], center=[0.3, 0.4]))
    np.testing.assert_array_equal(drawn(-law, UNIFORM[:, :2]), -drawn(law, UNIFORM[:, :2]))
    mirrored = -law
    assert (-mirrored).transport == law.transport


@pytest.mark.parametrize(
    ("band", "message"),
    [
        (-bands.parabolic(0.2), "parabolic: kT = -0.02585.* eV in .*: allowed is kT > 0, as E has no maximum"),
        (-bands.kane(0.2, 0.5), "kane: kT"),
        (-bands.ellipsoidal([0.2]), "ellipsoidal: kT"),
        (-bands.superlattice(0.018, 114.0, 0.067), "superlattice: kT"),
        (bands.warped(13.0, 8.9, 10.3), "warped: kT = 0.02585.* allowed is kT < 0 .* E has no minimum"),
        (bands.warped(13.0, 8.9, 10.3, "light"), "warped: kT"),
        (-bands.massive_dirac(1.0, 3.5), "massive_dirac: kT"),
        (bands.massive_dirac(1.0, 3.5, sign=-1).reflected(), "massive_dirac: kT"),
    ],
)
def test_a_law_that_cannot_be_normalised_is_refused(band, message):
    with pytest.raises(SemijaxError, match=message):
        law_of(band)


@pytest.mark.parametrize("kT", [0.0, math.nan, math.inf])
def test_a_temperature_that_is_none_is_refused(kT):
    with pytest.raises(SemijaxError, match="cosine: kT"):
        law_of(bands.cosine(0.018, 114.0), kT)


def test_two_minus_signs_give_the_law_back():
    band = -bands.superlattice(0.018, 114.0, 0.067)
    np.testing.assert_array_equal(drawn(law_of(-band), UNIFORM), drawn(law_of(bands.superlattice(0.018, 114.0, 0.067)), UNIFORM))
    assert bands.graphene().law is None
    assert (-bands.graphene()).law is None


def test_the_same_law_at_another_temperature_is_the_same_program():
    traces = []

    @jax.jit
    def draw(law, u):
        traces.append(1)
        return law(u)

    for temperature in (10.0, 300.0):
        draw(law_of((-bands.cosine(0.0016, 114.0)).reflected(), temperature * KB), jnp.array([0.3]))
    assert len(traces) == 1
