"""Noise: the forward process, and random numbers that belong to an image and not to its place in a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi, sin

import torch
from torch import Tensor

from noisette.seeds import NOISE, WORD, random_of


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
        share: 0 to 1, how far: 0 is the one and 1 the other, exactly.

    Returns:
        Unit normal of that shape.
    """
    stays = cos(share * pi / 2) if share < 1 else 0.0  # the cosine of pi / 2 as a number is not quite 0
    return stays * one + sin(share * pi / 2) * other


class ImageNoise:
    """One generator for each image of a batch: image k draws the same numbers on any batch size and any device.

    Numbers are drawn on the CPU, whose generator is the same everywhere, and moved.

    Args:
        seeds: One for each image, 0 or more and below 2**63; no two draw the same.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self._streams = [_stream(seed) for seed in seeds]

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
        return torch.stack([stream(tuple(shape), dtype) for stream in self._streams]).to(device)

    def like(self, xt: Tensor) -> Tensor:
        """Draw the next numbers of each image, as a tensor has them.

        Args:
            xt: (B, C, H, W), whose shape, device and precision they get.

        Returns:
            (B, C, H, W) unit normal.
        """
        return self.draw(xt.shape[1:], xt.device, xt.dtype)


class VariedNoise(ImageNoise):
    """Noise on the way from that of another seed to that of each image, see `between`: each draw is as far on it.

    So what a sampler adds is varied as the start is, and an image varied by nothing is the other seed's by any sampler.

    Args:
        seeds: One for each image, 0 or more and below 2**63.
        around: The other seed.
        strength: 0 to 1, how far.
    """

    def __init__(self, seeds: Sequence[int], around: int, strength: float) -> None:
        super().__init__(seeds)
        self._around, self._strength = ImageNoise([around]), strength

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
        return between(self._around.draw(shape, device, dtype), super().draw(shape, device, dtype), self._strength)


def _stream(seed: int) -> Callable[[tuple[int, ...], torch.dtype], Tensor]:
    """Unit normal numbers of a seed, more with each call.

    PyTorch's generator reads 32 bits of a seed, so that longer ones would repeat: of these NumPy's draws.
    """
    if seed < WORD:
        generator = torch.Generator().manual_seed(seed)
        return lambda shape, dtype: torch.randn(shape, generator=generator, dtype=dtype)
    random = random_of(seed, NOISE)
    return lambda shape, dtype: torch.from_numpy(random.standard_normal(shape)).to(dtype)
