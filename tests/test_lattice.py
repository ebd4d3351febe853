"""Lattice: reciprocal vectors, folding and unfolding, meshes, Brillouin zones and paths."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semijax._types import SemijaxError
from semijax.lattice import brillouin_zone, fold, fractional, mesh, path, reciprocal, to_brillouin_zone, unfold

FCC = 2.8 * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
HEXAGONAL = 2.46 * np.array([[math.sqrt(3) / 2, 0.5], [-math.sqrt(3) / 2, 0.5]])
SHEARED = np.array([[3.0, 0.0], [25.0, 4.0]])  # a poor choice of vectors of an oblique lattice
MINIBAND = np.array([[0.0, 0.0, 114.0]])
LAYERS = np.array([[4.0, 1.0, 0.5], [-1.0, 5.0, 0.2]])
LATTICES = {"chain": [[5.0]], "hexagonal": HEXAGONAL, "sheared": SHEARED, "fcc": FCC, "miniband": MINIBAND, "layers": LAYERS}
ALL = pytest.mark.parametrize("lattice", LATTICES.values(), ids=LATTICES.keys())


@ALL
def test_reciprocal_vectors(lattice):
    a, b = np.array(lattice), reciprocal(lattice)
    assert b.dtype == np.float64
    np.testing.assert_allclose(a @ b.T, 2 * math.pi * np.eye(len(a)), atol=1e-13)
    # within the span of the a_i
    np.testing.assert_allclose(b @ np.linalg.pinv(a) @ a, b, atol=1e-14)
    traced = jax.jit(reciprocal)(jnp.asarray(a))
    np.testing.assert_allclose(traced, b, rtol=1e-13, atol=1e-14)
    slope = jax.grad(lambda scale: reciprocal(scale * jnp.asarray(a))[0, -1])(1.0)
    np.testing.assert_allclose(slope, -b[0, -1], rtol=1e-12)


@st.composite
def lattices_and_k(draw):
    p = draw(st.integers(1, 3))
    d = draw(st.integers(p, 3))
    number = st.floats(-1.0, 1.0)
    rows = 4.0 * np.eye(p, d) + np.array([[draw(number) for _ in range(d)] for _ in range(p)])
    return rows, np.array([20 * draw(number) for _ in range(d)])


_fold = jax.jit(fold)
_unfold = jax.jit(unfold)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@given(lattices_and_k())
@settings(max_examples=40, deadline=None)
def test_folding_into_the_zone_and_back(dtype, lattice_and_k):
    lattice, k = lattice_and_k
    b = reciprocal(lattice)
    # |k| ≤ 20·√3 in at most 35·8/2π = 44 zones: a few roundings of numbers ≤ 70
    eps = 8 * 70 * np.finfo(dtype).eps
    folded, winding = _fold(jnp.asarray(k, dtype), lattice, b)
    assert folded.dtype == dtype
    assert winding.dtype == jnp.int32
    assert winding.shape == lattice.shape[:1]
    exact = np.asarray(folded, np.float64)
    np.testing.assert_allclose(exact + np.asarray(winding) @ b, k, atol=eps)
    np.testing.assert_allclose(_unfold(folded, winding, b), k, atol=eps)
    assert jnp.abs(fractional(folded, lattice)).max() <= 0.5 + eps
    # the part across the lattice's span stays untouched
    across = np.eye(len(k)) - np.linalg.pinv(b) @ b
    np.testing.assert_allclose(exact @ across, k @ across, atol=eps)
    # and what is folded stays
    again, none = _fold(folded, lattice, b)
    if jnp.abs(fractional(folded, lattice)).max() < 0.5 - eps:
        assert not none.any()
        np.testing.assert_array_equal(again, folded)


def test_folding_a_batch_leaves_a_free_plane_alone():
    k = jnp.array([[0.3, -0.4, 0.0275], [5.0, 6.0, 0.0276], [0.0, 0.0, -0.0827]])
    b = reciprocal(MINIBAND)
    folded, winding = jax.vmap(lambda k: fold(k, MINIBAND, b))(k)
    np.testing.assert_array_equal(winding, [[0], [1], [-2]])
    np.testing.assert_array_equal(folded[:, :2], k[:, :2])
    # the derivative of folding is one
    np.testing.assert_array_equal(jax.jacfwd(lambda k: fold(k, MINIBAND, b)[0])(k[1]), np.eye(3))


@ALL
def test_nearest_zone_holds_the_shortest_of_all_images(lattice):
    b = reciprocal(lattice)
    rng = np.random.default_rng(2)
    k = rng.uniform(-3, 3, (40, b.shape[1]))
    near = np.asarray(jax.jit(jax.vmap(lambda k: to_brillouin_zone(k, lattice)))(jnp.asarray(k)))
    turns = (k - near) @ np.linalg.pinv(b)
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-9)
    np.testing.assert_allclose(near + np.round(turns) @ b, k, atol=1e-10)
    # SHEARED needs up to 9 of one vector to undo the shear
    images = np.array(list(itertools.product(range(-10, 11), repeat=len(b)))) @ b
    shortest = np.linalg.norm(near[:, None] + images[None], axis=2).min(1)
    np.testing.assert_allclose(np.linalg.norm(near, axis=1), shortest, rtol=1e-12)


def test_a_point_on_the_zone_boundary_stays_where_it_is():
    for k in ([math.pi / 4, 0.1], [-math.pi / 4, 0.1], [math.pi / 4, math.pi / 4]):
        np.testing.assert_allclose(to_brillouin_zone(jnp.array(k), 4.0 * np.eye(2)), k, rtol=1e-15)


@ALL
def test_mesh_covers_the_cell_evenly(lattice):
    n = [4, 3, 2][: len(lattice)]
    k = mesh(lattice, n, shift=0.5)
    fractions = np.array([fractional(jnp.asarray(q), lattice) for q in k])
    expected = [((np.array(i) + 0.5) / n) for i in itertools.product(*map(range, n))]
    np.testing.assert_allclose(fractions, expected, atol=1e-14)
    np.testing.assert_allclose(mesh(lattice, 2)[0], 0.0)
    # plane waves along lattice vectors fewer than n cancel
    phases = k @ np.array(lattice).T
    np.testing.assert_allclose(np.exp(1j * phases).sum(0), 0.0, atol=1e-12)


def test_zone_of_a_chain_and_of_a_square():
    np.testing.assert_allclose(brillouin_zone([[-5.0]]), [[-math.pi / 5], [math.pi / 5]])
    corner = math.pi / 4
    np.testing.assert_allclose(
        brillouin_zone(4.0 * np.eye(2)), [[-corner, -corner], [corner, -corner], [corner, corner], [-corner, corner]], rtol=1e-12
    )


def test_zone_of_a_hexagonal_lattice():
    vertices = brillouin_zone(HEXAGONAL)
    assert vertices.shape == (6, 2)
    np.testing.assert_allclose(np.linalg.norm(vertices, axis=1), 4 * math.pi / (3 * 2.46), rtol=1e-12)
    assert np.abs(vertices - [0.0, 4 * math.pi / (3 * 2.46)]).max(1).min() < 1e-12


@pytest.mark.parametrize("lattice", [HEXAGONAL, SHEARED, 4.0 * np.eye(2)])
def test_area_of_the_zone_is_that_of_the_reciprocal_cell(lattice):
    x, y = brillouin_zone(lattice).T
    area = 0.5 * (x * np.roll(y, -1) - y * np.roll(x, -1)).sum()  # positive: anticlockwise
    np.testing.assert_allclose(area, abs(np.linalg.det(reciprocal(lattice))), rtol=1e-12)


def test_path_through_labelled_corners():
    X, M = [math.pi / 4, 0.0], [math.pi / 4, math.pi / 4]
    line = path([("Γ", [0.0, 0.0]), ("X", X), ("M", M), ("Γ", [0.0, 0.0])], 10)
    assert line.k.shape == (31, 2)
    assert line.labels == ("Γ", "X", "M", "Γ")
    assert line.corners == (0, 10, 20, 30)
    np.testing.assert_allclose(line.k[list(line.corners)], [[0, 0], X, M, [0, 0]], atol=1e-15)
    np.testing.assert_allclose(line.distance[list(line.corners)], math.pi / 4 * np.array([0, 1, 2, 2 + math.sqrt(2)]), rtol=1e-12)
    np.testing.assert_allclose(np.diff(line.distance)[:10], math.pi / 40, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: reciprocal([[1.0, 0.0], [2.0, 0.0]]),
            r"reciprocal: lattice = \[\[1.0, 0.0\], \[2.0, 0.0\]\]: allowed are p ≤ d",
        ),
        (lambda: reciprocal([1.0, 2.0]), "reciprocal: lattice"),
        (lambda: reciprocal([[math.nan]]), "reciprocal: lattice"),
        (lambda: mesh(FCC, 0), "mesh: n = 0: allowed is a whole number ≥ 1, or 3 of them"),
        (lambda: mesh(FCC, [4, 4]), r"mesh: n = \[4, 4\]: allowed"),
        (lambda: mesh(FCC, [4, 4, 1.5]), "mesh: n = .*: allowed"),  # pyright: ignore
        (lambda: brillouin_zone(FCC), r"brillouin_zone: lattice has shape \(3, 3\): allowed are \(1, 1\) and \(2, 2\)"),
        (lambda: path([("Γ", [0.0])], 4), "path: points = .*: allowed are two or more"),
        (lambda: path([("Γ", [0.0]), ("X", [1.0, 0.0])], 4), "path: points"),
        (lambda: path([("Γ", [0.0]), ("X", [1.0])], 0), "path: n = 0: allowed is a whole number ≥ 1"),
    ],
)
def test_bad_input_is_said_in_one_line(call, message):
    with pytest.raises(SemijaxError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
