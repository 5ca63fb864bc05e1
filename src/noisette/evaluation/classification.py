"""The classification accuracy score: a classifier that learns from drawn images alone is tested on real ones (Ravuri
and Vinyals 2019).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import UNKNOWN
from noisette.data.dataset import Dataset
from noisette.evaluation.judge import FEWEST_IMAGES, fit_judge
from noisette.evaluation.obedience import obedience

FEWEST = 2 * FEWEST_IMAGES
"""Images that it takes."""

_STEPS = 120


@dataclass(frozen=True)
class Classification:
    """score: the harmonic mean of recall and precision of the values that the classifier reads in real images; of a
    single choice, such as a digit, that is its accuracy. exact: share of real images of which it reads all.
    """

    images: int
    score: float
    exact: float


def classification(images: NDArray[np.uint8], real: Dataset, hidden: NDArray[np.bool_]) -> Classification:
    """Train on `images`, (N, C, H, W), of every other request of `real`, test on the real images of the rest, and the
    other way round.

    Neither the requests nor the real images of a test were in its training. With real.images it is the same score of
    real images: the one to compare with, for so few images are far too few for the classifier's best. hidden: the
    attributes that the real images do not show, (N, A), which are neither learnt nor tested.
    """
    seen = np.empty_like(real.attributes)
    for learnt in (0, 1):
        half, rest = np.arange(learnt, len(images), 2), np.arange(1 - learnt, len(images), 2)
        lesson = replace(real, images=images).take(half)
        epochs = max(1, round(_STEPS / (len(half) // FEWEST_IMAGES)))
        seen[rest] = fit_judge(lesson, epochs=epochs, hidden=hidden[half]).read(real.images[rest])
    found = obedience(np.where(hidden, np.int16(UNKNOWN), real.attributes), seen, real.schema)
    recall, precision = found.recall or 0.0, found.precision or 0.0
    return Classification(
        len(images), 2 * recall * precision / (recall + precision) if recall + precision else 0.0, found.exact
    )
