"""Running averages of figures that jump from step to step."""

from __future__ import annotations

import math


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
