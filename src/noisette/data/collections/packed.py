"""How much may come out of a packed file."""

from __future__ import annotations

import lzma
import zipfile
import zlib

MOST_RATIO = 200
"""Bytes that come out of one; honest files of images have hardly a tenth of that."""

HARMLESS = 2**30
"""Bytes that may come out of a file however few it has."""

DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,  # of what is encrypted, or packed in a way that Python does not know
    MemoryError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
"""What the readers of packed files raise where these cannot be read."""


def is_bomb(packed: int, unpacked: int) -> bool:
    """Whether so much comes out of so little that nobody made it for its content.

    Args:
        packed: Bytes of the file.
        unpacked: Bytes that come out, or that it says that will.
    """
    return unpacked > HARMLESS and unpacked > MOST_RATIO * packed
