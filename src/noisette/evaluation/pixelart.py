"""Whether images are pixel art: colours of the palette, flat areas, nothing half transparent that should not be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisette.data.palette import Palette, as_numbers


@dataclass(frozen=True)
class PixelArt:
    """in_palette: share of pixels exactly in the palette of the data. colours: different ones in an image, in the mean.
    stray: share of pixels that no neighbour, of eight, shares its colour with. alpha: share of pixels with an alpha
    that the data have; None of images without.
    """

    images: int
    in_palette: float
    colours: float
    stray: float
    alpha: float | None


def pixel_art(images: NDArray[np.uint8], palette: Palette) -> PixelArt:
    """Look at (N, C, H, W), RGB or RGBA, with the palette of their data."""
    numbers = as_numbers(images)
    alpha = None
    if images.shape[1] == 4:
        alpha = float(np.isin(images[:, 3], np.unique(palette.colours[:, 3])).mean())
    return PixelArt(
        images=len(images),
        in_palette=float(palette.holds(images).mean()),
        colours=float(np.mean([len(np.unique(image)) for image in numbers])),
        stray=float(_stray(numbers).mean()),
        alpha=alpha,
    )


def _stray(numbers: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """(N, H, W): pixels whose colour none of the eight around them has."""
    height, width = numbers.shape[1:]
    shared = np.zeros(numbers.shape, dtype=np.bool_)
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = numbers[:, : height - down, max(0, -right) : width - max(0, right)]
        there = numbers[:, down:, max(0, right) : width + min(0, right)]
        same = here == there
        shared[:, : height - down, max(0, -right) : width - max(0, right)] |= same
        shared[:, down:, max(0, right) : width + min(0, right)] |= same
    return ~shared
