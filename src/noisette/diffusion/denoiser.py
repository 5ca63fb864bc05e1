"""A denoiser is a function D(xt, level) -> x0_hat: all that a sampler knows of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from noisette.diffusion.condition import Condition
from noisette.diffusion.objectives import Objective
from noisette.diffusion.schedules import Level

Denoiser = Callable[[Tensor, Level], Tensor]
Network = Callable[[Tensor, Tensor], Tensor]
"""(xt (B, C, H, W), times (B,) in (0, 1]) -> a prediction, as its objective understands it."""
ConditionalDenoiser = Callable[[Tensor, Level, Condition | None], Tensor]
"""D(xt (B, C, H, W), level, condition of B images) -> x0_hat; the condition is None where there is none."""
Encoded = TypeVar("Encoded")


def as_denoiser(network: Network, objective: Objective) -> Denoiser:
    """The denoiser behind a network.

    Args:
        network: From xt and times to a prediction.
        objective: What it was trained for.

    Returns:
        D(xt, level) -> x0_hat.
    """

    def denoise(xt: Tensor, level: Level) -> Tensor:
        times = torch.full((len(xt),), level.time, dtype=torch.float32, device=xt.device)
        alpha, sigma = (
            torch.full((len(xt),), scale, dtype=xt.dtype, device=xt.device) for scale in (level.alpha, level.sigma)
        )
        return objective.image(network(xt, times), xt, alpha, sigma)

    return denoise


class ConditionalNetwork(Protocol):
    """A network in two parts: what it makes of a condition, and its prediction for a noisy image under that."""

    def encode_condition(self, condition: Condition | None) -> tuple[Tensor, ...]:
        """Encode a condition, once for all noise levels.

        Args:
            condition: Of B images; None of a network that is not conditioned.

        Returns:
            Tensors that `predict` takes.
        """

    def predict(self, xt: Tensor, times: Tensor, *encoded: Tensor) -> Tensor:
        """Predict what the objective asks for.

        Args:
            xt: (B, C, H, W), the noisy images.
            times: (B,), in (0, 1].
            *encoded: What `encode_condition` returned.

        Returns:
            (B, outputs, H, W).
        """


def as_conditional_denoiser(network: ConditionalNetwork, objective: Objective) -> ConditionalDenoiser:
    """The denoiser behind a network that also takes a condition, which is encoded once for all steps.

    Args:
        network: In its two parts.
        objective: What it was trained for.

    Returns:
        D(xt, level, condition) -> x0_hat.
    """
    encode = memoised(network.encode_condition)

    def denoise(xt: Tensor, level: Level, condition: Condition | None) -> Tensor:
        encoded = encode(condition)
        return as_denoiser(lambda image, times: network.predict(image, times, *encoded), objective)(xt, level)

    return denoise


def memoised(encode: Callable[[Condition | None], Encoded]) -> Callable[[Condition | None], Encoded]:
    """Call an encoder once for each condition: a sampler comes with the same few objects at every step.

    Args:
        encode: From a condition to anything.

    Returns:
        The same function, which remembers by the condition object.
    """
    known: list[tuple[Condition | None, Encoded]] = []

    def encoded(condition: Condition | None) -> Encoded:
        for other, its in known:
            if other is condition:
                return its
        known.append((condition, encode(condition)))
        return known[-1][1]

    return encoded


def clipped(denoise: Denoiser, low: float = -1.0, high: float = 1.0) -> Denoiser:
    """Keep the estimate of a denoiser inside the range of the data. Clipping goes around any guidance, never inside it.

    Args:
        denoise: The denoiser.
        low: The least value of an image.
        high: The greatest value of an image.

    Returns:
        The denoiser, clipped.
    """
    return lambda xt, level: denoise(xt, level).clamp(low, high)
