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
LEAST = 0.06
"""Colours that are less likely than this share of the likeliest are not drawn: of hundreds of pixels some would be, and
one is enough to be wrong. Where much is open, the rare ones stay (min-p sampling, Nguyen et al. 2024).
"""
_TOLD = Level(1.0, 0.0, 1.0)
"""What a network is told of each level, see `MaskedSchedule.told`."""


def unmask(
    denoise: Denoiser,
    start: Tensor,
    levels: Sequence[Level],
    *,
    colours: Tensor,
    order: Tensor,
    noise: ImageNoise,
    on_step: OnStep = ignore,
) -> Tensor:
    """Sample by showing pixels, a few at a time, in their order.

    In each evaluation the next pixels of the order are drawn, as many as leave less than `ENTROPY` open together: of
    what follows from the pixels before, all. So an image takes as many evaluations as it has surprises; the levels are
    how many it may take at most, and the last of them gives what is left its likeliest colours.

    The cost is len(levels) evaluations of `denoise` at most, and one at least.

    Args:
        denoise: From xt, (B, C + 1, H, W), to logits, (B, K, H, W).
        start: (B, C, H, W), unit normal, which says how large the images are.
        levels: Noisiest first, at least one. Their times are not looked at.
        colours: (K, C), those of the palette.
        order: (H W,), the pixels in the order in which they are drawn.
        noise: Of the images; the colours are drawn with it.
        on_step: Called with xt, the most likely image and the level at each step.

    Returns:
        x0, (B, C, H, W).
    """
    images, _, height, width = start.shape
    colours, order = colours.to(start), order.to(start.device).expand(images, -1)
    chance = torch.special.ndtr(noise.like(start)[:, 0]).flatten(1)  # (B, N), 0 to 1, by which each pixel is drawn
    found = torch.zeros(images, height * width, dtype=torch.long, device=start.device)  # the colour of each pixel
    shown = torch.zeros(images, height * width, dtype=torch.bool, device=start.device)
    for left, level in zip(range(len(levels) - 1, -1, -1), levels, strict=True):
        xt = seen(found, shown, colours, height)
        chances = denoise(xt, _TOLD).flatten(2).softmax(dim=1).transpose(1, 2)  # (B, N, K)
        likeliest, first = chances.max(dim=2)
        on_step(xt, _image(torch.where(shown, found, first), colours, height), level)
        if not left:
            found = torch.where(shown, found, first)
            break
        likely = torch.where(chances < LEAST * likeliest[..., None], 0, chances)
        likely = likely / likely.sum(dim=2, keepdim=True)
        drawn = (likely.cumsum(dim=2) < chance[..., None]).sum(dim=2).clamp(max=len(colours) - 1)
        next_ones = _next(order, shown, torch.special.entr(likely).sum(dim=2))
        found = torch.where(shown, found, torch.where(next_ones, drawn, first))
        shown = shown | next_ones
        if bool(shown.all()):
            break
    return _image(found, colours, height)


def _image(found: Tensor, colours: Tensor, height: int) -> Tensor:
    """(B, C, H, W), of the place of each pixel's colour."""
    return colours[found].transpose(1, 2).reshape(len(found), -1, height, found.shape[1] // height)


def _next(order: Tensor, shown: Tensor, entropy: Tensor) -> Tensor:
    """Which hidden pixels are drawn next: (B, N), the first of the order that leave little enough open together."""
    before = shown.gather(1, order)
    open_ = entropy.gather(1, order).masked_fill(before, 0)
    together = open_.cumsum(dim=1) - open_.cummax(dim=1).values
    taken = (together <= ENTROPY) & ~before
    return torch.zeros_like(shown).scatter(1, order, taken)
