"""Ratios of entries measured in turn, and the targets they are held against."""

import statistics
from dataclasses import asdict, dataclass
from typing import Any

from .cases import CASES
from .counting import flops

Row = dict[str, Any]


def measured(rows: list[Row]) -> list[Row]:
    """Rows with a right answer and times."""
    return [row for row in rows if row["status"] == "right" and row.get("rounds")]


def ratio(ours: Row, other: Row) -> tuple[float, float, float]:
    """(median, lower, upper quartile) over the rounds of how much faster `ours` was: their noise is shared, so it cancels."""
    pairs = sorted(b / a for a, b in zip(ours["rounds"], other["rounds"]))
    lower, middle, upper = statistics.quantiles(pairs, n=4, method="inclusive") if len(pairs) > 1 else pairs * 3
    return middle, lower, upper


def group_of(row: Row) -> tuple:
    """What rows must share to be compared."""
    return row["group"], row["case"], row["variant"], row["dtype"], row["n"]


def find(rows: list[Row], like: Row | None = None, **wanted) -> Row | None:
    """The measured row of these values, in the group of `like`."""
    for row in measured(rows):
        if all(row[key] == value for key, value in wanted.items()) and (like is None or group_of(row) == group_of(like)):
            return row
    return None


@dataclass(frozen=True)
class Target:
    """What was wanted and what was found; holds is None where it was not measured."""

    name: str
    wanted: float
    found: float | None
    lower: float | None = None
    upper: float | None = None
    unit: str = "×"
    at_most: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the median reaches it."""
        if self.found is None:
            return None
        return self.found <= self.wanted if self.at_most else self.found >= self.wanted

    def as_dict(self) -> dict[str, Any]:
        """For the JSON."""
        return asdict(self) | {"holds": self.holds}


_PEERS = {"plain JAX": 25, "NumPy": 6, "numba": 15, "diffrax": 90}
_OWN = ("parabolic", "kane", "warped", "superlattice", "graphene", "dirac", "potential", "user")


_TABLE, _BOUND = 3e6, 0.25  # copper's band: psteps/s of the table on a CPU; of its bound, of the Hamiltonian


GRANTED = 0.95  # of its cores that a machine has to give for a word about scaling


def targets(rows: list[Row], granted: float, limits: dict[str, Any] | None = None) -> list[Target]:
    """The targets and the goals against peers, for what these rows have. granted: cores that the processes really got; limits: what
    multiply-adds reach on all of them, by precision.
    """
    found = []
    for row in measured(rows):
        if row["peer"] != "semijax" or row["variant"] != "rk4" or row["option"]:
            continue
        if row["device"] == "gpu":
            found += _on_gpu(rows, row)
        else:
            found += _on_cpu(rows, row, granted) + _of_copper(rows, row, limits or {})
    return found


def _on_cpu(rows: list[Row], row: Row, granted: float) -> list[Target]:
    label, found = f"{row['case']} {row['dtype']} N = {row['n']:.0e}", []
    most = max(r["cores"] for r in rows)
    if row["cores"] < most or (row["case"] == "w1" and row["n"] < 1e4):
        return []  # below, the time of a call decides, not that of a step
    wanted = {"w1": 0.95 if row["dtype"] == "float32" else 1.0, **dict.fromkeys(_OWN, 0.8)}.get(row["case"])
    if wanted:
        found.append(_against(rows, row, f"{label} / C", wanted, peer="C", option="", cores=most))
    for peer, times in _PEERS.items():
        if (row["case"] == "w1" and row["dtype"] == "float32") or peer == "plain JAX":
            found.append(_against(rows, row, f"{label} / {peer}", times if row["case"] == "w1" else 1, peer=peer, tolerance=0.0))
    if row["case"] == "w1":
        scaling = _against(rows, row, f"{label}: 1 to {most} cores", 0.95 * most, peer="semijax", option="", cores=1)
        if scaling is not None and granted < GRANTED * most:
            scaling = Target(f"{scaling.name} ({granted:.2f} granted)", scaling.wanted, None)
        found.append(scaling)
        found.append(Target(f"{label}: compilation", 3.0, row["compile"], unit="s", at_most=True))
    return [target for target in found if target is not None]


def _of_copper(rows: list[Row], row: Row, limits: dict[str, Any]) -> list[Target]:
    """Of a real material's band: the speed of a table of it, and how near its Hamiltonian comes to the machine's multiply-adds."""
    label, most = f"{row['case']} {row['dtype']} N = {row['n']:.0e}", max(r["cores"] for r in rows)
    if row["cores"] < most:
        return []
    if row["case"] == "copper":
        speed = Target(label, _TABLE, row["psteps"], *row["psteps_quartiles"], unit="psteps/s")
        against = _against(rows, row, f"{label} / numba", 1, peer="numba")
        return [speed] if against is None else [speed, against]
    if row["case"] == "copper_exact" and row["dtype"] in limits:
        share = flops(CASES[row["case"]]) / limits[row["dtype"]]["flops"]
        found = [share * psteps for psteps in (row["psteps"], *row["psteps_quartiles"])]
        return [Target(f"{label} / its bound", _BOUND, *found)]
    return []


def _on_gpu(rows: list[Row], row: Row) -> list[Target]:
    label = f"{row['case']} {row['dtype']} N = {row['n']:.0e}"
    found = [_against(rows, row, f"{label} / CUDA", 0.8, peer="CUDA")]
    absolute = {("w1", "float32"): 1e11, ("lorenz", "float32"): 3e11}.get((row["case"], row["dtype"]))
    if absolute and row["n"] >= 1e6:
        found.append(Target(label, absolute, row["psteps"], unit="psteps/s"))
    if row["case"] == "w1":
        found.append(_against(rows, row, f"{label} / diffrax", 50, peer="diffrax", tolerance=0.0))
    return [target for target in found if target is not None]


def _against(rows: list[Row], row: Row, name: str, wanted: float, **other) -> Target | None:
    against = find(rows, row, **other)
    if against is None or against is row:
        return None
    return Target(name, wanted, *ratio(row, against))
