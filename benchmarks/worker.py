"""A process that runs one peer: told "prepare", "run", "drop" line by line, it answers in JSON. Start it with `pool.Worker`."""

import gc
import json
import math
import os
import resource
import sys
import time
from typing import Any

from . import peers, reference
from .cases import CASES
from .spec import Spec

SHORTEST = 0.05  # s: a timing lasts at least as long, by as many calls as it takes


def main() -> None:
    """Serves until standard input closes; what peers print goes to standard error."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    served = Served()
    for line in sys.stdin:
        try:
            answer = served(json.loads(line))
        except (Exception, SystemExit) as error:  # a peer may do anything; the run goes on without it
            answer = {"status": "failed", "note": _words(error)}
        print(json.dumps(answer), file=channel, flush=True)


class Served:
    """The prepared jobs of this process by number."""

    def __init__(self):
        self.jobs: dict[int, tuple[peers.Job, int]] = {}

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request {"do": ..., "id": ..., ...} -> its answer."""
        if request["do"] == "prepare":
            return self.prepare(request["id"], Spec(**request["spec"]))
        if request["do"] == "run":
            job, calls = self.jobs[request["id"]]
            begin = time.perf_counter()
            for _ in range(calls):
                job.once()
            return {"status": "right", "seconds": (time.perf_counter() - begin) / calls}
        if request["do"] == "probe":
            from .limits import cuda
            from .peers import hand_c

            probe = cuda.probe if request["device"] == "gpu" else hand_c.probe
            return {"status": "right", **probe(request["dtype"])}
        self.jobs.pop(request["id"], None)
        gc.collect()
        return {"status": "right"}

    def prepare(self, number: int, spec: Spec) -> dict[str, Any]:
        """Compiles, runs once and compares with the reference; only a right answer is kept to be timed."""
        module, case = peers.module(spec.peer), CASES[spec.case]
        why = module.supports(spec)
        if why:
            return {"status": "cannot", "note": why}
        before = _memory()
        job, out, first = _timed(lambda: module.prepare(spec, case))
        verdict = _verdict(spec, case, job, out)
        found = {"error": verdict.final, "error_of_means": verdict.frames, "allowed": verdict.allowed}
        found = {key: _finite(value) for key, value in found.items()}
        del out
        if not verdict.right:
            return {"status": "wrong answer", **found}
        begin = time.perf_counter()
        job.once()
        second = time.perf_counter() - begin
        self.jobs[number] = job, max(1, math.ceil(SHORTEST / second))
        return {"status": "right", "first": first, "second": second, "memory": _memory() - before, **found}


def _timed(prepare):
    job = prepare()
    begin = time.perf_counter()
    out = job.once()
    return job, out, time.perf_counter() - begin


def _verdict(spec, case, job, out):
    if job.verdict is not None:
        return job.verdict(out)
    return reference.judge(case, spec, *job.unpack(out), exact=job.exact, allowed=job.allowed)


def _finite(value):
    """JSON has no infinity and no NaN."""
    return None if value is None or not math.isfinite(value) else float(value)


def _memory() -> int:
    """The most bytes this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _words(error: BaseException) -> str:
    """The first line of what went wrong, short."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:160] if lines else ''}"
