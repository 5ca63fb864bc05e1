from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from noisette.diffusion.objectives import Classification
from noisette.diffusion.palette import mean_colour, nearest, with_evidence

COLOURS = torch.tensor([[-1.0, -1.0], [1.0, -0.5], [0.2, 0.3], [0.21, 0.3]], dtype=torch.float64)
angles = st.floats(0.02, 1.56)


def scales(angle):
    angle = torch.tensor([angle, angle], dtype=torch.float64)
    return angle.cos(), angle.sin()


@given(angle=angles)
def test_evidence_is_the_normal_density_around_each_colour_but_for_a_number_they_share(angle):
    torch.manual_seed(0)
    alpha, sigma = torch.tensor(angle, dtype=torch.float64).cos(), torch.tensor(angle, dtype=torch.float64).sin()
    xt, logits = torch.randn(9, 2, dtype=torch.float64), torch.randn(9, 4, dtype=torch.float64)
    true = logits + torch.distributions.Normal(alpha * COLOURS[None], sigma).log_prob(xt[:, None]).sum(dim=2)
    found = with_evidence(logits, xt, COLOURS, alpha.expand(9), sigma.expand(9))
    assert_close(found - found[:, :1], true - true[:, :1], atol=1e-6, rtol=1e-9)


@given(angle=angles)
def test_a_network_that_knows_how_common_the_colours_are_denoises_as_bayes_would(angle):
    torch.manual_seed(1)
    alpha, sigma = scales(angle)
    xt, common = torch.randn(2, 2, 3, 3, dtype=torch.float64), torch.tensor([0.6, 0.1, 0.2, 0.1], dtype=torch.float64)
    density = torch.exp(
        -((xt[:, None] - alpha[0] * COLOURS[None, :, :, None, None]) ** 2).sum(dim=2) / (2 * sigma[0] ** 2)
    )
    chances = density * common[None, :, None, None]
    chances = chances / chances.sum(dim=1, keepdim=True)
    expected = (chances[:, :, None] * COLOURS[None, :, :, None, None]).sum(dim=1)
    logits = common.log()[None, :, None, None].expand(2, -1, 3, 3)
    found = Classification(COLOURS).image(logits, xt, alpha, sigma)
    assert_close(
        found[density.sum(dim=1)[:, None].expand_as(found) > 1e-200],
        expected[density.sum(dim=1)[:, None].expand_as(found) > 1e-200],
    )


def test_the_loss_is_lowest_at_how_common_the_colours_are():
    generator = torch.Generator().manual_seed(2)
    common = torch.tensor([0.6, 0.1, 0.2, 0.1], dtype=torch.float64)
    x0 = (
        COLOURS[torch.multinomial(common, 200 * 256, replacement=True, generator=generator)]
        .view(200, 16, 16, 2)
        .permute(0, 3, 1, 2)
    )
    eps = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
    alpha = torch.rand(200, generator=generator, dtype=torch.float64)
    sigma = (1 - alpha**2).sqrt()
    xt = alpha.view(-1, 1, 1, 1) * x0 + sigma.view(-1, 1, 1, 1) * eps
    logits = common.log()[None, :, None, None].repeat(200, 1, 16, 16).requires_grad_()
    loss = Classification(COLOURS).loss(logits, x0, eps, xt, alpha, sigma)
    loss.backward()
    assert loss < 0.9 * -(common * common.log()).sum()  # what a guess that does not look at the pixel would cost
    assert logits.grad.sum(dim=(0, 2, 3)).abs().max() < 5e-3  # of a mean of ones: chance alone leaves this much


@pytest.mark.parametrize("angle", [1e-8, 1e-3, 1.57])
def test_evidence_is_finite_from_no_noise_to_nothing_else(angle):
    torch.manual_seed(3)
    alpha, sigma = (scale.float() for scale in scales(angle))
    colours = COLOURS.float()
    x0 = colours[torch.randint(4, (2, 5, 5))].permute(0, 3, 1, 2)
    logits = torch.randn(2, 4, 5, 5, requires_grad=True)
    xt = alpha[0] * x0 + sigma[0] * torch.randn_like(x0)
    loss = Classification(colours).loss(logits, x0, torch.randn_like(x0), xt, alpha, sigma)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
    assert (loss < 0.05) == (angle < 1)


def test_the_mean_of_one_certain_colour_is_that_colour_and_the_nearest_to_it_is_it():
    places = torch.randint(4, (72,), generator=torch.Generator().manual_seed(4))
    x0 = mean_colour(100.0 * torch.nn.functional.one_hot(places, 4).double(), COLOURS)
    assert_close(x0, COLOURS[places])
    assert torch.equal(nearest(x0, COLOURS), places)
