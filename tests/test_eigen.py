"""Small Hermitian eigenvalue problems as straight-line arithmetic: accuracy, degeneracies, derivatives, and in lanes and kernels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from heavy import but_for
from jax.test_util import check_grads

import semijax as sj
from semijax import _hermitian, bands, fields
from semijax._pytree import replace
from semijax._types import cast
from semijax.bands.eigen import Grouping, eigensystem, level, separation
from semijax.engine import over
from semijax.engine.lanes import Program, Unsupported


@pytest.fixture(autouse=True)
def as_users_write():
    """The matrices below mix real and complex numbers, as users do."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


# Every step is unitary with an error of a few roundings ε of ‖H‖; n rows take fewer than 12 n of them one after another (two
# reflections, seven sweeps of three rotations, ...), whose errors add up like a random walk at the least, so that 24 n ε bounds them.
# Numbers below 1e-14 (float32) count as nothing, see the module.
BOUND, NOTHING = 24, 1e-13
KINDS = ["random", "pairs", "near", "multiple", "whole numbers", "almost diagonal", "sparse", "nothing"]
COUNT = 400


def matrices(kind, n, whole, seed=0):
    """[COUNT n n], real, or complex where `whole`."""
    rng = np.random.default_rng(seed)
    random = rng.normal(size=(COUNT, n, n)) + (1j * rng.normal(size=(COUNT, n, n)) if whole else 0)
    states, values = np.linalg.qr(random)[0], rng.normal(size=(COUNT, n))
    if kind == "pairs":
        values[:, 1::2] = values[:, : n // 2 * 2 : 2]
    elif kind == "near":
        values = values[:, :1] + 10.0 ** -rng.uniform(1, 8, size=(COUNT, 1)) * values
    elif kind == "multiple":
        values[np.arange(n)[None] < rng.integers(1, n + 1, size=COUNT)[:, None]] = 1.0
    elif kind == "whole numbers":
        random = np.round(random)
    elif kind == "almost diagonal":
        off = 10.0 ** -rng.uniform(2, 12, size=(COUNT, 1, 1)) * random
        return off + off.conj().swapaxes(1, 2) + np.eye(n) * rng.integers(-1, 2, size=(COUNT, n))[:, None, :]
    elif kind == "sparse":
        random = random * (rng.uniform(size=random.shape) < 0.3)
    elif kind == "nothing":
        random = 0 * random
    if kind in ("random", "whole numbers", "sparse", "nothing"):
        return random + random.conj().swapaxes(1, 2)
    return (states * values[:, None, :]) @ states.conj().swapaxes(1, 2)


def solved(matrix):
    """The straight line on [COUNT n n], operation by operation: compiled as one loop it would take minutes."""
    with jax.disable_jit():
        return jax.vmap(_hermitian.eigh)(jnp.asarray(matrix))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_values_and_vectors_of_every_kind_of_matrix(n, dtype):
    whole = dtype.startswith("complex")
    scale = np.array([1e-3, 1.0, 1e3])[np.arange(len(KINDS) * COUNT) % 3]
    matrix = np.concatenate([matrices(kind, n, whole) for kind in KINDS]) * scale[:, None, None]
    matrix = matrix.astype(dtype)
    values, vectors = map(np.asarray, solved(matrix))
    assert (values.dtype, vectors.dtype) == (np.zeros(1, dtype).real.dtype, np.dtype(dtype))
    bound = BOUND * n * np.finfo(dtype).eps
    exact = matrix.astype(complex)
    size = np.abs(np.linalg.eigvalsh(exact)).max(axis=1)
    allowed = bound * size + NOTHING
    assert np.all(np.abs(values - np.linalg.eigvalsh(exact)).max(axis=1) <= allowed)
    assert np.all(np.diff(values, axis=1) >= 0)
    vectors = vectors.astype(complex)
    residual = np.abs(exact @ vectors - vectors * values[:, None, :]).max(axis=(1, 2))
    assert np.all(residual <= allowed)
    assert np.abs(vectors.conj().swapaxes(1, 2) @ vectors - np.eye(n)).max() <= bound


def test_what_is_not_finite_shows():
    for n in (2, 3, 4):
        values, _ = solved(np.full((1, n, n), np.nan))
        assert np.isnan(values).all()


# -- levels and their derivatives -------------------------------------------------------------------------------------------------

SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def haldane(p, k):
    """Honeycomb with complex hops to second neighbours: Haldane, PRL 61, 2015 (1988)."""
    a = 2.5 * jnp.array([[0.5, 0.75**0.5], [0.5, -(0.75**0.5)], [-1.0, 0.0]], k.dtype)
    angle = a @ k
    near = 1 + jnp.exp(1j * angle[0]) + jnp.exp(-1j * angle[1])
    mass = p["mass"] + 2 * p["second"] * jnp.sum(jnp.sin(angle))
    one = -p["first"] * near
    return jnp.array([[mass + 0j, one], [one.conj(), -mass + 0j]])


def dirac(p, k):
    """±√((mass/2)² + (vk)²)."""
    b = p["v"] * (k[0] - 1j * k[1])
    return jnp.array([[p["mass"] / 2 + 0j, b], [b.conj(), -p["mass"] / 2 + 0j]])


def luttinger(p, k):
    """Heavy and light holes, each twice: Luttinger, Phys. Rev. 102, 1030 (1956); spin 3/2 in the form of Dirac matrices."""
    x, y, z = k
    three = 3**0.5
    d = [three * p["g3"] * y * z, three * p["g3"] * x * z, three * p["g3"] * x * y]
    d += [three / 2 * p["g2"] * (x * x - y * y), p["g2"] / 2 * (2 * z * z - x * x - y * y)]
    gamma = [np.kron(SIGMA[2], SIGMA[1]), np.kron(SIGMA[2], SIGMA[0]), np.kron(SIGMA[1], np.eye(2))]
    gamma += [np.kron(SIGMA[0], np.eye(2)), np.kron(SIGMA[2], SIGMA[2])]
    total = -p["g1"] * jnp.sum(k * k) * jnp.eye(4)
    total = total.astype(jnp.complex64 if k.dtype == jnp.float32 else jnp.complex128)
    for c, g in zip(d, gamma, strict=True):
        total = total + c * jnp.asarray(g, total.dtype)
    return total


def trimer(p, k):
    """Three sites in a chain, with three hops and three depths."""
    last = p["t"][2] * jnp.exp(1j * 3.0 * k[0])
    t = p["t"] + 0j
    e = p["e"] + 0j
    return jnp.array([[e[0], t[0], last.conj()], [t[0], e[1], t[1]], [last, t[1], e[2]]])


MODELS = {
    "haldane": (haldane, {"mass": 0.2, "first": 1.0, "second": 0.1}, 2, 1),
    "dirac": (dirac, {"mass": 0.3, "v": 5.0}, 2, 1),
    "luttinger": (luttinger, {"g1": 6.98, "g2": 2.06, "g3": 2.93}, 3, 2),
    "trimer": (trimer, {"t": jnp.array([0.5, 0.8, 0.3]), "e": jnp.array([0.1, -0.2, 0.4])}, 1, 1),
}


def band_of(name, **more):
    matrix, params, dimension, multiplicity = MODELS[name]
    top = {"luttinger": 4, "trimer": 3}.get(name, 2) - 1
    return bands.bloch(matrix, params, top, dimension=dimension, multiplicity=multiplicity, **more)


@pytest.mark.parametrize("name", MODELS)
def test_derivatives_of_a_band(name):
    band = band_of(name)
    k = jnp.array([0.11, -0.23, 0.17])[: band.dimension]
    check_grads(jax.jit(band), (k,), order=2, modes=["fwd", "rev"])
    energies = np.linalg.eigvalsh(MODELS[name][0](MODELS[name][1], k))
    np.testing.assert_allclose(band(k), energies[-1], rtol=0, atol=1e-13 * np.abs(energies).max())


@pytest.mark.parametrize("multiplicity", [1, 2])
def test_two_levels_in_closed_form_are_what_eigenvectors_give(multiplicity):
    grouping, n = Grouping(1e-4, multiplicity), 2 * multiplicity
    rng = np.random.default_rng(1)
    d, change = rng.normal(size=3), rng.normal(size=(3, n, n)) + 1j * rng.normal(size=(3, n, n))
    change = change + change.conj().swapaxes(1, 2)

    def matrix(x):
        pair = 0.3 * np.eye(2) + sum(c * s for c, s in zip(d, SIGMA, strict=True))
        return jnp.asarray(np.kron(np.eye(multiplicity), pair)) + sum(c * m for c, m in zip(x, change, strict=True))

    zero = jnp.zeros(3)
    for index in range(n):
        closed = jax.jit(jax.grad(lambda x, i=index: level(grouping, i, matrix(x))))(zero)
        vectors = jax.jit(jax.grad(lambda x, i=index: eigensystem(grouping, matrix(x))[0][i]))(zero)
        # Six operations on numbers of size |change| one way, an orthogonal transform of n² entries the other: below 1e3 roundings.
        np.testing.assert_allclose(closed, vectors, rtol=0, atol=1e3 * np.finfo(float).eps)
        assert separation(grouping, index, matrix(zero))[0] == pytest.approx(2 * np.linalg.norm(d), rel=1e-14)


@pytest.mark.parametrize("n", [2, 3])
def test_touching_bands_have_the_average_of_their_slopes(n):
    slope = jnp.asarray(np.diag(np.arange(1.0, n + 1)))

    def energy(x):
        return level(Grouping(1e-4), 0, jnp.eye(n) + x * slope)

    assert jax.jit(jax.grad(energy))(0.0) == pytest.approx((n + 1) / 2, rel=1e-14)
    assert jax.jit(jax.grad(jax.grad(energy)))(0.0) == 0.0
    assert jax.jit(jax.grad(energy))(-1.0) == pytest.approx(n, rel=1e-14)


# -- in lanes ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", but_for(["dirac", "haldane"], MODELS))
def test_bands_in_kernels_have_no_call(name, dtype):
    band = band_of(name)
    short = name == "trimer" or (name, dtype) == ("luttinger", "float64")  # what XLA compiles for half a minute is enough once
    rng = np.random.default_rng(2)
    k = jnp.asarray(rng.uniform(-0.3, 0.3, size=(band.dimension, 64)), dtype)
    params, time = cast(band.params, k.dtype), jnp.zeros((), dtype)

    def look(params, k, t):
        one = replace(band, params=params)
        seen = one(k), one.velocity(k), one.separation(k)
        return seen if short else (*seen, one.inverse_mass(k), one.berry_curvature(k), one.orbital_moment(k))

    program = over.program_of(look, params, k, time, scalar=True)
    assert program is not None
    assert program.vmapped == []
    assert not any(node.op == "opaque" for node in program.order)
    kernel = jax.jit(lambda k, t: program.tree_of(program(program.rows(k), program.clock(t), apart=True)))(k, time)
    plain = jax.jit(jax.vmap(look, in_axes=(None, -1, None), out_axes=-1))(params, k, time)
    # A rounding of H, of size |H|, changes a derivative by itself times |∂H|/gap once for each order; the gaps here are above 0.02 |H|.
    for a, b in zip(kernel, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e4 * np.finfo(dtype).eps * max(np.abs(b).max(initial=0.0), 1.0))


@pytest.mark.parametrize("n", but_for([2], [2, 4]))
def test_what_users_call_eigvalsh_and_eigh(n):
    """Two rows as lanes of XLA, four in a kernel."""
    rng = np.random.default_rng(n)
    basis = rng.normal(size=(3, n, n))
    basis = jnp.asarray(basis + basis.swapaxes(1, 2))

    def look(basis, k, t):
        matrix = jnp.tensordot(k, basis, axes=1)
        values, vectors = jnp.linalg.eigh(matrix)
        slope = jax.grad(lambda k: jnp.linalg.eigvalsh(jnp.tensordot(k, basis, axes=1))[0])(k)
        return values, jnp.abs(vectors), slope, jnp.linalg.eigh(matrix, UPLO="U", symmetrize_input=False)[0]

    k, time = jnp.asarray(rng.normal(size=(3, 32))), jnp.zeros(())
    program = Program(look, basis, k, time, scalar=n > 2)
    assert program.vmapped == []
    assert n == 2 or Program(look, basis, k, time).vmapped == ["eigh"]
    lanes = jax.jit(lambda k, t: program.tree_of(program(program.rows(k), program.clock(t), apart=True)))(k, time)
    plain = jax.jit(jax.vmap(look, in_axes=(None, -1, None), out_axes=-1))(basis, k, time)
    gap = float(jnp.diff(plain[0], axis=0).min())
    for a, b in zip(lanes, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=BOUND * n * np.finfo(float).eps * float(jnp.abs(plain[0]).max()) ** 2 / gap)


def test_five_rows_are_left_to_xla():
    matrix = jnp.diag(jnp.arange(5.0))
    with pytest.raises(Unsupported, match="eigenvalue problem of 5 rows"):
        Program(lambda m, k, t: jnp.linalg.eigvalsh(m + k[0]), matrix, jnp.ones((1, 16)), jnp.zeros(()))


@pytest.mark.parametrize(
    ("name", "engine"),
    but_for([("haldane", "kernels")], [("haldane", "kernels"), ("luttinger", "kernels"), ("trimer", "kernels")]),
)
def test_a_run_is_the_same(name, engine, monkeypatch):
    band = band_of(name, curvature=name == "haldane", moment=False)
    field = fields.uniform(electric=[1e-4, 2e-4, 1e-4][: band.dimension])
    rng = np.random.default_rng(3)
    k = rng.uniform(-0.2, 0.2, size=(64, band.dimension))
    runs = {}
    monkeypatch.setattr(over, "_told", set())  # a notice that lanes were not to be had would be an error
    for which in ("plain", engine):
        monkeypatch.setenv("SEMIJAX_ENGINE", which)
        runs[which] = sj.simulate(
            sj.Dynamics(sj.electron(band), field), sj.Carriers(sj.Phase(jnp.zeros_like(k), k)), duration=20.0, dt=0.5
        )
    for a, b in zip(*(jax.tree.leaves(run.final.phase) for run in runs.values()), strict=True):
        # 40 steps, each with some hundred roundings of r and k, which grow with the inverse gap as above.
        np.testing.assert_allclose(a, b, rtol=0, atol=1e6 * np.finfo(float).eps * max(1.0, np.abs(b).max()))
