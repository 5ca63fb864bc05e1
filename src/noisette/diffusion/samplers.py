"""Samplers: each walks from noise to image along a list of levels, one plain function of a denoiser.

Every sampler takes the levels noisiest first, evaluates the denoiser once at each (`heun` twice), and returns the last
estimate itself: nothing is gained by noising it again. `on_step(xt, x0_hat, level)` sees each step, for previews; an
exception that it raises ends the sampling. Those here look at one step alone; those of multistep.py remember the steps
before.
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
Raised = Callable[[Level], Level]
"""Churn: to which noisier level an image goes, by fresh noise, before each step."""


class Sampler(Protocol):
    """Draws x0 from `start` (B, C, H, W), unit normal, at levels[0]."""

    def __call__(
        self, denoise: Denoiser, start: Tensor, levels: Sequence[Level], *, noise: ImageNoise, on_step: OnStep
    ) -> Tensor: ...


def ignore(xt: Tensor, x0: Tensor, level: Level) -> None:
    """An `on_step` that does nothing."""


def stay(level: Level) -> Level:
    """The level itself: no churn."""
    return level


def estimate(denoise: Denoiser, xt: Tensor, level: Level, on_step: OnStep) -> Tensor:
    """x0_hat at a level, which `on_step` has seen."""
    x0 = denoise(xt, level)
    on_step(xt, x0, level)
    return x0


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
        x0 = estimate(denoise, xt, now, on_step)
        kept = now.alpha / then.alpha  # x_now = kept * x_then + sqrt(beta) * eps
        beta = now.sigma**2 - kept**2 * then.sigma**2
        mean = (then.alpha * beta * x0 + kept * then.sigma**2 * xt) / now.sigma**2
        spread = sqrt(beta) if variance == "large" else sqrt(beta) * then.sigma / now.sigma
        xt = mean + spread * noise.like(xt)
    return estimate(denoise, xt, levels[-1], on_step)


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
        x0 = estimate(denoise, xt, now, on_step)
        eps = _eps(xt, x0, now)
        beta = now.sigma**2 - (now.alpha / then.alpha) ** 2 * then.sigma**2
        fresh = eta * sqrt(beta) * then.sigma / now.sigma
        xt = then.alpha * x0 + sqrt(then.sigma**2 - fresh**2) * eps
        if eta > 0:
            xt = xt + fresh * noise.like(xt)
    return estimate(denoise, xt, levels[-1], on_step)


def euler(
    denoise: Denoiser,
    start: Tensor,
    levels: Sequence[Level],
    *,
    noise: ImageNoise,
    raised: Raised = stay,
    on_step: OnStep = ignore,
) -> Tensor:
    """Euler's method over sigma / alpha with churn (Karras et al. 2022, algorithm 2 without its correction); without
    churn it is `ddim`.

    start: (B, C, H, W), unit normal, at levels[0]. Returns x0 of the same shape. Costs len(levels) evaluations of
    `denoise`.
    """
    xt = start
    for level, then in pairwise(levels):
        xt, now = _churned(xt, level, raised, noise)
        x0 = estimate(denoise, xt, now, on_step)
        xt = then.alpha * x0 + then.sigma * _eps(xt, x0, now)
    return estimate(denoise, xt, levels[-1], on_step)


def heun(
    denoise: Denoiser,
    start: Tensor,
    levels: Sequence[Level],
    *,
    noise: ImageNoise,
    raised: Raised = stay,
    on_step: OnStep = ignore,
) -> Tensor:
    """Heun's method over sigma / alpha with churn (Karras et al. 2022, algorithm 2): each step of `euler` once more,
    with the mean of both slopes.

    start: (B, C, H, W), unit normal, at levels[0]. Returns x0 of the same shape. Costs 2 len(levels) - 1 evaluations of
    `denoise`. Where sigma / alpha falls a thousandfold in a step, as with few steps evenly spaced in time, the mean of
    both is no slope: space them by log-SNR.
    """
    xt = start
    for level, then in pairwise(levels):
        xt, now = _churned(xt, level, raised, noise)
        x0 = estimate(denoise, xt, now, on_step)
        eps = _eps(xt, x0, now)
        ahead = then.alpha * x0 + then.sigma * eps
        turned = _eps(ahead, denoise(ahead, then), then) - eps
        xt = ahead + (then.sigma - then.alpha * now.sigma / now.alpha) / 2 * turned
    return estimate(denoise, xt, levels[-1], on_step)


def lcm(
    denoise: Denoiser, start: Tensor, levels: Sequence[Level], *, noise: ImageNoise, on_step: OnStep = ignore
) -> Tensor:
    """Each estimate with fresh noise to the next level: for a denoiser whose estimates are images already (Song et al.
    2023, algorithm 1).

    start: (B, C, H, W), unit normal, at levels[0]. Returns x0 of the same shape. Costs len(levels) evaluations of
    `denoise`.
    """
    xt = start
    for now, then in pairwise(levels):
        xt = then.alpha * estimate(denoise, xt, now, on_step) + then.sigma * noise.like(xt)
    return estimate(denoise, xt, levels[-1], on_step)


def _eps(xt: Tensor, x0: Tensor, level: Level) -> Tensor:
    """The noise in xt, from x0, which guidance and clipping may have moved."""
    return (xt - level.alpha * x0) / level.sigma


def _churned(xt: Tensor, level: Level, raised: Raised, noise: ImageNoise) -> tuple[Tensor, Level]:
    """The image at the noisier level, and that level."""
    noisier = raised(level)
    if noisier == level:
        return xt, level
    kept = noisier.alpha / level.alpha
    return kept * xt + sqrt(noisier.sigma**2 - kept**2 * level.sigma**2) * noise.like(xt), noisier
