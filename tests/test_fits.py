"""Fits: published numbers come back with their errors; names, bounds, priors and frozen parameters; what data cannot tell is said."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from library import CASES

import semijax as sj
from semijax import bands, fits
from semijax._types import SemijaxError
from semijax.fits.problem import problem_of
from semijax.fits.result import written

EPS = np.finfo(float).eps
VALLEYS = [[1, 1, 1], [1, -1, 1], [-1, 1, 1], [-1, -1, 1]]


def germanium():
    """(data, model, expected) of the case FT1: B turns from [001] to [110]."""
    given, expected = CASES["FT1"]["inputs_SI"], CASES["FT1"]["expected"]
    angle = np.radians(given["theta_deg"])
    directions = np.stack([np.sin(angle) / np.sqrt(2), np.sin(angle) / np.sqrt(2), np.cos(angle)], axis=1)
    data = fits.cyclotron_masses(directions, given["y"], valleys=VALLEYS, sigma=0.005)
    return data, fits.Model(_valley, {"ml": 1.0, "mt": 0.2}), expected


def _valley(p):
    return bands.ellipsoidal([p["mt"], p["mt"], p["ml"]])


def line(p, data):
    x, y = data
    return p["a"] + p["b"] * x - y


def parabola(p, data):
    return (p["a"] + p["b"] * data + p["c"] * data**2) - 1.0


def bowls(p, depths):
    return depths[0] * (p["a"] - 1.0) ** 2 + depths[1] * p["b"] ** 2


DOWN = optax.sgd(1e-2)  # one optimiser and one loss for the ways in which descents end, so that they compile once


LINE = (np.arange(6.0), np.array([0.1, 1.2, 1.9, 3.2, 3.9, 5.1]))


# -- truths -----------------------------------------------------------------------------------------------------------------


def test_the_masses_of_germanium_come_out_of_cyclotron_resonance():
    data, model, expected = germanium()
    free = sj.least_squares(fits.residuals, model, data)
    inside = sj.least_squares(fits.residuals, model, data, bounds={"ml": (0, None), "mt": (0, 1)})
    for fit in (free, inside):
        assert fit.converged
        assert not fit.scaled  # the case states its errors
        np.testing.assert_allclose(fit.values, [expected["ml"], expected["mt"]], rtol=1e-6)
        np.testing.assert_allclose(fit.sigmas, expected["sigma"], rtol=1e-5)
        assert float(fit.chi2) == pytest.approx(expected["chi2"], rel=1e-6)
        assert int(fit.dof) == 38
        assert fit.losses[-1] == pytest.approx(expected["chi2"] / 2, rel=1e-6)
        assert fit.losses[0] > 100 * fit.losses[-1]
    np.testing.assert_allclose(np.abs(free.values - expected["truth"]) < 3 * free.sigmas, True)
    assert isinstance(free.band, fits.Model)
    assert free.errors["ml"] == pytest.approx(expected["sigma"][0], rel=1e-5)
    assert free.table().splitlines()[0] == "ml  1.5908 ± 0.0073"


def test_what_follows_from_the_parameters_has_errors_too():
    data, model, expected = germanium()
    fit = sj.least_squares(fits.residuals, model, data)
    mass, error = fit.derived(lambda model: jnp.diagonal(model.built.effective_mass(jnp.zeros(3))))
    np.testing.assert_allclose(mass, [expected["mt"], expected["mt"], expected["ml"]], rtol=1e-6)
    np.testing.assert_allclose(error, [expected["sigma"][1], expected["sigma"][1], expected["sigma"][0]], rtol=1e-4)


def test_descent_ends_where_least_squares_does():
    data, model, expected = germanium()
    fit = sj.fit(fits.misfit, model, data, optimiser=optax.adam(0.1), steps=400, patience=50, tolerance=1e-9)
    assert fit.converged
    assert "fell by less than" in fit.stopped
    # at the minimum to 0.01 standard errors, by its own account
    assert (np.abs(fit.values - [expected["ml"], expected["mt"]]) < 0.01 * np.array(expected["sigma"])).all()
    # the Hessian has second derivatives of the residuals, of the order of noise: 0.5 %
    np.testing.assert_allclose(fit.sigmas, expected["sigma"], rtol=0.01)
    assert len(fit.losses) <= 1001


def test_graphenes_hopping_and_overlap_come_out_of_its_energies():
    given, acc = CASES["FT3"]["expected"], CASES["FT3"]["inputs_SI"]["acc"] * 1e10
    k = np.array([[0.0, 2 * np.pi / (3 * acc)], [0.0, 0.0]])  # M and Γ
    energies = [[given[f"{band}_{point}"][1] for band in ("lower", "upper")] for point in ("M", "G")]
    model = fits.Model(_graphene, {"t": 2.5, "s": 0.05})
    fit = sj.least_squares(fits.residuals, model, fits.energies(k, energies))
    np.testing.assert_allclose(fit.values, [0.129, 3.033], rtol=1e-9)
    assert fit.names == ("s", "t")


def _graphene(p):
    return tuple(bands.graphene(p["t"], overlap=p["s"], sign=sign) for sign in (-1, 1))


def test_a_straight_line_has_the_errors_of_the_textbook():
    x, y = LINE
    fit = sj.least_squares(line, {"a": 0.0, "b": 0.5}, LINE)
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov=True)
    np.testing.assert_allclose(fit.values, [intercept, slope], rtol=1e-9)
    assert fit.scaled  # nobody stated an error
    np.testing.assert_allclose(fit.covariance, covariance[::-1, ::-1], rtol=1e-9)
    np.testing.assert_allclose(fit.correlation[0, 1], covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))
    stated = sj.least_squares(line, {"a": 0.0, "b": 0.5}, LINE, sigma=0.1)
    np.testing.assert_allclose(stated.covariance * stated.reduced_chi2, fit.covariance, rtol=1e-9)
    assert float(stated.chi2) == pytest.approx(float(fit.chi2) / 0.01)


def test_a_second_fit_compiles_nothing(caplog):
    sj.least_squares(line, {"a": 0.0, "b": 0.5}, LINE)
    with jax.log_compiles():
        caplog.clear()
        fit = sj.least_squares(line, {"a": 0.1, "b": 0.4}, (LINE[0], LINE[1] + 1.0))
    assert not [record for record in caplog.records if "Compiling" in record.getMessage()]
    assert fit.values[0] == pytest.approx(np.polyfit(*LINE, 1)[1] + 1.0)


# -- parameters -------------------------------------------------------------------------------------------------------------


def test_a_band_is_fitted_by_its_own_params_and_comes_back_as_a_band():
    band = bands.kane(0.05, 0.5, 0.2)
    k = np.random.default_rng(0).uniform(-0.08, 0.08, (20, 3))
    data = fits.energies(k, jax.vmap(bands.kane(0.063, 0.61, 0.1))(jnp.asarray(k)))
    fit = sj.least_squares(fits.residuals, band, data, bounds={"mass": (0, None), "alpha": (0, None)})
    assert isinstance(fit.band, sj.Band)
    assert fit.names == ("alpha", "mass", "minimum")
    np.testing.assert_allclose(fit.values, [0.61, 0.063, 0.1], rtol=1e-7)
    assert float(fit.band(jnp.zeros(3))) == pytest.approx(0.1)
    frozen = sj.least_squares(fits.residuals, band, data, frozen="minimum")
    assert frozen.names == ("alpha", "mass")
    assert frozen.params["minimum"] == 0.2
    assert np.isnan(frozen.errors["minimum"])
    assert np.isfinite(frozen.errors["mass"])


def test_names_masks_and_trees_say_the_same():
    start = {"m": np.ones((2, 2)), "rest": {"a": 1.0, "b": 2.0}}

    def of(p, data):
        return jnp.concatenate([p["m"].reshape(-1), jnp.stack([p["rest"]["a"], p["rest"]["b"]])]) - data

    data = np.arange(6.0)
    by_name = sj.least_squares(of, start, data, frozen=("m[0,1]", "rest"), sigma=1.0)
    mask = {"m": np.array([[False, True], [False, False]]), "rest": {"a": True, "b": True}}
    by_mask = sj.least_squares(of, start, data, frozen=mask, sigma=1.0)
    assert by_name.names == by_mask.names == ("m[0,0]", "m[1,0]", "m[1,1]")
    np.testing.assert_allclose(by_name.params["m"], [[0, 1], [2, 3]], atol=1e-9)
    np.testing.assert_allclose(np.isnan(by_name.errors["m"]), [[False, True], [False, False]])
    bounded = sj.least_squares(of, start, data, sigma=1.0, bounds={"m": (None, 1.5), "rest": {"b": (0.0, 4.0)}}, frozen="m[0,0]")
    np.testing.assert_allclose(bounded.params["m"], [[1, 1], [1.5, 1.5]], atol=1e-4)
    assert bounded.params["rest"]["b"] == pytest.approx(4.0, abs=1e-4)
    ends = {name: int(end) for name, end in zip(bounded.names, bounded.at_bound)}
    assert ends == {"m[0,1]": 0, "m[1,0]": 1, "m[1,1]": 1, "rest.a": 0, "rest.b": 1}
    assert bounded.table().count("at its upper bound") == 3


def test_a_prior_is_one_more_datum():
    # y = a with the error 0.5 and the prior 2 ± 1: weights 4 and 1
    fit = sj.least_squares(lambda p, y: p["a"] - y, {"a": 0.0}, np.array([1.0]), sigma=0.5, priors={"a": (2.0, 1.0)})
    assert fit.values[0] == pytest.approx((4 * 1.0 + 2.0) / 5)
    assert fit.sigmas[0] == pytest.approx(5**-0.5)
    assert fit.residuals.shape == (2,)
    options = {"optimiser": optax.sgd(20.0), "steps": 100, "priors": {"a": (2.0, 1.0)}}
    loss = sj.fit(lambda p, y: 2.0 * jnp.sum((p["a"] - y) ** 2), {"a": 0.1}, np.array([1.0]), **options)
    assert loss.values[0] == pytest.approx(1.2, abs=1e-3)
    assert loss.sigmas[0] == pytest.approx(5**-0.5)


def test_bounds_are_smooth_maps_with_an_inverse():
    start = {name: np.array([1e-3, 1.0, 700.0]) for name in "abcd"}
    bounds = {"a": (0.0, None), "b": (None, 1e3), "c": (0.0, 1e3)}
    problem, _ = problem_of("", lambda p, _: p["a"], start, None, bounds=bounds, frozen=(), priors=None)
    inside = jax.jit(jax.vmap(lambda u: jax.jvp(problem.bounds.inside, (u,), (jnp.ones_like(u),))))
    u = problem.start
    x, slope = inside(jnp.stack([u, u - 800.0, u + 800.0]))
    # below a bound of 1e3 what is left of the difference is rounded as that is
    np.testing.assert_allclose(x[0], np.tile(start["a"], 4), rtol=1e-12, atol=2 * EPS * 1e3)
    assert (slope[0] > 0).all()
    assert np.isfinite(x).all()


def test_a_fitted_period_takes_the_lattice_along():
    electric = np.array([1e-5, 2e-5, 4e-5])
    frequency = electric * 114.0 / (sj.units.PLANCK * sj.units.THZ_INTERNAL)
    data = fits.bloch_frequencies(electric, frequency, sigma=1e-3)
    fit = sj.least_squares(fits.residuals, -bands.superlattice(0.018, 100.0, 0.067), data, frozen=("bandwidth", "mass"))
    assert fit.values[0] == pytest.approx(114.0)
    np.testing.assert_allclose(fit.band.lattice, [[0, 0, 114.0]], rtol=1e-9)
    np.testing.assert_allclose(fit.band.reciprocal, [[0, 0, 2 * np.pi / 114.0]], rtol=1e-9)


# -- what the data cannot tell ----------------------------------------------------------------------------------------------


def test_parameters_that_enter_only_together_are_named():
    def of(p, x):
        return p["a"] * p["b"] * x + p["c"] - 3.0 * x

    with pytest.warns(UserWarning, match=r"^least_squares: the data do not determine a, b: "):
        fit = sj.least_squares(of, {"a": 1.0, "b": 1.0, "c": 0.5}, np.arange(5.0), sigma=0.1)
    assert fit.undetermined == ("a", "b")
    assert fit.errors["a"] == fit.errors["b"] == np.inf
    # c does not depend on what is lost: its error is that of a line with a free slope
    assert fit.errors["c"] == pytest.approx(0.1 * np.sqrt(0.6))
    assert np.isnan(fit.correlation[0, 2])
    assert fit.table().count("not determined by the data") == 2
    product, error = fit.derived(lambda p: p["a"])
    assert error == np.inf
    assert np.isfinite(product)


def test_a_parameter_without_any_part_in_the_data_is_named_by_both():
    with pytest.warns(UserWarning, match="do not determine b"):
        fit = sj.least_squares(lambda p, x: p["a"] + 0 * p["b"] - x, {"a": 0.0, "b": 1.0}, np.arange(3.0))
    assert fit.errors["b"] == np.inf
    assert fit.params["b"] == 1.0
    with pytest.warns(UserWarning, match="do not determine b"):
        fit = sj.fit(bowls, {"a": 0.999, "b": 1.0}, np.array([1.0, 0.0]), optimiser=DOWN, steps=60)
    assert fit.undetermined == ("b",)


def test_as_many_parameters_as_data_leave_no_scatter_to_see():
    fit = sj.least_squares(line, {"a": 0.0, "b": 0.5}, (np.array([0.0, 1.0]), np.array([1.0, 3.0])))
    assert np.isnan(fit.sigmas).all()  # never a silent zero
    assert int(fit.dof) == 0


def test_a_poor_fit_to_stated_errors_says_so():
    fit = sj.least_squares(line, {"a": 0.0, "b": 0.5}, LINE, sigma=1e-3)
    assert "does not describe the data" in fit.table()
    assert "does not describe" not in sj.least_squares(line, {"a": 0.0, "b": 0.5}, LINE, sigma=0.1).table()


def test_a_diverging_descent_keeps_the_best_point():
    with pytest.warns(UserWarning, match=r"fit: diverged: .*the best point is kept"):
        fit = sj.fit(bowls, {"a": 1.1, "b": 0.0}, np.array([1e5, 1e5]), optimiser=DOWN, steps=500)
    assert not fit.converged
    assert fit.values[0] == pytest.approx(1.1)
    assert len(fit.losses) < 500


def test_a_descent_that_ends_on_a_slope_says_how_far_the_minimum_is():
    with pytest.warns(UserWarning, match=r"2 steps done, but the minimum is 8\.\d* standard errors away"):
        fit = sj.fit(bowls, {"a": 0.1, "b": 0.0}, np.array([50.0, 50.0]), optimiser=DOWN, steps=2)
    assert not fit.converged


def test_a_saddle_is_no_minimum():
    with pytest.warns(UserWarning, match="no minimum: the loss falls along a direction of b"):
        fit = sj.fit(bowls, {"a": 1.0, "b": 0.0}, np.array([1.0, -1.0]), optimiser=DOWN, steps=3)
    assert fit.errors["b"] == np.inf


def test_least_squares_stops_after_its_steps_and_says_so():
    with pytest.warns(UserWarning, match="stopped after 2 evaluations before it converged"):
        fit = sj.least_squares(line, {"a": -1e3, "b": 0.5}, LINE, steps=2)
    assert not fit.converged


def test_a_residual_that_ends_keeps_the_best_point():
    # beyond a = 1 the derivative is no longer a number, before it the model pulls there
    def of(p, x):
        return jnp.where(p["a"] > 1.0, jnp.sqrt(-jnp.abs(p["a"]) * 0.0) - 0.1, p["a"] - 3.0) * x

    said = "diverged: the Jacobian is not finite; the best point is kept"
    with pytest.warns(UserWarning, match="do not determine a"), pytest.warns(UserWarning, match=said):
        fit = sj.least_squares(of, {"a": 0.5}, np.ones(3), scaled=False)
    assert np.isfinite(fit.values).all()


def test_progress_hears_of_it_and_may_stop_it():
    heard = []
    with pytest.warns(UserWarning, match="stopped by progress"):
        sj.least_squares(line, {"a": -1e3, "b": 0.5}, LINE, progress=lambda *told: heard.append(told) or len(heard) == 2)
    assert [steps for _, steps, _ in heard] == [200, 200]
    assert heard[1][2] < heard[0][2]
    heard = []
    options = {"optimiser": DOWN, "steps": 120, "covariance": False}
    fit = sj.fit(bowls, {"a": 0.5, "b": 0.5}, np.ones(2), progress=lambda *told: heard.append(told), **options)
    assert [done for done, _, _ in heard] == [50, 100, 120]
    assert np.isnan(fit.sigmas).all()


# -- float32 ----------------------------------------------------------------------------------------------------------------


def test_float32_refuses_what_it_cannot_tell_apart():
    def nearly(p, x):  # the two columns differ by 1e-4: a Hessian of condition 4e8
        return p["a"] + p["b"] * (1 + 1e-4 * x) - 2.0 - 1e-4 * x

    start, x = {"a": 0.5, "b": 1.4}, np.linspace(-1, 1, 8)
    sj.least_squares(nearly, start, x, sigma=0.1)
    with jax.enable_x64(False):
        with pytest.raises(SemijaxError, match=r'condition number is .* in float32.*sj.configure\(precision="float64"\)'):
            sj.least_squares(nearly, start, x.astype(np.float32), sigma=0.1)
        fit = sj.least_squares(line, {"a": 0.0, "b": 0.5}, tuple(x.astype(np.float32) for x in LINE))
        assert fit.values.dtype == np.float32
        np.testing.assert_allclose(fit.values, np.polyfit(*LINE, 1)[::-1], atol=1e-5)


# -- words ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.0813116, 8.5e-5, "0.081312 ± 0.000085"),
        (1234.5678, 12.0, "1235 ± 12"),
        (-3.033, 0.0996, "-3.03 ± 0.10"),
        (5.0e-12, 1.2e-14, "5.000e-12 ± 1.2e-14"),
        (12345.0, 230.0, "1.234e+04 ± 2.3e+02"),
        (1.5, np.inf, "1.5 ± ∞"),
        (1.5, np.nan, "1.5 ± nan"),
        (0.0, 0.5, "0.00 ± 0.50"),
    ],
)
def test_values_are_written_to_two_digits_of_their_error(value, error, text):
    assert written(value, error) == text


def test_strong_correlations_are_pointed_out():
    x = 100.0 + np.arange(6.0)
    fit = sj.least_squares(line, {"a": 0.0, "b": 0.5}, (x, LINE[1]))
    assert fit.correlated == [("a", "b", pytest.approx(-1.0, abs=1e-3))]
    assert "correlation of a and b: -0.999" in fit.table()


# -- bad input --------------------------------------------------------------------------------------------------------------

START = {"a": 0.0, "b": 0.5}
BAD = {
    "sigma ≤ 0": (lambda: sj.least_squares(line, START, LINE, sigma=0.0), "sigma = 0.0: allowed"),
    "sigma of a wrong shape": (lambda: sj.least_squares(line, START, LINE, sigma=np.ones(5)), r"sigma has shape \(5,\)"),
    "sigma NaN": (lambda: sj.least_squares(line, START, LINE, sigma=np.nan), "sigma = not finite"),
    "NaN at the start": (lambda: sj.least_squares(line, START, (LINE[0], LINE[1] * np.nan)), "6 of 6 residuals are not finite"),
    "start of NaN": (lambda: sj.least_squares(line, {"a": np.nan, "b": 0.5}, LINE), "a = nan: allowed is a finite number"),
    "more parameters than data": (
        lambda: sj.least_squares(parabola, {"a": 0.0, "b": 0.5, "c": 1.0}, np.arange(2.0)),
        "3 parameters and 2 data",
    ),
    "more parameters than data that count": (
        lambda: sj.least_squares(lambda p, d: line(p, d) * np.array([1.0, 0, 0, 0, 0, 0]), START, LINE),
        "2 parameters and 1 data that count",
    ),
    "outside bounds": (lambda: sj.least_squares(line, START, LINE, bounds=(0, 1)), "a starts at 0: allowed is a start between"),
    "bounds upside down": (lambda: sj.least_squares(line, START, LINE, bounds={"a": (1, -1)}), "allowed are low < high"),
    "bounds of no pair": (lambda: sj.least_squares(line, START, LINE, bounds={"a": 3.0}), "allowed is a pair"),
    "bounds of an unknown name": (
        lambda: sj.least_squares(line, START, LINE, bounds={"c": (0, 1)}),
        "'c': allowed are the param",
    ),
    "an unknown frozen name": (lambda: sj.least_squares(line, START, LINE, frozen="slope"), "allowed are the parameters a, b"),
    "everything frozen": (lambda: sj.least_squares(line, START, LINE, frozen=("a", "b")), "allowed is to leave a parameter free"),
    "a whole number": (lambda: sj.least_squares(line, {"a": 0, "b": 0.5}, LINE), "a = 0: allowed is a float"),
    "a prior without sigma": (lambda: sj.least_squares(line, START, LINE, priors={"a": (0.0, 1.0)}), "priors without sigma"),
    "a prior of width 0": (lambda: sj.least_squares(line, START, LINE, sigma=1.0, priors={"a": (0.0, 0.0)}), "sigma > 0"),
    "no function": (lambda: sj.least_squares(3, START, LINE), "allowed is a function"),
    "a function as a leaf": (lambda: sj.least_squares(line, {"a": np.sin, "b": 0.5}, LINE), "belongs into fits.Model"),
    "no parameters": (lambda: sj.least_squares(line, {}, LINE), "with floating numbers to fit"),
    "no steps": (lambda: sj.least_squares(line, START, LINE, steps=0), "steps = 0"),
    "starts without a key": (lambda: sj.least_squares(line, START, LINE, starts=4), "starts = 4 without key"),
    "a mode that is none": (lambda: sj.least_squares(line, START, LINE, jacobian="backward"), "jacobian = 'backward'"),
    "no data": (lambda: sj.least_squares(fits.residuals, bands.parabolic(1.0), LINE), "allowed are fits.energies"),
    "a loss that is no scalar": (lambda: sj.fit(line, START, LINE, optimiser=optax.sgd(1.0), steps=3), r"has shape \(6,\)"),
    "a loss of NaN": (
        lambda: sj.fit(lambda p, _: p["a"] / 0.0, START, LINE, optimiser=optax.sgd(1.0), steps=3),
        "the loss is nan at the start",
    ),
    "no optimiser": (lambda: sj.fit(lambda p, _: p["a"], START, LINE, optimiser="adam", steps=3), "allowed is one of optax"),
    "no patience": (
        lambda: sj.fit(lambda p, _: p["a"], START, LINE, optimiser=optax.sgd(1.0), steps=3, patience=0),
        "patience = 0",
    ),
    "a model that builds no band": (
        lambda: sj.least_squares(fits.residuals, fits.Model(lambda p: p, {"a": 1.0}), fits.energies([[0.0]], [1.0])),
        "allowed is a Band",
    ),
    "a parameter that moves the lattice": (
        lambda: sj.least_squares(
            fits.residuals,
            bands.tight_binding({(3.0, 0.0): 0.1, (0.0, 3.0): 0.1}, lattice=[[3.0, 0], [0, 3.0]]),
            fits.energies(np.ones((9, 2)), np.ones(9)),
        ),
        r"vectors\[0,0\] moves the periods of the band",
    ),
}


@pytest.mark.parametrize(("wrong", "says"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_line(wrong, says):
    with pytest.raises(SemijaxError, match=says) as error:
        wrong()
    assert "\n" not in str(error.value)
    assert "allowed" in str(error.value) or "call sj.configure" in str(error.value)
