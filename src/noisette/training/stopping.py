"""Leaving on request: SIGTERM, a closed terminal and Ctrl-C let the step finish and everything be saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether the training is to stop.

    Attributes:
        requested: Whether someone asked for it.
        interrupted: Whether that was by Ctrl-C.
    """

    def __init__(self) -> None:
        self.requested = False
        self.interrupted = False


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn the first SIGTERM, SIGHUP (a closed terminal) or Ctrl-C into a request; a second Ctrl-C interrupts at once.

    Outside the main thread, where Python allows no handlers, nothing is caught.

    Yields:
        To be looked at between two steps.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            if request.interrupted:
                raise KeyboardInterrupt
            request.interrupted = True
        request.requested = True

    numbers = [
        getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
    ]  # Windows has no SIGHUP
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]  # nohup means it
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
