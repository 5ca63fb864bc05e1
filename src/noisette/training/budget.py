"""How long a training lasts, and how the learning rate stretches over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Budget:
    """The length of a training, in steps or in wall clock; exactly one is given.

    Attributes:
        steps: Steps of the optimiser.
        seconds: Seconds of wall clock.
    """

    steps: int | None = None
    seconds: float | None = None

    def progress(self, step: int, elapsed: float) -> float:
        """The share of the budget that is spent.

        Args:
            step: Steps taken.
            elapsed: Seconds trained.

        Returns:
            0 to 1.
        """
        if self.steps is not None:
            return min(1.0, step / self.steps)
        assert self.seconds is not None
        return min(1.0, elapsed / self.seconds)


def learning_rate(
    peak: float, step: int, progress: float, *, warmup: int, decay: Literal["cosine", "constant"]
) -> float:
    """The learning rate of a step: a linear warm-up, then constant or half a cosine (Loshchilov and Hutter 2017).

    Args:
        peak: The highest.
        step: Number of the step, from 0.
        progress: Share of the budget that is spent, 0 to 1.
        warmup: Steps of the warm-up.
        decay: cosine falls to 0 at the end of the budget.

    Returns:
        0 to `peak`.
    """
    rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
    fall = (1 + math.cos(math.pi * progress)) / 2 if decay == "cosine" else 1.0
    return peak * rise * fall
