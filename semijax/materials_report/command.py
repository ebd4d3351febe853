"""Command: `semijax bands PREFIX`: pictures and tables of a material, written to a directory."""

import importlib.util
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from semijax._types import SemijaxError
from semijax.io.atomic import replacing
from semijax.materials_report import facts, given, tables

_WIDTH = 120


def report(
    prefix: str,
    out: Path,
    console: Console,
    *,
    dft: Path | None = None,
    fermi: float | None = None,
    mesh: int | None = None,
    path: str = "auto",
    window: tuple[float, float] | None = None,
) -> None:
    """Writes bands.png, zone.png, fermi_surface.png of a metal, bands.txt and bands.json into `out`, and prints the tables.

    Raises SemijaxError for what cannot be read, before anything is written; OSError.
    """
    material = given.gathered(prefix, dft=dft, fermi=fermi, path=path)
    found = facts.facts(material, mesh)
    out.mkdir(parents=True, exist_ok=True)
    notes = tables.notes(material, found)
    pictures = _pictures(material, found, window, notes)
    _show(console, notes, tables.tables(found))
    with replacing(out / "bands.txt") as temporary, temporary.open("w", encoding="utf-8") as file:
        _show(Console(file=file, width=_WIDTH, color_system=None), notes, tables.tables(found))
    with replacing(out / "bands.json") as temporary:
        temporary.write_text(json.dumps(tables.document(material, found), indent=1, ensure_ascii=False), encoding="utf-8")
    for name, figure in pictures.items():
        with replacing(out / name) as temporary:
            figure.savefig(temporary, format="png", dpi=150)
    written = ", ".join(["bands.txt", "bands.json", *pictures])
    console.print(f"written to {out}: {written}", highlight=False, markup=False, soft_wrap=True)


def window_of(text: str | None) -> tuple[float, float] | None:
    """LOW:HIGH, eV; raises SemijaxError for anything else."""
    if text is None:
        return None
    try:
        low, high = (float(x) for x in text.split(":"))
    except ValueError:
        low, high = 0.0, 0.0
    if not -1e6 < low < high < 1e6:
        raise SemijaxError(f"--window {text}: allowed is LOW:HIGH in eV, such as --window=-5:10")
    return low, high


def _show(console: Console, notes: list[str], made: list) -> None:
    for note in notes:
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    for table in made:
        console.print()
        console.print(table)


def _pictures(material: given.Given, found: facts.Facts, window: Any, notes: list[str]) -> dict[str, Any]:
    """Name of the file -> figure; what is left out, and why, is noted."""
    import matplotlib.pyplot as plt

    from semijax import plot

    made = {}
    with plot.style():
        made["bands.png"] = _bands(material, found, window, notes)
        line = material.line
        made["zone.png"] = plot.brillouin_zone(material.matrices.lattice, line).get_figure(root=True)
        if material.level is not None and found.direct is None:
            if material.matrices.dimension == 2 or importlib.util.find_spec("skimage"):
                made["fermi_surface.png"] = plot.fermi_surface(material.model, material.level).get_figure(root=True)
            else:
                notes.append('no picture of the Fermi surface: scikit-image is missing, pip install "semijax[viz]"')
    for figure in made.values():
        plt.close(figure)
    return made


def _bands(material: given.Given, found: facts.Facts, window: Any, notes: list[str]) -> Any:
    from semijax import plot

    points = []
    for one in material.points:
        distance, rows = facts.placed(material, found, one)
        if len(distance):
            label = "Wannier90's own path" if one.name.removesuffix(".gz").endswith("_band.dat") else Path(one.name).name
            points.append((distance, rows, label))
        else:
            notes.append(f"{Path(one.name).name}: none of its k lies on the path")
    left, _ = plot.band_lines(
        material.line, found.energies, points=points, density=found.density, level=material.level, window=window
    )
    return left.get_figure(root=True)
