"""How near drawn images are to the only right answer: the real image that has exactly what was asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Exactness:
    """pixels: share that is equal to the real one in every byte. whole: share of images in which all are. wrong: median
    of the pixels of an image that are not.
    """

    images: int
    pixels: float
    whole: float
    wrong: float


def exactness(images: NDArray[np.uint8], real: NDArray[np.uint8]) -> Exactness:
    """Compare (N, C, H, W) with the real images of the same requests, (N, C, H, W), each pixel in all channels."""
    if images.shape != real.shape:
        raise ValueError(f"images of {images.shape} cannot be compared with real ones of {real.shape}")
    equal = (images == real).all(axis=1).reshape(len(images), -1)
    return Exactness(
        len(images), float(equal.mean()), float(equal.all(axis=1).mean()), float(np.median((~equal).sum(axis=1)))
    )
