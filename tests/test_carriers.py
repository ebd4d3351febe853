"""Carriers: what a batch of them accepts, carriers at rest, and electron-hole pairs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import semijax as sj

K = jnp.array([0.1, -0.2, 0.3])


def test_carriers_at_one_k():
    carriers = sj.at_k(K, 5, position=[1.0, 2.0, 3.0])
    assert (carriers.count, carriers.dimension) == (5, 3)
    np.testing.assert_array_equal(carriers.phase.wavevector, np.tile(K, (5, 1)))
    np.testing.assert_array_equal(carriers.phase.position, np.tile([1.0, 2.0, 3.0], (5, 1)))
    assert all(leaf is None for leaf in (carriers.weight, carriers.id, carriers.steps, carriers.winding))


def test_the_dtype_is_that_of_k():
    assert sj.at_k(K.astype(jnp.float32), position=[0.0, 0.0, 1.0]).phase.position.dtype == jnp.float32
    assert sj.at_k([0, 1]).phase.wavevector.dtype == jnp.float64


def test_pairs_are_vertical_and_keep_place_weight_and_id():
    phase = sj.Phase(jnp.arange(6.0).reshape(3, 2), jnp.arange(6.0).reshape(3, 2) / 10)
    electrons = sj.Carriers(phase, jnp.arange(3.0), jnp.arange(3, dtype=jnp.uint32))
    pairs = sj.pairs(electrons)
    assert pairs["electron"] is electrons
    hole = pairs["hole"]
    np.testing.assert_array_equal(hole.phase.position, electrons.phase.position)
    np.testing.assert_array_equal(hole.phase.wavevector, -electrons.phase.wavevector)
    assert hole.weight is electrons.weight
    assert hole.id is electrons.id


def test_carriers_go_through_jit_and_vmap():
    carriers = sj.at_k(K, 4)
    doubled = jax.jit(lambda c: jax.tree.map(lambda x: 2 * x, c))(carriers)
    np.testing.assert_array_equal(doubled.phase.wavevector, 2 * carriers.phase.wavevector)
    inside = jax.vmap(lambda c: jnp.sum(c.phase.wavevector))(carriers)
    np.testing.assert_allclose(inside, np.full(4, 0.2), rtol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sj.Carriers(sj.Phase(jnp.zeros(3), jnp.zeros(3))), r"position \(3,\) and wavevector \(3,\).*\[n d\]"),
        (lambda: sj.Carriers(sj.Phase(jnp.zeros((2, 3)), jnp.zeros((3, 3)))), r"position \(2, 3\) and wavevector \(3, 3\)"),
        (lambda: sj.Carriers(sj.Phase(jnp.zeros((2, 4)), jnp.zeros((2, 4)))), "d = 1, 2, 3"),
        (lambda: sj.Carriers(sj.Phase(jnp.zeros((0, 2)), jnp.zeros((0, 2)))), "n ≥ 1"),
        (
            lambda: sj.Carriers(sj.Phase(jnp.zeros((2, 3)), jnp.zeros((2, 3))), jnp.ones(3)),
            r"weight has shape \(3,\): allowed is \(2,\)",
        ),
        (lambda: sj.at_k(K, 0), "at_k: n = 0: allowed is n ≥ 1"),
        (lambda: sj.at_k(0.1), r"at_k: k has shape \(\): allowed is one vector"),
        (lambda: sj.at_k(K, position=[[1.0]]), r"at_k: position has shape \(1, 1\)"),
    ],
)
def test_bad_carriers_are_refused(make, message):
    with pytest.raises(sj.SemijaxError, match=message):
        make()
