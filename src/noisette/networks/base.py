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
    """A network in two parts: what it makes of a condition, and its prediction for a noisy image under that.

    Attributes:
        ends: The layers that meet the image and the prediction, by name.
    """

    ends: tuple[str, ...]
    """The layers that meet the image and the answer."""

    @abstractmethod
    def encode_condition(self, condition: Condition | None) -> Encoded:
        """Encode what is the same at every noise level; computed once for each drawing.

        Args:
            condition: Of B images; None of a network that is not conditioned.

        Returns:
            Tensors that `predict` takes, (B, ...) each.
        """

    @abstractmethod
    def predict(self, xt: Tensor, times: Tensor, *encoded: Tensor) -> Tensor:
        """Predict what the objective asks for.

        Args:
            xt: (B, C, H, W), the noisy images.
            times: (B,), in (0, 1].
            *encoded: What `encode_condition` returned.

        Returns:
            (B, outputs, H, W).
        """

    def forward(self, xt: Tensor, times: Tensor, condition: Condition | None = None) -> Tensor:
        """Encode the condition and predict, at once; as a training does.

        Args:
            xt: (B, C, H, W), the noisy images.
            times: (B,), in (0, 1].
            condition: Of B images; None of a network that is not conditioned.

        Returns:
            (B, outputs, H, W).
        """
        return self.predict(xt, times, *self.encode_condition(condition))


def build(
    kind: str, shape: tuple[int, int, int], outputs: int, spec: ConditionSpec, settings: dict[str, Any]
) -> Network:
    """Make a network of a kind in `NETWORKS`, with first weights from torch's global random state.

    Args:
        kind: Its name.
        shape: (C, H, W) of a diffused image.
        outputs: Channels of its prediction.
        spec: What it is conditioned on.
        settings: Those of its section in the recipe, but for the kind.

    Returns:
        The network.
    """
    module, _, name = NETWORKS[kind].factory.partition(":")
    network: Network = getattr(import_module(module), name)(shape, outputs, spec, **settings)
    return network
