"""How much of the disk the cache may take: what was used least recently makes room, and never what is in use."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from noisette.errors import NoisetteError
from noisette.files.cache import HINT

MOST_BYTES = 16 * 2**30
"""Of one kind of thing in the cache, unless half of what is free is less."""

_MARK = "in-use-"
_GONE = ".noisette-tmp"  # the end of names that `noisette.files.atomic` sweeps away, where this one is killed
_numbers = count()
_log = logging.getLogger(__name__)


def limit(used: int, free: int) -> int:
    """How many bytes things of one kind may take together.

    Args:
        used: By them now.
        free: On their disk.
    """
    return min(MOST_BYTES, (used + free) // 2)


def free_bytes(folder: Path) -> int:
    """Bytes that can be written on the disk of a folder; those above it tell where it is not there yet."""
    there = next((each for each in (folder, *folder.parents) if each.is_dir()), folder)
    try:
        return shutil.disk_usage(there).free
    except OSError:
        return 0


def check_disk(folder: Path, needed: int, what: str) -> None:
    """Refuse before anything is written what would fill the disk.

    Args:
        folder: That is written into.
        needed: Bytes.
        what: That needs them, in words.

    Raises:
        NoisetteError: There is no room for it.
    """
    if needed > (free := free_bytes(folder)):
        raise NoisetteError(
            f"{what} need {needed / 2**20:,.1f} MiB in the cache, where {free / 2**20:,.1f} are free; {HINT}"
        )


def used(folder: Path) -> None:
    """Say that a thing in the cache was used now: others go first."""
    with suppress(OSError):
        os.utime(folder)


def hold(folder: Path, user: object) -> None:
    """Keep a folder from being removed for as long as an object lives, or this process does.

    Args:
        folder: A thing in the cache.
        user: What uses it.
    """
    lock = FileLock(folder / f"{_MARK}{os.getpid()}-{next(_numbers)}.lock")
    try:
        lock.acquire(timeout=0)
    except (OSError, Timeout):
        return  # of another user, or read-only: whoever cannot write here is not protected
    weakref.finalize(user, _release, lock, os.getpid())


def _release(lock: FileLock, owner: int) -> None:
    if os.getpid() != owner:
        return  # a forked child shares the lock, and its death must not end it
    with suppress(OSError):
        lock.release()
        Path(lock.lock_file).unlink()


def is_used(folder: Path) -> bool:
    """Whether a process that lives holds a folder; the marks of those that were killed are removed."""
    for mark in folder.glob(f"{_MARK}*.lock"):
        try:
            with FileLock(mark, timeout=0):
                pass
            mark.unlink()
        except (OSError, Timeout):
            return True
    return False


def remove(folder: Path, *, even_used: bool = False) -> bool:
    """Remove a thing from the cache at once, as whoever looks sees it.

    Args:
        folder: It.
        even_used: Whether it goes though it is in use, as what is damaged does.

    Returns:
        Whether it is gone: not where it is in use, or the system refuses.
    """
    if not folder.exists() or (not even_used and is_used(folder)):
        return False
    grave = None
    try:
        grave = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".removed.", suffix=_GONE))
        folder.rename(grave / folder.name)
    except OSError:
        return False
    finally:
        if grave is not None:
            shutil.rmtree(grave, ignore_errors=True)
    return True


def make_room(folder: Path, things: Iterable[Path], *, needed: int = 0) -> int:
    """Remove things from the cache, the least recently used first, until all of a kind together keep to the limit.

    Args:
        folder: That they lie in.
        things: Folders in it.
        needed: Bytes that are to be written beside them.

    Returns:
        Bytes that may still be written; 0 where what is in use takes all of it.
    """
    sizes, times = {}, {}
    for thing in things:
        with suppress(OSError):  # another process may remove it meanwhile
            sizes[thing], times[thing] = _size(thing), thing.stat().st_mtime_ns
    taken = sum(sizes.values())
    most = limit(taken, free_bytes(folder))
    for thing in sorted(sizes, key=times.__getitem__):
        if taken + needed <= most:
            break
        if remove(thing):
            taken -= sizes[thing]
            size, kept = sizes[thing] / 2**20, most / 2**30
            _log.info("removed from the cache, which keeps to %.1f GiB: %s (%.0f MiB)", kept, thing, size)
    return max(0, most - taken)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
