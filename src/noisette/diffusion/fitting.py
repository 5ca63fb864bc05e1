"""Levels that suit a model: those between which its own long walks can be cut short at the least cost.

Along a walk of many steps the image xt and the estimate x0_hat are known at every level. A step of DDIM from one of
these levels straight to any later one needs nothing else, so how far it would land from the walk is known for every
pair of levels. The best n levels are the way through them that adds up to the least, found by dynamic programming (Chen
et al. 2024, "On the Trajectory Regularity of ODE-based Diffusion Sampling").
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from noisette.diffusion.schedules import Level

Step = tuple[Tensor, Tensor, Level]
"""What `on_step` sees: xt, x0_hat, (B, C, H, W) each, and the level."""


def misses(walk: Sequence[Step]) -> Tensor:
    """By how much one step from each level of a walk misses the walk at each later level.

    Args:
        walk: What `on_step` saw at n levels, noisiest first.

    Returns:
        (n, n + 1) float64, the mean square by which a step from level i misses the walk at level j; infinite where j is
        not after i. The last column is the image in which the walk ends.
    """
    levels = [level for *_, level in walk]
    alphas = torch.tensor([*(level.alpha for level in levels), 1.0])
    sigmas = torch.tensor([*(level.sigma for level in levels), 0.0])
    there = torch.stack([*(xt.flatten() for xt, _, _ in walk), walk[-1][1].flatten()])  # (n + 1, B C H W)
    found = torch.full((len(walk), len(walk) + 1), torch.inf, dtype=torch.float64)
    for place, (xt, x0, level) in enumerate(walk):
        eps = (xt - level.alpha * x0) / level.sigma
        later = slice(place + 1, None)
        landed = alphas[later, None] * x0.flatten() + sigmas[later, None] * eps.flatten()
        found[place, later] = (landed - there[later]).square().mean(1).double()
    return found


def cheapest(costs: Tensor, most: int) -> dict[int, list[int]]:
    """For every count of levels the places to visit: those whose steps, with that to the end, cost the least together.

    Args:
        costs: (n, n + 1), of a step from i to j, infinite where there is none.
        most: The largest count, 1 and up.

    Returns:
        By the count the places, the first of them 0.
    """
    places = len(costs)
    within, ends = costs[:, :places], costs[:, places]
    reached = torch.full(
        (places,), torch.inf, dtype=costs.dtype
    )  # the cost of being at each place, after so many visits
    reached[0] = 0
    before: list[Tensor] = []
    found = {}
    for count in range(1, min(most, places) + 1):
        place = int((reached + ends).argmin())
        way = [place]
        for came in reversed(before):
            way.append(int(came[way[-1]]))
        found[count] = way[::-1]
        reached, came_from = (reached[:, None] + within).min(0)
        before.append(came_from)
    return found
