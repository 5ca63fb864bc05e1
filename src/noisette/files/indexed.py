"""Pictures of few colours as PNGs of indices into a palette, and their pixels back."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from noisette.files.png import SIGNATURE, chunk

_MOST = 256
"""Colours of a palette: an index has 8 bits at most."""
_MOST_GREYS = 16
"""Beyond these an index has as many bits as the grey itself, and the palette comes on top."""
_INDEXED = 3  # the kind of colours, in a header
_LIKE_THE_ROW_ABOVE = 2  # the filter "up", with differences of zero
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def indexed_png(image: Image.Image, chunks: Sequence[bytes] = ()) -> bytes | None:
    """The PNG of a picture with a palette, exact, with as few bits a pixel as its colours need: 1, 2, 4 or 8.

    Two colours differ where any of red, green, blue and alpha does, be it seen or not. Pillow would fill the palette up
    to a power of two, which may be more bytes than the pixels of a sprite, and write each row of an enlarged picture
    anew; here the palette has the colours that occur, and a row like the one above is zeros. The same picture gives the
    same bytes.

    Args:
        image: L, RGB or RGBA.
        chunks: That stand before the pixels, such as texts.

    Returns:
        The file; None where the picture has more than 256 colours, or more than 16 greys. One of RGBA says an alpha
        even if all is opaque, so that it is read as RGBA again.
    """
    if image.getcolors(_MOST_GREYS if image.mode == "L" else _MOST) is None:
        return None
    numbers = np.asarray(image.convert("RGBA")).view("<u4")[..., 0]  # alpha is its highest byte
    new = np.ones(len(numbers), bool)  # rows that are not like the one above
    new[1:] = (numbers[1:] != numbers[:-1]).any(axis=1)
    colours = np.unique(numbers[new])  # those with alpha come first, as tRNS has it
    bits = next(bits for bits in (1, 2, 4, 8) if len(colours) <= 2**bits)
    indices = np.stack([np.searchsorted(colours, row).astype(np.uint8) for row in numbers[new]])
    packed = _packed(indices, bits)
    lines = np.zeros((len(numbers), 1 + packed.shape[1]), np.uint8)  # each begins with its filter
    lines[~new, 0] = _LIKE_THE_ROW_ABOVE
    lines[new, 1:] = packed
    palette = colours.astype("<u4").view(np.uint8).reshape(-1, 4)
    header = struct.pack(">IIBBBBB", image.width, image.height, bits, _INDEXED, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"PLTE", palette[:, :3].tobytes())]
    if image.mode == "RGBA":
        partly = int((palette[:, 3] < 255).sum())
        parts.append(chunk(b"tRNS", palette[: max(1, partly), 3].tobytes()))
    return b"".join(
        [SIGNATURE, *parts, *chunks, chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)), chunk(b"IEND", b"")]
    )


def expanded(image: Image.Image, channels: int) -> NDArray[np.uint8]:
    """The pixels of a picture of ours whose channels are known, be it indexed or not.

    Args:
        image: As it is read.
        channels: 1 grey, 3 RGB, 4 RGBA.

    Returns:
        (C, H, W) uint8.
    """
    pixels = np.asarray(image.convert(_MODES[channels]))
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _packed(indices: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """(H, W) indices as (H, ceil(W * bits / 8)) bytes, the leftmost pixel in the highest bits."""
    each = 8 // bits  # pixels of a byte
    height, width = indices.shape
    padded = np.pad(indices, ((0, 0), (0, -width % each))).reshape(height, -1, each)
    packed = np.zeros(padded.shape[:2], np.uint8)
    for place in range(each):
        packed |= padded[..., place] << (8 - bits * (place + 1))
    return packed
