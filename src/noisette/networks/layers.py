"""A sketch of what is asked for, put together from counted layers, with how far it can be believed."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from noisette.diffusion.condition import Condition
from noisette.layers.certainty import Certainty
from noisette.layers.fit import Layers
from noisette.layers.rows import Units
from noisette.networks.conditioning import ConditionSpec

_LEAST_DOUBT = 1e-6
"""Of a pixel. An image of a thousand pixels is right if all are, and what is drawn is a sample."""
_MOST_ODDS = 14.0
"""Log-odds of the least doubt, and no less."""
_EMBEDDED = 8
"""Numbers that a colour is embedded in, where layers of a network read the sketch."""
SKETCHED = _EMBEDDED + 1
"""Channels of the planes of a sketch: a colour, and how far it can be believed."""
_SCALE = 0.1  # of log-odds where they are an input: they reach 9


class Sketch(nn.Module):
    """Draws a request from a table of layers: for each pixel a colour, and the log-odds that it is right.

    The table is counted before the training and not learned (`noisette.layers`). Until it is filled nothing is drawn.
    Where a unit is unknown, what lies below is no more certain than that the unit leaves it uncovered.

    Attributes:
        channels: Of `planes`.

    Args:
        spec: What is asked for.
        size: (height, width) of an image.
        margin: (left, right, top, bottom), empty pixels around the image, where nothing is drawn.
        colours: K, that a pixel may have.
    """

    colours: Tensor
    odds: Tensor
    uncovered: Tensor
    heights: Tensor
    members: Tensor
    first_places: Tensor
    first_codes: Tensor

    def __init__(self, spec: ConditionSpec, size: tuple[int, int], margin: tuple[int, ...], colours: int) -> None:
        super().__init__()
        self._margin, self._colours = margin, colours
        self._units = units = Units.of(spec.valued, spec.units or range(len(spec.valued)))
        nothing, base = units.values, units.values + 1  # two rows after those of the values
        self._nothing, self._base = nothing, base
        self.register_buffer("colours", torch.full((base + 1, *size), -1, dtype=torch.int16))
        self.register_buffer("odds", torch.zeros(base + 1, *size, dtype=torch.float16))
        self.register_buffer("uncovered", torch.zeros(units.count, *size, dtype=torch.float16))
        self.register_buffer("heights", torch.arange(units.count, dtype=torch.float32))
        members = torch.from_numpy(units.of_attributes[None, :] == np.arange(units.count)[:, None])
        self.register_buffer("members", members, persistent=False)  # (U, A)
        self.register_buffer("first_places", torch.from_numpy(units.first_places), persistent=False)
        self.register_buffer("first_codes", torch.from_numpy(units.first_codes), persistent=False)
        self.embedding = nn.Embedding(colours + 1, _EMBEDDED)  # the first is that of no colour
        self.channels = SKETCHED

    def fill(self, layers: Layers, certainty: Certainty) -> None:
        """Take over counted layers.

        Args:
            layers: What each value draws.
            certainty: How far that can be believed.
        """
        with torch.no_grad():
            self.colours[: self._nothing] = _tensor(layers.colours, self.colours)
            self.colours[self._base] = _tensor(layers.base, self.colours)
            self.odds[: self._nothing] = _log_odds(certainty.values).to(self.odds)
            self.odds[self._base] = _log_odds(certainty.base).to(self.odds)
            self.uncovered.copy_(_log_odds(1 - certainty.covers))
            self.heights[list(layers.order)] = torch.arange(len(layers.order), dtype=torch.float32).to(self.heights)

    def forward(self, condition: Condition) -> tuple[Tensor, Tensor, Tensor]:
        """Sketch requests.

        Args:
            condition: Of B images.

        Returns:
            The place of each pixel's colour, (B, H, W), -1 where nothing is drawn; the log-odds that it is right,
            (B, H, W), 0 where nothing is drawn; and planes that layers can read, (B, channels, H, W).
        """
        rows, unknown = self._rows(condition.codes)
        labels = self.colours[rows].long()  # (B, U + 1, H, W), from the base to the topmost
        heights = torch.arange(labels.shape[1], device=labels.device)[:, None, None]
        owner = torch.where(labels >= 0, heights, 0).amax(dim=1, keepdim=True)  # (B, 1, H, W)
        drawn = labels.gather(1, owner)[:, 0].clamp(max=self._colours - 1)
        odds = self.odds[rows].float().gather(1, owner)[:, 0]
        above = unknown[:, :, None, None] & (heights[1:] > owner)
        uncovered = torch.where(above, self.uncovered[self.heights.argsort()].float(), _MOST_ODDS).amin(dim=1)
        odds = torch.where(drawn >= 0, torch.minimum(odds, uncovered), 0.0)
        if any(self._margin):
            drawn, odds = F.pad(drawn, self._margin, value=-1), F.pad(odds, self._margin)
        planes = self.embedding(drawn + 1).permute(0, 3, 1, 2)
        return drawn, odds, torch.cat([planes, _SCALE * odds[:, None]], dim=1)

    def _rows(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """From the base to the topmost: which row each unit draws, (B, U + 1); and above the base, whether it is
        unknown, (B, U).
        """
        known = codes >= self.first_codes
        places = torch.where(known, codes - self.first_codes + self.first_places, -1)
        rows = torch.where(self.members, places[:, None, :], -1).amax(dim=2)  # (B, U)
        open_ = torch.where(self.members, (codes < 0)[:, None, :].long(), 0).amax(dim=2) > 0
        unknown = open_ & (rows < 0)
        order = self.heights.argsort()
        rows = torch.where(rows < 0, self._nothing, rows)[:, order]
        return F.pad(rows, (1, 0), value=self._base), unknown[:, order]


def mixed(logits: Tensor, drawn: Tensor, odds: Tensor) -> Tensor:
    """The logits of a mixture: of a sketch, where it is right, and of a network, where it is not.

    With s the chance that the sketch is right, p(k) = s [k is drawn] + (1 - s) softmax(logits)(k); so a network that
    has learned nothing takes nothing from what was counted.

    Args:
        logits: (B, K, H, W), of the network.
        drawn: (B, H, W), the colour that the sketch has; below 0 where it has none, and the network is alone.
        odds: (B, H, W), log(s / (1 - s)).

    Returns:
        (B, K, H, W), up to a number that all colours of a pixel share.
    """
    rows = logits.permute(0, 2, 3, 1).log_softmax(dim=3)  # where colours lie side by side this is several times faster
    place = drawn.clamp(min=0)[..., None]
    own = rows.gather(3, place)
    # log(e^own + e^odds), by what ONNX Runtime computes alike wherever in a batch it stands
    with_sketch = own - torch.cat([own, odds[..., None]], dim=3).log_softmax(dim=3)[..., :1]
    mixture = rows.scatter(3, place, torch.where(drawn[..., None] >= 0, with_sketch, own))
    return mixture.permute(0, 3, 1, 2)


def _log_odds(chances: NDArray[np.float32]) -> Tensor:
    chances = np.clip(chances.astype(np.float64), _LEAST_DOUBT, 1 - _LEAST_DOUBT)
    return torch.from_numpy(np.log(chances / (1 - chances)))


def _tensor(array: NDArray[np.generic], like: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(like)
