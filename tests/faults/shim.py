"""The preloaded library of `faults.c`: built, loaded into a child, and called there."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
KINDS = {
    name: 1 << place
    for place, name in enumerate("read open create write sync rename unlink mkdir resize link chmod".split())
}
ALL = sum(KINDS.values())
NEED_ROOM = KINDS["create"] | KINDS["write"] | KINDS["mkdir"] | KINDS["resize"] | KINDS["link"]
CHANGES = ALL & ~KINDS["read"]


@dataclass(frozen=True)
class Fault:
    """How operations fail.

    Attributes:
        name: For people.
        error: Its number.
        kinds: Which operations are counted; the n-th of them fails.
        again: Which fail from then on.
    """

    name: str
    error: int
    kinds: int
    again: int = 0


FAULTS = (
    Fault("ENOSPC", errno.ENOSPC, CHANGES),
    Fault("EIO", errno.EIO, ALL),
    Fault("EACCES", errno.EACCES, ALL),
    Fault("ENOSPC from then on", errno.ENOSPC, CHANGES, NEED_ROOM),
    Fault("EIO from then on", errno.EIO, ALL, ALL),
)
"""A disk that is full stays full, and one that breaks stays broken; one that is full can still remove and rename."""


def why_not() -> str | None:
    """What is missing here to build it."""
    if not sys.platform.startswith("linux"):
        return "LD_PRELOAD as it is on Linux"
    return None if shutil.which("cc") else "a C compiler"


def built(folder: Path) -> Path:
    """Compile it into a folder."""
    library = folder / "faults.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
    subprocess.run([*command, "-o", str(library), str(SOURCE), "-ldl", "-lpthread"], check=True)
    return library


class Shim:
    """The library in a process that was started with it."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)

    def arm(self, root: Path, nth: int, fault: Fault, log: int) -> None:
        """Make the n-th operation below a folder fail; with 0 none. Each is written to the descriptor `log`."""
        self._library.faults_arm(os.fsencode(root), ctypes.c_long(nth), fault.error, fault.kinds, fault.again, log)

    def record(self, root: Path, trace: int) -> None:
        """Write each operation below a folder to the descriptor `trace`."""
        self._library.faults_record(os.fsencode(root), trace)

    def mark(self, word: str) -> None:
        """Write a word into the trace."""
        self._library.faults_mark(word.encode())

    def rest(self) -> None:
        self._library.faults_rest()


@dataclass(frozen=True)
class Operation:
    """One line of a trace.

    Attributes:
        kind: create, write, resize, sync, rename, unlink, mkdir, link, or mark.
        inode: Of the file or folder; what a rename puts in place.
        offset: Of a write; the new size.
        path: That it was done to, where it was done by name; the word of a mark.
        other: The new name.
        data: That was written.
    """

    kind: str
    inode: int
    offset: int
    path: str
    other: str
    data: bytes


def read_trace(file: Path) -> Iterator[Operation]:
    content = file.read_bytes()
    place = 0
    while place < len(content):
        end = content.index(b"\n", place)
        kind, inode, offset, *sizes = content[place:end].split()
        parts, place = [], end + 1
        for size in map(int, sizes):
            parts.append(content[place : place + size])
            place += size
        yield Operation(kind.decode(), int(inode), int(offset), os.fsdecode(parts[0]), os.fsdecode(parts[1]), parts[2])
