"""What a person sees of long work: a live line in a terminal, quiet lines in a log. All of it on standard error."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from noisette.progress import Progress as Count
from noisette.progress import clock

if TYPE_CHECKING:
    from noisette.training.watcher import Moment, Watcher

_LOG_EVERY = 10.0  # seconds between two lines of a log
_REDRAW_EVERY = 0.1  # seconds


@contextmanager
def download(title: str) -> Iterator[Count]:
    """A bar for the bytes of a download."""
    with _bar(f"fetching {title}", DownloadColumn()) as count:
        yield count


@contextmanager
def drawing(title: str) -> Iterator[Count]:
    """A bar for the steps of a sampler."""
    with _bar(f"drawing {title}", TimeRemainingColumn()) as count:
        yield count


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each thing that is done, one after the other; where nobody watches, a line now and then."""
    console = Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console, transient=True
    )
    tasks: dict[str, TaskID] = {}
    told = time.monotonic()

    def stage(what: str, done: int, total: int) -> None:
        nonlocal told
        if not console.is_terminal:
            if time.monotonic() - told > _LOG_EVERY:
                told = time.monotonic()
                print(f"{what}: {done / total:.0%}", file=sys.stderr, flush=True)
            return
        if what not in tasks:
            bars.start()
            tasks[what] = bars.add_task(what, total=total)
        bars.update(tasks[what], completed=done, visible=done < total)

    try:
        yield stage
    finally:
        if bars.live.is_started:
            bars.stop()


@contextmanager
def training(title: str) -> Iterator[tuple[Watcher, Count]]:
    """A watcher for a training, and a bar for the download before it."""
    console = Console(stderr=True)
    watcher = _Live(console, title) if console.is_terminal else _Log(title)
    try:
        with download(title) as count:
            yield watcher, count
    finally:
        watcher.close()


@contextmanager
def _bar(title: str, figures: ProgressColumn) -> Iterator[Count]:
    """A bar that appears with the first count and goes with the last; nothing where nobody watches."""
    console = Console(stderr=True)
    progress = Progress(TextColumn("{task.description}"), BarColumn(), figures, console=console, transient=True)
    task: TaskID | None = None

    def count(done: int, total: int) -> None:
        nonlocal task
        if not console.is_terminal:
            return
        if task is None:
            progress.start()
            task = progress.add_task(title, total=total)
        progress.update(task, completed=done)
        if done >= total:
            progress.stop()

    try:
        yield count
    finally:
        if progress.live.is_started:
            progress.stop()


class _Figures(ProgressColumn):
    """Loss, speed and time left."""

    def render(self, task: Task) -> Text:
        return Text(task.fields["figures"], no_wrap=True, overflow="ellipsis")


class _Live:
    """One bar that moves, with notes above it."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        # Everything on one line of 80 characters: a line that wraps leaves pieces of itself behind.
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=8),
            TextColumn("{task.percentage:>3.0f}%"),
            _Figures(),
        )
        self._progress = Progress(*columns, console=console)
        self._title, self._drawn = title, 0.0
        self._task: TaskID | None = None

    def step(self, moment: Moment) -> None:
        now = time.monotonic()
        if now - self._drawn < _REDRAW_EVERY and moment.progress < 1:
            return
        self._drawn = now
        if self._task is None:
            self._task = self._progress.add_task(self._title, total=1.0, figures="")
            self._progress.start()
        self._progress.update(self._task, completed=moment.progress, figures=_figures(moment))

    def note(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)

    def samples(self, epoch: int, path: Path) -> None:
        self.note(f"epoch {epoch}: {path}")

    def close(self) -> None:
        if self._task is not None:
            self._progress.stop()


class _Log:
    """A line now and then."""

    def __init__(self, title: str) -> None:
        self._title, self._told = title, -math.inf

    def step(self, moment: Moment) -> None:
        now = time.monotonic()
        if now - self._told >= _LOG_EVERY or moment.progress >= 1:
            self._told = now
            self.note(f"{self._title}: {moment.progress:4.0%}  epoch {moment.epoch}  {_figures(moment)}")

    def note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def samples(self, epoch: int, path: Path) -> None:
        self.note(f"epoch {epoch}: {path}")

    def close(self) -> None: ...


def _figures(moment: Moment) -> str:
    left = "" if math.isinf(moment.remaining) else f"  {clock(moment.remaining)} left"
    return f"step {moment.step}  loss {moment.loss:.4f}  {moment.images_per_second:.0f} images/s{left}"
