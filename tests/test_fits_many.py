"""Many fits at once: coverage of 2000 noisy data sets, starts, the bootstrap, one compiled call, and devices."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_fits import LINE, germanium, line

import semijax as sj
from semijax import fits
from semijax._types import SemijaxError


def test_two_thousand_noisy_data_sets_are_covered_as_their_errors_say():
    data, model, expected = germanium()
    true = fits.Model(model.build, dict(zip(("mt", "ml"), expected["truth"][::-1])))
    sets = fits.copies(data, true, jax.random.key(0), 2000)
    found = fits.many(fits.residuals, model, sets)
    assert found.converged.all()
    away = np.abs((found.values - expected["truth"]) / found.sigmas)
    # binomial scatter of 2000: 68.3 ± 1.0 % within one standard error, 99.7 ± 0.1 % within three
    assert (np.abs((away < 1).mean(axis=0) - 0.683) < 0.04).all()
    assert ((away < 3).mean(axis=0) >= 0.99).all()
    # χ² of 38 degrees of freedom: mean 38 ± 0.2, variance 76
    assert np.mean(found.chi2) == pytest.approx(38, abs=0.8)
    one = fits.one(found, 7)
    alone = sj.least_squares(fits.residuals, model, jax.tree.map(lambda x: x[7], sets))
    np.testing.assert_allclose(one.values, alone.values, rtol=1e-7)
    np.testing.assert_allclose(one.covariance, alone.covariance, rtol=1e-5)
    assert one.band.params["ml"] == one.values[0]
    assert one.table().splitlines()[0] == alone.table().splitlines()[0]


def wells(p, data):
    """A landscape with minima of different depths at every 2π, the deepest at 0."""
    x = p["x"]
    return jnp.stack([jnp.sin(x / 2), 0.1 * x]) - data


def test_many_starts_find_the_deepest_minimum():
    zero = np.zeros(2)
    alone = sj.least_squares(wells, {"x": 12.0}, zero, sigma=1.0)
    assert abs(alone.values[0]) > 5
    best = sj.least_squares(wells, {"x": 12.0}, zero, sigma=1.0, starts=32, key=jax.random.key(0), bounds=(-20.0, 20.0))
    assert best.values[0] == pytest.approx(0.0, abs=1e-6)


def four_lines():
    x, y = LINE
    sets = np.stack([y, y + 1.0, y + 2.0, y + 3.0], axis=1)
    return fits.many(line, {"a": 0.0, "b": 0.5}, (x, sets), axes=(None, 1), starts=2, key=jax.random.key(0), batch=2)


def test_axes_say_which_arrays_count_the_sets():
    found = four_lines()
    alone = sj.least_squares(line, {"a": 0.0, "b": 0.5}, LINE)
    np.testing.assert_allclose(found.params["a"], alone.values[0] + np.arange(4.0), rtol=1e-7)
    assert found.params["b"].shape == (4,)
    assert found.errors["b"].shape == (4,)
    np.testing.assert_allclose(found.sigmas, np.tile(alone.sigmas, (4, 1)), rtol=1e-6)
    assert found.scaled


DEVICES = """
import warnings
import semijax as sj
sj.configure(devices=3, precision="float64")
import jax, numpy as np
from semijax import fits
x = np.arange(5.0)
sets = np.arange(7.0)[:, None] + 2.0 * x
found = fits.many(lambda p, y: p["a"] + p["b"] * x - y, {"a": 0.0, "b": 0.5}, sets, sigma=0.1)
assert jax.device_count() == 3
np.testing.assert_allclose(found.values, np.stack([np.arange(7.0), np.full(7, 2.0)], axis=1), atol=1e-9)
assert found.chi2.shape == (7,)
"""


def test_the_sets_are_shared_out_to_all_devices():
    done = subprocess.run([sys.executable, "-W", "error", "-c", DEVICES], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


BAD = {
    "sets of different length": (
        lambda: fits.many(line, {"a": 0.0, "b": 0.5}, (np.zeros((2, 6)), np.zeros((3, 6)))),
        "axes of one length",
    ),
    "an axis that is not there": (lambda: fits.many(line, {"a": 0.0, "b": 0.5}, LINE, axes=3), "allowed are axes of one length"),
    "a table of many": (
        lambda: four_lines().table(),
        "fits.one",
    ),
    "copies without sigma": (
        lambda: fits.copies(fits.measured(lambda p: p["a"][None], [1.0]), {"a": jnp.ones(())}, jax.random.key(0), 3),
        "allowed are data with standard errors",
    ),
}


@pytest.mark.parametrize(("wrong", "says"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_line(wrong, says):
    with pytest.raises(SemijaxError, match=says) as error:
        wrong()
    assert "\n" not in str(error.value)
