"""What a network is given of a request, beside the noisy image and its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Condition(NamedTuple):
    """One request for each image of a batch, as numbers.

    Attributes:
        codes: (B, A) integers, one for each attribute: the index of its value, or below 0 where nothing is known.
        guidance_scale: (B,) float32, of guidance-distilled models alone, which take it as an input (w-conditioning,
            Meng et al. 2023); None for all others.
    """

    codes: Tensor
    guidance_scale: Tensor | None = None

    def with_scale(self, scale: float) -> Condition:
        """The same requests under one guidance scale, in whole hundredths.

        Args:
            scale: 0 and up; 1 is no guidance.

        Returns:
            The condition, with a guidance scale for each image.
        """
        scales = torch.full((len(self.codes),), round(100 * scale) / 100, device=self.codes.device)
        return self._replace(guidance_scale=scales)

    def taken(self, part: slice) -> Condition:
        """The condition of a part of the images.

        Args:
            part: Which images of the batch.

        Returns:
            Their condition.
        """
        return Condition(self.codes[part], None if self.guidance_scale is None else self.guidance_scale[part])


def joined(conditions: Sequence[Condition]) -> Condition:
    """Several batches as one.

    Args:
        conditions: Of B1, B2, ... images; either all of them have a guidance scale or none.

    Returns:
        The condition of B1 + B2 + ... images.
    """
    scales = [each.guidance_scale for each in conditions if each.guidance_scale is not None]
    return Condition(torch.cat([each.codes for each in conditions]), torch.cat(scales) if scales else None)


def repeated(condition: Condition, images: int, device: torch.device) -> Condition:
    """The condition of one image, for several.

    Args:
        condition: Of one image.
        images: B, how many.
        device: Where the result lies.

    Returns:
        The condition of B images.
    """
    parts = (
        None if part is None else part.expand(images, *part.shape[1:]).contiguous().to(device) for part in condition
    )
    return Condition(*parts)  # type: ignore[arg-type]
