"""Whether images are pixel art: colours of the palette, flat areas, nothing half transparent that should not be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisette.data.palette import Palette, as_numbers


@dataclass(frozen=True)
class PixelArt:
    """What makes pixel art of images.

    Attributes:
        images: How many were looked at.
        in_palette: Share of pixels that are exactly a colour of the palette of the data, 0 to 1.
        colours: Different colours in an image, the mean over images.
        isolated: Share of pixels whose colour none of their eight neighbours has, 0 to 1.
        alpha: Share of pixels with an alpha that the data have, 0 to 1; None of images without alpha.
    """

    images: int
    in_palette: float
    colours: float
    isolated: float
    alpha: float | None


def pixel_art(images: NDArray[np.uint8], palette: Palette) -> PixelArt:
    """Measure how far images are pixel art.

    Args:
        images: (N, C, H, W) bytes, RGB or RGBA.
        palette: The colours of their data.

    Returns:
        The figures.
    """
    numbers = as_numbers(images)
    alpha = None
    if images.shape[1] == 4:
        alpha = float(np.isin(images[:, 3], np.unique(palette.colours[:, 3])).mean())
    return PixelArt(
        images=len(images),
        in_palette=float(palette.holds(images).mean()),
        colours=float(np.mean([len(np.unique(image)) for image in numbers])),
        isolated=float(_isolated(numbers).mean()),
        alpha=alpha,
    )


def _isolated(numbers: NDArray[np.uint32]) -> NDArray[np.bool_]:
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
