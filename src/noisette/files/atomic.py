"""Writing files and folders so that a crash, a power cut, a full disk or a second process never leaves half of one."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

_TEMPORARY = ".noisette-tmp"
"""The end of every temporary name, by which what a killed process left is known."""
_ABANDONED = 3600.0
"""Seconds without a change after which nobody writes a temporary file any more."""
_LONGEST_HINT = 40  # characters of a file's name in that of its temporary one, which must not be too long for the disk
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES}
"""What file systems without hard links say, such as FAT, and some that forbid them."""


def write_atomically(path: Path, write: Callable[[Path], object], *, replace: bool = True) -> None:
    """Let `write` fill a temporary file beside `path`, then flush it to the disk and move it into place.

    Args:
        path: Of the file.
        write: Fills the temporary file that it is called with.
        replace: Whether a file that is there is replaced.

    Raises:
        FileExistsError: Something is there, and is not to be replaced.
    """
    _sweep(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=_TEMPORARY)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes it private
        sync(temporary)
        if replace:
            temporary.replace(path)
        else:
            _move_where_nothing_is(temporary, path)
    finally:
        with suppress(OSError):  # it has another name by now; or the disk fails, whose first error is the one to tell
            temporary.unlink()
    try:
        sync(path.parent)
    except OSError:
        if not replace:  # what failed is not there, so that the same command can be given again
            with suppress(OSError):
                path.unlink()
        raise


def write_text(path: Path, text: str) -> None:
    """`text` as UTF-8, atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_folder_atomically(path: Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` make what is in a temporary folder beside `path`, then flush all of it and rename it into place.

    Raises OSError where there is a folder of that name with something in it; it stays as it is.
    """
    _sweep(path.parent)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=_prefix(path), suffix=_TEMPORARY))
    try:
        temporary.chmod(0o777 & ~_umask())
        fill(temporary)
        for each in temporary.rglob("*"):
            sync(each)
        sync(temporary)
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    try:
        sync(path.parent)
    except OSError:
        shutil.rmtree(path, ignore_errors=True)  # as above
        raise


@contextmanager
def temporary_folder(beside: Path) -> Iterator[Path]:
    """A folder that is there for a while: removed at the end, or later where the process is killed.

    Args:
        beside: The folder that it is made in.
    """
    _sweep(beside)
    folder = Path(tempfile.mkdtemp(dir=beside, prefix=".", suffix=_TEMPORARY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_unfinished(path: Path) -> None:
    """Remove what killed processes left of a folder that they wrote; only for who may write it alone."""
    for each in path.parent.glob(f"{glob.escape(_prefix(path))}*{_TEMPORARY}"):
        shutil.rmtree(each, ignore_errors=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there, so that they last through a power cut."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync(each.parent)


def sync(path: Path) -> None:
    """Flush a file to the disk, or the names in a folder, where the system can (Windows cannot open a folder)."""
    if os.name != "posix" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prefix(path: Path) -> str:
    return f".{path.name[:_LONGEST_HINT]}."


def _move_where_nothing_is(source: Path, target: Path) -> None:
    """Raises FileExistsError if anything is there, however late it came."""
    try:
        os.link(source, target)
        return
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # without links the name is held by an empty file
    try:
        source.replace(target)
    except OSError:
        target.unlink(missing_ok=True)
        raise


@cache
def _sweep(folder: Path) -> None:
    """Remove what killed processes left in a folder long ago; looked for once in a process."""
    with suppress(OSError):
        for each in folder.glob(f".*{_TEMPORARY}"):
            if time.time() - each.stat().st_mtime > _ABANDONED:
                shutil.rmtree(each) if each.is_dir() else each.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
