"""Arrays in files (NumPy's `.npy` and `.npz`, IDX): their shapes by their headers, and their images one by one.

A header is never believed: what it says is held against the bytes that there are before anything is made of it. Objects
of Python, which would have to be run, are refused by it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from gzip import GzipFile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from noisette.data.collections.entries import Entry, Listing, Raw, RefusedPicture
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.headers import (
    MOST_OF_FILE,
    Header,
    header_of,
    is_packed,
    stamp_of,
    unpacked,
)
from noisette.data.collections.metadata import TraitReader
from noisette.data.collections.packed import DAMAGE, is_bomb
from noisette.data.collections.pictures import MOST_BYTES, MOST_SIDE
from noisette.data.collections.tree import MOST_FILES, Tree
from noisette.errors import NoisetteError, RequestError
from noisette.files.reading import open_file
from noisette.text import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_AT_ONCE = 2**32
"""Bytes of an array that is held in memory: of labels, and of images that are packed."""

_BLOCK = 2**20
_OF_IMAGES, _OF_LABELS = "buif", "buifUS"  # kinds of numbers, and of texts


@dataclass(frozen=True, slots=True)
class Stored:
    """An array of a file that holds what its header says.

    Attributes:
        name: Of the file, in its tree.
        member: Its own in a `.npz`; empty elsewhere.
        header: What it says of itself.
    """

    name: str
    member: str
    header: Header

    @property
    def label(self) -> str:
        """What it is called in findings."""
        return f"{self.name}:{self.member}" if self.member else self.name

    @property
    def holds_images(self) -> bool:
        """Whether it may hold images, by its shape and its numbers."""
        return len(self.header.shape) >= 3 and self._may_be_pixels

    @property
    def holds_rows_of_pixels(self) -> bool:
        """Whether it may hold images whose pixels lie in one row each, (N, 784)."""
        return len(self.header.shape) == 2 and len(self.header.image) == 2 and self._may_be_pixels

    @property
    def _may_be_pixels(self) -> bool:
        return self.header.dtype.kind in _OF_IMAGES and self.header.bytes > 0

    def is_label_of(self, images: Stored) -> bool:
        """Whether it has one number, or one text, or a row of them, for each image of another one."""
        shape = self.header.shape
        return len(shape) in (1, 2) and shape[:1] == images.header.shape[:1] and self.header.dtype.kind in _OF_LABELS


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One image of an array. See `Picture`.

    Attributes:
        path: Of the file.
        root: The folder that it must lie in.
        member: Name of the array in a `.npz`; empty elsewhere.
        place: Its index.
    """

    path: Path
    root: Path
    member: str
    place: int

    def read(self) -> NDArray[np.uint8]:
        """The pixels, (H, W, C) uint8. Raises RefusedPicture."""
        try:
            return as_image(_image(self.path, self.root, self.member, self.place))
        except (*DAMAGE, NoisetteError) as error:
            raise RefusedPicture("unreadable", str(error)) from error


def arrays_in(tree: Tree, names: Sequence[str], findings: Findings) -> list[Stored]:
    """The arrays of files that hold what their headers say.

    Args:
        tree: The files.
        names: Those that may hold arrays.
        findings: Told of each that cannot be read, with the reason; the others count.
    """
    found: list[Stored] = []
    for name in names:
        for member in _members(tree, name, findings):
            label = f"{name}:{member}" if member else name
            try:
                header = header_of(tree.path(name), tree.root, member)
                _check(tree.path(name), tree.root, member, header)
            except (*DAMAGE, NoisetteError) as error:
                findings.add("unreadable", label, str(error) or type(error).__name__)
                continue
            found.append(Stored(name, member, header))
    return found


def listing_of(
    tree: Tree, how: str, entries: Sequence[Entry], splits: Mapping[str, str], findings: Findings
) -> Listing:
    """What a layout of arrays gives back.

    Args:
        tree: The files.
        how: What it is, such as "IDX files".
        entries: The images of all arrays.
        splits: Of each image whose file says it, by its name.
        findings: What was told of the arrays that are not among them.

    Raises:
        RequestError: There are no images, or more than are read.
    """
    where = plain(str(tree.root), 200)
    if not entries:
        reasons = findings.of("unreadable").names
        raise RequestError(
            f"none of the {how} in {where} holds images that can be read"
            + (f": {reasons[0]}" if reasons else "; they are of the shape (N, H, W) or (N, H, W, C)")
        )
    if len(entries) > MOST_FILES:
        raise RequestError(f"{where} holds {len(entries):,} images; {MOST_FILES:,} at most are read")
    if all(entry.traits is None for entry in entries):
        entries = [replace(entry, traits=()) for entry in entries]  # there are no labels that could be missing
    for entry in entries:
        if entry.traits is None:
            findings.add("no metadata", entry.name)
    return Listing(how, entries, splits=splits)


def entries_of(
    tree: Tree, images: Stored, columns: Mapping[str, Sequence[Raw]], reader: TraitReader
) -> Iterator[Entry]:
    """The images of an array, each with its labels.

    Args:
        tree: The files.
        images: The array, (N, H, W) or (N, H, W, C) or (N, C, H, W).
        columns: Name of a trait -> its values, N; none where nothing is known of the images.
        reader: Makes the traits.
    """
    path = tree.path(images.name)
    for place in range(images.header.shape[0]):
        label = f"{images.label}#{place}"
        traits = reader.pairs([(name, values[place]) for name, values in columns.items()], label) if columns else None
        yield Entry(label, StoredImage(path, tree.root, images.member, place), traits)


def array_of(tree: Tree, stored: Stored, findings: Findings) -> NDArray[np.generic] | None:
    """A whole array, such as labels are; None if it cannot be read, which the findings are told."""
    path = tree.path(stored.name)
    try:
        return _all(path, tree.root, stored.member, stamp_of(path))
    except (*DAMAGE, NoisetteError) as error:
        findings.add("unreadable", stored.label, str(error))
        return None


def _check(path: Path, root: Path, member: str, header: Header) -> None:
    """Hold what a header says against what there is; packed files are unpacked for it once, and nothing is kept.

    Raises:
        ValueError: Something is missing, or there is more of it than is taken.
    """
    if header.shape and header.shape[0] > MOST_FILES:
        raise ValueError(f"it says that it holds {header.shape[0]:,} images; {MOST_FILES:,} at most are read")
    size = path.stat().st_size
    with unpacked(path, root, member) as file:
        if not member and not isinstance(file, GzipFile):
            if size < header.start + header.bytes:
                raise ValueError(_missing(size - header.start, header))
            return
        if is_bomb(size, header.bytes) or header.bytes > MOST_AT_ONCE:
            raise ValueError(f"it unpacks to {header.bytes:,} bytes, more than are taken; save it as .npy")
        file.seek(header.start)
        there = 0
        while there < header.bytes and (block := file.read(min(_BLOCK, header.bytes - there))):
            there += len(block)
        if there < header.bytes:
            raise ValueError(_missing(there, header))
        file.read(1)  # at the end of a packed file its checksum is held against what came out


def _missing(there: int, header: Header) -> str:
    whole = there // header.each if header.each else 0
    return f"its end is missing: {max(0, whole):,} of {header.shape[0]:,} are there" if header.shape else "it is empty"


def _image(path: Path, root: Path, member: str, place: int) -> NDArray[np.generic]:
    """One image of an array, (H, W) or with channels first or last; of its file no more than that is read, if it can
    be."""
    import numpy as np

    stamp = stamp_of(path)
    header = header_of(path, root, member)
    if not 0 <= place < header.shape[0]:
        raise ValueError("it is no longer there")
    if header.each > MOST_BYTES or max(header.image) > MOST_SIDE:
        raise RefusedPicture("too large", "x".join(map(str, header.image)))
    with open_file(path, most=MOST_OF_FILE, inside=root) as file:
        if header.in_order and not member and not is_packed(file):
            file.seek(header.start + place * header.each)
            content = file.read(header.each)
            if len(content) < header.each:
                raise ValueError("its end is missing")
            return np.frombuffer(content, header.dtype).reshape(header.image)
    return cast("NDArray[np.generic]", _all(path, root, member, stamp)[place].reshape(header.image))


@lru_cache(maxsize=2)
def _all(path: Path, root: Path, member: str, stamp: tuple[int, int]) -> NDArray[np.generic]:
    """A whole array, for the images that come after the first."""
    import numpy as np

    header = header_of(path, root, member)
    if header.bytes > MOST_AT_ONCE:
        raise ValueError(f"{header.bytes:,} bytes would have to be held in memory; save it in the order of C")
    with unpacked(path, root, member) as file:
        file.seek(header.start)
        content = file.read(header.bytes)
    if len(content) < header.bytes:
        raise ValueError(_missing(len(content), header))
    array: NDArray[np.generic] = np.frombuffer(content, header.dtype)
    return array.reshape(header.shape, order="C" if header.in_order else "F")


def _members(tree: Tree, name: str, findings: Findings) -> list[str]:
    """The arrays of a `.npz`; of any other file the one that it is."""
    if not name.lower().endswith(".npz"):
        return [""]
    try:
        with open_file(tree.path(name), most=MOST_OF_FILE, inside=tree.root) as raw, zipfile.ZipFile(raw) as archive:
            sizes = {each.filename: each.file_size for each in archive.infolist()}
        if is_bomb(tree.stamps[name].size, sum(sizes.values())):
            raise ValueError(f"it unpacks to {sum(sizes.values()):,} bytes, more than are taken")
    except (*DAMAGE, NoisetteError) as error:
        findings.add("unreadable", name, str(error))
        return []
    for each in sizes:
        if not each.endswith(".npy"):
            findings.add("not understood", f"{name}:{each}")
    return [each.removesuffix(".npy") for each in sizes if each.endswith(".npy")]


def as_image(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    """An image in whichever of the usual forms as bytes.

    Args:
        image: (H, W), (H, W, C) or (C, H, W): truths, whole numbers to 255, or 255ths from 0 to 1.

    Returns:
        (H, W, C) uint8.

    Raises:
        RefusedPicture: Something would be lost, or it is no image.
    """
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
