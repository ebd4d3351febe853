"""Measures: entries checked, then timed in turn round by round; medians, quartiles, compile time apart; JSON."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from semijax.configure import cores as usable_cores
from semijax.configure import memory
from semijax.io.atomic import replacing

from . import machine, peers, plan, ratios
from .cases import CASES
from .pool import Pool
from .spec import Spec

SCHEMA = 1


def main(
    mode: str | plan.Mode = "full", out: str | Path | None = None, say: Callable[[str], Any] = print, only: str | None = None
) -> Path:
    """Runs a mode ("quick", "full", "gpu"), writes the JSON as it goes and returns its path. only: groups of this case."""
    cores = usable_cores()
    chosen = mode if isinstance(mode, plan.Mode) else plan.MODES[mode](cores)
    facts = machine.facts("gpu" if chosen.name == "gpu" else "cpu") | {"granted": [machine.granted(cores)]}
    if facts["granted"][0] < ratios.GRANTED * cores:
        say(f"only {facts['granted'][0]:.2f} of {cores} cores are granted: nothing is said about scaling with cores")
    path = place(out) / f"{facts['kind']}-{chosen.name}-{facts['created'][:10]}.json"
    results = {"schema": SCHEMA, "mode": chosen.name, "machine": facts, "rows": [], "limits": {}, "targets": []}
    session = Session(chosen, results, say)
    with Pool() as pool:
        results["limits"] = probes(pool, cores, "gpu" if chosen.name == "gpu" else "cpu")
        for group in chosen.groups:
            if only in (None, group[0].case):
                session.group(pool, group)
                write(results, path)
    facts["granted"].append(machine.granted(cores))  # neighbours may have come in the meantime
    write(results, path)
    return path


def place(out: str | Path | None) -> Path:
    """Where results go: `out`, or results/ of a checkout, or benchmark-results/ here."""
    here = Path(__file__).parent
    folder = Path(out) if out else here / "results" if (here.parent / "pyproject.toml").is_file() else Path("benchmark-results")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write(results: dict[str, Any], path: Path) -> None:
    """The results so far, with the targets they reach; never half a file."""
    granted = min(results["machine"]["granted"])
    results["targets"] = [target.as_dict() for target in ratios.targets(results["rows"], granted, results["limits"])]
    with replacing(path) as scratch:
        scratch.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def probes(pool: Pool, cores: int, device: str) -> dict[str, Any]:
    """Flops and bytes/s that a multiply-add loop and a copy reach, by precision."""
    found = {}
    for dtype in ("float32", "float64"):
        spec = Spec("CUDA" if device == "gpu" else "C", "w1", 1, dtype, cores=cores, device=device)
        answer = pool.of(spec).ask(120, do="probe", dtype=dtype, device=device)
        if answer.pop("status") == "right":
            found[dtype] = answer
    return found


class Session:
    """One run of a mode: its rows, and what it has learnt about how fast entries are."""

    def __init__(self, mode: plan.Mode, results: dict[str, Any], say: Callable[[str], Any]):
        self.mode, self.rows, self.say = mode, results["rows"], say
        self.deadline = time.monotonic() + mode.seconds
        self.paces: dict[tuple, float] = {}

    def group(self, pool: Pool, specs: list[Spec]) -> None:
        """Prepares and checks every entry, then times the right ones in turn."""
        case, variant, dtype, n = specs[0].group
        self.say(f"{case} {variant} {dtype} N = {n:.0e}: {len(specs)} entries")
        ready, index = [], 1 + max((row["group"] for row in self.rows), default=-1)
        for number, spec in enumerate(specs):
            row = spec.as_dict() | {"name": spec.name, "group": index} | self.prepared(pool, number, spec)
            self.rows.append(row)
            if row["status"] == "right":
                ready.append((number, spec, row))
            else:
                self.say(f"  {spec.name}: {row['status']} {row.get('note') or ''}")
        self.rounds(pool, ready)
        for number, spec, _ in ready:
            pool.of(spec).ask(60, do="drop", id=number)

    def prepared(self, pool: Pool, number: int, spec: Spec) -> dict[str, Any]:
        """The status of one entry after its check, and what that found."""
        gone, left = peers.missing(spec.peer), self.deadline - time.monotonic()
        if gone:
            return {"status": "not installed", "note": ", ".join(gone)}
        expected = self.paces.get((spec.worker, spec.case, spec.variant, spec.option, spec.tolerance, spec.dtype), 0.0) * spec.n
        if expected > self.mode.longest:
            return {"status": "skipped", "note": f"a run would take {expected:.0f} s"}
        if _bytes(spec) > 0.7 * (memory()[1] or 4 << 30) and spec.device == "cpu":
            return {"status": "skipped", "note": f"needs about {_bytes(spec) / 2**30:.0f} GiB"}
        if left <= 0:
            return {"status": "skipped", "note": "the mode's time is over"}
        begin = time.monotonic()
        answer = pool.of(spec).ask(60 + 5 * self.mode.longest, do="prepare", id=number, spec=spec.as_dict())
        answer["prepared"] = time.monotonic() - begin  # a process started, all compiled, run and checked
        if answer["status"] == "right":
            self.paces[spec.worker, spec.case, spec.variant, spec.option, spec.tolerance, spec.dtype] = answer["second"] / spec.n
        return answer

    def rounds(self, pool: Pool, ready: list[tuple[int, Spec, dict]]) -> None:
        """Every entry once in each round, starting with another one each time."""
        least, most = self.mode.rounds
        begin = time.monotonic()
        for _, _, row in ready:
            row["rounds"] = []
        for turn in range(most):
            over = time.monotonic() - begin > self.mode.each or time.monotonic() > self.deadline
            if turn >= least and over:
                break
            shift = turn % max(1, len(ready))
            for number, spec, row in ready[shift:] + ready[:shift]:
                if row["status"] == "right":
                    answer = pool.of(spec).ask(60 + 5 * self.mode.longest, do="run", id=number)
                    row["rounds"] += [answer["seconds"]] if "seconds" in answer else []
                    row |= {} if "seconds" in answer else answer
        for _, spec, row in ready:
            row |= summary(spec, row)


def summary(spec: Spec, row: dict[str, Any]) -> dict[str, Any]:
    """Median and quartiles of the rounds; particle-steps per second; what the first call took beyond them."""
    if not row["rounds"]:
        return {}
    lower, median, upper = (
        statistics.quantiles(row["rounds"], n=4, method="inclusive") if len(row["rounds"]) > 1 else row["rounds"] * 3
    )
    steps = spec.n * spec.steps
    return {
        "seconds": {"median": median, "lower": lower, "upper": upper, "best": min(row["rounds"])},
        "psteps": steps / median,
        "psteps_quartiles": [steps / upper, steps / lower],
        "compile": max(0.0, row["first"] - median),
    }


def _bytes(spec: Spec) -> int:
    """The memory that a run of anything takes at least: the state, six times over, ten in float64 NumPy."""
    case = CASES[spec.case]
    return 6 * spec.n * (case.components + case.constants) * (4 if spec.dtype == "float32" else 8)
