"""A denoiser is a function D(xt, level) -> x0_hat: all that a sampler knows of a model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from noisette.diffusion.schedules import Level
from noisette.diffusion.targets import Target, image_from

Denoiser = Callable[[Tensor, Level], Tensor]
Network = Callable[[Tensor, Tensor], Tensor]
"""(xt (B, C, H, W), times (B,) in (0, 1]) -> a prediction of the shape of xt."""


def as_denoiser(network: Network, target: Target) -> Denoiser:
    """The denoiser behind a network that predicts `target`."""

    def denoise(xt: Tensor, level: Level) -> Tensor:
        times = torch.full((len(xt),), level.time, dtype=torch.float32, device=xt.device)
        return image_from(target, network(xt, times).to(xt.dtype), xt, level.alpha, level.sigma)

    return denoise


def as_conditional_denoiser(network: Callable[[Tensor, Tensor, Tensor], Tensor], target: Target) -> Callable[[Tensor, Level, Tensor], Tensor]:
    """The same for a network that also takes a request, codes (B, A): D(xt, level, codes) -> x0_hat."""
    return lambda xt, level, codes: as_denoiser(lambda image, times: network(image, times, codes), target)(xt, level)


def clipped(denoise: Denoiser, low: float = -1.0, high: float = 1.0) -> Denoiser:
    """`denoise` with its estimate kept inside the range of the data. Goes around any guidance, never inside it."""
    return lambda xt, level: denoise(xt, level).clamp(low, high)
