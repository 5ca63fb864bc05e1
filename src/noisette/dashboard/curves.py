"""The curves of a run, read on from where the last reading ended."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

Axis = Literal["step", "images", "minutes"]

_POINTS = 1000
"""Of a line on the screen."""


@dataclass(frozen=True)
class Curve:
    """steps, minutes since the first, and values: (N,) each, in the order of the training."""

    steps: NDArray[np.float64]
    minutes: NDArray[np.float64]
    values: NDArray[np.float64]

    def along(self, axis: Axis, batch: int) -> NDArray[np.float64]:
        """(N,) where each value stands; batch: images in a step."""
        return self.minutes if axis == "minutes" else self.steps * (batch if axis == "images" else 1)


class Reader:
    """Reads the events of one run; shared by sessions."""

    def __init__(self, metrics: Path) -> None:
        logging.getLogger("tensorboard").setLevel(logging.ERROR)  # that a resumed training was purged is no news
        self._events = EventAccumulator(str(metrics), size_guidance={SCALARS: 0})
        self._lock = threading.Lock()

    def read(self) -> dict[str, Curve]:
        """All curves by name, with what was written since the last time; none of a run that has written nothing."""
        with self._lock:
            try:
                self._events.Reload()
            except Exception:  # whatever a folder that is deleted or half written makes it raise
                return {}
            return {tag: self._curve(tag) for tag in self._events.Tags()["scalars"]}

    def _curve(self, tag: str) -> Curve:
        events = self._events.Scalars(tag)
        table = np.array([(event.step, event.wall_time, event.value) for event in events], dtype=np.float64).reshape(-1, 3)
        return Curve(table[:, 0], (table[:, 1] - table[:1, 1]) / 60, table[:, 2])


def smoothed(values: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """The running mean of TensorBoard: each is `weight` of the one before and the rest of its own, without the bias of the start.

    What is not finite is passed over, and stays as it is.
    """
    if not weight:
        return values
    found, mean, seen = np.array(values), 0.0, 0.0
    for place in np.flatnonzero(np.isfinite(values)):
        mean = weight * mean + (1 - weight) * values[place]
        seen = weight * seen + (1 - weight)
        found[place] = mean / seen
    return found


def thinned(count: int) -> NDArray[np.intp]:
    """Which of so many points are drawn: all, or evenly spaced ones, the first and last among them."""
    return np.unique(np.linspace(0, max(0, count - 1), min(count, _POINTS)).astype(np.intp))
