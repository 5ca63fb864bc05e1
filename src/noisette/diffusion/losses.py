"""The training loss and its weightings over noise levels."""

from __future__ import annotations

import torch
from torch import Tensor

from noisette.diffusion.registry import RegressionTarget as Target
from noisette.diffusion.registry import Weighting


def weights(weighting: Weighting, target: Target, alpha: Tensor, sigma: Tensor, *, gamma: float = 5.0) -> Tensor:
    """The weight of each image's squared error.

    - `plain` is 1 in the space of the target.
    - `min-snr` counts an error of x0 with min(SNR, gamma) (Hang et al. 2023), here written for the target: an error of
      x0 is one of eps times 1 / SNR, and one of v times 1 / (SNR + 1).
    - `clamped-snr` counts it with at least 1 as well (the truncated SNR of Salimans and Ho 2022): at high noise, where
      a request alone says what the image is, an error is as wrong as anywhere else.

    Args:
        weighting: One of these.
        target: What the network predicts.
        alpha: Of any shape, 0 to 1.
        sigma: Of the same shape, above 0 to 1.
        gamma: 1 or more, the largest weight of an error of x0.

    Returns:
        Of the shape of alpha and sigma.
    """
    if weighting == "plain":
        return torch.ones_like(alpha)
    snr = alpha**2 / sigma**2
    clipped = snr.clamp(min=1.0 if weighting == "clamped-snr" else None, max=gamma)
    if target == "noise":
        return clipped / snr
    if target == "image":
        return clipped
    return clipped / (snr + 1)


def squared_error(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The mean over a batch of the weighted mean squared error of each image.

    Args:
        prediction: (B, C, H, W).
        target: (B, C, H, W).
        weight: (B,), 0 and up.

    Returns:
        A number.
    """
    return (weight * (prediction - target).square().flatten(1).mean(dim=1)).mean()
