"""The baselines by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from noisette.data.dataset import Dataset
from noisette.floor import chain, layers, lots, nearest, trees
from noisette.progress import Progress


class Draw(Protocol):
    """Draws without a network; the same arguments give the same images."""

    def __call__(
        self, train: Dataset, codes: NDArray[np.int16], seed: int, progress: Progress = ...
    ) -> NDArray[np.uint8]: ...


def _always(train: Dataset) -> None:
    """What needs nothing of the data."""


@dataclass(frozen=True)
class Baseline:
    """What draws without a network.

    Attributes:
        summary: What it does, in a few words.
        draw: Does it.
        conditional: Whether it goes by requests; else it is for where nothing is requested.
        why_not: Why it cannot be had of some training images; None if it can.
        version: Raised when it draws other images: those that were kept are then drawn again.
        brief: Whether a request may leave attributes open.
    """

    summary: str
    draw: Draw
    conditional: bool
    why_not: Callable[[Dataset], str | None] = _always
    version: int = 1
    brief: bool = False


BASELINES = {
    "nearest": Baseline(
        "the training image nearest by attributes; of several, one by lot", nearest.nearest, True, brief=True
    ),
    "trees": Baseline("a decision tree for each pixel, over attribute values", trees.trees, True, trees.why_not),
    "layers": Baseline("which pixels each value owns, counted and composed", layers.layered, True, layers.why_not),
    "resampled": Baseline("training images by lot", lots.resampled, False),
    "marginal": Baseline(
        "each pixel by itself, from its own distribution in the training images", lots.marginal, False
    ),
    "chain": Baseline(
        "pixel after pixel, each by a decision tree over those before it", chain.chain, False, chain.why_not
    ),
}
"""In the order of tables."""


def left_out(train: Dataset, conditional: bool, brief: bool = False) -> dict[str, str]:
    """Say which baselines cannot be had, and why.

    Args:
        train: The training images.
        conditional: Whether anything is requested of the model beside them.
        brief: Whether requests leave attributes open.

    Returns:
        Reasons by name.
    """
    other = "it takes requests" if conditional else "nothing is requested"

    def why_not(baseline: Baseline) -> str | None:
        if baseline.conditional != conditional:
            return other
        if brief and not baseline.brief:
            return "its requests are whole, and these leave attributes open"
        return baseline.why_not(train)

    reasons = {name: why_not(baseline) for name, baseline in BASELINES.items()}
    return {name: reason for name, reason in reasons.items() if reason}
