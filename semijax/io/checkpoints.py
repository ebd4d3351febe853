"""Checkpoints of a run that goes on: where it is, now and then, so that a run that was killed goes on from there, bit for bit."""

import contextlib
import errno
import json
import math
import re
import shutil
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from semijax._types import SemijaxError
from semijax.io.atomic import replacing
from semijax.io.checkpoint import load, save

KEPT = 2  # of the newest, so that one is left whatever happens to the other
_SHARE = 50  # a run goes on for so many times as long as it was held up by the last one
_STATE, _CHUNK, _KEY = re.compile(r"state-(\d+)-(\d+)\.npz"), "chunk-{:06d}.npz", "key.json"


class Checkpoints:
    """Where `sj.simulate(..., checkpoints=)` keeps itself, in a directory of its own; the same call again goes on from there.

    every: seconds between two, or more where writing would take over 2 % of the time; 0: after every launch. Written beside the run, whole
    or not at all, every array with a hash, the newest two kept; one that is damaged is left out, with a warning, for the one before.
    Raises SemijaxError where the directory has those of another run, naming what differs, and OSError, naming the file, where the
    disk is full.
    """

    def __init__(self, directory, every: float = 30.0):
        if isinstance(every, bool) or not isinstance(every, int | float) or not 0 <= every < math.inf:
            raise SemijaxError(f"Checkpoints: every = {every!r}: allowed is a number of seconds ≥ 0")
        self.directory, self.every = Path(directory), float(every)
        self.written, self._wait = 0, self.every
        self._last = time.monotonic()
        self._pool, self._writing = ThreadPoolExecutor(1), None

    # -- what a run asks ------------------------------------------------------------------------------------------------------

    def recorded(self, name: str) -> Any:
        """What a run that is there already was like; None where there is none."""
        path = self.directory / _KEY
        return _read(path).get(name) if path.exists() else None

    def begin(self, key: dict[str, Any]) -> None:
        """Before anything else. key: what has to be the same, name -> value, for the run to go on from what is there."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path, key = self.directory / _KEY, json.loads(json.dumps(key))
        if path.exists():
            found = _read(path)
            if found != key:
                names = [name for name in {**key, **found} if key.get(name) != found.get(name)]
                what = ", ".join(f"{name} = {key.get(name)!r}, there {found.get(name)!r}" for name in names)
                raise SemijaxError(
                    f"{self.directory}: checkpoints of another run ({what}): allowed are the same run, or another place"
                )
        else:
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(key, indent=1), encoding="utf-8")
        self._last = time.monotonic()

    def finished(self, chunk: int) -> list[np.ndarray] | None:
        """What was kept of a chunk that is through; None where it is not."""
        path = self.directory / _CHUNK.format(chunk)
        return _loaded(path) if path.exists() else None

    def keep(self, chunk: int, leaves: list[np.ndarray]) -> None:
        """Of a chunk that is through."""
        self._finish()
        _written(leaves, self.directory / _CHUNK.format(chunk))
        for path in self._states():
            path.unlink(missing_ok=True)

    def restored(self, chunk: int) -> tuple[int, list[np.ndarray]] | None:
        """(frames done, leaves) of the newest whole state of this chunk."""
        for path in reversed(self._states(chunk)):
            leaves = _loaded(path)
            if leaves is not None:
                return _number(path)[1], leaves
        return None

    def offer(self, chunk: int, frames: int, leaves: Callable[[], list[np.ndarray]], now: bool = False) -> None:
        """The state after so many frames; kept if it is time, or `now`."""
        began = time.monotonic()
        if not now and began - self._last < self._wait:
            return
        self._finish()
        path, arrays = self.directory / f"state-{chunk:06d}-{frames:09d}.npz", leaves()
        self._writing = self._pool.submit(self._write, path, arrays)
        if now:
            self._finish()
        self._last = time.monotonic()
        self._wait = max(self.every, _SHARE * (self._last - began))

    def end(self) -> None:
        """Waits until all is written."""
        self._finish()

    def remove(self) -> None:
        """Leaves nothing behind: the run is through and its results are kept elsewhere."""
        self.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    # -- files ----------------------------------------------------------------------------------------------------------------

    def _write(self, path: Path, leaves: list[np.ndarray]) -> None:
        _written(leaves, path)
        self.written += 1
        for old in self._states()[:-KEPT]:
            old.unlink(missing_ok=True)

    def _finish(self) -> None:
        writing: Future | None = self._writing
        self._writing = None
        if writing is not None:
            writing.result()

    def _states(self, chunk: int | None = None) -> list[Path]:
        """The oldest first."""
        found = [path for path in self.directory.glob("state-*.npz") if _STATE.fullmatch(path.name)]
        return sorted((path for path in found if chunk in (None, _number(path)[0])), key=_number)


def _number(path: Path) -> tuple[int, int]:
    """(chunk, frames)."""
    match = _STATE.fullmatch(path.name)
    assert match is not None
    return int(match[1]), int(match[2])


def _read(path: Path) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    raise SemijaxError(f"{path}: damaged: allowed is what a run wrote; remove the directory to begin again")


def _loaded(path: Path) -> list[np.ndarray] | None:
    """Its arrays; None, with a warning, where a bit of them differs."""
    try:
        return load(path)
    except SemijaxError as error:
        warnings.warn(f"semijax: {error}; the one before is taken", stacklevel=4)
        return None


def _written(leaves: list[np.ndarray], path: Path) -> None:
    """Raises OSError that says how much room there would have to be."""
    try:
        save(leaves, path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise
        needed, free = sum(x.nbytes for x in leaves), shutil.disk_usage(path.parent).free
        raise OSError(error.errno, f"no room for a checkpoint of {needed} bytes, {free} are free", str(path)) from error
