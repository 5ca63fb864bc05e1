"""How long a training lasts, and how the learning rate stretches over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from noisette.config.sections import TrainingConfig, duration, seconds


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
            0 to 1; 0 before the first step, so that the shortest time is enough for one.
        """
        if step == 0:
            return 0.0
        if self.steps is not None:
            return min(1.0, step / self.steps)
        assert self.seconds is not None
        return min(1.0, elapsed / self.seconds)


def prolonged(
    training: TrainingConfig,
    *,
    step: int,
    elapsed: float,
    steps_per_epoch: int,
    budget: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
) -> TrainingConfig:
    """A training that lasts so much longer than it has by now; exactly one of budget, epochs and steps is given.

    Its length is written as if it had been planned so from the beginning, and the learning rate follows: under cosine
    it goes on where a training of the whole length would be by now, and falls to 0 at the new end.

    Args:
        training: As it was.
        step: Steps that it took.
        elapsed: Seconds that it trained.
        steps_per_epoch: Of its data.
        budget: Wall-clock time such as "10m", from now on.
        epochs: Passes over the train split, from now on.
        steps: Optimiser steps, from now on.

    Returns:
        The same with another length.

    Examples:
        >>> prolonged(TrainingConfig(epochs=2), step=20, elapsed=3.0, steps_per_epoch=10, steps=5).steps
        25
    """
    length: dict[str, object] = {"budget": None, "epochs": None, "steps": None}
    if budget is not None:
        length["budget"] = duration(elapsed + seconds(budget))
    else:
        length["steps"] = step + (steps if steps is not None else (epochs or 0) * steps_per_epoch)
    return training.model_copy(update=length)


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
