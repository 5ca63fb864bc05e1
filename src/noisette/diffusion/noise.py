"""Noise: the forward process, and random numbers that belong to an image and not to its place in a batch."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin

import torch
from torch import Tensor


def add_noise(x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """The forward process: xt ~ q(xt | x0) (Ho et al. 2020, eq. 4).

    Args:
        x0: (B, C, H, W), the clean images.
        eps: (B, C, H, W), unit normal.
        alpha: (B,), 0 to 1.
        sigma: (B,), 0 to 1.

    Returns:
        xt, (B, C, H, W).
    """
    return alpha.view(-1, 1, 1, 1) * x0 + sigma.view(-1, 1, 1, 1) * eps


def between(one: Tensor, other: Tensor, share: float) -> Tensor:
    """Go from one noise towards another, along the quarter circle through both, so that unit normal stays unit normal.

    Args:
        one: Unit normal, of any shape.
        other: Unit normal, of the same shape.
        share: 0 to 1, how far.

    Returns:
        Unit normal of that shape.
    """
    return cos(share * pi / 2) * one + sin(share * pi / 2) * other


class ImageNoise:
    """One generator for each image of a batch: image k draws the same numbers on any batch size and any device.

    Numbers are drawn on the CPU, whose generator is the same everywhere, and moved.

    Args:
        seeds: One for each image, 0 or more and below 2**63.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def draw(
        self, shape: Sequence[int], device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """Draw the next numbers of each image.

        Args:
            shape: Of one image, such as (C, H, W).
            device: Where they go.
            dtype: Their precision.

        Returns:
            (B, *shape) unit normal.
        """
        return torch.stack(
            [torch.randn(tuple(shape), generator=generator, dtype=dtype) for generator in self._generators]
        ).to(device)

    def like(self, xt: Tensor) -> Tensor:
        """Draw the next numbers of each image, as a tensor has them.

        Args:
            xt: (B, C, H, W), whose shape, device and precision they get.

        Returns:
            (B, C, H, W) unit normal.
        """
        return self.draw(xt.shape[1:], xt.device, xt.dtype)
