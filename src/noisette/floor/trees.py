"""A decision tree for each pixel (CART, Breiman et al. 1984), from attribute values to the pixel's colour."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.statistics import shown
from noisette.data.dataset import Dataset
from noisette.data.palette import as_colours, as_numbers, palette_of
from noisette.progress import Progress, silent
from noisette.seeds import WORD

HOW_TO_INSTALL = "scikit-learn is not installed; install it with: pip install 'noisette[floor]'"


def installed() -> bool:
    """Whether scikit-learn is there, which learns the trees."""
    return find_spec("sklearn") is not None


def why_not(train: Dataset) -> str | None:
    """Tell why there can be no trees.

    Args:
        train: The training images.

    Returns:
        The reason; None if there can be.
    """
    if not installed():
        return HOW_TO_INSTALL
    if train.channels > 1 and palette_of(train.images) is None:
        return "its data have many colours, and a tree chooses among few"
    return None


def trees(train: Dataset, codes: NDArray[np.int16], seed: int, progress: Progress = silent) -> NDArray[np.uint8]:
    """Learn a tree for each pixel, scikit-learn's with its defaults, and ask it for the pixel's colour.

    Pixels that have the same colours in all training images have the same tree, which is learned once. Of all values an
    image has few, so they are sparse columns: trees over 452 values are learned eight times as fast.

    Args:
        train: The training images, grey or with few colours.
        codes: (N, A), UNKNOWN where a request leaves an attribute open.
        seed: Decides between splits that are as good as each other.
        progress: Told of the pixels.

    Returns:
        (N, C, H, W) bytes.
    """
    from scipy.sparse import csc_matrix, csr_matrix
    from sklearn.tree import DecisionTreeClassifier

    known = csc_matrix(shown(train.schema, train.attributes), dtype=np.float32)
    asked = csr_matrix(shown(train.schema, codes), dtype=np.float32)
    pixels = as_numbers(train.images).reshape(len(train), -1)
    columns, firsts, which = np.unique(pixels, axis=1, return_index=True, return_inverse=True)
    drawn = np.empty((len(codes), len(firsts)), np.uint32)
    for place, column in enumerate(columns.T):
        colours, classes = np.unique(column, return_inverse=True)
        tree = DecisionTreeClassifier(random_state=seed % WORD).fit(known, classes)
        drawn[:, place] = colours[tree.predict(asked)]
        progress(place + 1, len(firsts))
    images = as_colours(drawn[:, which].ravel(), train.channels).reshape(len(codes), *train.size, train.channels)
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
