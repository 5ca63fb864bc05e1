"""The curves of a training, for TensorBoard."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from noisette.files.atomic import sync

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Curves:
    """Scalars and pictures by step."""

    def __init__(self, writer: SummaryWriter | None, file: Path | None = None) -> None:
        """Write with a writer, into its file, or, with None, nothing: of several processes the first speaks for all."""
        self._writer, self._file = writer, file

    def add(self, step: int, scalars: Mapping[str, float]) -> None:
        """Add a point to each curve that is named."""
        if self._writer is not None:
            for tag, value in scalars.items():
                self._writer.add_scalar(tag, value, step)

    def add_picture(self, step: int, picture: NDArray[np.uint8]) -> None:
        """Add a grid of samples, (H, W, C)."""
        if self._writer is not None:
            self._writer.add_image("samples", picture, step, dataformats="HWC")

    def flush(self) -> None:
        """Return when all so far is on disk."""
        if self._writer is not None:
            self._writer.flush()
        if self._file is not None:
            sync(self._file)
            sync(self._file.parent)


@contextmanager
def open_curves(folder: Path | None, *, step: int) -> Iterator[Curves]:
    """Continue the curves of a run.

    Args:
        folder: Of the event files; None writes nothing.
        step: The last that counts: later points, of steps that will be taken again, disappear, so that no curve doubles
            back.
    """
    if folder is None:
        yield Curves(None)
        return
    from torch.utils.tensorboard import SummaryWriter

    # TensorBoard reads event files in the order of their names, which begin with the second they were made in.
    while any(folder.glob(f"events.out.tfevents.{int(time.time()):010d}.*")):
        time.sleep(0.05)
    with _errors_raised_once():
        writer = SummaryWriter(str(folder), purge_step=step + 1, flush_secs=2)
        try:
            yield Curves(writer, max(folder.glob("events.out.tfevents.*")))
        finally:
            writer.close()


@contextmanager
def _errors_raised_once() -> Iterator[None]:
    """What keeps TensorBoard's thread from writing is raised again at the next scalar; here its own traceback is left
    out.
    """
    before = threading.excepthook
    threading.excepthook = lambda what: None if issubclass(what.exc_type, OSError) else before(what)
    try:
        yield
    finally:
        threading.excepthook = before
