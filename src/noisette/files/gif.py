"""A GIF as its frames, each whole and with a palette of its own.

Pillow's own writer keeps of a frame what differs from the one before. Where frames are transparent it decides that by
the background's colour in another frame's palette, and pixels are lost. So the file is put together here, and Pillow
compresses the frames.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image
from PIL.GifImagePlugin import getdata

_HEADER = "<HHBBB"  # width, height, flags, background, aspect
_NO_SHARED_PALETTE = 0x70  # of the flags; colours of 8 bits
_FOR_EVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
_LONGEST = 255  # bytes of a block


@dataclass(frozen=True)
class Frame:
    """A frame.

    Attributes:
        image: Mode L, or P with its palette, and the index of what is clear as `info["transparency"]` if it has one.
        milliseconds: How long it stays; a GIF counts tens.
        disposal: What is done before the next: 0 or 1 leaves it, 2 clears its place.
    """

    image: Image.Image
    milliseconds: int
    disposal: int = 0


def gif(frames: Sequence[Frame], comment: bytes = b"") -> bytes:
    """The file of an animation that goes on for ever.

    Args:
        frames: All of one size.
        comment: What it says.
    """
    width, height = frames[0].image.size
    parts = [b"GIF89a", struct.pack(_HEADER, width, height, _NO_SHARED_PALETTE, 0, 0), _FOR_EVER]
    if comment:
        blocks = (comment[place : place + _LONGEST] for place in range(0, len(comment), _LONGEST))
        parts += [b"!\xfe", *(bytes([len(block)]) + block for block in blocks), b"\0"]
    for frame in frames:
        image = _with_palette(frame.image)
        clear = image.info.get("transparency")
        how = {} if clear is None else {"transparency": clear}
        parts += getdata(image, duration=frame.milliseconds, disposal=frame.disposal, include_color_table=True, **how)
    return b"".join([*parts, b";"])


def _with_palette(image: Image.Image) -> Image.Image:
    """A grey image with the palette of all greys."""
    if image.mode != "L":
        return image
    image = image.copy()
    image.putpalette([level for level in range(256) for _ in range(3)])
    return image
