"""Schemes as data: Runge-Kutta tableaus and kick/drift splittings, each family with one formula that takes a step."""

import functools
import operator
from typing import Any

import jax

from semijax import _dop853
from semijax._pytree import record, static
from semijax._types import Flow, SemijaxError


@record
class RungeKutta:
    """Explicit Runge-Kutta step of fixed dt: k_i = f(t + c_i dt, z + dt Σ a_ij k_j), z + dt Σ b_i k_i.

    name: what messages call it. order: of accuracy. nodes: c [s]. rows: a, row i of length i. weights: b [s]. Zeros cost nothing.
    """

    name: str = static()
    order: int = static()
    nodes: tuple = static()
    rows: tuple = static()
    weights: tuple = static()
    preserves_volume = False

    def __post_init__(self):
        lengths = tuple(len(row) for row in self.rows)
        if lengths != tuple(range(len(self.weights))) or len(self.nodes) != len(self.weights):
            raise SemijaxError(f"{self.name}: rows of lengths {lengths}: allowed are 0, 1, ... s − 1 with s nodes and s weights")

    def increment(self, flow: Flow, t, z, dt):
        """The change of z in one step, same tree as z."""
        rates = []
        for node, row in zip(self.nodes, self.rows, strict=True):
            at = _plus(z, _times(dt, _combined(row, rates))) if any(row) else z
            rates.append(flow(_later(t, node, dt), at))
        return _times(dt, _combined(self.weights, rates))

    def __call__(self, flow: Flow, t, z, dt):
        return _plus(z, self.increment(flow, t, z, dt))


@record
class Splitting:
    """Palindromic composition of exact kicks (of k at fixed r) and drifts (of r at fixed k), alternating.

    Needs a flow with .kick(t, z) and .drift(t, z). Time flows with the drifts (extended phase space), so a kick sees the field
    at the time reached so far and the order holds in E(t) too; Hairer, Lubich, Wanner, Geometric Numerical Integration (2006),
    sections II.5 and VIII, doi:10.1007/3-540-30666-8. Volume and symplectic form are kept to rounding.

    name: what messages call it. order: of accuracy. begins: "kick" or "drift". shares: of dt, taken in turn; those of the kicks
    add up to 1, those of the drifts too.
    """

    name: str = static()
    order: int = static()
    begins: str = static()
    shares: tuple = static()
    preserves_volume = True

    def __post_init__(self):
        sums_to_one = all(abs(sum(self.shares[i::2]) - 1) < 1e-12 for i in (0, 1))
        if self.begins not in ("kick", "drift") or self.shares != self.shares[::-1] or not sums_to_one:
            raise SemijaxError(
                f"{self.name}: shares = {self.shares}: allowed is a palindrome whose kicks, and drifts, add up to 1"
            )

    def increment(self, flow: Flow, t, z, dt):
        """The change of z in one step, same tree as z; raises SemijaxError where the flow has no kick and drift."""
        kick, drift = self._halves(flow)
        elapsed, change = 0.0, None
        for i, share in enumerate(self.shares):
            at = z if change is None else _plus(z, change)
            if (i % 2 == 0) == (self.begins == "kick"):
                rate = kick(_later(t, elapsed, dt), at)
            else:  # the time in the middle of the drift, should the band itself depend on time
                rate = drift(_later(t, elapsed + share / 2, dt), at)
                elapsed += share
            moved = jax.tree.map(lambda x, share=share: share * dt * x, rate)
            change = moved if change is None else _plus(change, moved)
        return change

    def __call__(self, flow: Flow, t, z, dt):
        return _plus(z, self.increment(flow, t, z, dt))

    def _halves(self, flow):
        kick, drift = getattr(flow, "kick", None), getattr(flow, "drift", None)
        if not (callable(kick) and callable(drift)):
            name = getattr(flow, "__qualname__", type(flow).__name__)
            raise SemijaxError(
                f"{self.name}: flow = {name}: allowed is a flow that splits into kick(t, z) and drift(t, z) "
                "(no magnetic field, Berry curvature or damping); else use rk4"
            )
        return kick, drift


def as_step(step):
    """`step` as a pytree: records stay as they are, a plain function (flow, t, z, dt) -> z is wrapped; raises SemijaxError."""
    if not callable(step):
        raise SemijaxError(f"step = {step!r}: allowed is a function (flow, t, z, dt) -> z, such as sj.rk4")
    return jax.tree_util.Partial(step) if jax.tree_util.all_leaves([step]) else step


def increment_of(step, flow: Flow, t, z, dt) -> Any:
    """The change of z in one step: the step's own `increment` where it has one, else step(z) − z (which rounding limits)."""
    if hasattr(step, "increment"):
        return step.increment(flow, t, z, dt)
    return jax.tree.map(operator.sub, step(flow, t, z, dt), z)


def _later(t, share: float, dt):
    return t if share == 0.0 else t + share * dt


def _plus(z, change):
    return jax.tree.map(operator.add, z, change)


def _times(dt, rate):
    return jax.tree.map(lambda x: dt * x, rate)


def _combined(weights, rates):
    """Σ w_i k_i over the weights that are not zero."""
    terms = [(w, rate) for w, rate in zip(weights, rates, strict=True) if w != 0.0]
    scales = [w for w, _ in terms]

    def add_up(*leaves):
        return functools.reduce(operator.add, (x if w == 1.0 else w * x for w, x in zip(scales, leaves, strict=True)))

    return jax.tree.map(add_up, *(rate for _, rate in terms))


# Steps (flow, t, z, dt) -> z. Tableaus: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, 2nd ed., II.1.
euler = RungeKutta("euler", 1, (0.0,), ((),), (1.0,))
heun = RungeKutta("heun", 2, (0.0, 1.0), ((), (1.0,)), (1 / 2, 1 / 2))
midpoint = RungeKutta("midpoint", 2, (0.0, 1 / 2), ((), (1 / 2,)), (0.0, 1.0))
rk4 = RungeKutta("rk4", 4, (0.0, 1 / 2, 1 / 2, 1.0), ((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6))
dop8 = RungeKutta("dop8", 8, _dop853.NODES, _dop853.ROWS, _dop853.WEIGHTS)

leapfrog = Splitting("leapfrog", 2, "kick", (1 / 2, 1.0, 1 / 2))
strang = Splitting("strang", 2, "drift", (1 / 2, 1.0, 1 / 2))  # Strang, SIAM J. Numer. Anal. 5, 506 (1968), doi:10.1137/0705041

# Three leapfrogs of w dt, (1 − 2w) dt, w dt. Yoshida, Phys. Lett. A 150, 262 (1990), doi:10.1016/0375-9601(90)90092-3.
_W = 1 / (2 - 2 ** (1 / 3))
_BACK = 1 - 2 * _W
yoshida4 = Splitting("yoshida4", 4, "kick", (_W / 2, _W, (_W + _BACK) / 2, _BACK, (_W + _BACK) / 2, _W, _W / 2))
