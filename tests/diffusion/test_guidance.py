from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisette.diffusion.condition import Condition
from noisette.diffusion.guidance import classifier_free, emphasising, excluding, guided, within
from noisette.diffusion.schedules import make_schedule

LEVELS = make_schedule("cosine", None).levels(7)
ASKED, NOTHING, OTHER = (
    Condition(torch.tensor(codes)) for codes in ([[1, 1], [0, 1]], [[-1, -1], [-1, -1]], [[-1, 1], [-1, 1]])
)


class Spy:
    """A conditional denoiser with a different answer for every request, that remembers what it was asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, xt, level, condition):
        self.calls.append(len(xt))
        assert len(condition.codes) == len(xt)
        return xt * level.alpha + condition.codes.float().sum(dim=1).view(-1, 1, 1, 1) * torch.arange(4.0).view(
            1, 1, 2, 2
        )


XT = torch.randn(2, 1, 2, 2, generator=torch.Generator().manual_seed(0))


def says(condition, level=LEVELS[2]):
    return Spy()(XT, level, condition)


@given(st.floats(0, 20))
def test_the_classic_formula(scale):
    x0 = guided(Spy(), classifier_free(ASKED, NOTHING, scale))(XT, LEVELS[2])
    assert torch.allclose(x0, says(NOTHING) + scale * (says(ASKED) - says(NOTHING)), atol=1e-4)


@given(st.floats(0, 20), st.sampled_from(LEVELS))
def test_the_classic_formula_is_the_same_said_of_the_noise(scale, level):
    """The papers and diffusers guide eps; x0 is linear in it, so it makes no difference."""

    def eps(x0):
        return (XT - level.alpha * x0) / level.sigma

    x0 = guided(Spy(), classifier_free(ASKED, NOTHING, scale))(XT, level)
    theirs = eps(says(NOTHING, level)) + scale * (eps(says(ASKED, level)) - eps(says(NOTHING, level)))
    assert torch.allclose(eps(x0), theirs, rtol=1e-3, atol=1e-3)


def test_scale_1_is_the_plain_request_in_one_evaluation():
    spy = Spy()
    x0 = guided(spy, classifier_free(ASKED, NOTHING, 1.0))(XT, LEVELS[2])
    assert spy.calls == [2]
    assert torch.equal(x0, says(ASKED))


def test_scale_0_asks_for_nothing_in_one_evaluation():
    spy = Spy()
    assert torch.equal(guided(spy, classifier_free(ASKED, NOTHING, 0.0))(XT, LEVELS[2]), says(NOTHING))
    assert spy.calls == [2]


@pytest.mark.parametrize("scale", [0.5, 1.5, 8.0])
def test_any_other_scale_costs_one_batched_evaluation_of_two(scale):
    spy = Spy()
    guided(spy, classifier_free(ASKED, NOTHING, scale))(XT, LEVELS[2])
    assert spy.calls == [4]


def test_an_attribute_with_the_scale_of_the_rest_changes_nothing():
    spy = Spy()
    terms = classifier_free(ASKED, NOTHING, 3.0) + emphasising(ASKED, OTHER, 0.0)
    assert torch.allclose(
        guided(spy, terms)(XT, LEVELS[2]), guided(Spy(), classifier_free(ASKED, NOTHING, 3.0))(XT, LEVELS[2])
    )
    assert spy.calls == [4]  # what has no weight is not evaluated


def test_an_attribute_asked_for_alone_has_its_own_scale():
    """Asking for one attribute, and weighting it by 5, is a scale of 5."""
    terms = classifier_free(ASKED, NOTHING, 2.0) + emphasising(ASKED, NOTHING, 5.0 - 2.0)
    assert torch.allclose(
        guided(Spy(), terms)(XT, LEVELS[2]),
        guided(Spy(), classifier_free(ASKED, NOTHING, 5.0))(XT, LEVELS[2]),
        atol=1e-5,
    )


def test_the_excluded_pushes_away():
    plain, unwanted = says(ASKED), says(OTHER)
    away = guided(Spy(), classifier_free(ASKED, NOTHING, 1.0) + excluding(ASKED, OTHER, 1.5))(XT, LEVELS[2])
    assert torch.allclose(away - plain, 1.5 * (plain - unwanted), atol=1e-5)


def test_guidance_works_inside_its_interval_only():
    spy = Spy()
    inside = guided(spy, classifier_free(ASKED, NOTHING, 3.0))
    denoise = within(0.3, 0.7, inside, lambda xt, level: spy(xt, level, ASKED))
    for level in LEVELS:
        denoise(XT, level)
    assert spy.calls == [4 if 0.3 <= level.sigma <= 0.7 else 2 for level in LEVELS]
    assert 4 in spy.calls
    assert 2 in spy.calls


def test_rescaling_brings_back_the_spread_of_the_plain_request():
    plain = says(ASKED)
    overshot = guided(Spy(), classifier_free(ASKED, NOTHING, 8.0))(XT, LEVELS[2])
    back = guided(Spy(), classifier_free(ASKED, NOTHING, 8.0), rescale=1.0)(XT, LEVELS[2])
    halfway = guided(Spy(), classifier_free(ASKED, NOTHING, 8.0), rescale=0.5)(XT, LEVELS[2])

    def spread(x0):
        return x0.flatten(1).std(dim=1)

    assert (spread(overshot) > 1.5 * spread(plain)).all()
    assert torch.allclose(spread(back), spread(plain), rtol=1e-4)
    assert torch.allclose(halfway, (overshot + back) / 2, atol=1e-4)


def test_rescaling_refers_to_the_request_even_where_its_weight_is_nothing():
    """An attribute that is weighted 0 takes all of the weight of the request."""
    terms = classifier_free(ASKED, NOTHING, 2.0) + emphasising(ASKED, OTHER, -2.0)
    x0 = guided(Spy(), terms, rescale=1.0)(XT, LEVELS[2])
    assert torch.allclose(x0.flatten(1).std(dim=1), says(ASKED).flatten(1).std(dim=1), rtol=1e-4)


def test_rescaling_a_flat_image_leaves_it():
    flat = guided(
        lambda xt, level, condition: torch.ones_like(xt) * condition.codes[:, :1, None, None],
        classifier_free(ASKED, NOTHING, 3.0),
        rescale=1.0,
    )
    assert torch.isfinite(flat(XT, LEVELS[2])).all()
    assert torch.equal(flat(XT, LEVELS[2])[0], torch.full((1, 2, 2), 5.0))


def test_guidance_sharpens_towards_what_was_asked():
    """Two classes of points at -1 and +1: D under a class is that point; under nothing, the exact posterior mean of both."""

    def ideal(xt, level, condition):
        both = torch.tanh(level.alpha * xt / level.sigma**2)
        wanted = condition.codes[:, 0].view(-1, 1, 1, 1)
        return torch.where(wanted < 0, both, 2.0 * wanted - 1)

    xt = torch.zeros(2, 1, 2, 2)
    nothing_known = guided(ideal, classifier_free(ASKED, NOTHING, 0.0))(xt, LEVELS[0])
    asked = guided(ideal, classifier_free(ASKED, NOTHING, 2.0))(xt, LEVELS[0])
    assert nothing_known.abs().max() == 0
    assert (asked[0] == 2).all()
    assert (asked[1] == -2).all()
