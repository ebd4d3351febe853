"""Fields: closed forms, pulses measured as an experimenter would, gauge, potentials, sums, and errors in the user's words."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from semijax import fields, units
from semijax._pytree import record
from semijax._types import EMField, SemijaxError, UserCodeError, cast
from semijax.fields import envelopes, spline

ENVELOPES = ["gaussian", "sin2", "supersine"]
LENGTHS = {"sin2": envelopes.SIN2_LENGTH, "supersine": envelopes.SUPERSINE_LENGTH}
ORIGIN = jnp.zeros(1)


def electric(field, times, r=ORIGIN):
    """E(t) [m d]."""
    return np.asarray(jax.jit(jax.vmap(lambda t: field(t, r).electric))(jnp.asarray(times)))


def trapezoid(y, x):
    return np.trapezoid(y, x, axis=0)


# -- uniform ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("e", "b", "d"),
    [(0.1, None, 1), ([0.1, 0.2], 3.0, 2), (None, 3.0, 2), ([0.1, 0.2, 0.3], [1.0, 2.0, 3.0], 3), (None, None, 3)],
)
def test_uniform(e, b, d):
    field = fields.uniform(e, b)
    fields.check(field, d)
    value = field(0.0, jnp.ones(d))
    for found, given_ in ((value.electric, np.atleast_1d(e) if e is not None else None), (value.magnetic, b)):
        assert (found is None) == (given_ is None)
        assert found is None or np.array_equal(found, given_)
    assert (field.uniform, field.static, field.rate) == (True, True, 0.0)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_potential_of_a_uniform_field(d):
    field = fields.uniform(np.arange(1.0, d + 1))
    r = jnp.linspace(-1, 2, d)
    assert jnp.array_equal(-jax.grad(field.potential)(r), field(0.0, r).electric)
    assert fields.uniform(magnetic=1.0).potential(jnp.ones(2)) == 0


# -- alternating ------------------------------------------------------------------------------------------------------------


def test_ac():
    field = fields.ac([0.0, 0.0, 2e-4], frequency=3, phase=0.4)
    times = np.linspace(0, 1000, 7)
    expected = 2e-4 * np.cos(2 * np.pi * 3e-3 * times + 0.4)  # 3 THz = 3e-3 per fs
    np.testing.assert_allclose(electric(field, times, jnp.zeros(3))[:, 2], expected, rtol=1e-12)
    assert field.rate == pytest.approx(2 * np.pi * 3 * units.THZ_INTERNAL, rel=1e-15)
    assert (field.uniform, field.static, hasattr(field, "potential")) == (True, False, False)


@pytest.mark.parametrize(("sign", "turns"), [(1, -1), (-1, 1)])
def test_circular_polarisation(sign, turns):
    field = fields.ac(3e-3 * np.array([1, sign * 1j]), frequency=2.0)
    times = np.linspace(0, 500, 101)  # one period
    e = electric(field, times, jnp.zeros(2))
    np.testing.assert_allclose(np.hypot(*e.T), 3e-3, rtol=1e-14)
    angle = np.unwrap(np.arctan2(e[:, 1], e[:, 0]))
    np.testing.assert_allclose(angle, turns * 2 * np.pi * times / 500, atol=1e-12)


def test_elliptical_polarisation_is_the_real_part():
    amplitude = np.array([0.3 + 0.1j, -0.2j, 0.5])
    field = fields.pulse(amplitude, 5.0, 300.0, 100.0, phase=0.7, chirp=1e-5, envelope="sin2")
    times = np.linspace(-200, 500, 50)
    since = times - 100
    theta = 2 * np.pi * 5e-3 * since + 1e-5 * since**2 + 0.7
    envelope = np.asarray(envelopes.sin2(jnp.asarray(since / 300)))
    expected = envelope[:, None] * (amplitude * np.exp(1j * theta)[:, None]).real
    np.testing.assert_allclose(electric(field, times, jnp.zeros(3)), expected, atol=1e-14)


# -- pulses -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize("duration", [20.0, 137.0])
def test_duration_is_the_fwhm_of_the_intensity(envelope, duration):
    field = fields.pulse(0.01, 0.0, duration, 500.0, envelope=envelope)
    times = np.linspace(500 - duration, 500 + duration, 20_001)  # 1e-4 durations apart: the width errs by two at most
    intensity = electric(field, times)[:, 0] ** 2
    above = times[intensity >= intensity.max() / 2]
    assert above[-1] - above[0] == pytest.approx(duration, abs=2.1e-4 * duration)
    assert times[intensity.argmax()] == pytest.approx(500.0, abs=1e-9)
    assert intensity.max() == pytest.approx(1e-4, rel=1e-12)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("envelope", list(LENGTHS))
def test_zeros_are_exact(envelope, dtype):
    length = 40.0 * LENGTHS[envelope]
    field = fields.pulse(0.01, 300.0, 40.0, 200.0, phase=0.3, envelope=envelope)
    r = jnp.zeros(1, dtype)
    eps = float(jnp.finfo(dtype).eps)
    outside = 200 + np.array([-1, 1])[:, None] * length / 2 * (1 + np.array([8 * eps, 1e-3, 0.1, 10.0, 1e6]))
    assert not electric(field, outside.ravel().astype(dtype), r).any()
    inside = 200 + np.array([-1, 1])[:, None] * length / 2 * (1 - np.array([1e-2, 0.1, 0.5]))
    assert electric(fields.pulse(0.01, 0.0, 40.0, 200.0, envelope=envelope), inside.ravel().astype(dtype), r).all()


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_envelopes_are_smooth_where_they_end_and_in_the_middle(envelope):
    g = {"gaussian": envelopes.gaussian, "sin2": envelopes.sin2, "supersine": envelopes.supersine}[envelope]
    end = LENGTHS.get(envelope, 12.0) / 2
    x = jnp.asarray([-2 * end, -end, -end * (1 - 1e-9), -1e-9, 0.0, 1e-9, end * (1 - 1e-9), end, 2 * end])
    slope = jax.jit(jax.vmap(jax.grad(g)))(x)
    assert jnp.isfinite(slope).all()
    # |g'| ≤ (distance from the end or from the middle: 1e-9) times |g''|, which stays below 30 in units of the duration
    np.testing.assert_allclose(slope, 0, atol=1e-7)
    y = jnp.linspace(-1.3 * end, 1.3 * end, 301)
    numeric = (g(y + 1e-6) - g(y - 1e-6)) / 2e-6
    np.testing.assert_allclose(
        jax.jit(jax.vmap(jax.grad(g)))(y), numeric, atol=1e-5
    )  # rounding eps/1e-6 and, at the ends, g'' 1e-6
    assert jnp.array_equal(g(y), g(-y))


def test_supersine_is_its_published_formula():
    y = np.linspace(1e-3, 1 - 1e-3, 101)
    x = (y - 0.5) * envelopes.SUPERSINE_LENGTH
    expected = np.sin(np.pi * y) ** (np.abs(np.pi * (y - 0.5)) / 0.75)
    np.testing.assert_allclose(envelopes.supersine(jnp.asarray(x)), expected, rtol=1e-12)


@pytest.mark.parametrize("phase", [0.0, 0.7, -math.pi / 2])
def test_area_of_a_gaussian_pulse(phase):
    # ∫E dt = E sqrt(π/a) exp(−ω²/4a) cos(phase) with g = exp(−a s²), a = 2 ln 2/duration²; zero for a sine
    field = fields.pulse(0.01, 20.0, 30.0, 100.0, phase=phase)
    times = np.linspace(100 - 200, 100 + 200, 4001)
    a, omega = 2 * math.log(2) / 30**2, 2 * math.pi * 20e-3
    expected = 0.01 * math.sqrt(math.pi / a) * math.exp(-(omega**2) / (4 * a)) * math.cos(phase)
    # the trapezoidal rule converges exponentially for a Gaussian: rounding only (the sum has 4001 terms of 1e-2 · 0.1 fs)
    assert trapezoid(electric(field, times), times)[0] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_sine_pulses_have_no_area(envelope):
    field = fields.pulse(0.01, 20.0, 30.0, 100.0, phase=math.pi / 2, envelope=envelope)
    times = np.linspace(0, 200, 2001)
    assert abs(trapezoid(electric(field, times), times)[0]) < 1e-14


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_spectrum(envelope):
    field = fields.pulse(0.01, 30.0, 200.0, 2048.0, envelope=envelope)
    times = np.arange(0, 4096.0)
    spectrum = np.abs(np.fft.rfft(electric(field, times)[:, 0], 2**17)) ** 2  # zeros added: 0.0076 THz between the bins
    frequency = np.fft.rfftfreq(2**17, 1e-3)  # THz
    half = frequency[spectrum > spectrum.max() / 2]
    # half of the spectrum lies within two bins of the frequency; the wings of negative frequencies are below 1e-6 there
    assert (half[0] + half[-1]) / 2 == pytest.approx(30.0, abs=0.0153)
    # width × duration is a number of the envelope: 2 ln 2/π for a Gaussian, by quadrature of the others' Fourier integrals
    product = {"gaussian": 2 * math.log(2) / math.pi, "sin2": 0.5245, "supersine": 0.6574}[envelope]
    assert (half[-1] - half[0]) * 0.2 == pytest.approx(product, abs=2 * 0.0077 * 0.2)


@pytest.mark.parametrize("chirp", [0.0, 3e-4, -3e-4])
def test_chirp_is_the_rate_of_the_frequency(chirp):
    field = fields.pulse(np.array([1, 1j]), 30.0, 200.0, 0.0, chirp=chirp)
    times = np.linspace(-200, 200, 4001)
    e = electric(field, times, jnp.zeros(2))
    angle = -np.unwrap(np.arctan2(e[:, 1], e[:, 0]))  # [1, 1j] turns from x towards −y
    omega = np.gradient(angle, times)[1:-1]  # exact for a parabola
    np.testing.assert_allclose(omega, 2 * np.pi * 30e-3 + 2 * chirp * times[1:-1], atol=1e-11)
    assert field.rate >= np.abs(omega).max()


@given(st.floats(-3.1, 3.1))
def test_carrier_envelope_phase(phase):
    field = fields.pulse(0.01, 100.0, 50.0, 300.0, phase=phase, envelope="sin2")
    assert electric(field, [300.0])[0, 0] == pytest.approx(0.01 * math.cos(phase), abs=1e-15)


def test_any_function_is_an_envelope():
    field = fields.pulse(2.0, 0.0, 10.0, 0.0, envelope=lambda x: 1 / (1 + x * x))
    assert field(10.0, ORIGIN).electric[0] == pytest.approx(1.0)


# -- tables -----------------------------------------------------------------------------------------------------------------


def wave(t):
    """A(t) in V fs/Å [m 2] and E = −dA/dt in V/Å."""
    u, w = (t - 60) / 15, 0.25
    a = np.stack([np.exp(-u * u) * np.sin(w * t), np.exp(-u * u) * np.cos(2 * w * t)], -1)
    e = np.stack(
        [
            np.exp(-u * u) * (2 * u / 15 * np.sin(w * t) - w * np.cos(w * t)),
            np.exp(-u * u) * (2 * u / 15 * np.cos(2 * w * t) + 2 * w * np.sin(2 * w * t)),
        ],
        -1,
    )
    return a, e


@pytest.mark.parametrize("uneven", [False, True])
def test_gauge_vector_potential_and_field_agree(uneven):
    between = np.linspace(1, 119, 500)
    errors = {"electric": [], "vector_potential": []}
    for m in (150, 300, 600):
        times = np.linspace(0, 120, m)
        times = times + 0.3 * np.sin(times) if uneven else times
        a, e = wave(times)
        for name, table in (("electric", e), ("vector_potential", a)):
            field = fields.tabulated(times, **{name: table})
            errors[name].append(np.abs(electric(field, between, jnp.zeros(2)) - wave(between)[1]).max())
    # a cubic spline errs by h⁴ in its value and h³ in its slope; |d⁴E/dt⁴| ≈ 1, h = 0.2: 1e-5 and below
    slopes = {name: np.polyfit(np.log([1 / 150, 1 / 300, 1 / 600]), np.log(error), 1)[0] for name, error in errors.items()}
    assert slopes["electric"] == pytest.approx(4, abs=0.4)
    assert slopes["vector_potential"] == pytest.approx(3, abs=0.4)
    assert max(errors["electric"][-1], errors["vector_potential"][-1]) < 3e-4


def test_area_of_a_tabulated_vector_potential_is_exact():
    # ∫E dt = A(start) − A(end) exactly, which the motion of k sees: Δk = q/ħ (A(start) − A(end))
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.5, 2.0, 30))
    table = rng.normal(size=(30, 3))
    field = fields.tabulated(times, vector_potential=table)
    nodes, weights = np.polynomial.legendre.leggauss(2)  # exact for the parabola between two times
    h = np.diff(times)
    t = times[:-1, None] + h[:, None] * (1 + nodes) / 2
    e = electric(field, t.ravel(), jnp.zeros(3)).reshape(*t.shape, 3)
    area = np.einsum("i,j,ijk->ik", h / 2, weights, e)
    np.testing.assert_allclose(np.cumsum(area, 0), table[0] - table[1:], atol=1e-12)  # slopes up to 10, 30 terms


@pytest.mark.parametrize("traced", [False, True])
def test_the_spline_is_scipys(traced):
    rng = np.random.default_rng(2)
    times, table = np.cumsum(rng.uniform(0.5, 2.0, 12)), rng.normal(size=(12, 2))
    theirs = CubicSpline(times, table)
    between = np.linspace(times[0], times[-1], 200)

    def mine(x, y):
        return jax.vmap(lambda t: fields.tabulated(x, y)(t, jnp.zeros(2)).electric)(jnp.asarray(between))

    found = jax.jit(mine)(times, table) if traced else mine(times, table)
    np.testing.assert_allclose(found, theirs(between), atol=1e-12)  # condition of the system below 10, values of order one
    # twice continuously differentiable: the polynomials join
    c = spline.cubic(times, table)
    h = np.diff(times)[:-1, None]
    for left, right in ((c, c), (spline.derivative(c),) * 2, (spline.derivative(spline.derivative(c)),) * 2):
        end = sum(part[:-1] * h**i for i, part in enumerate(left))
        np.testing.assert_allclose(end, right[0][1:], atol=1e-11)


def test_gradient_through_a_table():
    times = np.linspace(0, 10, 8)
    table = np.sin(times)[:, None]

    def field_at(y):
        return fields.tabulated(times, y)(3.3, ORIGIN).electric[0]

    gradient = jax.jit(jax.grad(field_at))(table)
    # the spline is linear in its table: the gradient gives the value back
    assert float((gradient * table).sum()) == pytest.approx(float(field_at(table)), rel=1e-12)


@pytest.mark.parametrize("key", ["electric", "vector_potential"])
def test_table_ends(key):
    times = np.linspace(10, 20, 11)
    field = fields.tabulated(times, **{key: np.cos(times)})
    outside = electric(field, [-1e9, 9.999, 20.001, 1e9])
    assert not outside.any()
    assert electric(field, [10.0, 20.0]).all()


@pytest.mark.parametrize("frequency", [1.0, 10.0])
def test_rate_of_a_table_is_its_angular_frequency(frequency):
    times = np.linspace(0, 3000, 3001)
    omega = 2 * np.pi * frequency * 1e-3
    for field in (
        fields.tabulated(times, np.cos(omega * times)),
        fields.tabulated(times, vector_potential=np.sin(omega * times)),
    ):
        assert float(field.rate) == pytest.approx(omega, rel=1e-3)  # (ω · 1 fs)² / 12 at most
    assert float(fields.tabulated(times, 0 * times).rate) == 0


# -- potentials -------------------------------------------------------------------------------------------------------------


@record
class Well:
    """A user's potential with parameters that may be fitted."""

    stiffness: float
    center: tuple

    def __call__(self, r):
        return 0.5 * self.stiffness * sum((x - c) ** 2 for x, c in zip(r, self.center, strict=True))


def test_potential():
    field = fields.potential(lambda r: 0.01 * jnp.sin(r[0]) * r[1])
    r = jnp.array([0.3, -2.0])
    np.testing.assert_allclose(field(0.0, r).electric, [0.02 * np.cos(0.3), -0.01 * np.sin(0.3)], rtol=1e-14)
    assert field.potential(r) == pytest.approx(-0.02 * np.sin(0.3))
    assert (field.uniform, field.static, field.rate) == (False, True, 0.0)
    assert jax.tree.leaves(field) == []
    fields.check(field, 2)


def test_parameters_of_a_potential_are_leaves():
    field = fields.potential(Well(0.2, (1.0, 2.0)))
    assert jax.tree.leaves(field) == [0.2, 1.0, 2.0]
    slope = jax.grad(lambda field: field(0.0, jnp.array([3.0, 2.0])).electric[0])(field)
    assert slope.phi.stiffness == pytest.approx(-2.0)
    assert slope.phi.center[0] == pytest.approx(0.2)


# -- sums and any callable --------------------------------------------------------------------------------------------------


def mine(t, r):
    return EMField(electric=0.1 * jnp.cos(0.2 * t) * r)


def test_sums():
    dc, drive, well = fields.uniform([0.1, 0.2]), fields.ac([1e-3, 0], 5.0), fields.potential(lambda r: jnp.sum(r**2))
    magnetic = fields.uniform(magnetic=2.0)
    r, t = jnp.array([0.5, -1.0]), 17.0
    total = dc + (drive + magnetic) + well + mine
    assert len(total.parts) == 5
    value = total(t, r)
    expected = sum(part(t, r).electric for part in (dc, drive, well)) + mine(t, r).electric
    np.testing.assert_allclose(value.electric, expected, rtol=1e-14)
    assert value.magnetic == 2.0
    assert (total.uniform, total.static, total.rate) == (False, False, drive.rate)
    assert ((dc + magnetic).uniform, (dc + magnetic).static) == (True, True)
    np.testing.assert_allclose((mine + dc)(t, r).electric, (dc + mine)(t, r).electric, rtol=1e-15)
    assert not hasattr(total, "potential")
    static = dc + well + magnetic
    np.testing.assert_allclose(-jax.grad(static.potential)(r), static(t, r).electric, rtol=1e-14)


def test_sum_of_nothing_electric_stays_none():
    assert (fields.uniform(magnetic=1.0) + fields.uniform(magnetic=2.0))(0.0, jnp.zeros(2)).electric is None


def test_any_callable():
    field = fields.as_field(mine)
    assert (field.uniform, field.static, field.rate, hasattr(field, "potential")) == (False, False, 0.0, False)
    assert jax.tree.structure(field) == jax.tree.structure(fields.as_field(mine))  # the same program to JAX
    drive = fields.ac(1e-3, 1.0)
    assert fields.as_field(drive) is drive
    assert fields.as_field(None)(0.0, ORIGIN).electric is None

    @record
    class Ramp:
        slope: float

        def __call__(self, t, r):
            return EMField(self.slope * t * jnp.ones_like(r))

    ramp = fields.as_field(Ramp(0.5))
    assert sorted(jax.tree.leaves(ramp)) == [0.0, 0.5]  # the rate and the slope
    assert ramp(2.0, ORIGIN).electric[0] == 1.0


def test_declared_functions():
    def trap(t, r):
        return EMField(-2 * r, 1.0 + r[0])

    field = fields.custom(trap, static=True, rate=0.5, potential=lambda r: jnp.sum(r**2))
    r = jnp.array([1.0, 2.0])
    assert (field.uniform, field.static, field.rate) == (False, True, 0.5)
    np.testing.assert_allclose(-jax.grad(field.potential)(r), field(0.0, r).electric)
    assert field(0.0, r).magnetic == 2.0
    assert not hasattr(fields.custom(trap, static=True), "potential")


# -- dtypes, transformations ------------------------------------------------------------------------------------------------

EVERY = [
    fields.uniform([0.1, 0.2], 1.0),
    fields.ac([0.1, 0.2j], 5.0, 0.1),
    *(fields.pulse([0.1, 0.2], 5.0, 30.0, 10.0, chirp=1e-4, envelope=envelope) for envelope in ENVELOPES),
    fields.tabulated(np.arange(9.0), np.ones((9, 2))),
    fields.potential(lambda r: jnp.sum(r**2)),
    fields.custom(mine),
    fields.ac([0.1, 0.2], 5.0) + fields.uniform(magnetic=1.0) + mine,
]


@pytest.mark.parametrize("field", EVERY, ids=lambda field: type(field).__name__)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_dtype_follows_the_carrier(field, dtype):
    r = jnp.asarray([0.1, 0.2], dtype)
    fields.check(field, 2)
    for found in (field(3.0, r), field(3, r), jax.jit(lambda f, t, r: f(t, r))(cast(field, dtype), jnp.asarray(3.0, dtype), r)):
        assert all(x.dtype == dtype for x in jax.tree.leaves(found))
        np.testing.assert_allclose(jax.tree.leaves(found)[0], field(3.0, jnp.asarray(r, jnp.float64)).electric, rtol=1e-5)


@pytest.mark.parametrize("field", EVERY, ids=lambda field: type(field).__name__)
def test_fields_pass_through_jax(field):
    r = jnp.ones((4, 2))

    @jax.jit
    def transformed(field, r):
        values = jax.vmap(lambda r: field(3.0, r).electric)(r)
        slope = jax.grad(lambda t: field(t, r[0]).electric[0])(3.0)
        return values, slope, jax.jacfwd(lambda r: field(3.0, r).electric)(r[0])

    values, slope, jacobian = transformed(field, r)
    assert values.shape == (4, 2)
    assert math.isfinite(slope)
    assert field.uniform == (not jacobian.any())
    assert not field.static or slope == 0


def test_parameters_may_be_swept_and_differentiated():
    def at(amplitude, frequency, duration):
        return fields.pulse(amplitude, frequency, duration, 10.0, envelope="supersine")(14.0, ORIGIN).electric[0]

    batch = jax.vmap(at, (0, None, None))(jnp.array([1.0, 2.0]), 20.0, 30.0)
    assert batch[1] == pytest.approx(2 * float(batch[0]))
    step = 1e-4
    for i, slope in enumerate(jax.grad(at, argnums=(0, 1, 2))(1.0, 20.0, 30.0)):
        up, down = ([x + (sign * step if i == j else 0) for j, x in enumerate((1.0, 20.0, 30.0))] for sign in (1, -1))
        assert slope == pytest.approx(float(at(*up) - at(*down)) / (2 * step), abs=1e-8)


# -- errors -----------------------------------------------------------------------------------------------------------------

TIMES = np.arange(5.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: fields.uniform([1.0, 2.0, 3.0, 4.0]),
            r"fields.uniform: electric = \[1.0, 2.0, 3.0, 4.0\]: allowed is a finite vector",
        ),
        (lambda: fields.uniform([0.1, math.nan]), "electric"),
        (lambda: fields.uniform([0.1, 1j]), "electric"),
        (lambda: fields.uniform("10 kV/cm"), "electric = '10 kV/cm'"),
        (lambda: fields.uniform([[0.1], [0.2, 0.3]]), "electric"),
        (lambda: fields.uniform(0.1, 1.0), "magnetic has shape .* in 1 dimensions: allowed is None"),
        (lambda: fields.uniform([0.1, 0.2], [0.0, 0.0, 1.0]), "magnetic has shape .* in 2 dimensions: allowed is a scalar"),
        (lambda: fields.uniform([0.1, 0.2, 0.3], 1.0), "magnetic has shape .* in 3 dimensions: allowed is"),
        (lambda: fields.uniform(magnetic=[1.0, 2.0]), "magnetic"),
        (lambda: fields.uniform(magnetic=math.inf), "magnetic = inf"),
        (lambda: fields.ac(0.1, -1.0), "fields.ac: frequency = -1.0: allowed is a finite number of THz ≥ 0"),
        (lambda: fields.ac(0.1, 1.0, [0.0, 1.0]), "phase"),
        (lambda: fields.ac([[0.1], [0.2, 0.3]], 1.0), "electric"),
        (lambda: fields.ac([0.1, complex(0, math.inf)], 1.0), "electric"),
        (lambda: fields.pulse(0.1, 1.0, 0.0, 0.0), "fields.pulse: duration = 0.0: allowed is a finite number of fs > 0"),
        (lambda: fields.pulse(0.1, 1.0, 10.0, math.nan), "center"),
        (lambda: fields.pulse(0.1, 1.0, 10.0, 0.0, chirp=math.inf), "chirp"),
        (lambda: fields.pulse(0.1, 1.0, 10.0, 0.0, envelope="sinc"), "envelope = 'sinc': allowed are gaussian, sin2, supersine"),
        (lambda: fields.pulse(0.1, 1.0, 10.0, 0.0, envelope=["sin2"]), "envelope"),
        (lambda: fields.tabulated([0.0, 1.0, 1.0, 2.0], np.ones(4)), "times"),
        (lambda: fields.tabulated([0.0, 1.0, 2.0], np.ones(3)), "times .* at least 4"),
        (lambda: fields.tabulated(TIMES, np.ones((4, 2))), r"electric = .* allowed is finite numbers \[5 d\]"),
        (lambda: fields.tabulated(TIMES, np.ones((5, 4))), "electric"),
        (lambda: fields.tabulated(TIMES, vector_potential=np.full(5, math.nan)), "vector_potential"),
        (lambda: fields.tabulated(TIMES), "exactly one"),
        (lambda: fields.tabulated(TIMES, TIMES, vector_potential=TIMES), "exactly one"),
        (lambda: fields.potential(3.0), r"phi = 3.0: allowed is a function φ\(r\) -> volts"),
        (lambda: fields.custom(3.0), "function"),
        (lambda: fields.custom(mine, potential=lambda r: 0.0), "static = False"),
        (lambda: fields.custom(mine, rate=-1.0), "rate"),
        (lambda: fields.as_field(3), "field = 3"),
        (lambda: fields.uniform(0.1) + 3, "field = 3"),
        (lambda: fields.uniform(0.1)(0.0, jnp.zeros((2, 1))), "r has shape"),
        (lambda: fields.check(fields.uniform(0.1), 3), r"electric has shape \(1,\) in 3 dimensions: allowed is \(3,\)"),
        (lambda: fields.check(fields.uniform(magnetic=1.0), 3), "magnetic"),
        (lambda: fields.check(fields.uniform(magnetic=[0.0, 0.0, 1.0]), 2), "magnetic"),
        (lambda: fields.check(fields.uniform(magnetic=1.0) + fields.uniform(0.1), 1), "magnetic"),
        (lambda: fields.check(fields.uniform([0.1, 0.2, 0.3]) + fields.ac(0.1, 1.0), 3), "fields.ac: electric"),
        (lambda: fields.check(mine, 4), "dimension = 4"),
    ],
)
def test_mistakes_are_named(call, words):
    with pytest.raises(SemijaxError, match=words):
        call()


def branching(t, r):
    return EMField(r) if t > 0 else EMField(-r)


def complex_field(t, r):
    return EMField(jax.lax.complex(r, r))


def tall_field(t, r):
    return EMField(jnp.zeros((2, 1)))


def bare_array(t, r):
    return r


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fields.check(fields.as_field(branching), 2), "branching uses the value of t or r in Python"),
        (lambda: fields.as_field(complex_field)(0.0, ORIGIN), "complex_field.*complex"),
        (lambda: fields.as_field(bare_array)(0.0, ORIGIN), r"bare_array\(t, r\) returns .*: allowed is sj.EMField"),
        (lambda: fields.potential(lambda r: r)(0.0, jnp.zeros(2)), r"<lambda>\(r\) returns float64 of shape \(2,\)"),
        (lambda: fields.potential(lambda r: r[0] > 0)(0.0, jnp.zeros(2)), "returns bool"),
        (lambda: fields.check(fields.potential(lambda r: 1.0 if r[0] > 0 else 0.0), 2), "in Python"),
    ],
)
def test_mistakes_in_a_users_function_name_it(call, words):
    with pytest.raises(UserCodeError, match=words):
        call()


def test_wrong_shape_of_a_users_field_is_named():
    with pytest.raises(SemijaxError, match=r"tall_field: electric has shape \(2, 1\) in 2 dimensions"):
        fields.as_field(tall_field)(0.0, jnp.zeros(2))
