"""Drawing for many people at once: one drawing at a time, in the order in which they were asked for, each to be watched
and cancelled.
"""

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
"""Called by the work with the images as they are, (N, C, H, W), or None, and the share that is done; raises Cancelled.
"""

Work = Callable[[Report], Any]

_LOOK = 0.25  # seconds after which someone who waits looks up, though nothing changed


class Cancelled(Exception):
    """Nobody wants it any more."""


class Busy(NoisetteError):
    """Too many are waiting already."""


@dataclass(frozen=True)
class Moment:
    """How a drawing stands. before: those that come before it. share: done, 0 to 1. preview: the images as they are."""

    before: int
    share: float
    preview: NDArray[np.uint8] | None


class Drawing:
    """Something that was asked for."""

    def __init__(self, work: Work, easel: Easel) -> None:
        self._work, self._easel = work, easel
        self._share, self._news = 0.0, 0
        self._preview: NDArray[np.uint8] | None = None
        self._cancelled = self._done = False
        self._result: Any = None
        self._error: Exception | None = None

    def moments(self) -> Iterator[Moment]:
        """Whenever something changes, and now and then besides, until it is done."""
        seen = -1
        while True:
            with self._easel.changed:
                if not self._done and seen == self._news:
                    self._easel.changed.wait(_LOOK)
                if self._done:
                    return
                seen = self._news
                moment = Moment(self._easel.before(self), self._share, self._preview)
            yield moment

    def result(self) -> Any:
        """What the work made, once `moments` ended. Raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result

    def cancel(self) -> None:
        """It ends at its next step, or is never begun."""
        with self._easel.changed:
            self._cancelled = True
            self._easel.withdraw(self)

    def draw(self) -> None:
        """Do the work; nothing that goes wrong may end the easel."""
        result: Any = None
        error: Exception | None = None
        try:
            if not self._cancelled:
                result = self._work(self._report)
        except MemoryError:
            error = NoisetteError("there is not enough memory for this; ask for fewer images")
        except Exception as raised:
            short = "not enough memory" in str(raised) or "can't allocate" in str(
                raised
            )  # PyTorch has no error of its own for it
            error = NoisetteError("there is not enough memory for this; ask for fewer images") if short else raised
        with self._easel.changed:
            self._result, self._error, self._done = result, error, True

    def _report(self, preview: NDArray[np.uint8] | None, share: float) -> None:
        with self._easel.changed:
            if self._cancelled:
                raise Cancelled
            self._preview, self._share, self._news = preview, share, self._news + 1
            self._easel.changed.notify_all()


class Easel:
    """A thread that draws what is asked for, one after the other: two at once would only slow each other."""

    def __init__(self, room: int = 32) -> None:
        """room: how many drawings there may be, with the one in work."""
        self.changed = threading.Condition()
        self._room = room
        self._drawings: deque[Drawing] = deque()
        threading.Thread(target=self._work, daemon=True, name="easel").start()

    def ask(self, work: Work) -> Drawing:
        """Raises Busy if too many wait."""
        with self.changed:
            if len(self._drawings) >= self._room:
                raise Busy(f"{len(self._drawings)} drawings are waiting already; try again in a moment")
            drawing = Drawing(work, self)
            self._drawings.append(drawing)
            self.changed.notify_all()
            return drawing

    def before(self, drawing: Drawing) -> int:
        """How many come before it; to be asked with `changed` held."""
        return self._drawings.index(drawing) if drawing in self._drawings else 0

    def withdraw(self, drawing: Drawing) -> None:
        """Take it out unless it is in work; to be asked with `changed` held."""
        if drawing in self._drawings and self._drawings[0] is not drawing:
            self._drawings.remove(drawing)
            self.changed.notify_all()

    def _work(self) -> None:
        # One core for the browser and the server: on two cores a drawing that takes both waits for them at every step.
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))
        while True:
            with self.changed:
                while not self._drawings:
                    self.changed.wait()
                drawing = self._drawings[0]
            drawing.draw()
            with self.changed:
                self._drawings.popleft()
                self.changed.notify_all()
