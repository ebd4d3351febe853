"""One page about a closed-form band: E(k) along the axes, and energy and mass tensor where they matter."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import ValidationError
from rich.table import Table

from semijax import build, config
from semijax._types import SemijaxError
from semijax.bands.band import Band
from semijax.io.atomic import replacing
from semijax.schema import values, words
from semijax.schema.bands import Band as BandTable


class Sheet(values.Table):
    """What `semijax bands KIND --set key=value` describes."""

    band: BandTable


def tables(name: str, overrides: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """Name -> band table: those of a case file's species, or the one of kind `name` with the keys set.

    Raises SemijaxError, one line for each mistake.
    """
    if name.endswith(".toml"):
        return {key: species.band for key, species in config.load(name, overrides).species.items()}
    document: dict[str, Any] = {"band": {"kind": name}}
    for key, value in overrides:
        document = config.changed(document, f"band.{key}", config.as_toml(value), "bands")
    try:
        return {name: Sheet.model_validate(document).band}
    except ValidationError as error:
        lines = [f"bands: {line.replace('band.', '')}" for line in words.lines(error, Sheet)]
        unknown = error.errors()[0]["type"] == "union_tag_invalid"
        files = ", or the prefix of a Wannier90 _tb.dat or _hr.dat" if unknown else ""
        raise SemijaxError("\n".join(lines) + files) from None


def draw(of: dict[str, Any], path: Path, directory: Path = Path()) -> list[Table]:
    """Writes the figure of the bands to `path` (.png) and returns a table of energies and masses for each; files are in `directory`."""
    from semijax import plot

    made = {name: build.band(table, directory) for name, table in of.items()}
    widest = max(band.dimension or 1 for band in made.values())
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.4 * widest, 3.0 * len(made)), layout="constrained")
    axes = figure.subplots(len(made), widest, squeeze=False)
    for row, (name, band) in zip(axes, made.items(), strict=True):
        for i, ax in enumerate(row):
            ax.set_visible(i < (band.dimension or 1))
            if i < (band.dimension or 1):
                plot.band(band, direction=np.eye(band.dimension or 1)[i], label=name if i == 0 else None, ax=ax)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)
    return [_masses(name, band, of[name]) for name, band in made.items()]


def _masses(name: str, band: Band, table: Any) -> Table:
    """Energy and mass tensor at the band's origin and at the middle of each zone face it has."""
    d = band.dimension or 1
    center = getattr(table, "center", None)
    points = {"k = 0" if center is None else "centre": np.zeros(d) if center is None else np.asarray(center)}
    if band.lattice is not None:
        faces = np.linalg.pinv(np.asarray(band.lattice)).T * math.pi
        points |= {f"face {i + 1}": face for i, face in enumerate(faces)}
    sheet = Table("point", "k (1/nm)", "E (meV)", "mass tensor (free-electron masses)", title=name, title_justify="left")
    for label, k in points.items():
        at = jnp.asarray(k)
        where = ", ".join(f"{10 * x:.4g}" for x in k)
        sheet.add_row(label, where, f"{1e3 * float(band(at)):.5g}", _tensor(jax.device_get(band.inverse_mass(at)), band, at))
    return sheet


def _tensor(inverse: np.ndarray, band: Band, k: Any) -> str:
    scale = np.abs(inverse).max()
    if not np.isfinite(inverse).all() or np.linalg.cond(inverse) > 1e12 or not scale:
        return "none: the inverse mass tensor is singular here"
    mass = np.asarray(band.effective_mass(k))
    mass = np.where(np.abs(mass) < 1e-12 * np.abs(mass).max(), 0.0, mass)
    return "\n".join("  ".join(f"{x:9.4g}" for x in row) for row in mass)
