"""Masked diffusion over the colours of a palette, the forward process: pixels are hidden instead of noised.

Austin et al. 2021 (absorbing states), Sahoo et al. 2024 (MDLM), Shi et al. 2024 (MD4). There pixels are hidden at
random, and a network has to learn what follows from any few of them. Here they have one order, in which the first tell
most of an image (`noisette.data.telling`): what has to be learned is what follows from each beginning of it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from noisette.diffusion.palette import nearest

SOON = 4
"""Pixels after which the loss of a hidden one counts half: the next are those that are drawn from what is shown."""


def hide(x0: Tensor, alpha: Tensor, order: Tensor, colours: Tensor) -> Tensor:
    """The forward process: the first pixels of an order are shown as they are, and nothing of the others.

    Args:
        x0: (B, C, H, W), the clean images.
        alpha: (B,), 0 to 1, the share of the pixels that is shown, rounded down to whole pixels.
        order: (H W,), the pixels in the order in which they are shown.
        colours: (K, C), those of the palette.

    Returns:
        xt, (B, C + 1, H, W), see `seen`.
    """
    shown = order.argsort() < (alpha[:, None] * len(order)).floor()  # (B, H W)
    return seen(places(x0, colours).flatten(1), shown, colours, x0.shape[2])


def places(x0: Tensor, colours: Tensor) -> Tensor:
    """Which colour each pixel has.

    Args:
        x0: (B, C, H, W), clean images.
        colours: (K, C), those of the palette.

    Returns:
        (B, H, W), from 0.
    """
    rows = x0.permute(0, 2, 3, 1).flatten(0, 2)
    return nearest(rows, colours.to(x0)).view(len(x0), *x0.shape[2:])


def seen(found: Tensor, shown: Tensor, colours: Tensor, height: int) -> Tensor:
    """What a network sees of an image.

    Args:
        found: (B, H W), the place of each pixel's colour.
        shown: (B, H W), true where it sees the pixel.
        colours: (K, C), those of the palette.
        height: H.

    Returns:
        xt, (B, C + 1, H, W): colours, 0 where they are hidden; and their numbers from 1, 0 where they are hidden.
    """
    clean = colours[found] * shown[..., None]
    numbers = (found + 1) * shown
    planes = torch.cat([clean, numbers[..., None].to(clean.dtype)], dim=2)
    return planes.transpose(1, 2).reshape(len(found), -1, height, found.shape[1] // height)


def hidden(xt: Tensor) -> Tensor:
    """Where pixels are hidden.

    Args:
        xt: (B, C + 1, H, W).

    Returns:
        (B, H, W) of true and false.
    """
    return xt[:, -1] < 0.5


def cross_entropy(prediction: Tensor, answer: Tensor, xt: Tensor, order: Tensor) -> Tensor:
    """The cross-entropy of hidden pixels, the mean over those of an image and then over a batch.

    A pixel that comes n places after the next one counts 1 / (1 + n / `SOON`): what is drawn from what is shown are the
    next pixels, and those far behind will be drawn from more.

    Args:
        prediction: (B, K, H, W), logits.
        answer: (B, H, W), the colour of each pixel.
        xt: (B, C + 1, H, W), with the first pixels of the order shown.
        order: (H W,), the pixels in the order in which they are drawn.

    Returns:
        A number.
    """
    open_ = hidden(xt).flatten(1)
    shown = (~open_).sum(dim=1, keepdim=True)
    weights = open_ / (1 + (order.argsort() - shown).clamp(min=0) / SOON)
    surprise = F.cross_entropy(prediction, answer, reduction="none").flatten(1) * weights
    return (surprise.sum(dim=1) / weights.sum(dim=1).clamp(min=1e-6)).mean()
