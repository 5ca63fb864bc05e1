"""The pictures of a collection, decoded once, one after the other, into one file: memory holds one at a time.

A picture of blocks of one colour is kept reduced by its own blocks: art that was enlarged forty times takes a
thousandth of the room, and nothing is lost. One for which there is no room at all is decoded again when it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noisette.data.collections.entries import Entry, RefusedPicture
from noisette.data.collections.findings import Findings
from noisette.data.collections.kept import PIXELS, PIXELS_INDEX, Index, keys_of_pictures, mapped
from noisette.data.collections.scale import Enlargement, blocks_of, own_blocks, reduce, reduced_size, restored
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.progress import Progress
from noisette.text import plain

RECORD = np.dtype(
    [
        ("key", "u8", (2,)),
        ("entry", "i8"),
        ("offset", "i8"),
        ("height", "i4"),
        ("width", "i4"),
        ("channels", "i4"),
        ("colour", "?"),
        ("alpha", "?"),
        ("hidden", "?"),
        ("factor", "i4"),
        ("left", "i4"),
        ("top", "i4"),
        ("digest", "u8"),
    ]
)
"""What is known of a picture that was read.

- key: what it is known by at the next reading; see `noisette.data.collections.kept`.
- entry: its index among the entries.
- offset: where its bytes are in the file, reduced by its own blocks; -1 if they are not there.
- height, width, channels: what it has itself, (H, W, C).
- colour, alpha, hidden: whether any pixel is not grey, is not opaque, has a colour that nobody sees.
- factor, left, top: of which blocks it is made; see `noisette.data.collections.scale.blocks_of`.
- digest: of its pixels, whatever file holds them.
"""


@dataclass(frozen=True)
class Ingested:
    """Pictures that were read.

    Attributes:
        file: Their pixels.
        records: (M,) of `RECORD`, in the order of the entries.
        entries: All pictures, those too that were not read.
    """

    file: Path
    records: NDArray[np.void]
    entries: Sequence[Entry]

    def picture(self, record: np.void, enlarged: Enlargement) -> NDArray[np.uint8]:
        """The pixels of one of the records.

        Args:
            record: It.
            enlarged: What it is reduced by.

        Returns:
            (H, W, C) uint8.

        Raises:
            RequestError: There was no room for it, and it is no longer what it was.
        """
        size = (int(record["height"]), int(record["width"]))
        own = own_blocks(int(record["factor"]), int(record["left"]), int(record["top"]))
        start, channels = int(record["offset"]), int(record["channels"])
        if start < 0:
            return restored(self._again(record), Enlargement(), size, enlarged)
        height, width = reduced_size(own, *size) if own.factor > 1 else size
        small = self._content[start : start + height * width * channels].reshape(height, width, channels)
        return restored(small, own, size, enlarged)

    @cached_property
    def _content(self) -> NDArray[np.uint8]:
        return mapped(self.file)

    def _again(self, record: np.void) -> NDArray[np.uint8]:
        entry = self.entries[int(record["entry"])]
        try:
            image, _ = _without_hidden(entry.picture.read())
        except RefusedPicture:
            image = np.empty((0, 0, 1), np.uint8)
        if _digest(image) != record["digest"]:
            raise RequestError(f"{plain(entry.name, 200)} was changed while it was read; read the folder again")
        return image


def ingest(
    tree: Tree,
    entries: Sequence[Entry],
    folder: Path,
    findings: Findings,
    progress: Progress,
    before: Path | None = None,
    room: int = 2**62,
    code: str = "",
) -> Ingested:
    """Decode all pictures into a file.

    Args:
        tree: The files that they are in.
        entries: The pictures, with their names.
        folder: The file is written there, and what finds the pictures in it the next time.
        findings: Told of each picture that cannot be taken, and of colours that nobody sees.
        progress: Called with the pictures read and those there are.
        before: A folder with such files of an earlier reading; what has not changed is taken from there.
        room: Bytes that the pixels may take.
        code: What decodes: pixels of an earlier reading by another are not taken.

    Returns:
        What was read.
    """
    records = np.zeros(len(entries), RECORD)
    keys = keys_of_pictures(tree, [entry.picture for entry in entries], code)
    known, content = np.zeros(0, RECORD), np.empty(0, np.uint8)
    if before is not None:
        known, content = np.load(before / PIXELS_INDEX, allow_pickle=False), mapped(before / PIXELS)
    places = Index(known["key"]).find(keys).tolist()
    count = offset = 0
    with (folder / PIXELS).open("wb") as out:
        for number, entry in enumerate(entries):
            progress(number, len(entries))
            if (place := places[number]) >= 0:
                record = known[place].copy()
                start, end = int(record["offset"]), int(record["offset"]) + _bytes_of(record)
                small = content[start:end]
            else:
                try:
                    image, hidden = _without_hidden(entry.picture.read())
                except RefusedPicture as refused:
                    findings.add(refused.kind, entry.name, refused.detail)
                    continue
                record = np.zeros((), RECORD)[()]
                colour, alpha, found = _facts(image)
                blocks = (found.factor, found.left, found.top)
                record = np.array(
                    (keys[number], 0, 0, *image.shape, colour, alpha, hidden, *blocks, _digest(image)), RECORD
                )[()]
                own = own_blocks(*blocks)
                small = np.ascontiguousarray(reduce(image, own) if own.factor > 1 else image)
            if record["hidden"]:
                findings.add("hidden colours", entry.name)
            record["entry"] = number
            record["offset"] = offset if small.nbytes <= room - offset else -1
            if record["offset"] >= 0:
                offset += out.write(small.data)
            records[count] = record
            count += 1
    progress(len(entries), len(entries))
    records = records[:count]
    is_kept = (records["offset"] >= 0) & records["key"].any(axis=1)
    np.save(folder / PIXELS_INDEX, records[is_kept])
    return Ingested(folder / PIXELS, records, entries)


def _bytes_of(record: np.void) -> int:
    """That a picture takes in the file."""
    own = own_blocks(int(record["factor"]), int(record["left"]), int(record["top"]))
    height, width = reduced_size(own, int(record["height"]), int(record["width"]))
    return height * width * int(record["channels"])


def _without_hidden(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """An image with colour 0 where it is transparent, and whether that changed anything."""
    if image.shape[2] != 4:
        return image, False
    clear = image[..., 3] == 0
    if not image[clear].any():
        return image, False
    return np.where(clear[..., None], np.uint8(0), image), True


def _facts(image: NDArray[np.uint8]) -> tuple[bool, bool, Enlargement]:
    """Whether it has colour, and alpha; its blocks."""
    channels = image.shape[2]
    colour = channels > 1 and bool((image[..., :1] != image[..., 1:3]).any())
    alpha = channels == 4 and bool((image[..., 3] < 255).any())
    return colour, alpha, blocks_of(image)


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
