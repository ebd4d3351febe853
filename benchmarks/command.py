"""What `semijax bench` does: measure, print the tables with the targets beside the figures, write the report, compare."""

from pathlib import Path

from rich.console import Console

from . import compare, machine, report, run
from .cases import CASES


class BadInput(ValueError):
    """What the user asked for cannot be done; one line."""


def bench(mode: str, out: Path | None = None, against: str | None = None, only: str | None = None) -> bool:
    """Runs a mode; returns False where --compare found a regression. against: a result file, or "last"."""
    console = Console()
    if only is not None and only not in CASES:
        raise BadInput(f"--only {only}: allowed are {', '.join(CASES)}")
    if mode == "gpu" and machine.graphics() is None:
        raise BadInput("--gpu: no NVIDIA GPU found: allowed on a machine where nvidia-smi lists one")
    if against not in (None, "last") and not Path(against).is_file():
        raise BadInput(f"--compare {against}: allowed is a result file, or last")
    path = run.main(mode, out, lambda line: console.print(line, highlight=False, markup=False), only)
    results = report.load(path)
    for table in report.tables(results):
        console.print(table)
    for file in (path, *report.make(path)):
        console.print(f"written: {file}", highlight=False, markup=False, soft_wrap=True)
    return against is None or compared(console, path, against)


def compared(console: Console, path: Path, against: str) -> bool:
    """Prints what has become worse; whether nothing has."""
    results = report.load(path)
    earlier = compare.last(results, run.place(None), path) if against == "last" else Path(against)
    if earlier is None:
        console.print(f"no committed results of {results['machine']['kind']}, {results['mode']}: nothing to compare with")
        return True
    before = report.load(earlier)
    worse, lost = compare.regressions(results, before), compare.lost(results, before)
    for one in worse:
        console.print(f"worse: {one.name}: {one.before:.3g} before, {one.now:.3g} now", highlight=False, markup=False)
    for line in lost:
        console.print(f"lost: {line}", highlight=False, markup=False)
    if not worse and not lost:
        console.print(f"no ratio is worse than in {earlier.name}")
    return not worse and not lost
