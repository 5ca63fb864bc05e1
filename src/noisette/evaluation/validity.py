"""Whether images hold together: an image is valid if it is, in every pixel, the image of some combination of values.

Its attributes are read, the image of these is rendered, and the two are compared. So it needs data whose attributes
decide the image, and who renders it: a model that draws whole requests right. What that one gets wrong counts against
the images, so real ones beside it are the ceiling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisette.evaluation.memorisation import novel_combinations

Render = Callable[[NDArray[np.int16]], NDArray[np.uint8]]
"""(N, A) codes to their images, (N, C, H, W) bytes."""


@dataclass(frozen=True)
class Validity:
    """How well images hold together, and how much they vary.

    Attributes:
        images: How many were looked at.
        valid: Share that equals the image of the attributes that are read in it, in every pixel, 0 to 1.
        pixels: Share of pixels that equal it.
        values: Total variation between how often each value is read and how often training images have it, the mean
            over attributes, 0 to 1.
        pairs: The same of pairs of values of two attributes.
        novel: Share of images whose attributes, as they are read, no training image has together.
        different: Share of images that differ from all before them.
    """

    images: int
    valid: float
    pixels: float
    values: float
    pairs: float
    novel: float
    different: float


def validity(
    images: NDArray[np.uint8], read: NDArray[np.int16], render: Render, trained: NDArray[np.int16]
) -> Validity:
    """Compare images with those of the attributes that are read in them.

    Args:
        images: (N, C, H, W) bytes.
        read: (N, A), the codes that a classifier reads in them.
        render: Draws the image of whole codes.
        trained: (M, A), the codes of the training images, for frequencies.

    Returns:
        The figures.
    """
    same = (render(read) == images).all(axis=1)  # (N, H, W)
    values, pairs = frequencies_apart(read, trained)
    return Validity(
        images=len(images),
        valid=float(same.all(axis=(1, 2)).mean()),
        pixels=float(same.mean()),
        values=values,
        pairs=pairs,
        novel=novel_combinations(read, trained),
        different=len({image.tobytes() for image in images}) / len(images),
    )


def frequencies_apart(some: NDArray[np.int16], others: NDArray[np.int16]) -> tuple[float, float]:
    """How far two collections are apart in how often they have each value, and each two values together.

    Args:
        some: (N, A) codes.
        others: (M, A) codes.

    Returns:
        The total variation, half of what the shares differ by, 0 to 1: the mean over attributes, and the mean over
        pairs of attributes; the second is 0 where there is one attribute.
    """
    known = [np.union1d(some[:, column], others[:, column]) for column in range(some.shape[1])]
    owner = np.repeat(np.arange(len(known)), [len(values) for values in known])  # the attribute of each value

    def together(codes: NDArray[np.int16]) -> NDArray[np.float32]:
        """(V, V): the share of rows that have both values."""
        has = np.concatenate([codes[:, [column]] == values for column, values in enumerate(known)], axis=1)
        shares: NDArray[np.float32] = has.T.astype(np.float32) @ has.astype(np.float32) / np.float32(len(codes))
        return shares

    apart = np.abs(together(some) - together(others)) / 2
    attributes = len(known)
    between = apart[owner[:, None] != owner[None]].sum() / max(1, attributes * (attributes - 1))
    return float(np.trace(apart) / attributes), float(between)
