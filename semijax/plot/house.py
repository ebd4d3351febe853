"""House style: colours, the `style()` context, and where a picture goes when no Axes is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

# Okabe and Ito: told apart with every common colour blindness, and in print.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#AA4A8C", "#E69F00", "#56B4E9"
INK, GREY, PALE = "#222222", "#7a7a7a", "#d9d9d9"
ELECTRON, HOLE = BLUE, VERMILION
# white is empty; lightness falls all the way, so it also reads in grey
SEQUENTIAL = LinearSegmentedColormap.from_list("semijax", ["#ffffff", "#b7d7ec", SKY, BLUE, "#0a2342"])
# slow is dark, fast is bright; told apart in grey, and never white, which a sheet could not be seen by
SPEED = LinearSegmentedColormap.from_list("semijax speed", ["#0a2342", BLUE, SKY, "#f2e394", ORANGE])
BACKGROUND = LinearSegmentedColormap.from_list("semijax background", ["#fafafa", "#a8a8a8"])
THEORY_LINE: dict[str, Any] = {"color": INK, "linewidth": 1.2, "linestyle": (0, (5, 2.5)), "zorder": 4}

_STYLE = {
    "figure.figsize": (6.4, 4.0),
    "figure.dpi": 110,
    "savefig.dpi": 180,
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#555555",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.limits": (-3, 5),
    "axes.formatter.use_mathtext": True,
    "axes.prop_cycle": cycler(color=[BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY]),
    "grid.color": PALE,
    "grid.linewidth": 0.5,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.fontsize": 9.5,
    "legend.frameon": True,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "legend.facecolor": "white",
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "errorbar.capsize": 2.5,
}


@contextmanager
def style(**changes: Any) -> Iterator[None]:
    """The house style for figures made inside `with plot.style():`; keywords change it, dots as underscores (font_size=14)."""
    keys = {key.replace(".", "_"): key for key in mpl.rcParams}
    settings: Any = {**_STYLE, **{keys.get(key, key): value for key, value in changes.items()}}
    # Only what is changed is put back: rc_context would also undo what a notebook's backend sets up meanwhile.
    before = {key: mpl.rcParams[key] for key in settings}
    mpl.rcParams.update(settings)
    try:
        yield
    finally:
        mpl.rcParams.update(before)


def axes_or_new(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    """The given Axes, or the one of a new pyplot figure (inches; constrained layout)."""
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def figure_of(ax: Axes) -> Figure:
    """The whole figure an Axes is on."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def zone_ticks(axis: Axis) -> None:
    """Ticks at whole and half zone edges, on an axis in units of π/d."""
    axis.set_major_locator(MaxNLocator(5, steps=[1, 5, 10]))


def save(ax: Any, path: str | Path) -> Path:
    """Writes the figure of an Axes (or of a sequence of them) to a file and closes it, so that many pictures do not pile up."""
    first = ax if isinstance(ax, Axes) else next(iter(ax))
    figure = figure_of(first)
    figure.savefig(path)
    plt.close(figure)
    return Path(path)


def legend(ax: Axes, **options: Any) -> None:
    """A legend where something on the Axes has a label."""
    if ax.get_legend_handles_labels()[0]:
        for handle in ax.legend(**options).legend_handles:
            if isinstance(handle, Line2D):
                handle.set_alpha(1)  # a dot of a cloud is too faint to show its colour alone


def legend_above(ax: Axes, **options: Any) -> None:
    """A legend in a row above the picture, where one inside would cover it."""
    count = len(ax.get_legend_handles_labels()[0])
    legend(ax, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=min(count, 4), borderaxespad=0.2, **options)
