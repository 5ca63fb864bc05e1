from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisette.diffusion.losses import squared_error, weights
from noisette.diffusion.targets import image_from, noise_from, target_of

TARGETS = ["noise", "image", "velocity"]
angles = st.floats(0.05, 1.5)


@pytest.mark.parametrize("target", TARGETS)
@given(angle=angles)
def test_conversions_go_both_ways(target, angle):
    torch.manual_seed(0)
    x0, eps = torch.randn(2, 2, 3, 4, 4, dtype=torch.float64)
    alpha, sigma = torch.tensor(angle, dtype=torch.float64).cos(), torch.tensor(angle, dtype=torch.float64).sin()
    xt = alpha * x0 + sigma * eps
    answer = target_of(target, x0, eps, alpha, sigma)
    torch.testing.assert_close(image_from(target, answer, xt, alpha, sigma), x0)
    torch.testing.assert_close(noise_from(target, answer, xt, alpha, sigma), eps)


def loss_of_a_wrong_image(weighting, target, angle, gamma):
    """The weighted loss of an estimate of the image that is off by some error, said in the target's terms; that error squared; the SNR."""
    torch.manual_seed(0)
    x0, eps, error = torch.randn(3, 1, 1, 4, 4, dtype=torch.float64)
    alpha, sigma = (function(torch.tensor([angle], dtype=torch.float64)) for function in (torch.cos, torch.sin))
    a, s = alpha.view(-1, 1, 1, 1), sigma.view(-1, 1, 1, 1)
    xt = a * x0 + s * eps
    prediction = target_of(target, x0 + error, (xt - a * (x0 + error)) / s, a, s)
    loss = squared_error(
        prediction, target_of(target, x0, eps, a, s), weights(weighting, target, alpha, sigma, gamma=gamma)
    )
    return loss.item(), error.square().mean().item(), (alpha / sigma).item() ** 2


@pytest.mark.parametrize("target", TARGETS)
@given(angle=angles, gamma=st.floats(0.5, 20))
def test_min_snr_counts_the_same_error_of_the_image_alike_whatever_the_target(target, angle, gamma):
    loss, squared, snr = loss_of_a_wrong_image("min-snr", target, angle, gamma)
    assert loss == pytest.approx(min(snr, gamma) * squared, rel=1e-6)


@pytest.mark.parametrize("target", ["image", "velocity"])
@given(angle=st.floats(0.05, 1.57), gamma=st.floats(1, 20))
def test_clamped_snr_never_counts_an_error_of_the_image_below_one(target, angle, gamma):
    loss, squared, snr = loss_of_a_wrong_image("clamped-snr", target, angle, gamma)
    assert loss == pytest.approx(min(max(snr, 1.0), gamma) * squared, rel=1e-6)


def test_plain_is_the_mean_squared_error():
    prediction, target = torch.randn(2, 5, 3, 4, 4)
    alpha = torch.full((5,), 0.6)
    loss = squared_error(prediction, target, weights("plain", "noise", alpha, (1 - alpha**2).sqrt()))
    torch.testing.assert_close(loss, torch.nn.functional.mse_loss(prediction, target))
