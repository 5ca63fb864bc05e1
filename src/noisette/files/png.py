"""A PNG as a row of chunks: what it says in one of its texts, and its pixels without anything else.

Pillow refuses a whole picture for a profile or a text that is too large for it, though the pixels need neither. So what
the pixels do not need is left out before Pillow sees the file, and our own text is read here, within limits.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_MOST_CHUNKS = 100_000
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_TRANSPARENCY = b"tRNS"
_TRUE_COLOUR = (2, 6)  # RGB and RGBA, in a header
_OTHERS = {
    b"\xff\xd8\xff": "a JPEG",
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"II*\x00": "a TIFF",
    b"MM\x00*": "a TIFF",
    b"RIFF": "a WebP",
    b"%PDF": "a PDF",
    b"<svg": "an SVG",
}
"""Other kinds of files, by how they begin."""


class DamagedText(ValueError):
    """A text that cannot be read, or is too long."""


def other_kind(data: bytes) -> str | None:
    """What a file is that is no PNG, such as "a JPEG"; None where it is not known."""
    if data[4:12] in (b"ftypavif", b"ftypheic", b"ftypmif1"):
        return "an AVIF or HEIC"
    return next((name for begin, name in _OTHERS.items() if data.startswith(begin)), None)


def text_of(data: bytes, keyword: str, most: int) -> str | None:
    """The text under a keyword, compressed or not, wherever in the file it stands.

    Args:
        data: The content of a PNG.
        keyword: Of the text.
        most: Characters that it may have.

    Returns:
        The text; None if there is none.

    Raises:
        DamagedText: It cannot be read, or is longer.
        ValueError: The file is no PNG, or ends within a chunk.
    """
    head, found = keyword.encode("latin-1") + b"\0", None
    for kind, begin, end in chunks(data):
        if kind in _TEXTS and data.startswith(head, begin, end):
            found = kind, begin, end
    if found is None:
        return None
    kind, begin, end = found
    if zlib.crc32(data[begin - 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
        raise DamagedText("its checksum is another")
    return _decoded(kind, data[begin + len(head) : end], most)


def pixels_alone(data: bytes) -> bytes:
    """The same picture with nothing but what its pixels need: no text, profile, date, or second frame.

    Raises:
        ValueError: The file is no PNG, or ends within a chunk.
    """
    needed = (
        data[begin - 8 : end + 4]
        for kind, begin, end in chunks(data)
        if kind[:1].isupper() or kind == _TRANSPARENCY  # a capital letter: the pixels cannot be read without it
    )
    return SIGNATURE + b"".join(needed)


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG: its length, kind, content and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def compressed_text(keyword: str, text: str) -> bytes:
    """The content of an iTXt chunk, in no language."""
    return keyword.encode("latin-1") + b"\0\1\0\0\0" + zlib.compress(text.encode())


def frames_in(data: bytes) -> int:
    """Frames of an animation; 1 of a picture. Raises ValueError as `pixels_alone`."""
    control = next((data[begin:end] for kind, begin, end in chunks(data) if kind == b"acTL"), b"")
    return int.from_bytes(control[:4], "big") if len(control) == 8 else 1


def bit_depth(data: bytes) -> int:
    """Bits of each sample: 1, 2, 4, 8 or 16."""
    return data[24] if len(data) > 24 else 8


def has_true_colour(data: bytes) -> bool:
    """Whether each pixel has red, green and blue of its own, and is neither an index nor a grey."""
    return len(data) > 25 and data[25] in _TRUE_COLOUR


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each chunk, and where its content begins and ends; what comes after the last one is not looked at."""
    if not data.startswith(SIGNATURE):
        raise ValueError("no PNG")
    place = len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        if place == len(data):
            return
        if place + 12 > len(data):
            raise ValueError("it ends within a chunk")
        length, kind = struct.unpack_from(">I4s", data, place)
        begin, end = place + 8, place + 8 + length
        if end + 4 > len(data):
            raise ValueError("it ends within a chunk")
        yield kind, begin, end
        if kind == b"IEND":
            return
        place = end + 4
    raise ValueError("it has too many chunks")


def _decoded(kind: bytes, content: bytes, most: int) -> str:
    """The text of a chunk behind its keyword."""
    try:
        if kind == b"tEXt":
            compressed, encoding = False, "latin-1"
        elif kind == b"zTXt":
            compressed, encoding, content = True, "latin-1", content[1:]
        else:
            compressed, encoding = content[0] == 1, "utf-8"
            _language, _translated, content = content[2:].split(b"\0", 2)
        if compressed:
            inflating = zlib.decompressobj()
            content = inflating.decompress(content, most + 1)
            if len(content) <= most and not inflating.eof:
                raise DamagedText("it ends too early")
        if len(content) > most:
            raise DamagedText("it is too long")
        return content.decode(encoding)
    except DamagedText:
        raise
    except (IndexError, zlib.error, ValueError) as error:
        raise DamagedText(str(error)) from error
