"""The report's small network for digits: convolutions, additive skips, no normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SimpleUNet(nn.Module):
    """Convolutions 1-32, 32-64 and 64-128, the last two with stride 2, and two transposed ones back up.

    The time is one linear layer to 32 channels that are joined to the first feature map. Made for 16x16; any size that
    4 divides works. Takes xt (B, C, H, W) and times (B,) in (0, 1], returns the shape of xt.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.time = nn.Linear(1, 32)
        self.enter = nn.Conv2d(channels, 32, 3, padding=1)
        self.down1 = nn.Conv2d(32 + 32, 64, 3, stride=2, padding=1)
        self.down2 = nn.Conv2d(64, 128, 3, stride=2, padding=1)
        self.middle = nn.Conv2d(128, 128, 3, padding=1)
        self.up1 = nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)
        self.leave = nn.Conv2d(32, channels, 3, padding=1)

    def forward(self, xt: Tensor, times: Tensor) -> Tensor:
        height, width = xt.shape[-2:]
        first = torch.relu(self.enter(xt))  # (B, 32, H, W)
        time = self.time(times[:, None])[:, :, None, None].expand(-1, -1, height, width)
        half = torch.relu(self.down1(torch.cat([first, time], dim=1)))  # (B, 64, H/2, W/2)
        quarter = torch.relu(self.down2(half))  # (B, 128, H/4, W/4)
        middle = torch.relu(self.middle(quarter)) + quarter
        up = torch.relu(self.up1(middle)) + half
        up = torch.relu(self.up2(up)) + first
        prediction: Tensor = self.leave(up)
        return prediction
