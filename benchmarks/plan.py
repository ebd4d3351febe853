"""What each mode measures: groups of entries, most important first; entries of a group are compared with one another."""

from dataclasses import dataclass, replace

from .cases import BANDS, CASES
from .peers import PEERS
from .reference import STEPS
from .spec import Spec

Group = list[Spec]


@dataclass(frozen=True)
class Mode:
    """groups; seconds in all, for one run of an entry, and for the rounds of one group; rounds at least and at most."""

    name: str
    groups: list[Group]
    seconds: float
    longest: float
    each: float
    rounds: tuple[int, int]


def _entries(case: str, n: float, dtype: str, entries: list[dict], variant: str = "rk4", **shared) -> Group:
    one = CASES[case]
    base = Spec("", case, int(n), dtype, variant, one.steps, one.every, **shared)
    return [replace(base, **entry) for entry in entries]


def _ours(cores: int) -> list[dict]:
    """semijax and C on all cores, and on one."""
    return [{"peer": peer, "cores": c} for c in sorted({1, cores}, reverse=True) for peer in ("semijax", "C")]


def _peers(cores: int) -> list[dict]:
    """Every package on all cores."""
    single = ("semijax", "C", "CUDA")
    entries = [{"peer": peer, "cores": cores} for peer in PEERS if peer not in single]
    return [*entries, {"peer": "diffrax", "option": "Tsit5", "tolerance": 1e-5, "cores": cores}]


def _limits(cores: int) -> list[dict]:
    return [{"peer": "C", "option": option, "cores": cores} for option in ("half-turns", "three parts")]


def _three(cores: int) -> list[dict]:
    return [{"peer": peer, "cores": cores} for peer in ("semijax", "C", "plain JAX")]


def _table(cores: int) -> list[dict]:
    """Who follows a table of a band."""
    return [{"peer": peer, "cores": cores} for peer in ("semijax", "numba", "plain JAX")]


def quick(cores: int) -> Mode:
    """Three minutes: W1 in both precisions, a few bands, all peers at one size; copper as a table, then as a Hamiltonian."""
    double = [{"peer": peer, "cores": cores} for peer in ("semijax", "C", "plain JAX", "NumPy", "heyoka")]
    groups = [
        _entries("w1", 3e4, "float32", _ours(cores) + _limits(cores) + _peers(cores)),
        _entries("w1", 1e6, "float32", _ours(cores)),
        *(_entries(band, 1e5, "float32", _three(cores)) for band in ("kane", "superlattice")),
        _entries("copper", 1e4, "float32", _table(cores)),
        _entries("w1", 3e4, "float64", double),
        *(_entries(case, n, "float32", _three(cores)) for case, n in (("graphene", 1e5), ("lorenz", 1e5), ("dirac", 1e5))),
        _entries("copper_exact", 1000, "float64", _exact(cores)[:2]),
    ]
    return Mode("quick", groups, 170, 4, 6, (3, 15))


def _exact(cores: int) -> list[dict]:
    """Who solves an eigenvalue problem for every rate."""
    return [{"peer": peer, "cores": cores} for peer in ("semijax", "plain JAX", "NumPy")]


def full(cores: int) -> Mode:
    """Everything a CPU can be asked."""
    every = _ours(cores) + _limits(cores) + _peers(cores)
    groups = [_entries("w1", n, dtype, every) for dtype in ("float32", "float64") for n in (1e3, 1e4, 1e5, 1e6, 1e7, 1e8)]
    for band in BANDS:
        fast = [{"peer": "C", "option": "fast root", "cores": cores}] if band in ("kane", "warped", "graphene", "dirac") else []
        more = [{"peer": "NumPy", "cores": cores}]
        groups += [_entries(band, n, "float32", _three(cores) + fast + more) for n in (1e4, 1e6)]
        groups += [_entries(band, 1e5, "float64", _three(cores) + fast + more)]
    groups += [_entries("lorenz", n, "float32", _three(cores) + _peers(cores)) for n in (1e4, 1e6)]
    tables = [*_table(cores), {"peer": "NumPy", "cores": cores}, *({"peer": p, "cores": 1} for p in ("semijax", "numba"))]
    groups += [_entries("copper", n, "float32", tables) for n in (1e4, 1e5)]
    groups += [_entries("copper_exact", n, "float64", _exact(cores)) for n in (1000, 4096)]
    return Mode("full", groups + _variants(cores, "cpu", 1e5), 3 * 3600, 20, 60, (3, 15))


def gpu(cores: int = 1) -> Mode:
    """Twenty minutes on one GPU, most important first."""
    names = ("semijax", "CUDA", "plain JAX", "diffrax", "gradsolve", "torch eager", "torchdiffeq")
    all_, few, pair = ([{"peer": peer, "cores": 1} for peer in chosen] for chosen in (names, names[:3], ("semijax", "plain JAX")))
    groups = [_entries("w1", 1e6, "float32", all_, device="gpu")]
    groups += [_entries(case, 1e7, "float32", few, device="gpu") for case in ("w1", "lorenz")]
    groups += [_entries("w1", 1e8, "float32", few[:2], device="gpu")]
    groups += [_entries(band, 1e6, "float32", pair, device="gpu") for band in BANDS]
    groups += [_entries("w1", n, dtype, few, device="gpu") for n, dtype in ((1e6, "float64"), (1e5, "float32"), (1e4, "float32"))]
    groups += [_entries("w1", 1e6, "float32", pair, variant, device="gpu") for variant in ("volume", "jacobian")]
    groups += [_entries("lorenz", 1e6, "float32", all_, device="gpu")]
    return Mode("gpu", groups + _variants(1, "gpu", 1e6), 1150, 10, 12, (3, 15))


def _variants(cores: int, device: str, n: float) -> list[Group]:
    """Every step, what a step can carry, gradients, and the work that an accuracy takes."""
    pair = [{"peer": peer, "cores": cores} for peer in ("semijax", "plain JAX")]
    derived = [*pair, *({"peer": peer, "cores": cores} for peer in ("diffrax", "gradsolve"))]
    groups = [_entries("w1_split", n, "float32", pair, step, device=device) for step in STEPS]
    groups += [_entries("w1", n, "float32", pair, variant, device=device) for variant in ("rk4", "volume", "jacobian")]
    groups += [_entries("miniband", n, "float32", pair[:1], variant, device=device) for variant in ("rk4", "relaxation")]
    groups += [_entries("w1", 1e4, dtype, derived, "gradient", device=device) for dtype in ("float32", "float64")]
    return [*groups, _precision(cores, device)]


def _precision(cores: int, device: str) -> Group:
    """Error against time in float64: fixed steps k times as short, adaptive peers at their tolerances."""
    fixed = [
        {"peer": peer, "option": step, "tolerance": -float(k)}
        for peer in ("semijax", "plain JAX")
        for step, times in (("rk4", (1, 2, 4)), ("dop8", (1,)))
        for k in times
    ]
    adaptive = [{"peer": "heyoka", "tolerance": 10.0**-e} for e in (4, 6, 8, 10, 12)]
    adaptive += [
        {"peer": "diffrax", "option": solver, "tolerance": 10.0**-e} for solver in ("Tsit5", "Dopri8") for e in (4, 7, 10)
    ]
    return _entries("w1", 4096, "float64", [entry | {"cores": cores} for entry in fixed + adaptive], "precision", device=device)


MODES = {"quick": quick, "full": full, "gpu": gpu}
