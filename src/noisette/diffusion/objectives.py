"""What a network answers, how it learns to, and the clean image that its answer means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from noisette.diffusion.losses import squared_error, weights
from noisette.diffusion.masking import cross_entropy, places
from noisette.diffusion.palette import mean_colour, nearest, with_evidence
from noisette.diffusion.registry import RegressionTarget as Target
from noisette.diffusion.registry import Weighting
from noisette.diffusion.targets import image_from, target_of


class Objective(Protocol):
    """What a network predicts, how it learns to, and the clean image that its prediction means."""

    def loss(self, prediction: Tensor, x0: Tensor, eps: Tensor, xt: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The mean loss over a batch, of which a gradient is taken.

        Args:
            prediction: (B, outputs, H, W), of the network.
            x0: (B, C, H, W), the clean images.
            eps: (B, C, H, W), the noise in them.
            xt: (B, C, H, W), the noisy images.
            alpha: (B,), 0 to 1.
            sigma: (B,), 0 to 1.

        Returns:
            A number.
        """

    def image(self, prediction: Tensor, xt: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The clean image that a prediction means.

        Args:
            prediction: (B, outputs, H, W), of the network.
            xt: (B, C, H, W), the noisy images.
            alpha: (B,), 0 to 1.
            sigma: (B,), 0 to 1.

        Returns:
            x0_hat, (B, C, H, W), in the precision of xt.
        """


@dataclass(frozen=True)
class Regression:
    """A number for each channel of each pixel, by weighted squared error. See `Objective`.

    Attributes:
        target: `noise`, `image` or `velocity`.
        weighting: Of the error over noise levels.
        gamma: 1 or more, the largest weight of min-snr and clamped-snr.
    """

    target: Target
    weighting: Weighting = "plain"
    gamma: float = 5.0

    def loss(self, prediction: Tensor, x0: Tensor, eps: Tensor, xt: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The weighted squared error, the mean over a batch.

        Args:
            prediction: (B, C, H, W), of the network.
            x0: (B, C, H, W), the clean images.
            eps: (B, C, H, W), the noise in them.
            xt: (B, C, H, W), the noisy images.
            alpha: (B,), 0 to 1.
            sigma: (B,), 0 to 1.

        Returns:
            A number.
        """
        answer = target_of(self.target, x0, eps, _over_pixels(alpha), _over_pixels(sigma))
        return squared_error(prediction, answer, weights(self.weighting, self.target, alpha, sigma, gamma=self.gamma))

    def image(self, prediction: Tensor, xt: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The clean image that a prediction means.

        Args:
            prediction: (B, C, H, W), of the network.
            xt: (B, C, H, W), the noisy images.
            alpha: (B,), 0 to 1.
            sigma: (B,), 0 to 1.

        Returns:
            x0_hat, (B, C, H, W), in the precision of xt.
        """
        return image_from(self.target, prediction.to(xt.dtype), xt, _over_pixels(alpha), _over_pixels(sigma))


@dataclass(frozen=True)
class Classification:
    """A logit for each colour of a palette, by cross-entropy (Dieleman et al. 2022). See `Objective`.

    In images that are trained on, every pixel has one of the colours; any other counts as the nearest.

    Attributes:
        colours: (K, C), as diffused, in [-1, 1].
    """

    colours: Tensor

    def loss(self, prediction: Tensor, x0: Tensor, eps: Tensor, xt: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The cross-entropy, the mean over a batch and its pixels.

        Args:
            prediction: (B, K, H, W), logits.
            x0: (B, C, H, W), the clean images.
            eps: (B, C, H, W), the noise in them; not used.
            xt: (B, C, H, W), the noisy images.
            alpha: (B,), 0 to 1.
            sigma: (B,), 0 to 1.

        Returns:
            A number.
        """
        colours = self.colours.to(xt)
        return F.cross_entropy(_logits(prediction, xt, colours, alpha, sigma), nearest(_rows(x0), colours))

    def image(self, prediction: Tensor, xt: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The mean colour of each pixel under the logits and the noisy pixel itself.

        Args:
            prediction: (B, K, H, W), logits.
            xt: (B, C, H, W), the noisy images.
            alpha: (B,), 0 to 1.
            sigma: (B,), 0 to 1.

        Returns:
            x0_hat, (B, C, H, W), in the precision of xt.
        """
        colours = self.colours.to(xt)
        rows = mean_colour(_logits(prediction, xt, colours, alpha, sigma), colours)
        batch, channels, height, width = xt.shape
        return rows.view(batch, height, width, channels).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Unmasking:
    """A logit for each colour of a palette, at pixels that are hidden. See `Objective`.

    Attributes:
        colours: (K, C), as diffused, in [-1, 1].
        order: (H W,), the pixels in the order in which they are drawn.
    """

    colours: Tensor
    order: Tensor

    def loss(self, prediction: Tensor, x0: Tensor, eps: Tensor, xt: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The cross-entropy of hidden pixels, the mean over a batch.

        Args:
            prediction: (B, K, H, W), logits.
            x0: (B, C, H, W), the clean images.
            eps: (B, C, H, W), not used.
            xt: (B, C + 1, H, W), the images with hidden pixels.
            alpha: (B,), the share that is shown; not used.
            sigma: (B,), the share that is hidden; not used.

        Returns:
            A number.
        """
        return cross_entropy(prediction, places(x0, self.colours), xt, self.order.to(x0.device))

    def image(self, prediction: Tensor, xt: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The logits themselves: which colours a pixel may have depends on what the others get, so a sampler draws.

        Args:
            prediction: (B, K, H, W), logits.
            xt: (B, C + 1, H, W), not used.
            alpha: (B,), not used.
            sigma: (B,), not used.

        Returns:
            (B, K, H, W), in the precision of xt.
        """
        return prediction.to(xt.dtype)


def _logits(prediction: Tensor, xt: Tensor, colours: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    pixels = xt.shape[2] * xt.shape[3]
    alpha, sigma = (scale[:, None].expand(-1, pixels).flatten() for scale in (alpha, sigma))
    return with_evidence(_rows(prediction).to(xt.dtype), _rows(xt), colours, alpha, sigma)


def _rows(image: Tensor) -> Tensor:
    """(B, C, H, W) to a row for each pixel, (B H W, C)."""
    return image.permute(0, 2, 3, 1).flatten(0, 2)


def _over_pixels(scale: Tensor) -> Tensor:
    return scale.view(-1, 1, 1, 1)
