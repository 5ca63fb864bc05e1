"""A network that learns: its weights and their average, its optimisers, and one step of training."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from noisette.diffusion.condition import Condition
from noisette.model import Model
from noisette.networks.base import Network
from noisette.networks.layers import Sketch
from noisette.store.checkpoint import Checkpoint
from noisette.store.run import Run
from noisette.training.batches import Batch
from noisette.training.ema import AveragedNetwork
from noisette.training.optimizers import make_optimizers
from noisette.training.randomness import derived_seed
from noisette.training.speed import Settings
from noisette.training.state import State, checkpoint_tensors, restore
from noisette.training.supervision import Supervision, initial_weights


class Learner:
    """The network of a model, with all that changes it.

    Attributes:
        network: On the accelerator's device.
        average: Of its weights; None where the recipe has none.
    """

    def __init__(
        self,
        model: Model,
        supervision: Supervision,
        accelerator: Accelerator,
        settings: Settings,
        teacher: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Make the network and its optimisers.

        Args:
            model: The recipe, put together.
            supervision: Where the training targets come from.
            accelerator: Says the device, and which of several processes this is.
            settings: Precision, memory layout and compilation.
            teacher: Its weights, to begin with; random ones unless given.
        """
        self._config, self._accelerator, self._settings = model.recipe.training, accelerator, settings
        self._supervision, self._noised, self._objective = supervision, model.noised, model.objective
        # The loss of a palette reads as many numbers as the network writes, so it is worth compiling too.
        self._loss = torch.compile(self._objective.loss) if settings.compiled else self._objective.loss
        torch.manual_seed(derived_seed(self._config.seed, "weights", 0))
        self.network: Network = model.network()
        self.network.to(accelerator.device, memory_format=settings.memory_format)  # type: ignore[call-overload]
        if teacher is not None:
            self.network.load_state_dict(initial_weights(teacher, self.network))
        self.average = AveragedNetwork(self.network, decay=self._config.ema) if self._config.ema > 0 else None
        self._optimizers = make_optimizers(self.network, self._config)

    def prepare(self) -> None:
        """Compile the network where that is asked for, and share it among the processes. To be called once, after
        `restore` and before the first step.
        """
        forward: nn.Module = torch.compile(self.network) if self._settings.compiled else self.network  # type: ignore[assignment]
        self._forward, *self._stepping = self._accelerator.prepare(forward, *self._optimizers)

    def restore(self, checkpoint: Checkpoint, run: Run) -> State:
        """Go on from a checkpoint of a run. Raises NoisetteError if it is of another network or optimiser."""
        return restore(checkpoint, run, self.network, self.average, self._optimizers)

    def tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """What a checkpoint holds of it, by part."""
        return checkpoint_tensors(self.network, self.average, self._optimizers)

    @property
    def sketches(self) -> list[Sketch]:
        """Those of the network and of the average of its weights."""
        networks = [self.network] if self.average is None else [self.network, self.average.network]
        return [module for network in networks for module in network.modules() if isinstance(module, Sketch)]

    @property
    def for_drawing(self) -> Network:
        """The network that samples are drawn with: of the averaged weights, where there are any."""
        return self.average.network if self.average is not None else self.network

    def is_finite(self) -> bool:
        """Whether all weights are."""
        return all(bool(torch.isfinite(parameter).all()) for parameter in self.network.parameters())

    def _posed(self, batch: Batch, step: int) -> tuple[Tensor, Tensor, Tensor, Condition | None]:
        """What the network sees of a batch, the image and the noise that it is to find there, and its condition."""
        xt = self._noised(batch.x0, batch.eps, batch.alpha, batch.sigma)
        xt = xt.contiguous(memory_format=self._settings.memory_format)
        x0, eps = self._supervision.target(xt, batch.x0, batch.eps, step, batch.condition)
        return xt, x0, eps, self._supervision.model_condition(batch.condition, step)

    @torch.no_grad()
    def loss_of(self, batch: Batch, step: int) -> float:
        """The loss of the network that draws, without learning from it.

        Args:
            batch: This process's share, of images that are not trained on.
            step: Number of the batch, from 0.

        Returns:
            The mean over all processes.
        """
        network = self.for_drawing
        xt, x0, eps, condition = self._posed(batch, step)
        training = network.training
        network.eval()
        prediction = network(xt, batch.times, condition)
        network.train(training)
        loss = self._objective.loss(prediction.float(), x0, eps, xt, batch.alpha, batch.sigma)
        mean: Tensor = self._accelerator.reduce(loss, reduction="mean")
        return mean.item()

    def step(self, batch: Batch, step: int, rate: float) -> tuple[float, float, bool]:
        """Take one step.

        Args:
            batch: This process's share.
            step: Number of the step, from 0.
            rate: The learning rate.

        Returns:
            The loss, mean over all processes; the norm of the gradient before it is clipped; and whether both were
            finite: where they are not, no weight moves.
        """
        device_type, half = self._accelerator.device.type, self._settings.precision == "bfloat16"
        for group in (group for optimizer in self._optimizers for group in optimizer.param_groups):
            group["lr"] = rate * group["scale"]
        torch.manual_seed(derived_seed(self._config.seed, "network", step))  # for anything random inside the network
        xt, x0, eps, condition = self._posed(batch, step)
        with torch.autocast(device_type, torch.bfloat16, enabled=half):
            prediction = self._forward(xt, batch.times, condition)
        loss = self._loss(prediction.float(), x0, eps, xt, batch.alpha, batch.sigma)
        self._accelerator.backward(loss)
        norm = self._accelerator.clip_grad_norm_(self.network.parameters(), self._config.clip)
        assert norm is not None
        mean: Tensor = self._accelerator.reduce(loss.detach(), reduction="mean")
        finite = bool(torch.isfinite(mean) and torch.isfinite(norm))
        if finite:
            for optimizer in self._stepping:
                optimizer.step()
            if self.average is not None:
                self.average.update(self.network)
        for optimizer in self._stepping:
            optimizer.zero_grad(set_to_none=True)
        return mean.item(), float(norm), finite
