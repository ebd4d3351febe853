"""Counter-based random numbers: each is a pure function of (seed, stream, carrier id, step, draw), in whatever batch or order."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import Array, SemijaxError

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))  # Threefry-2x32, the two groups alternate
_PARITY = 0x1BD11BDA
_LOW = 0xFFFFFFFF


def threefry2x32(key, counter) -> tuple[Array, Array]:
    """Threefry-2x32 with 20 rounds: two words of key and two of counter (uint32, any shape) -> two random words (uint32).

    A bijection of the counter for every key. Salmon, Moraes, Dror, Shaw, SC'11, doi:10.1145/2063384.2063405, section 3.3.
    """
    k0, k1 = key[0], key[1]
    keys = (k0, k1, k0 ^ k1 ^ _PARITY)
    x, y = counter[0] + k0, counter[1] + k1
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x = x + y
            y = ((y << rotation) | (y >> (32 - rotation))) ^ x
        x = x + keys[(group + 1) % 3]
        y = y + keys[(group + 2) % 3] + (group + 1)
    return x, y


def stream_key(seed, stream=0) -> Array:
    """Key [2] (uint32) of one stream of random numbers: all 64 bits of the seed and of the stream matter.

    seed, stream: integers (Python's may be negative) or integer arrays without shape; seed 7 is the stream of
    jax.random.key(7). Raises SemijaxError beyond 64 bits.
    """
    low, high = _words("seed", seed)
    return jnp.stack(threefry2x32((high, low), _words("stream", stream)))


def from_jax_key(key, stream=0) -> Array:
    """Key [2] (uint32) of one stream from what a user calls a key: an int seed, a jax.random.key, a raw key [2] or [4] (uint32).

    Raises SemijaxError for anything else.
    """
    if isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        key = jax.random.key_data(key)
    arrays = isinstance(key, np.generic | np.ndarray) and key.dtype.kind in "biuf"
    if not (arrays or isinstance(key, int | jax.Array)):
        raise SemijaxError(f"key = {key!r:.60}: allowed are an int seed, a jax.random.key or a uint32 key [2]")
    if jnp.ndim(key) == 0:
        return stream_key(key, stream)
    words = jnp.asarray(key)
    if words.dtype != jnp.uint32 or words.shape not in ((2,), (4,)):
        raise SemijaxError(
            f"key: {words.dtype} of shape {words.shape}: allowed are an int seed, a jax.random.key or a uint32 key [2]"
        )
    if words.shape == (4,):  # the keys of JAX's rbg generators
        words = jnp.stack(threefry2x32(words[:2], words[2:]))
    return jnp.stack(threefry2x32(words, _words("stream", stream)))


def carrier_key(key, id) -> tuple[Array, Array]:
    """Key of one carrier within a stream [2]: two uint32 words; id is an integer scalar or (low, high) words of 64 bits."""
    return threefry2x32(key, _words("id", id))


def bits(carrier_key, step, draw) -> tuple[Array, Array]:
    """Two random uint32 words: draw number `draw` of one carrier at step number `step` (integer scalars of 32 bits)."""
    return threefry2x32(carrier_key, (_words("step", step)[0], _words("draw", draw)[0]))


def uniforms(carrier_key, step, count: int, dtype: Any = float, first=0) -> Array:
    """[count] numbers uniform in the open interval (0, 1): float32 on 2^23 midpoints, float64 on 2^52.

    They use up draws first ... first + count − 1 at most. Raises SemijaxError for any other dtype.
    """
    dtype = _floating(dtype)
    if dtype == jnp.float32:  # one draw makes two
        words = [word for i in range((count + 1) // 2) for word in bits(carrier_key, step, _words("first", first)[0] + i)]
        return jnp.stack([_midpoint(word >> 9, 23, dtype) for word in words[:count]])
    pairs = [bits(carrier_key, step, _words("first", first)[0] + i) for i in range(count)]
    # 32 + 20 bits, put together in float64, where they fit exactly
    return jnp.stack([_midpoint(high.astype(dtype) * 2.0**20 + (low >> 12).astype(dtype), 52, dtype) for high, low in pairs])


def normals(carrier_key, step, count: int, dtype: Any = float, first=0) -> Array:
    """[count] numbers of the standard normal law, using up draws first ... first + count at most.

    Box, Muller, Ann. Math. Statist. 29, 610 (1958), doi:10.1214/aoms/1177706645; |x| ≤ 5.8 in float32, 8.6 in float64.
    """
    u = uniforms(carrier_key, step, 2 * ((count + 1) // 2), dtype, first)
    radius, angle = jnp.sqrt(-2 * jnp.log(u[0::2])), 2 * math.pi * u[1::2]
    return jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle)], axis=1).reshape(-1)[:count]


def _midpoint(number: Array, width: int, dtype) -> Array:
    return (number.astype(dtype) + 0.5) * 2.0**-width


def _floating(dtype):
    dtype = jax.dtypes.canonicalize_dtype(dtype)
    if dtype not in (jnp.float32, jnp.float64):
        raise SemijaxError(f"random: dtype = {dtype}: allowed are float32 and float64")
    return dtype


def _words(where: str, number) -> tuple[Array, Array]:
    """The (low, high) 32-bit words of an integer of up to 64 bits, in two's complement."""
    if isinstance(number, tuple):
        return _words(where, number[0])[0], _words(where, number[1])[0]
    if isinstance(number, (int, np.integer)) and not isinstance(number, bool):
        if not -(2**63) <= int(number) < 2**64:
            raise SemijaxError(f"{where} = {number}: allowed is an integer of at most 64 bits")
        return jnp.uint32(int(number) & _LOW), jnp.uint32(int(number) >> 32 & _LOW)
    number = jnp.asarray(number)
    if not jnp.issubdtype(number.dtype, jnp.integer):
        raise SemijaxError(f"{where}: {number.dtype}: allowed is an integer")
    if number.dtype.itemsize == 8:
        return number.astype(jnp.uint32), (number >> 32).astype(jnp.uint32)
    sign = (
        number >> (8 * number.dtype.itemsize - 1) if jnp.issubdtype(number.dtype, jnp.signedinteger) else jnp.zeros_like(number)
    )
    return number.astype(jnp.uint32), sign.astype(jnp.uint32)
