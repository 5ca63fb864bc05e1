"""What every network offers, whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from typing import Any

from torch import Tensor, nn

from noisette.diffusion.condition import Condition
from noisette.networks.conditioning import ConditionSpec, Encoded
from noisette.networks.registry import NETWORKS


class Network(nn.Module, ABC):
    """A network in two parts: what it makes of a condition, and its answer to a noisy image under that."""

    ends: tuple[str, ...]
    """The layers that meet the image and the answer."""

    @abstractmethod
    def encode_condition(self, condition: Condition | None) -> Encoded:
        """What is the same at every noise level: computed once for each drawing.

        Args:
            condition: of B images; None of a network that is not conditioned.
        """

    @abstractmethod
    def predict(self, xt: Tensor, times: Tensor, *encoded: Tensor) -> Tensor:
        """The answer, (B, outputs, H, W).

        Args:
            xt: (B, C, H, W), the noisy image.
            times: (B,) in (0, 1].
            encoded: what `encode_condition` returned.
        """

    def forward(self, xt: Tensor, times: Tensor, condition: Condition | None = None) -> Tensor:
        return self.predict(xt, times, *self.encode_condition(condition))


def build(
    kind: str, shape: tuple[int, int, int], outputs: int, spec: ConditionSpec, settings: dict[str, Any]
) -> Network:
    """A network of a kind in `NETWORKS`, with first weights from torch's global random state.

    Args:
        kind: its name.
        shape: (C, H, W) of a diffused image.
        outputs: channels of its answer.
        spec: what it is conditioned on.
        settings: those of its section in the recipe, but for the kind.
    """
    module, _, name = NETWORKS[kind].factory.partition(":")
    network: Network = getattr(import_module(module), name)(shape, outputs, spec, **settings)
    return network
