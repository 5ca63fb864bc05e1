"""The functions behind the names of settings."""

from __future__ import annotations

import pytest
import torch

from noisette.config.sampling import SamplingSettings
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.registry import SAMPLERS, samplers_for
from noisette.diffusion.samplers import ignore
from noisette.diffusion.schedules import make_schedule
from noisette.sampling.functions import levels_of, sampler_of

SCHEDULE = make_schedule("cosine", None)
START = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))


def drawn(settings, noise):
    """From the same start, with other fresh noise, and how often the denoiser was asked."""
    asked = []

    def denoise(xt, level):
        asked.append(level)
        return (level.alpha * xt).clamp(-1, 1)

    sampler = sampler_of(settings, SCHEDULE)
    image = sampler(denoise, START, levels_of(settings, SCHEDULE), noise=ImageNoise([noise]), on_step=ignore)
    return image, len(asked)


GAUSSIAN = samplers_for("cosine")


@pytest.mark.parametrize("name", GAUSSIAN)
def test_a_sampler_costs_what_its_traits_say_and_adds_noise_where_they_say_so(name):
    settings = SamplingSettings.of(sampler=name, steps=5, spacing="log-snr")
    (one, cost), (other, _) = drawn(settings, 1), drawn(settings, 2)
    assert cost == SAMPLERS[name].nfe(5)
    assert torch.equal(one, other) != SAMPLERS[name].stochastic


@pytest.mark.parametrize(("name", "setting"), [(name, each) for name in GAUSSIAN for each in SAMPLERS[name].takes])
def test_a_setting_of_its_own_reaches_a_sampler(name, setting):
    plain = SamplingSettings.of(sampler=name, steps=5, spacing="log-snr")
    assert not torch.equal(drawn(plain, 1)[0], drawn(plain.changed(**{setting: 1.0}), 1)[0])


def test_fitted_levels_are_those_that_the_settings_hold():
    settings = SamplingSettings.of(steps=3, spacing="fitted", times=(1.0, 0.5, 0.1))
    assert [level.time for level in levels_of(settings, SCHEDULE)] == [1.0, 0.5, 0.1]
