"""The pictures of a collection, decoded once, one after the other, into one file: memory holds one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noisette.data.collections.entries import Entry, RefusedPicture
from noisette.data.collections.findings import Findings
from noisette.data.collections.scale import blocks_of
from noisette.progress import Progress

RECORD = np.dtype(
    [
        ("entry", "i8"),
        ("offset", "i8"),
        ("height", "i4"),
        ("width", "i4"),
        ("channels", "i4"),
        ("colour", "?"),
        ("alpha", "?"),
        ("factor", "i4"),
        ("left", "i4"),
        ("top", "i4"),
        ("digest", "u8"),
    ]
)
"""What is known of a picture that was read.

- entry: its index among the entries.
- offset, height, width, channels: where its bytes are in the file, (H, W, C).
- colour, alpha: whether any pixel is not grey, whether any is not opaque.
- factor, left, top: of which blocks it is made; see `noisette.data.collections.scale.blocks_of`.
- digest: of its pixels, whatever file holds them.
"""


@dataclass(frozen=True)
class Ingested:
    """Pictures that were read.

    Attributes:
        file: Their pixels.
        records: (M,) of `RECORD`, in the order of the entries.
    """

    file: Path
    records: NDArray[np.void]

    def pictures(self) -> Iterator[tuple[np.void, NDArray[np.uint8]]]:
        """Each record with its pixels, (H, W, C) uint8."""
        content = np.memmap(self.file, np.uint8, "r") if len(self.records) else np.empty(0, np.uint8)
        for record in self.records:
            shape = (int(record["height"]), int(record["width"]), int(record["channels"]))
            start = int(record["offset"])
            yield record, content[start : start + shape[0] * shape[1] * shape[2]].reshape(shape)


def ingest(entries: Sequence[Entry], file: Path, findings: Findings, progress: Progress) -> Ingested:
    """Decode all pictures into a file.

    Args:
        entries: The pictures, with their names.
        file: Is written.
        findings: Told of each picture that cannot be taken, and of colours that nobody sees.
        progress: Called with the pictures read and those there are.

    Returns:
        What was read.
    """
    records = np.zeros(len(entries), RECORD)
    count = offset = 0
    with file.open("wb") as out:
        for number, entry in enumerate(entries):
            progress(number, len(entries))
            try:
                image = entry.picture.read()
            except RefusedPicture as refused:
                findings.add(refused.kind, entry.name, refused.detail)
                continue
            if image.shape[2] == 4:
                image, hidden = _without_hidden(image)
                if hidden:
                    findings.add("hidden colours", entry.name)
            records[count] = (number, offset, *image.shape, *_facts(image), _digest(image))
            offset += out.write(np.ascontiguousarray(image).data)
            count += 1
    progress(len(entries), len(entries))
    return Ingested(file, records[:count])


def _without_hidden(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """An RGBA image with colour 0 where it is transparent, and whether that changed anything."""
    clear = image[..., 3] == 0
    if not image[clear].any():
        return image, False
    return np.where(clear[..., None], np.uint8(0), image), True


def _facts(image: NDArray[np.uint8]) -> tuple[bool, bool, int, int, int]:
    channels = image.shape[2]
    colour = channels > 1 and bool((image[..., :1] != image[..., 1:3]).any())
    alpha = channels == 4 and bool((image[..., 3] < 255).any())
    found = blocks_of(image)
    return colour, alpha, found.factor, found.left, found.top


def _digest(image: NDArray[np.uint8]) -> int:
    """Of what is seen, so that the same picture saved as RGB and as RGBA is one."""
    height, width, channels = image.shape
    if channels == 4:
        seen = image
    else:
        seen = np.full((height, width, 4), 255, np.uint8)
        seen[..., :3] = image
    content = blake2b(np.ascontiguousarray(seen).data, digest_size=8, key=f"{height}x{width}".encode())
    return int.from_bytes(content.digest(), "big")
