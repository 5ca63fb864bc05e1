"""A denoiser is a function D(xt, level) -> x0_hat: all that a sampler knows of a model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from noisette.diffusion.objectives import Objective
from noisette.diffusion.schedules import Level

Denoiser = Callable[[Tensor, Level], Tensor]
Network = Callable[[Tensor, Tensor], Tensor]
"""(xt (B, C, H, W), times (B,) in (0, 1]) -> a prediction, as its objective understands it."""


def as_denoiser(network: Network, objective: Objective) -> Denoiser:
    """The denoiser behind a network that was trained for `objective`."""

    def denoise(xt: Tensor, level: Level) -> Tensor:
        times = torch.full((len(xt),), level.time, dtype=torch.float32, device=xt.device)
        alpha, sigma = (torch.full((len(xt),), scale, dtype=xt.dtype, device=xt.device) for scale in (level.alpha, level.sigma))
        return objective.image(network(xt, times), xt, alpha, sigma)

    return denoise


def as_conditional_denoiser(network: Callable[[Tensor, Tensor, Tensor], Tensor], objective: Objective) -> Callable[[Tensor, Level, Tensor], Tensor]:
    """The same for a network that also takes a request, codes (B, A): D(xt, level, codes) -> x0_hat."""
    return lambda xt, level, codes: as_denoiser(lambda image, times: network(image, times, codes), objective)(xt, level)


def clipped(denoise: Denoiser, low: float = -1.0, high: float = 1.0) -> Denoiser:
    """`denoise` with its estimate kept inside the range of the data. Goes around any guidance, never inside it."""
    return lambda xt, level: denoise(xt, level).clamp(low, high)
