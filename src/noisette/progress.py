"""How long work tells how far it is, and times as a person reads them."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with what is done so far and what there is: bytes of a download, steps of a sampler."""


def silent(done: int, total: int) -> None:
    """A `Progress` that shows nothing."""


def clock(seconds: float) -> str:
    """H:MM:SS, or M:SS of less than an hour."""
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
