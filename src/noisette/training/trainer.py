"""The training loop."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from statistics import fmean

from accelerate import Accelerator
from torch import Tensor

from noisette.data.dataset import Dataset
from noisette.diffusion.schedules import Level
from noisette.errors import NoisetteError, RequestError, Stopped
from noisette.files.images import read_png
from noisette.model import Model
from noisette.networks.layers import Sketch
from noisette.store.checkpoint import Checkpoint, discard_from, save_checkpoint
from noisette.store.run import Run, resume_command
from noisette.threads import giving_way
from noisette.training.batches import Batches
from noisette.training.budget import Budget, learning_rate
from noisette.training.callback import Callback
from noisette.training.curves import Curves, open_curves
from noisette.training.grids import Grid
from noisette.training.learner import Learner
from noisette.training.processes import agree
from noisette.training.reporting import Reporter
from noisette.training.speed import Settings
from noisette.training.state import State
from noisette.training.stopping import StopRequest
from noisette.training.supervision import Supervision

_HELD_OUT = 4
"""Batches of the validation split whose loss is looked at with each grid."""

_PATIENCE = 5
"""Steps in a row without a finite loss after which a training gives up."""


class _Cut(Exception):
    """A grid is left unfinished, since the training is to stop."""


class Trainer:
    """Trains one model on one set of images into one run folder.

    Everything random is a function of the seed and the step, so a training that was killed and resumed from a
    checkpoint takes the same steps again, to the bit, on the same machine.

    Attributes:
        state: The step that it is at, and what else a checkpoint holds besides tensors.
    """

    def __init__(
        self,
        model: Model,
        dataset: Dataset,
        run: Run,
        accelerator: Accelerator,
        settings: Settings,
        budget: Budget,
        supervision: Supervision,
        teacher: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Make the network, the batches and the grid.

        Args:
            model: The recipe, put together.
            dataset: All of it; its train split is trained on, and the grids may have the attributes of its validation
                split.
            run: Where checkpoints, curves, grids and the status go.
            accelerator: Says the device, and which of several processes this is.
            settings: Precision, memory layout and compilation.
            budget: How long to train.
            supervision: Where the training targets come from.
            teacher: Its weights, to begin with; random ones unless given.
        """
        self._recipe, self._run, self._accelerator, self._budget = model.recipe, run, accelerator, budget
        self._batches = Batches(model, dataset, supervision, accelerator)
        self._held_out = Batches(model, dataset, supervision, accelerator, "validation")
        self._grid = Grid(model, dataset, accelerator.device)
        self._compiled = settings.compiled
        self._learner = Learner(model, supervision, accelerator, settings, teacher)
        self.state = State(schema=model.schema.fingerprint, palette=model.colours_learned)
        self._saved_step = self._drawn_step = self._grid_step = -1

    @property
    def sketches(self) -> list[Sketch]:
        """Those of the network and of the average of its weights, to be filled before the first step."""
        return self._learner.sketches

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint. Raises NoisetteError if it is of another network or optimiser."""
        self.state = self._learner.restore(checkpoint, self._run)
        self._saved_step = self.state.step
        if _step_of(self._grid_file) == self.state.step:
            self._drawn_step = self.state.step

    def train(self, callback: Callback, stop: StopRequest) -> None:
        """Train until the budget is spent.

        Args:
            callback: Told of each step.
            stop: Looked at before each step, and at each step of a sampler that draws a grid.

        Raises:
            Stopped: It was asked to stop; what was learned is saved.
            NoisetteError: `_PATIENCE` steps in a row had no finite loss.
            KeyboardInterrupt: It was asked to stop where it cannot wait; nothing is saved besides what was.
        """
        config, state = self._recipe.training, self.state
        self._learner.prepare()
        before, started = state.elapsed, time.monotonic()
        saved = started
        misses = 0  # steps in a row without a finite loss
        by_the_clock = self._budget.seconds is not None
        compiling = self._compiled  # which the first step does; that may take a minute, and leaves nothing to save
        with self._reporter(callback) as report:
            report.status("running", state, self._epoch, self.progress)
            stop.patient = True
            while True:
                now = time.monotonic()
                state.elapsed = before + now - started
                owed = self._owes_grid
                due = owed or now - saved > config.checkpoint_seconds
                progress, stopping, due = agree(self._accelerator, self.progress, stop.requested, due)
                if progress >= 1:
                    break
                if (stopping or due) and not misses:  # weights that give no finite loss are not worth a checkpoint
                    self._save(report.curves)
                    saved = time.monotonic()
                if stopping:
                    self._stop(report, progress, interrupted=stop.interrupted)
                if owed:  # and all that was learned is saved, whatever becomes of the grid
                    self._look_at_held_out(report)
                    self._draw_grid(report, stop)
                    self._grid_step = state.step
                    continue  # a request to stop may have cut it short

                rate = learning_rate(
                    config.learning_rate, state.step, progress, warmup=config.warmup, decay=config.decay
                )
                stop.patient = not compiling
                with giving_way() if by_the_clock and not compiling else nullcontext():
                    loss, norm, finite = self._learner.step(self._batches.batch(state.step), state.step, rate)
                stop.patient, compiling = True, False
                state.count_step(finite=finite, averaged=self._learner.average is not None)
                misses = 0 if finite else misses + 1

                scalars = {"loss": loss, "learning_rate": rate, "gradient_norm": norm}
                report.record(state, scalars, config.batch_size / (time.monotonic() - now), misses)
                if misses >= _PATIENCE:
                    self._give_up(report, misses, progress)
                state.elapsed = before + time.monotonic() - started
                report.step(state, self._epoch)
            if misses:
                self._give_up(report, misses, 1.0)
            self._save(report.curves)
            self._finish(report, stop)

    @property
    def progress(self) -> float:
        """The share of the budget that is spent, 0 to 1."""
        return self._budget.progress(self.state.step, self.state.elapsed)

    def finish(self, callback: Callback, stop: StopRequest) -> None:
        """Draw the last grid and say that the training is finished, where it ended between the last checkpoint and
        that.

        Args:
            callback: Told of the grid.
            stop: Looked at at each step of the sampler.

        Raises:
            Stopped: It was asked to stop.
        """
        stop.patient = True
        with self._reporter(callback) as report:
            self._finish(report, stop)

    @property
    def _epoch(self) -> int:
        return self._batches.epoch(self.state.step)

    @property
    def _grid_file(self) -> Path:
        return self._run.samples / f"epoch-{self._epoch:04d}.png"

    @property
    def _owes_grid(self) -> bool:
        """Whether the step was the last of an epoch that has a grid, which was not drawn yet in this process. All
        processes must find the same, so it is the first that knows whether there is one from before.
        """
        step = self.state.step
        here = step > 0 and self._batches.ends_epoch(step) and self._epoch % self._recipe.samples.every == 0
        return here and self._grid_step != step

    @contextmanager
    def _reporter(self, callback: Callback) -> Iterator[Reporter]:
        main = self._accelerator.is_main_process
        with open_curves(self._run.metrics if main else None, step=self.state.step) as curves:
            yield Reporter(self._run, curves, callback, self._budget, main=main, begun=self.state.step)

    def _save(self, curves: Curves) -> None:
        if not self._accelerator.is_main_process or self._saved_step == self.state.step:
            return
        if not self._learner.is_finite():
            return  # the coming steps will find no finite loss and stop; the last good checkpoint must be there then
        curves.flush()  # first: a curve must reach at least as far as the checkpoint it is continued from
        keep = self._recipe.training.keep
        save_checkpoint(self._run.checkpoints, self.state.step, self._learner.tensors(), asdict(self.state), keep)
        self._saved_step = self.state.step

    def _look_at_held_out(self, report: Reporter) -> None:
        """Take the loss of images that are not trained on: where it rises while the other falls, the network learns
        its images by heart. All processes take part. They are the same images, with the same noise, every time.
        """
        batches = min(_HELD_OUT, self._held_out.steps_per_epoch)
        losses = [self._learner.loss_of(self._held_out.batch(number), number) for number in range(batches)]
        if losses:
            report.held_out(self.state, fmean(losses))

    def _draw_grid(self, report: Reporter, stop: StopRequest) -> None:
        """Draw the grid of this step unless it is there; a request to stop cuts it short, within a step of the
        sampler, and whoever resumes draws it.
        """
        if not self._accelerator.is_main_process or self._drawn_step == self.state.step:
            return

        def look(xt: Tensor, x0: Tensor, level: Level) -> None:
            if stop.requested:
                raise _Cut

        path = self._grid_file
        with suppress(_Cut):
            images = self._grid.draw(self._learner.for_drawing, look)
            picture = self._grid.save(images, path, step=self.state.step, epoch=self._epoch)
            self._drawn_step = self.state.step
            report.grid(self.state, self._epoch, path, picture)

    def _finish(self, report: Reporter, stop: StopRequest) -> None:
        self._look_at_held_out(report)
        self._draw_grid(report, stop)
        cut = self._accelerator.is_main_process and self._drawn_step != self.state.step
        if agree(self._accelerator, 1.0, cut, False)[1]:
            self._stop(report, 1.0, interrupted=stop.interrupted)
        report.finished(self.state, self._epoch)

    def _stop(self, report: Reporter, progress: float, *, interrupted: bool) -> None:
        report.status("stopped", self.state, self._epoch, progress)
        raise Stopped(
            f"stopped at step {self.state.step}; resume with {resume_command(self._run.folder)}",
            interrupted=interrupted,
        )

    def _give_up(self, report: Reporter, misses: int, progress: float) -> None:
        first = self.state.step - misses + 1  # the first step whose loss was not finite
        if self._accelerator.is_main_process:
            discard_from(self._run.checkpoints, first - 1)  # the weights that it found
        report.status("failed", self.state, self._epoch, progress)
        raise NoisetteError(
            f"the loss was not finite in the last {misses} steps, up to step {self.state.step}; checkpoints from before"
            " are kept: train anew with a lower training.learning_rate"
        )


def _step_of(grid: Path) -> int | None:
    """The step that a grid says it was drawn at; None where there is none, or another file."""
    try:
        step = read_png(grid)[1].get("step")
    except RequestError:
        return None
    return step if isinstance(step, int) else None
