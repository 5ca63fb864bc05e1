"""Masked diffusion over the colours of a palette, the forward process: pixels are hidden instead of noised.

Austin et al. 2021 (absorbing states), Sahoo et al. 2024 (MDLM), Shi et al. 2024 (MD4).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def hide(x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """The forward process: some pixels are shown as they are, and nothing of the others.

    Args:
        x0: (B, C, H, W), the clean images.
        eps: (B, C, H, W), unit normal: the pixels whose first number is least are shown.
        alpha: (B,), 0 to 1, the share of the pixels that is shown, rounded down to whole pixels.
        sigma: (B,), 1 - alpha.

    Returns:
        xt, (B, C + 1, H, W): colours, 0 where they are hidden, and 1 where they are shown.
    """
    rank = eps[:, 0].flatten(1).argsort(dim=1).argsort(dim=1)  # (B, H W)
    shown = rank < (alpha[:, None] * rank.shape[1]).floor()
    return seen(x0, shown.view(len(x0), *x0.shape[2:]))


def seen(x0: Tensor, shown: Tensor) -> Tensor:
    """What a network sees of an image.

    Args:
        x0: (B, C, H, W).
        shown: (B, H, W), true where it sees the pixel.

    Returns:
        xt, (B, C + 1, H, W).
    """
    plane = shown[:, None].to(x0.dtype)
    return torch.cat([x0 * plane, plane], dim=1)


def hidden(xt: Tensor) -> Tensor:
    """Where pixels are hidden.

    Args:
        xt: (B, C + 1, H, W).

    Returns:
        (B, H, W) of true and false.
    """
    return xt[:, -1] < 0.5


def cross_entropy(prediction: Tensor, answer: Tensor, xt: Tensor) -> Tensor:
    """The cross-entropy of hidden pixels, the mean over those of an image and then over a batch.

    Each image counts the same, however few of its pixels are hidden: the weights of the bound on the likelihood, 1 / t
    for a share t of hidden pixels (Shi et al. 2024, eq. 6).

    Args:
        prediction: (B, K, H, W), logits.
        answer: (B, H, W), the colour of each pixel.
        xt: (B, C + 1, H, W).

    Returns:
        A number.
    """
    counted = hidden(xt).flatten(1)
    surprise = F.cross_entropy(prediction, answer, reduction="none").flatten(1) * counted
    return (surprise.sum(dim=1) / counted.sum(dim=1).clamp(min=1)).mean()
