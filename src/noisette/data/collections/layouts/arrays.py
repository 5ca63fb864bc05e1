"""NumPy arrays: `.npy` with images, or `.npz` with images and labels; nothing in them is run."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from noisette.data.collections.entries import Entry, Listing, RefusedPicture, Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.metadata import MOST_OF_ONE, read_text
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.files.reading import within
from noisette.text import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_IMAGES = ("images", "image", "x", "data", "arr_0", "pixels")
_LABELS = ("labels", "label", "y", "targets", "target", "classes")
_SPLITS = {"train": "", "test": "test", "val": "validation", "valid": "validation", "validation": "validation", "": ""}
"""What follows `x_`, and the split that it means; the images of `x_train` are divided by their content."""
_CLASSES = ("classes.txt", "labels.txt", "class_names.txt")
MOST_BYTES = 2**36
_LARGEST_MEMBER = 2**33
"""Bytes of an array in a `.npz`, which is unpacked into memory."""


@dataclass(frozen=True, slots=True)
class ArrayImage:
    """One image of an array. See `Picture`.

    Attributes:
        path: Of the file.
        root: The folder that it must lie in.
        member: Name of the array in a `.npz`; empty in a `.npy`.
        place: Its index.
    """

    path: Path
    root: Path
    member: str
    place: int

    def read(self) -> NDArray[np.uint8]:
        """The pixels, (H, W, C) uint8. Raises RefusedPicture."""
        try:
            return _as_image(opened(self.path, self.root, self.member)[self.place])
        except (RequestError, OSError, IndexError) as error:
            raise RefusedPicture("unreadable", str(error)) from error


class _Arrays:
    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        return not tree.images and bool(tree.of(".npy", ".npz"))

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        files = tree.of(".npy", ".npz")
        arrays = {(name, member): _shape(tree, name, member) for name in files for member in _members(tree, name)}
        classes = _classes(tree, findings)
        entries: list[Entry] = []
        splits: dict[str, str] = {}
        used: set[tuple[str, str]] = set()
        for (name, member), shape in arrays.items():
            kind, split = _kind(name, member)
            if len(shape) < 3 or kind not in ("", *_IMAGES):
                continue
            used.add((name, member))
            labels = {
                key: opened(tree.path(key[0]), tree.root, key[1])
                for key, its in arrays.items()
                if len(its) == 1 and its[0] == shape[0] and _kind(*key)[1] == split
            }
            used |= labels.keys()
            its_name = f"{name}:{member}" if member else name
            columns = {_label(key): _values(array, classes) for key, array in labels.items()}
            for place in range(shape[0]):
                label = f"{its_name}#{place}"
                traits = tuple(Trait(column, values[place]) for column, values in columns.items())
                entries.append(Entry(label, ArrayImage(tree.path(name), tree.root, member, place), traits))
                if split:
                    splits[label] = split
        for key in arrays:
            if key not in used:
                findings.add("not understood", ":".join(filter(None, key)), "no images, and no label for each")
        if not entries:
            raise RequestError(f"no array in {plain(str(tree.root), 200)} holds images: (N, H, W) or (N, H, W, C)")
        tell_rest(tree, {*files, *tree.of(*_CLASSES)}, findings)
        return Listing("NumPy arrays", entries, splits=splits)


def opened(path: Path, root: Path, member: str) -> NDArray[np.generic]:
    """An array of a file, checked before it is read. Raises RequestError."""
    within(path, root, failure=RequestError)
    return _opened(path, member, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _opened(path: Path, member: str, changed: int) -> NDArray[np.generic]:
    import numpy as np

    try:
        if not member:
            array: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            with zipfile.ZipFile(path) as archive, archive.open(f"{member}.npy") as file:
                if archive.getinfo(f"{member}.npy").file_size > _LARGEST_MEMBER:
                    raise ValueError("it is larger than any that is taken; save it as .npy")
                array = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, MemoryError) as error:
        raise RequestError(f"{plain(path.name, 100)} cannot be read as an array: {error}") from error
    return array


def _members(tree: Tree, name: str) -> list[str]:
    if name.lower().endswith(".npy"):
        return [""]
    try:
        with zipfile.ZipFile(tree.path(name)) as archive:
            return [each.removesuffix(".npy") for each in archive.namelist() if each.endswith(".npy")]
    except (OSError, zipfile.BadZipFile) as error:
        raise RequestError(f"{plain(name, 100)} cannot be read: {error}") from error


def _shape(tree: Tree, name: str, member: str) -> tuple[int, ...]:
    """Of an array that is images or labels; empty of any other, whose objects would have to be run."""
    try:
        return opened(tree.path(name), tree.root, member).shape
    except RequestError:
        if not member:
            raise
        return ()


def _kind(name: str, member: str) -> tuple[str, str]:
    """What an array is called, and the split that its name says: `x_train` is x of train."""
    called = (member or PurePosixPath(name).stem).lower()
    for split, meant in _SPLITS.items():
        if split and called.startswith(f"{split}_"):
            return called.removeprefix(f"{split}_"), meant
        if split and called.endswith(f"_{split}"):
            return called.removesuffix(f"_{split}"), meant
    return (called if member else "" if called not in _LABELS else called), ""


def _label(key: tuple[str, str]) -> str:
    kind = _kind(*key)[0] or PurePosixPath(key[0]).stem
    return "class" if kind in _LABELS else kind


def _values(array: NDArray[np.generic], classes: Mapping[int, str]) -> list[str | int | float | bool]:
    return [classes.get(value, value) if isinstance(value, int) else value for value in array.tolist()]


def _classes(tree: Tree, findings: Findings) -> dict[int, str]:
    for name in tree.of(*_CLASSES):
        text = read_text(tree, name, findings, most=MOST_OF_ONE) or ""
        return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
    return {}


def _as_image(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    """(H, W, C) uint8 of an image in whichever of the usual forms. Raises RefusedPicture."""
    import numpy as np

    if image.dtype == np.bool_:
        image = image.astype(np.uint8) * np.uint8(255)
    if image.dtype.kind == "f":
        scaled = image.astype(np.float64) * 255
        if not (np.isfinite(scaled).all() and (scaled >= 0).all() and (scaled <= 255).all()):
            raise RefusedPicture("unreadable", "numbers outside 0 to 1")
        if np.abs(scaled - np.rint(scaled)).max() > 1e-3:
            raise RefusedPicture("unreadable", "numbers that are no 255ths; save the bytes")
        image = np.rint(scaled).astype(np.uint8)
    if image.dtype != np.uint8:
        if image.dtype.kind not in "iu" or image.min() < 0 or image.max() > 255:
            raise RefusedPicture("16 bits", f"{image.dtype}")
        image = image.astype(np.uint8)
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim == 3 and image.shape[2] not in (1, 3, 4) and image.shape[0] in (1, 3, 4):
        image = image.transpose(1, 2, 0)
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4):
        raise RefusedPicture("unreadable", f"no image, but an array of {image.shape}")
    return np.ascontiguousarray(image, dtype=np.uint8)


LAYOUT = _Arrays()
