"""Levels fitted to a model: the sums against every possible way, and what they are for, on data whose ideal denoiser is known."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisette.diffusion.fitting import cheapest, misses
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.samplers import ddim
from noisette.diffusion.schedules import make_schedule
from noisette.diffusion.spacing import spaced

from .oracles import ideal


@given(places=st.integers(1, 7), seed=st.integers(0, 2**20))
def test_no_way_over_so_many_levels_costs_less(places, seed):
    costs = torch.rand((places, places + 1), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    costs = torch.where(torch.arange(places + 1) > torch.arange(places)[:, None], costs, torch.inf)

    def cost(way):
        return float(sum(costs[now, then] for now, then in pairwise([*way, places])))

    found = cheapest(costs, 20)
    assert list(found) == list(range(1, places + 1))
    for count, way in found.items():
        ways = [(0, *rest) for rest in combinations(range(1, places), count - 1)]
        assert cost(way) == pytest.approx(min(map(cost, ways)))
        assert len(way) == count
        assert way[0] == 0


def walk(denoise, levels, count=16, shape=(1, 4, 4)):
    steps = []
    noise = ImageNoise(range(count))
    image = ddim(
        denoise, noise.draw(shape, torch.device("cpu")), levels, noise=noise, on_step=lambda *step: steps.append(step)
    )
    return image, steps


def test_towards_a_single_image_any_way_is_straight():
    data = torch.rand((1, 1, 4, 4), generator=torch.Generator().manual_seed(0)) * 2 - 1
    _, steps = walk(ideal(data), spaced(make_schedule("cosine", None), 12))
    found = misses(steps)
    assert found.shape == (12, 13)
    assert torch.isinf(found[torch.tril(torch.ones_like(found)).bool()]).all()
    assert found[torch.triu(torch.ones_like(found), 1).bool()].max() < 1e-10


def test_a_step_to_the_next_level_is_the_walk_itself_and_a_longer_one_is_not():
    data = torch.randn((24, 1, 4, 4), generator=torch.Generator().manual_seed(1)).clamp(-1, 1)
    _, steps = walk(ideal(data), spaced(make_schedule("cosine", None), 12))
    found = misses(steps)
    assert found.diagonal(1).max() < 1e-10
    assert found.diagonal(3).max() > 1e-3


# Even levels of the cosine schedule are hard to better in five steps or fewer.
@pytest.mark.parametrize(
    ("name", "count"), [("linear", 3), ("linear", 5), ("linear", 8), ("cosine", 6), ("cosine", 10)]
)
def test_in_so_few_steps_fitted_levels_end_nearer_to_the_long_walk_than_even_ones(name, count):
    data = torch.randn((24, 1, 4, 4), generator=torch.Generator().manual_seed(1)).clamp(-1, 1)
    schedule, denoise = make_schedule(name, None), ideal(data)
    levels = spaced(schedule, 60)
    end, steps = walk(denoise, levels)
    fitted = [levels[place] for place in cheapest(misses(steps).sqrt(), count)[count]]

    def missed(levels):
        return float((walk(denoise, levels)[0] - end).square().mean())

    assert missed(fitted) < missed(spaced(schedule, count))
