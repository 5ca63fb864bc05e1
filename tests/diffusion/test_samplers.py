from __future__ import annotations

import math
from functools import cache, partial
from itertools import pairwise

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from noisette.diffusion.denoiser import as_denoiser, clipped
from noisette.diffusion.multistep import deis, dpmpp_2m, dpmpp_2m_sde, dpmpp_3m_sde, unipc
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.objectives import Classification, Regression
from noisette.diffusion.samplers import ddim, ddpm, euler, heun, lcm
from noisette.diffusion.schedules import make_schedule
from noisette.diffusion.spacing import spaced
from noisette.diffusion.targets import target_of

from .oracles import gaussian, ideal

known_schedule = cache(make_schedule)


@cache
def nearest(schedule, half_log_snr):
    """Found once: a continuous schedule searches milliseconds for a level, and a churned sampler asks at every step."""
    return schedule.nearest(half_log_snr)


def churned(method):
    """With a little more noise before each step, five times as much over all of them."""

    def sampler(denoise, start, levels, *, schedule, **settings):
        more = math.log(1 + 5 / len(levels))
        return method(
            denoise, start, levels, raised=lambda level: nearest(schedule, level.half_log_snr - more), **settings
        )

    return sampler


def without_churn(method):
    def sampler(denoise, start, levels, *, schedule, **settings):
        return method(denoise, start, levels, **settings)

    return sampler


SAMPLERS = {
    "ddpm": ddpm,
    "ddpm-large": partial(ddpm, variance="large"),
    "ddim": ddim,
    "ddim-half": partial(ddim, eta=0.5),
    "ddim-full": partial(ddim, eta=1.0),
    "euler": euler,
    "heun": heun,
    "lcm": lcm,
    "dpmpp-2m": dpmpp_2m,
    "dpmpp-2m-sde": dpmpp_2m_sde,
    "dpmpp-3m-sde": dpmpp_3m_sde,
    "unipc": unipc,
    "deis": deis,
}
PLAIN = {name: without_churn(sampler) for name, sampler in SAMPLERS.items()}
SAMPLERS = {**PLAIN, "euler-churned": churned(euler), "heun-churned": churned(heun)}
TRUE = {
    name: sampler for name, sampler in SAMPLERS.items() if name != "lcm"
}  # that one is for estimates that are images already
SCHEDULES = [(name, levels) for name in ("linear", "linear-scaled", "cosine", "sigmoid") for levels in (1000, None)]
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
# Of 1,000 levels a churned sampler searches for 1,000 others, which takes seconds.
every_sampler_at_length = pytest.mark.parametrize(
    "sampler",
    [
        pytest.param(sampler, id=name, marks=() if name in PLAIN else pytest.mark.slow)
        for name, sampler in SAMPLERS.items()
    ],
)
every_true_sampler = pytest.mark.parametrize("sampler", TRUE.values(), ids=TRUE)
schedules = st.sampled_from(SCHEDULES)
targets = st.sampled_from(["noise", "image", "velocity"])
step_counts = st.sampled_from([1, 2, 3, 5, 7, 12, 30, 1000])  # 1,000 now and then: they take a second


def sample(sampler, denoise, schedule, steps, *, count=8, shape=(1, 4, 4)):
    noise = ImageNoise(range(count))
    return sampler(denoise, noise.draw(shape), schedule.levels(steps), noise=noise, schedule=schedule)


@every_sampler_at_length
@settings(max_examples=4)
@example(schedule=("cosine", None), steps=1000)
@given(schedule=schedules, steps=st.sampled_from([10, 20, 50, 1000]))
def test_with_the_ideal_denoiser_every_sampler_lands_on_data(sampler, schedule, steps):
    data = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    drawn = sample(sampler, ideal(data), known_schedule(*schedule), steps, count=4)
    nearest = (drawn[:, None] - data[None]).flatten(2).norm(dim=2).min(dim=1).values
    assert nearest.max() < 0.02


@pytest.mark.slow
@every_true_sampler
def test_with_the_ideal_denoiser_every_image_of_the_data_is_drawn_about_as_often(sampler):
    data = torch.tensor([-1.0, -0.3, 0.4, 1.0]).view(4, 1, 1, 1).expand(4, 1, 2, 2)
    drawn = sample(sampler, ideal(data), make_schedule("cosine", None), 60, count=400, shape=(1, 2, 2))
    share = torch.bincount((drawn[:, None] - data[None]).flatten(2).norm(dim=2).argmin(dim=1), minlength=4) / 400
    assert_close(share, torch.full((4,), 0.25), atol=0.08, rtol=0)


@pytest.mark.slow
@every_true_sampler
@settings(max_examples=2)
@given(schedule=schedules)
def test_of_a_gaussian_the_moments_match(sampler, schedule):
    # The last estimate is a mean, so it lacks the spread of x0 given xt: small at the last of 1,000 levels.
    drawn = sample(sampler, gaussian(0.3, 0.5), known_schedule(*schedule), 1000, count=2, shape=(1, 100, 100))
    assert drawn.mean().item() == pytest.approx(0.3, abs=0.02)
    assert drawn.std().item() == pytest.approx(0.5, rel=0.02)


def test_ddim_with_eta_1_is_ddpm():
    denoise, schedule = gaussian(0.1, 0.4), make_schedule("linear", 1000)
    assert_close(
        sample(SAMPLERS["ddpm"], denoise, schedule, 100),
        sample(SAMPLERS["ddim-full"], denoise, schedule, 100),
        atol=1e-5,
        rtol=0,
    )


@pytest.mark.slow
@every_sampler_at_length
@settings(max_examples=6)
@example(schedule=("cosine", None), target="noise", steps=1)  # an image divided by an alpha of nearly 0
@example(schedule=("cosine", None), target="noise", steps=1000)
@given(schedule=schedules, target=targets, steps=step_counts)
def test_a_bad_network_gives_no_nan_at_any_step_count(sampler, schedule, target, steps):
    denoise = clipped(as_denoiser(lambda xt, times: 3 * xt.flip(-1), Regression(target)))
    drawn = sample(sampler, denoise, known_schedule(*schedule), steps, count=1, shape=(1, 2, 2))
    assert torch.isfinite(drawn).all()
    assert drawn.abs().max() <= 1


@pytest.mark.slow
@every_sampler_at_length
@settings(max_examples=6)
@example(schedule=("cosine", None), steps=1)
@example(schedule=("cosine", None), steps=1000)
@given(schedule=schedules, steps=step_counts)
def test_a_bad_network_that_names_colours_gives_no_nan_either(sampler, schedule, steps):
    colours = torch.tensor([[-1.0], [-0.99], [0.2], [1.0]])
    denoise = as_denoiser(
        lambda xt, times: 30 * xt.flip(-1).expand(-1, 4, -1, -1) * colours[:, :, None], Classification(colours)
    )
    drawn = sample(sampler, denoise, known_schedule(*schedule), steps, count=1, shape=(1, 2, 2))
    assert torch.isfinite(drawn).all()
    assert drawn.abs().max() <= 1


@pytest.mark.parametrize("target", ["noise", "image", "velocity"])
def test_a_sampler_does_not_see_what_the_network_predicts(target):
    """The same perfect knowledge, told in three ways, draws the same image."""
    schedule = make_schedule("cosine", None)
    perfect = gaussian(0.2, 0.5)

    def network(xt, times):
        level = schedule.at(times[0].item())
        x0 = perfect(xt, level)
        return target_of(target, x0, (xt - level.alpha * x0) / level.sigma, level.alpha, level.sigma)

    assert_close(
        sample(SAMPLERS["ddim"], as_denoiser(network, Regression(target)), schedule, 20),
        sample(SAMPLERS["ddim"], perfect, schedule, 20),
        atol=1e-3,
        rtol=0,
    )


@pytest.mark.parametrize("sampler", PLAIN.values(), ids=PLAIN)
def test_each_step_is_seen_once_and_the_result_is_the_last_estimate(sampler):
    seen = []
    schedule = make_schedule("cosine", None)
    noise = ImageNoise([1])
    drawn = sampler(
        gaussian(0, 0.5),
        noise.draw((1, 2, 2)),
        schedule.levels(7),
        noise=noise,
        on_step=lambda xt, x0, level: seen.append((x0, level)),
        schedule=schedule,
    )
    assert [level for _, level in seen] == schedule.levels(7)
    assert torch.equal(seen[-1][0], drawn)


@every_sampler
def test_an_image_does_not_depend_on_those_beside_it(sampler):
    schedule = make_schedule("cosine", None)
    together = sample(sampler, gaussian(0, 0.5), schedule, 10, count=5)
    for seed in range(5):
        noise = ImageNoise([seed])
        alone = sampler(gaussian(0, 0.5), noise.draw((1, 4, 4)), schedule.levels(10), noise=noise, schedule=schedule)
        assert torch.equal(alone[0], together[seed])


def test_what_clipping_moved_moves_the_noise_too():
    """One DDIM step by hand from a clipped estimate: the noise must be taken from the clipped image."""
    schedule = make_schedule("cosine", None)
    now, then = schedule.levels(2)
    start = torch.full((1, 1, 1, 1), 1.5)
    denoise = clipped(lambda xt, level: torch.full_like(xt, 5.0))
    seen = []
    ddim(denoise, start, [now, then], noise=ImageNoise([0]), on_step=lambda xt, x0, level: seen.append(xt))
    eps = (1.5 - now.alpha * 1.0) / now.sigma
    assert seen[1].item() == pytest.approx(then.alpha + then.sigma * eps, rel=1e-6)


@cache
def evenly(steps):
    return spaced(known_schedule("cosine", None), steps, "log-snr")


ORDERS = {"ddim": 1, "euler": 1, "heun": 2, "dpmpp-2m": 2, "deis": 2, "unipc": 2}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "order"), ORDERS.items(), ids=ORDERS)
def test_with_twice_the_steps_the_error_falls_by_the_order_of_a_sampler(name, order):
    """Where data are normal the way of an image is known: its place in the spread of xt stays."""
    mean, spread = 0.3, 0.5

    def place(level, z):
        return level.alpha * mean + math.sqrt(level.alpha**2 * spread**2 + level.sigma**2) * z

    def error(steps):
        levels = evenly(steps)
        z, seen = torch.tensor([-1.5, -0.2, 0.7, 2.0], dtype=torch.float64).view(4, 1, 1, 1), []
        SAMPLERS[name](
            gaussian(mean, spread),
            place(levels[0], z),
            levels,
            noise=ImageNoise(range(4)),
            schedule=known_schedule("cosine", None),
            on_step=lambda xt, x0, level: seen.append(xt),
        )
        return (seen[-1] - place(levels[-1], z)).abs().max().item()

    assert math.log2(error(100) / error(200)) > order - 0.2


def test_three_estimates_on_a_parabola_are_integrated_exactly():
    """Where x0_hat is a quadratic function of lambda, whatever xt is, the mean of each step after the second has a closed form."""

    class Silence(ImageNoise):
        def like(self, xt):
            return torch.zeros_like(xt)

    def curve(lam):
        return 0.3 - 0.2 * lam + 0.05 * lam**2

    seen = []
    levels = evenly(12)
    dpmpp_3m_sde(
        lambda xt, level: torch.full_like(xt, curve(level.half_log_snr)),
        torch.ones(1, 1, 1, 1, dtype=torch.float64),
        levels,
        noise=Silence([0]),
        on_step=lambda xt, x0, level: seen.append((xt.item(), level)),
    )
    for (before, now), (after, then) in list(pairwise(seen))[2:]:
        u = torch.linspace(now.half_log_snr, then.half_log_snr, 20_001, dtype=torch.float64)
        integral = torch.trapezoid(2 * torch.exp(2 * (u - then.half_log_snr)) * curve(u), u).item()
        h = then.half_log_snr - now.half_log_snr
        assert after == pytest.approx(then.sigma / now.sigma * math.exp(-h) * before + then.alpha * integral, abs=1e-7)


@every_sampler
def test_a_sampler_stops_between_two_steps_when_it_is_asked_to(sampler):
    class Stop(Exception):
        pass

    evaluations = 0

    def denoise(xt, level):
        nonlocal evaluations
        evaluations += 1
        return torch.zeros_like(xt)

    def on_step(xt, x0, level):
        if evaluations >= 3:
            raise Stop

    schedule, noise = make_schedule("cosine", None), ImageNoise([0])
    with pytest.raises(Stop):
        sampler(denoise, noise.draw((1, 2, 2)), schedule.levels(50), noise=noise, schedule=schedule, on_step=on_step)
    assert evaluations == 3
