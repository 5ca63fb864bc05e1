"""Leaving on request: SIGTERM, a closed terminal and Ctrl-C end a training with everything saved."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from noisette.signals import Terminated, handled


class StopRequest:
    """Whether a training is to stop.

    Attributes:
        requested: Whether someone asked for it.
        interrupted: Whether that was by Ctrl-C.
        patient: Whether the training looks at `requested` at short intervals, so that a step can be finished and saved;
            as long as it does not, the first signal interrupts it at once.
    """

    def __init__(self) -> None:
        self.requested = False
        self.interrupted = False
        self.patient = False

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Take a signal as a request; raises KeyboardInterrupt where it cannot wait, and at a second Ctrl-C."""
        again = number == signal.SIGINT and self.interrupted
        self.requested = True
        self.interrupted |= number == signal.SIGINT
        if again or not self.patient:
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn SIGTERM, SIGHUP (a closed terminal) and Ctrl-C into a request to stop.

    Outside the main thread, where Python allows no handlers, nothing is caught.

    Yields:
        To be looked at between two steps, of the training and of a sampler.
    """
    request = StopRequest()
    with handled(request.on_signal, ("SIGTERM", "SIGINT", "SIGHUP")):
        yield request
