"""Lanes: programs agree with plain JAX to rounding, in values, derivatives, and in where NaN shows."""

import itertools
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from heavy import but_for
from hypothesis import given, settings
from hypothesis import strategies as st

import semijax as sj
from semijax import bands, fields, observables
from semijax._pytree import replace
from semijax.engine import over
from semijax.engine.lanes import Program, trig

LANES = 32
RNG = np.random.default_rng(0)
MATRIX = jnp.asarray(RNG.normal(size=(3, 3)))
CARRIERS = jnp.asarray(RNG.normal(size=(3, LANES)))
BROKEN = CARRIERS.at[0, 3].set(jnp.nan).at[1, 4].set(jnp.inf).at[2, 5].set(-jnp.inf)
TIME = jnp.asarray(0.3)


def both(function, shared, carriers, scalars=TIME):
    """(outputs of the lane program, outputs of vmap, the program)."""
    with jax.numpy_dtype_promotion("standard"):  # users mix dtypes
        program = Program(function, shared, carriers, scalars)
        plain = jax.jit(jax.vmap(function, in_axes=(None, -1, None), out_axes=-1))(shared, carriers, scalars)
    lanes = jax.jit(lambda c, t: program.tree_of(program(program.rows(c), program.clock(t))))(carriers, scalars)
    return lanes, plain, program


def assert_alike(lanes, plain, roundings=200):
    """Equal to so many roundings of the largest number: each node rounds once, and no expression here has more nodes."""
    for a, b in zip(jax.tree.leaves(lanes), jax.tree.leaves(plain), strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        a, b = np.asarray(a), np.asarray(b)
        if a.dtype.kind not in "fc":
            np.testing.assert_array_equal(a, b)
            continue
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        np.testing.assert_array_equal(np.isinf(a), np.isinf(b))
        ok = np.isfinite(b)
        scale = np.abs(b[ok]).max(initial=0.0)
        np.testing.assert_allclose(a[ok], b[ok], rtol=0, atol=roundings * np.finfo(a.dtype).eps * max(scale, 1e-300))


FUNCTIONS = {
    "einsum": lambda p, c, t: jnp.einsum("ij,j,i->", p, c, c),
    "norm": lambda p, c, t: jnp.linalg.norm(p @ c),
    "where": lambda p, c, t: jnp.where(c > 0, jnp.sqrt(jnp.abs(c)), c**3).sum(),
    "clip": lambda p, c, t: jnp.clip(c, -0.5, 0.5),
    "powers": lambda p, c, t: jnp.abs(c) ** 1.5 + c**-2 + jnp.power(2.0, c),
    # not with arctan, whose sums with others the CPU compiler of JAX 0.10 gets wrong, in plain JAX too
    "inverse functions": lambda p, c, t: jnp.tan(c) + jnp.arcsin(jnp.tanh(c)) + jnp.arcsinh(c),
    "angle": lambda p, c, t: jnp.arctan2(c[0], c[1]),
    "hyperbolic": lambda p, c, t: jnp.cosh(c) + jnp.log1p(c * c) + jnp.expm1(-c * c),
    "fixed loop": lambda p, c, t: jax.lax.fori_loop(0, 5, lambda i, x: x + jnp.sin(x * i), c),
    "scan": lambda p, c, t: jax.lax.scan(lambda x, y: (x * y + c[0], x.sum()), c, p),
    "complex": lambda p, c, t: (
        jnp.abs(1 + jnp.exp(1j * c).sum()) ** 2 + jnp.real(jnp.exp(1j * c[0]) * jnp.conj(jnp.exp(2j * c[1])))
    ),
    "table": lambda p, c, t: jnp.interp(c[0], jnp.linspace(-3.0, 3.0, 2000), jnp.sin(jnp.linspace(-3.0, 3.0, 2000))),
    "computed index": lambda p, c, t: p[(jnp.abs(c[0]) * 3).astype(int) % 3] @ c,
    "eigenvalues": lambda p, c, t: jnp.linalg.eigvalsh((p + p.T) * c[0] + jnp.diag(c)),
    "cond": lambda p, c, t: jax.lax.cond(c[0] > 0, lambda x: jnp.sin(x), lambda x: x * 2, c),
    "sort": lambda p, c, t: jnp.sort(c),
    "while": lambda p, c, t: jax.lax.while_loop(lambda x: jnp.sum(x * x) < 100, lambda x: x * 1.5, c),
    "argmax": lambda p, c, t: c[jnp.argmax(c)],
    "scatter": lambda p, c, t: jnp.zeros((3, 3)).at[0, 1].set(c[0]).at[1].add(c),
    "hessian": lambda p, c, t: jax.hessian(lambda k: jnp.sum(jnp.cos(p @ k)) * jnp.exp(-jnp.sum(k * k)))(c),
    "jacobian": lambda p, c, t: jax.jacfwd(lambda k: jnp.array([k[0] ** 2, k[1] * k[2], jnp.sin(k[2])]))(c),
    "random": lambda p, c, t: sj.random.uniforms(
        sj.random.carrier_key(jnp.array([3, 4], jnp.uint32), (c[0] * 100).astype(jnp.int32)), 7, 3, jnp.float64
    ),
    "own derivative rules": lambda p, c, t: jax.nn.softplus(c).sum() + jnp.logaddexp(c[0], c[1]),
    "time": lambda p, c, t: c * jnp.cos(t * 2.0) + p[0],
    "constant": lambda p, c, t: (jnp.eye(3), p, c),
    "cumulative": lambda p, c, t: jnp.cumsum(c) + jnp.cumprod(c[::-1]),
    "dead end": lambda p, c, t: jnp.where(c > 0, 0.0 * jnp.log(jnp.abs(c)), c),
}
VMAPPED = {"sort": ["sort"], "while": ["while"], "eigenvalues": ["eigh"]}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_people_write_is_the_same_in_lanes(name):
    lanes, plain, program = both(FUNCTIONS[name], MATRIX, CARRIERS)
    assert_alike(lanes, plain)
    assert program.vmapped == VMAPPED.get(name, [])


# Not "while", which would not end.
@pytest.mark.parametrize("name", ["einsum", "norm", "hessian", "jacobian", "powers", "fixed loop", "where", "dead end", "argmax"])
def test_nan_and_inf_show_where_they_do_in_plain_jax(name):
    lanes, plain, _ = both(FUNCTIONS[name], MATRIX, BROKEN)
    assert_alike(lanes, plain)


def test_a_zero_times_what_is_not_finite_is_nan():
    lanes, plain, program = both(lambda p, c, t: c[0] + 0.0 * jnp.cos(c[1]) + 0.0 * jnp.exp(c[2]), MATRIX, BROKEN)
    assert_alike(lanes, plain)
    assert not any(node.op == "cos" for node in program.order), "the zero folds away, and with it the cosine"


LIBRARY = {
    "parabolic": bands.parabolic(0.1),
    "ellipsoidal": bands.ellipsoidal([1.0, 0.2, 0.3], axes=np.linalg.qr(RNG.normal(size=(3, 3)))[0]),
    "kane": bands.kane(0.067, 0.6),
    "warped": bands.warped(13.4, 8.5, 13.1),
    "cosine": bands.cosine(0.1, 3.0, dimension=3),
    "superlattice": bands.superlattice(0.018, 114.0, 0.067),
    "tight binding": bands.tight_binding({(3.0, 0.0, 0.0): -0.1, (0.0, 3.0, 0.0): -0.2, (3.0, 3.0, 3.0): 0.05}),
    "graphene": bands.graphene(overlap=0.1),
    "massive dirac": bands.massive_dirac(0.3, 5.0),
}


@pytest.mark.parametrize("carriers", [CARRIERS, BROKEN], ids=["finite", "broken"])
@pytest.mark.parametrize("name", LIBRARY)
def test_bands_of_the_library(name, carriers):
    band = LIBRARY[name]

    def look(params, k, t):
        one = replace(band, params=params)
        return one(k), one.velocity(k), one.inverse_mass(k), one.berry_curvature(k), one.orbital_moment(k)

    lanes, plain, program = both(look, band.params, carriers[: band.dimension])
    assert_alike(lanes, plain)
    assert program.vmapped == []


LEAVES = st.sampled_from(["x", "y", "z", "a", 0.0, 1.0, -1.0, 2.5])
UNARY = {
    "sin": jnp.sin,
    "cos": jnp.cos,
    "exp": lambda x: jnp.exp(jnp.tanh(x)),
    "neg": jnp.negative,
    "tanh": jnp.tanh,
    "abs": jnp.abs,
}
BINARY = {
    "add": jnp.add,
    "sub": jnp.subtract,
    "mul": jnp.multiply,
    "max": jnp.maximum,
    "div": lambda x, y: x / (1.5 + jnp.cos(y)),
}
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.sampled_from(sorted(UNARY)), inner) | st.tuples(st.sampled_from(sorted(BINARY)), inner, inner),
    max_leaves=12,
)


def evaluated(expression, p, c):
    if isinstance(expression, tuple):
        name, *parts = expression
        return (UNARY | BINARY)[name](*(evaluated(part, p, c) for part in parts))
    names = {"x": c[0], "y": c[1], "z": c[2], "a": p[0, 0]}
    return names[expression] if isinstance(expression, str) else jnp.asarray(expression, c.dtype)


@settings(max_examples=15)
@given(EXPRESSIONS)
def test_random_expressions_and_their_gradients(expression):
    def look(p, c, t):
        return evaluated(expression, p, c), jax.grad(lambda c: evaluated(expression, p, c))(c)

    lanes, plain, _ = both(look, MATRIX, CARRIERS)
    # Rounding may be amplified by what a product before it multiplied with: at most 12 leaves, none above 4 here.
    for a, b in zip(jax.tree.leaves(lanes), jax.tree.leaves(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * (1 + np.abs(np.asarray(b)).max()))


def test_derivatives_with_respect_to_what_is_shared():
    def loss(engine):
        def value(p):
            if engine == "plain":
                return jnp.sum(jax.vmap(lambda c: jnp.sum(jnp.sin(p @ c) * jnp.cos(c)), in_axes=-1)(CARRIERS))
            program = Program(lambda p, c, t: jnp.sum(jnp.sin(p @ c) * jnp.cos(c)), p, CARRIERS, TIME)
            return jnp.sum(program.tree_of(program(program.rows(CARRIERS), program.clock(TIME))))

        return value

    for derivative in (jax.grad, jax.jacfwd, jax.hessian):
        np.testing.assert_allclose(derivative(loss("lanes"))(MATRIX), derivative(loss("plain"))(MATRIX), rtol=1e-12, atol=1e-12)


# -- sine and cosine --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1.5e-7), ("float64", 3e-16)])
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_sine_and_cosine_are_as_exact_as_they_say(name, dtype, bound):
    x = np.concatenate([RNG.uniform(-1e4, 1e4, 200_000), RNG.uniform(-7.0, 7.0, 100_000)]).astype(dtype)
    exact = getattr(np, name)(x.astype(np.longdouble))
    found = np.asarray(jax.jit(getattr(trig, name))(jnp.asarray(x))).astype(np.longdouble)
    assert np.abs(found - exact).max() <= bound


def test_sine_and_cosine_at_the_ends_and_their_derivatives():
    for dtype in (jnp.float32, jnp.float64):
        bad = jnp.asarray([jnp.nan, jnp.inf, -jnp.inf], dtype)
        for f in (trig.sin, trig.cos):
            assert jnp.isnan(f(bad)).all()
            huge = jnp.asarray([1e9, 1e30, -3e37], dtype)
            assert (jnp.abs(f(huge)) <= 1 + 2 * jnp.finfo(dtype).eps * jnp.abs(huge)).all()
    third = jax.grad(jax.grad(jax.grad(trig.sin)))
    np.testing.assert_allclose(third(1.3), -np.cos(1.3), rtol=1e-15)


# -- the engine -------------------------------------------------------------------------------------------------------------


def run(step=sj.rk4, **more):
    band = bands.tight_binding({(3.0, 0.0, 0.0): -0.1, (0.0, 3.0, 0.0): -0.2, (0.0, 3.0, 3.0): 0.05}, lattice=3.0 * np.eye(3))
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform([1e-3, 2e-3, 0.0], more.pop("magnetic", [10.0, 0.0, 20.0])))
    carriers = sj.Carriers(sj.Phase(jnp.zeros((300, 3)), jnp.asarray(np.random.default_rng(1).normal(0, 0.3, (300, 3)))))
    record = {"v": observables.mean(observables.velocity), "E": observables.covariance(observables.energy)}
    return sj.simulate(dynamics, carriers, duration=40.0, dt=1.0, every=5, record=record, step=step, **more)


STEPS = {"rk4": sj.rk4, "dop8": sj.dop8, "volume": sj.with_volume(sj.rk4), "jacobian": sj.with_jacobian(sj.heun)}


@pytest.mark.parametrize(
    ("name", "compensated"), but_for([("rk4", False), ("volume", True)], list(itertools.product(STEPS, (False, True))))
)
def test_both_engines_agree(monkeypatch, name, compensated):
    found, step = {}, STEPS[name]
    monkeypatch.setattr(sys.modules["semijax.configure"], "_told", True)  # that the tests' compiler flags are not all
    for engine in ("lanes", "plain"):
        monkeypatch.setenv("SEMIJAX_ENGINE", engine)
        result = run(step, compensated=compensated).check()
        found[engine] = (result.frames, result.final.phase, result.final.log_volume, result.final.jacobian)
    for a, b in zip(*map(jax.tree.leaves, found.values()), strict=True):
        # 40 steps of some hundred roundings each, in numbers of order one (lengths of order ten)
        np.testing.assert_allclose(a, b, rtol=0, atol=40 * 100 * np.finfo(float).eps * max(1.0, float(jnp.abs(b).max())))


def test_an_engine_that_does_not_exist_is_refused(monkeypatch):
    monkeypatch.setenv("SEMIJAX_ENGINE", "warp")
    with pytest.raises(sj.SemijaxError, match="SEMIJAX_ENGINE = 'warp': allowed are kernels, lanes, plain"):
        run()


def test_what_stays_vmapped_is_said_once(monkeypatch):
    monkeypatch.setattr(over, "_told", set())
    look = FUNCTIONS["sort"]
    with pytest.warns(UserWarning, match="sort .* stays a vmapped call"):
        over.over_lanes(look, MATRIX, CARRIERS, TIME, over.Engine(True, "cpu"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        over.over_lanes(look, MATRIX, CARRIERS, TIME, over.Engine(True, "cpu"))


def test_a_step_of_too_many_operations_runs_plain_and_says_so_once(monkeypatch):
    monkeypatch.setenv("SEMIJAX_ENGINE", "lanes")
    monkeypatch.setattr(sys.modules["semijax.configure"], "_told", True)  # that the tests' compiler flags are not all
    plain = run()
    monkeypatch.setattr(over, "_told", set())
    monkeypatch.setattr(over, "LONGEST", 100)
    jax.clear_caches()  # the same run again, traced with the lower limit
    with pytest.warns(UserWarning, match=r"a step of \d+ operations, allowed are 100 in lanes") as notices:
        long = run()
    assert len(notices) <= 2  # the step, and a look as long
    np.testing.assert_allclose(long.final.phase.wavevector, plain.final.phase.wavevector, rtol=0, atol=1e-12)


def test_a_function_with_side_effects_runs_plain(monkeypatch, capfd):
    monkeypatch.setattr(over, "_told", set())

    def look(p, c, t):
        jax.debug.print("{}", t)
        return 2 * c

    with pytest.warns(UserWarning, match="plain JAX"):
        out = over.over_lanes(look, MATRIX, CARRIERS, TIME, over.Engine(True, "cpu"))(CARRIERS, TIME)
    np.testing.assert_array_equal(out, 2 * CARRIERS)
