"""Records: checked when people build them, never when JAX rebuilds them."""

import jax
import jax.numpy as jnp
import pytest

from semijax._pytree import record, replace, static


@record
class Spring:
    stiffness: float
    name: str = static(default="spring")

    def __post_init__(self):
        if not self.stiffness > 0:
            raise ValueError(f"stiffness = {self.stiffness}: allowed is > 0")


def test_people_are_checked_and_jax_is_not():
    with pytest.raises(ValueError, match="stiffness = -1"):
        Spring(-1.0)
    assert jax.tree.map(lambda x: -x, Spring(2.0)).stiffness == -2.0  # would be refused from a person
    traced = jax.jit(lambda s: replace(s, stiffness=-s.stiffness))(Spring(2.0))
    assert float(traced.stiffness) == -2.0 and traced.name == "spring"


def test_static_fields_shape_the_program():
    leaves, structure = jax.tree.flatten(Spring(2.0, "a"))
    assert leaves == [2.0]
    assert structure == jax.tree.structure(Spring(3.0, "a"))
    assert structure != jax.tree.structure(Spring(3.0, "b"))


def test_paths_name_the_fields():
    ((path, _),) = jax.tree_util.tree_leaves_with_path(Spring(2.0))
    assert jax.tree_util.keystr(path) == ".stiffness"


def test_replace_refuses_what_is_no_field():
    with pytest.raises(TypeError, match="no field mass"):
        replace(Spring(1.0), mass=1.0)


def test_records_are_frozen_and_batch():
    with pytest.raises(AttributeError):
        Spring(1.0).stiffness = 2.0
    springs = jax.tree.map(lambda _: jnp.arange(1.0, 4.0), Spring(1.0))
    many = jax.vmap(lambda s: s.stiffness**2)(springs)
    assert many.tolist() == [1.0, 4.0, 9.0]
