"""Training targets: the data themselves, or what a teacher draws from the same noisy image in more evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from noisette.attributes.schema import UNKNOWN
from noisette.config.sampling import GuidanceSettings
from noisette.config.sections import DistillationConfig
from noisette.diffusion.condition import Condition
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.samplers import ddim
from noisette.diffusion.schedules import Level, Schedule
from noisette.inference.engine import Engine
from noisette.model import Model
from noisette.training.randomness import generator


class Supervision(Protocol):
    """Where the training targets come from, at which times, and under which condition the network sees them."""

    def times(self, count: int, step: int, generator: torch.Generator) -> Tensor:
        """Choose the diffusion times of a step.

        Args:
            count: Images in the whole batch, B.
            step: Number of the step, from 0.
            generator: Of the step's noise.

        Returns:
            (B,) float64, in (0, 1].
        """

    def target(
        self, xt: Tensor, x0: Tensor, eps: Tensor, step: int, condition: Condition | None
    ) -> tuple[Tensor, Tensor]:
        """The clean image and the noise that the network is to find in xt.

        Args:
            xt: (B, C, H, W), the noisy image.
            x0: (B, C, H, W), the image of the data that xt was made of.
            eps: (B, C, H, W), the noise that xt was made of.
            step: Number of the step, from 0.
            condition: of the B images; None of an unconditional model.

        Returns:
            x0 and eps, (B, C, H, W) each, with xt = alpha * x0 + sigma * eps.
        """

    def model_condition(self, condition: Condition | None, step: int) -> Condition | None:
        """What the network is given as its condition.

        Args:
            condition: of the B images; None of an unconditional model.
            step: Number of the step, from 0.

        Returns:
            The same, with a guidance scale for a guidance-distilled model.
        """


class DataSupervision:
    """The image of the data that was noised, at any time: ordinary diffusion training (Ho et al. 2020)."""

    def __init__(self, schedule: Schedule, power: float) -> None:
        """Take times from a schedule.

        Args:
            schedule: Of the model.
            power: Above 1 noisy times are likelier; see `Schedule.draw_times`.
        """
        self._schedule, self._power = schedule, power

    def times(self, count: int, step: int, generator: torch.Generator) -> Tensor:
        return self._schedule.draw_times(count, generator, power=self._power)

    def target(
        self, xt: Tensor, x0: Tensor, eps: Tensor, step: int, condition: Condition | None
    ) -> tuple[Tensor, Tensor]:
        return x0, eps

    def model_condition(self, condition: Condition | None, step: int) -> Condition | None:
        return condition


class TeacherSupervision:
    """The image at which a teacher arrives from xt in several guided DDIM steps: knowledge distillation (Luhman and
    Luhman 2021; Salimans and Ho 2022).

    Only the few levels that the distilled model's sampler visits are trained, one in each step, in turn. From pure
    noise DDIM is a function, so there is one right answer to learn, where the data have many. The teacher's guidance is
    distilled with it: each step has another guidance scale, which is an input of the network (w-conditioning, Meng et
    al. 2023).
    """

    def __init__(self, model: Model, engine: Engine, settings: DistillationConfig) -> None:
        """Prepare the teacher's steps below each trained level.

        Args:
            model: The teacher's. The distilled model has the same schedule and pixels.
            engine: Evaluates the teacher's network.
            settings: Of the distillation: trained levels, DDIM steps from each, guidance.
        """
        self._model, self._engine, self._settings = model, engine, settings
        self._paths = [
            _ddim_levels(model.schedule, level, settings.steps) for level in model.schedule.levels(settings.nfe)
        ]

    def times(self, count: int, step: int, generator: torch.Generator) -> Tensor:
        return torch.full((count,), self._path(step)[0].time, dtype=torch.float64)

    def target(
        self, xt: Tensor, x0: Tensor, eps: Tensor, step: int, condition: Condition | None
    ) -> tuple[Tensor, Tensor]:
        path = self._path(step)
        condition = Condition(torch.full((len(xt), 0), UNKNOWN)) if condition is None else condition
        unconditional = Condition(torch.full_like(condition.codes, UNKNOWN))
        guidance = GuidanceSettings(
            scale=self._guidance_scale(step),
            interval=(self._settings.guidance_interval[0], self._settings.guidance_interval[1]),
            rescale=self._settings.guidance_rescale,
        )
        with torch.no_grad():
            estimate = self._model.denoiser(self._engine.denoiser(), condition, unconditional, guidance)
            denoise = self._model.bounded(estimate)
            drawn = ddim(denoise, xt, path, noise=ImageNoise([]))
        return drawn, (xt - path[0].alpha * drawn) / path[0].sigma

    def model_condition(self, condition: Condition | None, step: int) -> Condition | None:
        if condition is None or not self._settings.guidance_embed:
            return condition
        return condition.with_scale(self._guidance_scale(step))

    def _guidance_scale(self, step: int) -> float:
        """Uniform over the distilled range, in whole hundredths, the same for all images of a step."""
        low, high = self._settings.guidance
        drawn = torch.rand(
            (), generator=generator(self._model.recipe.training.seed, "guidance", step), dtype=torch.float64
        )
        return round(100 * (low + (high - low) * drawn.item())) / 100

    def _path(self, step: int) -> Sequence[Level]:
        return self._paths[step % len(self._paths)]


def initial_weights(teacher: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """The weights that a distilled network begins with: its teacher's.

    A layer that takes the guidance scale too (w-conditioning) has one more input, the last, whose weights begin at 0.

    Args:
        teacher: State dict of the teacher's network.
        network: The distilled one; it is not changed.

    Returns:
        A state dict for `network`.
    """
    own = network.state_dict()

    def widened(name: str, tensor: Tensor) -> Tensor:
        takes_scale = name in own and tensor.ndim == 2 and own[name].shape == (tensor.shape[0], tensor.shape[1] + 1)
        return nn.functional.pad(tensor, (0, 1)) if takes_scale else tensor

    return {name: widened(name, tensor) for name, tensor in teacher.items()}


def _ddim_levels(schedule: Schedule, first: Level, steps: int) -> list[Level]:
    """From a level down, evenly in time; each once, where a table has not as many below it."""
    times = [first.time * (steps - index) / steps for index in range(steps)]
    if schedule.steps is not None:
        times = [max(1, round(time * schedule.steps)) / schedule.steps for time in times]
    return [schedule.at(time) for time in dict.fromkeys(times)]
