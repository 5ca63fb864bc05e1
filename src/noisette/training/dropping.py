"""Hiding what is known of an image, so that the network learns to draw with any part of a request, or none."""

from __future__ import annotations

import torch
from torch import Tensor

from noisette.attributes.schema import UNKNOWN


def drop(codes: Tensor, units: Tensor, *, drop_all: float, drop_each: float, generator: torch.Generator) -> Tensor:
    """`codes`, (B, A), some of them made unknown, each image by itself.

    drop_all: chance that an image loses all. drop_each: chance of each attribute else. Requests may say almost all or
    almost nothing, so the chance varies: an image is hidden in part at twice that rate, at most always, and then loses
    a share drawn evenly from 0 to 1. Half of those lose a group of flags as a whole (a person says nothing of hats),
    half lose flags one by one (a person rules out one hat). units: (A,), for each attribute the column that stands for
    its group.
    """
    images, attributes = codes.shape
    in_part, share, whole = torch.rand(3, images, 1, generator=generator)
    by_group = torch.rand(images, 1, generator=generator) < 0.5
    chances = torch.rand(images, attributes, generator=generator)
    chances = torch.where(by_group, chances[:, units], chances)
    hidden = (chances < share) & (in_part < 2 * drop_each) | (whole < drop_all)
    return codes.masked_fill(hidden, UNKNOWN)
