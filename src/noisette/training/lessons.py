"""What a step teaches: the data themselves, or what a teacher makes of the same noisy image in more evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from noisette.attributes.schema import UNKNOWN
from noisette.config.sections import DistillationConfig
from noisette.diffusion.denoiser import clipped
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.samplers import ddim
from noisette.diffusion.schedules import Level, Schedule
from noisette.inference.engine import Engine
from noisette.model import Model, with_scale
from noisette.networks.conditioning import HUNDREDTHS
from noisette.sampling.settings import Guidance
from noisette.training.randomness import generator


class Lesson(Protocol):
    """Which times a step trains on, which image and noise an answer is held against, and what the network is shown of a
    request.
    """

    def times(self, count: int, step: int, generator: torch.Generator) -> Tensor:
        """(count,) float64, in (0, 1]."""

    def wanted(self, xt: Tensor, x0: Tensor, eps: Tensor, step: int, codes: Tensor | None) -> tuple[Tensor, Tensor]:
        """Image and noise, (B, C, H, W) each, of which xt was, or could have been, made."""

    def shown(self, codes: Tensor | None, step: int) -> Tensor | None:
        """What the network is shown of the requests: (B, columns)."""


class FromData:
    """The image that was noised, at any time; see `Schedule.draw_times` for power."""

    def __init__(self, schedule: Schedule, power: float) -> None:
        self._schedule, self._power = schedule, power

    def times(self, count: int, step: int, generator: torch.Generator) -> Tensor:
        return self._schedule.draw_times(count, generator, power=self._power)

    def wanted(self, xt: Tensor, x0: Tensor, eps: Tensor, step: int, codes: Tensor | None) -> tuple[Tensor, Tensor]:
        return x0, eps

    def shown(self, codes: Tensor | None, step: int) -> Tensor | None:
        return codes


class FromTeacher:
    """The image at which a teacher arrives from xt by several guided steps of ddim (Luhman and Luhman 2021; Salimans
    and Ho 2022).

    Only the few levels that the student's sampler visits are trained, one in each step, in turn. From pure noise the
    way of ddim is a function, so there is one right answer to be learned, where the data have many; and the teacher's
    guidance is learned with it, in each step at another scale, which the student is shown (Meng et al. 2023).
    """

    def __init__(self, model: Model, engine: Engine, settings: DistillationConfig) -> None:
        """model: of the teacher, whose network `engine` evaluates; the student has the same levels and pixels."""
        self._model, self._engine, self._settings = model, engine, settings
        self._paths = [
            _down(model.schedule, level, settings.steps) for level in model.schedule.levels(settings.evaluations)
        ]

    def times(self, count: int, step: int, generator: torch.Generator) -> Tensor:
        return torch.full((count,), self._path(step)[0].time, dtype=torch.float64)

    def wanted(self, xt: Tensor, x0: Tensor, eps: Tensor, step: int, codes: Tensor | None) -> tuple[Tensor, Tensor]:
        path = self._path(step)
        asked = torch.full((len(xt), 0), UNKNOWN) if codes is None else codes
        low, high = self._settings.guidance_interval
        guidance = Guidance(self._scale(step), (low, high), self._settings.guidance_rescale)
        with torch.no_grad():
            denoise = clipped(
                self._model.denoiser(self._engine.denoiser(), asked, torch.full_like(asked, UNKNOWN), guidance)
            )
            drawn = ddim(denoise, xt, path, noise=ImageNoise([]))
        return drawn, (xt - path[0].alpha * drawn) / path[0].sigma

    def shown(self, codes: Tensor | None, step: int) -> Tensor | None:
        return with_scale(codes, self._scale(step)) if codes is not None and self._settings.scaled else codes

    def _scale(self, step: int) -> float:
        """Uniform between the two that are learned, in whole hundredths, the same for all images of a step."""
        low, high = self._settings.guidance
        drawn = torch.rand(
            (), generator=generator(self._model.recipe.training.seed, "guidance", step), dtype=torch.float64
        )
        return round(HUNDREDTHS * (low + (high - low) * float(drawn))) / HUNDREDTHS

    def _path(self, step: int) -> Sequence[Level]:
        return self._paths[step % len(self._paths)]


def begun(weights: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """A teacher's weights for its student: a layer that is also shown the scale of guidance has one more input, the
    last, of no effect at first.
    """
    own = network.state_dict()

    def grown(name: str, tensor: Tensor) -> Tensor:
        wider = name in own and tensor.ndim == 2 and own[name].shape == (tensor.shape[0], tensor.shape[1] + 1)
        return nn.functional.pad(tensor, (0, 1)) if wider else tensor

    return {name: grown(name, tensor) for name, tensor in weights.items()}


def _down(schedule: Schedule, first: Level, steps: int) -> list[Level]:
    """From a level down, evenly in time; each once, where a table has not as many below it."""
    times = [first.time * (steps - index) / steps for index in range(steps)]
    if schedule.steps is not None:
        times = [max(1, round(time * schedule.steps)) / schedule.steps for time in times]
    return [schedule.at(time) for time in dict.fromkeys(times)]
