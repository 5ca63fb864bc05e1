"""Samplers that remember: each step uses the estimates of the steps before, so that one evaluation a step gives a
higher order.

The same signature and rules as those of samplers.py. Between two levels xt moves along

    d(xt / sigma) = (alpha / sigma) * x0_hat * d(lambda)        lambda = log(alpha / sigma)

of which all but x0_hat is known, so only its course over lambda is guessed, by a polynomial through the estimates so
far (DPM-Solver++: Lu et al. 2022). The first step has one estimate, and the last ends in the image itself: both are of
the first order.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import exp, expm1, log, sqrt

from torch import Tensor

from noisette.diffusion.denoiser import Denoiser
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.samplers import OnStep, estimate, ignore
from noisette.diffusion.schedules import Level

Known = list[tuple[float, Tensor]]
"""The estimates so far and the lambda of each, the newest first."""


def dpmpp_2m(
    denoise: Denoiser, start: Tensor, levels: Sequence[Level], *, noise: ImageNoise, on_step: OnStep = ignore
) -> Tensor:
    """Sample with DPM-Solver++ 2M (Lu et al. 2022, algorithm 2): deterministic, of second order.

    The cost is len(levels) evaluations of `denoise`.

    Args:
        denoise: The denoiser.
        start: (B, C, H, W), unit normal, at levels[0].
        levels: Noisiest first.
        noise: Of the images; not used.
        on_step: Called with xt, x0_hat and the level at each step.

    Returns:
        x0, (B, C, H, W).
    """
    xt = start
    known: Known = []
    for now, then in pairwise(levels):
        known = _look(denoise, xt, now, known[:1], on_step)
        h = then.half_log_snr - now.half_log_snr
        xt = then.sigma / now.sigma * xt - then.alpha * expm1(-h) * _half_way(known, h)
    return estimate(denoise, xt, levels[-1], on_step)


def dpmpp_2m_sde(
    denoise: Denoiser, start: Tensor, levels: Sequence[Level], *, noise: ImageNoise, on_step: OnStep = ignore
) -> Tensor:
    """Sample with DPM-Solver++ 2M and as much fresh noise as ancestral sampling has (Lu et al. 2022, appendix D).

    The cost is len(levels) evaluations of `denoise`.

    Args:
        denoise: The denoiser.
        start: (B, C, H, W), unit normal, at levels[0].
        levels: Noisiest first.
        noise: Of the images; fresh noise is added in each step.
        on_step: Called with xt, x0_hat and the level at each step.

    Returns:
        x0, (B, C, H, W).
    """
    xt = start
    known: Known = []
    for now, then in pairwise(levels):
        known = _look(denoise, xt, now, known[:1], on_step)
        h = then.half_log_snr - now.half_log_snr
        mean = then.sigma / now.sigma * exp(-h) * xt - then.alpha * expm1(-2 * h) * _half_way(known, h)
        xt = mean + then.sigma * sqrt(-expm1(-2 * h)) * noise.like(xt)
    return estimate(denoise, xt, levels[-1], on_step)


def dpmpp_3m_sde(
    denoise: Denoiser, start: Tensor, levels: Sequence[Level], *, noise: ImageNoise, on_step: OnStep = ignore
) -> Tensor:
    """Sample as `dpmpp_2m_sde`, with a parabola through three estimates (Lu et al. 2022).

    It is exact where x0_hat is a quadratic function of lambda. The weights are integrals over the step. Of the curve,
    k-diffusion's function of this name takes half, and diffusers 0.42 (order 3 of sde-dpmsolver++) adds a term that
    does not vanish with the step. The cost is len(levels) evaluations of `denoise`.

    Args:
        denoise: The denoiser.
        start: (B, C, H, W), unit normal, at levels[0].
        levels: Noisiest first.
        noise: Of the images; fresh noise is added in each step.
        on_step: Called with xt, x0_hat and the level at each step.

    Returns:
        x0, (B, C, H, W).
    """
    xt = start
    known: Known = []
    for now, then in pairwise(levels):
        known = _look(denoise, xt, now, known[:2], on_step)
        h = then.half_log_snr - now.half_log_snr
        whole, slope, curve = _moments(2 * h)
        first, second = _differences(known, h)
        mean = then.sigma / now.sigma * exp(-h) * xt + then.alpha * (
            whole * known[0][1] + slope * first + curve * second
        )
        xt = mean + then.sigma * sqrt(whole) * noise.like(xt)
    return estimate(denoise, xt, levels[-1], on_step)


def unipc(
    denoise: Denoiser, start: Tensor, levels: Sequence[Level], *, noise: ImageNoise, on_step: OnStep = ignore
) -> Tensor:
    """Sample with UniPC of order 2 and B(h) = exp(h) - 1 (Zhao et al. 2023).

    A step is that of `dpmpp_2m`, corrected once the estimate at its end is known. The cost is len(levels) evaluations
    of `denoise`.

    Args:
        denoise: The denoiser.
        start: (B, C, H, W), unit normal, at levels[0].
        levels: Noisiest first.
        noise: Of the images; not used.
        on_step: Called with xt, x0_hat and the level at each step.

    Returns:
        x0, (B, C, H, W).
    """
    xt = mended = start
    before = levels[0]
    known: Known = []
    for now, then in pairwise(levels):
        known = _look(denoise, xt, now, known[:2], on_step)
        if len(known) > 1:
            mended = _mended(mended, before, now, known)
        h = then.half_log_snr - now.half_log_snr
        xt = then.sigma / now.sigma * mended - then.alpha * expm1(-h) * _half_way(known, h)
        before = now
    return estimate(denoise, xt, levels[-1], on_step)


def _mended(xt: Tensor, now: Level, then: Level, known: Known) -> Tensor:
    """The step from `now` to `then` with the estimate at its end: a parabola through three, or after the first step
    half of each.
    """
    h = then.half_log_snr - now.half_log_snr
    whole, slope, curve = _moments(h)
    (_, after), (_, here), *_ = known
    moved = whole * here
    if len(known) == 2:
        moved = moved + whole / 2 * (after - here)
    else:
        steepness, _ = _differences(known[1:], h)
        share = (slope - curve) / (1 + (known[1][0] - known[2][0]) / h)
        moved = moved + share * steepness + (slope - share) * (after - here)
    return then.sigma / now.sigma * xt + then.alpha * moved


def deis(
    denoise: Denoiser, start: Tensor, levels: Sequence[Level], *, noise: ImageNoise, on_step: OnStep = ignore
) -> Tensor:
    """Sample with DEIS of order 2 (Zhang and Chen 2023), deterministic.

    The noise is taken for a straight line over log(sigma / alpha). The cost is len(levels) evaluations of `denoise`.

    Args:
        denoise: The denoiser.
        start: (B, C, H, W), unit normal, at levels[0].
        levels: Noisiest first.
        noise: Of the images; not used.
        on_step: Called with xt, x0_hat and the level at each step.

    Returns:
        x0, (B, C, H, W).
    """
    xt = start
    last: tuple[float, Tensor] | None = None
    for now, then in pairwise(levels):
        x0 = estimate(denoise, xt, now, on_step)
        eps = (xt - now.alpha * x0) / now.sigma  # from x0, which guidance and clipping may have moved
        xt = then.alpha * x0 + then.sigma * eps
        rho, next_rho = now.sigma / now.alpha, then.sigma / then.alpha
        if last is not None:
            last_rho, last_eps = last
            # Of log(r / rho) / log(last_rho / rho), which is 0 now and 1 at the last level: its integral over r from
            # rho to next_rho.
            share = (next_rho * (log(next_rho / rho) - 1) + rho) / log(last_rho / rho)
            xt = xt + then.alpha * share * (last_eps - eps)
        last = rho, eps
    return estimate(denoise, xt, levels[-1], on_step)


def _look(denoise: Denoiser, xt: Tensor, now: Level, known: Known, on_step: OnStep) -> Known:
    """`known`, and the estimate at `now` before them."""
    return [(now.half_log_snr, estimate(denoise, xt, now, on_step)), *known]


def _half_way(known: Known, h: float) -> Tensor:
    """The estimate in the middle of a step that is h long: on the line through the last two."""
    first, _ = _differences(known[:2], h)
    return known[0][1] + 0.5 * first


def _differences(known: Known, h: float) -> tuple[Tensor | float, Tensor | float]:
    """a and b of x0_hat = newest + a (u / h) + b (u / h)², u from the newest on, through up to three estimates."""
    if len(known) == 1:
        return 0.0, 0.0
    (now, newest), (before, older), *rest = known
    first = (newest - older) * (h / (now - before))
    if not rest:
        return first, 0.0
    ((long_before, oldest),) = rest
    earlier = (older - oldest) * (h / (before - long_before))
    second = (first - earlier) * (h / (now - long_before))
    return first + second * ((now - before) / h), second


def _moments(h: float) -> tuple[float, float, float]:
    """The integrals of exp(u - h) times 1, u / h and (u / h)² over u from 0 to h."""
    whole = -expm1(-h)
    slope = 1 - whole / h
    return whole, slope, 1 - 2 * slope / h
