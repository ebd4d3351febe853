"""python -m benchmarks fits: what fits take, sj.least_squares beside differential evolution and Nelder-Mead; JSON and Markdown."""

import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from semijax.io.atomic import replacing

from . import machine
from .fit_peers import SEARCHES, Search
from .fit_problems import Problem, problems
from .run import SCHEMA, place

SECONDS = 540.0  # of the whole; what is left is dealt out evenly over the searches to come
MOST = {"germanium": 20_000, "vogl": 40_000, "distant": 60_000}  # evaluations of one search
SEEDS = 3
WANTED = 50.0  # times fewer evaluations than differential evolution, from 8 parameters on
Row = dict[str, Any]


def main(out: str | Path | None = None, say: Callable[[str], Any] = print, seconds: float = SECONDS) -> Path:
    """Runs everything, writes the JSON as it goes and the Markdown at the end; returns the path of the JSON."""
    import semijax as sj

    sj.configure(precision="float64")
    facts = machine.facts("cpu")
    facts["granted"] = [machine.granted(facts["cores"])]
    path = place(out) / f"{facts['kind']}-fits-{facts['created'][:10]}.json"
    results: dict[str, Any] = {"schema": SCHEMA, "mode": "fits", "machine": facts, "rows": [], "targets": []}
    plan = [(one, peer, seed) for seed in range(SEEDS) for one in problems().values() for peer in SEARCHES]
    end = time.monotonic() + seconds
    for number, (problem, peer, seed) in enumerate(plan):
        share = (end - time.monotonic()) / max(1, sum(peer != "semijax" for _, peer, _ in plan[number:]))
        search = SEARCHES[peer](problem, seed, MOST[problem.name], 2 * share)
        results["rows"].append(row_of(problem, peer, seed, search))
        results["targets"] = targets(results["rows"])
        write(results, path)
        say(
            f"{problem.title}, {peer}, seed {seed}: {search.ended} after {search.evaluations} evaluations, {search.seconds:.3g} s"
        )
    facts["granted"].append(machine.granted(facts["cores"]))
    write(results, path)
    text = path.with_suffix(".md")
    text.write_text(markdown(results), encoding="utf-8")
    say(f"written: {path}, {text}")
    return path


def write(results: dict[str, Any], path: Path) -> None:
    """The results so far; never half a file."""
    with replacing(path) as scratch:
        scratch.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def row_of(problem: Problem, peer: str, seed: int, search: Search) -> Row:
    """One search, for the JSON."""
    asked = {"problem": problem.name, "title": problem.title, "peer": peer, "seed": seed, "best": problem.best}
    return asked | dataclasses.asdict(search) | {"evaluations": search.evaluations}


def targets(rows: list[Row]) -> list[Row]:
    """How many times fewer evaluations than differential evolution semijax took, from 8 parameters on; medians over the seeds.

    Where a search did not get there, what it spent is less than what it would take: the ratio is then a bound (`at_least`).
    """
    found = []
    for name in dict.fromkeys(row["problem"] for row in rows):
        ours, theirs = ([row for row in rows if row["problem"] == name and row["peer"] == peer] for peer in list(SEARCHES)[:2])
        if not ours or not theirs or ours[0]["count"] < 8:
            continue
        reached = all(row["ended"] == "reached" for row in ours)
        ratio = middle(theirs, "evaluations") / middle(ours, "evaluations") if reached else None
        spent = sum(row["ended"] == "reached" for row in theirs) * 2 <= len(theirs)
        title = f"{ours[0]['title']} ({ours[0]['count']} parameters): evaluations of differential evolution ÷ semijax"
        holds = None if ratio is None else True if ratio >= WANTED else None if spent else False
        found.append({"name": title, "wanted": WANTED, "found": ratio, "at_least": spent, "holds": holds})
    return found


def middle(rows: list[Row], key: str) -> float:
    """The median of a column."""
    return statistics.median(row[key] for row in rows)


def markdown(results: dict[str, Any]) -> str:
    """Tables of a result."""
    facts, rows = results["machine"], results["rows"]
    versions = ", ".join(f"{name} {facts['versions'][name]}" for name in ("semijax", "jax", "numpy", "scipy"))
    lines = [
        f"# Fits\n\n{facts['processor']}, {facts['cores']} cores; {facts['created'][:10]}; {versions}; commit {facts['commit']}.\n"
    ]
    lines += [
        "A search is over within 1 % of the least loss known. An evaluation is one pass through the model for all data; a Jacobian"
    ]
    lines += [f"of p columns counts p + 1. Medians of {SEEDS} seeds, the same box; compiling is apart.\n"]
    lines += [
        "Boxes decide how hard a search is: those of germanium and of Vogl's parameters are about published values; that of five"
    ]
    lines += [
        "shells is about our own best fit, as differential evolution stays in its box. In wider ones most starts of ours end in"
    ]
    lines += ["worse minima: one for five shells took 4 to 7 starts and 1500 to 7000 evaluations.\n"]
    lines += ["| problem | p | search | reached | evaluations | values + Jacobians | s | compiling, s | starts | loss ÷ best |"]
    lines += ["|---" * 10 + "|"]
    for name, peer in dict.fromkeys((row["problem"], row["peer"]) for row in rows):
        own = [row for row in rows if (row["problem"], row["peer"]) == (name, peer)]
        reached = f"{sum(row['ended'] == 'reached' for row in own)} of {len(own)}"
        asked = f"{middle(own, 'values'):.0f} + {middle(own, 'jacobians'):.0f}"
        times = f"{middle(own, 'seconds'):.3g} | {own[0]['compile']:.3g} | {middle(own, 'starts'):.0f}"
        off = max(row["loss"] / row["best"] for row in own)
        cells = [own[0]["title"], own[0]["count"], peer, reached, f"{middle(own, 'evaluations'):.0f}", asked, times, f"{off:.4g}"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines.append("")
    for one in results["targets"]:
        sign = "at least " if one["at_least"] else ""
        value = "not measured" if one["found"] is None else f"{sign}{one['found']:.3g}"
        verdict = {True: "holds", False: "missed", None: "open"}[one["holds"]]
        lines.append(f"- {one['name']}: {value}, wanted {one['wanted']:g}: {verdict}")
    return "\n".join(lines) + "\n"
