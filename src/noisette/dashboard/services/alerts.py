"""What goes wrong in a training, told by its status and its losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.dashboard.services.translation import Message
from noisette.training.smoothing import lowest_before_rise

_LOST = 10.0  # seconds without a word from a training whose process is not there
_STALLED = 120.0  # seconds without a word from a training that says it runs
_MANY = 400  # steps, to tell that a loss no longer falls


def alerts(
    status: Mapping[str, Any],
    now: float,
    *,
    alive: bool = True,
    losses: NDArray[np.float64] | None = None,
    held_out: Sequence[tuple[int, float]] = (),
) -> list[Message]:
    """What is wrong with a training.

    Args:
        status: As the training writes it.
        now: Seconds since the epoch.
        alive: Whether its process is there.
        losses: (N,), one a step.
        held_out: Steps, and the loss of validation images after each.
    """
    found = []
    running = status.get("state") == "running"
    if status.get("state") == "failed":
        found.append(Message("The training failed; `noisette resume` goes on from the last checkpoint."))
    if skipped := status.get("skipped"):
        found.append(
            Message(
                "{skipped} steps had a loss that was not finite, and were left out; a lower learning rate may help.",
                {"skipped": skipped},
            )
        )
    updated = status.get("updated")
    silent = now - updated if isinstance(updated, int | float) else 0.0
    if running and not alive and silent > _LOST:
        found.append(
            Message(
                "The process of the training is gone; it was killed. Resume it under Train, or with `noisette resume`."
            )
        )
    elif running and silent > _STALLED:
        found.append(Message("Nothing was heard of the training for {minutes:.0f} minutes.", {"minutes": silent / 60}))
    if running and losses is not None and _no_longer_falls(losses):
        found.append(
            Message(
                "The loss has not fallen in the last half of its steps; a lower learning rate may help, or it is as"
                " good as it gets."
            )
        )
    if (place := lowest_before_rise([loss for _, loss in held_out])) is not None:
        found.append(
            Message(
                "The loss of validation images was lowest at step {step:,} and has risen since: it learns its images by"
                " heart. Train for less, or on more images.",
                {"step": held_out[place][0]},
            )
        )
    return found


def _no_longer_falls(losses: NDArray[np.float64]) -> bool:
    """Whether the last quarter is no lower than the one before it, by their medians."""
    finite = losses[np.isfinite(losses)]
    if len(finite) < _MANY:
        return False
    quarter = len(finite) // 4
    return bool(np.median(finite[-quarter:]) >= np.median(finite[-2 * quarter : -quarter]))
