"""What a person sees of long work: a live line in a terminal, quiet lines in a log. All of it on standard error."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from noisette.cli.common import tell
from noisette.progress import Progress as OnProgress
from noisette.progress import clock
from noisette.text import message, plain

if TYPE_CHECKING:
    from noisette.training.callback import Callback, StepInfo

_LOG_EVERY = 10.0  # seconds between two lines of a log
_REDRAW_EVERY = 0.1  # seconds
_LONGEST_TITLE = 40  # letters


@contextmanager
def download(title: str) -> Iterator[OnProgress]:
    """Show a bar for the bytes of a download.

    Args:
        title: What is fetched.

    Yields:
        Called with the bytes so far and those there are.
    """
    with _bar(f"fetching {title}", DownloadColumn()) as on_progress:
        yield on_progress


@contextmanager
def reading(title: str) -> Iterator[OnProgress]:
    """Show a bar for the images that are read.

    Args:
        title: Whose images.

    Yields:
        Called with the images so far and those there are.
    """
    with _bar(f"reading {title}", MofNCompleteColumn()) as on_progress:
        yield on_progress


@contextmanager
def making(title: str) -> Iterator[OnProgress]:
    """Show a bar for the members of a collection.

    Args:
        title: Whose collection.

    Yields:
        Called with the members so far and those there are.
    """
    with _bar(f"a collection of {title}", MofNCompleteColumn()) as on_progress:
        yield on_progress


@contextmanager
def drawing(title: str) -> Iterator[OnProgress]:
    """Show a bar for the steps of a sampler.

    Args:
        title: What is drawn.

    Yields:
        Called with the steps so far and those there are.
    """
    with _bar(f"drawing {title}", TimeRemainingColumn()) as on_progress:
        yield on_progress


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each stage of some work, one after the other; in a log, a line now and then.

    Yields:
        Called with the name of a stage, how much of it is done, and how much there is.
    """
    console = Console(stderr=True)
    bars = Progress(_title_column(), BarColumn(), TimeRemainingColumn(), console=console, transient=True)
    tasks: dict[str, TaskID] = {}
    logged = time.monotonic()

    def stage(what: str, done: int, total: int) -> None:
        nonlocal logged
        if not console.is_terminal:
            if time.monotonic() - logged > _LOG_EVERY:
                logged = time.monotonic()
                tell(f"{what}: {done / total:.0%}")
            return
        if what not in tasks:
            bars.start()
            tasks[what] = bars.add_task(plain(what, _LONGEST_TITLE), total=total)
        bars.update(tasks[what], completed=done, visible=done < total)

    try:
        yield stage
    finally:
        if bars.live.is_started:
            bars.stop()


@contextmanager
def training(title: str) -> Iterator[tuple[Callback, OnProgress]]:
    """Show a training: one live line in a terminal, a line now and then in a log.

    Args:
        title: Of the run.

    Yields:
        A callback for the training, and a bar for the download before it.
    """
    console = Console(stderr=True)
    callback = _LiveCallback(console, title) if console.is_terminal else _LogCallback(title)
    try:
        with download(title) as on_progress:
            yield callback, on_progress
    finally:
        callback.close()


def _title_column() -> TextColumn:
    """A column of titles, which may hold brackets: a name is no markup."""
    return TextColumn("{task.description}", markup=False)


@contextmanager
def _bar(title: str, figures: ProgressColumn) -> Iterator[OnProgress]:
    """A bar that appears with the first progress and goes when all is done; nothing outside a terminal."""
    console = Console(stderr=True)
    progress = Progress(_title_column(), BarColumn(), figures, console=console, transient=True)
    task: TaskID | None = None

    def on_progress(done: int, total: int) -> None:
        nonlocal task
        if not console.is_terminal:
            return
        if task is None:
            progress.start()
            task = progress.add_task(plain(title, _LONGEST_TITLE), total=total)
        progress.update(task, completed=done)
        if done >= total:
            progress.stop()

    try:
        yield on_progress
    finally:
        if progress.live.is_started:
            progress.stop()


class _Figures(ProgressColumn):
    """Loss, speed and time left."""

    def render(self, task: Task) -> Text:
        return Text(task.fields["figures"], no_wrap=True, overflow="ellipsis")


class _LiveCallback:
    """One bar that moves, with notes above it."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        # Everything on one line of 80 characters: a line that wraps leaves pieces of itself behind.
        columns = (
            _title_column(),
            BarColumn(bar_width=8),
            TextColumn("{task.percentage:>3.0f}%"),
            _Figures(),
        )
        self._progress = Progress(*columns, console=console)
        self._title, self._drawn = plain(title, _LONGEST_TITLE), 0.0
        self._task: TaskID | None = None

    def on_step(self, info: StepInfo) -> None:
        now = time.monotonic()
        if now - self._drawn < _REDRAW_EVERY and info.progress < 1:
            return
        self._drawn = now
        if self._task is None:
            self._task = self._progress.add_task(self._title, total=1.0, figures="")
            self._progress.start()
        self._progress.update(self._task, completed=info.progress, figures=_figures(info))

    def on_note(self, text: str) -> None:
        self._console.print(message(text), highlight=False, markup=False, emoji=False)

    def on_samples(self, epoch: int, path: Path) -> None:
        self.on_note(f"epoch {epoch}: {path}")

    def close(self) -> None:
        if self._task is not None:
            self._progress.stop()


class _LogCallback:
    """A line now and then."""

    def __init__(self, title: str) -> None:
        self._title, self._logged = title, -math.inf

    def on_step(self, info: StepInfo) -> None:
        now = time.monotonic()
        if now - self._logged >= _LOG_EVERY or info.progress >= 1:
            self._logged = now
            self.on_note(f"{self._title}: {info.progress:4.0%}  epoch {info.epoch}  {_figures(info)}")

    def on_note(self, text: str) -> None:
        tell(text)

    def on_samples(self, epoch: int, path: Path) -> None:
        self.on_note(f"epoch {epoch}: {path}")

    def close(self) -> None: ...


def _figures(info: StepInfo) -> str:
    left = "" if math.isinf(info.remaining) else f"  {clock(info.remaining)} left"
    held_out = "" if info.validation_loss is None else f" (validation {info.validation_loss:.4f})"
    return f"step {info.step}  loss {info.loss:.4f}{held_out}  {info.images_per_second:.0f} images/s{left}"
