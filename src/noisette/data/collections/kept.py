"""What is kept of each file of a collection between two readings, so that only what is new or changed is read again:
the decoded pixels of images, and the bytes of small files of metadata.

Both lie one behind the other in a file each, with an index of keys beside it. A key says which file it was, by its path
and its stamp, and which part of it: what has another key is another thing. A pool is written anew at each reading, with
what is still there, so that it holds nothing of what has vanished.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from noisette.data.collections.entries import Picture
from noisette.data.collections.tree import Stamp, Tree

TEXTS, TEXTS_INDEX = "texts", "texts.npy"
PIXELS, PIXELS_INDEX = "pixels", "pixels.npy"
FILES = (PIXELS, PIXELS_INDEX, TEXTS, TEXTS_INDEX)
"""Names of the files of both pools in a folder."""

MOST_OF_A_TEXT = 2**16
"""Bytes of a file of metadata that is kept: there may be one for each image. Larger ones are few, and read again."""

_TEXT = np.dtype([("key", "u8", (2,)), ("offset", "i8"), ("length", "i8")])
_NO_KEY = bytes(16)


class Index:
    """Finds rows by their keys.

    Args:
        keys: (N, 2) uint64.
    """

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        self._order = np.argsort(keys[:, 0], kind="stable")
        self._keys = keys[self._order]

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.intp]:
        """The row of each key, -1 of those that are not there.

        Args:
            keys: (M, 2) uint64.
        """
        if not len(self._keys):
            return np.full(len(keys), -1)
        places = np.searchsorted(self._keys[:, 0], keys[:, 0]).clip(max=len(self._keys) - 1)
        same = (self._keys[places] == keys).all(axis=1)
        found: NDArray[np.intp] = np.where(same, self._order[places], -1)
        return found


def keys_of_pictures(tree: Tree, pictures: Sequence[Picture], code: str) -> NDArray[np.uint64]:
    """What the pixels of pictures are known by.

    Args:
        tree: The files that they lie in.
        pictures: Frozen, with the `path` of a file and whatever says which part of it they are.
        code: What decodes them.

    Returns:
        (N, 2) uint64; 0 of a picture that says nothing of a file in the tree, and is not kept.
    """
    root = f"{tree.root}{os.sep}"
    keys = []
    for picture in pictures:
        path = str(getattr(picture, "path", "")).removeprefix(root).replace(os.sep, "/")
        stamp = tree.stamps.get(path)
        part = [getattr(picture, name) for name in _fields(type(picture)) if name not in ("path", "root")]
        if stamp is None or not all(map(_is_plain, part)):
            keys.append(_NO_KEY)
        else:
            keys.append(_key(path, stamp, f"{code} {type(picture).__name__} {part}"))
    return _as_array(keys)


def _fields(kind: type) -> Sequence[str]:
    return tuple(getattr(kind, "__dataclass_fields__", ()))


def _is_plain(value: object) -> bool:
    """Whether a value is written out in full, as an array of many numbers is not."""
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float)


def _key(path: str, stamp: Stamp, part: str = "") -> bytes:
    # By their lengths, since a name may hold whatever could stand between them.
    said = f"{len(path)} {path} {len(part)} {part} {stamp.size} {stamp.changed} {stamp.inode} {stamp.altered}"
    return blake2b(said.encode(errors="surrogateescape"), digest_size=16).digest()


def _as_array(keys: Sequence[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(keys), np.uint64).reshape(-1, 2)


def mapped(file: Path) -> NDArray[np.uint8]:
    """The bytes of a file, which stay on the disk until they are asked for."""
    # As a plain array: each of 100,000 slices of a memmap would be one again.
    return np.asarray(np.memmap(file, np.uint8, "r")) if file.stat().st_size else np.empty(0, np.uint8)


class KeptTexts:
    """The bytes of files of metadata as they were read last time, and those that are read now for the next.

    Args:
        tree: The files.
        before: A folder with a pool; None where there is none.
        file: Where what is read goes, open to be written; None to keep nothing.
        room: Bytes that may be written.
    """

    def __init__(self, tree: Tree, before: Path | None, file: BinaryIO | None, room: int) -> None:
        self._stamps, self._file, self._room = tree.stamps, file, room
        self._known: dict[str, tuple[int, int]] = {}
        self._rows: dict[str, tuple[int, int]] = {}
        self._end = 0
        if before is not None:
            images = frozenset(tree.images)
            names = [name for name, stamp in tree.stamps.items() if stamp.size <= MOST_OF_A_TEXT and name not in images]
            index = np.load(before / TEXTS_INDEX, allow_pickle=False)
            self._content = mapped(before / TEXTS)
            found = Index(index["key"]).find(_as_array([_key(name, tree.stamps[name]) for name in names]))
            places = list(zip(index["offset"].tolist(), index["length"].tolist(), strict=True))
            self._known = {name: places[row] for name, row in zip(names, found.tolist(), strict=True) if row >= 0}

    def get(self, name: str) -> bytes | None:
        """The content of a file that is as it was; None of any other."""
        row = self._known.get(name)
        if row is None:
            return None
        start, length = row
        content = self._content[start : start + length].tobytes()
        self.put(name, content)
        return content

    def put(self, name: str, content: bytes) -> None:
        """Keep what was read of a file for the next time, if it is small and there is room."""
        size = len(content)
        if self._file is None or name in self._rows or size > min(MOST_OF_A_TEXT, self._room - self._end):
            return
        self._file.write(content)
        self._rows[name] = (self._end, size)
        self._end += size

    def save(self, file: Path) -> None:
        """Write the index of what was kept."""
        index = np.zeros(len(self._rows), _TEXT)
        index["key"] = _as_array([_key(name, self._stamps[name]) for name in self._rows])
        index["offset"], index["length"] = np.array(list(self._rows.values()), np.int64).reshape(-1, 2).T
        np.save(file, index)
