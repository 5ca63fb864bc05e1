"""The network of an attribute classifier."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from noisette.threads import steady

_AT_A_TIME = 64
_WIDTHS = (32, 64, 96, 128)


class ClassifierNetwork(nn.Module):
    """Strided convolutions, then two dense layers over all positions, so that the network knows where things are.

    One more layer sees single pixels, for what is no larger, such as a mole. The names of its parts stand in the files
    of classifiers that are kept, and in the digest under which figures are kept: they cannot change.

    Attributes:
        usual: (D,) mean of each response over the real images.
        spread: (D,) standard deviation of each response over the real images.
    """

    usual: Tensor
    spread: Tensor

    def __init__(self, shape: tuple[int, int, int], values: int) -> None:
        """Make the layers, with weights from the global random state.

        Args:
            shape: (C, H, W) of an image.
            values: V, the options of all choices and the flags.
        """
        super().__init__()
        channels, height, width = shape

        def convolution(width_in: int, width_out: int, stride: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(width_in, width_out, 3, stride, 1, bias=False), nn.BatchNorm2d(width_out), nn.ReLU()
            )

        first, second, third, last = _WIDTHS
        self.look = nn.Sequential(
            convolution(channels, first, 1),
            convolution(first, second, 2),
            convolution(second, third, 1),
            convolution(third, last, 2),
        )
        positions = math.ceil(math.ceil(height / 2) / 2) * math.ceil(math.ceil(width / 2) / 2)
        self.describe = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(last * positions, 256), nn.BatchNorm1d(256), nn.ReLU()
        )
        self.decide = nn.Sequential(nn.Dropout(0.2), nn.Linear(256, values))
        self.peer = nn.Sequential(nn.Conv2d(channels, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten())
        self.point = nn.Sequential(nn.Dropout(0.3), nn.Linear(8 * height * width, values, bias=False))
        self.register_buffer("usual", torch.zeros(sum(_WIDTHS)))
        self.register_buffer("spread", torch.ones(sum(_WIDTHS)))

    def responses(self, images: Tensor) -> Tensor:
        """Average each channel of each convolution over the image.

        Args:
            images: (B, C, H, W) in [-1, 1].

        Returns:
            (B, D).
        """
        means, seen = [], images
        for block in self.look:
            seen = block(seen)
            means.append(seen.mean(dim=(2, 3)))
        return torch.cat(means, dim=1)

    def standardise(self, responses: Tensor) -> None:
        """Set the mean and the standard deviation by which `features` are standardised.

        Args:
            responses: (N, D) of the real images.
        """
        self.usual.copy_(responses.mean(dim=0))
        self.spread.copy_(responses.std(dim=0).clamp(min=1e-3))  # a channel that never responds has none

    def features(self, images: Tensor) -> Tensor:
        """Standardise the responses: 0 is their mean over real images, 1 their standard deviation.

        They are from all depths and not from the last layer alone: that one has learned to overlook noise and blur,
        and places images that are unlike any real one between the real ones.

        Args:
            images: (B, C, H, W) in [-1, 1].

        Returns:
            (B, D).
        """
        return (self.responses(images) - self.usual) / self.spread

    def forward(self, images: Tensor) -> Tensor:
        """Score all values.

        Args:
            images: (B, C, H, W) in [-1, 1].

        Returns:
            (B, V) logits.
        """
        logits: Tensor = self.decide(self.describe(self.look(images))) + self.point(self.peer(images))
        return logits


@steady()
def over(images: NDArray[np.uint8], network: Callable[[Tensor], Tensor]) -> Tensor:
    """Evaluate a network over many images, some at a time.

    Args:
        images: (N, C, H, W) bytes.
        network: Takes (B, C, H, W) in [-1, 1], and gives (B, ...).

    Returns:
        (N, ...).
    """
    with torch.inference_mode():
        return torch.cat([network(as_input(part)) for part in torch.split(torch.from_numpy(images), _AT_A_TIME)])


def as_input(images: Tensor) -> Tensor:
    """Scale bytes to what the network takes.

    Args:
        images: (B, C, H, W) bytes.

    Returns:
        (B, C, H, W) in [-1, 1].
    """
    return images.float() / 127.5 - 1
