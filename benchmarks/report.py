"""Tables of a result file, for a terminal and as Markdown, and its figures: throughput against N, roofline, work-precision."""

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from .cases import CASES
from .counting import flops
from .ratios import find, group_of, measured, ratio

Results = dict[str, Any]


def load(path: str | Path) -> Results:
    """A result file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def lines(results: Results) -> list[tuple[str, list[list[str]]]]:
    """(title, rows of text) of each group; the last column is how much faster semijax was, with quartiles."""
    groups: dict[tuple, list] = {}
    for row in results["rows"]:
        groups.setdefault(group_of(row), []).append(row)
    tables = []
    for (_, case, variant, dtype, n), rows in groups.items():
        ours = max((r for r in measured(rows) if r["peer"] == "semijax"), key=lambda r: r["cores"], default=None)
        title = f"{CASES[case].title}, {variant}, {dtype}, N = {n:.0e}"
        tables.append((title, [_line(row, ours) for row in rows]))
    return tables


HEADINGS = ("entry", "million psteps/s", "quartiles", "compile, s", "error", "semijax ÷ it")


def _line(row: dict[str, Any], ours) -> list[str]:
    if "psteps" not in row:
        return [row["name"], row["status"], "", "", f"{row['error']:.1e}" if row.get("error") else "", row.get("note") or ""]
    low, high = (x / 1e6 for x in row["psteps_quartiles"])
    times = ""
    if ours is not None and row is not ours:
        median, lower, upper = ratio(ours, row)
        times = f"{median:.3g} [{lower:.3g}, {upper:.3g}]"
    error = "" if row.get("error") is None else f"{row['error']:.1e}"
    return [row["name"], f"{row['psteps'] / 1e6:.4g}", f"{low:.4g}-{high:.4g}", f"{row['compile']:.2g}", error, times]


def target_lines(results: Results) -> list[list[str]]:
    """Each target with the figure beside it."""
    found = []
    for target in results["targets"]:
        sign, spread = "≤" if target["at_most"] else "≥", ""
        if target["lower"] is not None and target["upper"] is not None:
            spread = f" [{target['lower']:.3g}, {target['upper']:.3g}]"
        verdict = {True: "holds", False: "missed", None: "not measured"}[target["holds"]]
        value = "" if target["found"] is None else f"{target['found']:.3g}{spread}"
        found.append([target["name"], f"{sign} {target['wanted']:.3g} {target['unit']}", value, verdict])
    return found


TARGET_HEADINGS = ("target", "wanted", "found", "")


def tables(results: Results) -> list[Table]:
    """For a terminal: every group, then the targets."""
    made = [_table(title, HEADINGS, rows) for title, rows in lines(results)]
    return [*made, _table("Targets", TARGET_HEADINGS, target_lines(results))]


def _table(title: str, headings: tuple[str, ...], rows: list[list[str]]) -> Table:
    table = Table(title=title, title_justify="left", box=None)
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*row, style="red" if row[-1] == "missed" or row[1] == "wrong answer" else None)
    return table


def markdown(results: Results) -> str:
    """The same tables, with the machine above them."""
    machine, parts = results["machine"], []
    where = machine["gpu"]["name"] if machine["gpu"] else f"{machine['processor']}, {machine['cores']} cores"
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items() if number != "not installed")
    parts.append(
        f"# Benchmarks, {results['mode']}\n\n{where}; {machine['created'][:10]}; {versions}; commit {machine['commit']}.\n"
    )
    for title, headings, rows in [
        ("Targets", TARGET_HEADINGS, target_lines(results)),
        *((title, HEADINGS, rows) for title, rows in lines(results)),
    ]:
        parts.append(f"## {title}\n")
        parts += [" | ".join(("", *cells, "")).strip() for cells in (headings, ["---"] * len(headings), *rows)]
        parts.append("")
    return "\n".join(parts)


def make(path: str | Path) -> list[Path]:
    """Writes the Markdown and the figures beside a result file; returns what was written."""
    path, results = Path(path), load(path)
    text = path.with_suffix(".md")
    text.write_text(markdown(results), encoding="utf-8")
    return [text, *figures(results, path)]


def figures(results: Results, path: Path) -> list[Path]:
    """Throughput against N of W1, roofline, error against time: each where there is something to draw."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure

    written = []
    for name, draw in (("throughput", _throughput), ("roofline", _roofline), ("precision", _precision)):
        figure = Figure(figsize=(8.5, 4.5), layout="constrained")
        axes = figure.add_subplot()
        if draw(results, axes):
            if axes.get_legend_handles_labels()[1]:
                figure.legend(fontsize=6, loc="outside right upper")
            written.append(path.with_name(f"{path.stem}-{name}.png"))
            figure.savefig(written[-1], dpi=150)
    return written


def _throughput(results: Results, axes) -> bool:
    rows = [row for row in measured(results["rows"]) if (row["case"], row["variant"], row["dtype"]) == ("w1", "rk4", "float32")]
    for name in dict.fromkeys(row["name"] for row in rows):
        points = sorted((row["n"], row["psteps"], *row["psteps_quartiles"]) for row in rows if row["name"] == name)
        n, middle, low, high = zip(*points)
        errors = [[m - a for m, a in zip(middle, low)], [b - m for m, b in zip(middle, high)]]
        style: dict[str, Any] = {"color": "black", "linewidth": 2} if name.startswith("semijax") else {"linewidth": 1}
        style["linestyle"] = "--" if name.endswith(" 1 core") else "-"
        axes.errorbar(n, middle, yerr=errors, marker="o", markersize=3, label=name, **style)
    axes.set(xscale="log", yscale="log", xlabel="trajectories", ylabel="particle-steps per second", title="W1, float32, RK4")
    return bool(rows)


def _roofline(results: Results, axes) -> bool:
    """Flops against flops per byte; bytes: the state read and written once, the least that any program moves."""
    rows, limits = measured(results["rows"]), results["limits"].get("float32")
    if limits is None:
        return False
    largest = max(row["cores"] for row in rows)
    for peer, marker in (("C", "s"), ("semijax", "o"), ("plain JAX", "x")):
        for case in dict.fromkeys(row["case"] for row in rows):
            sizes = [row["n"] for row in rows if row["case"] == case and row["peer"] == peer and row["dtype"] == "float32"]
            row = find(
                rows, peer=peer, case=case, dtype="float32", variant="rk4", option="", n=max(sizes, default=0), cores=largest
            )
            if row is not None:
                one, work = CASES[case], flops(CASES[case])
                intensity = work * row["steps"] / (8 * (one.components + one.constants))
                axes.scatter(intensity, row["psteps"] * work, marker=marker, s=18, label=f"{peer} {case}")
    lowest, highest = 1e-1, 1e5
    knee = limits["flops"] / limits["bytes"]
    axes.plot([lowest, knee, highest], [lowest * limits["bytes"], limits["flops"], limits["flops"]], color="grey")
    axes.set(xscale="log", yscale="log", xlabel="flops per byte of state read and written once", ylabel="flops/s, float32")
    axes.set_title("Roofline: copy and multiply-add loops of this run")
    return True


def _precision(results: Results, axes) -> bool:
    rows = [row for row in measured(results["rows"]) if row["variant"] == "precision" and row.get("error")]
    for label in dict.fromkeys((row["peer"], row["option"]) for row in rows):
        points = sorted((row["error"], row["seconds"]["median"]) for row in rows if (row["peer"], row["option"]) == label)
        axes.plot(*zip(*points), marker="o", markersize=3, label=" ".join(label))
    axes.set(xscale="log", yscale="log", xlabel="error of the end", ylabel="seconds", title="W1, float64: work for an accuracy")
    return bool(rows)
