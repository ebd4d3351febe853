"""Steps: their measured order, reversal, symplecticity, and that any tree and any plain function will do."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.integrate._ivp import dop853_coefficients

from semijax import _dop853, steppers
from semijax._pytree import record
from semijax._types import Phase, SemijaxError

SPLIT = [steppers.leapfrog, steppers.strang, steppers.yoshida4]
TABLEAUS = [steppers.euler, steppers.heun, steppers.midpoint, steppers.rk4, steppers.dop8]
ALL = [*TABLEAUS, *SPLIT]


def named(steps):
    return pytest.mark.parametrize("step", steps, ids=lambda step: step.name)


@record
class Driven:
    """dr/dt = sin k, dk/dt = −sin r + force cos(frequency t): nonlinear in both, not autonomous, and it splits."""

    force: float = 0.7
    frequency: float = 1.7

    def __call__(self, t, z):
        return jax.tree.map(jnp.add, self.kick(t, z), self.drift(t, z))

    def kick(self, t, z):
        return Phase(jnp.zeros_like(z.position), self.force * jnp.cos(self.frequency * t) - jnp.sin(z.position))

    def drift(self, t, z):
        return Phase(jnp.sin(z.wavevector), jnp.zeros_like(z.wavevector))


START = Phase(np.array([0.3, -0.5]), np.array([0.8, 1.1]))


def run(step, flow, z, duration, n, start=0.0):
    dt = duration / n
    return jax.lax.fori_loop(0, n, lambda i, z: step(flow, start + i * dt, z, dt), jax.tree.map(jnp.asarray, z))


def flat(z):
    return np.concatenate([np.asarray(x) for x in jax.tree.leaves(z)])


def exact(flow, duration):
    def rates(t, y):
        return flat(flow(t, Phase(y[:2], y[2:])))

    return solve_ivp(rates, (0, duration), flat(START), method="DOP853", rtol=3e-14, atol=1e-14).y[:, -1]


def measured_order(step, steps, duration):
    """Slope of log error against log dt."""
    reference = exact(Driven(), duration)
    errors = [np.abs(flat(jax.jit(run, static_argnums=4)(step, Driven(), START, duration, n)) - reference).max() for n in steps]
    return np.polyfit(np.log([1 / n for n in steps]), np.log(errors), 1)[0]


@named(ALL)
def test_order(step):
    # error = C dt^p (1 + c dt + ...), c of order one (c dt² for the symmetric splittings): the slope is off by about c dt < 0.1.
    # dop8 runs longer with a larger dt, so that its errors (7e-10 to 3e-12) stay above those of the reference (4e-14).
    if step.order == 8:
        assert measured_order(step, [84, 120, 168], 24.0) == pytest.approx(8, abs=0.1)
    else:
        steps = {1: [400, 800, 1600], 2: [80, 160, 320], 4: [60, 120, 240]}[step.order]
        assert measured_order(step, steps, 4.0) == pytest.approx(step.order, abs=0.1)


@named(SPLIT)
def test_a_kick_at_the_wrong_time_would_lose_the_order(step):
    class Late(Driven):
        def kick(self, t, z):
            return super().kick(t + 0.01, z)

    # the time of the kicks is what makes E(t) converge: delay it and the error stays
    late = flat(run(step, Late(), START, 4.0, 400))
    assert np.abs(late - exact(Driven(), 4.0)).max() > 1e-3


def test_dop8_table_is_the_published_one():
    assert tuple(dop853_coefficients.C[:12]) == _dop853.NODES
    assert tuple(dop853_coefficients.B) == _dop853.WEIGHTS
    for i, row in enumerate(_dop853.ROWS):
        assert row == tuple(dop853_coefficients.A[i, :i])


@named(TABLEAUS)
def test_order_conditions(step):
    # exact in rational numbers; the coefficients of dop8 reach 43, so their rounding leaves 43 · 12 · eps ≈ 1e-13
    s = len(step.weights)
    a = np.zeros((s, s))
    for i, row in enumerate(step.rows):
        a[i, :i] = row
    b, c = np.array(step.weights), np.array(step.nodes)
    np.testing.assert_allclose(a.sum(1), c, atol=1e-13)
    for k in range(step.order):  # quadrature: Σ b c^k = 1/(k + 1)
        assert b @ c**k == pytest.approx(1 / (k + 1), abs=1e-13)
    tall = np.ones(s)
    for k in range(1, step.order + 1):  # linear problems: b A^(k-1) 1 = 1/k!
        assert b @ tall == pytest.approx(1 / math.factorial(k), abs=1e-13)
        tall = a @ tall


@named(TABLEAUS)
def test_zeros_of_a_tableau_cost_nothing(step):
    jaxpr = jax.make_jaxpr(lambda z, dt: step.increment(lambda t, z: -z, 0.0, z, dt))(jnp.ones(1), jnp.float64(0.1))
    multiplications = sum(eqn.primitive.name == "mul" for eqn in jaxpr.eqns)
    # one for each coefficient that is neither 0 nor 1, one by dt for each stage (the first needs none, the result does), one for
    # each time of evaluation that is not t
    coefficients = [x for row in (*step.rows, step.weights) for x in row if x not in (0.0, 1.0)]
    assert multiplications == len(coefficients) + len(step.weights) + sum(c != 0.0 for c in step.nodes)


@named(SPLIT)
@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4), st.floats(0.01, 0.4), st.floats(-3, 3))
def test_reversal(step, point, dt, t):
    z = Phase(jnp.array(point[:2]), jnp.array(point[2:]))
    there = step(Driven(), t, z, dt)
    back = step(Driven(), t + dt, there, -dt)
    # each of at most 7 stages rounds once; the rates are Lipschitz with constant one
    np.testing.assert_allclose(flat(back), flat(z), atol=1e-14)


def jacobian(step, t, z, dt):
    def move(y):
        moved = step(Driven(), t, Phase(y[:2], y[2:]), dt)
        return jnp.concatenate([moved.position, moved.wavevector])

    return jax.jacfwd(move)(jnp.concatenate([z.position, z.wavevector]))


@named(SPLIT)
@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4), st.floats(0.01, 1.0))
def test_symplectic(step, point, dt):
    j = np.asarray(jacobian(step, 0.4, Phase(jnp.array(point[:2]), jnp.array(point[2:])), dt))
    form = np.block([[np.zeros((2, 2)), np.eye(2)], [-np.eye(2), np.zeros((2, 2))]])
    # entries of J stay below (1 + 1.4 dt)^7 ≈ 200 (yoshida4 steps back by 1.7 dt); rounding 200² eps ≈ 1e-11
    np.testing.assert_allclose(j.T @ form @ j, form, atol=1e-11)
    assert np.linalg.det(j) == pytest.approx(1, abs=1e-11)
    assert step.preserves_volume


@named(TABLEAUS)
def test_tableaus_do_not_keep_volume(step):
    det = float(jnp.linalg.det(jacobian(step, 0.4, jax.tree.map(jnp.asarray, START), 0.5)))
    assert abs(det - 1) > 1e-12  # the certificate of the splittings is not empty
    assert not step.preserves_volume


@record
class Oscillator:
    def kick(self, t, z):
        return Phase(jnp.zeros_like(z.position), -z.position)

    def drift(self, t, z):
        return Phase(z.wavevector, jnp.zeros_like(z.wavevector))


@named(SPLIT)
def test_energy_of_an_oscillator_does_not_drift(step):
    dt, n = 0.2, 20_000

    def advance(z, i):
        z = step(Oscillator(), i * dt, z, dt)
        return z, (z.position**2 + z.wavevector**2) / 2

    z = Phase(jnp.float64(1.0), jnp.float64(0.0))
    energy = np.asarray(jax.jit(lambda z: jax.lax.scan(advance, z, jnp.arange(n, dtype=float))[1])(z))
    early, late = (np.abs(part - 0.5).max() for part in (energy[: n // 10], energy[-n // 10 :]))
    # the invariant of leapfrog is (k² + r² (1 − dt²/4))/2, so the energy breathes by at most dt²/8; yoshida4: smaller still
    assert early < dt**2 / 8 * 1.02
    # both windows see whole breathings up to the sampling of the maximum: (dt/2)²/2 relative; rounding 2e4 · eps is far below
    assert late == pytest.approx(early, rel=(dt / 2) ** 2)


@named(ALL)
def test_any_tree(step):
    # a dict of species moves as each alone would: the step never looks inside z
    @record
    class Pair:
        def __call__(self, t, z):
            return {name: Driven()(t, one) for name, one in z.items()}

        def kick(self, t, z):
            return {name: Driven().kick(t, one) for name, one in z.items()}

        def drift(self, t, z):
            return {name: Driven().drift(t, one) for name, one in z.items()}

    z = jax.tree.map(jnp.asarray, {"electron": START, "hole": Phase(START.wavevector, START.position)})
    both = step(Pair(), 0.3, z, 0.1)
    for name, one in z.items():
        np.testing.assert_array_equal(flat(both[name]), flat(step(Driven(), 0.3, one, 0.1)))


@named(ALL)
def test_dtype_follows_the_state(step):
    z = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), START)
    flow = Driven(jnp.float32(0.7), jnp.float32(1.7))
    for t, dt in ((0.5, 0.1), (jnp.float32(0.5), jnp.float32(0.1))):
        moved = jax.jit(step)(flow, t, z, dt)
        assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(moved))


@named(ALL)
def test_increment_is_not_a_difference(step):
    # at z = 2^30 a change of 1e-9 is below the rounding of z (2.4e-7), yet the increment has all its digits
    class Constant:
        def __call__(self, t, z):
            return Phase(jnp.ones_like(z.position), jnp.ones_like(z.wavevector))

        def kick(self, t, z):
            return Phase(jnp.zeros_like(z.position), jnp.ones_like(z.wavevector))

        def drift(self, t, z):
            return Phase(jnp.ones_like(z.position), jnp.zeros_like(z.wavevector))

    z = Phase(jnp.full(1, 2.0**30), jnp.full(1, 2.0**30))
    change = steppers.increment_of(step, Constant(), 0.0, z, 1e-9)
    # the weights of dop8 sum to one within 20 eps
    np.testing.assert_allclose(flat(change), 1e-9, rtol=1e-14)
    np.testing.assert_array_equal(flat(step(Constant(), 0.0, z, 1e-9)), 2.0**30)


def test_plain_functions_are_steps():
    def mine(flow, t, z, dt):
        return jax.tree.map(lambda x, rate: x + dt * rate, z, flow(t, z))

    z = jax.tree.map(jnp.asarray, START)
    step = steppers.as_step(mine)
    assert jax.tree.leaves(step) == []
    assert jax.tree.structure(step) == jax.tree.structure(steppers.as_step(mine))  # the same program to JAX
    moved = jax.jit(lambda step, z: step(Driven(), 0.0, z, 0.1))(step, z)
    np.testing.assert_allclose(flat(moved), flat(steppers.euler(Driven(), 0.0, z, 0.1)), rtol=1e-15)
    change = steppers.increment_of(step, Driven(), 0.0, z, 0.1)
    np.testing.assert_allclose(flat(change), flat(steppers.euler.increment(Driven(), 0.0, z, 0.1)), atol=4e-16)


@named(ALL)
def test_records_are_steps_as_they_are(step):
    assert steppers.as_step(step) is step
    assert jax.tree.leaves(step) == []


@record
class Still:
    """A user's step with a leaf of its own."""

    share: float

    def __call__(self, flow, t, z, dt):
        return jax.tree.map(lambda x: x + self.share * dt, z)


def test_steps_with_leaves_keep_them():
    step = Still(0.5)
    assert steppers.as_step(step) is step
    assert jax.grad(lambda step: steppers.as_step(step)(None, 0.0, 1.0, 0.1))(Still(0.5)).share == pytest.approx(0.1)


@named(SPLIT)
def test_a_flow_that_does_not_split(step):
    def spiral(t, z):
        return z

    with pytest.raises(SemijaxError, match=rf"{step.name}: flow = .*spiral.*use rk4"):
        step(spiral, 0.0, jnp.ones(2), 0.1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: steppers.as_step(3),
        lambda: steppers.Splitting("lame", 2, "kick", (1 / 2, 1.0, 1 / 4)),
        lambda: steppers.Splitting("lame", 2, "push", (1 / 2, 1.0, 1 / 2)),
        lambda: steppers.RungeKutta("lame", 2, (0.0, 1.0), ((), ()), (1 / 2, 1 / 2)),
    ],
)
def test_mistakes_are_named(call):
    with pytest.raises(SemijaxError, match="allowed"):
        call()
