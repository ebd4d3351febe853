"""Constants: arrays that shape a program, compared by their content, so that the same model built twice is the same program to JAX."""

from typing import Any

import numpy as np


class Constants:
    """Arrays by name, never changed; equal and of equal hash where all of them are."""

    def __init__(self, **arrays: Any):
        for name, value in arrays.items():
            array = np.array(value)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        self._key = tuple((name, a.dtype.str, a.shape, a.tobytes()) for name, a in self._arrays().items())
        self._hash = hash(self._key)

    def __getattr__(self, name: str) -> np.ndarray:
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"{name} is constant")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constants) and self._hash == other._hash and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: value for name, value in sorted(vars(self).items()) if not name.startswith("_")}
