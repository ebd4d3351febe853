"""Energy: pictures of E(k), of the velocity and the inverse mass that follow from it, and of how it is filled."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from semijax import units
from semijax._types import SemijaxError
from semijax.bands.band import Band
from semijax.plot import cuts, house, inputs, prefixes


def band(
    band: Band,
    points: Any = None,
    *,
    direction: Any = None,
    through: Any = None,
    span: tuple[float, float] | None = None,
    occupation: Any = None,
    label: str | None = None,
    color: Any = None,
    samples: int = 401,
    ax: Axes | None = None,
) -> Axes:
    """E(k) along a cut.

    points: None for a straight cut, or a path through named points, {"Γ": [0, 0], "K": ...} or [("Γ", [0, 0]), ...], 1/Å.
    direction [d]: of the straight cut (the first reciprocal vector, else x). through [d]: a point of it, 1/Å (the origin).
    span: (low, high), 1/Å, measured from `through`; None is one zone. occupation: drawn as a hill standing on the band, from a
    function f(E [eV]) or from a histogram over the cut (edges [b + 1] in 1/Å, counts [b]).
    k is in units of π/d along a primitive reciprocal vector, else in nm⁻¹. Raises SemijaxError for other inputs.
    """
    if points is None:
        cut = cuts.straight("band", band, direction, through, span, samples)
    else:
        cut = cuts.path("band", band, points, samples)
    ax = house.axes_or_new(ax)
    energies = cut.energies(band)
    unit = prefixes.label(ax.yaxis, "energy", energies, "energy $E$")
    x, y = cut.distance / cut.unit, energies / unit
    (line,) = ax.plot(x, y, label=label, color=color, zorder=3)
    if occupation is not None:
        hill = 0.3 * np.ptp(y) * _relative(occupation, cut, energies)
        ax.fill_between(x, y, y + hill, color=line.get_color(), alpha=0.35, linewidth=0, zorder=2)
    frame(ax, cut)
    house.legend(ax)
    return ax


def bands_and_mass(
    band: Band,
    *,
    direction: Any = None,
    through: Any = None,
    span: tuple[float, float] | None = None,
    label: str | None = None,
    color: Any = None,
    samples: int = 401,
    ax: Sequence[Axes] | None = None,
) -> tuple[Axes, Axes, Axes]:
    """E, group velocity and inverse mass along a straight cut in three stacked panels; where the mass is negative is shaded.

    Velocity û·∂E/∂k/ħ and inverse mass û·M⁻¹û are those along the cut û (in m0/m: 1 is the free electron's). Arguments as in
    `band`; ax: three Axes, top to bottom.
    """
    cut = cuts.straight("bands_and_mass", band, direction, through, span, samples)
    top, middle, bottom = three = _three(ax)
    k, along = jnp.asarray(cut.points), cut.along
    assert along is not None
    energies = cut.energies(band)
    velocity = np.asarray(jax.jit(jax.vmap(band.velocity))(k), np.float64) @ along
    inverse = np.asarray(jax.jit(jax.vmap(band.inverse_mass))(k), np.float64) @ along @ along * units.M0
    panels = (
        (top, energies, "energy", "energy $E$"),
        (middle, velocity, "velocity", "velocity $v$"),
        (bottom, inverse, None, "inverse mass $m_0/m$"),
    )
    for one, values, kind, words in panels:
        unit = prefixes.label(one.yaxis, kind, values, words)
        one.plot(cut.distance / cut.unit, values / unit, label=label, color=color, zorder=3)
        frame(one, cut)
    _shade(three, _runs(cut.distance / cut.unit, inverse < 0))
    for one in (middle, bottom):
        one.axhline(0, color=house.GREY, linewidth=0.8, zorder=1)
    for one in (top, middle):
        one.set_xlabel("")
        one.tick_params(labelbottom=False)
    house.legend(top)
    return three


def frame(ax: Axes, cut: cuts.Cut) -> None:
    """The horizontal axis of a cut: its words, its range, thin lines at zone edges and named points."""
    x = cut.distance / cut.unit
    ax.set_xlim(x[0], x[-1])
    for edge in cut.edges:
        ax.axvline(edge / cut.unit, color=house.GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    if cut.corners:
        ax.set_xticks([at / cut.unit for at, _ in cut.corners], [name for _, name in cut.corners])
        ax.set_xlabel("")
    else:
        ax.set_xlabel(cut.words)
        if cut.period:
            house.zone_ticks(ax.xaxis)


def _relative(occupation: Any, cut: cuts.Cut, energies: np.ndarray) -> np.ndarray:
    """An occupation along a cut, its largest value 1."""
    if isinstance(occupation, Callable):
        filled = inputs.numbers("band", "occupation(E)", occupation(energies), 1)
    else:
        edges, counts = (inputs.numbers("band", key, x, 1) for key, x in zip(("edges", "counts"), occupation))
        if len(edges) != len(counts) + 1:
            raise SemijaxError(f"plot.band: occupation {edges.shape}, {counts.shape}: allowed are (edges [b + 1], counts [b])")
        filled = np.interp(cut.distance, (edges[1:] + edges[:-1]) / 2, counts / np.diff(edges))
    return filled / max(filled.max(), np.finfo(float).tiny)


def _shade(three: tuple[Axes, Axes, Axes], runs: list[tuple[float, float]]) -> None:
    """Shades where the mass is negative and says so once, in the widest stretch."""
    bottom = three[2]
    for ax in three:
        for low, high in runs:
            ax.axvspan(low, high, color=house.VERMILION, alpha=0.10, linewidth=0, zorder=0)
    if runs and not bottom.texts:
        low, high = max(reversed(runs), key=lambda run: run[1] - run[0])
        note = bottom.text((low + high) / 2, 0.95, "negative\nmass", transform=bottom.get_xaxis_transform())
        note.set(ha="center", va="top", fontsize="small", color=house.VERMILION)
        note.set_bbox({"facecolor": "#fdeee6", "edgecolor": "none", "pad": 1.5})


def _runs(x: np.ndarray, inside: np.ndarray) -> list[tuple[float, float]]:
    """Where `inside` holds without a break: (low, high) of each stretch."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
    return [(float(x[a]), float(x[b - 1])) for a, b in zip(steps[::2], steps[1::2])]


def _three(ax: Sequence[Axes] | None) -> tuple[Axes, Axes, Axes]:
    if ax is None:
        return tuple(plt.subplots(3, 1, sharex=True, figsize=(5.2, 6.2), layout="constrained")[1])
    if np.size(np.asarray(ax, object)) != 3:
        raise SemijaxError("plot.bands_and_mass: ax: allowed are three Axes, top to bottom")
    return tuple(np.asarray(ax, object).ravel())
