"""An animated PNG as its frames, each whole.

Pillow's own writer makes one frame of neighbours that are equal, and a still picture of frames that all are. Who asked
for sixteen frames counts on sixteen, so the file is put together here, and Pillow compresses the frames.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from itertools import count

from PIL import Image

from noisette.files.png import SIGNATURE, chunk, chunks

_CONTROL = ">IIIIIHHBB"  # number, width, height, left, top, duration as a fraction, disposal, blending
_LEAVE, _REPLACE = 0, 0  # what is done after a frame, and with what is there before it
_FOR_EVER = 0


def apng(frames: Sequence[Image.Image], milliseconds: Sequence[int], text: bytes = b"") -> bytes:
    """The file of an animation that goes on for ever.

    Args:
        frames: Of mode L, RGB or RGBA, all of one mode and size.
        milliseconds: How long each stays, up to 65,535.
        text: The content of an iTXt chunk, if there is any.
    """
    numbers = count()
    parts = [chunk(b"acTL", struct.pack(">II", len(frames), _FOR_EVER))]
    parts += [chunk(b"iTXt", text)] if text else []
    header = b""
    for place, (frame, stays) in enumerate(zip(frames, milliseconds, strict=True)):
        size = (*frame.size, 0, 0)
        parts.append(chunk(b"fcTL", struct.pack(_CONTROL, next(numbers), *size, stays, 1000, _LEAVE, _REPLACE)))
        for kind, content in _of_picture(frame):
            if kind == b"IHDR":
                header = chunk(kind, content)
            elif kind == b"IDAT" and place == 0:  # the first is what is seen where animations are not known
                parts.append(chunk(kind, content))
            elif kind == b"IDAT":
                parts.append(chunk(b"fdAT", struct.pack(">I", next(numbers)) + content))
    return b"".join([SIGNATURE, header, *parts, chunk(b"IEND", b"")])


def _of_picture(frame: Image.Image) -> Iterator[tuple[bytes, bytes]]:
    """The kind and the content of each chunk of one picture."""
    file = io.BytesIO()
    frame.save(file, format="PNG")
    data = file.getvalue()
    for kind, begin, end in chunks(data):
        yield kind, data[begin:end]
