"""Rows and pieces: what is written out, and what becomes one piece of machine code."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_lanes import CARRIERS, FUNCTIONS, MATRIX, TIME

import semijax as sj
from semijax import bands, fields, observables
from semijax.engine.lanes import Program
from semijax.engine.lanes.rows import WORTH, Row, planned
from semijax.engine.pieces import Packed, by_pieces, cut, in_one_piece, one_by_one


def step(p, c, t):
    """Two stages that share expressions, as a Runge-Kutta step does."""
    for _ in range(2):
        c = c + 0.1 * jnp.sin(p @ c) * jnp.linalg.norm(c)
    return c


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_written_out_or_not_the_values_are_the_same(name):
    with jax.numpy_dtype_promotion("standard"):  # users mix dtypes
        program = Program(FUNCTIONS[name], MATRIX, CARRIERS, TIME)
    rows, clock = program.rows(CARRIERS), program.clock(TIME)
    for (_, together), (_, apart) in zip(program(rows, clock), program(rows, clock, apart=True, most=300.0), strict=True):
        for a, b in zip(together, apart, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)  # some ten roundings, fused otherwise


@pytest.mark.parametrize("most", [np.inf, 400.0, 250.0])
def test_rows_come_in_order_and_none_is_larger_than_allowed(most):
    program = Program(step, MATRIX, CARRIERS, TIME)
    known = {node.id for node in program.inputs} | set(program.shared)
    there = set(known)
    for row in planned(program.order, program._wanted(), known, most):
        assert isinstance(row, Row)
        assert {n.id for n in row.reads} <= there
        cost = 10 * 8 * (len(row.reads) + 1) + len(row.nodes)  # each node is one operation at least
        assert cost <= max(most, 10 * 8 * 4)  # one operation with its operands cannot be split
        there.add(row.root.id)
    assert {n.id for n in program._wanted()} <= there


def test_what_several_rows_need_is_computed_once_unless_it_is_cheap():
    program = Program(step, MATRIX, CARRIERS, TIME)
    known = {node.id for node in program.inputs} | set(program.shared)
    rows = planned(program.order, program._wanted(), known)
    times = {}
    for row in rows:
        for node in row.nodes:
            times[node.id] = times.get(node.id, 0) + 1
    again = [node for node in program.order if times.get(node.id, 0) > 1]
    assert not any(node.op in ("sin", "sqrt") for node in again)
    assert sum(len(row.nodes) for row in rows) < len(times) + WORTH * len(rows)


def test_pieces_of_lanes_and_back():
    x = jnp.arange(24.0).reshape(2, 12)
    assert cut(x, 4).shape == (3, 2, 4)
    np.testing.assert_array_equal(cut(x, 4)[1], x[:, 4:8])
    assert cut(x, 100).shape == (1, 2, 12)
    assert cut(x.T, 4, axis=0).shape == (3, 4, 2)
    np.testing.assert_array_equal(cut(x.T, 4, axis=0)[2], x.T[8:])
    for size in (4, 12):
        (doubled,) = by_pieces(lambda lanes, by: [by * lanes[0]], size, [x[0]], 2.0)
        np.testing.assert_array_equal(doubled, 2 * x[0])
        sums = one_by_one(lambda lanes, by: by * jnp.sum(lanes), cut(x[0], size), 2.0)
        assert float(sums.sum()) == 2 * float(x[0].sum())


def test_packed_values_come_back_under_their_names():
    values = {3: jnp.ones(()), 1: jnp.zeros((), jnp.int32), 7: jnp.arange(5.0), 2: jnp.full((), 2.0)}
    packed = Packed(values)
    assert len(jax.tree.leaves(packed)) == 3
    back = jax.tree.map(lambda x: x, packed).unpacked()
    assert set(back) == set(values)
    for name, x in values.items():
        np.testing.assert_array_equal(back[name], x)


def test_one_piece_of_machine_code_batches_and_differentiates():
    def function(lanes, given):
        return [jnp.sin(jnp.broadcast_to(given, lanes[0].shape) * lanes[0])]

    call = in_one_piece(function, function)
    x, by = jnp.linspace(0.0, 1.0, 8), jnp.array([0.5, 2.0, 3.0])
    np.testing.assert_allclose(jax.jit(call)([x], by[0])[0], jnp.sin(0.5 * x), rtol=1e-14)
    batched = jax.jit(jax.vmap(call, in_axes=(None, 0)))([x], by)[0]
    np.testing.assert_allclose(batched, jnp.sin(by[:, None] * x[None]), rtol=1e-14)
    slope = jax.jit(jax.grad(lambda by: call([x], by)[0].sum()))(by[1])
    np.testing.assert_allclose(slope, jnp.sum(x * jnp.cos(by[1] * x)), rtol=1e-14)
    nested = jax.vmap(jax.vmap(call, in_axes=(None, 0)), in_axes=([0], None))([jnp.stack([x, 2 * x])], by)[0]
    np.testing.assert_allclose(nested, jnp.sin(by[None, :, None] * jnp.stack([x, 2 * x])[:, None]), rtol=1e-14)


def test_many_runs_at_once_are_the_runs_one_by_one():
    band = bands.cosine(0.1, 5.0, dimension=2)
    carriers = sj.at_k(jnp.array([0.1, 0.2]), 3)

    def drift(electric):
        dynamics = sj.Dynamics(sj.electron(band), fields.uniform([electric, 0.0]))
        record = {"drift": observables.mean(observables.velocity), "spread": observables.covariance(observables.position)}
        result = sj.simulate(dynamics, carriers, duration=100.0, dt=2.0, every=10, record=record)
        return result.frames, result.final.phase.position

    strengths = jnp.array([1e-4, 1e-3, 2e-3])
    together = jax.vmap(drift)(strengths)
    for i, strength in enumerate(strengths):
        for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(drift(strength)), strict=True):
            # 50 steps of some ten roundings, in numbers of order ten
            np.testing.assert_allclose(a[i], b, rtol=0, atol=50 * 10 * 10 * np.finfo(float).eps)
