"""Pixel accuracy: how near drawn images are to the only right answer, the real image of the same request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PixelAccuracy:
    """Drawn images beside the real ones of their requests.

    Attributes:
        images: How many were compared.
        pixels: Share of pixels that equal the real one in every byte, 0 to 1.
        whole: Share of images in which all pixels do, the exact match, 0 to 1.
        wrong: Median, over images, of the number of pixels that differ.
    """

    images: int
    pixels: float
    whole: float
    wrong: float


def pixel_accuracy(images: NDArray[np.uint8], real: NDArray[np.uint8]) -> PixelAccuracy:
    """Compare images with the right answers, each pixel in all channels at once.

    Args:
        images: (N, C, H, W) drawn bytes.
        real: (N, C, H, W) the real images of the same requests, in the same order.

    Returns:
        The figures.

    Raises:
        ValueError: The shapes differ.
    """
    if images.shape != real.shape:
        raise ValueError(f"images of {images.shape} cannot be compared with real ones of {real.shape}")
    equal = (images == real).all(axis=1).reshape(len(images), -1)
    return PixelAccuracy(
        len(images), float(equal.mean()), float(equal.all(axis=1).mean()), float(np.median((~equal).sum(axis=1)))
    )
