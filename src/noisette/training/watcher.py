"""What a training tells whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Moment:
    """Where a training stands after a step."""

    step: int
    epoch: int
    loss: float  # smoothed
    images_per_second: float
    progress: float  # share done, 0 to 1
    elapsed: float  # seconds
    remaining: float  # seconds, estimated


class Watcher(Protocol):
    """Called from the training's own thread; must return quickly."""

    def step(self, moment: Moment) -> None:
        """After each step."""

    def note(self, text: str) -> None:
        """Something a person should know, in one line."""

    def samples(self, epoch: int, path: Path) -> None:
        """A grid of samples was written."""


class Nobody:
    """A watcher that does not look."""

    def step(self, moment: Moment) -> None: ...

    def note(self, text: str) -> None: ...

    def samples(self, epoch: int, path: Path) -> None: ...
