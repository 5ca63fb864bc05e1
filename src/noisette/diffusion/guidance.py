"""Guidance: from a denoiser that takes a request to one that obeys it more, or keeps away from what is not wanted.

Everything here is a weighted sum of what one network says of the same noisy image under several requests, so that each
step costs one evaluation of a batch, however many requests are in it. Scale 1 is the plain request. Clipping goes
around guidance, never inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from noisette.diffusion.condition import Condition, joined
from noisette.diffusion.denoiser import ConditionalDenoiser, Denoiser
from noisette.diffusion.schedules import Level


@dataclass(frozen=True)
class Term:
    """One summand of guidance.

    Attributes:
        weight: Of what the network says under the condition; may be negative.
        condition: Of B images.
    """

    weight: float
    condition: Condition


def classifier_free(condition: Condition, unconditional: Condition, scale: float) -> list[Term]:
    """D(unconditional) + scale * (D(condition) - D(unconditional)) (Ho and Salimans 2022, with their w = scale - 1).

    Args:
        condition: What each image is asked for.
        unconditional: The same without the request.
        scale: 0 and up; 1 is the plain request.

    Returns:
        The terms of the sum, for `guided`.
    """
    return [Term(scale, condition), Term(1 - scale, unconditional)]


def emphasising(condition: Condition, without: Condition, extra: float) -> list[Term]:
    """extra * (D(condition) - D(without)): more (or, below 0, less) of what `without` leaves out of `condition`.

    Added to `classifier_free`, it gives one attribute a scale of its own, scale + extra, beside the others: composition
    in the manner of Liu et al. 2022, but beside the rest of the request and not alone.

    Args:
        condition: What each image is asked for.
        without: The same without one attribute.
        extra: How much is added to the scale of that attribute.

    Returns:
        The terms of the sum, for `guided`.
    """
    return [Term(extra, condition), Term(-extra, without)]


def excluding(condition: Condition, negative: Condition, strength: float) -> list[Term]:
    """strength * (D(condition) - D(negative)): away from what `negative` adds to `condition`.

    Args:
        condition: What each image is asked for.
        negative: The same with what is to be kept away.
        strength: 0 and up.

    Returns:
        The terms of the sum, for `guided`.
    """
    return [Term(strength, condition), Term(-strength, negative)]


def guided(denoise: ConditionalDenoiser, terms: Sequence[Term], *, rescale: float = 0.0) -> Denoiser:
    """The sum of the terms, in one batched evaluation of those that have a weight.

    Args:
        denoise: The network as a denoiser.
        terms: Their weights sum to 1; those of one condition object are merged.
        rescale: 0 to 1, how far the spread of each guided image is brought back to that under the first term alone (Lin
            et al. 2024): large scales overshoot it.

    Returns:
        The guided denoiser.
    """
    first, *others = _merged(terms)
    merged = [*([first] if first.weight or rescale else []), *(term for term in others if term.weight)]
    weights, condition = [term.weight for term in merged], joined([term.condition for term in merged])

    def denoise_guided(xt: Tensor, level: Level) -> Tensor:
        if len(merged) == 1:
            return denoise(xt, level, condition)
        said = denoise(torch.cat([xt] * len(merged)), level, condition).chunk(len(merged))
        x0 = torch.stack([weight * each for weight, each in zip(weights, said, strict=True)]).sum(0)
        return _rescaled(x0, said[0], rescale) if rescale else x0

    return denoise_guided


def within(low: float, high: float, inside: Denoiser, outside: Denoiser) -> Denoiser:
    """One denoiser inside an interval of noise levels, another outside (Kynkäänniemi et al. 2024).

    Guidance helps at middle noise only.

    Args:
        low: 0 to 1, the least sigma of the interval; 0 is the clean image.
        high: 0 to 1, the greatest sigma of the interval; 1 is pure noise.
        inside: The denoiser where low <= sigma <= high.
        outside: The denoiser everywhere else.

    Returns:
        The denoiser.
    """
    return lambda xt, level: inside(xt, level) if low <= level.sigma <= high else outside(xt, level)


def _merged(terms: Sequence[Term]) -> list[Term]:
    """One term for each condition, in their order.

    By which object it is, not by what is in it: an image must not depend on what those beside it are asked for.
    """
    merged: list[Term] = []
    for term in terms:
        same = next((place for place, other in enumerate(merged) if other.condition is term.condition), None)
        if same is None:
            merged.append(term)
        else:
            merged[same] = Term(merged[same].weight + term.weight, term.condition)
    return merged


def _rescaled(x0: Tensor, plain: Tensor, amount: float) -> Tensor:
    spread, wanted = (image.flatten(1).std(dim=1).view(-1, 1, 1, 1) for image in (x0, plain))
    factor = torch.where(
        spread > 1e-6, wanted / spread.clamp(min=1e-6), 1.0
    )  # a flat image has no spread to bring back
    return x0 * (1 + amount * (factor - 1))
