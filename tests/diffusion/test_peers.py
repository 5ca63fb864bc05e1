"""The same numbers as diffusers, from the same network and noise."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch.testing import assert_close

from noisette.diffusion.denoiser import as_denoiser, clipped
from noisette.diffusion.noise import ImageNoise, add_noise
from noisette.diffusion.samplers import ddim, ddpm
from noisette.diffusion.schedules import make_schedule

PEER_NAMES = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
PEER_TARGETS = {"noise": "epsilon", "image": "sample", "velocity": "v_prediction"}
every_schedule = pytest.mark.parametrize("name", PEER_NAMES)
every_target = pytest.mark.parametrize("target", PEER_TARGETS)
every_clip = pytest.mark.parametrize("clip", [False, True], ids=["free", "clipped"])


def peer(kind, name, target, clip, **settings):
    scheduler = kind(
        num_train_timesteps=1000,
        beta_start=1e-4,
        beta_end=0.02,
        beta_schedule=PEER_NAMES[name],
        prediction_type=PEER_TARGETS[target],
        clip_sample=clip,
        timestep_spacing="trailing",
        **settings,
    )
    # Its table is float32, and 1,000 steps magnify the rounding. Tables are compared on their own; here, the algorithms.
    scheduler.alphas_cumprod = make_schedule(name, 1000).alpha_bars
    return scheduler


@pytest.fixture(scope="module")
def network():
    """A small random network whose answer depends on pixels, neighbours and time."""
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(2, 2, 3, padding=1).double()

    def predict(xt, times):
        with torch.no_grad():
            return torch.tanh(conv(xt)) * (0.5 + 0.5 * torch.cos(3 * times.double())).view(-1, 1, 1, 1)

    return predict


def run_peer(scheduler, network, start, steps, seed, **settings):
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(seed)
    torch.randn(start.shape, generator=generator, dtype=start.dtype)  # the start itself came from this generator
    xt = start
    for timestep in scheduler.timesteps:
        prediction = network(xt, torch.full((len(xt),), (timestep.item() + 1) / 1000))
        xt = scheduler.step(prediction, timestep, xt, generator=generator, **settings).prev_sample
    return xt


def run_ours(sampler, name, target, clip, network, steps, seed):
    noise = ImageNoise([seed])
    start = noise.draw((2, 6, 6), dtype=torch.float64)
    denoise = as_denoiser(network, target)
    return start, sampler(clipped(denoise) if clip else denoise, start, make_schedule(name, 1000).levels(steps), noise=noise)


@every_schedule
def test_schedule_tables_follow_diffusers(name):
    ours = make_schedule(name, 1000)
    theirs = DDPMScheduler(beta_schedule=PEER_NAMES[name])
    assert_close(ours.betas.float(), theirs.betas, atol=1e-6, rtol=1e-5)
    assert_close(ours.alpha_bars.float(), theirs.alphas_cumprod, atol=1e-6, rtol=1e-4)


@every_schedule
def test_noising_follows_diffusers(name):
    x0, eps = torch.randn(2, 6, 3, 5, 5)
    indices = torch.tensor([0, 1, 10, 500, 998, 999])
    alpha, sigma = make_schedule(name, 1000).alpha_sigma((indices + 1) / 1000)
    theirs = DDPMScheduler(beta_schedule=PEER_NAMES[name]).add_noise(x0, eps, indices)
    assert_close(add_noise(x0, eps, alpha.float(), sigma.float()), theirs, atol=1e-5, rtol=0)


@every_schedule
@every_target
@every_clip
@pytest.mark.parametrize(("steps", "variance"), [(10, "small"), (50, "small"), (1000, "small"), (1000, "large")])
def test_ddpm_follows_diffusers(name, target, clip, steps, variance, network):
    # With the large variance and fewer steps than levels diffusers noises its last estimate again, so only 1,000 compare.
    scheduler = peer(DDPMScheduler, name, target, clip, variance_type=f"fixed_{variance}")
    start, ours = run_ours(partial(ddpm, variance=variance), name, target, clip, network, steps, seed=3)
    assert_close(ours, run_peer(scheduler, network, start, steps, 3), atol=1e-5, rtol=1e-5)


@every_schedule
@every_target
@every_clip
@pytest.mark.parametrize(("steps", "eta"), [(5, 0.0), (10, 0.5), (50, 0.0), (50, 1.0), (200, 0.5), (1000, 0.0)])
def test_ddim_follows_diffusers(name, target, clip, steps, eta, network):
    scheduler = peer(DDIMScheduler, name, target, clip, set_alpha_to_one=True)
    start, ours = run_ours(partial(ddim, eta=eta), name, target, clip, network, steps, seed=4)
    # diffusers keeps the noise it was told; use_clipped_model_output is what every paper's clipping means
    theirs = run_peer(scheduler, network, start, steps, 4, eta=eta, use_clipped_model_output=True)
    assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
