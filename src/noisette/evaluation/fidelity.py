"""How near the drawn are to the real as a whole, and whether they cover it, in the features of a judge.

Every figure depends on how many images it was taken from; beside each belongs the same figure of real against real.
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
    """frechet: distance of two normal distributions (Heusel et al. 2017), 0 and up. kernel: unbiased, so it may fall a
    little below 0; its spread over subsets (Binkowski et al. 2018). density: about 1 if the drawn lie where the real
    are dense; coverage: share of real images with a drawn one in their neighbourhood (Naeem et al. 2020).
    """

    images: int
    frechet: float
    kernel: float
    kernel_spread: float
    density: float
    coverage: float


def fidelity(real: Features, drawn: Features) -> Fidelity:
    """Compare features of real images, (N, D), with those of drawn ones, (M, D).

    Raises RequestError for too few of either.
    """
    fewest = min(len(real), len(drawn))
    if fewest < _SUBSET:
        raise RequestError(f"distances need at least {_SUBSET} images on either side, not {fewest}")
    kernel, spread = kernel_distance(real, drawn)
    density, coverage = density_and_coverage(real, drawn)
    return Fidelity(len(drawn), frechet_distance(real, drawn), kernel, spread, density, coverage)


def frechet_distance(real: Features, drawn: Features) -> float:
    """|m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½)."""
    metric = FrechetInceptionDistance(feature=_Ready(real.shape[1]))
    metric.update(torch.from_numpy(real).double(), real=True)
    metric.update(torch.from_numpy(drawn).double(), real=False)
    return max(0.0, float(metric.compute()))  # rounding may leave it a hair below


def kernel_distance(real: Features, drawn: Features) -> tuple[float, float]:
    """Mean and standard deviation, over subsets, of the squared maximum mean discrepancy under a cubic kernel."""
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
    """Over balls around the real features that reach to the `neighbours`-th other: how many hold a drawn one, in the
    mean and at all.
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
