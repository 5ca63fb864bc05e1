"""The baseline's U-Net for images with attributes, which the others are measured against: 23.5 million parameters at
32x32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from noisette.diffusion.condition import Condition
from noisette.networks.base import Network
from noisette.networks.conditioning import ConditionSpec, Encoded, Features, Vector
from noisette.networks.registry import ConditioningName

_EMBEDDING = 256


class ReportUNet(Network):
    """Widths 64, 128, 256, 256, a bottleneck of 512, attention after each of the six stages; the time is added after
    each.

    A condition becomes a vector that is added to that of the time.
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
            shape: (C, H, W) of a diffused image, H and W multiples of 8.
            outputs: Channels of its answer.
            spec: What it is conditioned on.
            condition: `add`, or nothing for an unconditional network.
        """
        super().__init__()
        self.features = Features(spec) if condition else None
        self.condition = Vector(self.features.width, _EMBEDDING) if self.features else None
        self.enter = _pair(shape[0], 64)
        self.down = nn.ModuleList([_Stage(64, 128), _Stage(128, 256), _Stage(256, 256)])
        self.middle = nn.Sequential(_pair(256, 512), _pair(512, 512), _pair(512, 256))
        self.up = nn.ModuleList([_Stage(512, 128, middle=256), _Stage(256, 64, middle=128), _Stage(128, 64, middle=64)])
        self.leave = nn.Conv2d(64, outputs, 1)

    def encode_condition(self, condition: Condition | None) -> Encoded:
        if self.features is None or self.condition is None:
            return ()
        assert condition is not None
        return (self.condition(self.features(condition)),)

    def predict(self, xt: Tensor, times: Tensor, *encoded: Tensor) -> Tensor:
        embedding = sum(encoded, start=_sines(times))  # (B, 256)
        h = self.enter(xt)
        skips = []
        for stage in self.down:
            skips.append(h)
            h = stage(F.max_pool2d(h, 2), embedding)
        h = self.middle(h)
        for stage in self.up:
            larger = F.interpolate(h, scale_factor=2.0, mode="bilinear", align_corners=True)
            h = stage(torch.cat([skips.pop(), larger], dim=1), embedding)
        prediction: Tensor = self.leave(h)
        return prediction


class _Stage(nn.Module):
    """A residual pair of convolutions, another to the new width, the embedding added, then attention."""

    def __init__(self, width_in: int, width: int, middle: int | None = None) -> None:
        super().__init__()
        self.residual = _pair(width_in, width_in)
        self.pair = _pair(width_in, width, middle)
        self.embedding = nn.Sequential(nn.SiLU(), nn.Linear(_EMBEDDING, width))
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.forward_layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
        )

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:
        h = F.gelu(h + self.residual(h))
        h = self.pair(h) + self.embedding(embedding)[:, :, None, None]
        positions = h.flatten(2).transpose(1, 2)  # (B, H W, width)
        normed = self.norm(positions)
        positions = positions + self.attention(normed, normed, normed, need_weights=False)[0]
        positions = positions + self.forward_layers(positions)
        out: Tensor = positions.transpose(1, 2).reshape(h.shape)
        return out


def _pair(width_in: int, width: int, middle: int | None = None) -> nn.Sequential:
    middle = middle or width
    return nn.Sequential(
        nn.Conv2d(width_in, middle, 3, padding=1, bias=False),
        nn.GroupNorm(1, middle),
        nn.GELU(),
        nn.Conv2d(middle, width, 3, padding=1, bias=False),
        nn.GroupNorm(1, width),
    )


def _sines(times: Tensor) -> Tensor:
    """Sine and cosine features of the time in steps of a thousand, (B,) -> (B, 256) (Vaswani et al. 2017)."""
    frequencies = torch.exp(-math.log(10_000) * torch.arange(_EMBEDDING // 2, device=times.device) / (_EMBEDDING // 2))
    phases = 1000 * times[:, None] * frequencies
    return torch.cat([phases.sin(), phases.cos()], dim=1)
