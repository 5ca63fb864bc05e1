"""The colours that a data set is made of, and the nearest of them to any other."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from noisette.files.reading import parse_json

MOST_COLOURS = 1024
"""A data set with more is no pixel art."""

MOST_GREYS = 16
"""The same of grey images, which cannot have more than 256: a scan of a digit has them all, a font has two."""

_COLOUR = re.compile(r"[0-9a-f]{2}(?:[0-9a-f]{4})?(?:[0-9a-f]{2})?")
_AT_A_TIME = 2**14  # colours that are compared with the whole palette; images whose colours are collected


@dataclass(frozen=True)
class Palette:
    """The colours of a data set.

    Attributes:
        colours: (K, C) uint8, all different, sorted; C = 1 grey, 3 RGB, 4 RGBA in which alpha 0 comes with colour 0
            only.
        originals: (K, 4) uint8, of images that were put on a background: the RGBA that each colour was before; None
            where there was no background, or where one colour comes from several.
        order: The pixels of an image, row by row from 0, those first that tell most of it: see
            `noisette.data.telling`; empty where it was not counted.
    """

    colours: NDArray[np.uint8]
    originals: NDArray[np.uint8] | None = None
    order: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Palette:
        """Read what `to_json` wrote.

        Args:
            text: JSON.

        Returns:
            The palette.

        Raises:
            ValueError: It is anything else.
        """
        said = parse_json(text)
        keys = said.keys() if isinstance(said, dict) else set()
        written = said["colours"] if {"colours"} <= keys <= {"colours", "originals", "order"} else None
        if not isinstance(written, list) or not 1 <= len(written) <= MOST_COLOURS:
            raise ValueError(f"it is no list of 1 to {MOST_COLOURS} colours")
        if not all(isinstance(colour, str) and _COLOUR.fullmatch(colour) for colour in written):
            raise ValueError("colours are gg, rrggbb or rrggbbaa")
        if len({len(colour) for colour in written}) > 1 or sorted(set(written)) != written:
            raise ValueError("colours are all of one kind, all different, and sorted")
        if any(colour.endswith("00") and colour != "00000000" for colour in written if len(colour) == 8):
            raise ValueError("a colour with alpha 0 is 00000000")
        colours = np.array([list(bytes.fromhex(colour)) for colour in written], dtype=np.uint8)
        order = said.get("order", [])
        if not isinstance(order, list) or any(type(pixel) is not int for pixel in order):
            raise ValueError("the order is of numbers of pixels")
        if sorted(order) != list(range(len(order))):
            raise ValueError("the order has each pixel once")
        if "originals" not in keys:
            return cls(colours, order=tuple(order))
        before = said["originals"]
        if not (
            isinstance(before, list)
            and len(before) == len(written)
            and colours.shape[1] == 3
            and all(isinstance(colour, str) and re.fullmatch(r"[0-9a-f]{8}", colour) for colour in before)
        ):
            raise ValueError("originals are as many as the colours, rrggbbaa each")
        return cls(colours, np.array([list(bytes.fromhex(colour)) for colour in before], dtype=np.uint8), tuple(order))

    @property
    def fingerprint(self) -> str:
        """SHA-256: weights that name these colours by their places mean nothing under others."""
        return sha256(Palette(self.colours).to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Write the colours down, each as gg, rrggbb or rrggbbaa.

        Returns:
            JSON.
        """
        said: dict[str, list[str] | list[int]] = {"colours": [colour.tobytes().hex() for colour in self.colours]}
        if self.originals is not None:
            said["originals"] = [colour.tobytes().hex() for colour in self.originals]
        if self.order:
            said["order"] = list(self.order)
        return json.dumps(said) + "\n"

    def without_background(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Take images off the background that they were put on.

        Args:
            images: (N, 3, H, W) uint8, with colours of the palette only.

        Returns:
            (N, 4, H, W) uint8, RGBA; the images themselves where there are no originals.
        """
        if self.originals is None:
            return images
        return np.ascontiguousarray(self.originals[self.places(images)].transpose(0, 3, 1, 2))

    def places(self, images: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Find the place of each pixel's colour.

        Args:
            images: (N, C, H, W) uint8, with colours of the palette only.

        Returns:
            (N, H, W), from 0.
        """
        known = as_numbers(self.colours[:, :, None, None])[:, 0, 0]
        return np.searchsorted(known, as_numbers(images)).astype(np.int16)

    def snap(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Move each pixel to the nearest colour of the palette, the first of several.

        Nearest is by squared distance of bytes, RGBA multiplied by its alpha: by what is seen of it.

        Args:
            images: (N, C, H, W) uint8.

        Returns:
            (N, C, H, W) uint8, with colours of the palette only.
        """
        numbers, places = np.unique(as_numbers(images), return_inverse=True)
        seen, known = _visible(as_colours(numbers, images.shape[1])), _visible(self.colours)
        nearest = np.empty(len(seen), dtype=np.intp)
        lengths = (known**2).sum(axis=1)
        for start in range(0, len(seen), _AT_A_TIME):
            # |a - b|² without |a|², which all share; whole numbers below 2**53, so nothing is rounded
            nearest[start : start + _AT_A_TIME] = (lengths - 2 * seen[start : start + _AT_A_TIME] @ known.T).argmin(
                axis=1
            )
        count, _, height, width = images.shape
        return np.ascontiguousarray(self.colours[nearest][places.reshape(count, height, width)].transpose(0, 3, 1, 2))

    def holds(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which pixels have exactly a colour of the palette.

        Args:
            images: (N, C, H, W) uint8.

        Returns:
            (N, H, W).
        """
        return np.isin(as_numbers(images), as_numbers(self.colours.T[None, :, :, None]))


def palette_of(
    images: NDArray[np.uint8], places: NDArray[np.intp] | None = None, *, most: int = MOST_COLOURS
) -> Palette | None:
    """The palette of images.

    Args:
        images: (N, C, H, W) uint8.
        places: (M,), the images that count; left out, all.
        most: Colours that a palette may have.

    Returns:
        The palette, or None of images with more colours, and of grey ones with more than `MOST_GREYS`.
    """
    places = np.arange(len(images)) if places is None else places
    channels = images.shape[1]
    most = min(most, MOST_GREYS) if channels == 1 else most
    numbers = np.empty(0, dtype=np.uint32)
    for start in range(0, len(places), _AT_A_TIME):  # all at once would take several times their memory
        numbers = np.union1d(numbers, as_numbers(images[places[start : start + _AT_A_TIME]]))
        if len(numbers) > most:
            return None
    return Palette(as_colours(numbers, channels))


def with_originals(
    palette: Palette, flat: NDArray[np.uint8], images: NDArray[np.uint8], places: NDArray[np.intp]
) -> Palette:
    """A palette that knows what its colours were before a background, if that can be known.

    Args:
        palette: Of the images on the background.
        flat: (N, 3, H, W) uint8, on the background.
        images: (N, 4, H, W) uint8, the same before.
        places: (M,), the images that count.

    Returns:
        The palette with originals; without where one colour comes from several.
    """
    pairs = np.empty(0, dtype=np.uint64)
    for start in range(0, len(places), _AT_A_TIME):
        some = places[start : start + _AT_A_TIME]
        pairs = np.union1d(pairs, as_numbers(flat[some]).astype(np.uint64) << np.uint64(32) | as_numbers(images[some]))
        if len(pairs) > len(palette.colours):
            return palette
    return replace(palette, originals=as_colours((pairs & np.uint64(2**32 - 1)).astype(np.uint32), 4))


def as_numbers(images: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Each colour as one number, so that pixels are compared at once.

    Args:
        images: (N, C, H, W) uint8.

    Returns:
        (N, H, W), the first channel the highest byte.
    """
    numbers = np.zeros((len(images), *images.shape[2:]), dtype=np.uint32)
    for channel in range(images.shape[1]):
        numbers = numbers << np.uint32(8) | images[:, channel]
    return numbers


def as_colours(numbers: NDArray[np.uint32], channels: int) -> NDArray[np.uint8]:
    """The inverse of `as_numbers`.

    Args:
        numbers: (K,).
        channels: C, how many bytes a number holds.

    Returns:
        (K, C) uint8.
    """
    shifts = 8 * np.arange(channels, dtype=np.uint32)[::-1]
    return (numbers[:, None] >> shifts & np.uint32(255)).astype(np.uint8)


def _visible(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(K, C) as it is seen: RGBA multiplied by alpha."""
    seen = colours.astype(np.float64)
    if colours.shape[1] == 4:
        seen[:, :3] = np.rint(seen[:, :3] * seen[:, 3:] / 255)
    return seen
