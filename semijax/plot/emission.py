"""Emission: the spectrum an oscillating current radiates."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from semijax import spectra
from semijax.plot import house, inputs, prefixes


def spectrum(
    time: Any,
    current: Any,
    *,
    line: float | None = None,
    line_label: str = "Bloch line $eFd/h$",
    highest: float | None = None,
    logarithmic: bool = False,
    window: str | None = "falling",
    label: str | None = None,
    color: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """The emitted spectrum |dJ/dt|² of a current [f] or [f d] (any unit) over time [f] (fs), its highest point 1.

    line: a frequency, THz, marked by a vertical line. highest: end of the frequency axis, THz; None is three times the
    line or the peak. window: as in semijax.spectra.emitted_spectrum.
    """
    t, j = inputs.against("spectrum", 1, 2, time=time, current=current)
    frequency, power = spectra.emitted_spectrum(t, j, window=window)
    ax = house.axes_or_new(ax)
    relative = power / max(power.max(), np.finfo(float).tiny)
    shown = ax.get_xlim()[1] if ax.lines else 0.0
    ax.plot(frequency, relative, label=label, color=color, zorder=3)
    highest = highest or 3 * max(float(frequency[relative.argmax()]), line or 0.0) or float(frequency[-1])
    if line is not None:
        text = f"{line_label} = {prefixes.written('frequency', line)}"
        ax.axvline(line, color=house.VERMILION, linewidth=1.2, linestyle=(0, (5, 2.5)), label=text, zorder=2)
    ax.set_xlim(0, max(shown, highest))
    if logarithmic:
        ax.set_yscale("log")
        ax.set_ylim(1e-6, 2)
    else:
        ax.set_ylim(0, 1.08)
    ax.set_xlabel("frequency $f$ (THz)")
    ax.set_ylabel(r"emitted $|\mathrm{d}J/\mathrm{d}t|^2$ (arb. units)")
    house.legend(ax)
    return ax
