"""noisette commands as processes of their own: they outlive the browser and the dashboard, and write a log."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noisette.errors import RequestError
from noisette.training.queue import entry_of

_TAIL = 4000  # bytes


@dataclass(frozen=True)
class Job:
    """name: the run's, or whatever else it is about."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def state(self) -> str:
        """`running`, `done`, `stopped` as it was asked to, or `failed`."""
        match self.process.poll():
            case None:
                return "running"
            case 0:
                return "done"
            case 75 | 130 | -15:
                return "stopped"
            case _:
                return "failed"


@dataclass
class Jobs:
    """Those that this dashboard began, by name; shared by its sessions."""

    _jobs: dict[str, Job] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, name: str, arguments: list[str], log: Path) -> Job:
        """Start `noisette ARGUMENTS`. Raises RequestError while one of that name runs."""
        with self._lock:
            if name in self._jobs and self._jobs[name].state == "running":
                raise RequestError(f"{name} is at work already")
            log.parent.mkdir(parents=True, exist_ok=True)
            detached: dict[str, Any] = (
                {"creationflags": 0x00000008 | 0x00000200} if os.name == "nt" else {"start_new_session": True}
            )
            with log.open("wb") as file:
                process: subprocess.Popen[bytes] = subprocess.Popen(
                    [sys.executable, "-m", "noisette", *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    **detached,
                )
            threading.Thread(
                target=process.wait, daemon=True
            ).start()  # or it stays in the table of processes when it ended
            self._jobs[name] = Job(name, process, log)
            return self._jobs[name]

    def all(self) -> list[Job]:
        """The newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))


def new_run(runs: Path, name: str) -> Path:
    """The folder of a run that is to be made. Raises RequestError for a name that is none, or is taken."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}", name):
        raise RequestError(f'a run cannot be called "{name}"; use letters, digits, dots, hyphens and underscores')
    if (runs / name).exists() or entry_of(runs / name):
        raise RequestError(f"there is a run {name} already; choose another name")
    return runs / name


def free_name(runs: Path, name: str) -> str:
    """The name, or the first of name-2, name-3, ... that is not taken."""
    number = 1
    while (runs / (found := name if number == 1 else f"{name}-{number}")).exists() or entry_of(runs / found):
        number += 1
    return found


def stop(run: Path) -> bool:
    """Ask the training of a run to save and leave, or to wait no longer; False if there is none."""
    ticket = entry_of(run)  # its process lives, so its number is its own
    if ticket is None:
        return False
    try:
        os.kill(ticket.pid, signal.SIGTERM)
    except OSError:  # it ended just now, or belongs to someone else
        return False
    return True


def log_of(runs: Path, name: str) -> Path:
    return runs / ".logs" / f"{name}.log"


def tail(log: Path, lines: int = 12) -> str:
    """The end of a log; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
