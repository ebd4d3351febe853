"""The directory of a run: what it was asked to do, how far it is, and what it takes to go on."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from semijax import config, provenance
from semijax._types import SemijaxError
from semijax.io.atomic import replacing
from semijax.io.checkpoint import load, save
from semijax.io.checkpoints import Checkpoints
from semijax.runs import manifest
from semijax.runs.log import Log
from semijax.runs.stopping import Stop, Stopped
from semijax.schema.case import Case

INPUTS, CASE, KEPT = "inputs.json", "case.toml", "checkpoints"
MAY_CHANGE = ("checkpoint", "title")  # tables and keys that no bit of the results depends on
_BETWEEN = 5.0  # s, between two lines of the log about how far a run is


class RunDirectory:
    """A run in its directory, which this process owns. `begin` a new one, or `again` one that is there."""

    def __init__(self, directory: Path, case: Case, stop: Stop):
        self.directory, self.case, self.stop, self.log = directory, case, stop, Log(directory)
        self._said = 0.0

    @classmethod
    def begin(cls, directory: Path, source: Path, overrides: list[tuple[str, str]], case: Case, stop: Stop) -> "RunDirectory":
        """A new run; what another left there of the same kind is removed."""
        shutil.rmtree(directory / KEPT, ignore_errors=True)
        for name in (manifest.NAME, INPUTS, "log.jsonl", "log.txt"):
            (directory / name).unlink(missing_ok=True)
        from semijax.build import files

        (directory / CASE).write_bytes(source.read_bytes())
        inputs = {
            "case": source.name,
            "directory": str(source.parent.resolve()),
            "overrides": overrides,
            "resolved": case.document,
            "files": provenance.hashes(files(case)),
            "provenance": provenance.facts(),
        }
        with replacing(directory / INPUTS) as path:
            path.write_text(json.dumps(inputs, indent=1, default=str), encoding="utf-8")
        made = cls(directory, case, stop)
        made.log.say("begun", case=case.where, seed=case.run.seed)
        return made

    @classmethod
    def again(cls, directory: Path, overrides: list[tuple[str, str]], stop: Stop) -> "RunDirectory":
        """The run that is there; raises SemijaxError, naming what differs, where what it was made of has changed."""
        case = _unchanged(directory, overrides)
        made = cls(directory, case, stop)
        made.log.say("resumed")
        return made

    # -- while it goes on -----------------------------------------------------------------------------------------------------

    def checkpoints(self, stage: int) -> Checkpoints:
        """Of one simulation: 0 the main run, then the points of the scan."""
        return Checkpoints(self.directory / KEPT / f"{stage:05d}", every=self.case.checkpoint.every)

    def finished(self, stage: int) -> Any:
        """(result, seconds) of a simulation that is through; None where it is not."""
        path = self._path(stage)
        if not path.is_file():
            return None
        try:
            return tuple(load(path))
        except SemijaxError as error:
            self.log.say("damaged", file=str(error))
            return None

    def keep(self, stage: int, result: Any, seconds: float) -> None:
        """Of a simulation that is through; its checkpoints go."""
        save([result, seconds], self._path(stage))
        self.checkpoints(stage).remove()
        self.log.say("stage", number=stage, seconds=round(seconds, 3))

    def told(self, stage: int, done: int, total: int) -> bool:
        """Whether to stop, after so many frames."""
        now = time.monotonic()
        if now - self._said > _BETWEEN:
            self._said = now
            self.log.say("progress", stage=stage, frames=done, of=total)
        return self.stop.asked

    def check_stopped(self, frames: int, total: int) -> None:
        """Raises Stopped where a simulation ended before its time because it was asked to."""
        if frames < total and self.stop.asked:
            self.log.say("stopped", reason=self.stop.reason, frames=frames, of=total)
            raise Stopped(
                f"stopped ({self.stop.reason}) after {frames} of {total} frames: "
                f"semijax resume {self.directory} goes on from there"
            )

    def end(self) -> str:
        """The run is through: what is no result goes, the manifest is written; the hash of the results."""
        shutil.rmtree(self.directory / KEPT, ignore_errors=True)
        self.log.say("finished")
        return manifest.write(self.directory)

    def _path(self, stage: int) -> Path:
        path = self.directory / KEPT
        path.mkdir(parents=True, exist_ok=True)
        return path / f"{stage:05d}.npz"


def inputs_of(directory: Path) -> dict[str, Any]:
    """What a run was asked to do; raises SemijaxError where no run is."""
    path = directory / INPUTS
    if not path.is_file():
        raise SemijaxError(f"{directory}: no {INPUTS}: allowed is the directory of a run (semijax run CASE --out DIR)")
    try:
        found = json.loads(path.read_bytes())
        return {key: found[key] for key in ("case", "directory", "overrides", "resolved", "files", "provenance")}
    except (ValueError, KeyError, TypeError):
        raise SemijaxError(f"{path}: damaged: allowed is what a run wrote") from None


def _unchanged(directory: Path, overrides: list[tuple[str, str]]) -> Case:
    """The case of a run that is there, with overrides of what may change."""
    from semijax.build import files

    inputs = inputs_of(directory)
    document, source = config.read(directory / CASE), inputs["case"]
    for key, value in [*map(tuple, inputs["overrides"]), *overrides]:
        document = config.changed(document, key, config.as_toml(value), source)
    now, then = (json.loads(json.dumps(x, default=str)) for x in (document, inputs["resolved"]))
    differing = [line for line in _differences(then, now) if line.split(".")[0].split(" ")[0] not in MAY_CHANGE]
    if differing:
        shown = "; ".join(differing[:8])
        allowed = f"allowed to change are {', '.join(MAY_CHANGE)}; another run needs another directory"
        raise SemijaxError(f"{directory}: not the run that was begun: {shown}: {allowed}")
    case = config.check(document, source, inputs["directory"])
    changed = {name for name, digest in provenance.hashes(files(case)).items() if inputs["files"].get(name) != digest}
    if changed:
        raise SemijaxError(f"{directory}: {', '.join(sorted(changed))} changed since the run began: allowed are the same files")
    return case


def _differences(then: Any, now: Any, at: str = "") -> list[str]:
    """`run.seed = 2, begun with 1`, a line for each."""
    if isinstance(then, dict) and isinstance(now, dict):
        keys = dict.fromkeys([*then, *now])
        return [line for key in keys for line in _differences(then.get(key), now.get(key), f"{at}.{key}" if at else key)]
    return [] if then == now else [f"{at} = {now!r}, begun with {then!r}"]
