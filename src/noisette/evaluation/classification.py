"""The classification accuracy score: a classifier that learns from drawn images alone is tested on real ones.

Ravuri and Vinyals 2019, Classification Accuracy Score for Conditional Generative Models,
https://arxiv.org/abs/1905.10887.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import UNKNOWN
from noisette.data.dataset import Dataset
from noisette.evaluation.attribute_accuracy import attribute_accuracy
from noisette.evaluation.classifier_training import FEWEST_IMAGES, fit_classifier

FEWEST = 2 * FEWEST_IMAGES
"""Images that it takes."""

_STEPS = 120


@dataclass(frozen=True)
class Classification:
    """What a classifier that learned from drawn images reads in real ones.

    Attributes:
        images: How many were drawn.
        score: Harmonic mean of recall and precision of the values, 0 to 1; of a single choice, such as a digit, that
            is the accuracy.
        exact: Share of real images of which the classifier reads all attributes right, 0 to 1.
    """

    images: int
    score: float
    exact: float


def classification(images: NDArray[np.uint8], real: Dataset, occluded: NDArray[np.bool_]) -> Classification:
    """Train on the images of every other request, test on the real images of the rest, and the other way round.

    Neither the requests nor the real images of a test were in its training. With `real.images` it is the same score of
    real images: the one to compare with, for so few images are far too few for the classifier's best.

    Args:
        images: (N, C, H, W) drawn bytes, for the attributes of `real`.
        real: The N real images of the requests, in the same order.
        occluded: (N, A) attributes that the real images do not show, which are neither learnt nor tested.

    Returns:
        The figures.
    """
    seen = np.empty_like(real.attributes)
    for learnt in (0, 1):
        half, rest = np.arange(learnt, len(images), 2), np.arange(1 - learnt, len(images), 2)
        drawn = replace(real, images=images).take(half)
        epochs = max(1, round(_STEPS / (len(half) // FEWEST_IMAGES)))
        seen[rest] = fit_classifier(drawn, epochs=epochs, occluded=occluded[half]).read(real.images[rest])
    found = attribute_accuracy(np.where(occluded, np.int16(UNKNOWN), real.attributes), seen, real.schema)
    recall, precision = found.recall or 0.0, found.precision or 0.0
    return Classification(
        len(images), 2 * recall * precision / (recall + precision) if recall + precision else 0.0, found.exact
    )
