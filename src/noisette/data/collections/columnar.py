"""Rows of Arrow and Parquet files, a few at a time, and the images in their columns.

Neither is believed: a file is opened inside its folder alone, what Arrow files say of their buffers is checked before
any is looked at, and images are decoded by `noisette.data.collections.pictures`.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from noisette.data.collections.entries import RefusedPicture
from noisette.data.collections.pictures import MOST_BYTES, content_of, decoded
from noisette.errors import NoisetteError, RequestError
from noisette.files.reading import open_file
from noisette.text import brief

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

SUFFIXES = (".parquet", ".arrow")
"""Of the files that are read."""

HOW_TO_INSTALL = "install it with: pip install 'noisette[huggingface]'"

_MOST_OF_FILE = 2**40
_ROWS_AT_ONCE = 32  # of a Parquet file: images are large
_REST = 2**62  # rows behind a place from which on a file cannot be read: nobody knows how many there are
_DAMAGE = (NoisetteError, OSError, ValueError, KeyError, IndexError, TypeError, NotImplementedError, MemoryError)
"""What pyarrow raises of damaged files; its own errors are kinds of these."""


@dataclass(frozen=True)
class Rows:
    """Some rows of a file.

    Attributes:
        first: The index of the first of them.
        count: How many there are.
        batch: Their columns; None where they cannot be read.
        wrong: Why not.
    """

    first: int
    count: int
    batch: pa.RecordBatch | None
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class RowImage:
    """The image of a row. See `Picture`.

    Attributes:
        path: Of the file.
        root: The folder that it must lie in, and the image too where a row has its path and not its bytes.
        column: Name of the column.
        place: Index of the row.
    """

    path: Path
    root: Path
    column: str
    place: int

    def read(self) -> NDArray[np.uint8]:
        """The pixels, (H, W, C) uint8. Raises RefusedPicture."""
        try:
            value = _cursor(self.path, self.root, self.column, self.path.stat().st_mtime_ns).value(self.place)
        except _DAMAGE as error:
            raise RefusedPicture("unreadable", in_short(error)) from error
        return decoded(_content(value, self.root))


def is_installed() -> bool:
    """Whether there is what reads these files."""
    return find_spec("pyarrow") is not None


def schema_of(path: Path, root: Path) -> pa.Schema:
    """The columns of a file.

    Args:
        path: Of the file.
        root: The folder that it must lie in.

    Raises:
        RequestError: It cannot be read.
    """
    try:
        with open_file(path, most=_MOST_OF_FILE, inside=root) as file:
            schema = _parquet(file).schema_arrow if _is_parquet(path) else _arrow(file).schema
        _check_names(schema)
        return schema
    except _DAMAGE as error:
        raise RequestError(in_short(error)) from error


def rows_of(path: Path, root: Path, columns: Sequence[str]) -> Iterator[Rows]:
    """The rows of a file, from the first on.

    Args:
        path: Of the file.
        root: The folder that it must lie in.
        columns: Names of those that are wanted.

    Yields:
        Some rows with these columns; without them where a part of the file is damaged.
    """
    first = 0
    try:
        with open_file(path, most=_MOST_OF_FILE, inside=root) as file:
            for rows in _of_parquet(file, columns) if _is_parquet(path) else _of_arrow(file, columns):
                first = rows.first + rows.count
                yield rows
    except _DAMAGE as error:
        yield Rows(first, _REST, None, in_short(error))


def in_short(error: BaseException) -> str:
    """What is wrong with a file, in one line."""
    return brief(str(error).strip().partition("\n")[0] or type(error).__name__, 200)


def _check_names(fields: Iterable[pa.Field]) -> None:
    """Raise where a name inside a schema is no UTF-8, which only shows when it is asked for."""
    for field in fields:
        _ = field.name
        _check_names(field.type.field(place) for place in range(field.type.num_fields))


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _parquet(file: BinaryIO) -> Any:
    from pyarrow import parquet

    # Read page by page: a group of rows may be as large as the whole file.
    return parquet.ParquetFile(file, pre_buffer=False, buffer_size=2**20)


def _of_parquet(file: BinaryIO, columns: Sequence[str]) -> Iterator[Rows]:
    opened = _parquet(file)
    first = 0
    for group in range(opened.num_row_groups):
        count, done = opened.metadata.row_group(group).num_rows, 0
        try:
            for batch in opened.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=columns, use_threads=False):
                yield Rows(first + done, batch.num_rows, batch.select(columns))
                done += batch.num_rows
        except _DAMAGE as error:  # the next group stands for itself
            yield Rows(first + done, max(0, count - done), None, in_short(error))
        first += count


def _arrow(file: BinaryIO) -> Any:
    """The stream that `datasets` writes, or Arrow's file format."""
    from pyarrow import ipc

    magic = file.read(6)
    file.seek(0)
    return ipc.open_file(file) if magic == b"ARROW1" else ipc.open_stream(file)


def _of_arrow(file: BinaryIO, columns: Sequence[str]) -> Iterator[Rows]:
    opened = _arrow(file)
    batches = (
        map(opened.get_batch, range(opened.num_record_batches)) if hasattr(opened, "num_record_batches") else opened
    )
    first = 0
    for batch in batches:
        try:
            chosen = batch.select(columns)
            chosen.validate(full=True)  # or an offset that leads out of its buffer would be followed
            yield Rows(first, batch.num_rows, chosen)
        except _DAMAGE as error:
            yield Rows(first, batch.num_rows, None, in_short(error))
        first += batch.num_rows


class _Cursor:
    """One column of a file, which is read from its beginning to its end."""

    def __init__(self, path: Path, root: Path, column: str) -> None:
        self._whole = (path, root, [column])
        self._rest, self._now = rows_of(*self._whole), Rows(0, 0, None)

    def value(self, place: int) -> Any:
        """What stands in a row. Raises RefusedPicture where it cannot be read."""
        if place < self._now.first:
            self._rest, self._now = rows_of(*self._whole), Rows(0, 0, None)
        while place >= self._now.first + self._now.count:
            following = next(self._rest, None)
            if following is None:
                raise RefusedPicture("unreadable", "the column of images ends before this row")
            self._now = following
        if self._now.batch is None:
            raise RefusedPicture("unreadable", self._now.wrong)
        return self._now.batch.column(0)[place - self._now.first].as_py()


@lru_cache(maxsize=2)
def _cursor(path: Path, root: Path, column: str, changed: int) -> _Cursor:
    return _Cursor(path, root, column)


atexit.register(_cursor.cache_clear)  # while there is still what closes its files


def _content(value: Any, root: Path) -> bytes:
    """The file of an image that a row holds, or says the path of. Raises RefusedPicture."""
    said = value if isinstance(value, dict) else {"bytes": value}
    content, path = said.get("bytes"), said.get("path")
    if isinstance(content, bytes):
        if len(content) > MOST_BYTES:
            raise RefusedPicture("too large")
        return content
    if isinstance(path, str) and path:
        try:
            return content_of(root / path, root)
        except RefusedPicture as refused:
            if refused.kind != "vanished":
                raise
            raise RefusedPicture("no image", brief(path)) from refused
    raise RefusedPicture("no image", "null")
