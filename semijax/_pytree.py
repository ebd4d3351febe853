"""Records: frozen dataclasses JAX can flatten, checked when people build them and never when JAX rebuilds them."""

import dataclasses
from typing import Any, TypeVar, dataclass_transform

import jax

T = TypeVar("T")


def static(default: Any = dataclasses.MISSING) -> Any:
    """Marks a field that shapes the program (a function, a count): hashable, compared, never traced."""
    return dataclasses.field(default=default, metadata={"static": True})


@dataclass_transform(frozen_default=True, field_specifiers=(static, dataclasses.field))
def record(cls: type[T]) -> type[T]:
    """Makes `cls` a frozen dataclass and a pytree whose leaves are the fields not marked `static`.

    `__init__` and `__post_init__` (where a record validates itself) run when a person writes `Cls(...)`. JAX rebuilds
    records from tracers and placeholders without calling either.
    """
    # eq=False keeps identity semantics: `==` on arrays has no single truth value.
    cls = dataclasses.dataclass(frozen=True, eq=False)(cls)
    fields = dataclasses.fields(cls)  # pyright: ignore[reportArgumentType]
    leaves = tuple(f.name for f in fields if not f.metadata.get("static"))
    fixed = tuple(f.name for f in fields if f.metadata.get("static"))

    def flatten_with_keys(self):
        children = tuple((jax.tree_util.GetAttrKey(name), getattr(self, name)) for name in leaves)
        return children, tuple(getattr(self, name) for name in fixed)

    def flatten(self):
        return tuple(getattr(self, name) for name in leaves), tuple(getattr(self, name) for name in fixed)

    def unflatten(aux, children):
        self = object.__new__(cls)
        for name, value in zip(fixed + leaves, (*aux, *children), strict=True):
            object.__setattr__(self, name, value)
        return self

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
    return cls


def replace(self: T, **changes: Any) -> T:
    """A copy of a record with some fields changed; like JAX, it skips validation, so tracers may enter."""
    copy = object.__new__(type(self))
    for f in dataclasses.fields(self):  # pyright: ignore[reportArgumentType]
        object.__setattr__(copy, f.name, changes.pop(f.name, getattr(self, f.name)))
    if changes:
        raise TypeError(f"{type(self).__name__} has no field {', '.join(changes)}")
    return copy
