"""What arrays in files say of themselves: NumPy's and IDX's headers, of files that are packed or not."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from gzip import GzipFile
from math import isqrt, prod
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from noisette.files.reading import open_file

if TYPE_CHECKING:
    import numpy as np

MOST_OF_FILE = 2**40
"""Bytes of a file with arrays."""

LEAST_SIDE = 8
"""Pixels along a side of an image whose pixels lie in one row; a row of fewer numbers is one of other things."""

_NUMPY, _GZIP = b"\x93NUMPY", b"\x1f\x8b"
_LONGEST = 10_000  # bytes of a header; NumPy parses no longer ones, though it reads them
_OF_IDX = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@dataclass(frozen=True, slots=True)
class Header:
    """What an array says of itself.

    Attributes:
        shape: Of the array.
        dtype: Of its numbers.
        in_order: Whether the numbers of the first image come first, as C has them and Fortran does not.
        start: Bytes before the first of them.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    in_order: bool
    start: int

    @property
    def each(self) -> int:
        """Bytes of one image, or one label."""
        return prod(self.shape[1:]) * self.dtype.itemsize

    @property
    def bytes(self) -> int:
        """Of all its numbers."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def image(self) -> tuple[int, ...]:
        """Shape of one image: a square, where its pixels lie in one row, (N, 784), and can be one."""
        side = isqrt(self.shape[1]) if len(self.shape) == 2 else 0
        return (side, side) if side >= LEAST_SIDE and side * side == self.shape[1] else self.shape[1:]


def header_of(path: Path, root: Path, member: str = "") -> Header:
    """What an array says of itself; nothing else of it is read.

    Args:
        path: Of the file.
        root: The folder that it must lie in.
        member: Name of the array in a `.npz`; empty elsewhere.

    Raises:
        ValueError: It is no array that is taken.
        NoisetteError: The file cannot be opened. What else reading raises is in `DAMAGE`.
    """
    return _header(path, root, member, stamp_of(path))


@lru_cache(maxsize=64)
def _header(path: Path, root: Path, member: str, stamp: tuple[int, int]) -> Header:
    with unpacked(path, root, member) as file:
        begins = file.read(len(_NUMPY))
        file.seek(0)
        header = _of_numpy(file) if begins == _NUMPY else _of_idx(file)
    if header.dtype.hasobject:
        raise ValueError("it holds objects of Python, which would have to be run; save numbers")
    if any(size < 0 for size in header.shape):
        raise ValueError("its shape is none")
    return header


def _of_numpy(file: BinaryIO) -> Header:
    from numpy.lib import format as npy

    try:
        version, start = npy.read_magic(file), file.tell()
        length = int.from_bytes(file.read(2 if version == (1, 0) else 4), "little")
        if length > _LONGEST:
            raise ValueError(f"{length:,} bytes of it")
        file.seek(start)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python 2, which wrote the same otherwise
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, is_fortran, dtype = read(file)
    except Exception as error:  # a header is a text in Python's own notation, and what reads it raises all kinds
        raise ValueError(f"it has no header of an array: {error}") from error
    return Header(shape, dtype, not is_fortran or len(shape) < 2, file.tell())


def _of_idx(file: BinaryIO) -> Header:
    import numpy as np

    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _OF_IDX or not 1 <= magic[3] <= 4:
        raise ValueError("it has no header of an array")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise ValueError("it ends in its header")
    shape = tuple(int.from_bytes(sizes[place : place + 4], "big") for place in range(0, len(sizes), 4))
    return Header(shape, np.dtype(_OF_IDX[magic[2]]), True, file.tell())


@contextmanager
def unpacked(path: Path, root: Path, member: str) -> Iterator[BinaryIO]:
    """The bytes of an array, from its header on, unpacked as they are read. Arguments are those of `header_of`."""
    with open_file(path, most=MOST_OF_FILE, inside=root) as raw:
        if member:
            try:
                with zipfile.ZipFile(raw) as archive, archive.open(f"{member}.npy") as file:
                    yield cast("BinaryIO", file)
            except KeyError as error:
                raise ValueError("it is no longer there") from error
        elif is_packed(raw):
            with GzipFile(fileobj=raw) as file:
                yield cast("BinaryIO", file)
        else:
            yield raw


def is_packed(raw: BinaryIO) -> bool:
    """Whether a file is gzipped, by its first bytes; it is at its start again then."""
    begins = raw.read(len(_GZIP))
    raw.seek(0)
    return begins == _GZIP


def stamp_of(path: Path) -> tuple[int, int]:
    """What tells whether a file is still the same: bytes, and nanoseconds since 1970."""
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns
