"""Masked diffusion over the colours of a palette, the way back: hidden pixels are drawn a few at a time.

A network that names the colours of hidden pixels from those that it is shown says of each pixel alone what it may be.
Two that are drawn in the same evaluation know nothing of each other; one that was drawn before is seen by all that come
after. So images agree with themselves however little is asked for, where few are drawn at once while much is open, and
all the rest as soon as it follows.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from noisette.diffusion.denoiser import Denoiser
from noisette.diffusion.masking import seen
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.samplers import OnStep, ignore
from noisette.diffusion.schedules import Level

ENTROPY = 0.2
"""Nats that pixels drawn in one evaluation may leave open together, the most uncertain of them not counted: a bound on
how much they may contradict each other (Ben-Hamu et al. 2025, entropy-bounded unmasking).
"""
_TOLD = Level(1.0, 0.0, 1.0)
"""What a network is told of each level, see `MaskedSchedule.told`."""
LEAST = 0.02
"""Colours less likely than this are not drawn: of hundreds of pixels some would be, and one is enough to be wrong."""
_REPAIRED = (0.95, 0.45)
"""The shares of the pixels that the first and the last repair hide."""


def unmask(
    denoise: Denoiser,
    start: Tensor,
    levels: Sequence[Level],
    *,
    colours: Tensor,
    noise: ImageNoise,
    repairs: int = 0,
    on_step: OnStep = ignore,
) -> Tensor:
    """Sample by showing pixels, a few at a time, in a random order.

    In each evaluation the next pixels of the order are drawn, as many as leave less than `ENTROPY` open together: of
    what follows from the pixels before, all. So an image takes as many evaluations as it has surprises; the levels are
    how many it may take at most, and the last of them draws what is left. After that come repairs: a share of all
    pixels is hidden again and takes its most likely colours, as the rest has it (remasking, Wang et al. 2025).

    The cost is len(levels) evaluations of `denoise` at most, and one at least.

    Args:
        denoise: From xt, (B, C + 1, H, W), to logits, (B, K, H, W).
        start: (B, C, H, W), unit normal: the order of the pixels.
        levels: Noisiest first, at least one. Their times are not looked at.
        colours: (K, C), those of the palette.
        noise: Of the images; the colours are drawn with it.
        repairs: How many of the evaluations are repairs, 0 and up; there is always one that is none.
        on_step: Called with xt, the most likely image and the level at each step.

    Returns:
        x0, (B, C, H, W).
    """
    images, _, height, width = start.shape
    order = start[:, 0].flatten(1).argsort(dim=1)  # (B, N): the pixel that comes first, second ...
    chance = _uniform(noise.like(start)[:, 0]).flatten(1)  # (B, N), by which each pixel is drawn
    found = torch.zeros(images, height * width, dtype=torch.long, device=start.device)  # the colour of each pixel
    shown = torch.zeros(images, height * width, dtype=torch.bool, device=start.device)
    showing = max(1, len(levels) - repairs)

    def look(level: Level) -> Tensor:
        """(B, N, K): how likely each colour is at each pixel."""
        clean = colours[found].transpose(1, 2).reshape(start.shape)
        xt = seen(clean, shown.view(-1, height, width))
        chances: Tensor = denoise(xt, _TOLD).flatten(2).softmax(dim=1).transpose(1, 2)
        likely = torch.where(shown, found, chances.argmax(dim=2))
        on_step(xt, colours[likely].transpose(1, 2).reshape(start.shape), level)
        return chances

    for place, level in enumerate(levels[:showing]):
        chances = look(level)
        if place == showing - 1:
            found = torch.where(shown, found, chances.argmax(dim=2))
            break
        likely = torch.where(chances < LEAST, 0, chances)
        likely = likely / likely.sum(dim=2, keepdim=True)
        next_ones = _next(order, shown, torch.special.entr(likely).sum(dim=2))
        drawn = (likely.cumsum(dim=2) < chance[..., None]).sum(dim=2).clamp(max=len(colours) - 1)
        found, shown = torch.where(next_ones, drawn, found), shown | next_ones
        if bool(shown.all()):
            break
    last = len(levels) - showing
    for place, level in enumerate(levels[showing:]):
        first, final = _REPAIRED
        share = first + (final - first) * (place / max(1, last - 1))
        shown = _uniform(noise.like(start)[:, 0]).flatten(1) >= share
        found = torch.where(shown, found, look(level).argmax(dim=2))
    return colours[found].transpose(1, 2).reshape(start.shape)


def _next(order: Tensor, shown: Tensor, entropy: Tensor) -> Tensor:
    """Which hidden pixels are drawn next: (B, N), the first of the order that leave little enough open together."""
    before = shown.gather(1, order)
    open_ = entropy.gather(1, order).masked_fill(before, 0)
    together = open_.cumsum(dim=1) - open_.cummax(dim=1).values
    taken = (together <= ENTROPY) & ~before
    return torch.zeros_like(shown).scatter(1, order, taken)


def _uniform(normal: Tensor) -> Tensor:
    """Unit normal numbers as numbers from 0 to 1, so that what is between two noises is still evenly spread."""
    uniform: Tensor = torch.special.ndtr(normal)
    return uniform
