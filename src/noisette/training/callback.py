"""What a training tells whoever follows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class StepInfo:
    """Where a training stands after a step.

    Attributes:
        step: Steps taken so far, from 1.
        epoch: The epoch that the step belongs to, from 1.
        loss: Running average over the last steps.
        validation_loss: Of images that are not trained on, at the last grid of samples; None before the first.
        images_per_second: Running average over the last steps.
        progress: Share of the budget that is spent, 0 to 1.
        elapsed: Seconds of training, over all processes that went on with it in turn.
        remaining: Seconds left, estimated; infinite as long as nothing is known.
    """

    step: int
    epoch: int
    loss: float
    validation_loss: float | None
    images_per_second: float
    progress: float
    elapsed: float
    remaining: float


class Callback(Protocol):
    """Follows a training. Called from the training's own thread, so each method must return quickly."""

    def on_step(self, info: StepInfo) -> None:
        """Called after each step.

        Args:
            info: Where the training stands.
        """

    def on_note(self, text: str) -> None:
        """Called with something that a person should know.

        Args:
            text: One line.
        """

    def on_samples(self, epoch: int, path: Path) -> None:
        """Called when a grid of samples was written.

        Args:
            epoch: From 1.
            path: Of the grid, a PNG.
        """


class NullCallback:
    """A callback that does nothing; also a base for callbacks that need only some of the methods."""

    def on_step(self, info: StepInfo) -> None:
        """Do nothing.

        Args:
            info: Where the training stands.
        """

    def on_note(self, text: str) -> None:
        """Do nothing.

        Args:
            text: One line.
        """

    def on_samples(self, epoch: int, path: Path) -> None:
        """Do nothing.

        Args:
            epoch: From 1.
            path: Of the grid, a PNG.
        """
