"""Drawing for many people at once: one drawing at a time, in order, each to be watched and cancelled."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from noisette.errors import NoisetteError

Report = Callable[[NDArray[np.uint8] | None, float], None]
"""Called by the work with a preview of the images, (N, C, H, W), or None, and the share that is done; raises Cancelled.
"""

Work = Callable[[Report], Any]

_LOOK = 0.25  # seconds after which someone who waits looks up, though nothing changed


class Cancelled(Exception):
    """Nobody wants the drawing any more."""


class Busy(NoisetteError):
    """The queue is full."""


@dataclass(frozen=True)
class DrawState:
    """How far a drawing is.

    Args:
        before: How many drawings come before it.
        share: What is done of it, 0 to 1.
        preview: (N, C, H, W), the images so far; None before the first.
    """

    before: int
    share: float
    preview: NDArray[np.uint8] | None


class QueueEntry:
    """A drawing in the queue."""

    def __init__(self, work: Work, queue: DrawQueue) -> None:
        self._work, self._queue = work, queue
        self._share, self._news = 0.0, 0
        self._preview: NDArray[np.uint8] | None = None
        self._cancelled = self._done = False
        self._result: Any = None
        self._error: Exception | None = None

    def states(self) -> Iterator[DrawState]:
        """The state whenever it changes, and now and then besides, until the drawing is done."""
        seen = -1
        while True:
            with self._queue.changed:
                if not self._done and seen == self._news:
                    self._queue.changed.wait(_LOOK)
                if self._done:
                    return
                seen = self._news
                state = DrawState(self._queue.before(self), self._share, self._preview)
            yield state

    def result(self) -> Any:
        """What the work returned, once `states` has ended.

        Raises:
            Exception: What the work raised; Cancelled where it was cancelled at one of its steps.
        """
        if self._error is not None:
            raise self._error
        return self._result

    def cancel(self) -> None:
        """End the drawing at its next step, or never start it."""
        with self._queue.changed:
            self._cancelled = True
            self._queue.withdraw(self)

    def run(self) -> None:
        """Do the work; nothing that goes wrong in it may end the thread of the queue."""
        result: Any = None
        error: Exception | None = None
        try:
            if not self._cancelled:
                result = self._work(self._report)
        except Exception as raised:
            short = _lacks_memory(raised)
            error = NoisetteError("there is not enough memory for this; ask for fewer images") if short else raised
        with self._queue.changed:
            self._result, self._error, self._done = result, error, True

    def _report(self, preview: NDArray[np.uint8] | None, share: float) -> None:
        with self._queue.changed:
            if self._cancelled:
                raise Cancelled
            self._preview, self._share, self._news = preview, share, self._news + 1
            self._queue.changed.notify_all()


class DrawQueue:
    """A thread that draws one entry after the other: two at once would only slow each other."""

    def __init__(self, slots: int = 32) -> None:
        """Start the thread.

        Args:
            slots: How many drawings there may be, with the one in work.
        """
        self.changed = threading.Condition()
        self._slots = slots
        self._entries: deque[QueueEntry] = deque()
        threading.Thread(target=self._draw_all, daemon=True, name="draw-queue").start()

    def add(self, work: Work) -> QueueEntry:
        """Put a drawing at the end of the queue.

        Raises:
            Busy: No slot is free.
        """
        with self.changed:
            if len(self._entries) >= self._slots:
                raise Busy(f"{len(self._entries)} drawings are waiting already; try again in a moment")
            entry = QueueEntry(work, self)
            self._entries.append(entry)
            self.changed.notify_all()
            return entry

    def before(self, entry: QueueEntry) -> int:
        """How many come before an entry; `changed` must be held."""
        return self._entries.index(entry) if entry in self._entries else 0

    def withdraw(self, entry: QueueEntry) -> None:
        """Take an entry out unless it is in work; `changed` must be held."""
        if entry in self._entries and self._entries[0] is not entry:
            self._entries.remove(entry)
            self.changed.notify_all()

    def _draw_all(self) -> None:
        # One core for the browser and the server: on two cores a drawing that takes both waits for them at every step.
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))
        while True:
            with self.changed:
                while not self._entries:
                    self.changed.wait()
                entry = self._entries[0]
            entry.run()
            with self.changed:
                self._entries.popleft()
                self.changed.notify_all()


def _lacks_memory(error: Exception) -> bool:
    """PyTorch has no error of its own for it."""
    told = str(error)
    return isinstance(error, MemoryError) or "not enough memory" in told or "can't allocate" in told
