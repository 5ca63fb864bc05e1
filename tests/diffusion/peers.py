"""diffusers and this project on the same network, noise and levels.

python -m tests.diffusion.peers        prints the largest differences as a table
"""

from __future__ import annotations

from functools import partial

import torch
from diffusers import DDIMScheduler, DDPMScheduler

from noisette.diffusion.denoiser import as_denoiser, clipped
from noisette.diffusion.noise import ImageNoise, add_noise
from noisette.diffusion.objectives import Regression
from noisette.diffusion.samplers import ddim, ddpm
from noisette.diffusion.schedules import make_schedule

SCHEDULES = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
TARGETS = {"noise": "epsilon", "image": "sample", "velocity": "v_prediction"}
DDPM = [(10, "small"), (50, "small"), (200, "small"), (1000, "large")]
DDIM = [(5, 0.0), (10, 0.5), (50, 0.0), (50, 1.0), (200, 0.5)]


def tables(name):
    """Our betas and alpha_bars, and theirs."""
    ours, theirs = make_schedule(name, 1000), DDPMScheduler(beta_schedule=SCHEDULES[name])
    return (ours.betas.float(), ours.alpha_bars.float()), (theirs.betas, theirs.alphas_cumprod)


def noised(name):
    """The same images with the same noise, by us and by them."""
    torch.manual_seed(0)
    x0, eps = torch.randn(2, 6, 3, 5, 5)
    indices = torch.tensor([0, 1, 10, 500, 998, 999])
    alpha, sigma = make_schedule(name, 1000).alpha_sigma((indices + 1) / 1000)
    theirs = DDPMScheduler(beta_schedule=SCHEDULES[name]).add_noise(x0, eps, indices)
    return add_noise(x0, eps, alpha.float(), sigma.float()), theirs


def small_network():
    """A small random network whose answer depends on pixels, neighbours and time."""
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(2, 2, 3, padding=1).double()

    def predict(xt, times):
        with torch.no_grad():
            return torch.tanh(conv(xt)) * (0.5 + 0.5 * torch.cos(3 * times.double())).view(-1, 1, 1, 1)

    return predict


def ddpm_pair(name, target, clip, steps, variance, network):
    """A whole DDPM trajectory's end, by us and by them."""
    # With the large variance and fewer steps than levels diffusers noises its last estimate again, so only 1,000 compare.
    theirs = _scheduler(DDPMScheduler, name, target, clip, variance_type=f"fixed_{variance}")
    return _pair(partial(ddpm, variance=variance), theirs, name, target, clip, steps, network)


def ddim_pair(name, target, clip, steps, eta, network):
    """A whole DDIM trajectory's end, by us and by them."""
    theirs = _scheduler(DDIMScheduler, name, target, clip, set_alpha_to_one=True)
    # Left alone, diffusers keeps the noise it was told even where clipping has moved the image.
    return _pair(partial(ddim, eta=eta), theirs, name, target, clip, steps, network, eta=eta, use_clipped_model_output=True)


def _scheduler(kind, name, target, clip, **settings):
    scheduler = kind(
        num_train_timesteps=1000,
        beta_start=1e-4,
        beta_end=0.02,
        beta_schedule=SCHEDULES[name],
        prediction_type=TARGETS[target],
        clip_sample=clip,
        timestep_spacing="trailing",
        **settings,
    )
    # Its table is float32, and 1,000 steps magnify the rounding. Tables are compared on their own; here, the algorithms.
    scheduler.alphas_cumprod = make_schedule(name, 1000).alpha_bars
    return scheduler


def _pair(sampler, scheduler, name, target, clip, steps, network, **settings):
    seed = 3
    noise = ImageNoise([seed])
    start = noise.draw((2, 6, 6), dtype=torch.float64)
    denoise = as_denoiser(network, Regression(target))
    ours = sampler(clipped(denoise) if clip else denoise, start, make_schedule(name, 1000).levels(steps), noise=noise)

    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(seed)
    torch.randn(start.shape, generator=generator, dtype=start.dtype)  # the start itself came from this generator
    xt = start
    for timestep in scheduler.timesteps:
        prediction = network(xt, torch.full((len(xt),), (timestep.item() + 1) / 1000))
        xt = scheduler.step(prediction, timestep, xt, generator=generator, **settings).prev_sample
    return ours, xt


def main():
    network = small_network()

    def row(what, name, pairs):
        print(f"| {what} | {name} | {max(((ours - theirs).abs() / theirs.abs().clamp(min=1)).max().item() for ours, theirs in pairs):.1e} |")

    print("| what | schedule | largest difference |\n|---|---|---|")
    for name in SCHEDULES:
        row("betas, alpha_bars", name, zip(*tables(name), strict=True))
        row("noising", name, [noised(name)])
        cases = [(target, clip) for target in TARGETS for clip in (False, True)]
        for steps, variance in DDPM:
            row(f"DDPM, {steps} steps, {variance} variance", name, [ddpm_pair(name, *case, steps, variance, network) for case in cases])
        for steps, eta in DDIM:
            row(f"DDIM, {steps} steps, eta {eta:g}", name, [ddim_pair(name, *case, steps, eta, network) for case in cases])


if __name__ == "__main__":
    main()
