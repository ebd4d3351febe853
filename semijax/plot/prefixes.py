"""Prefixes: the unit an axis is labelled in, chosen from the size of what is drawn on it."""

import numpy as np
from matplotlib.axis import Axis

from semijax import units
from semijax._types import SemijaxError

# kind -> (unit, what one of it is in the units inside), smallest first; current densities come in A/cm².
KINDS: dict[str, tuple[tuple[str, float], ...]] = {
    "time": (("fs", units.FS), ("ps", units.PS), ("ns", units.NS)),
    "length": (("Å", units.ANGSTROM), ("nm", units.NM), ("µm", units.UM)),
    "energy": (("neV", 1e-9), ("µeV", 1e-6), ("meV", units.MEV), ("eV", units.EV)),
    "velocity": (("m/s", units.M_PER_S), ("km/s", units.KM_PER_S)),
    "wavevector": (("nm⁻¹", 1 / units.NM), ("Å⁻¹", 1 / units.ANGSTROM)),
    "electric field": (("V/cm", units.V_PER_CM), ("kV/cm", units.KV_PER_CM), ("MV/cm", units.MV_PER_CM)),
    "current density": (("mA/cm²", 1e-3), ("A/cm²", 1.0), ("kA/cm²", 1e3), ("MA/cm²", 1e6)),
    "frequency": (("GHz", units.GHZ), ("THz", units.THZ)),
}


def label(axis: Axis, kind: str | None, values, words: str) -> float:
    """Labels a matplotlib axis `words (unit)` and returns the unit, so that values/unit is what to draw.

    kind: a key of KINDS, or None for a plain number. An axis that already shows a unit of this kind keeps it, so that curves
    drawn later share it. Raises SemijaxError for an unknown kind.
    """
    if kind is None:
        if not axis.get_label_text():
            axis.set_label_text(words)
        return 1.0
    if kind not in KINDS:
        raise SemijaxError(f"plot: kind = {kind!r}: allowed are {', '.join(KINDS)}, None")
    for name, size in KINDS[kind]:
        if axis.get_label_text().endswith(f"({name})"):
            return size
    name, size = fitting(kind, values)
    axis.set_label_text(f"{words} ({name})")
    return size


def fitting(kind: str, values) -> tuple[str, float]:
    """The largest unit that the largest of the values reaches: (its name, its size in the units inside)."""
    finite = np.abs(np.asarray(values, np.float64))
    largest = finite[np.isfinite(finite)].max(initial=0.0)
    # a little below one still reads well, and a maximum of 0.9999 ps is 1 ps
    reached = [unit for unit in KINDS[kind] if largest >= 0.95 * unit[1]]
    return reached[-1] if reached else KINDS[kind][0]


def written(kind: str, value: float, digits: int = 3) -> str:
    """A value in its fitting unit, as text: `2.76 THz`."""
    name, size = fitting(kind, value)
    return f"{value / size:.{digits}g} {name}"
