"""The batches of a training, each a function of the seed and the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from accelerate import Accelerator
from torch import Tensor

from noisette.data.dataset import Dataset
from noisette.diffusion.condition import Condition
from noisette.model import Model
from noisette.training.dropping import drop
from noisette.training.processes import share_of_batch
from noisette.training.randomness import batch_indices, generator
from noisette.training.supervision import Supervision


@dataclass(frozen=True)
class Batch:
    """What one step trains on, on the training's device.

    Attributes:
        x0: (B, C, H, W), clean images as the network sees them.
        eps: (B, C, H, W), unit normal noise.
        times: (B,), in (0, 1], as a network is told of them.
        alpha: (B,), scale of the image at these times.
        sigma: (B,), scale of the noise at these times.
        condition: Of B images, some attributes dropped; None of an unconditional model.
    """

    x0: Tensor
    eps: Tensor
    times: Tensor
    alpha: Tensor
    sigma: Tensor
    condition: Condition | None


class Batches:
    """A split in batches, a new permutation in each epoch."""

    def __init__(
        self,
        model: Model,
        dataset: Dataset,
        supervision: Supervision,
        accelerator: Accelerator,
        split: Literal["train", "validation"] = "train",
    ) -> None:
        """Hold the images.

        Args:
            model: Says how images become numbers, the schedule, the batch size and the seed.
            dataset: All of it.
            supervision: Chooses the diffusion times.
            accelerator: Says which part of each batch is this process's, and on which device.
            split: The one that is trained on, or the one that the loss is held against.
        """
        self._model, self._supervision, self._accelerator = model, supervision, accelerator
        # The whole data set with the indices of the split: a copy of that may not fit beside it.
        self._images, self._places = torch.from_numpy(dataset.images), torch.from_numpy(dataset.places(split))
        self._codes = torch.from_numpy(dataset.attributes) if model.recipe.conditional else None
        self._units = torch.tensor(model.schema.units)
        size = min(model.recipe.training.batch_size, len(self._places))
        self.size = size - size % accelerator.num_processes
        self.steps_per_epoch = len(self._places) // self.size if self.size else 0

    def epoch(self, steps: int) -> int:
        """The epoch that the last of so many steps belongs to, from 1; 0 before the first."""
        return -(-steps // self.steps_per_epoch)

    def ends_epoch(self, steps: int) -> bool:
        """Whether an epoch ends after so many steps."""
        return steps % self.steps_per_epoch == 0

    def batch(self, step: int) -> Batch:
        """This process's share of the batch of a step, counted from 0.

        Every process draws the whole batch and keeps its part, so that any number of them trains on the same.
        """
        model, seed, device = self._model, self._model.recipe.training.seed, self._accelerator.device
        noise = generator(seed, "noise", step)
        indices = self._places[batch_indices(seed, step, images=len(self._places), batch_size=self.size)]
        times = self._supervision.times(self.size, step, noise)
        eps = torch.randn(self.size, *model.shape, generator=noise)
        mine = share_of_batch(self._accelerator, self.size)
        alpha, sigma = (scale[mine].float().to(device) for scale in model.schedule.alpha_sigma(times))
        codes = self._dropped(indices, step)
        return Batch(
            x0=model.space.encode(self._images[indices[mine]].to(device)),
            eps=eps[mine].to(device),
            times=model.schedule.told(times[mine]).float().to(device),
            alpha=alpha,
            sigma=sigma,
            condition=None if codes is None else Condition(codes[mine].to(device)),
        )

    def _dropped(self, indices: Tensor, step: int) -> Tensor | None:
        """The attributes of a whole batch, some of them dropped for classifier-free guidance (Ho and Salimans 2021)."""
        if self._codes is None:
            return None
        chances, seed = self._model.recipe.condition, self._model.recipe.training.seed
        return drop(
            self._codes[indices].long(),
            self._units,
            drop_all=chances.drop_all,
            drop_each=chances.drop_each,
            generator=generator(seed, "dropping", step),
        )
