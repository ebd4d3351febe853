"""How far a run is: a bar in a terminal, plain lines elsewhere; carrier-steps per second and the time left."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

_SECONDS_BETWEEN_LINES = 5.0


@contextlib.contextmanager
def stage(console: Console, title: str, carrier_steps: float) -> Iterator[Callable[[int, int], None]]:
    """A callable (frames done, frames in all) that shows one stage of `carrier_steps` in all."""
    clock = _Clock(carrier_steps)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[pace]}"))
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(title, pace="compiling")
            yield lambda done, total: bar.update(task, completed=done, total=total, pace=clock.pace(done, total))
        return
    console.print(f"{title}: started", highlight=False, markup=False, soft_wrap=True)
    yield _lines(console, title, clock)


@contextlib.contextmanager
def descent(console: Console, title: str, steps: int) -> Iterator[Callable[[int, int, float], None]]:
    """A callable (steps done, steps at most, loss) that shows one fit."""
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(title, total=steps, told="compiling")
            yield lambda done, total, loss: bar.update(task, completed=done, told=f"{done} steps, loss {loss:.6g}")
        return
    last = -_SECONDS_BETWEEN_LINES

    def report(done: int, total: int, loss: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            console.print(f"{title}: {done} steps, loss {loss:.6g}", highlight=False, markup=False, soft_wrap=True)

    yield report


class _Clock:
    """The pace since the first report of a stage: the time before it went into compiling."""

    def __init__(self, carrier_steps: float):
        self.carrier_steps, self.first = carrier_steps, None

    def pace(self, done: int, total: int) -> str:
        now = time.monotonic()
        self.first = self.first or (done, now)
        frames, since = self.first
        if done == frames:
            return "compiled"
        rate = (done - frames) / max(now - since, 1e-9)
        left = "done" if done == total else f"{_duration((total - done) / rate)} left"
        return f"{self.carrier_steps * rate / total / 1e6:.3g} million carrier-steps/s, {left}"


def _lines(console: Console, title: str, clock: _Clock) -> Callable[[int, int], None]:
    last = -_SECONDS_BETWEEN_LINES

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done < total and now - last < _SECONDS_BETWEEN_LINES:
            return
        last = now
        console.print(f"{title}: {done}/{total} frames, {clock.pace(done, total)}", highlight=False, markup=False, soft_wrap=True)

    return report


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
