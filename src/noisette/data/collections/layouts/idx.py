"""Arrays in IDX files, the format of MNIST and Fashion-MNIST, gzipped or not (LeCun 1998)."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast

from noisette.data.collections.entries import Entry, Listing, RefusedPicture, Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import Tree
from noisette.errors import NoisetteError, RequestError
from noisette.files.reading import open_file
from noisette.text import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BYTES = 0x08  # the only type of number that images come in
_MOST_BYTES = 2**33
_TEST = ("t10k", "test")


@dataclass(frozen=True, slots=True)
class IdxImage:
    """One image of an IDX file. See `Picture`.

    Attributes:
        path: Of the file.
        root: The folder that it must lie in.
        place: Its index.
    """

    path: Path
    root: Path
    place: int

    def read(self) -> NDArray[np.uint8]:
        """The pixels, (H, W, C) uint8. Raises RefusedPicture."""
        try:
            image: NDArray[np.uint8] = read_idx(self.path, self.root)[self.place]
        except (NoisetteError, IndexError) as error:
            raise RefusedPicture("unreadable", str(error)) from error
        return image[..., None] if image.ndim == 2 else image


class _Idx:
    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        return not tree.images and any(_dimensions(tree, name) >= 3 for name in _files(tree))

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        files = _files(tree)
        arrays = {name: read_idx(tree.path(name), tree.root) for name in files if _dimensions(tree, name)}
        entries: list[Entry] = []
        splits: dict[str, str] = {}
        for name, images in arrays.items():
            if images.ndim < 3:
                continue
            beginning = PurePosixPath(name).name.split("-")[0].split(".")[0].split("_")[0].lower()
            labels = [
                other
                for other, array in arrays.items()
                if array.ndim == 1
                and len(array) == len(images)
                and PurePosixPath(other).name.lower().startswith(beginning)
            ]
            for place in range(len(images)):
                traits = (Trait("class", int(arrays[labels[0]][place])),) if labels else ()
                label = f"{name}#{place}"
                entries.append(Entry(label, IdxImage(tree.path(name), tree.root, place), traits))
                if beginning in _TEST:
                    splits[label] = "test"
        if not entries:
            raise RequestError(f"no IDX file in {plain(str(tree.root), 200)} holds images")
        tell_rest(tree, files, findings)
        return Listing("IDX files", entries, splits=splits)


def read_idx(path: Path, root: Path) -> NDArray[np.uint8]:
    """The array of an IDX file.

    Args:
        path: Of the file, gzipped where its name ends in .gz.
        root: The folder that it must lie in.

    Raises:
        RequestError: It is none, of other numbers than bytes, or damaged.
    """
    with open_file(path, most=_MOST_BYTES, inside=root, failure=RequestError):
        pass
    return _read(path, root, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, root: Path, changed: int) -> NDArray[np.uint8]:
    import numpy as np

    with open_file(path, most=_MOST_BYTES, inside=root, failure=RequestError) as raw:
        file = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw
        try:
            shape = _head(file)
            if not shape:
                raise RequestError(f"{plain(path.name, 100)} is no IDX file of bytes")
            wanted = prod(shape)
            if wanted > _MOST_BYTES:
                raise RequestError(f"{plain(path.name, 100)} says that it holds {wanted:,} bytes, more than are taken")
            content = file.read(wanted + 1)  # and not all that it unpacks to
        except (OSError, EOFError, zlib.error) as error:
            raise RequestError(f"{plain(path.name, 100)} is damaged: {error}") from error
    if len(content) != wanted:
        raise RequestError(f"{plain(path.name, 100)} is damaged: it holds {len(content):,} bytes, not {wanted:,}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _head(file: BinaryIO) -> tuple[int, ...]:
    """The shape that an IDX file says; empty where it is none, or of other numbers."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] != _BYTES or not 1 <= magic[3] <= 4:
        return ()
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        return ()
    return tuple(int.from_bytes(sizes[place : place + 4], "big") for place in range(0, len(sizes), 4))


def _files(tree: Tree) -> list[str]:
    return [name for name in tree.files if "idx" in name.lower() or name.lower().endswith(("ubyte", "ubyte.gz"))]


def _dimensions(tree: Tree, name: str) -> int:
    try:
        with open_file(tree.path(name), most=_MOST_BYTES, inside=tree.root) as raw:
            file = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if name.endswith(".gz") else raw
            return len(_head(file))
    except (NoisetteError, OSError, EOFError, zlib.error):
        return 0


LAYOUT = _Idx()
