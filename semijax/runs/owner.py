"""One writer to a directory: a lock that the system drops when its holder dies, and a record of who holds it."""

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from semijax._types import SemijaxError
from semijax.io.atomic import replacing

LOCK, RECORD = ".lock", "owner.json"


class InUse(SemijaxError):
    """Another process writes to the directory."""


@contextmanager
def owned(directory: Path) -> Iterator[None]:
    """The directory, made if need be, as this process's own; raises InUse, naming the other, where it is another's."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InUse(f"{directory}: in use by {described(owner(directory))}: allowed is one run at a time") from None
    try:
        with replacing(directory / RECORD) as path:
            path.write_text(json.dumps(_self(), indent=1), encoding="utf-8")
        yield
    finally:
        (directory / RECORD).unlink(missing_ok=True)
        lock.release()


def owner(directory: Path) -> dict[str, Any] | None:
    """Who holds the directory, or held it when it died; None where nobody has said so."""
    try:
        found = json.loads((directory / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def busy(directory: Path) -> bool:
    """Whether a process holds it now."""
    if not (directory / LOCK).exists():
        return False
    lock = FileLock(directory / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def described(record: dict[str, Any] | None) -> str:
    """`process 123 on host, since ...`."""
    if record is None:
        return "another process"
    return f"process {record.get('process')} on {record.get('host')}, since {record.get('since')}"


def _self() -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"process": os.getpid(), "host": platform.node(), "since": now, "program": Path(sys.argv[0]).name}
