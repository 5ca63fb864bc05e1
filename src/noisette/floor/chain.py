"""Pixels one after another, each by a decision tree over those before it: images by lot that hold together, without a
network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from noisette.data.dataset import Dataset
from noisette.data.palette import palette_of
from noisette.data.telling import telling_order
from noisette.floor.trees import HOW_TO_INSTALL, installed
from noisette.progress import Progress, silent
from noisette.seeds import BASELINE, WORD, random_of

_LOOKED_AT = 96  # pixels at most, those that tell most: all others follow from them
_LEAF = 3  # images, so that a leaf leaves a choice
_LEAST = 0.06  # of the likeliest colour's chance; less likely ones are not drawn, as in `noisette.diffusion.unmasking`


def why_not(train: Dataset) -> str | None:
    """Tell why there can be no chain.

    Args:
        train: The training images.

    Returns:
        The reason; None if there can be.
    """
    if not installed():
        return HOW_TO_INSTALL
    if palette_of(train.images) is None:
        return "its data have many colours, and a tree chooses among few"
    return None


def chain(train: Dataset, codes: NDArray[np.int16], seed: int, progress: Progress = silent) -> NDArray[np.uint8]:
    """Draw the pixels in the order in which they tell most of an image, each from the leaf of its tree.

    Args:
        train: The training images, with few colours.
        codes: (N, A), only N counts.
        seed: Of the lot, and of splits that are as good as each other.
        progress: Told of the pixels.

    Returns:
        (N, C, H, W) bytes.
    """
    from sklearn.tree import DecisionTreeClassifier

    palette = palette_of(train.images)
    assert palette is not None
    places = palette.places(train.images)
    order, count = telling_order(places), len(codes)
    known = places.reshape(len(train), -1)
    drawn = np.zeros((count, known.shape[1]), np.int16)
    lot = random_of(seed, BASELINE)

    def read(pixels: NDArray[np.int16], before: tuple[int, ...]) -> NDArray[np.float32]:
        return palette.colours[pixels[:, before]].reshape(len(pixels), -1).astype(np.float32)

    for place, pixel in enumerate(order):
        before = order[: min(place, _LOOKED_AT)]
        chance = lot.random((count, 1))
        if not before:
            drawn[:, pixel] = known[(chance[:, 0] * len(train)).astype(int), pixel]
        elif (known[:, pixel] == known[0, pixel]).all():
            drawn[:, pixel] = known[0, pixel]
        else:
            tree = DecisionTreeClassifier(min_samples_leaf=_LEAF, random_state=seed % WORD)
            tree.fit(read(known, before), known[:, pixel])
            chances = tree.predict_proba(read(drawn, before))
            chances[chances < _LEAST * chances.max(axis=1, keepdims=True)] = 0
            risen = chances.cumsum(axis=1)
            drawn[:, pixel] = tree.classes_[(risen < chance * risen[:, -1:]).sum(axis=1)]
        progress(place + 1, len(order))
    images = palette.colours[drawn].reshape(count, *train.size, train.channels)
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
