"""Attribute dropout, so that the network learns to draw with any part of a request, or none (Ho and Salimans 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

from noisette.attributes.schema import UNKNOWN


def drop(codes: Tensor, units: Tensor, *, drop_all: float, drop_each: float, generator: torch.Generator) -> Tensor:
    """Make some attributes unknown, each image by itself.

    Requests may say almost all or almost nothing, so the chance varies from image to image: one loses attributes at
    twice the rate `drop_each`, at most always, and then a share of them drawn evenly from 0 to 1. Half of those lose a
    group of flags as a whole (a person says nothing of hats), half lose flags one by one (a person rules out one hat).

    Args:
        codes: (B, A), values of the attributes.
        units: (A,), for each attribute the column that stands for its group.
        drop_all: Chance that an image loses all, 0 to 1.
        drop_each: Chance of each attribute else, 0 to 0.5.
        generator: Of the step; on the CPU.

    Returns:
        (B, A), the same codes or UNKNOWN.
    """
    images, attributes = codes.shape
    in_part, share, whole = torch.rand(3, images, 1, generator=generator)
    by_group = torch.rand(images, 1, generator=generator) < 0.5
    chances = torch.rand(images, attributes, generator=generator)
    chances = torch.where(by_group, chances[:, units], chances)
    hidden = (chances < share) & (in_part < 2 * drop_each) | (whole < drop_all)
    return codes.masked_fill(hidden, UNKNOWN)
