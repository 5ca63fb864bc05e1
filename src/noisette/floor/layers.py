"""A layer count: which pixels each value owns and what lies on top, put together as a request says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from noisette.data.dataset import Dataset
from noisette.data.layered import FEWEST_LABELLED, fully_labelled, layers_of
from noisette.data.palette import palette_of
from noisette.layers.fit import NOTHING, composed
from noisette.progress import Progress, silent


def why_not(train: Dataset) -> str | None:
    """Tell why layers cannot be counted.

    Args:
        train: The training images.

    Returns:
        The reason; None if they can be.
    """
    if palette_of(train.images) is None:
        return "its data are grey, or have many colours"
    if len(fully_labelled(train, np.arange(len(train)))) < FEWEST_LABELLED:
        return f"fewer than {FEWEST_LABELLED} training images have all their labels"
    return None


def layered(train: Dataset, codes: NDArray[np.int16], seed: int, progress: Progress = silent) -> NDArray[np.uint8]:
    """Count the layers of the training images, and put those of each request on each other.

    Where no layer draws, the pixel has the colour that it has most often. A value that a request leaves open draws
    nothing.

    Args:
        train: The training images, with few colours.
        codes: (N, A), UNKNOWN where a request leaves an attribute open.
        seed: Changes nothing.
        progress: Told of the orders that are tried.

    Returns:
        (N, C, H, W) bytes.
    """
    palette = palette_of(train.images)
    assert palette is not None, "left out where there is none"
    counted = layers_of(train, fully_labelled(train, np.arange(len(train))), palette, tried=progress)
    places = composed(counted.layers, counted.units.rows(codes))
    pixels = counted.images.reshape(len(counted.images), -1)
    usual = np.array([np.bincount(pixel).argmax() for pixel in pixels.T]).reshape(train.size)
    places = np.where(places == NOTHING, usual, places)
    return np.ascontiguousarray(palette.colours[places].transpose(0, 3, 1, 2))
