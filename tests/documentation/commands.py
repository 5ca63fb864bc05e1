"""What the documentation tells a person to type: found in its pages, and run as a person would, in a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = (
    "accelerate",
    "make",
    "noisette",
    "pip",
    "pre-commit",
    "python",
    "source",
    "streamlit",
    "tensorboard",
    "torchrun",
)
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_COMMAND = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:{'|'.join(PROGRAMS)}) (?!-)\S")
_WHOLE = re.compile(r"(?!noisette \w+(?: -|$))")  # `noisette tune` alone is the name of a verb
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # what a terminal is told of colours and places
_PATTERN = re.compile(r"\b[A-Z]{3,}\b(?!=)|\.\.\.|\[|…|\bA,B\b")  # RUN, NAME, DIR: a form to be filled in
HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Command:
    """Something to type.

    Attributes:
        place: Page and line.
        text: As it stands there.
        python: Whether it is Python, and not for a shell.
    """

    place: str
    text: str
    python: bool = False


def commands_of(page: str, text: str) -> list[Command]:
    """All commands of a page in their order: blocks of code, indented lines, and whole commands within a sentence."""
    found: list[tuple[int, str, bool]] = []

    def block(match: re.Match[str]) -> str:
        start = match.start("text")
        if match["language"] == "python":
            found.append((start, match["text"], True))
        elif match["language"] in ("sh", "bash", "console"):
            for line in re.finditer(r"^(?:\$ )?(\S.*(?:\\\n.*)*)$", match["text"], re.MULTILINE):
                found.append((start + line.start(1), line[1], False))
        return re.sub(r"[^\n]", " ", match[0])  # what follows looks at the rest

    rest = _FENCE.sub(block, text)
    for line in re.finditer(r"^ {4,}(\S.*)$", rest, re.MULTILINE):
        if _COMMAND.match(line[1]) and not _PATTERN.search(line[1].partition("#")[0]):
            # Two columns are a table of commands: what stands behind two spaces tells what they do.
            found.append((line.start(1), re.split(r" {2,}(?!#)", line[1])[0], False))
    prose = re.sub(r"^ {4,}\S.*$", lambda match: " " * len(match[0]), rest, flags=re.MULTILINE)
    for span in _INLINE.finditer(prose):
        if _COMMAND.match(span[1]) and _WHOLE.match(span[1]) and not _PATTERN.search(span[1]):
            found.append((span.start(1), span[1], False))
    return [Command(f"{page}:{text.count(chr(10), 0, at) + 1}", said, python) for at, said, python in sorted(found)]


@dataclass(frozen=True)
class Outcome:
    """What became of a command.

    Attributes:
        status: Its exit status; negative after a signal.
        screen: What stood on the terminal.
        stopped: Whether it was interrupted, since it had shown that it works.
    """

    status: int
    screen: str
    stopped: bool


def typed(
    command: Command, folder: Path, environment: dict[str, str], begun: Callable[[str], bool] | None, seconds: float
) -> Outcome:
    """Type a command in a terminal.

    Args:
        command: As it stands in the documentation.
        folder: Where.
        environment: All its variables.
        begun: Told what stands on the screen; Ctrl-C is pressed once it says yes. None to let the command end by itself.
        seconds: After which it is given up.
    """
    arguments = (
        [sys.executable, "-c", _STATEMENTS, command.text] if command.python else ["/bin/bash", "-c", command.text]
    )
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        arguments,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=folder,
        env=environment,
        start_new_session=True,
        preexec_fn=_hear_signals,  # noqa: PLW1509  (it only sets signals)
    )
    os.close(terminal)
    shown, stopped, limit = b"", False, time.monotonic() + seconds
    try:
        while time.monotonic() < limit:
            if select.select([screen], [], [], 0.1)[0]:
                try:
                    shown += os.read(screen, 65536)
                except OSError:  # nobody is at the other end
                    break
            if begun is not None and not stopped and begun(_STYLE.sub("", shown.decode(errors="replace"))):
                stopped = True
                os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(5.0, limit - time.monotonic()))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
        os.close(screen)
    return Outcome(status, shown.decode(errors="replace"), stopped)


_STATEMENTS = """
import ast, sys
import noisette
for statement in ast.parse(sys.argv[1]).body:  # one after the other, as in a notebook, where an interrupt ends but one
    try:
        exec(compile(ast.Module([statement], []), "documentation", "exec"))
    except noisette.Stopped as stopped:
        print(stopped)
"""


def _hear_signals() -> None:
    """Whoever runs the tests under nohup, or in the background of a script, has them ignored."""
    for number in HEARD:
        signal.signal(number, signal.SIG_DFL)
