"""Band: derivatives, periods, precision, signs, programs, and what a user is told whose E(k) breaks its contract."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library import LIBRARY, derivatives, points

from semijax import bands
from semijax._types import SemijaxError, UserCodeError
from semijax.bands.contract import check_finite
from semijax.units import HBAR, HBAR2_M0

ALL = pytest.mark.parametrize("band", LIBRARY.values(), ids=LIBRARY.keys())


EPS32 = float(np.finfo(np.float32).eps)


# -- derivatives and periods ------------------------------------------------------------------------------------------------


@jax.jit
def differences(band, k, h):
    """v and 1/m at k [n d] by central differences of fourth order: error h⁴f⁽⁵⁾/30."""

    def slope(f, q):
        shifts = h * jnp.eye(q.shape[0])
        one, two = (jax.vmap(lambda s, m=m: f(q + m * s) - f(q - m * s))(shifts) for m in (1, 2))
        return (8 * one - two) / (12 * h) / HBAR

    return jax.vmap(lambda q: (slope(band, q), slope(band.velocity, q)))(k)


@ALL
def test_derivatives_against_central_differences(band):
    # With ha ~ 1e-3, a the longest lattice vector (or 1 Å), (ha)⁴/30 ~ 3e-14 of the derivative; rounding 1e-16/ha ~ 1e-13 of
    # the terms E sums up, up to 50 times E itself for k = 0.3 in a superlattice plane and away from a valley
    # (the warped bands' scale is |k| > 0.03 itself: (h/k)⁴ ~ 5e-10/30)
    h = 2e-4 if band.lattice is None else 1e-3 / np.abs(band.lattice).max()
    k = points(band)
    _, v, W = derivatives(band, k)
    by_difference = differences(band, k, h)
    np.testing.assert_allclose(v, by_difference[0], atol=1e-10 * jnp.abs(v).max())
    np.testing.assert_allclose(W, by_difference[1], atol=1e-10 * jnp.abs(W).max())
    np.testing.assert_allclose(W, jnp.swapaxes(W, 1, 2), atol=1e-14 * jnp.abs(W).max())


@ALL
def test_periodic_where_it_has_a_lattice(band):
    if band.lattice is None:
        assert band.reciprocal is None
        return
    # phases up to 114·(0.3 + 3·0.06) ~ 50 round by 7e-15
    k = points(band)
    here = derivatives(band, k)
    for G in band.reciprocal:
        for found, expected in zip(derivatives(band, k + 3 * G[None]), here):
            np.testing.assert_allclose(found, expected, atol=1e-13 * jnp.abs(expected).max())


@st.composite
def tight_binding_bands(draw):
    d = draw(st.integers(1, 3))
    number = st.floats(-1.0, 1.0)
    lattice = 4.0 * np.eye(d) + np.array([[draw(number) for _ in range(d)] for _ in range(d)])
    whole = draw(st.lists(st.tuples(*[st.integers(-3, 3)] * d), min_size=6, max_size=6, unique=True))
    hoppings = {tuple((np.array(n) @ lattice).tolist()): draw(number) for n in whole}
    k = jnp.array([draw(number) for _ in range(d)])
    return bands.tight_binding(hoppings, draw(number), lattice), k[None]


@given(tight_binding_bands())
@settings(max_examples=20, deadline=None)
def test_any_tight_binding_band(band_and_k):
    # |t| ≤ 1 in 6 terms, |R| ≤ 3·√3·5·√3 = 45 Å, h = 1e-5: h⁴R⁵/30 ~ 6e-14 of 45⁵·6 is below rounding, 1e-15·6/h ~ 1e-9 in dE/dk,
    # and 45 times that in the Hessian; periods to the rounding of phases ~ 100
    band, k = band_and_k
    E, v, W = derivatives(band, k)
    by_difference = differences(band, k, 1e-5)
    np.testing.assert_allclose(v, by_difference[0], atol=1e-8)
    np.testing.assert_allclose(W, by_difference[1], atol=1e-6)
    np.testing.assert_allclose(W, jnp.swapaxes(W, 1, 2), atol=1e-11)
    for G in band.reciprocal:
        shifted = derivatives(band, k + G[None])
        np.testing.assert_allclose(shifted[0], E, atol=1e-12)
        np.testing.assert_allclose(shifted[1], v, atol=1e-10)


@ALL
def test_float32_stays_float32_and_close(band):
    # phases up to 0.3·114 = 34 round by 17 eps relative to 1; everything else is within some ten roundings
    k = points(band).astype(jnp.float32)
    for found, truth in zip(derivatives(band, k), derivatives(band, k.astype(jnp.float64))):
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, truth, atol=40 * EPS32 * float(jnp.abs(truth).max()))


# -- signs ------------------------------------------------------------------------------------------------------------------


@jax.jit
def everything(band, k):
    return band(k), band.velocity(k), band.inverse_mass(k), band.berry_curvature(k), band.orbital_moment(k)


@pytest.mark.parametrize("name", ["ellipsoidal", "warped heavy", "superlattice", "massive Dirac lower"])
def test_negated_and_reflected(name):
    band = LIBRARY[name]
    k = points(band)[0]
    E, v, W, curvature, moment = everything(band, -k)
    # a hole of the state −k: v_h = v_v, M_h = −M_v, m·B is part of the energy; the species turns Ω
    expected = (-E, v, -W, curvature, -moment)
    for found, truth in zip(everything((-band).reflected(), k), expected):
        np.testing.assert_allclose(found, truth, rtol=1e-13, atol=1e-300)
    for found, truth in zip(everything(-band, -k), (-E, -v, -W, curvature, -moment)):
        np.testing.assert_allclose(found, truth, rtol=1e-13, atol=1e-300)


@ALL
def test_negating_twice_is_the_same_program(band):
    negative = -band
    back = -negative
    assert (back.energy, back.moment, back.law) == (band.energy, band.moment, band.law)
    assert jax.tree.structure(back) == jax.tree.structure(band)


@pytest.mark.parametrize(
    "build",
    [
        lambda m: bands.parabolic(m),
        lambda m: bands.kane(m, 0.5, dimension=2),
        lambda m: -bands.superlattice(m, 100.0, 0.1),
        lambda m: (-bands.cosine(m, 100.0)).reflected(),
        lambda m: bands.massive_dirac(m, 3.0, valley=-1, sign=-1),
        lambda m: bands.tight_binding({(m,): 0.3}),
        lambda m: bands.ellipsoidal([m]),
    ],
)
def test_the_same_band_with_other_numbers_is_the_same_program(build):
    traces = []

    @jax.jit
    def velocity(band, k):
        traces.append(1)
        return band.velocity(k)

    k = jnp.full(build(0.2).dimension, 0.01)
    assert not jnp.allclose(velocity(build(0.2), k), velocity(build(0.3), k))
    assert len(traces) == 1


# -- numbers as leaves ------------------------------------------------------------------------------------------------------


def test_every_number_can_be_differentiated_and_swept():
    k = jnp.array([0.01, 0.02, 0.03])
    slope = jax.grad(lambda m: bands.parabolic(m)(k))(0.2)
    np.testing.assert_allclose(slope, -bands.parabolic(0.2)(k) / 0.2, rtol=1e-12)
    # integers become floats
    by_band = jax.grad(lambda band: band(k))(bands.parabolic(1))
    np.testing.assert_allclose(by_band.params["mass"], -bands.parabolic(1.0)(k), rtol=1e-12)
    periods = jnp.array([100.0, 114.0])
    many = jax.vmap(lambda d: bands.superlattice(0.018, d, 0.067))(periods)
    np.testing.assert_allclose(many.lattice[:, 0, 2], periods)
    np.testing.assert_allclose(many.reciprocal[:, 0, 2], 2 * math.pi / periods, rtol=1e-14)
    np.testing.assert_allclose(jax.vmap(lambda b: b(k))(many)[1], bands.superlattice(0.018, 114.0, 0.067)(k), rtol=1e-14)
    by_hop = jax.grad(lambda t: bands.tight_binding({(3.0, 0.0): t, (0.0, 3.0): 0.5})(k[:2]))(1.0)
    np.testing.assert_allclose(by_hop, math.cos(0.03), rtol=1e-14)
    by_bond = jax.grad(lambda b: bands.graphene(bond=b)(k[:2]))(1.42)
    assert jnp.isfinite(by_bond)


def test_ellipsoid_takes_axes_of_any_length_and_a_centre():
    axes = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])
    band = bands.ellipsoidal([0.9, 0.2, 0.2], axes, center=[0.1, 0.2, 0.3], minimum=1.0)
    for axis, mass in zip(axes / np.linalg.norm(axes, axis=1, keepdims=True), [0.9, 0.2, 0.2]):
        k = jnp.asarray([0.1, 0.2, 0.3] + 0.05 * axis)
        np.testing.assert_allclose(band(k), 1.0 + HBAR2_M0 * 0.05**2 / (2 * mass), rtol=1e-12)
        np.testing.assert_allclose(band.effective_mass(k) @ axis, mass * axis, rtol=1e-12, atol=1e-14)


# -- what is refused


def branching(params, k):
    return k[0] if k[0] > 0 else -k[0]


@pytest.mark.parametrize(
    ("energy", "k", "message"),
    [
        (lambda p, k: k * 2.0, jnp.ones(3), r"returns shape \(3,\) for k of shape \(3,\): allowed is a scalar"),
        (lambda p, k: jax.lax.complex(k[0], k[1]), jnp.ones(3), "returns complex128: allowed is a real energy"),
        (lambda p, k: jnp.sum(k), jnp.ones((5, 3)), r"k has shape \(5, 3\): allowed is one wavevector"),
    ],
)
def test_a_users_band_that_breaks_its_contract_is_named(energy, k, message):
    band = bands.Band(energy)
    for call in (band, jax.jit(band)):
        with pytest.raises(UserCodeError, match=message):
            call(k)


def test_branching_on_k_is_explained_in_the_users_words():
    with pytest.raises(UserCodeError, match=r"band: branching\(params, k\) uses the value of k in Python .* jnp.where"):
        jax.jit((-bands.Band(branching)).velocity)(jnp.ones(2))


def test_a_nan_is_found_and_located():
    band = bands.Band(lambda p, k: jnp.sqrt(k[0] - 0.5))
    with pytest.raises(UserCodeError, match=r"E\(k\) of .* is not finite at k = \[0.25, 0.0\]"):
        check_finite(band, jnp.array([[1.0, 0.0], [0.25, 0.0]]))
    with pytest.raises(UserCodeError, match=r"its gradient of .* is not finite at k = \[0.5, 0.0\]"):
        check_finite(band, jnp.array([[1.0, 0.0], [0.5, 0.0]]))


@ALL
def test_a_wavevector_of_another_dimension_is_refused(band):
    with pytest.raises(SemijaxError, match=r"band: k has shape \(4,\): allowed is"):
        band(jnp.ones(4))
