"""Kinds of data: what each predicts, its exact Jacobian, windows, offsets and levels without labels; bad data in one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import over

import semijax as sj
from semijax import bands, fits, lattice
from semijax._types import SemijaxError
from semijax.bands import models
from semijax.fits.levels import Levels
from semijax.fits.matching import assigned
from semijax.fits.parameters import layout_of
from semijax.fits.problem import derivative, problem_of
from semijax.units import HBAR, M0

RANDOM = np.random.default_rng(5)
K3, K2, K1 = (RANDOM.uniform(-0.1, 0.1, (7, d)) for d in (3, 2, 1))
SQUARE = bands.tight_binding({(3.0, 0.0): -0.4, (0.0, 3.0): -0.5, (3.0, 3.0): 0.1}, lattice=[[3.0, 0], [0, 3.0]])
VALLEY = bands.ellipsoidal([0.19, 0.2, 0.92])
HALDANE = models.haldane(1.0, 0.12, 1.1, 0.3, bond=1.4)


def ones(*shape):
    return np.ones(shape)


KINDS = {
    "energies": (bands.kane(0.06, 0.6, 0.1), fits.energies(K3, ones(7), sigma=0.1), ()),
    "energies of several bands": (HALDANE, fits.energies(K2, ones(7, 2), sigma=0.1, offset="free"), "bond"),
    "sorted energies": (
        (VALLEY, bands.parabolic(0.3, 0.01)),
        fits.energies(K3, ones(7, 2), sigma=0.1, match="sorted"),
        (),
    ),
    "nearest energies": (HALDANE, fits.energies(K2, ones(7), sigma=0.1, match="nearest"), "bond"),
    "velocities": (bands.warped(4.3, 0.3, 4.0), fits.velocities(K3, ones(7, 3), sigma=0.1), "maximum"),
    "masses": (VALLEY, fits.masses(K3, np.tile(np.eye(3), (7, 1, 1)), sigma=0.01), ()),
    "masses along": (bands.kane(0.06, 0.6), fits.masses(K3, ones(7), along=ones(7, 3), sigma=0.01), "minimum"),
    "cyclotron masses": (VALLEY, fits.cyclotron_masses(K3, ones(7), sigma=0.01), "minimum"),
    "Bloch frequencies": (bands.cosine(0.02, 90.0), fits.bloch_frequencies(ones(3), ones(3), sigma=0.1), "bandwidth"),
    "filling": (SQUARE, fits.filling(SQUARE.lattice, 12, 0.5, -0.4, 1500.0, sigma=0.01), "vectors"),
    "a scale and a power": (
        {"power": 1.7},
        fits.measured(lambda p, slope: jnp.arange(1.0, 5.0) ** p["power"] + slope, ones(4), scale=2.0, extra={"slope": 0.3}),
        (),
    ),
}


@pytest.mark.parametrize(("band", "data", "frozen"), KINDS.values(), ids=KINDS)
def test_jacobians_are_those_of_central_differences(band, data, frozen):
    problem, _ = problem_of("test", fits.residuals, band, data, bounds=None, frozen=frozen, priors=None)
    x = np.asarray(problem.layout.start(problem.leaves), float)
    # truncation h² f'''/6f'' and rounding ε/h: both below 1e-9 at h = 1e-5 of a parameter, of functions as smooth as these
    h = 1e-5 * np.maximum(1.0, np.abs(x))
    around = jnp.asarray(np.concatenate([x + np.diag(h), x - np.diag(h)]))

    @jax.jit
    def all_of_it(x, around):
        modes = ("forward", "reverse") if isinstance(data.predict, Levels) else ("forward",)
        slopes = [derivative(problem.residuals, x, mode)[1] for mode in modes]
        return slopes, jax.vmap(problem.residuals)(around)

    exact, values = jax.device_get(all_of_it(jnp.asarray(x), around))
    numeric = ((values[: len(x)] - values[len(x) :]) / (2 * h)[:, None]).T
    for slopes in exact:
        assert (np.abs(slopes - numeric).max(axis=0) <= 1e-6 * np.abs(numeric).max(axis=0)).all()


def predictions(*pairs):
    """What data say of bands, in one program."""
    return jax.device_get(jax.jit(lambda pairs: [data.predicted(band) for data, band in pairs])(pairs))


def test_predictions_are_those_of_the_band():
    levels = np.linalg.eigvalsh(np.asarray(over(HALDANE.matrix_at)(jnp.asarray(K2))))
    half = bands.tight_binding({(3.0, 0.0): 1.0, (0.0, 3.0): 1.0})
    along, flat = fits.masses(np.zeros((2, 3)), ones(2), along=[[0, 0, 2.0], [1.0, 1.0, 0]]), np.tile(np.eye(3), (7, 1, 1))
    of = [
        (fits.velocities(K3, ones(7, 3)), VALLEY),
        (fits.masses(K3, flat), VALLEY),
        (along, VALLEY),
        (fits.energies(K2, ones(7, 2)), HALDANE),
        (fits.energies(K2, ones(7), bands=[1]), HALDANE),
        (fits.filling(SQUARE.lattice, 40, 1.0, 0.0, 300.0, sigma=0.1), half),
    ]
    velocity, mass, two, both, upper, filled = predictions(*of)
    np.testing.assert_allclose(velocity, HBAR / M0 * K3 / [0.19, 0.2, 0.92], rtol=1e-12)
    np.testing.assert_allclose(mass, np.tile(np.diag([0.19, 0.2, 0.92]), (7, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(two, [0.92, 2 / (1 / 0.19 + 1 / 0.2)], rtol=1e-12)
    np.testing.assert_allclose(both, levels, atol=1e-12)
    np.testing.assert_allclose(upper[:, 0], levels[:, 1], atol=1e-12)
    assert filled[0] == pytest.approx(1.0, abs=1e-3)  # as many energies above zero as below


def test_cyclotron_masses_are_those_of_an_ellipsoid():
    angle, mt, ml = np.radians([0.0, 30.0, 90.0]), 0.0815, 1.59
    b = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=1)
    # a valley along z; along x, given as its long axis or as its axes, or as a band that lies that way
    turned, own = [[0, 1, 0], [0, 0, 1], [1, 0, 0]], bands.ellipsoidal([mt, mt, ml])
    lies = bands.ellipsoidal([mt, mt, ml], turned, center=[0.3, 0, 0])
    valleys = (None, [[2.0, 0, 0]], [turned], None)
    of = [(fits.cyclotron_masses(b, ones(3), valleys=v), band) for v, band in zip(valleys, (own, own, own, lies))]
    for theta, found in zip((angle, *[np.pi / 2 - angle] * 3), predictions(*of)):
        expected = (np.cos(theta) ** 2 / mt**2 + np.sin(theta) ** 2 / (mt * ml)) ** -0.5
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-12)
    # between directions 60° apart, for pictures
    fine, between = of[0][0].predict.finer(np.degrees(angle))
    np.testing.assert_allclose(fine[:21], [*range(0, 30, 3), *range(30, 90, 6), 90])
    theta = np.radians(fine)
    np.testing.assert_allclose(between.directions[:, 0], np.stack([np.sin(theta), 0 * theta, np.cos(theta)], axis=1), atol=1e-14)


def test_an_offset_and_a_window_leave_the_rest_alone():
    k = RANDOM.uniform(-0.04, 0.04, (30, 3))
    energy = np.asarray(over(bands.kane(0.063, 0.61))(jnp.asarray(k))) + 5.3
    energy[energy > 5.42] += 1.0  # another band from there on
    data = fits.energies(k, energy, offset="free", window=(5.0, 5.42))
    fit = sj.least_squares(fits.residuals, bands.kane(0.05, 0.4), data, frozen="minimum")
    assert fit.losses[0] < 1e-2  # the offset starts where it is best
    assert fit.names == ("alpha", "mass", "offset")
    np.testing.assert_allclose(fit.values, [0.61, 0.063, 5.3], rtol=1e-6)
    assert fit.data.offset == pytest.approx(5.3)
    assert int(fit.dof) == np.sum(energy < 5.42) - 3
    both = {"a": data, "b": fits.energies(k, energy - 5.3, sigma=1.0, offset=0.0, window=(0, 0.12))}
    with pytest.raises(SemijaxError, match="energies: sigma is missing"):
        sj.least_squares(fits.residuals, bands.kane(0.05, 0.4), both)
    both["a"] = fits.energies(k, energy, offset="free", window=(5.0, 5.42), sigma=1.0)
    layout, _ = layout_of("", bands.kane(0.05, 0.4), both, frozen="minimum")
    assert layout.fitted == ("alpha", "mass", "a.offset", "b.offset")


def test_bands_that_cross_are_fitted_without_labels():
    k = np.linspace(0, 0.2, 21)[:, None]
    true = (bands.parabolic(0.2, 0.0, dimension=1), bands.parabolic(1.0, 0.15, dimension=1))
    energy = np.stack([np.asarray(over(band)(jnp.asarray(k))) for band in true], axis=1)
    assert (np.diff(energy, axis=1) > 0).any()
    assert (np.diff(energy, axis=1) < 0).any()
    mixed = np.where(RANDOM.random((21, 1)) < 0.5, energy, energy[:, ::-1])
    start = (bands.parabolic(0.25, 0.02, dimension=1), bands.parabolic(0.8, 0.12, dimension=1))
    fit = sj.least_squares(fits.residuals, start, fits.energies(k, mixed, match="sorted"))
    np.testing.assert_allclose(fit.values, [0.2, 0.0, 1.0, 0.15], atol=1e-7)
    missing = mixed.copy()
    missing[::3, 1] = np.nan  # at some points one of the two was not seen, nobody knows which
    data = fits.energies(k, missing, match="nearest", use=np.isfinite(missing))
    fit = sj.least_squares(fits.residuals, start, data)
    np.testing.assert_allclose(fit.values, [0.2, 0.0, 1.0, 0.15], atol=1e-7)
    assert int(fit.dof) == 42 - 7 - 4


def test_levels_are_assigned_as_all_assignments_say():
    from itertools import combinations

    for _ in range(20):
        levels, values = np.sort(RANDOM.normal(size=6)), np.sort(RANDOM.normal(size=4))
        used = RANDOM.random(4) < 0.8
        found = np.asarray(jax.jit(assigned)(jnp.asarray(levels), jnp.asarray(values), jnp.asarray(used)))
        best = min(combinations(levels, int(used.sum())), key=lambda some: sum((np.array(some) - values[used]) ** 2))
        np.testing.assert_allclose(found[used], best)


def test_weights_are_errors_up_to_a_factor():
    x, y = np.arange(6.0), np.array([0.1, 1.2, 1.9, 3.2, 3.9, 50.0])
    weight = np.array([1.0, 1, 1, 1, 1, 0])
    data = fits.measured(lambda p: p["a"] + p["b"] * jnp.asarray(x), y, weight=7 * weight)
    fit = sj.least_squares(fits.residuals, {"a": 0.0, "b": 1.0}, data)
    (slope, intercept), covariance = np.polyfit(x[:5], y[:5], 1, cov=True)
    np.testing.assert_allclose(fit.values, [intercept, slope])
    np.testing.assert_allclose(fit.covariance, covariance[::-1, ::-1], rtol=1e-9)
    assert int(fit.dof) == 3


ZONE = [[3.0, 0], [0, 3.0]]
BAD = {
    "empty": (lambda: fits.energies(np.zeros((0, 3)), []), "is empty"),
    "NaN": (lambda: fits.energies(K3, [0, 0, np.nan, 0, 0, 0, 0]), r"energies\[2, 0\] = nan.*use="),
    "NaN that counts": (lambda: fits.energies(K1, [np.nan] * 7, use=[True] * 7), "NaN among the values that count"),
    "infinite": (lambda: fits.velocities(K3, ones(7, 3) * np.inf), r"velocity\[0, 0\] = inf"),
    "words": (lambda: fits.energies(K3, ["a"] * 7), "allowed are real numbers"),
    "ragged": (lambda: fits.masses(K3, [[1.0], [1.0, 2.0]]), "allowed are real numbers"),
    "k NaN": (lambda: fits.energies(K3 * np.nan, ones(7)), r"k\[0, 0\] = nan"),
    "another number of k": (lambda: fits.energies(K3[:5], ones(7)), "one row for each of 7 energies"),
    "sigma ≤ 0": (lambda: fits.energies(K3, ones(7), sigma=-1.0), "sigma = -1: allowed are numbers > 0"),
    "sigma of another shape": (lambda: fits.energies(K3, ones(7), sigma=ones(6)), "sigma has shape"),
    "sigma and weight": (lambda: fits.energies(K3, ones(7), sigma=1.0, weight=1.0), "allowed is one of them"),
    "a negative weight": (lambda: fits.energies(K3, ones(7), weight=-1.0), "weight = -1"),
    "nothing counts": (lambda: fits.energies(K3, ones(7), window=(2.0, 3.0)), "none of 7 values counts"),
    "a window upside down": (lambda: fits.energies(K3, ones(7), window=(2.0, 1.0)), "low < high"),
    "use of numbers": (lambda: fits.energies(K3, ones(7), use=ones(7)), "allowed are true and false"),
    "bands and columns": (lambda: fits.energies(K3, ones(7, 2), bands=[0]), "one band for each"),
    "bands twice": (lambda: fits.energies(K3, ones(7, 2), bands=[1, 1]), "different whole numbers"),
    "a match that is none": (lambda: fits.energies(K3, ones(7), match="colour"), "match = 'colour'"),
    "sorted with gaps": (
        lambda: fits.energies(K3, ones(7, 2), match="sorted", use=RANDOM.random((7, 2)) < 0.5),
        'match = "nearest" where levels are missing',
    ),
    "outside the zone": (lambda: fits.energies([[0.1, 0.1], [1.2, 0]], [1, 1.0], zone=ZONE), r"k\[1\] = .* is outside the zone"),
    "an offset of words": (lambda: fits.energies(K3, ones(7), offset="yes"), 'allowed is "free"'),
    "a relative negative": (lambda: fits.cyclotron_masses(K3, -ones(7), sigma=0.1), "numbers > 0 where errors are relative"),
    "no direction": (lambda: fits.cyclotron_masses(K3 * 0, ones(7)), "a vector of length zero"),
    "masses per valley": (lambda: fits.cyclotron_masses(K3, ones(7, 2), valleys=np.eye(3)), r"allowed is \[7 3\]"),
    "skew valleys": (lambda: fits.cyclotron_masses(K3, ones(7), valleys=[[[1, 0, 0], [1, 1, 0], [0, 0, 1]]]), "right angles"),
    "a skew mass": (lambda: fits.masses(K2, np.tile([[1.0, 2], [3, 4]], (7, 1, 1))), "allowed are symmetric ones"),
    "no temperature": (lambda: fits.filling(ZONE, 4, 1.0, 0.0, 0.0, sigma=1.0), "temperature = 0.0"),
    "fields and frequencies": (lambda: fits.bloch_frequencies(ones(3), ones(2)), "one for each field"),
    "more bands than the model": (
        lambda: sj.least_squares(fits.residuals, HALDANE, fits.energies(K2, ones(7, 3))),
        "data of 3 bands, a model of 2",
    ),
    "another dimension": (
        lambda: sj.least_squares(fits.residuals, VALLEY, fits.energies(K2, ones(7))),
        "k of 2 dimensions: allowed are 3",
    ),
    "several bands for one": (
        lambda: sj.least_squares(fits.residuals, (VALLEY, VALLEY), fits.velocities(K3, ones(7, 3))),
        "say which with part=",
    ),
    "a part that is none": (
        lambda: sj.least_squares(fits.residuals, (VALLEY, VALLEY), fits.velocities(K3, ones(7, 3), part="heavy")),
        "part = 'heavy'",
    ),
    "no lattice": (
        lambda: sj.least_squares(fits.residuals, VALLEY, fits.bloch_frequencies(ones(9), ones(9))),
        "allowed are periodic bands",
    ),
    "another shape": (
        lambda: sj.least_squares(fits.residuals, {"a": 1.0}, fits.measured(lambda p: p["a"] * jnp.ones(3), ones(4))),
        r"data of shape \(4,\), predictions of shape \(3,\)",
    ),
}


@pytest.mark.parametrize(("wrong", "says"), BAD.values(), ids=BAD)
def test_bad_data_are_one_line(wrong, says):
    with pytest.raises(SemijaxError, match=says) as error:
        wrong()
    assert "\n" not in str(error.value)
    assert "allowed" in str(error.value)


def test_a_k_on_the_face_of_the_zone_is_inside():
    faces = np.pi / 3.0 * np.array([[1.0, 0], [1.0, 1.0], [0.5, -1.0]])
    assert fits.energies(faces, ones(3), zone=ZONE).values.shape == (3, 1)
    inside = np.asarray(lattice.to_brillouin_zone(jnp.asarray([1.2, 0.0]), ZONE))
    assert np.linalg.norm(inside) < 1.2
