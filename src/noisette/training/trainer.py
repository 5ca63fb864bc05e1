"""The training loop."""

from __future__ import annotations

import contextlib
import math
import shlex
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from numpy.typing import NDArray
from torch import Tensor, nn

from noisette.attributes.parsing import describe, understand
from noisette.attributes.statistics import count
from noisette.data.dataset import Dataset
from noisette.diffusion.noise import add_noise
from noisette.errors import NoisetteError, Stopped
from noisette.files.images import good_scale, labelled_sheet, save_png, sheet
from noisette.inference.engine import in_pytorch
from noisette.model import Model
from noisette.sampling.settings import usual_sampling
from noisette.store.checkpoint import Checkpoint, discard_from, save_checkpoint
from noisette.store.run import Run
from noisette.training.budget import Budget, learning_rate
from noisette.training.dropping import drop
from noisette.training.ema import AveragedNetwork
from noisette.training.lessons import Lesson, begun
from noisette.training.optimizers import STATES, make_optimizers
from noisette.training.randomness import batch_indices, derived_seed, generator
from noisette.training.speed import Settings
from noisette.training.stopping import StopRequest
from noisette.training.watcher import Moment, Watcher

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_PATIENCE = 5
"""Steps in a row without a finite loss after which a training gives up."""
_STATUS_EVERY = 1.0  # seconds
_WIDEST = 12  # columns of a grid that has one for each request


@dataclass
class State:
    """What a training knows besides its tensors; all of it is in each checkpoint."""

    step: int = 0
    elapsed: float = 0.0  # seconds of training, over all its processes in turn
    skipped: int = 0  # steps without a finite loss
    updates: int = 0  # of the averaged weights
    schema: str = ""  # fingerprint of the attributes that were learned
    palette: str = ""  # fingerprint of the colours that were learned by their places


class Trainer:
    """Trains one model on one set of images into one run folder.

    Everything random is a function of the seed and the step, so a training that was killed and resumed from a
    checkpoint takes the same steps again, to the bit, on the same machine.
    """

    def __init__(
        self,
        model: Model,
        dataset: Dataset,
        run: Run,
        accelerator: Accelerator,
        settings: Settings,
        budget: Budget,
        lesson: Lesson,
        first: Mapping[str, Tensor] | None = None,
    ) -> None:
        """dataset: all of it; its train split is trained on, and the grids may ask for what is in its validation split.

        lesson: what its steps teach. first: weights to begin with.
        """
        self.model, self.run, self.accelerator, self.budget = model, run, accelerator, budget
        self.config = model.recipe.training
        # The loss of a palette reads as many numbers as the network writes, so it is worth compiling too.
        self.loss = torch.compile(model.objective.loss) if settings.compiled else model.objective.loss
        # The whole data set with the places of its train split: a copy of that may not fit beside it.
        self.images, self.places = torch.from_numpy(dataset.images), torch.from_numpy(dataset.places("train"))
        self.codes = torch.from_numpy(dataset.attributes) if model.recipe.conditional else None
        self.units = torch.tensor(model.schema.units)
        self.grid = grid_requests(model, dataset) if model.recipe.conditional else None
        self.device = accelerator.device
        self.settings = settings
        self.epoch_steps = len(self.places) // self.config.batch_size
        torch.manual_seed(derived_seed(self.config.seed, "weights", 0))
        self.network = model.network().to(self.device, memory_format=settings.memory_format)  # type: ignore[call-overload]
        if first is not None:
            self.network.load_state_dict(begun(first, self.network))
        self.lesson = lesson
        self.average = AveragedNetwork(self.network, decay=self.config.ema) if self.config.ema > 0 else None
        self.optimizers = make_optimizers(self.network, self.config)
        self.state = State(schema=model.schema.fingerprint, palette=model.colours_learned)
        self._loss, self._speed = _Smoothed(0.98), _Smoothed(0.9)
        self._saved_step = self._drawn_step = -1

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint. Raises NoisetteError if it is of another network."""
        try:
            self.state = State(**checkpoint.state)
            self.network.load_state_dict(checkpoint.tensors("network"))
            if self.average is not None:
                self.average.network.load_state_dict(checkpoint.tensors("average"))
                self.average.updates = self.state.updates
            self._restore_optimizer(checkpoint.tensors("optimizer"))
        except (RuntimeError, KeyError, TypeError) as error:
            raise NoisetteError(
                f"{checkpoint.path} does not fit the recipe of {self.run.folder}: one of them was changed, or is of"
                " another version"
            ) from error
        self._saved_step = self.state.step

    def train(self, watcher: Watcher, stop: StopRequest) -> None:
        """Train until the budget is spent.

        Raises Stopped if asked to stop (after saving), NoisetteError after `_PATIENCE` steps without a finite loss.
        """
        forward: nn.Module = torch.compile(self.network) if self.settings.compiled else self.network  # type: ignore[assignment]
        network, *optimizers = self.accelerator.prepare(forward, *self.optimizers)
        before, started = self.state.elapsed, time.monotonic()
        saved = told = started
        misses = 0  # steps in a row without a finite loss
        with self._curves() as curves:
            while True:
                now = time.monotonic()
                self.state.elapsed = before + now - started
                due = now - saved > self.config.checkpoint_seconds
                progress, wants_stop, due = self._agree(
                    self.budget.progress(self.state.step, self.state.elapsed), stop.asked, due
                )
                if progress >= 1:
                    break
                if (wants_stop or due) and not misses:  # weights that give no finite loss are not worth a checkpoint
                    self._save(curves)
                    saved = time.monotonic()
                if wants_stop:
                    self._tell("stopped", progress)
                    raise Stopped(
                        f"stopped at step {self.state.step}; resume with `noisette resume"
                        f" {shlex.quote(str(self.run.folder))}`",
                        interrupted=stop.interrupted,
                    )

                rate = learning_rate(
                    self.config.learning_rate,
                    self.state.step,
                    progress,
                    warmup=self.config.warmup,
                    decay=self.config.decay,
                )
                for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
                    group["lr"] = rate * group["scale"]
                loss, norm, finite = self._step(network, optimizers)
                self.state.step += 1
                self._loss.add(loss)
                self._speed.add(self.config.batch_size / (time.monotonic() - now))
                self._record(curves, {"loss": loss, "learning_rate": rate, "gradient_norm": norm}, finite)
                misses = 0 if finite else misses + 1
                if misses:
                    watcher.note(
                        f"step {self.state.step}: the loss is not finite; the step was skipped ({misses} in a row)"
                    )
                if misses >= _PATIENCE:
                    self._give_up(misses, progress)
                self.state.elapsed = before + time.monotonic() - started
                watcher.step(self._moment())
                if time.monotonic() - told > _STATUS_EVERY:
                    self._tell("running", progress)
                    told = time.monotonic()
                if self._epoch_ends() and self.epoch % self.model.recipe.samples.every == 0:
                    # First the grid, then the checkpoint: a death in between draws it again, and never leaves it out.
                    self._draw_samples(curves, watcher)
                    if not misses:
                        self._save(curves)
                        saved = time.monotonic()
            if misses:
                self._give_up(misses, 1.0)
            self._save(curves)
            self._finish(curves, watcher)

    def finish(self, watcher: Watcher) -> None:
        """Draw the last grid and say that the training is finished, where a kill came between the last checkpoint and
        that.
        """
        with self._curves() as curves:
            self._finish(curves, watcher)

    def _finish(self, curves: SummaryWriter | None, watcher: Watcher) -> None:
        if self._drawn_step != self.state.step:
            self._draw_samples(curves, watcher)
        self._tell("finished", 1.0)

    def _give_up(self, misses: int, progress: float) -> None:
        first = self.state.step - misses + 1  # the first step whose loss was not finite
        if self.accelerator.is_main_process:
            discard_from(self.run.checkpoints, first - 1)  # the weights that it found
        self._tell("failed", progress)
        raise NoisetteError(
            f"the loss was not finite in the last {misses} steps, up to step {self.state.step}; checkpoints from before"
            " are kept: train anew with a lower training.learning_rate"
        )

    @property
    def epoch(self) -> int:
        """The epoch that the last step belongs to, from 1; 0 before the first."""
        return -(-self.state.step // self.epoch_steps)

    def _epoch_ends(self) -> bool:
        return self.state.step % self.epoch_steps == 0

    def _grid_name(self) -> str:
        return f"epoch-{self.epoch:04d}.png"

    def _record(self, curves: SummaryWriter | None, scalars: Mapping[str, float], finite: bool) -> None:
        if curves is None:
            return
        for tag, value in scalars.items():
            curves.add_scalar(tag, value, self.state.step)
        if self.state.step % 10 == 0:
            curves.add_scalar("images_per_second", self._speed.value, self.state.step)
        if not finite:
            curves.add_scalar("skipped", self.state.skipped, self.state.step)

    def _step(self, network: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> tuple[float, float, bool]:
        """One step: its loss, the norm of its gradient, and whether both were finite and the weights moved."""
        batch, seed, step = self.config.batch_size, self.config.seed, self.state.step
        torch.manual_seed(derived_seed(seed, "network", step))  # for anything random inside the network
        noise = generator(seed, "noise", step)
        indices = self.places[batch_indices(seed, step, images=len(self.places), batch_size=batch)]
        times = self.lesson.times(batch, step, noise)  # (B,)
        side = self.model.side
        eps = torch.randn(batch, self.model.space.channels, side, side, generator=noise)
        mine = self._mine(
            batch
        )  # every process draws the whole batch and keeps its part, so any number of them sees the same
        x0 = self.model.space.encode(self.images[indices[mine]].to(self.device))  # (B, C, H, W)
        eps = eps[mine].to(self.device)
        alpha, sigma = (scale[mine].float().to(self.device) for scale in self.model.schedule.alpha_sigma(times))
        xt = add_noise(x0, eps, alpha, sigma).contiguous(memory_format=self.settings.memory_format)

        codes = None
        if self.codes is not None:
            chances = self.model.recipe.condition
            codes = drop(
                self.codes[indices].long(),
                self.units,
                drop_all=chances.drop_all,
                drop_each=chances.drop_each,
                generator=generator(seed, "dropping", step),
            )[mine].to(self.device)

        x0, eps = self.lesson.wanted(xt, x0, eps, step, codes)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16"):
            prediction = network(xt, times[mine].float().to(self.device), self.lesson.shown(codes, step))
        loss = self.loss(prediction.float(), x0, eps, xt, alpha, sigma)
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_(self.network.parameters(), self.config.clip)
        assert norm is not None
        mean: Tensor = self.accelerator.reduce(loss.detach(), reduction="mean")
        finite = bool(torch.isfinite(mean) and torch.isfinite(norm))
        if finite:
            for optimizer in optimizers:
                optimizer.step()
            if self.average is not None:
                self.average.update(self.network)
                self.state.updates = self.average.updates
        else:
            self.state.skipped += 1
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        return mean.item(), float(norm), finite

    def _mine(self, batch: int) -> slice:
        share = batch // self.accelerator.num_processes
        return slice(self.accelerator.process_index * share, (self.accelerator.process_index + 1) * share)

    def _agree(self, progress: float, stop: bool, checkpoint: bool) -> tuple[float, bool, bool]:
        """The first process's clock, and anyone's wish to stop, for all: they must take the same steps."""
        if self.accelerator.num_processes == 1:
            return progress, stop, checkpoint
        first: Tensor = broadcast(torch.tensor([progress, checkpoint], dtype=torch.float64, device=self.device))
        stops: Tensor = self.accelerator.reduce(torch.tensor(float(stop), device=self.device), reduction="sum")
        return first[0].item(), bool(stops > 0), bool(first[1])

    def _draw_samples(self, curves: SummaryWriter | None, watcher: Watcher) -> None:
        if not self.accelerator.is_main_process:
            return
        path = self.run.samples / self._grid_name()
        sampling = usual_sampling(self.model.recipe.samples)
        seeds = range(self.model.recipe.samples.count)
        rows, texts = self.grid if self.grid else (None, [])
        engine = in_pytorch(self._weights_for_drawing().eval(), self.model.objective)
        images = self.model.draw(engine, seeds, sampling, rows, device=self.device).numpy()
        self.network.train()
        asked = len(self.model.recipe.samples.requests)
        columns = asked if 1 < asked <= _WIDEST else math.ceil(math.sqrt(len(images)))  # the same request in a column
        scale = good_scale(self.model.side, columns)
        picture = labelled_sheet(images, texts, columns=columns, scale=scale) if texts else sheet(images, scale=scale)
        how = asdict(replace(sampling, complete=False))  # a grid shows what the network makes of requests as they are
        save_png(
            path,
            picture,
            {"step": self.state.step, "epoch": self.epoch, "seeds": list(seeds), "requests": texts, "sampling": how},
        )
        if curves is not None:
            array = np.atleast_3d(np.asarray(picture))
            curves.add_image("samples", array, self.state.step, dataformats="HWC")
        self._drawn_step = self.state.step
        watcher.samples(self.epoch, path)

    def _weights_for_drawing(self) -> nn.Module:
        return self.average.network if self.average is not None else self.network

    def _save(self, curves: SummaryWriter | None) -> None:
        if not self.accelerator.is_main_process or self._saved_step == self.state.step:
            return
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.network.parameters()):
            return  # the coming steps will find no finite loss and stop; the last good checkpoint must be there then
        if curves is not None:
            curves.flush()  # first: a curve must reach at least as far as the checkpoint it is continued from
        parts: dict[str, Mapping[str, Tensor]] = {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer_tensors(),
        }
        if self.average is not None:
            parts["average"] = self.average.network.state_dict()
        save_checkpoint(
            self.run.checkpoints, self.state.step, parts, asdict(self.state), self.model.recipe.training.keep
        )
        self._saved_step = self.state.step

    def _optimizer_tensors(self) -> dict[str, Tensor]:
        names = {parameter: name for name, parameter in self.network.named_parameters()}
        states = [
            (names[parameter], state) for optimizer in self.optimizers for parameter, state in optimizer.state.items()
        ]
        return {f"{name}/{key}": value for name, state in states for key, value in state.items()}

    def _restore_optimizer(self, tensors: Mapping[str, Tensor]) -> None:
        parameters = dict(self.network.named_parameters())
        states: dict[nn.Parameter, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            owner, _, key = name.rpartition("/")
            parameter = parameters[owner]
            # The fused optimiser walks memory: a moment must lie in it as its parameter does, or they pair up wrongly.
            laid_out = torch.empty_like(parameter).copy_(tensor) if tensor.shape == parameter.shape else tensor
            states.setdefault(parameter, {})[key] = laid_out
        for optimizer in self.optimizers:
            mine = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            known = {index: states[parameter] for index, parameter in enumerate(mine) if parameter in states}
            if any(state.keys() != STATES[type(optimizer)] for state in known.values()):
                raise KeyError("the state of another optimiser")
            optimizer.load_state_dict({"state": known, "param_groups": optimizer.state_dict()["param_groups"]})

    @contextlib.contextmanager
    def _curves(self) -> Iterator[SummaryWriter | None]:
        """A writer that makes events after the restored step disappear, so that curves never double back."""
        if not self.accelerator.is_main_process:
            yield None
            return
        from torch.utils.tensorboard import SummaryWriter

        # TensorBoard reads event files in the order of their names, which begin with the second they were made in.
        while any(self.run.metrics.glob(f"events.out.tfevents.{int(time.time()):010d}.*")):
            time.sleep(0.05)
        with _told_once():
            curves = SummaryWriter(str(self.run.metrics), purge_step=self.state.step + 1, flush_secs=2)
            try:
                yield curves
            finally:
                curves.close()

    def _moment(self) -> Moment:
        progress = self.budget.progress(self.state.step, self.state.elapsed)
        remaining = self.state.elapsed * (1 - progress) / progress if progress > 0 else math.inf
        return Moment(
            self.state.step, self.epoch, self._loss.value, self._speed.value, progress, self.state.elapsed, remaining
        )

    def _tell(self, state: str, progress: float) -> None:
        if not self.accelerator.is_main_process:
            return
        facts: dict[str, Any] = {
            "step": self.state.step,
            "epoch": self.epoch,
            "progress": progress,
            "seconds": self.state.elapsed,
        }
        loss = self._loss.value if self._loss.count else None
        self.run.write_status(
            state=state, **facts, loss=loss, images_per_second=self._speed.value, skipped=self.state.skipped
        )


def grid_requests(model: Model, dataset: Dataset) -> tuple[NDArray[np.int16], list[str]]:
    """What the images of each epoch's grid are asked for, (count, A), and how that reads.

    Raises RequestError for a request of the recipe that cannot be.
    """
    settings = model.recipe.samples
    train = dataset.attributes[dataset.places("train")]
    if settings.requests:
        statistics = count(dataset.schema, train)
        asked = [understand(text, dataset.schema, statistics, allow_unseen=True) for text in settings.requests]
        turns = [asked[number % len(asked)] for number in range(settings.count)]
        return np.stack([each.row for each in turns]), [describe(each.values) for each in turns]
    rows = dataset.attributes[dataset.places("validation")]
    rows = (rows if len(rows) else train)[np.arange(settings.count) % max(1, len(rows) or len(train))]
    return rows, [describe(dataset.schema.decode(row)) for row in rows]


@contextlib.contextmanager
def _told_once() -> Iterator[None]:
    """What keeps TensorBoard's thread from writing is raised again at the next scalar; here its own traceback is left
    out.
    """
    usual = threading.excepthook
    threading.excepthook = lambda what: None if issubclass(what.exc_type, OSError) else usual(what)
    try:
        yield
    finally:
        threading.excepthook = usual


class _Smoothed:
    """A running average that begins at its first value and passes over what is not finite."""

    def __init__(self, decay: float) -> None:
        self.decay, self.value, self.count = decay, 0.0, 0
        self._weight = 0.0

    def add(self, value: float) -> None:
        if math.isfinite(value):
            self.count += 1
            self._weight = self.decay * self._weight + 1
            self.value += (value - self.value) / self._weight
