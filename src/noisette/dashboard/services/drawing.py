"""What the dashboard draws: a plan with its images, and drawing it while somebody watches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noisette.dashboard.services.draw_queue import Report
from noisette.files.images import as_png, sheet
from noisette.inference.generator import BATCH, Generator, batches
from noisette.inference.plan import Plan


@dataclass(frozen=True)
class Picture:
    """The images of a plan.

    Attributes:
        request: What was asked for, as a person writes it.
        plan: That was drawn.
        recorded: The same, with what drew it: what its files carry.
        images: (N, C, H, W) bytes.
        recognised: (N, A), the codes that the attribute classifier sees; None where there is no classifier.
        seconds: How long it took.
    """

    request: str
    plan: Plan
    recorded: Plan
    images: NDArray[np.uint8]
    recognised: NDArray[np.int16] | None
    seconds: float

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of an image in pixels."""
        height, width = self.images.shape[2:]
        return height, width

    @property
    def png(self) -> bytes:
        """The file that `noisette generate` writes for the same request."""
        placed = self.recorded.placed(self.size)
        return as_png(sheet(self.images, columns=placed.columns, scale=placed.scale or 1), placed.metadata())

    def png_of(self, place: int, scale: int) -> bytes:
        """A file with one of its images, enlarged by a whole factor."""
        alone = self.recorded.alone(place).placed(self.size, 1, scale)
        return as_png(sheet(self.images[place][None], scale=scale), alone.metadata())

    def stem(self, seed: int | None = None) -> str:
        """What a file with the picture, or with the image of one seed, is called, but for its ending."""
        around = "" if self.plan.start.around is None else f"-near-{self.plan.start.around}"
        return f"{Path(self.plan.run).name}{around}-seed-{self.plan.seeds[0] if seed is None else seed}"


def draw_watched(generator: Generator, plan: Plan, report: Report) -> NDArray[np.uint8]:
    """The images of a plan, with previews of them while they become clear.

    Args:
        generator: Whose plan it is.
        plan: What is drawn.
        report: Called after each step of each batch.

    Returns:
        (N, C, H, W) bytes.

    Raises:
        RequestError: The model cannot draw it.
        Cancelled: By `report`.
    """
    so_far = np.zeros((len(plan.seeds), *generator.model.drawn_shape), np.uint8)
    steps, taken = plan.sampling.steps, 0
    total = steps * batches(len(plan.seeds))

    def preview(xt: NDArray[np.uint8], x0: NDArray[np.uint8], number: int) -> None:
        nonlocal taken
        start = taken // steps * BATCH
        so_far[start : start + len(x0)] = x0
        taken += 1
        report(so_far.copy(), taken / total)

    report(None, 0.0)
    return generator.draw(plan, preview=preview)
