"""The baseline's small network for digits: convolutions, additive skips, no normalisation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from noisette.diffusion.condition import Condition
from noisette.networks.base import Network
from noisette.networks.conditioning import ConditionSpec, Encoded, Features
from noisette.networks.registry import ConditioningName


class SimpleUNet(Network):
    """Convolutions 1-32, 32-64 and 64-128, the last two with stride 2, and two transposed ones back up.

    The time is one linear layer to 32 channels that are joined to the first feature map. Made for 16x16; any size that
    4 divides works. A condition becomes another 32 channels beside those of the time.
    """

    ends = ("enter", "leave")

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        spec: ConditionSpec,
        *,
        condition: Sequence[ConditioningName] = (),
    ) -> None:
        """Make one with random weights.

        Args:
            shape: (C, H, W) of a diffused image, H and W multiples of 4.
            outputs: Channels of its answer.
            spec: What it is conditioned on.
            condition: `concat`, or nothing for an unconditional network.
        """
        super().__init__()
        self.features = Features(spec) if condition else None
        self.condition = nn.Linear(self.features.width, 32) if self.features else None
        self.time = nn.Linear(1, 32)
        self.enter = nn.Conv2d(shape[0], 32, 3, padding=1)
        self.down1 = nn.Conv2d((96 if self.condition else 64), 64, 3, stride=2, padding=1)
        self.down2 = nn.Conv2d(64, 128, 3, stride=2, padding=1)
        self.middle = nn.Conv2d(128, 128, 3, padding=1)
        self.up1 = nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)
        self.leave = nn.Conv2d(32, outputs, 3, padding=1)

    def encode_condition(self, condition: Condition | None) -> Encoded:
        if self.features is None or self.condition is None:
            return ()
        assert condition is not None
        return (self.condition(self.features(condition)),)

    def predict(self, xt: Tensor, times: Tensor, *encoded: Tensor) -> Tensor:
        height, width = xt.shape[-2:]
        first = torch.relu(self.enter(xt))  # (B, 32, H, W)
        beside = torch.cat([self.time(times[:, None]), *encoded], dim=1)[:, :, None, None].expand(
            -1, -1, height, width
        )  # (B, 32 or 64, H, W)
        half = torch.relu(self.down1(torch.cat([first, beside], dim=1)))  # (B, 64, H/2, W/2)
        quarter = torch.relu(self.down2(half))  # (B, 128, H/4, W/4)
        middle = torch.relu(self.middle(quarter)) + quarter
        up = torch.relu(self.up1(middle)) + half
        up = torch.relu(self.up2(up)) + first
        prediction: Tensor = self.leave(up)
        return prediction
