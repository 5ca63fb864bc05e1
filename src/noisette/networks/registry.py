"""The kinds of networks by name, with the sizes, targets and conditioning that each can have. Nothing here loads
PyTorch.

A new kind is a module with its class, its settings in `noisette.config.sections`, and one entry of `NETWORKS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

ConditioningName = Literal["concat", "add", "modulate", "spatial", "layers"]
"""How a request comes into a network: beside the time, added to its embedding, by FiLM, as maps with a place, or as a
sketch from counted layers.
"""
Null = Literal["each", "single"]
"""Whether each attribute learns what not knowing it means, or there is one empty vector."""


@dataclass(frozen=True)
class NetworkTraits:
    """What is said of a kind of network before it is loaded.

    Attributes:
        factory: Its class, as module:name. It is called with the shape (C, H, W) of a diffused image, the channels of
            its answer, what it is conditioned on, and its settings.
        palette: Whether it can answer with a logit for each colour.
        problem: From its settings and (height, width): why it cannot take such images, with advice; None if it can.
    """

    factory: str
    palette: bool
    problem: Callable[[Any, tuple[int, int]], str | None]


MOST_MARGIN = 0.25
"""Of a side; a network that is to see an image with more empty margin than that has too many levels for it."""


def padded(pixels: int, *, levels: int, patch: int) -> int:
    """The side of an image with the margin that lets it be halved: see `check_size`.

    Args:
        pixels: Along one side of the image.
        levels: Resolutions, each half of the one before.
        patch: Pixels along the side of the square that is one position.

    Returns:
        The side that a network sees.
    """
    multiple: int = patch * 2 ** (levels - 1)
    return -(-pixels // multiple) * multiple


def check_size(pixels: int, *, levels: int, patch: int) -> str | None:
    """Why a network of so many levels cannot take images that are so many pixels wide or high, with advice.

    Those that cannot be halved so often get an empty margin, unless it would be more than `MOST_MARGIN` of the side.

    Args:
        pixels: Along one side of the image.
        levels: Resolutions, each half of the one before.
        patch: Pixels along the side of the square that is one position.

    Returns:
        The reason, or None if there is none.
    """
    fitting = [number for number in range(1, levels + 1) if _fits(pixels, number, patch)]
    if levels in fitting:
        return None
    if not fitting:
        divisors = [str(number) for number in range(1, 9) if pixels % number == 0]
        return f"patch: {patch} does not divide {pixels} pixels; use {' or '.join(divisors)}"
    inside = -(-pixels // patch)
    halvings = (inside & -inside).bit_length() - 1  # how often 2 divides it
    often = {0: "cannot be halved", 1: "halves once", 2: "halves twice"}.get(halvings, f"halves {halvings} times")
    return (
        f"widths: has {levels} levels, but {pixels} pixels in patches of {patch} leave {inside}, which {often}; use at"
        f" most {max(fitting)}"
    )


def _fits(pixels: int, levels: int, patch: int) -> bool:
    return padded(pixels, levels=levels, patch=patch) <= (1 + MOST_MARGIN) * pixels


def _always_halved(kind: str, times: int) -> Callable[[Any, tuple[int, int]], str | None]:
    often = {2: "twice", 3: "three times"}[times]

    def problem(settings: Any, size: tuple[int, int]) -> str | None:
        wrong = next((pixels for pixels in size if pixels % 2**times), None)
        if wrong is None:
            return None
        return f"dataset.size: {kind} halves its image {often}, so {2**times} must divide the size, not {wrong}"

    return problem


def _in_levels(settings: Any, size: tuple[int, int]) -> str | None:
    problems = (check_size(pixels, levels=len(settings.widths), patch=settings.patch) for pixels in size)
    return next((f"network.{problem}" for problem in problems if problem), None)


NETWORKS: dict[str, NetworkTraits] = {
    "simple_unet": NetworkTraits(
        "noisette.networks.simple_unet:SimpleUNet", palette=False, problem=_always_halved("simple_unet", 2)
    ),
    "report_unet": NetworkTraits(
        "noisette.networks.report_unet:ReportUNet", palette=False, problem=_always_halved("report_unet", 3)
    ),
    "unet": NetworkTraits("noisette.networks.unet:UNet", palette=True, problem=_in_levels),
}
