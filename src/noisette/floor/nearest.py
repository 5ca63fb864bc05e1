"""The training image whose attributes are nearest to a request."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import UNKNOWN
from noisette.attributes.statistics import shown
from noisette.data.dataset import Dataset
from noisette.progress import Progress, silent
from noisette.seeds import BASELINE, random_of


def nearest(train: Dataset, codes: NDArray[np.int16], seed: int, progress: Progress = silent) -> NDArray[np.uint8]:
    """Take the training image that differs from the request in the fewest values; of several, one by lot.

    Another hat is two values, the one that is there and the one that is not; a hat too many is one. An attribute that
    the request leaves open does not count.

    Args:
        train: The training images.
        codes: (N, A), UNKNOWN where a request leaves an attribute open.
        seed: Of the lot.
        progress: Told of the requests.

    Returns:
        (N, C, H, W) bytes.
    """
    lot = random_of(seed, BASELINE)
    there, asked = np.ascontiguousarray(shown(train.schema, train.attributes).T), shown(train.schema, codes)
    column_of = np.repeat(np.arange(codes.shape[1]), [len(values) for values in train.schema.valued])
    chosen = np.empty(len(codes), np.intp)
    for place, row in enumerate(codes):
        counts = np.flatnonzero(row[column_of] != UNKNOWN)
        differing = (there[counts] != asked[place, counts, None]).sum(axis=0)
        chosen[place] = lot.choice(np.flatnonzero(differing == differing.min()))
        progress(place + 1, len(codes))
    return train.images[chosen]
