"""How near the drawn images are to the real ones as a whole, and whether they cover them.

Both are measured in the features of an attribute classifier. Every figure depends on how many images it was taken from;
beside each belongs the same figure of real against real.

Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule, https://arxiv.org/abs/1706.08500 (Fréchet distance);
Binkowski et al. 2018, Demystifying MMD GANs, https://arxiv.org/abs/1801.01401 (kernel distance); Naeem et al. 2020,
Reliable Fidelity and Diversity Metrics, https://arxiv.org/abs/2002.09797 (density and coverage).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from noisette.errors import RequestError

Features = NDArray[np.float32]
"""(N, D)."""

NEIGHBOURS = 5
"""Of density and coverage, as in the paper."""

FEWEST = _SUBSET = 100
"""Images on either side that distances need."""

_SUBSETS = 50


@dataclass(frozen=True)
class Fidelity:
    """Drawn images beside real ones.

    Attributes:
        images: How many were drawn.
        frechet: Fréchet distance of two normal distributions, 0 and up.
        kernel: Kernel distance; it is unbiased, so it may fall a little below 0.
        kernel_spread: Standard deviation of the kernel distance over subsets.
        density: About 1 if the drawn images lie where the real ones are dense.
        coverage: Share of real images with a drawn one in their neighbourhood, 0 to 1.
    """

    images: int
    frechet: float
    kernel: float
    kernel_spread: float
    density: float
    coverage: float


def fidelity(real: Features, drawn: Features) -> Fidelity:
    """Compare the features of drawn images with those of real ones.

    Args:
        real: (N, D).
        drawn: (M, D).

    Returns:
        The figures.

    Raises:
        RequestError: There are too few of either.
    """
    fewest = min(len(real), len(drawn))
    if fewest < _SUBSET:
        raise RequestError(f"distances need at least {_SUBSET} images on either side, not {fewest}")
    kernel, spread = kernel_distance(real, drawn)
    density, coverage = density_and_coverage(real, drawn)
    return Fidelity(len(drawn), frechet_distance(real, drawn), kernel, spread, density, coverage)


def frechet_distance(real: Features, drawn: Features) -> float:
    """Take |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½) of two normal distributions (Heusel et al. 2017).

    Args:
        real: (N, D).
        drawn: (M, D).

    Returns:
        The distance, 0 and up.
    """
    metric = FrechetInceptionDistance(feature=_Ready(real.shape[1]))
    metric.update(torch.from_numpy(real).double(), real=True)
    metric.update(torch.from_numpy(drawn).double(), real=False)
    return max(0.0, float(metric.compute()))  # rounding may leave it a hair below


def kernel_distance(real: Features, drawn: Features) -> tuple[float, float]:
    """Take the squared maximum mean discrepancy under a cubic kernel, over subsets (Binkowski et al. 2018).

    Args:
        real: (N, D).
        drawn: (M, D).

    Returns:
        Its mean and its standard deviation over the subsets.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* will save all extracted features")  # a few hundred
        metric = KernelInceptionDistance(
            feature=_Ready(real.shape[1]), subsets=_SUBSETS, subset_size=min(_SUBSET, len(real), len(drawn))
        )
    metric.update(torch.from_numpy(real).double(), real=True)
    metric.update(torch.from_numpy(drawn).double(), real=False)
    with torch.random.fork_rng():
        torch.manual_seed(0)  # which subsets
        mean, spread = metric.compute()
    return float(mean), float(spread)


def density_and_coverage(real: Features, drawn: Features, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """Count drawn features in balls around the real ones that reach to their neighbours (Naeem et al. 2020).

    Args:
        real: (N, D).
        drawn: (M, D).
        neighbours: Each ball reaches to the real feature that is the so-many-th nearest, 1 and up.

    Returns:
        Density: how many balls a drawn feature lies in, in the mean, divided by `neighbours`, 0 and up. Coverage: the
        share of balls that hold a drawn feature, 0 to 1.
    """
    real_, drawn_ = torch.from_numpy(real).double(), torch.from_numpy(drawn).double()
    radii = torch.cdist(real_, real_).kthvalue(neighbours + 1, dim=1).values  # the first is the feature itself
    inside = torch.cdist(drawn_, real_) < radii  # (M, N)
    return float(inside.sum() / (neighbours * len(drawn))), float(inside.any(dim=0).double().mean())


class _Ready(nn.Module):
    """Features that are there already, where torchmetrics wants a network."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, features: Tensor) -> Tensor:
        return features
