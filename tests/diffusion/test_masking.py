"""Masked diffusion: pixels are hidden, and drawn again so that they agree with each other."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from noisette.diffusion.masking import cross_entropy, hidden, hide
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.schedules import Level, make_schedule
from noisette.diffusion.unmasking import unmask

COLOURS = torch.tensor([[-1.0, 0.0], [0.5, 1.0], [1.0, -1.0]])
LEVELS = make_schedule("masked", None).levels(40)


def images(count, seed=0, side=5):
    return torch.rand(count, 2, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@given(st.integers(0, 24), st.integers(0, 99))
def test_as_many_pixels_are_shown_as_the_share_says_and_they_are_those_of_the_image(known, seed):
    x0, eps = images(2, seed), images(2, seed + 1)
    alpha = torch.full((2,), known / 25 + 1e-6)
    xt = hide(x0, eps, alpha, 1 - alpha)
    covered = hidden(xt)
    assert covered.flatten(1).sum(1).tolist() == [25 - known] * 2
    assert torch.equal(xt[:, :2], torch.where(covered[:, None], 0.0, x0))


def test_the_same_noise_hides_what_it_hid_before_and_more():
    x0, eps = images(1), images(1, 1)
    less, more = (hidden(hide(x0, eps, torch.tensor([1 - share]), torch.tensor([share]))) for share in (0.3, 0.7))
    assert bool((more | ~less).all())
    assert int(more.sum()) > int(less.sum())


def test_the_loss_is_that_of_hidden_pixels_and_each_image_counts_the_same():
    prediction = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    answer = torch.tensor([[[0, 1], [2, 0]], [[1, 1], [0, 2]]])
    shown = torch.tensor([[[1.0, 1.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]])
    xt = torch.cat([torch.zeros(2, 2, 2, 2), shown[:, None]], dim=1)
    one = F.cross_entropy(prediction[:1, :, 1, 1], answer[:1, 1, 1])
    three = F.cross_entropy(prediction[1].flatten(1).T[:3], answer[1].flatten()[:3])
    assert cross_entropy(prediction, answer, xt).item() == pytest.approx((one + three).item() / 2, rel=1e-6)


def test_how_many_are_shown_in_training_is_even_in_its_logarithm():
    times = make_schedule("masked", None).draw_times(10_000, torch.Generator().manual_seed(0))
    shown = (1 - times) * 1024
    assert bool(((times > 0) & (times <= 1)).all())
    for pixels in (1, 10, 100, 500):
        assert (shown < pixels).float().mean().item() == pytest.approx(math.log1p(pixels) / math.log(1025), abs=0.01)


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


def drawn(seeds, denoise=one_colour, repairs=0, levels=LEVELS, side=4):
    noise = ImageNoise(seeds)
    return unmask(denoise, noise.draw((2, side, side)), levels, colours=COLOURS, noise=noise, repairs=repairs)


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
    together = drawn([7, 8, 9], repairs=3)
    for place, seed in enumerate([7, 8, 9]):
        assert torch.equal(drawn([seed], repairs=3)[0], together[place])


def test_repairs_mend_a_pixel_that_does_not_agree_with_the_rest():
    def most_shown(xt, level):
        """Has the colour of most pixels that are shown; and draws any colour while few are."""
        odds = torch.zeros(len(xt), 3, *xt.shape[2:])
        shown = ~hidden(xt)
        for image in range(len(xt)):
            if shown[image].sum() > 3:
                of_each = (COLOURS[:, :, None] - xt[image, :2][:, shown[image]]).abs().sum(1).argmin(0)
                odds[image, of_each.mode().values] = 1e4
        return odds

    def share_of_one_colour(found):
        nearest = (COLOURS.view(1, 3, 2, 1, 1) - found[:, None]).abs().sum(2).argmin(1).flatten(1)
        return (nearest == nearest.mode(dim=1).values[:, None]).float().mean().item()

    assert share_of_one_colour(drawn(range(20), most_shown)) < 0.95
    assert share_of_one_colour(drawn(range(20), most_shown, repairs=6)) == 1


def test_colours_that_are_hardly_likely_are_never_drawn():
    odds = torch.log(torch.tensor([0.985, 0.01, 0.005])).view(1, 3, 1, 1)
    found = drawn(range(100), lambda xt, level: odds.expand(len(xt), 3, *xt.shape[2:]))
    assert torch.equal(found, COLOURS[0].view(1, 2, 1, 1).expand_as(found))


def test_the_first_level_hides_everything_and_each_further_one_less():
    times = [level.time for level in LEVELS]
    assert times[0] == 1
    assert times == sorted(times, reverse=True)
    assert all(level.alpha + level.sigma == pytest.approx(1) for level in LEVELS)
    assert LEVELS[0] == Level(1.0, 0.0, 1.0)
