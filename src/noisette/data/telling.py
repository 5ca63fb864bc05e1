"""In which order the pixels of a collection tell most of its images: few of them say what all the others are.

A face has some hundreds of pixels, and who knows the right thirty of them knows it whole. They are found by counting,
before a training: each next one is the pixel that, once it is known, leaves the least open of all the others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_IMAGES = 3000  # that are looked at: frequencies are known well enough by then
_PIXELS = 400  # that may be chosen, those that vary most: all pairs of them are counted
_CHOSEN = 96  # by what they tell; what is left comes by how open it still is
_TRIED = 3  # candidates of either kind for each place, with each of as many pixels that were chosen last


def telling_order(places: NDArray[np.int16]) -> tuple[int, ...]:
    """Put pixels in the order in which they tell most of an image.

    Args:
        places: (N, H, W), the place of each pixel's colour in the palette.

    Returns:
        H * W numbers of pixels, row by row, each once.
    """
    images = len(places)
    rows = places.reshape(images, -1)[:: -(-images // _IMAGES)].astype(np.int64)
    alone = np.array([_entropy(column) for column in rows.T])
    varying = [pixel for pixel in np.argsort(-alone, kind="stable") if alone[pixel] > 0]
    _, first = np.unique(rows[:, varying], axis=1, return_index=True)  # of pixels that are always alike, one
    candidates = np.array(varying, dtype=np.int64)[np.sort(first)][:_PIXELS]
    chosen, open_ = _chosen(rows[:, candidates])
    left = alone.copy()  # a pixel that was no candidate, such as one that equals another, counts as open as it was
    left[candidates] = open_
    early = candidates[chosen].tolist()
    rest = sorted(set(range(rows.shape[1])) - set(early), key=lambda pixel: (-left[pixel], pixel))
    return (*early, *rest)


def _chosen(rows: NDArray[np.int64]) -> tuple[list[int], NDArray[np.float64]]:
    """Which columns are known first, and how open each is once they are."""
    count = rows.shape[1]
    dense = np.stack([np.unique(column, return_inverse=True)[1] for column in rows.T], axis=1) if count else rows
    colours = dense.max(axis=0, initial=0) + 1
    nothing = np.zeros(len(rows), dtype=np.int64)
    open_ = _open(dense, nothing)
    alone = np.stack([_open(dense, column) for column in dense.T]) if count else np.zeros((0, 0))
    chosen: list[int] = []
    while len(chosen) < min(_CHOSEN, count) and open_.sum() > 0:
        gains = (open_ - np.minimum(open_, alone)).sum(axis=1)
        gains[chosen] = -1.0
        tried = {*np.argsort(-gains, kind="stable")[:_TRIED], *np.argsort(-open_, kind="stable")[:_TRIED]} - {*chosen}
        least, best = np.inf, open_
        for pixel in sorted(tried):
            then = np.minimum(open_, alone[pixel])
            for other in chosen[-_TRIED:]:
                then = np.minimum(then, _open(dense, dense[:, pixel] * colours[other] + dense[:, other]))
            then[pixel] = 0.0
            if then.sum() < least:
                least, best, taken = then.sum(), then, int(pixel)
        if not np.isfinite(least):
            break
        chosen.append(taken)
        open_ = best
    return chosen, open_


def _open(dense: NDArray[np.int64], given: NDArray[np.int64]) -> NDArray[np.float64]:
    """(U,): the entropy of each column given another one, in nats, corrected for rare pairs (Miller 1955)."""
    images = len(dense)
    _, groups, sizes = np.unique(given, return_inverse=True, return_counts=True)
    found = np.empty(dense.shape[1])
    for column, values in enumerate(dense.T):
        width = values.max() + 1
        pairs = np.bincount(groups * width + values)
        cells = np.flatnonzero(pairs)
        counted = pairs[cells]
        entropy = -(counted * np.log(counted / sizes[cells // width])).sum() / images
        found[column] = entropy + (len(cells) - len(sizes)) / (2 * images)
    return np.maximum(found, 0.0)


def _entropy(column: NDArray[np.int64]) -> float:
    shares = np.unique(column, return_counts=True)[1] / len(column)
    return float(-(shares * np.log(shares)).sum())
