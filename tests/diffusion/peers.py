"""diffusers and this project on the same network, noise and levels.

python -m tests.diffusion.peers        prints the largest differences as a table
"""

from __future__ import annotations

from functools import partial

import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    UniPCMultistepScheduler,
)

from noisette.diffusion.denoiser import as_denoiser, clipped
from noisette.diffusion.multistep import deis, dpmpp_2m, dpmpp_2m_sde, unipc
from noisette.diffusion.noise import ImageNoise, add_noise
from noisette.diffusion.objectives import Regression
from noisette.diffusion.samplers import ddim, ddpm, euler, heun, lcm
from noisette.diffusion.schedules import make_schedule

SCHEDULES = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
TARGETS = {"noise": "epsilon", "image": "sample", "velocity": "v_prediction"}
TRAILING = {"timestep_spacing": "trailing"}
SOLVERS = {
    "euler": (euler, EulerDiscreteScheduler, {}),
    "heun": (heun, HeunDiscreteScheduler, {}),
    "lcm": (lcm, LCMScheduler, {"clip_sample": False}),
    "dpmpp-2m": (dpmpp_2m, DPMSolverMultistepScheduler, TRAILING),
    "dpmpp-2m-sde": (dpmpp_2m_sde, DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++", **TRAILING}),
    "unipc": (unipc, UniPCMultistepScheduler, TRAILING),
    "deis": (deis, DEISMultistepScheduler, TRAILING),
}
SOLVER_STEPS = [5, 10, 20, 50]
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
    return _pair(
        partial(ddim, eta=eta), theirs, name, target, clip, steps, network, eta=eta, use_clipped_model_output=True
    )


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


def solver_pair(solver, name, target, steps, network):
    """All that a solver shows to the network on its way, (steps, C, H, W), by us and by them.

    Not the ends: some of theirs end in a little noise. Their Euler and Heun compute in float32 on images divided by alpha, so these
    begin where that is not huge.
    """
    sampler, kind, settings = SOLVERS[solver]
    schedule, divided = make_schedule(name, 1000), solver in ("euler", "heun")
    levels = [level for level in schedule.levels(steps) if not divided or level.sigma < 6 * level.alpha]
    noise, shape = ImageNoise([3]), (2, 6, 6)
    ours = []
    start = noise.draw(shape, dtype=torch.float64)
    sampler(
        as_denoiser(network, Regression(target)),
        start,
        levels,
        noise=noise,
        on_step=lambda xt, x0, level: ours.append(xt),
    )

    scheduler = kind(
        beta_start=1e-4, beta_end=0.02, beta_schedule=SCHEDULES[name], prediction_type=TARGETS[target], **settings
    )
    scheduler.alphas_cumprod = schedule.alpha_bars  # as above
    if solver in ("euler", "heun", "lcm"):
        more = {"original_inference_steps": 1000} if solver == "lcm" else {}
        scheduler.set_timesteps(timesteps=[round(level.time * 1000) - 1 for level in levels], **more)
    else:
        scheduler.set_timesteps(steps)
    if solver != "lcm":
        sigmas = torch.tensor([level.sigma / level.alpha for level in levels], dtype=torch.float64)
        sigmas = torch.cat([sigmas[:1], sigmas[1:].repeat_interleave(2)]) if solver == "heun" else sigmas
        scheduler.sigmas = torch.cat([sigmas, scheduler.sigmas[-1:].double()])
    noise, generator = ImageNoise([3]), torch.Generator().manual_seed(3)
    torch.randn(start.shape, generator=generator, dtype=start.dtype)  # the start itself comes from it
    xt = noise.draw(shape, dtype=torch.float64) / (levels[0].alpha if divided else 1)
    theirs = []
    for timestep in scheduler.timesteps:
        shown = scheduler.scale_model_input(xt, timestep)
        theirs.append(shown)
        prediction = network(shown, torch.full((1,), (timestep.item() + 1) / 1000))
        fresh = {"variance_noise": noise.like(start)} if kind is DPMSolverMultistepScheduler else {}
        fresh = {"generator": generator} if solver == "lcm" else fresh
        xt = scheduler.step(prediction, timestep, xt, **fresh).prev_sample
    return torch.cat(ours), torch.cat(theirs[:: 2 if solver == "heun" else 1])  # every other one of Heun's looks ahead


def main():
    network = small_network()

    def row(what, name, pairs):
        print(
            f"| {what} | {name} | {max(((ours - theirs).abs() / theirs.abs().clamp(min=1)).max().item() for ours, theirs in pairs):.1e} |"
        )

    print("| what | schedule | largest difference |\n|---|---|---|")
    for name in SCHEDULES:
        row("betas, alpha_bars", name, zip(*tables(name), strict=True))
        row("noising", name, [noised(name)])
        cases = [(target, clip) for target in TARGETS for clip in (False, True)]
        for steps, variance in DDPM:
            row(
                f"DDPM, {steps} steps, {variance} variance",
                name,
                [ddpm_pair(name, *case, steps, variance, network) for case in cases],
            )
        for steps, eta in DDIM:
            row(
                f"DDIM, {steps} steps, eta {eta:g}",
                name,
                [ddim_pair(name, *case, steps, eta, network) for case in cases],
            )
        for solver in SOLVERS:
            for steps in SOLVER_STEPS:
                row(
                    f"{solver}, {steps} steps",
                    name,
                    [solver_pair(solver, name, target, steps, network) for target in TARGETS],
                )


if __name__ == "__main__":
    main()
