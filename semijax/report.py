"""What a case's analysis returns: numbers found beside theory, notes and figures; and how the table looks."""

import io
import math
from dataclasses import dataclass, field
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

MOST_SIGMA = 4.0  # a statistical deviation beyond this is marked: by chance one in 16 000


@dataclass(frozen=True)
class Row:
    """One quantity, found in the run and, where there is one, predicted.

    error, in `unit`: one standard error of `found` where judged = "standard errors" (statistical); the derived bound on
    |found − theory| where judged = "bound" (exact up to rounding and the order of the step).
    """

    name: str
    found: float
    theory: float | None = None
    unit: str = ""
    error: float | None = None
    judged: Literal["standard errors", "bound"] = "standard errors"

    @property
    def deviation(self) -> float | None:
        """(found − theory)/error; None where nothing is compared."""
        if self.theory is None or self.error is None:
            return None
        difference = self.found - self.theory
        return difference / self.error if self.error else math.copysign(math.inf, difference) if difference else 0.0

    @property
    def holds(self) -> bool:
        """Whether the deviation is within 4 standard errors or the bound; a row without theory holds if it is a number."""
        deviation = self.deviation
        if deviation is None:
            return math.isfinite(self.found)
        return abs(deviation) <= (MOST_SIGMA if self.judged == "standard errors" else 1.0)


@dataclass(frozen=True)
class Report:
    """Rows of the table, notes below it (the limits of the picture), figures by file name (without .png)."""

    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every row does."""
        return all(row.holds for row in self.rows)

    def text(self, width: int = 110) -> str:
        """Table and notes as plain text."""
        console = Console(width=width, record=True, file=io.StringIO(), color_system=None)
        show(self, console)
        return console.export_text()


def show(report: Report, console: Console, title: str = "") -> None:
    """Prints the table and the notes."""
    table = Table(title=title or None, title_justify="left")
    for heading in ("", "found", "theory", "unit", "deviation"):
        table.add_column(heading, justify="left" if heading in ("", "unit") else "right")
    for row in report.rows:
        theory = "" if row.theory is None else f"{row.theory:.5g}"
        table.add_row(row.name, f"{row.found:.5g}", theory, row.unit, _deviation(row), style=None if row.holds else "bold red")
    console.print(table)
    for note in report.notes:
        console.print(note, highlight=False, markup=False)


def _deviation(row: Row) -> str:
    deviation, mark = row.deviation, "" if row.holds else "  ✗"
    if deviation is None:
        return mark.strip()
    if row.judged == "standard errors":
        return f"{deviation:+.1f} standard errors{mark}"
    return f"{abs(deviation):.2g} of the bound{mark}"
