"""One training at a time on a machine: whoever trains or waits to has an entry in the queue, a file in the cache folder
that dies with its process.

queue/00001795463477000000000-4711.json     which run, since when, whether it runs or waits
queue/00001795463477000000000-4711.lock     locked as long as its process lives
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from filelock import BaseFileLock, FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field

from noisette.errors import NoisetteError
from noisette.files.atomic import write_text
from noisette.files.cache import HINT, cache_folder
from noisette.files.reading import read_model

_POLL_EVERY = 0.5  # seconds between two looks of a training that waits


class _Ticket(BaseModel):
    """What the file of an entry says. A signal goes to its process, so its number is that of one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    run: Annotated[str, Field(min_length=1, max_length=10_000)]
    pid: Annotated[int, Field(ge=2, lt=2**31)]
    since: Annotated[float, Field(ge=0)]
    running: bool


@dataclass(frozen=True)
class QueueEntry:
    """A training that runs or waits.

    Attributes:
        path: Its file in the queue; names sort by age.
        run: The run folder, resolved.
        pid: Of the process, which is alive.
        since: When it joined the queue, in seconds since the epoch.
        running: Whether it trains; else it waits.
    """

    path: Path
    run: Path
    pid: int
    since: float
    running: bool


def queue_entries() -> list[QueueEntry]:
    """The entries of living processes, the oldest first; those of dead ones are removed."""
    found = []
    for path in sorted(_folder().glob("*.json")):
        lock = FileLock(path.with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            try:
                said = read_model(_Ticket, path, inside=path.parent)
            except NoisetteError:
                continue  # removed while we read, or none of ours
            found.append(QueueEntry(path, Path(said.run), said.pid, said.since, said.running))
        except OSError:
            continue
        else:  # its process died
            _remove(path)
            lock.release()
            _remove(Path(lock.lock_file))
    return found


def entry_of(run: Path) -> QueueEntry | None:
    """The entry of the process that trains a run, or waits to; None if there is no such process."""
    return next((entry for entry in queue_entries() if entry.run == run.resolve()), None)


@contextmanager
def slot(run: Path, *, wait: bool, note: Callable[[str], None]) -> Iterator[None]:
    """Hold the machine's slot for a training. Where the queue cannot be written there is none, and `note` is told so.

    Args:
        run: The run folder.
        wait: Until all that came before are done. Otherwise it begins beside them, and `note` is told so.
        note: Called with a line for a person.
    """
    entry: _Entry | None = None
    try:
        try:
            entry = _Entry.join(run, running=not wait)
            _take_turns(entry, wait=wait, note=note)
        except OSError as error:
            note(
                f"note: cannot write {_folder()}: {error.strerror or error}; it trains without waiting for others, and"
                f" they do not see it; {HINT}"
            )
        yield
    finally:
        if entry is not None:
            entry.leave()


def _take_turns(entry: _Entry, *, wait: bool, note: Callable[[str], None]) -> None:
    """Wait, or tell whom it begins beside."""
    if not wait:
        if others := [each for each in queue_entries() if each.path != entry.path and each.running]:
            note(f"{others[0].run} is being trained on this machine too, so both are slower; --queue waits for it")
        return
    noted: Path | None = None
    while ahead := _ahead(entry.path):
        if noted != ahead[0].run:
            noted = ahead[0].run
            note(f"waiting for {noted}, {len(ahead)} before this one" if len(ahead) > 1 else f"waiting for {noted}")
        time.sleep(_POLL_EVERY)
    entry.write(running=True)


@dataclass(frozen=True)
class _Entry:
    """Our own entry: a file, and a lock that lives as long as we do."""

    path: Path
    lock: BaseFileLock
    facts: dict[str, Any]

    @classmethod
    def join(cls, run: Path, *, running: bool) -> _Entry:
        """Raises OSError where the queue cannot be written."""
        _folder().mkdir(parents=True, exist_ok=True)
        path = _folder() / f"{time.time_ns():023d}-{os.getpid()}.json"
        entry = cls(
            path,
            FileLock(path.with_suffix(".lock")),
            {"run": str(run.resolve()), "pid": os.getpid(), "since": time.time()},
        )
        entry.lock.acquire()
        try:
            entry.write(running=running)
        except BaseException:
            entry.leave()
            raise
        return entry

    def write(self, *, running: bool) -> None:
        write_text(self.path, json.dumps({**self.facts, "running": running}))

    def leave(self) -> None:
        _remove(self.path)
        self.lock.release()
        _remove(Path(self.lock.lock_file))


def _ahead(path: Path) -> list[QueueEntry]:
    """The entries that run, and those that have waited longer."""
    return [entry for entry in queue_entries() if entry.path != path and (entry.running or entry.path.name < path.name)]


def _remove(path: Path) -> None:
    with suppress(OSError):  # of a folder that can only be read
        path.unlink(missing_ok=True)


def _folder() -> Path:
    return cache_folder() / "queue"
