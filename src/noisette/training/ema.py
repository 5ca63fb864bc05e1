"""An exponential moving average of the weights, which draws better than the weights themselves."""

from __future__ import annotations

import copy

import torch
from torch import nn

from noisette.networks.base import Network


class AveragedNetwork:
    """The exponential moving average of a network's weights over training (Polyak averaging; Song and Ermon 2020).

    The decay warms up as (1 + n) / (10 + n) at the nth update: a constant 0.9999 would still hold 90 % of the first
    weights after 1,000 steps.

    Attributes:
        network: With the averaged weights, in evaluation mode.
        updates: How many there were.
    """

    def __init__(self, network: Network, *, decay: float) -> None:
        """Begin with the weights of a network.

        Args:
            network: It is copied.
            decay: Weight of the past at each update, 0 to 1, once it is warm.
        """
        self.network: Network = copy.deepcopy(network)
        self.network.requires_grad_(False).eval()
        self.decay = decay
        self.updates = 0

    def update(self, network: nn.Module) -> None:
        """Move towards the weights of `network`; call it after each step of the optimiser."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), 1 - decay)
            for mine, theirs in zip(self.network.buffers(), network.buffers(), strict=True):
                mine.copy_(theirs)
