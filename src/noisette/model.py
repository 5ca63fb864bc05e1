"""A recipe put together: the network, the noise levels and the pixel space that belong to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from noisette.config import NetworkConfig, Recipe, SimpleUNetConfig
from noisette.data.pixels import PixelSpace, pixel_space
from noisette.diffusion.denoiser import as_denoiser, clipped
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.samplers import OnStep, ddim, ddpm, ignore
from noisette.diffusion.schedules import MAX_RESIDUAL_SIGNAL, Schedule, ScheduleError, make_schedule
from noisette.diffusion.targets import Target
from noisette.errors import RequestError
from noisette.networks.simple_unet import SimpleUNet
from noisette.networks.unet import UNet

BATCH = 16
"""Images are always evaluated so many at a time, the last ones with company that is thrown away: for other numbers the
libraries below take other kernels, whose last bits differ, and an image would depend on those beside it."""


SamplerName = Literal["ddpm", "ddim"]


@dataclass(frozen=True)
class Sampling:
    """How an image is drawn: by what, in how many network evaluations, and eta of ddim."""

    sampler: SamplerName
    steps: int
    eta: float


@dataclass(frozen=True)
class Model:
    """What a recipe diffuses and how. Weights are not here: `network()` makes fresh ones."""

    recipe: Recipe
    schedule: Schedule
    space: PixelSpace
    side: int

    @property
    def target(self) -> Target:
        return self.recipe.diffusion.target

    @property
    def warning(self) -> str | None:
        """What a person should know before training, or None."""
        left = self.schedule.residual_signal
        if left <= MAX_RESIDUAL_SIGNAL:
            return None
        return (
            f"the schedule leaves {left**0.5:.2f} of the image at its last level, but sampling starts from pure noise: "
            "expect washed-out or tinted pictures (schedule = linear-scaled mends it)"
        )

    def network(self) -> nn.Module:
        """A network with first weights from torch's global random state."""
        return _build_network(self.recipe.network, self.space.channels, self.side)

    def draw(
        self, network: nn.Module, seeds: Sequence[int], sampling: Sampling, *, device: torch.device | str = "cpu", on_step: OnStep = ignore
    ) -> Tensor:
        """(len(seeds), C, H, W) uint8, one image for each seed, the same on any number of seeds.

        Raises RequestError where the schedule has too few levels.
        """
        try:
            levels = self.schedule.levels(sampling.steps)
        except ScheduleError as error:
            raise RequestError(str(error)) from error
        denoise = clipped(as_denoiser(network, self.target))
        shape = (self.space.channels, self.side, self.side)
        drawn = []
        network.eval()
        for start in range(0, len(seeds), BATCH):
            batch = list(seeds[start : start + BATCH])
            company = [0] * (BATCH - len(batch))
            noise = ImageNoise(batch + company)
            first = noise.draw(shape, device)
            seen = _without(len(batch), on_step)
            with torch.inference_mode():
                if sampling.sampler == "ddpm":
                    x0 = ddpm(denoise, first, levels, noise=noise, on_step=seen)
                else:
                    x0 = ddim(denoise, first, levels, noise=noise, eta=sampling.eta, on_step=seen)
                drawn.append(self.space.decode(x0[: len(batch)]).cpu())
        return torch.cat(drawn)


def batches(images: int) -> int:
    """In how many batches so many images are drawn."""
    return -(-images // BATCH)


def assemble(recipe: Recipe) -> Model:
    """The model that a recipe describes. Raises RequestError where its schedule cannot work."""
    diffusion = recipe.diffusion
    try:
        schedule = make_schedule(
            diffusion.schedule,
            None if diffusion.steps == "continuous" else diffusion.steps,
            beta_start=diffusion.beta_start,
            beta_end=diffusion.beta_end,
            allow_residual_signal=diffusion.allow_residual_signal,
        )
    except ScheduleError as error:
        raise RequestError(f"diffusion.schedule: {error}") from error
    dataset = recipe.dataset
    return Model(recipe, schedule, pixel_space(dataset.space, dataset.image_channels), dataset.side)


def _build_network(settings: NetworkConfig, channels: int, side: int) -> nn.Module:
    if isinstance(settings, SimpleUNetConfig):
        return SimpleUNet(channels)
    return UNet(
        channels,
        side,
        widths=settings.widths,
        blocks=settings.blocks,
        attention=settings.attention,
        patch=settings.patch,
        head_width=settings.head_width,
    )


def _without(count: int, on_step: OnStep) -> OnStep:
    """`on_step` without the images that only keep company."""
    return lambda xt, x0, level: on_step(xt[:count], x0[:count], level)
