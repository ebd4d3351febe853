"""Running a case: its simulation, its scan, its analysis, and the files they leave."""

import importlib
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from semijax import build, config, provenance
from semijax._types import SemijaxError
from semijax.carriers import Carriers
from semijax.configure import memory
from semijax.dynamics import Dynamics
from semijax.engine.keeping import digest
from semijax.io.atomic import replacing
from semijax.io.dataset import to_dataset, write_netcdf
from semijax.progress import stage
from semijax.report import Report, show
from semijax.schema.case import Case
from semijax.simulate import Result, forecast, simulate
from semijax.timestep import checked_dt

FRAMES = 200  # where the case says neither frames nor every
_FILE = "results.nc"


@dataclass
class Finished:
    """One simulation of a case: what went in, what came out, and the seconds it took (compiling included).

    value: of the scanned key, in the unit inside; None for the main run. dynamics, start: name of the species -> what it moves by
    and how it began.
    """

    case: Case
    value: Any
    dynamics: dict[str, Dynamics]
    start: dict[str, Carriers]
    result: Result
    seconds: float

    @property
    def carrier_steps(self) -> int:
        """Carriers times species times steps."""
        return self.case.run.carriers * len(self.start) * int(self.result.status.steps)


@dataclass
class Results:
    """Everything a case's analysis may look at: the main run and the points of the scan in the order of its values."""

    case: Case
    main: Finished
    scan: list[Finished] = field(default_factory=list)

    @property
    def peak_memory(self) -> int:
        """The most bytes the process has held."""
        return provenance.peak_memory()


def run_case(case: Case, out, console: Console | None = None, keeping: Any = None) -> tuple[Results, Report]:
    """Simulates the case and its scan, writes results.nc, report.txt and the figures into `out`, and prints the table.

    keeping: a runs.directory.RunDirectory, which keeps checkpoints, knows what is done already and when to stop. Raises SemijaxError for
    what cannot be run and BrokenInvariant for a run whose certificate does not hold; what was computed until then is in results.nc.
    Raises runs.stopping.Stopped, and OSError.
    """
    console = console or Console(quiet=True)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=out).close()  # a directory that cannot be written to is found out before the run, not after
    points = config.scan_cases(case)
    check_memory(case)
    results = Results(case, _simulated(case, console, case.title or case.where, keeping=keeping))
    try:
        results.main.result.check()
        for i, point in enumerate(points):
            value, title = config.scanned(case, point)
            done = _simulated(point, console, f"scan {i + 1}/{len(points)}: {title}", value, keeping, i + 1)
            results.scan.append(done)
            done.result.check()
    finally:
        write_netcdf(dataset(results), out / _FILE)
    report = analysis(results)
    _write_report(report, out)
    show(report, console)
    console.print(f"written: {out / _FILE}, report.txt, {len(report.figures)} figures", highlight=False, markup=False)
    return results, report


def check_memory(case: Case) -> None:
    """Raises SemijaxError where the carriers cannot fit: start, state and end, with their bookkeeping. Before there are any, so that
    sampling does not run out of memory; `forecast` says more once they are there.
    """
    size = {"float32": 4, "float64": 8}[case.run.precision]
    each = len(case.species) * 4 * (2 * case.dimension + 4) * size
    free = memory()[1]
    if free is not None and each * case.run.carriers > free:
        allowed = f"allowed are at most {int(free / each):_} here ({free / 2**30:.1f} GiB free)"
        raise SemijaxError(f"{case.where}: run.carriers = {case.run.carriers}: {allowed}")


def _simulated(
    case: Case, console: Console, title: str, value: Any = None, keeping: Any = None, stage_number: int = 0
) -> Finished:
    began = time.perf_counter()
    try:
        dynamics = build.dynamics(case)
        start = build.carriers(case, {name: one.species for name, one in dynamics.items()})
        step = build.step(case)
        dt, every = _clock(case, dynamics, start, step)
        steps = round(case.run.duration / dt)
        if value is None:
            looks = {"record": build.recorders(case), "frames": steps // every}
            needed = forecast(dynamics, start, step=step, compensated=case.run.compensated, **looks)
            console.print(str(needed), highlight=False, markup=False)
        found = None if keeping is None else keeping.finished(stage_number)
        if found is not None:
            console.print(f"{title}: done before", highlight=False, markup=False, soft_wrap=True)
            return Finished(case, value, dynamics, start, *found)
        with stage(console, title, case.run.carriers * len(start) * steps) as progress:
            how = {"duration": case.run.duration, "dt": dt, "every": every, "start": case.run.start, "step": step}
            how |= {"record": build.recorders(case), "compensated": case.run.compensated}
            result = _followed(dynamics, start, how, progress, keeping, stage_number)
    except SemijaxError as error:
        raise SemijaxError(f"{case.where}: {error}") from None
    seconds = time.perf_counter() - began
    if keeping is not None:
        keeping.keep(stage_number, result, seconds)
    return Finished(case, value, dynamics, start, result, seconds)


def _followed(dynamics: Any, start: Any, how: dict[str, Any], progress: Any, keeping: Any, number: int) -> Result:
    if keeping is None:
        return simulate(dynamics, start, progress=progress, **how)

    def told(done: int, total: int) -> bool:
        progress(done, total)
        return keeping.told(number, done, total)

    result = simulate(dynamics, start, progress=told, checkpoints=keeping.checkpoints(number), **how)
    if not int(result.status.nonfinite):
        keeping.check_stopped(len(result.time) - 1, round(how["duration"] / how["dt"] / how["every"]))
    return result


def _clock(case: Case, dynamics: Any, start: Any, step: Any) -> tuple[float, int]:
    """(dt, every) so that the duration is `frames` times `every` steps no longer than asked for or suggested."""
    run = case.run
    # refused as it was asked for, before `frames` may lower it
    best = checked_dt(dynamics, start, run.dt, start=run.start, duration=run.duration, step=step)
    dt = best if run.dt is None else run.dt
    if run.every is not None:
        return min(dt, run.duration / run.every), run.every
    frames = run.frames or FRAMES
    every = max(1, -int(-(run.duration / (frames * dt) * (1 - 1e-12)) // 1))
    return run.duration / (frames * every), every


def dataset(results: Results) -> Any:
    """One xarray.Dataset: the main run, the scan as variables scan_..., all inputs and versions as attributes."""
    import xarray

    case = results.case
    attributes = {
        "title": case.title,
        "case": json.dumps(case.document, default=str),
        "case_file": case.where,
        "seed": case.run.seed,
        "files": json.dumps(provenance.hashes(build.files(case))),
        "final_sha256": digest([one.result.final for one in (results.main, *results.scan)]),
        **provenance.facts(),
    }
    main = to_dataset(results.main.result, carriers=case.run.keep, attributes=attributes)
    if not results.scan:
        return main
    together = _scan_dataset(results)
    # a scan of fewer carriers than are sampled has samples of another length
    others = {name: f"scan_{name}" for name, size in together.sizes.items() if main.sizes.get(name, size) != size}
    return xarray.merge([main, together.rename(others)], combine_attrs="override", compat="override", join="outer")


def _scan_dataset(results: Results) -> Any:
    """The points of the scan along the dimension `scan`; where their times differ, frames count along `scan_frame`."""
    import xarray

    parts = [to_dataset(point.result, carriers=0) for point in results.scan]
    parts = [part.drop_vars([name for name in part.variables if str(name).startswith("final_")]) for part in parts]
    times = [np.asarray(part["time"]) for part in parts]
    same = all(t.shape == times[0].shape and np.allclose(t, times[0], rtol=1e-6, atol=1e-6 * np.ptp(t)) for t in times)
    if not same:
        parts = [part.reset_index("time").reset_coords("time").rename_dims(time="scan_frame") for part in parts]
        frames = [("scan_frame", np.arange(len(t)), {"units": "1", "long_name": "frame"}) for t in times]
        parts = [part.assign_coords(scan_frame=frame) for part, frame in zip(parts, frames)]
    join = "override" if same else "outer"
    together = xarray.concat(parts, "scan", data_vars="all", coords="minimal", compat="override", join=join)
    names = {name: f"scan_{name}" for name in (*together.data_vars, "time")}
    key, unit = config.scan_key(results.case)
    values = [point.value if isinstance(point.value, int | float) else i for i, point in enumerate(results.scan)]
    words = json.dumps([point.value for point in results.scan], default=str)
    scanned = xarray.Variable("scan", values, {"units": unit, "long_name": key, "values": words})
    return together.rename(names).drop_attrs(deep=False).assign_coords(scan=scanned)


def analysis(results: Results) -> Report:
    """The report that the case names, or the general one."""
    name = results.case.report or "general"
    return importlib.import_module(f"semijax.cases.{name}").report(results.case, results)


def _write_report(report: Report, out: Path) -> None:
    with replacing(out / "report.txt") as path:
        path.write_text(report.text(), encoding="utf-8")
    for name, figure in report.figures.items():
        with replacing(out / f"{name}.png") as path:
            layout = figure.get_layout_engine()
            if layout is not None:  # once: savefig would lay the figure out twice
                layout.execute(figure)
                figure.set_layout_engine("none")
            figure.savefig(path, format="png", dpi=150, bbox_inches="tight")
