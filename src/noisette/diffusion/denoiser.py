"""A denoiser is a function D(xt, level) -> x0_hat: all that a sampler knows of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from noisette.diffusion.objectives import Objective
from noisette.diffusion.schedules import Level

Denoiser = Callable[[Tensor, Level], Tensor]
Network = Callable[[Tensor, Tensor], Tensor]
"""(xt (B, C, H, W), times (B,) in (0, 1]) -> a prediction, as its objective understands it."""
ConditionalDenoiser = Callable[[Tensor, Level, Tensor | None], Tensor]
"""D(xt (B, C, H, W), level, codes (B, A)) -> x0_hat; codes are None where nothing can be asked."""


def as_denoiser(network: Network, objective: Objective) -> Denoiser:
    """The denoiser behind a network that was trained for `objective`."""

    def denoise(xt: Tensor, level: Level) -> Tensor:
        times = torch.full((len(xt),), level.time, dtype=torch.float32, device=xt.device)
        alpha, sigma = (
            torch.full((len(xt),), scale, dtype=xt.dtype, device=xt.device) for scale in (level.alpha, level.sigma)
        )
        return objective.image(network(xt, times), xt, alpha, sigma)

    return denoise


class AskedNetwork(Protocol):
    """A network in two parts: what it makes of a request, and its answer to a noisy image, under that."""

    def ask(self, codes: Tensor | None) -> tuple[Tensor, ...]:
        """codes: (B, A); None of a network that is asked nothing."""

    def answer(self, xt: Tensor, times: Tensor, *asked: Tensor) -> Tensor: ...


def as_conditional_denoiser(network: AskedNetwork, objective: Objective) -> ConditionalDenoiser:
    """The same for a network that also takes a request.

    What it makes of it is kept for the next step, by which tensor it was.
    """
    ask = remembered(network.ask)

    def denoise(xt: Tensor, level: Level, codes: Tensor | None) -> Tensor:
        asked = ask(codes)
        return as_denoiser(lambda image, times: network.answer(image, times, *asked), objective)(xt, level)

    return denoise


def remembered(ask: Callable[[Tensor | None], Any]) -> Callable[[Tensor | None], Any]:
    """`ask`, which is asked once for each tensor: a sampler comes with the same few at every step."""
    known: list[tuple[Tensor | None, Any]] = []

    def answer(codes: Tensor | None) -> Any:
        for other, said in known:
            if other is codes:
                return said
        known.append((codes, ask(codes)))
        return known[-1][1]

    return answer


def clipped(denoise: Denoiser, low: float = -1.0, high: float = 1.0) -> Denoiser:
    """`denoise` with its estimate kept inside the range of the data. Goes around any guidance, never inside it."""
    return lambda xt, level: denoise(xt, level).clamp(low, high)
