"""Pixels as classes: a network answers with a logit for each colour of a palette, and x0_hat is the mean colour.

A pixel of pixel art has one of a few colours, so a network that must name it is right or wrong, and never nearly right.
What diffuses are still the colours: xt = alpha * x0 + sigma * eps, so schedules, samplers and guidance are those of any
other target (score interpolation: Dieleman et al. 2022, "Continuous diffusion for categorical data").

What a noisy pixel itself says of its colour need not be learned: it is normal around alpha * colour, so by Bayes' rule
its log-likelihood is added to the logits, which hold only what the rest says: the pixels around it, its place and the
request.

Here a pixel is a row, (P, C) with alpha and sigma (P,): a softmax over hundreds of colours is several times faster
where they lie side by side. colours: (K, C), as diffused, in [-1, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor

_LEAST_SIGMA = 1e-3
"""Nothing lies between two colours that is finer than a byte; with less noise the squares would only lose digits."""


def with_evidence(logits: Tensor, xt: Tensor, colours: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Add to the logits of each pixel what its noisy value itself says: log p(xt | colour), by Bayes' rule.

    Args:
        logits: (P, K), of each pixel.
        xt: (P, C), the noisy pixels.
        colours: (K, C), as diffused, in [-1, 1].
        alpha: (P,), 0 to 1.
        sigma: (P,), 0 to 1.

    Returns:
        (P, K), up to a number that all colours of a pixel share.
    """
    precision = sigma.clamp(min=_LEAST_SIGMA) ** -2
    scaled = torch.cat([xt * (alpha * precision)[:, None], (alpha**2 * precision / -2)[:, None]], dim=1)  # (P, C + 1)
    return torch.addmm(logits, scaled, _with_squares(colours).T)


def mean_colour(logits: Tensor, colours: Tensor) -> Tensor:
    """The mean of the colours under softmax(logits).

    Args:
        logits: (P, K), of each pixel.
        colours: (K, C), as diffused, in [-1, 1].

    Returns:
        (P, C).
    """
    return logits.softmax(dim=1) @ colours


def nearest(x0: Tensor, colours: Tensor) -> Tensor:
    """For each pixel the index of the nearest colour, the first of several.

    Args:
        x0: (P, C), pixels.
        colours: (K, C), as diffused, in [-1, 1].

    Returns:
        (P,), 0 to K - 1.
    """
    scaled = torch.cat([-2 * x0, torch.ones_like(x0[:, :1])], dim=1)
    return (scaled @ _with_squares(colours).T).argmin(dim=1)


def _with_squares(colours: Tensor) -> Tensor:
    """(K, C + 1): |a - b|² without |a|², which all colours share, is then one product."""
    return torch.cat([colours, colours.square().sum(dim=1, keepdim=True)], dim=1)
