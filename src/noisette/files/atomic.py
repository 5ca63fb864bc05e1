"""Writing files so that a crash, a full disk or a second process never leaves half of one."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

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
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:_LONGEST_HINT]}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes it private
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        if replace:
            temporary.replace(path)
        else:
            _move_where_nothing_is(temporary, path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """`text` as UTF-8, atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def file_sha256(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last through a power cut, where the system can (Windows cannot open a folder)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
