"""Where the command writes: standard output and standard error, which take whatever is written to them.

A name may hold letters that their encoding has not, and they may be full, closed, or read by nobody any more; the work
that a command is there for must not end over that.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from noisette.cli.common import tell

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Outlet(io.RawIOBase):
    """A file that takes all bytes. After the first that could not be written, it drops them.

    Attributes:
        error: Why it could not be written; None while it could.
    """

    def __init__(self, raw: io.RawIOBase) -> None:
        """Write to `raw`, which stays open."""
        self._raw = raw
        self.error: OSError | None = None

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The number of the file that it writes to."""
        return self._raw.fileno()

    def isatty(self) -> bool:
        """Whether that is a terminal."""
        return self._raw.isatty()

    def write(self, data: ReadableBuffer, /) -> int:
        """Write some of the bytes, and say how many."""
        while self.error is None:
            try:
                written = self._raw.write(data)
            except OSError as error:
                self.error = error
            else:
                if written is not None:
                    return written
                select.select([], [self._raw], [])  # a pipe that does not wait, and is full
        return len(memoryview(data).cast("B"))


class _Closed(io.TextIOWrapper):
    """Stands in the place of a stream that was closed before the program began; what it is given is lost."""

    closed_before = True


def open_streams() -> None:
    """Make standard output and standard error what is described above; once, and never where another program has put
    something in their place.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed: the next file would get its number, and whatever is written to it
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _opened(sys.__stdout__)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _opened(sys.__stderr__)


def tell_unless_answered() -> None:
    """Tell the person where standard output did not take the whole answer. Who closed a pipe has read enough."""
    with suppress(OSError):
        sys.stdout.flush()
    outlet = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    error = outlet.error if isinstance(outlet, Outlet) else None
    if error is not None and error.errno != errno.EPIPE:
        tell(f"note: all is done, but the answer could not be written: {error.strerror or error}")


def _opened(stream: TextIO | None) -> TextIO:
    if stream is None:
        return _Closed(open(os.devnull, "wb"), encoding="utf-8")  # noqa: PTH123
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    raw: Any = getattr(stream.buffer, "raw", stream.buffer)
    return io.TextIOWrapper(
        io.BufferedWriter(Outlet(raw)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
