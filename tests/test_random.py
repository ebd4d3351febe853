"""Counter-based random numbers: the published vectors, independence of batches, the laws of uniform and normal draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.extend.random import threefry_2x32
from scipy import stats

from semijax import random
from semijax._types import SemijaxError

# kat_vectors of Random123 1.14: threefry2x32, 20 rounds; counter, key, result
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]
word = st.integers(0, 2**32 - 1)


def pair(words):
    return jnp.uint32(words[0]), jnp.uint32(words[1])


def many(ids, draw):
    """draw(carrier key) of each id in one stream."""
    key = random.stream_key(2024, 5)
    return jax.jit(jax.vmap(lambda id: draw(random.carrier_key(key, id))))(jnp.asarray(ids, jnp.uint32))


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_published_vectors(counter, key, result):
    found = random.threefry2x32(pair(key), pair(counter))
    assert tuple(int(x) for x in found) == result
    assert all(x.dtype == jnp.uint32 for x in found)


@given(st.tuples(word, word), st.tuples(word, word))
def test_agrees_with_jax(key, counter):
    found = jnp.stack(random.threefry2x32(pair(key), pair(counter)))
    assert jnp.array_equal(found, threefry_2x32(jnp.stack(pair(key)), jnp.stack(pair(counter))))


def test_rounds_are_unrolled_and_stay_32_bits_wide():
    jaxpr = jax.make_jaxpr(lambda c: random.bits(random.carrier_key(random.stream_key(1, 2), c), 3, 4))(jnp.uint32(7))
    assert {eqn.primitive.name for eqn in jaxpr.eqns}.isdisjoint({"scan", "while", "threefry2x32"})
    assert all(v.aval.dtype == jnp.uint32 for eqn in jaxpr.eqns for v in eqn.outvars if eqn.primitive.name in ("add", "xor"))


@given(st.integers(-(2**63), 2**64 - 1), st.integers(0, 63))
def test_every_bit_of_seed_and_stream_counts(number, bit):
    other = number ^ (1 << bit) if number >= 0 else (number & (2**64 - 1)) ^ (1 << bit)
    assert not jnp.array_equal(random.stream_key(number, 0), random.stream_key(other, 0))
    assert not jnp.array_equal(random.stream_key(0, number), random.stream_key(0, other))
    assert not jnp.array_equal(random.stream_key(0, number), random.stream_key(number, 0)) or number == 0


@pytest.mark.parametrize("dtype", [jnp.int32, jnp.uint32, jnp.int64, jnp.uint64, jnp.uint8])
@pytest.mark.parametrize("number", [0, 7, 200])
def test_traced_integers_are_python_integers(dtype, number):
    traced = jax.jit(random.stream_key)(jnp.asarray(number, dtype), jnp.asarray(number, dtype))
    assert jnp.array_equal(traced, random.stream_key(number, number))


def test_negative_and_wide_integers():
    wide = 0x123456789ABCDEF0
    assert jnp.array_equal(jax.jit(random.stream_key)(jnp.int32(-3), jnp.int64(-3)), random.stream_key(-3, -3))
    assert jnp.array_equal(random.stream_key(-1, 0), random.stream_key(2**64 - 1, 0))
    assert jnp.array_equal(random.stream_key(jnp.int64(wide)), random.stream_key(wide))
    assert jnp.array_equal(random.stream_key((wide & 0xFFFFFFFF, wide >> 32)), random.stream_key(wide))
    key = random.stream_key(1)
    halves = (jnp.uint32(wide & 0xFFFFFFFF), jnp.uint32(wide >> 32))
    assert jnp.array_equal(jnp.stack(random.carrier_key(key, wide)), jnp.stack(random.carrier_key(key, halves)))


def test_keys_of_users():
    seven = random.stream_key(7, 3)
    for key in (7, np.int64(7), jnp.uint32(7), jax.random.key(7), jax.random.PRNGKey(7)):
        found = random.from_jax_key(key, 3)
        assert jnp.array_equal(found, seven)
        assert found.dtype == jnp.uint32
    assert jnp.array_equal(jax.jit(random.from_jax_key)(jax.random.key(7), 3), seven)
    wide = random.from_jax_key(jax.random.key(7, impl="rbg"))
    assert wide.shape == (2,)
    assert not jnp.array_equal(wide, random.from_jax_key(jax.random.key(8, impl="rbg")))
    assert not jnp.array_equal(random.from_jax_key(7, 0), random.from_jax_key(7, 1))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("kind", [random.uniforms, random.normals])
def test_prefix_a_carrier_does_not_know_its_batch(kind, dtype):
    # the operations are elementwise, so equality is of bits (logs and cosines of different vector lengths aside: 4 ulp)
    few, lots = (many(range(n), lambda key: kind(key, 9, 3, dtype)) for n in (5, 1000))
    assert lots.dtype == dtype
    ulps = 0 if kind is random.uniforms else 4 * float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(lots[:5], few, rtol=ulps, atol=0)
    backwards = many(range(999, -1, -1), lambda key: kind(key, 9, 3, dtype))
    np.testing.assert_allclose(backwards[::-1], lots, rtol=ulps, atol=0)


def test_traced_step_and_first_change_nothing():
    key = random.carrier_key(random.stream_key(1), 2)
    traced = jax.jit(lambda step, first: random.uniforms(key, step, 4, jnp.float64, first))(jnp.uint32(11), jnp.uint32(6))
    assert jnp.array_equal(traced, random.uniforms(key, 11, 4, jnp.float64, 6))


def test_draws_count_up():
    key = random.carrier_key(random.stream_key(1), 2)
    assert jnp.array_equal(random.uniforms(key, 0, 4, jnp.float64)[2:], random.uniforms(key, 0, 2, jnp.float64, 2))
    assert jnp.array_equal(random.uniforms(key, 0, 5, jnp.float32)[2:], random.uniforms(key, 0, 3, jnp.float32, 1))
    rows = [random.uniforms(key, step, 1, jnp.float64, first)[0] for step in range(20) for first in range(20)]
    assert len({float(u) for u in rows}) == 400


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_interval_is_open(dtype):
    for words in ((0, 0), (0xFFFFFFFF, 0xFFFFFFFF)):
        high, low = pair(words)
        width = 23 if dtype == jnp.float32 else 52
        number = high >> 9 if dtype == jnp.float32 else high.astype(dtype) * 2.0**20 + (low >> 12).astype(dtype)
        edge = random._midpoint(number, width, dtype)
        assert 0 < float(edge) < 1
        # symmetric: the first is as far from 0 as the last from 1, exactly
        assert float(edge if words[0] == 0 else 1 - edge) == 2.0 ** -(width + 1)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_uniform_law(dtype):
    u = np.asarray(many(range(20_000), lambda key: random.uniforms(key, 1, 3, dtype)), np.float64)
    for column in u.T:  # fixed seed: a p value below 1e-4 would be a defect, not bad luck
        assert stats.kstest(column, "uniform").pvalue > 1e-4
    # the correlations of independent columns have standard error 1/sqrt(n); 5 of them
    assert np.abs(np.corrcoef(u.T) - np.eye(3)).max() < 5 / np.sqrt(len(u))
    assert abs(np.corrcoef(u[:-1, 0], u[1:, 0])[0, 1]) < 5 / np.sqrt(len(u))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_normal_law(dtype):
    x = np.asarray(many(range(20_000), lambda key: random.normals(key, 1, 3, dtype)), np.float64)
    for column in x.T:
        assert stats.kstest(column, "norm").pvalue > 1e-4
    assert np.abs(np.corrcoef(x.T) - np.eye(3)).max() < 5 / np.sqrt(len(x))
    # the two of one draw share a radius: their squares must be uncorrelated too (standard error of the same size)
    assert abs(np.corrcoef(x[:, 0] ** 2, x[:, 1] ** 2)[0, 1]) < 5 / np.sqrt(len(x))


def test_streams_and_steps_are_independent():
    n = 20_000
    first = many(range(n), lambda key: random.uniforms(key, 0, 1, jnp.float64))[:, 0]
    later = many(range(n), lambda key: random.uniforms(key, 1, 1, jnp.float64))[:, 0]
    key = random.stream_key(2024, 6)
    other = jax.vmap(lambda id: random.uniforms(random.carrier_key(key, id), 0, 1, jnp.float64))(jnp.arange(n, dtype=jnp.uint32))[
        :, 0
    ]
    assert np.abs(np.corrcoef([first, later, other]) - np.eye(3)).max() < 5 / np.sqrt(n)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: random.stream_key(2**64), "seed = 18446744073709551616"),
        (lambda: random.stream_key(1.5), "seed"),
        (lambda: random.from_jax_key(jnp.zeros(3, jnp.uint32)), "allowed are an int seed"),
        (lambda: random.from_jax_key(jnp.zeros(2)), "allowed are an int seed"),
        (lambda: random.from_jax_key("text"), "key = 'text': allowed are an int seed"),
        (lambda: random.from_jax_key(None), "key = None: allowed are an int seed"),
        (lambda: random.from_jax_key([1, 2]), "allowed are an int seed"),
        (lambda: random.from_jax_key(np.array(["a", "b"])), "allowed are an int seed"),
        (lambda: random.uniforms((jnp.uint32(1), jnp.uint32(2)), 0, 1, jnp.float16), "float16"),
    ],
)
def test_mistakes_are_named(call, words):
    with pytest.raises(SemijaxError, match=words) as error:
        call()
    assert "\n" not in str(error.value)
