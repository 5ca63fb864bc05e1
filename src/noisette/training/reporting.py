"""What a training tells: its curves, its status file, and the callback."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noisette.store.run import Run
from noisette.training.budget import Budget
from noisette.training.callback import Callback, StepInfo
from noisette.training.curves import Curves
from noisette.training.smoothing import RunningAverage, lowest_before_rise
from noisette.training.state import State

_STATUS_EVERY = 1.0  # seconds
_SPEED_EVERY = 10  # steps


class Reporter:
    """Tells of the steps of a training in one process; of several processes only the first one's is heard."""

    def __init__(
        self, run: Run, curves: Curves, callback: Callback, budget: Budget, *, main: bool, begun: int = 0
    ) -> None:
        """Begin to tell.

        Args:
            run: Whose status is written.
            curves: Where each step is recorded.
            callback: Told of each step.
            budget: Of the training.
            main: Whether this is the first process; the others write no status.
            begun: The step that it goes on from: what was found later belongs to steps that are taken again.
        """
        self.curves, self._run, self._callback, self._budget, self._main = curves, run, callback, budget, main
        self._loss, self._speed = RunningAverage(0.98), RunningAverage(0.9)
        self._status_at = time.monotonic()
        self._held_out = {int(step): loss for step, loss in run.scalars("validation_loss") if step <= begun}

    def record(self, state: State, scalars: Mapping[str, float], images_per_second: float, misses: int) -> None:
        """Add a step to the curves.

        Args:
            state: After the step.
            scalars: "loss" and what else has a curve.
            images_per_second: Of this step.
            misses: Steps in a row without a finite loss, this one the last; 0 if its loss was finite.
        """
        self._loss.add(scalars["loss"])
        self._speed.add(images_per_second)
        self.curves.add(state.step, scalars)
        if state.step % _SPEED_EVERY == 0:
            self.curves.add(state.step, {"images_per_second": self._speed.value})
        if misses:
            self.curves.add(state.step, {"skipped": state.skipped})
            self._callback.on_note(
                f"step {state.step}: the loss is not finite; the step was skipped ({misses} in a row)"
            )

    def held_out(self, state: State, loss: float) -> None:
        """Add the loss of images that are not trained on, once a step.

        Args:
            state: As it is now.
            loss: Of the weights that draw.
        """
        if state.step not in self._held_out and math.isfinite(loss):
            self.curves.add(state.step, {"validation_loss": loss})
            self._held_out[state.step] = loss

    @property
    def _validation_loss(self) -> float | None:
        return next(reversed(self._held_out.values()), None)

    def finished(self, state: State, epoch: int) -> None:
        """Write that the training is finished; tell the callback if it went on for too long.

        Args:
            state: As it is now.
            epoch: Of the last step.
        """
        self.status("finished", state, epoch, 1.0)
        if (place := lowest_before_rise(list(self._held_out.values()))) is not None:
            step = list(self._held_out)[place]
            self._callback.on_note(
                f"the loss of validation images was lowest at step {step:,} ({self._held_out[step]:.4f}) and has risen"
                f" to {self._validation_loss:.4f}: since then it learned its images by heart; train for less, or on"
                " more images"
            )

    def step(self, state: State, epoch: int) -> None:
        """Tell the callback of the step, and write the status now and then."""
        progress = self._budget.progress(state.step, state.elapsed)
        remaining = state.elapsed * (1 - progress) / progress if progress > 0 else math.inf
        self._callback.on_step(
            StepInfo(
                state.step,
                epoch,
                self._loss.value,
                self._validation_loss,
                self._speed.value,
                progress,
                state.elapsed,
                remaining,
            )
        )
        if time.monotonic() - self._status_at > _STATUS_EVERY:
            self.status("running", state, epoch, progress)
            self._status_at = time.monotonic()

    def grid(self, state: State, epoch: int, path: Path, picture: NDArray[np.uint8]) -> None:
        """Tell of a grid of samples, (H, W, C), that was written to `path`."""
        self.curves.add_picture(state.step, picture)
        self._callback.on_samples(epoch, path)

    def status(self, name: str, state: State, epoch: int, progress: float) -> None:
        """Write the status file.

        Args:
            name: running, stopped, failed or finished.
            state: As it is now.
            epoch: Of the last step.
            progress: Share of the budget that is spent, 0 to 1.
        """
        if self._main:
            self._run.write_status(
                state=name,
                step=state.step,
                epoch=epoch,
                progress=progress,
                seconds=state.elapsed,
                loss=self._loss.value if self._loss.count else None,
                validation_loss=self._validation_loss,
                images_per_second=self._speed.value,
                skipped=state.skipped,
            )
