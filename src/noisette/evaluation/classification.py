"""The classification accuracy score: a classifier that learns from drawn images alone is tested on real ones (Ravuri and Vinyals 2019)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from noisette.data.dataset import Dataset
from noisette.evaluation.judge import FEWEST_IMAGES, fit_judge
from noisette.evaluation.obedience import obedience

FEWEST = 2 * FEWEST_IMAGES
"""Images that it takes."""

_STEPS = 240


@dataclass(frozen=True)
class Classification:
    """recall: share of the values of real images that the classifier reads in them. exact: share of real images of which it reads all."""

    images: int
    recall: float
    exact: float


def classification(images: NDArray[np.uint8], real: Dataset) -> Classification:
    """Train on `images`, (N, C, H, W), of every other request of `real`, test on the real images of the rest, and the other way round.

    Neither the requests nor the real images of a test were in its training. With real.images it is the same score of real
    images: the one to compare with, for so few images are far too few for the classifier's best.
    """
    seen = np.empty_like(real.attributes)
    for learnt in (0, 1):
        half, rest = np.arange(learnt, len(images), 2), np.arange(1 - learnt, len(images), 2)
        lesson = replace(real, images=images).take(half)
        epochs = max(1, round(_STEPS / (len(half) // FEWEST_IMAGES)))
        seen[rest] = fit_judge(lesson, epochs=epochs).read(real.images[rest])
    found = asdict(obedience(real.attributes, seen, real.schema))
    return Classification(len(images), found["recall"], found["exact"])
