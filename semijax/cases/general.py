"""The report of a case that names none: what was recorded over time, the certificate, and what the run cost."""

from typing import Any

import numpy as np

from semijax.certify import TOLERANCE
from semijax.io.dataset import certificate, to_dataset
from semijax.report import Report, Row


def report(case: Any, results: Any) -> Report:
    """Rows: drift of each invariant against what is allowed, throughput, memory. Figures: one for each ensemble mean."""
    main = results.main
    drifts = certificate(main.result.status)["drifts"]
    rows = [
        Row(
            f"change of {name}",
            drift["change"],
            0.0,
            "eV" if "energy" in name else "",
            TOLERANCE * drift["scale"],
            "bound",
        )
        for name, drift in drifts.items()
    ]
    rows.append(Row("throughput with compiling", main.carrier_steps / main.seconds / 1e6, None, "10⁶ carrier-steps/s"))
    rows.append(Row("peak memory", results.peak_memory / 2**30, None, "GiB"))
    means = [name for name, table in case.record.items() if table.by == "mean" and table.of != "inverse_mass"]
    frames = to_dataset(main.result, carriers=0)
    return Report(rows, figures={name: figure(name, list(main.start), frames) for name in means})


def figure(name: str, species: list[str], frames: Any) -> Any:
    """One recorded mean over time, a panel for each species, a line for each component."""
    from matplotlib.figure import Figure

    panels = [frames[key] for key in (name, *(f"{name}_{one}" for one in species)) if key in frames.data_vars]
    drawn = Figure(figsize=(6.4, 2.4 * len(panels)), layout="constrained")
    axes = drawn.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for ax, panel in zip(axes, panels, strict=True):
        ax.plot(frames["time"] / 1e3, np.asarray(panel))
        if "axis" in panel.dims:
            ax.legend(list(frames["axis"].values), frameon=False)
        ax.set(ylabel=f"{str(panel.name).replace('_', ' ')} ({panel.attrs['units']})")
    axes[-1].set_xlabel("time (ps)")
    return drawn
