"""How long a training lasts, and how the learning rate stretches over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Budget:
    """A length in steps or in seconds of wall clock; exactly one is given."""

    steps: int | None = None
    seconds: float | None = None

    def progress(self, step: int, elapsed: float) -> float:
        """The share that is done, 0 to 1, after `step` steps and `elapsed` seconds."""
        if self.steps is not None:
            return min(1.0, step / self.steps)
        assert self.seconds is not None
        return min(1.0, elapsed / self.seconds)


def learning_rate(
    peak: float, step: int, progress: float, *, warmup: int, decay: Literal["cosine", "constant"]
) -> float:
    """The rate of step `step`, counted from 0: rises over `warmup` steps, then stays or falls to 0 as half a cosine."""
    rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
    fall = (1 + math.cos(math.pi * progress)) / 2 if decay == "cosine" else 1.0
    return peak * rise * fall
