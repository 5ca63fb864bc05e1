"""Masked diffusion: pixels are hidden, and drawn again so that they agree with each other."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from noisette.diffusion.masking import SOON, cross_entropy, hidden, hide
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.schedules import Level, make_schedule
from noisette.diffusion.unmasking import unmask

COLOURS = torch.tensor([[-1.0, 0.0], [0.5, 1.0], [1.0, -1.0]])
LEVELS = make_schedule("masked", None).levels(40)


def images(count, seed=0, side=5):
    chosen = torch.randint(3, (count, side, side), generator=torch.Generator().manual_seed(seed))
    return COLOURS[chosen].permute(0, 3, 1, 2), chosen


def an_order(seed, pixels=25):
    return torch.randperm(pixels, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 24), st.integers(0, 99))
def test_the_first_pixels_of_the_order_are_shown_with_their_colours_and_numbers(known, seed):
    (x0, chosen), order = images(2, seed), an_order(seed)
    xt = hide(x0, torch.full((2,), known / 25 + 1e-6), order, COLOURS)
    covered = hidden(xt)
    assert sorted((~covered[0]).flatten().nonzero().flatten().tolist()) == sorted(order[:known].tolist())
    assert torch.equal(xt[:, :2], torch.where(covered[:, None], 0.0, x0))
    assert torch.equal(xt[:, 2], torch.where(covered, 0, chosen + 1).float())


def test_the_loss_is_that_of_hidden_pixels_the_next_of_them_first_and_each_image_counts_the_same():
    prediction = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    answer = torch.tensor([[[0, 1], [2, 0]], [[1, 1], [0, 2]]])
    numbers = torch.tensor([[[1.0, 2.0], [3.0, 0.0]], [[0.0, 0.0], [0.0, 3.0]]])
    xt = torch.cat([torch.zeros(2, 2, 2, 2), numbers[:, None]], dim=1)
    order = torch.tensor([3, 2, 0, 1])  # of the second image the last pixel is shown, and comes first
    apart = F.cross_entropy(prediction, answer, reduction="none").flatten(1)
    counts = [1, 1 / (1 + 1 / SOON), 1 / (1 + 2 / SOON)]
    three = sum(count * apart[1, pixel] for count, pixel in zip(counts, [2, 0, 1], strict=True)) / sum(counts)
    found = cross_entropy(prediction, answer, xt, order).item()
    assert found == pytest.approx(((apart[0, 3] + three) / 2).item(), rel=1e-6)


def test_most_of_a_training_shows_few_pixels_and_all_of_it_leaves_one_hidden():
    times = make_schedule("masked", None).draw_times(10_000, torch.Generator().manual_seed(0))
    shown = 1 - times
    assert bool(((times > 0) & (times <= 1)).all())
    # six in ten are even up to two ninths, and the rest is even in the logarithm of one in 1024 and more
    assert (shown < 1 / 9).float().mean().item() == pytest.approx(0.3 + 0.4 * 0.684, abs=0.01)
    assert (shown < 1 / 2).float().mean().item() == pytest.approx(0.6 + 0.4 * 0.900, abs=0.01)


def one_colour(xt, level):
    """Knows of all images that they have one colour, the first twice as often as each of the others."""
    shown = ~hidden(xt)
    odds = torch.log(torch.tensor([0.5, 0.25, 0.25])).view(1, 3, 1, 1).expand(len(xt), 3, *xt.shape[2:]).clone()
    for image in range(len(xt)):
        if shown[image].any():
            seen = xt[image, :2][:, shown[image]][:, 0]
            colour = int((COLOURS - seen).abs().sum(1).argmin())
            odds[image] = -1e4
            odds[image, colour] = 0
    return odds


def drawn(seeds, denoise=one_colour, levels=LEVELS, side=4, order=None):
    noise = ImageNoise(seeds)
    start = noise.draw((2, side, side))
    return unmask(
        denoise, start, levels, colours=COLOURS, order=an_order(0, side**2) if order is None else order, noise=noise
    )


def test_pixels_agree_though_none_of_them_is_asked_for_and_each_image_is_as_likely_as_it_should_be():
    found = drawn(range(400))
    assert torch.equal(found, found[:, :, :1, :1].expand_as(found))
    counts = Counter((COLOURS - image[:, 0, 0]).abs().sum(1).argmin().item() for image in found)
    assert counts[0] / 400 == pytest.approx(0.5, abs=0.08)
    assert counts[1] / 400 == pytest.approx(0.25, abs=0.07)


def test_an_image_takes_as_many_evaluations_as_it_has_surprises():
    asked = []

    def counted(denoise):
        def denoised(xt, level):
            asked.append(len(xt))
            return denoise(xt, level)

        return denoised

    drawn([3], counted(one_colour))
    assert len(asked) == 2  # the colour, and then all the rest
    asked.clear()
    drawn([3], counted(lambda xt, level: torch.zeros(len(xt), 3, *xt.shape[2:])), levels=LEVELS[:7])
    assert len(asked) == 7  # nothing follows from anything: as many as it may take, and no more


def test_one_evaluation_takes_the_likeliest_colours():
    found = drawn(range(5), levels=LEVELS[:1])
    assert torch.equal(found, COLOURS[0].view(1, 2, 1, 1).expand_as(found))


def test_an_image_depends_on_its_own_seed_alone():
    together = drawn([7, 8, 9])
    for place, seed in enumerate([7, 8, 9]):
        assert torch.equal(drawn([seed])[0], together[place])


def test_pixels_are_drawn_in_their_order():
    shown = []

    def open_everywhere(xt, level):
        shown.append((~hidden(xt))[0].flatten())
        return torch.zeros(len(xt), 3, *xt.shape[2:])

    order = an_order(1, 16)
    drawn([0], open_everywhere, order=order)
    for place, each in enumerate(shown):
        assert sorted(each.nonzero().flatten().tolist()) == sorted(order[:place].tolist())


def test_a_colour_far_less_likely_than_another_is_never_drawn_but_a_rare_one_among_many_is():
    sure = torch.log(torch.tensor([0.93, 0.04, 0.03])).view(1, 3, 1, 1)
    found = drawn(range(100), lambda xt, level: sure.expand(len(xt), 3, *xt.shape[2:]))
    assert torch.equal(found, COLOURS[0].view(1, 2, 1, 1).expand_as(found))
    unsure = torch.log(torch.tensor([0.48, 0.48, 0.04])).view(1, 3, 1, 1)
    found = drawn(range(100), lambda xt, level: unsure.expand(len(xt), 3, *xt.shape[2:]))
    rare = (found[:, 0] == COLOURS[2, 0]).float().mean().item()
    assert rare == pytest.approx(0.04, abs=0.015)


def test_the_first_level_hides_everything_and_each_further_one_less():
    times = [level.time for level in LEVELS]
    assert times[0] == 1
    assert times == sorted(times, reverse=True)
    assert all(level.alpha + level.sigma == pytest.approx(1) for level in LEVELS)
    assert LEVELS[0] == Level(1.0, 0.0, 1.0)
