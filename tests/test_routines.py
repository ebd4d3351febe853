"""Routines of machine code: eigenvalue problems of many rows, and bands of matrices that are sums over many cells."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from heavy import but_for
from test_eigen import KINDS, NOTHING, matrices
from test_kernels import alike, run
from test_machine_code import KERNELS, by  # noqa: F401 - a fixture

from semijax import bands
from semijax.bands import summed
from semijax.bands.eigen import Grouping
from semijax.engine.kernels.parts import numbers, shared_by_all
from semijax.engine.lanes import Program, Unsupported
from semijax.engine.llvm import call, machine
from semijax.engine.llvm.body import Body
from semijax.engine.llvm.code import Code
from semijax.engine.over import Engine

PLAIN = Engine(False, "cpu")


def by_routines(function, given, carrier, lanes=8, fused=True):
    """All numbers of function(given, carrier, ()) for every lane, [numbers n]: given has tables alone; n a multiple of lanes."""
    program = Program(function, given, carrier, (), scalar=True)
    wanted, (pack, _) = numbers(program), shared_by_all(program)
    assert not pack.names
    code, rows = Code(lanes, fused), Program.rows(carrier)
    handler = call.Handler(code, machine.NAME, lambda given, lanes: "1", 1)

    def work(arrays):
        with handler.unit(), code.loop(arrays.lanes, step=lanes) as (at, _, _):
            known = {node.id: code.load(node.dtype, x, at) for node, x in zip(program.inputs, arrays.given)}
            known |= dict(zip(pack.tables, arrays.given[len(rows) :], strict=True))
            for node, x, array in zip(wanted, Body(program, {}, {}).of(code, wanted, known), arrays.returned, strict=True):
                code.store(node.dtype, x, array, at)

    tables = list(pack.tables.values())
    handler.written(len(rows) + len(tables), len(wanted), work)
    name = machine.registered("\n".join([*sorted(code.declared), *code.lines]) + "\n")
    shapes = [jax.ShapeDtypeStruct(rows[0].shape, node.dtype) for node in wanted]
    return [np.asarray(x) for x in jax.jit(jax.ffi.ffi_call(name, shapes))(*rows, *tables)]


# -- eigenvalue problems ----------------------------------------------------------------------------------------------------------


def parts(matrix):
    """[numbers n] of matrices [n rows rows]."""
    flat = np.moveaxis(matrix, 0, -1).reshape(-1, len(matrix))
    return np.concatenate([flat.real, flat.imag]) if np.iscomplexobj(matrix) else flat


def solved(rows, dtype, lower=True):
    """A function of such numbers: the real ones of eigenvalues and eigenvectors."""
    whole = np.dtype(dtype).kind == "c"

    def function(p, c, t):
        c = jax.lax.complex(*jnp.split(c, 2)) if whole else c
        values, vectors = jax.lax.linalg.eigh(c.reshape(rows, rows), lower=lower, symmetrize_input=False)[::-1]
        return (values, vectors.real, vectors.imag) if whole else (values, vectors)

    return function


@pytest.mark.parametrize(
    ("rows", "dtype", "how"),
    but_for(
        [(5, "float32", (8, True)), (6, "complex128", (4, False))],
        [
            *((rows, dtype, (8, True)) for dtype in ("float32", "float64", "complex64", "complex128") for rows in (5, 8)),
            (6, "complex128", (4, False)),
            (13, "complex64", (16, True)),
        ],
    ),
)
def test_values_and_vectors_of_every_kind_of_matrix(rows, how, dtype):
    whole = dtype.startswith("complex")
    matrix = np.concatenate([matrices(kind, rows, whole) for kind in KINDS]).astype(dtype)
    found = by_routines(solved(rows, dtype), (), jnp.asarray(parts(matrix)), *how)
    values, vectors = np.stack(found[:rows], 1), np.stack(found[rows:])
    vectors = vectors[: rows**2] + 1j * vectors[rows**2 :] if whole else vectors
    vectors = np.moveaxis(vectors.reshape(rows, rows, -1), -1, 0).astype(complex)
    # Six to eight sweeps take every number through 2 (rows − 1) rotations each, of two products and a sum: 48 rows roundings at most.
    exact, bound = matrix.astype(complex), 48 * rows * np.finfo(dtype).eps
    right = np.linalg.eigvalsh(exact)
    allowed = bound * np.abs(right).max(axis=1) + NOTHING
    assert np.all(np.diff(values, axis=1) >= 0)
    assert np.all(np.abs(values - right).max(axis=1) <= allowed)
    assert np.all(np.abs(exact @ vectors - vectors * values[:, None, :]).max(axis=(1, 2)) <= allowed)
    assert np.abs(vectors.conj().swapaxes(1, 2) @ vectors - np.eye(rows)).max() <= bound


def test_either_triangle_is_read_alone():
    matrix = matrices("random", 6, True)[:16]
    for lower, spoilt in ((True, np.triu(matrix, 1)), (False, np.tril(matrix, -1))):
        found = by_routines(solved(6, "complex128", lower), (), jnp.asarray(parts(matrix + spoilt)))
        np.testing.assert_allclose(np.stack(found[:6], 1), np.linalg.eigvalsh(matrix), rtol=0, atol=1e-12)


def test_what_is_not_finite_shows():
    matrix = matrices("random", 5, True)[:16]
    matrix[3, 1, 2], matrix[5, 4, 4] = np.nan, np.inf
    matrix[3, 2, 1] = np.nan
    found = np.stack(by_routines(solved(5, "complex128"), (), jnp.asarray(parts(matrix))))
    broken = np.isin(np.arange(16), (3, 5))
    assert np.isnan(found[:, broken]).all() and np.isfinite(found[:, ~broken]).all()


def many_rows(params, k):
    """A ring of six sites, a magnetic flux through it."""
    hops = params["t"] * jnp.exp(1j * (k[0] + params["phase"]) * jnp.arange(6))
    ring = jnp.roll(jnp.eye(6), 1, axis=1) * hops[:, None]
    return ring + ring.conj().T + jnp.diag(jnp.cos(k[1] + jnp.arange(6.0)) + 0j)


@pytest.mark.filterwarnings("ignore:semijax. runs as plain JAX, slower. an eigenvalue problem of 6 rows:UserWarning")
def test_a_users_matrix_of_many_rows_runs_in_a_kernel(by):  # noqa: F811
    params = {"t": jnp.array([0.3, 0.5, 0.2, 0.4, 0.3, 0.6]), "phase": jnp.asarray(0.2)}
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        band = bands.bloch(many_rows, params, index=2, dimension=3, curvature=False, moment=False)
        found = by(KERNELS, lambda: run(band=band))
        assert by.names
        wanted = by(PLAIN, lambda: run(band=band))
    alike((found.time, found.frames, found.final), (wanted.time, wanted.frames, wanted.final))


# -- bands of sums ----------------------------------------------------------------------------------------------------------------


def model(rows, cells, d, dtype, spins=1, seed=0):
    """(vectors [R d], table [2R n²]) of hoppings that fall off with the distance; each band `spins` times."""
    rng = np.random.default_rng(seed)
    vectors = np.concatenate([np.zeros((1, d)), rng.integers(-4, 5, (cells - 1, d)) * 1.7])
    hopping = rng.normal(size=(cells, rows, rows)) + 1j * rng.normal(size=(cells, rows, rows))
    hopping *= np.exp(-np.linalg.norm(vectors, axis=1) / 3)[:, None, None]
    hopping = np.stack([np.kron(x, np.eye(spins)) for x in hopping])
    return jnp.asarray(vectors, dtype), jnp.asarray(np.asarray(summed.table_of(hopping)), dtype)


def energy_and_slope(index, grouping):
    def function(p, k, t):
        energy, slope = jax.value_and_grad(lambda k: summed.level(grouping, index, *p, k))(k)
        return (energy, *slope, *summed.separation(grouping, index, *p, k))

    return function


@pytest.mark.parametrize(
    ("rows", "cells", "d", "spins", "floor", "dtype"),
    [
        (5, 24, 3, 1, 1e-4, "float64"),
        (7, 25, 3, 1, 0.5, "float64"),
        (3, 31, 2, 2, 1e-4, "float64"),
        (6, 3, 1, 1, 1e-4, "float32"),
        (8, 40, 3, 1, 1e-4, "float32"),
    ],
)
def test_energy_slope_and_distance_of_a_band_of_sums(rows, cells, d, spins, floor, dtype):
    p, grouping, index = model(rows, cells, d, dtype, spins), Grouping(floor, spins), rows * spins // 2
    k = jnp.asarray(np.random.default_rng(1).uniform(-2, 2, (d, 64)), dtype)
    function = energy_and_slope(index, grouping)
    found = np.stack(by_routines(function, p, k))
    exact = jax.tree.map(lambda x: x.astype("float64"), (p, k))
    wanted = np.stack(jax.vmap(function, in_axes=(None, -1, None))(*exact, ()))
    # sums of 2R n² terms; a slope has the error of the state too, whose share is what the sums are over the distance to other bands
    size = float(jnp.abs(exact[0][1]).sum(axis=0).max()) * rows * spins
    rounding = (2 * cells + 48 * rows) * np.finfo(dtype).eps * size
    apart = np.maximum(wanted[-2], wanted[-1])
    inside = np.abs(wanted[-2] - wanted[-1]) > 10 * rounding  # else a rounding decides which bands are a group
    assert inside.sum() >= 60
    for row, right in zip(found[[0, -2, -1]], wanted[[0, -2, -1]]):
        assert np.all(np.abs(row - right) <= rounding)
    for row, right in zip(found[1:-2, inside], wanted[1:-2, inside]):
        assert np.all(np.abs(row - right) <= rounding * float(jnp.abs(p[0]).max()) * (1 + size / apart[inside]))


def test_a_band_of_sums_has_the_derivatives_of_its_matrix():
    """With respect to k, twice, and to the sums themselves, beside those of the matrix; at one k in one call, wherever it is asked."""
    p, grouping, index = model(5, 12, 3, "float64"), Grouping(1e-4), 2
    k = jnp.array([0.3, -0.4, 0.9])

    def other(p, k):
        return jnp.linalg.eigvalsh(summed.summed(*p, k))[index]

    def ours(p, k):
        return summed.level(grouping, index, *p, k)

    for mine, right in (
        (jax.grad(ours, 1), jax.grad(other, 1)),
        (jax.hessian(ours, 1), jax.hessian(other, 1)),
        (jax.grad(ours, 0), jax.grad(other, 0)),
        (jax.jacfwd(jax.grad(ours, 1), 0), jax.jacfwd(jax.grad(other, 1), 0)),
    ):
        for a, b in zip(jax.tree.leaves(mine(p, k)), jax.tree.leaves(right(p, k)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * float(jnp.abs(b).max()))
    program = Program(energy_and_slope(index, grouping), p, jnp.broadcast_to(k[:, None], (3, 8)), (), scalar=True)
    assert sum(node.op == "opaque" for node in program.order) == 1


def test_sums_of_so_many_rows_are_no_routine():
    p = model(33, 2, 3, "float64")
    with pytest.raises(Unsupported, match="an eigenvalue problem of 33 rows"):
        Program(energy_and_slope(0, Grouping(1e-4)), p, jnp.zeros((3, 8)), (), scalar=True)
