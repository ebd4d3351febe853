"""The log of a run: what happened when, as lines of JSON, and the same to read."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LINES, TEXT = "log.jsonl", "log.txt"


class Log:
    """Appends to both files; each line is there as soon as it is said."""

    def __init__(self, directory: Path):
        self.directory = directory

    def say(self, event: str, **facts: Any) -> None:
        """One line."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        words = ", ".join(f"{key} {value}" for key, value in facts.items())
        for name, line in (
            (LINES, json.dumps({"time": now, "event": event, **facts}, default=str)),
            (TEXT, f"{now} {event}{': ' if words else ''}{words}"),
        ):
            with (self.directory / name).open("a", encoding="utf-8") as file:
                file.write(line + "\n")


def events(directory: Path) -> list[dict[str, Any]]:
    """What was said; a line that was not written to its end is left out."""
    path, found = directory / LINES, []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found
