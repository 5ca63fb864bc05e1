"""Conditioning: how what is asked for reaches a network. Each mechanism is one small module on the same features.

A request comes as a `Condition`, whose codes are a row of integers, one for each attribute: the index of its value, or
below 0 where nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from noisette.diffusion.condition import Condition
from noisette.networks.registry import Null

Encoded = tuple[Tensor, ...]
"""What a network makes of a condition before it sees an image: the same at every noise level, so a sampler needs it
once.
"""


@dataclass(frozen=True)
class ConditionSpec:
    """What a network is conditioned on.

    Attributes:
        valued: For each attribute the codes that have a feature of their own: all options of a choice; of a flag only
            1.
        units: For each attribute the one that stands for its group; itself if left out.
        null: How "unknown" is encoded, see `Features`.
        guidance_embed: Whether the guidance scale is an input too (w-conditioning, Meng et al. 2023).
    """

    valued: tuple[range, ...] = ()
    units: tuple[int, ...] = ()
    null: Null = "each"
    guidance_embed: bool = False


class Features(nn.Module):
    """Encodes a condition as numbers: 1 for each value that is known, and what is not known.

    With null `each`, every attribute has a feature for "unknown", so that its layers learn what not knowing it means;
    and every group of flags, and every flag of none, one for "known to be absent", which must be heard where little
    else is known: of ninety flags nearly all are absent, and ninety features that move together would take steps ninety
    times too large, but the groups are a dozen. With `single`, as in the baseline, there is one feature for "nothing is
    known", and an attribute that alone is unknown cannot be told from an absent one. Unknowns come by the dozen, so
    theirs count less: 1 / sqrt(A), or all of them together would take steps A times as large as any value.

    With guidance_embed the distance of the guidance scale from 1 is one feature more, the last.

    Attributes:
        width: How many features there are.

    Args:
        spec: What is encoded.
    """

    value_places: Tensor
    first_codes: Tensor
    groups: Tensor

    def __init__(self, spec: ConditionSpec) -> None:
        super().__init__()
        valued, self.null, self.guidance_embed = spec.valued, spec.null, spec.guidance_embed
        self.values = sum(map(len, valued))
        units = spec.units or range(len(valued))
        flags = [column for column, codes in enumerate(valued) if codes.start > 0]
        groups = torch.tensor(
            [
                [float(units[column] == unit and column in flags) for unit in dict.fromkeys(units)]
                for column in range(len(valued))
            ],
            device="cpu",  # of a network without content, on "meta", too: it says how many features there are
        )
        groups = groups[:, groups.any(dim=0)]  # (A, G): which flags are in which group
        unknowns = len(valued) + groups.shape[1] if self.null == "each" else 1
        self.width = self.values + unknowns + self.guidance_embed
        starts = [0]
        for codes in valued:
            starts.append(starts[-1] + len(codes))
        self.register_buffer("value_places", torch.tensor(starts[:-1]), persistent=False)
        self.register_buffer("first_codes", torch.tensor([codes.start for codes in valued]), persistent=False)
        self.register_buffer("groups", groups, persistent=False)

    def forward(self, condition: Condition) -> Tensor:
        """Encode a condition.

        Args:
            condition: Of B images.

        Returns:
            (B, width).
        """
        features = self._of_attributes(condition.codes)
        if not self.guidance_embed:
            return features
        assert condition.guidance_scale is not None
        return torch.cat([features, condition.guidance_scale[:, None] - 1], dim=1)

    def _of_attributes(self, codes: Tensor) -> Tensor:
        unknown = codes < 0
        nowhere = unknown | (codes < self.first_codes)  # one place too many, cut off again
        places = torch.where(nowhere, self.values, codes - self.first_codes + self.value_places)
        known = torch.zeros(codes.shape[0], self.values + 1, device=codes.device).scatter_(1, places, 1.0)[:, :-1]
        if self.null == "single":
            return torch.cat([known, unknown.all(dim=1, keepdim=True).float()], dim=1)
        absent = ((codes == 0).float() @ self.groups == self.groups.sum(dim=0)).float()
        return torch.cat([known, unknown.float() * unknown.shape[1] ** -0.5, absent], dim=1)


class Vector(nn.Module):
    """Features to one vector for the whole image, through two layers: what the baseline adds.

    Args:
        features: How many there are.
        width: Of the vector.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, features: Tensor) -> Tensor:
        """Make the vector.

        Args:
            features: (B, features).

        Returns:
            (B, width).
        """
        vector: Tensor = self.layers(features)
        return vector


class Maps(nn.Module):
    """Features to maps with a place in the image: each value owns a learned one, and they are summed.

    Sprites are aligned, so a network that is told where need not learn it.

    Args:
        features: How many there are.
        channels: Of the maps.
        size: (height, width) of the maps.
    """

    def __init__(self, features: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.shape = (channels, *size)
        self.maps = nn.Linear(features, channels * size[0] * size[1], bias=False)
        nn.init.normal_(self.maps.weight, std=0.1)

    def forward(self, features: Tensor) -> Tensor:
        """Sum the maps of what is asked for.

        Args:
            features: (B, features).

        Returns:
            (B, channels, height, width).
        """
        maps: Tensor = self.maps(features).unflatten(1, self.shape)
        return maps
