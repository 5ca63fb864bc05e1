"""What figures say that jump from step to step: running averages, and whether a loss rises."""

from __future__ import annotations

import math
from collections.abc import Sequence

_RISEN = 1.05
"""Times its lowest value, from which on a loss has risen: less is chance."""
_IN_A_ROW = 3


def lowest_before_rise(values: Sequence[float]) -> int | None:
    """Find where a loss was lowest, if it has risen since.

    Args:
        values: Of the loss of images that are not trained on, in turn.

    Returns:
        The place of the lowest; None unless the last `_IN_A_ROW` are all above it by a twentieth.
    """
    if len(values) <= _IN_A_ROW:
        return None
    lowest = min(range(len(values)), key=values.__getitem__)
    return lowest if min(values[-_IN_A_ROW:]) > _RISEN * values[lowest] else None


class RunningAverage:
    """An exponential moving average without bias towards 0 (Kingma and Ba 2015, section 3): its first value is the
    first that it was given. What is not finite is passed over.
    """

    def __init__(self, decay: float) -> None:
        """Begin with nothing.

        Args:
            decay: Weight of the past, 0 to 1; the average is over about 1 / (1 - decay) values.
        """
        self.decay, self.value, self.count = decay, 0.0, 0
        self._weight = 0.0

    def add(self, value: float) -> None:
        """Take a value in; `count` is how many were."""
        if math.isfinite(value):
            self.count += 1
            self._weight = self.decay * self._weight + 1
            self.value += (value - self.value) / self._weight
