"""Pixel art that was enlarged by a whole factor: found, and reduced to exactly what it was."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

NEARLY_ALL = 0.99
"""Of the images, so that a single one that was saved otherwise does not keep all others large."""

LARGEST = 64
ANYWHERE = -1
"""The offset of an image without a change of colour along that axis."""


@dataclass(frozen=True)
class Enlargement:
    """By what images were enlarged.

    Attributes:
        factor: Pixels along the side of a block of one colour; 1 of images that were not.
        left: Pixels before the first whole block, 0 to factor - 1.
        top: The same from the top.
    """

    factor: int = 1
    left: int = 0
    top: int = 0


def blocks_of(image: NDArray[np.uint8]) -> Enlargement:
    """The largest blocks of which an image can be made.

    Colours change at the edges of blocks alone, so the factor divides every distance between two changes. What the edge
    of the image cuts is a block too.

    Args:
        image: (H, W, C) uint8.

    Returns:
        The factor, 0 where the image is flat or changes at most once along each axis, and any would do; offsets are
        `ANYWHERE` along an axis without a change.
    """
    down, across = _changes(image, 0), _changes(image, 1)
    factor = gcd(*np.diff(down).tolist(), *np.diff(across).tolist())
    top, left = (int(places[0]) % max(1, factor) if len(places) else ANYWHERE for places in (down, across))
    return Enlargement(factor, left, top)


def common(factors: NDArray[np.integer], lefts: NDArray[np.integer], tops: NDArray[np.integer]) -> Enlargement:
    """The largest enlargement that nearly all images of a collection share.

    Args:
        factors: (N,), as of `blocks_of`.
        lefts: (N,).
        tops: (N,).

    Returns:
        The enlargement; of factor 1 where they share none.
    """
    telling = factors > 0
    factors, lefts, tops = factors[telling], lefts[telling], tops[telling]
    for factor in range(min(LARGEST, int(factors.max(initial=1))), 1, -1):
        left, top = (_commonest(offsets[offsets != ANYWHERE] % factor) for offsets in (lefts, tops))
        found = Enlargement(factor, left, top)
        if fits(found, factors, lefts, tops).mean() >= NEARLY_ALL:
            return found
    return Enlargement()


def fits(
    found: Enlargement, factors: NDArray[np.integer], lefts: NDArray[np.integer], tops: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Which images are made of blocks of an enlargement, (N,). The arguments are those of `common`."""
    whole: NDArray[np.bool_] = factors % found.factor == 0
    for offsets, wanted in ((lefts, found.left), (tops, found.top)):
        whole &= (offsets == ANYWHERE) | (offsets % found.factor == wanted)
    return whole


def reduced_size(found: Enlargement, height: int, width: int) -> tuple[int, int]:
    """Height and width of an image once it is reduced; what the edge cuts is a pixel too."""
    return len(_firsts(height, found.top, found.factor)), len(_firsts(width, found.left, found.factor))


def reduce(image: NDArray[np.uint8], found: Enlargement) -> NDArray[np.uint8]:
    """The image that was enlarged: of each block one pixel.

    Args:
        image: (H, W, C) uint8.
        found: Its enlargement.

    Returns:
        (h, w, C) uint8.
    """
    height, width = image.shape[:2]
    return image[np.ix_(_firsts(height, found.top, found.factor), _firsts(width, found.left, found.factor))]


def restored(
    small: NDArray[np.uint8], own: Enlargement, size: tuple[int, int], found: Enlargement
) -> NDArray[np.uint8]:
    """What `reduce` makes of an image that is kept reduced by its own blocks.

    Args:
        small: (h, w, C) uint8, the image reduced by `own`.
        own: An enlargement of that image alone.
        size: Height and width that the image has.
        found: The enlargement that it is reduced by; of factor 1, the image itself comes out.

    Returns:
        (H', W', C) uint8.
    """
    if own == found or (own.factor == 1 and found.factor == 1):
        return small
    rows, columns = (_firsts(pixels, first, found.factor) for pixels, first in zip(size, _offsets(found), strict=True))
    (top, left), factor = _offsets(own), own.factor
    down, across = ((places - first) // factor + (first > 0) for places, first in ((rows, top), (columns, left)))
    return small[np.ix_(down, across)]


def own_blocks(factor: int, left: int, top: int) -> Enlargement:
    """The blocks that one image is reduced by without any loss, of what `blocks_of` said of it."""
    return Enlargement(factor, max(0, left), max(0, top)) if factor > 1 else Enlargement()


def _offsets(found: Enlargement) -> tuple[int, int]:
    return found.top, found.left


def _changes(image: NDArray[np.uint8], axis: int) -> NDArray[np.intp]:
    """Where along an axis a line differs from the one before."""
    lines = np.moveaxis(image, axis, 0).reshape(image.shape[axis], -1)
    return np.flatnonzero((lines[1:] != lines[:-1]).any(axis=1)) + 1


def _firsts(pixels: int, first: int, factor: int) -> NDArray[np.intp]:
    """The first pixel of each block, with the one that the edge cuts."""
    whole = np.arange(first, pixels, factor)
    return whole if first == 0 else np.concatenate([[0], whole])


def _commonest(offsets: NDArray[np.integer]) -> int:
    return Counter(offsets.tolist()).most_common(1)[0][0] if len(offsets) else 0
