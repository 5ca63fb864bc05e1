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
    """What every sampler is: a function that draws x0 from noise, along levels."""

    def __call__(
        self, denoise: Denoiser, start: Tensor, levels: Sequence[Level], *, noise: ImageNoise, on_step: OnStep
    ) -> Tensor:
        """Draw x0.

        Args:
            denoise: The denoiser, guided and clipped.
            start: (B, C, H, W), unit normal, the noise at levels[0].
            levels: Noisiest first, at least one.
            noise: The generators of the images, for samplers that add fresh noise.
            on_step: Called with xt, x0_hat and the level at each step.

        Returns:
            x0, (B, C, H, W).
        """


def ignore(xt: Tensor, x0: Tensor, level: Level) -> None:
    """Do nothing: the `on_step` of who does not watch.

    Args:
        xt: (B, C, H, W), the noisy image.
        x0: (B, C, H, W), the estimate.
        level: The noise level of xt.
    """


def stay(level: Level) -> Level:
    """Return the level itself: no churn.

    Args:
        level: Any.

    Returns:
        The same.
    """
    return level


def estimate(denoise: Denoiser, xt: Tensor, level: Level, on_step: OnStep) -> Tensor:
    """Evaluate the denoiser once, and show the step.

    Args:
        denoise: The denoiser.
        xt: (B, C, H, W), the noisy image.
        level: The noise level of xt.
        on_step: Called with xt, x0_hat and the level.

    Returns:
        x0_hat, (B, C, H, W).
    """
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
    """Sample by ancestral sampling (Ho et al. 2020, algorithm 2), over all levels or any part of them.

    The cost is len(levels) evaluations of `denoise`.

    Args:
        denoise: The denoiser.
        start: (B, C, H, W), unit normal, at levels[0].
        levels: Noisiest first.
        noise: Of the images; fresh noise is added in each step.
        variance: `small` is that of q(x_then | x_now, x0), `large` the beta of the step.
        on_step: Called with xt, x0_hat and the level at each step.

    Returns:
        x0, (B, C, H, W).
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

    The cost is len(levels) evaluations of `denoise`.

    Args:
        denoise: The denoiser.
        start: (B, C, H, W), unit normal, at levels[0].
        levels: Noisiest first.
        noise: Of the images; used where eta is above 0.
        eta: 0 to 1: 0 is deterministic, 1 as random as `ddpm`.
        on_step: Called with xt, x0_hat and the level at each step.

    Returns:
        x0, (B, C, H, W).

    Examples:
        >>> import torch
        >>> from noisette.diffusion.noise import ImageNoise
        >>> from noisette.diffusion.schedules import make_schedule
        >>> noise = ImageNoise([0, 1])
        >>> levels = make_schedule("cosine", None).levels(5)
        >>> ddim(lambda xt, level: torch.zeros_like(xt), noise.draw((3, 8, 8)), levels, noise=noise).shape
        torch.Size([2, 3, 8, 8])
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
    """Sample by Euler's method over sigma / alpha with churn (Karras et al. 2022, algorithm 2 without its correction).

    Without churn it is `ddim`. The cost is len(levels) evaluations of `denoise`.

    Args:
        denoise: The denoiser.
        start: (B, C, H, W), unit normal, at levels[0].
        levels: Noisiest first.
        noise: Of the images; used where there is churn.
        raised: Churn: from a level to the noisier one to which an image goes before the step.
        on_step: Called with xt, x0_hat and the level at each step.

    Returns:
        x0, (B, C, H, W).
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
    """Sample by Heun's method over sigma / alpha with churn (Karras et al. 2022, algorithm 2).

    Each step of `euler` is taken once more, with the mean of both slopes. Where sigma / alpha falls a thousandfold in a
    step, as with few steps evenly spaced in time, the mean of both is no slope: space them by log-SNR. The cost is
    2 len(levels) - 1 evaluations of `denoise`.

    Args:
        denoise: The denoiser.
        start: (B, C, H, W), unit normal, at levels[0].
        levels: Noisiest first.
        noise: Of the images; used where there is churn.
        raised: Churn: from a level to the noisier one to which an image goes before the step.
        on_step: Called with xt, x0_hat and the level at each step.

    Returns:
        x0, (B, C, H, W).
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
    """Sample by multistep consistency sampling (Song et al. 2023, algorithm 1), for distilled models.

    Each estimate goes to the next level with fresh noise, so the denoiser's estimates must be images already. The cost
    is len(levels) evaluations of `denoise`.

    Args:
        denoise: The denoiser.
        start: (B, C, H, W), unit normal, at levels[0].
        levels: Noisiest first.
        noise: Of the images; fresh noise is added in each step.
        on_step: Called with xt, x0_hat and the level at each step.

    Returns:
        x0, (B, C, H, W).
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
