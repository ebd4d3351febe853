"""Redraw k of the few carriers that collide: batched, only those lanes are computed."""

import math

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap

_PASS = 256  # lanes redrawn at a time; at typical rates one pass serves a tile
_FEW = 128  # lanes among which hits are looked for one after another: a block of the engine, less than any tile


@custom_vmap
def redraw(law, first, hit, key, step, wavevector):
    """The components of k [d], redrawn from the law where `hit`; key, step and first count the random numbers.

    A collision is rare and a draw costs more than a step, so of a batch only the lanes that were hit are drawn: of few lanes one
    after another, of many by gathering them. Components travel apart: batched as one array they would be transposed twice a step.
    """
    fresh = law.draw(key, step, first, wavevector[0].dtype)
    return tuple(jnp.where(hit, new, old) for new, old in zip(fresh, wavevector, strict=True))


@redraw.def_vmap
def _redraw_batch(axis_size, in_batched, law, first, hit, key, step, wavevector):
    batched = jax.tree.leaves(in_batched[:2])
    if any(batched) or jax.default_backend() != "cpu":  # a law per carrier, or a GPU, which branches badly: every lane draws
        axes = jax.tree.map(lambda b: 0 if b else None, tuple(in_batched))
        out = jax.vmap(redraw.fun, in_axes=axes)(law, first, hit, key, step, wavevector)
        return out, tuple(True for _ in wavevector)
    spread = [
        jax.tree.map(lambda x, b: x if b else jnp.broadcast_to(x, (axis_size,)), x, b)
        for x, b in zip((hit, key, step, wavevector), in_batched[2:], strict=True)
    ]
    redrawn = _one_by_one if axis_size <= _FEW else _gathered
    return redrawn(law, first, *spread), tuple(True for _ in wavevector)


@jax.custom_jvp
def _one_by_one(law, first, hit, key, step, wavevector):
    """Leaves [n]; the hit lanes are found and drawn in turn."""
    lanes = jnp.arange(hit.shape[0], dtype=jnp.int32)
    none = jnp.int32(hit.shape[0])

    def after(lane):
        later = jnp.where(hit & (lanes > lane), lanes, none)
        return jnp.min(jnp.min(later.reshape(-1, math.gcd(16, later.size)), axis=0))  # first over whole vectors

    def draw(state):
        lane, wavevector = state
        mine = jax.tree.map(lambda x: lax.dynamic_index_in_dim(x, lane, keepdims=False), (key, step))
        fresh = law.draw(*mine, first, wavevector[0].dtype)
        changed = tuple(lax.dynamic_update_index_in_dim(old, new, lane, 0) for old, new in zip(wavevector, fresh, strict=True))
        return after(lane), changed

    return lax.while_loop(lambda state: state[0] < none, draw, (after(jnp.int32(-1)), wavevector))[1]


@_one_by_one.defjvp
def _one_by_one_jvp(primals, tangents):
    return jax.jvp(_gathered, primals, tangents)  # which reverse mode goes through


def _gathered(law, first, hit, key, step, wavevector):
    """Leaves [n]; passes of _PASS lanes until no hit is left."""
    order = jnp.cumsum(hit.astype(jnp.int32))  # the j-th hit is where the running count first reaches j
    total = order[-1]

    def one_pass(wavevector, begin):
        def draw(wavevector):
            rank = begin + 1 + jnp.arange(_PASS, dtype=jnp.int32)
            lane = jnp.where(rank <= total, jnp.searchsorted(order, rank), hit.shape[0])
            mine = [jax.tree.map(lambda x: x.at[lane].get(mode="fill", fill_value=0), x) for x in (key, step)]
            fresh = jax.vmap(lambda key, step: law.draw(key, step, first, wavevector[0].dtype), out_axes=-1)(*mine)
            # Together: the CPU compiler of JAX 0.10 may abort where components are scattered one by one.
            return tuple(jnp.stack(wavevector).at[:, lane].set(fresh, mode="drop"))

        return lax.cond(begin < total, draw, lambda wavevector: wavevector, wavevector), None

    return lax.scan(one_pass, wavevector, jnp.arange(0, hit.shape[0], _PASS, dtype=jnp.int32))[0]
