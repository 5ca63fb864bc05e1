"""The report's small network for digits: convolutions, additive skips, no normalisation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from noisette.networks.conditioning import Asked, Features, Null


class SimpleUNet(nn.Module):
    """Convolutions 1-32, 32-64 and 64-128, the last two with stride 2, and two transposed ones back up.

    The time is one linear layer to 32 channels that are joined to the first feature map. Made for 16x16; any size that
    4 divides works. Takes xt (B, C, H, W), times (B,) in (0, 1] and, where there are attributes, codes (B, A), which
    become another 32 channels beside those of the time; returns the shape of xt. valued, units, null, scaled: see
    `Features`.
    """

    ends = ("enter", "leave")
    """The layers that meet the image and the answer."""

    def __init__(
        self,
        channels: int,
        *,
        valued: Sequence[range] = (),
        units: Sequence[int] = (),
        null: Null = "each",
        scaled: bool = False,
    ) -> None:
        super().__init__()
        self.features = Features(valued, null, units, scaled) if valued else None
        self.condition = nn.Linear(self.features.width, 32) if self.features else None
        self.time = nn.Linear(1, 32)
        self.enter = nn.Conv2d(channels, 32, 3, padding=1)
        self.down1 = nn.Conv2d((96 if self.condition else 64), 64, 3, stride=2, padding=1)
        self.down2 = nn.Conv2d(64, 128, 3, stride=2, padding=1)
        self.middle = nn.Conv2d(128, 128, 3, padding=1)
        self.up1 = nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)
        self.leave = nn.Conv2d(32, channels, 3, padding=1)

    def forward(self, xt: Tensor, times: Tensor, codes: Tensor | None = None) -> Tensor:
        return self.answer(xt, times, *self.ask(codes))

    def ask(self, codes: Tensor | None) -> Asked:
        return (self.condition(self.features(codes)),) if self.features and self.condition else ()

    def answer(self, xt: Tensor, times: Tensor, *asked: Tensor) -> Tensor:
        height, width = xt.shape[-2:]
        first = torch.relu(self.enter(xt))  # (B, 32, H, W)
        beside = torch.cat([self.time(times[:, None]), *asked], dim=1)[:, :, None, None].expand(
            -1, -1, height, width
        )  # (B, 32 or 64, H, W)
        half = torch.relu(self.down1(torch.cat([first, beside], dim=1)))  # (B, 64, H/2, W/2)
        quarter = torch.relu(self.down2(half))  # (B, 128, H/4, W/4)
        middle = torch.relu(self.middle(quarter)) + quarter
        up = torch.relu(self.up1(middle)) + half
        up = torch.relu(self.up2(up)) + first
        prediction: Tensor = self.leave(up)
        return prediction
