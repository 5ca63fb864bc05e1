"""Samplers: each walks from noise to image along a list of levels, one plain function of a denoiser.

Every sampler takes the levels noisiest first, evaluates the denoiser once at each, and returns the last estimate itself:
nothing is gained by noising it again. `on_step(xt, x0_hat, level)` sees each step, for previews; an exception that it
raises ends the sampling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt
from typing import Literal, Protocol

from torch import Tensor

from noisette.diffusion.denoiser import Denoiser
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.schedules import Level

OnStep = Callable[[Tensor, Tensor, Level], None]


class Sampler(Protocol):
    """Draws x0 from `start` (B, C, H, W), unit normal, at levels[0]."""

    def __call__(self, denoise: Denoiser, start: Tensor, levels: Sequence[Level], *, noise: ImageNoise, on_step: OnStep) -> Tensor: ...


def ignore(xt: Tensor, x0: Tensor, level: Level) -> None:
    """An `on_step` that does nothing."""


def ddpm(
    denoise: Denoiser,
    start: Tensor,
    levels: Sequence[Level],
    *,
    noise: ImageNoise,
    variance: Literal["small", "large"] = "small",
    on_step: OnStep = ignore,
) -> Tensor:
    """Ancestral sampling (Ho et al. 2020, algorithm 2), over all levels or any part of them.

    start: (B, C, H, W), unit normal, at levels[0]. variance: that of q(x_then | x_now, x0), or the larger beta.
    Returns x0 of the same shape. Costs len(levels) evaluations of `denoise`.
    """
    xt = start
    for now, then in pairwise(levels):
        x0 = denoise(xt, now)
        on_step(xt, x0, now)
        kept = now.alpha / then.alpha  # x_now = kept * x_then + sqrt(beta) * eps
        beta = now.sigma**2 - kept**2 * then.sigma**2
        mean = (then.alpha * beta * x0 + kept * then.sigma**2 * xt) / now.sigma**2
        spread = sqrt(beta) if variance == "large" else sqrt(beta) * then.sigma / now.sigma
        xt = mean + spread * noise.like(xt)
    x0 = denoise(xt, levels[-1])
    on_step(xt, x0, levels[-1])
    return x0


def ddim(
    denoise: Denoiser,
    start: Tensor,
    levels: Sequence[Level],
    *,
    noise: ImageNoise,
    eta: float = 0.0,
    on_step: OnStep = ignore,
) -> Tensor:
    """Sample with DDIM (Song et al. 2021, eq. 12).

    start: (B, C, H, W), unit normal, at levels[0]. eta: 0 deterministic, 1 as random as `ddpm`.
    Returns x0 of the same shape. Costs len(levels) evaluations of `denoise`.
    """
    xt = start
    for now, then in pairwise(levels):
        x0 = denoise(xt, now)
        on_step(xt, x0, now)
        eps = (xt - now.alpha * x0) / now.sigma  # again from x0, which guidance and clipping may have moved
        beta = now.sigma**2 - (now.alpha / then.alpha) ** 2 * then.sigma**2
        fresh = eta * sqrt(beta) * then.sigma / now.sigma
        xt = then.alpha * x0 + sqrt(then.sigma**2 - fresh**2) * eps
        if eta > 0:
            xt = xt + fresh * noise.like(xt)
    x0 = denoise(xt, levels[-1])
    on_step(xt, x0, levels[-1])
    return x0
