"""Worker processes: one for each peer, number of cores, device and flags, kept alive and asked in turn."""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .spec import Spec

# The cores are chosen before anything is imported: threads of any library then stay on them.
_START = (
    "import os, sys; cores = sorted(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else []; "
    "cores and os.sched_setaffinity(0, cores[: {cores}]); sys.path.insert(0, {root!r}); "
    "from semijax import suite; suite.load(); from semijax_benchmarks import worker; worker.main()"
)
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


class Worker:
    """One process; `ask` sends a request and waits for its answer at most `limit` seconds."""

    def __init__(self, spec: Spec, log):
        import semijax

        root = str(Path(semijax.__file__).parents[1])
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START.format(cores=spec.cores, root=root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment(spec),
            bufsize=0,
        )
        self.rest = b""

    def ask(self, limit: float, **request) -> dict[str, Any]:
        """The answer; a process that dies or takes too long is given up and says so."""
        if self.process.poll() is not None:
            return {"status": "failed", "note": "its process has ended"}
        assert self.process.stdin is not None
        try:
            self.process.stdin.write((json.dumps(request) + "\n").encode())
        except BrokenPipeError:
            return {"status": "failed", "note": "its process has ended"}
        line = self._line(time.monotonic() + limit)
        if line is not None:
            return json.loads(line)
        code = self.process.poll()
        self.close()
        return (
            {"status": "too slow", "note": f"more than {limit:.0f} s"}
            if code is None
            else {"status": "failed", "note": f"exit {code}"}
        )

    def _line(self, deadline: float) -> bytes | None:
        assert self.process.stdout is not None
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            piece = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            if not piece:
                if ready:
                    self.process.wait(timeout=10)
                return None
            self.rest += piece
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def close(self) -> None:
        """Ends the process."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def environment(spec: Spec) -> dict[str, str]:
    """What the process sees: threads, flags of XLA, and the device."""
    env = {key: value for key, value in os.environ.items() if key not in ("XLA_FLAGS", "JAX_PLATFORMS", "JAX_ENABLE_X64")}
    env |= {name: str(spec.cores) for name in _THREADS}
    env |= {
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
        "KMP_BLOCKTIME": "0",
    }  # idle threads must not take the others' cores
    env |= {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "PYTHONWARNINGS": "ignore"}
    if spec.flags:
        env["XLA_FLAGS"] = spec.flags
    if spec.device == "cpu":
        env["JAX_PLATFORMS"] = "cpu"
    return env


class Pool:
    """Workers by what tells them apart; `with Pool() as pool` ends them all."""

    def __init__(self):
        self.workers: dict[tuple, Worker] = {}
        self.log = None

    def __enter__(self):
        self.log = open(os.devnull, "w")
        return self

    def __exit__(self, *_):
        for worker in self.workers.values():
            worker.close()
        self.log.close()

    def of(self, spec: Spec) -> Worker:
        """The worker of an entry, started where there is none or where it has ended."""
        worker = self.workers.get(spec.worker)
        if worker is None or worker.process.poll() is not None:
            worker = self.workers[spec.worker] = Worker(spec, self.log)
        return worker
