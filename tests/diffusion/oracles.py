"""Denoisers that are right by construction, for samplers to be held against."""

from __future__ import annotations

import torch
from torch import Tensor

from noisette.diffusion.denoiser import Denoiser
from noisette.diffusion.schedules import Level


def ideal(data: Tensor) -> Denoiser:
    """The exact posterior mean of x0 given xt when x0 is one of `data` (N, C, H, W), each as likely (Karras et al. 2022, eq. 57)."""

    def denoise(xt: Tensor, level: Level) -> Tensor:
        distance = (xt[:, None] - level.alpha * data[None]).flatten(2).square().sum(dim=2)  # (B, N)
        weight = torch.softmax(-distance / (2 * level.sigma**2), dim=1)
        return torch.einsum("bn,nchw->bchw", weight, data)

    return denoise


def gaussian(mean: float, spread: float) -> Denoiser:
    """The exact posterior mean of x0 given xt when each pixel of x0 is normal on its own."""

    def denoise(xt: Tensor, level: Level) -> Tensor:
        gain = level.alpha * spread**2 / (level.alpha**2 * spread**2 + level.sigma**2)
        return mean + gain * (xt - level.alpha * mean)

    return denoise
