"""noisette commands as processes of their own: they outlive the browser and the dashboard, and write a log."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noisette.children import command, environment
from noisette.errors import NoisetteError, RequestError
from noisette.files.reading import open_file
from noisette.training.queue import entry_of

_TAIL = 4000  # bytes
_LONGEST_LOG = 2**40
_MEASUREMENTS = ("evaluate ", "report ")
"""How the names of jobs start that train nothing; no run that is made here has a space in its name."""


@dataclass(frozen=True)
class Job:
    """A command that this dashboard started.

    Args:
        name: The run's, or `evaluate ...` and `report ...`.
        process: The process of the command.
        log: The file that its output goes to.
    """

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

    @property
    def measures(self) -> bool:
        """Whether it evaluates or reports; else it trains."""
        return self.name.startswith(_MEASUREMENTS)

    @property
    def reason(self) -> str:
        """Why it failed: the last line of its log."""
        return (tail(self.log, 1) or "?").removeprefix("error: ")


@dataclass
class Jobs:
    """The jobs that this dashboard started, by name; its sessions share them."""

    _jobs: dict[str, Job] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, name: str, arguments: list[str], log: Path) -> Job:
        """Start `noisette ARGUMENTS`.

        Args:
            name: Of the job; one at a time has it.
            arguments: Of the command.
            log: Where its output goes; written over.

        Raises:
            RequestError: A job of that name runs.
        """
        with self._lock:
            if name in self._jobs and self._jobs[name].state == "running":
                raise RequestError(f"{name} is at work already")
            log.parent.mkdir(parents=True, exist_ok=True)
            detached: dict[str, Any] = (
                {"creationflags": 0x00000008 | 0x00000200} if os.name == "nt" else {"start_new_session": True}
            )
            with log.open("wb") as file:
                process: subprocess.Popen[bytes] = subprocess.Popen(
                    command("-m", "noisette", *arguments),
                    env=environment(PYTHONIOENCODING="utf-8"),  # as `tail` reads it
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    **detached,
                )
            # Somebody must wait for it, or it stays in the table of processes when it has ended.
            threading.Thread(target=process.wait, daemon=True).start()
            self._jobs[name] = Job(name, process, log)
            return self._jobs[name]

    def all(self) -> list[Job]:
        """All jobs, the newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))


def new_run(runs: Path, name: str) -> Path:
    """The folder of a run that is to be made.

    Raises:
        RequestError: The name is none, or is taken.
    """
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
    """Ask the training of a run to save and leave, or to wait no longer.

    Returns:
        Whether there was one to ask.
    """
    waiting = entry_of(run)  # its process lives, so its number is its own
    if waiting is None:
        return False
    try:
        os.kill(waiting.pid, signal.SIGTERM)
    except OSError:  # it ended just now, or belongs to someone else
        return False
    return True


def log_of(runs: Path, name: str) -> Path:
    """The log of a job."""
    return runs / ".logs" / f"{name.replace('/', '-').replace(' ', '-')}.log"


def tail(log: Path, lines: int = 12) -> str:
    """The end of a log; empty if there is none."""
    try:
        with open_file(log, most=_LONGEST_LOG, inside=log.parent) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            return "\n".join(file.read(_TAIL).decode(errors="replace").splitlines()[-lines:])
    except (NoisetteError, OSError):
        return ""
