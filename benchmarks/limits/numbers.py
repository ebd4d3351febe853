"""The constants that each hand-written limit takes, in the order of kernel.h: scale of the components, then c[0], c[1], ..."""

import math

from ..constants import HBAR, HBAR2_M0, TESLA


def of(case, option: str = "") -> tuple[list[float], list[float]]:
    """(scale [components + constants], constants) of a case; option "half-turns": phases in units of π; "four sines": see kernel.h."""
    return {"w1": _w1, "w1_split": _w1}.get(case.name, globals().get(f"_{case.name}"))(case, option)


def _push(case) -> list[float]:
    return [case.charge / HBAR * e for e in case.electric]


def _bend(case, factor: float = 1.0) -> list[float]:
    return [case.charge / HBAR * TESLA * factor * b for b in case.magnetic]


def _w1(case, option):
    p, turn = case.params, 1 / math.pi if option == "half-turns" else 1.0
    amp = [2 * t * a / HBAR for t, a in zip(p["hopping"], p["period"])]
    a, e, b = [turn * x for x in p["period"]], _push(case), _bend(case)
    cross = [a[0] * b[2] * amp[1], -a[0] * b[1] * amp[2], -a[1] * b[2] * amp[0]]
    cross += [a[1] * b[0] * amp[2], a[2] * b[1] * amp[0], -a[2] * b[0] * amp[1]]
    return [1 / x for x in amp] + a, [x * y for x, y in zip(a, e)] + cross + amp


def _parabolic(case, _):
    g = HBAR2_M0 / HBAR / case.params["mass"]
    return [1 / g] * 3 + [1.0] * 3, [*_push(case), *_bend(case, g), g]


def _kane(case, _):
    g, p = HBAR2_M0 / HBAR / case.params["mass"], case.params
    return [1 / g] * 3 + [1.0] * 3, [*_push(case), *_bend(case, g), g, 2 * p["alpha"] * HBAR2_M0 / p["mass"]]


def _warped(case, _):
    p, g = case.params, HBAR2_M0 / 2 / HBAR
    inner = [2 * p["A"], p["B"] ** 2, p["C"] ** 2, 2 * p["B"] ** 2 + p["C"] ** 2]
    return [1 / g] * 3 + [1.0] * 3, [*_push(case), *_bend(case, g), g, *inner]


def _superlattice(case, _):
    p, b = case.params, _bend(case)
    g, amp, d = HBAR2_M0 / HBAR / p["mass"], p["bandwidth"] * p["period"] / (2 * HBAR), p["period"]
    # v × B with B = (bx, by, 0): (−vz by, vz bx, vx by − vy bx); the drive is already (q/ħ) E(t) d
    return [1 / g, 1 / g, 1 / amp, 1.0, 1.0, d], [-amp * b[1], amp * b[0], d * g * b[1], -d * g * b[0], g, amp]


def _graphene(case, _):
    p, e, b = case.params, _push(case), _bend(case)[0]
    alpha, beta = math.sqrt(3) / 2 * p["bond"], 1.5 * p["bond"]
    gx, gy = -2 * p["hopping"] * alpha / HBAR, -2 * p["hopping"] * beta / HBAR
    return [1 / gx, 1 / gy, alpha, beta], [alpha * e[0], beta * e[1], alpha * gy * b, -beta * gx * b, gx, gy]


def _dirac(case, _):
    half, square = case.params["gap"] / 2, case.params["hbar_v"] ** 2
    moment = square * half * TESLA * case.magnetic[0] / HBAR
    return [1.0] * 4, [*_push(case), _bend(case)[0], half**2, square, -square * half / 2, square / HBAR, moment]


def _haldane(case, option):
    p, e = case.params, _push(case)
    x, y = math.sqrt(3) / 2 * p["bond"], p["bond"] * (1.5 if option == "four sines" else 0.5)
    second, gx, gy = 2 * p["second"], x / HBAR, y / HBAR
    share = -x * p["bond"] / 4 * p["hopping"] ** 2
    h, g = second * math.cos(p["phase"]), second * math.sin(p["phase"])
    constants = [x * e[0], y * e[1], -e[1] * share / gx, e[0] * share / gy, p["mass"], g, h, p["hopping"] ** 2, gx, gy]
    return [1 / gx, 1 / gy, x, y], constants


def _potential(case, _):
    p, turn = case.params, 2 * math.pi / case.params["length"]
    g = HBAR2_M0 / HBAR / p["mass"]
    return [turn] * 3 + [1.0] * 3, [turn * g, case.charge / HBAR * p["height"] * turn, *_bend(case, g), g]


def _user(case, _):
    p = case.params
    m, rows = p["tensor"], [list(row) for row in p["vectors"]]
    tensor = [m[0][0], m[0][1], m[0][2], m[1][1], m[1][2], m[2][2]]
    warps = [p["warp"] / HBAR * x for row in rows for x in row]
    return [1.0] * 6, [*_push(case), *_bend(case), 2 * p["scale"] / HBAR, *tensor, *warps, *rows[0], *rows[1]]


def _lorenz(case, _):
    return [1.0] * 4, [case.params["sigma"], case.params["beta"]]


def drive(case, steps: int) -> list[float]:
    """The field at every half step, [2 steps + 1], in the units of the limit; zeros where nothing drives."""
    if case.name != "superlattice":
        return [0.0] * (2 * steps + 1)
    from ..rates import pulse

    factor = case.charge / HBAR * case.params["period"]
    return [factor * pulse(math, case.params, i * case.dt / 2) for i in range(2 * steps + 1)]
