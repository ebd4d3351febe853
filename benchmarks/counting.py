"""Counts the arithmetic of a case by running its hand-written rates on numbers that count."""

from dataclasses import dataclass
from types import SimpleNamespace

SINE, ROOT = 16, 1  # floating-point operations of the polynomial sine (multiply-adds are two); a root counts as one


@dataclass
class _Number:
    tally: list

    def _one(self, *_, weight: int = 1):
        self.tally[0] += weight
        return _Number(self.tally)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = _one


def flops(case) -> int:
    """Operations of one RK4 step of one trajectory: four times the rates, and three multiply-adds for each component and stage."""
    tally = [0]
    number = _Number(tally)
    heavy = lambda x: x._one(weight=SINE)  # noqa: E731
    words = SimpleNamespace(sin=heavy, cos=heavy, sqrt=lambda x: x._one(weight=ROOT), exp=heavy)
    case.rates(words, 0.0, [number] * (case.components + case.constants))
    return 4 * tally[0] + 4 * 4 * case.components
