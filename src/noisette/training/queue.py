"""One training at a time on a machine: whoever trains or waits to holds a ticket, a file in the cache folder that dies
with its process.

queue/00001795463477000000000-4711.json     which run, since when, whether it runs or waits
queue/00001795463477000000000-4711.lock     locked as long as its process lives
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from noisette.files.atomic import write_text
from noisette.files.cache import cache_folder

_LOOK = 0.5  # seconds between two looks of someone who waits


@dataclass(frozen=True)
class Ticket:
    """run: the folder. since: when it was taken, in seconds since the epoch. running: or else it waits."""

    path: Path
    run: Path
    pid: int
    since: float
    running: bool


def tickets() -> list[Ticket]:
    """Those of living processes, the oldest first."""
    found = []
    for path in sorted(_folder().glob("*.json")):
        lock = FileLock(path.with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            try:
                said = json.loads(path.read_text(encoding="utf-8"))
                found.append(
                    Ticket(path, Path(said["run"]), int(said["pid"]), float(said["since"]), bool(said["running"]))
                )
            except (OSError, ValueError, LookupError, TypeError):
                continue  # given back while we read
        except OSError:
            continue
        else:  # its process died
            path.unlink(missing_ok=True)
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)
    return found


def ticket_of(run: Path) -> Ticket | None:
    """Of the process that trains a run, or waits to."""
    return next((ticket for ticket in tickets() if ticket.run == run.resolve()), None)


@contextmanager
def turn(run: Path, *, wait: bool, note: Callable[[str], None]) -> Iterator[None]:
    """The right to train.

    wait: until all who came before are done; else it begins beside them, which `note` is told.
    """
    _folder().mkdir(parents=True, exist_ok=True)
    path = _folder() / f"{time.time_ns():023d}-{os.getpid()}.json"
    lock = FileLock(path.with_suffix(".lock"))
    lock.acquire()
    facts = {"run": str(run.resolve()), "pid": os.getpid(), "since": time.time()}
    try:
        write_text(path, json.dumps({**facts, "running": not wait}))
        if not wait and (others := [ticket for ticket in tickets() if ticket.path != path and ticket.running]):
            note(f"{others[0].run} is being trained on this machine too, so both are slower; --queue waits for it")
        told: Path | None = None
        while wait and (ahead := _ahead(path)):
            if told != ahead[0].run:
                told = ahead[0].run
                note(f"waiting for {told}, {len(ahead)} before this one" if len(ahead) > 1 else f"waiting for {told}")
            time.sleep(_LOOK)
        write_text(path, json.dumps({**facts, "running": True}))
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def _ahead(path: Path) -> list[Ticket]:
    """Who runs, and who has waited longer."""
    return [ticket for ticket in tickets() if ticket.path != path and (ticket.running or ticket.path.name < path.name)]


def _folder() -> Path:
    return cache_folder() / "queue"
