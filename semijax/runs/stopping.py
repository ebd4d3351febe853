"""Stopping a run so that it can go on: on SIGTERM and SIGINT, and when its time is up."""

import signal
import threading
import time
from types import TracebackType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(Exception):
    """A run that was asked to stop; its checkpoint is written."""


class Stop:
    """Whether a run should stop. As a context: signals ask for it, once; a second one is what it always was.

    longest: seconds from now on; None: no end.
    """

    def __init__(self, longest: float | None = None):
        self.until = None if longest is None else time.monotonic() + longest
        self.signal: int | None = None
        self._before: dict[int, object] = {}

    @property
    def asked(self) -> bool:
        """Whether it should."""
        return self.signal is not None or (self.until is not None and time.monotonic() >= self.until)

    @property
    def reason(self) -> str:
        """Why."""
        return "its time is up" if self.signal is None else signal.Signals(self.signal).name

    def __enter__(self) -> "Stop":
        if threading.current_thread() is threading.main_thread():  # elsewhere Python has no handlers
            self._before = {number: signal.signal(number, self._heard) for number in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._restore()

    def _heard(self, number: int, frame: object) -> None:
        self.signal = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]
        self._before = {}
