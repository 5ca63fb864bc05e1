"""What the network predicts, and the conversions both ways. All are linear in xt = alpha * x0 + sigma * eps.

`noise` is eps (Ho et al. 2020), `image` is x0, `velocity` is alpha * eps - sigma * x0 (Salimans and Ho 2022). alpha and
sigma are numbers, or tensors that broadcast against (B, C, H, W); alpha**2 + sigma**2 = 1.
"""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

from noisette.diffusion.registry import RegressionTarget as Target

Scale = TypeVar("Scale", float, Tensor)


def target_of(target: Target, x0: Tensor, eps: Tensor, alpha: Scale, sigma: Scale) -> Tensor:
    """What a perfect network would predict.

    Args:
        target: `noise`, `image` or `velocity`.
        x0: (B, C, H, W), the clean images.
        eps: (B, C, H, W), the noise.
        alpha: A number, or (B, 1, 1, 1).
        sigma: A number, or (B, 1, 1, 1).

    Returns:
        (B, C, H, W).
    """
    if target == "noise":
        return eps
    if target == "image":
        return x0
    return alpha * eps - sigma * x0


def image_from(target: Target, prediction: Tensor, xt: Tensor, alpha: Scale, sigma: Scale) -> Tensor:
    """The clean image that a prediction means.

    Args:
        target: `noise`, `image` or `velocity`.
        prediction: (B, C, H, W), of the network.
        xt: (B, C, H, W), the noisy images.
        alpha: A number, or (B, 1, 1, 1). With the noise target not 0: nothing of the image is left to divide out.
        sigma: A number, or (B, 1, 1, 1).

    Returns:
        x0_hat, (B, C, H, W).
    """
    if target == "noise":
        return (xt - sigma * prediction) / alpha
    if target == "image":
        return prediction
    return alpha * xt - sigma * prediction


def noise_from(target: Target, prediction: Tensor, xt: Tensor, alpha: Scale, sigma: Scale) -> Tensor:
    """The noise that a prediction means.

    Args:
        target: `noise`, `image` or `velocity`.
        prediction: (B, C, H, W), of the network.
        xt: (B, C, H, W), the noisy images.
        alpha: A number, or (B, 1, 1, 1).
        sigma: A number, or (B, 1, 1, 1). With the image target not 0.

    Returns:
        eps_hat, (B, C, H, W).
    """
    if target == "noise":
        return prediction
    if target == "image":
        return (xt - alpha * prediction) / sigma
    return sigma * xt + alpha * prediction
