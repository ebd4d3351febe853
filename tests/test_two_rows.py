"""Bands of two rows in closed form: what eigenvectors give, to every order, and at a touching; products of phases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import over

from semijax import bands
from semijax._circle import products
from semijax.bands import models, two_rows
from semijax.bands.bloch import BlochCurvature, BlochEnergy, BlochGap, BlochMoment
from semijax.bands.neighbours import BlochNeighbours

MODELS = {
    "haldane": models.haldane(1.1, 0.13, 0.9, 0.2, 1.4),
    "ssh": models.ssh(1.0, 0.4, 2.0),
    "weyl": models.weyl(3.0, -1, [0.3, 0.1, -0.5]),
}


def tilted(params, k):
    """A real matrix that a user might write."""
    a = params["v"] * k[0]
    return jnp.array([[a + params["m"], k[1]], [k[1], params["m"] - 2 * a]])


def pair(name, index):
    """(the band in closed form, its parts of any number of rows)."""
    h = MODELS.get(name) or bands.hamiltonian.Hamiltonian(tilted, {"v": 0.7, "m": 0.1}, dimension=2)
    band = bands.bloch(h, index=index)
    one = h.matrix, index, band.energy.rows.grouping
    return band, (BlochEnergy(*one), BlochGap(*one), BlochCurvature(*one), BlochMoment(*one), BlochNeighbours(*one))


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("name", [*MODELS, "a user's"])
def test_two_rows_have_what_eigenvectors_give(name, index):
    band, (energy, gap, curvature, moment, neighbours) = pair(name, index)
    assert isinstance(band.energy, two_rows.Energy)
    params = jax.tree.map(jnp.asarray, band.params)
    k = jnp.asarray(np.random.default_rng(3).uniform(-2, 2, (5, band.dimension)))

    def look(energy, gap, curvature, moment, neighbours):
        def of(k):
            found = [energy(params, k), jax.grad(energy, 1)(params, k), jax.hessian(energy, 1)(params, k), gap(params, k)]
            found += [jax.grad(energy)(params, k), jax.jacfwd(jax.grad(energy), 1)(params, k)]
            near = jax.tree.map(
                lambda x: x[-1 - index if len(x) > 1 else 0], neighbours(params, k)
            )  # a band is its own neighbour there
            found += [near.gap, near.slope, jnp.sum(near.turn**2, axis=0)]  # components across h turn with the eigenvectors
            return found + ([] if band.dimension == 1 else [curvature(params, k), moment(params, k)])

        return jax.jit(over(of))(k)

    ours = look(
        band.energy, band.gap, *(two_rows.TwoRows.slots(band.energy.rows)[x] for x in ("curvature", "moment", "neighbours"))
    )
    # sums of a few dozen terms of order ten, over gaps of 0.1 eV or more, cubed
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(look(energy, gap, curvature, moment, neighbours)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_where_the_bands_touch_all_is_finite_and_the_mean_moves():
    band = bands.bloch(models.weyl(3.0, +1, [0.3, 0.1, -0.5]), index=1)
    k = jnp.array([1e-6, 0.0, 0.0])  # 2|h| = 6e-6 eV, below the floor of 1e-4
    np.testing.assert_allclose(jax.grad(band)(k), [0.3, 0.1, -0.5], rtol=1e-12)
    assert not band.berry_curvature(k).any() and not band.orbital_moment(k).any()
    assert jnp.isfinite(jax.hessian(band)(k)).all()
    distance, floor = band.gap(band.params, k)
    np.testing.assert_allclose([distance, floor], [6e-6, 1e-4], rtol=1e-12)


@pytest.mark.parametrize("sums", [((-1, -1), (1, 0), (0, 1), (1, -1), (1, 2), (-2, -1)), ((3, 4), (1, 0)), ((2,), (-1,), (3,))])
def test_products_are_the_cosines_and_sines_of_sums(sums):
    x = jnp.asarray(np.random.default_rng(5).uniform(-9, 9, len(sums[0])))

    def directly(x):
        angles = jnp.asarray(np.array(sums, float)) @ x
        return jnp.cos(angles), jnp.sin(angles)

    # a product rounds its four factors and itself: at most three of them in a row here, of numbers up to 1
    for order, (of, rounding) in enumerate([(lambda f: f, 20), (jax.jacfwd, 100), (lambda f: jax.jacfwd(jax.jacrev(f)), 1000)]):
        for a, b in zip(of(lambda x: products(sums, x))(x), of(directly)(x), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=rounding * np.finfo(float).eps, err_msg=str(order))
