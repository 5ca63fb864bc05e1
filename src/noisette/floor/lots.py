"""Images by lot, for models that take no requests: real ones, and pixels that know nothing of each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from noisette.data.dataset import Dataset
from noisette.progress import Progress, silent
from noisette.seeds import BASELINE, random_of


def resampled(train: Dataset, codes: NDArray[np.int16], seed: int, progress: Progress = silent) -> NDArray[np.uint8]:
    """Draw training images by lot, each once as long as there are others.

    Args:
        train: The training images.
        codes: (N, A), only N counts.
        seed: Of the lot.
        progress: Told of the images.

    Returns:
        (N, C, H, W) bytes.
    """
    lot = random_of(seed, BASELINE)
    count, there = len(codes), len(train)
    rounds = [lot.permutation(there) for _ in range(-(-count // there))]
    progress(count, count)
    return train.images[np.concatenate(rounds)[:count]]


def marginal(train: Dataset, codes: NDArray[np.int16], seed: int, progress: Progress = silent) -> NDArray[np.uint8]:
    """Draw each pixel from its own distribution in the training images, whatever the others are.

    Args:
        train: The training images.
        codes: (N, A), only N counts.
        seed: Of the lot.
        progress: Told of the images.

    Returns:
        (N, C, H, W) bytes.
    """
    lot = random_of(seed, BASELINE)
    height, width = train.size
    rows, columns = np.mgrid[:height, :width]
    images = np.empty((len(codes), *train.images.shape[1:]), np.uint8)
    for place in range(len(codes)):
        origin = lot.integers(len(train), size=train.size)  # the training image that each pixel is taken from
        images[place] = train.images[origin, :, rows, columns].transpose(2, 0, 1)
        progress(place + 1, len(codes))
    return images
