"""Flags every ratio that has become worse than in the last committed results of the same machine kind and mode."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .ratios import group_of, measured, ratio

TOLERATED = 0.1  # of the earlier ratio, on top of what the quartiles overlap


@dataclass(frozen=True)
class Regression:
    """One ratio, semijax over another entry of its group, before and now."""

    name: str
    before: float
    now: float


def regressions(now: dict[str, Any], before: dict[str, Any], tolerated: float = TOLERATED) -> list[Regression]:
    """Ratios worse by more than `tolerated`, whose quartiles do not overlap either."""
    new, old = _ratios(now), _ratios(before)
    found = []
    for name, (median, _, upper) in new.items():
        if name not in old:
            continue
        earlier, lower, _ = old[name]
        if median < (1 - tolerated) * earlier and upper < lower:
            found.append(Regression(name, earlier, median))
    return found


def lost(now: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """Entries of semijax that gave a right answer before and do not now."""
    names = lambda rows: {_name(row): row["status"] for row in rows if row["peer"] == "semijax"}  # noqa: E731
    new, old = names(now["rows"]), names(before["rows"])
    return [f"{name}: {new[name]}" for name, status in old.items() if status == "right" and new.get(name, "right") in _WORSE]


_WORSE = ("wrong answer", "failed", "cannot", "too slow")


def last(results: dict[str, Any], folder: Path, besides: Path | None = None) -> Path | None:
    """The newest committed file of the same kind and mode in `folder`; of all files where there is no git."""
    found = []
    for path in committed(folder):
        if besides is not None and path.resolve() == besides.resolve():
            continue
        other = json.loads(path.read_text(encoding="utf-8"))
        if other.get("mode") == results["mode"] and other["machine"]["kind"] == results["machine"]["kind"]:
            found.append((other["machine"]["created"], path))
    return max(found)[1] if found else None


def committed(folder: Path) -> list[Path]:
    """Result files that git tracks, else all of them."""
    try:
        done = subprocess.run(["git", "-C", str(folder), "ls-files", "*.json"], capture_output=True, text=True, check=False)
    except OSError:
        return sorted(folder.glob("*.json"))
    if done.returncode:
        return sorted(folder.glob("*.json"))
    return [folder / name for name in done.stdout.splitlines() if (folder / name).is_file()]


def _ratios(results: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    rows = measured(results["rows"])
    ours = [row for row in rows if row["peer"] == "semijax"]
    found = {}
    for row in ours:
        for other in rows:
            if other["name"] != row["name"] and group_of(other) == group_of(row):
                found[f"{_name(row)} / {other['name']}"] = ratio(row, other)
    return found


def _name(row: dict[str, Any]) -> str:
    return f"{row['case']} {row['variant']} {row['dtype']} N = {row['n']:.0e}: {row['name']}"
