"""Noise schedules: how much image (alpha) and how much noise (sigma) is in xt, for each time in (0, 1].

Time 1 is the noisiest trained level. A discrete schedule with T steps has the levels 1/T, 2/T, ..., 1; a continuous one
has every time in (0, 1]. All are variance preserving: alpha**2 + sigma**2 = 1; but for the masked one, where alpha is
the share of the pixels that is shown and sigma the share that is hidden. Tables are float64: at T = 1000 the rounding
of a float32 cumulative product already reaches the sixth digit.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import get_args

import torch
from torch import Tensor

from noisette.diffusion.registry import ScheduleName

MAX_RESIDUAL_SIGNAL = 1e-3
"""Largest alpha**2 at the last level with which a sampler may start from pure noise as if it had been trained on it."""

_REFERENCE_BETA_SUM = 1000 * (1e-4 + 0.02) / 2  # of the DDPM schedule: 1000 steps, 1e-4 to 0.02 (Ho et al. 2020)
_LOG_SNR_LIMIT = 15.0  # continuous schedules are clipped here: past it float32 sees only image or only noise
_HALVINGS = 50  # of the range of times, until it is as narrow as a float64 can tell
_MAX_BETA = 0.999  # for betas derived from an alpha_bar curve, as in Nichol and Dhariwal 2021


class ScheduleError(ValueError):
    """The settings of a schedule cannot work; the message says what would."""


@dataclass(frozen=True)
class Level:
    """One noise level: xt = alpha * x0 + sigma * eps; of the masked schedule, how much is shown and how much is hidden.

    Attributes:
        time: In (0, 1], 1 the noisiest.
        alpha: 0 to 1, how much of the image there is.
        sigma: 0 to 1, how much noise; alpha**2 + sigma**2 = 1, or alpha + sigma = 1 where pixels are hidden.
    """

    time: float
    alpha: float
    sigma: float

    @property
    def half_log_snr(self) -> float:
        """log(alpha / sigma), the lambda of the papers on solvers. It grows from noise to image."""
        return math.log(self.alpha / self.sigma) if self.alpha > 0 else -math.inf


class Schedule(ABC):
    """Noise levels by time.

    Attributes:
        steps: T of a discrete schedule, None of a continuous one.
    """

    steps: int | None

    @abstractmethod
    def alpha_sigma(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """How much image and how much noise there is at some times.

        Args:
            times: Of any shape, float64, in (0, 1].

        Returns:
            alpha and sigma, float64, of the shape of `times`.
        """

    @abstractmethod
    def draw_times(self, count: int, generator: torch.Generator, *, power: float = 1.0) -> Tensor:
        """Draw times to train on, with density power * t ** (power - 1).

        They are stratified: one uniform draw is shifted by i / count for image i, so that each batch covers all levels
        evenly and its loss varies less (Kingma et al. 2021, appendix I.1).

        Args:
            count: B, how many are drawn.
            generator: What they are drawn with.
            power: 1 or more: 1 draws evenly, above it noisy times are likelier.

        Returns:
            (B,) float64, in (0, 1].
        """

    @abstractmethod
    def nearest(self, half_log_snr: float) -> Level:
        """The trained level whose log(alpha / sigma) is nearest to a number.

        Args:
            half_log_snr: log(alpha / sigma), any number.

        Returns:
            The level.
        """

    @abstractmethod
    def _spaced_times(self, count: int) -> list[float]: ...

    def at(self, time: float) -> Level:
        """The level of a time.

        Args:
            time: In (0, 1]; of a discrete schedule it goes to the nearest level.

        Returns:
            The level.
        """
        alpha, sigma = self.alpha_sigma(torch.tensor([time], dtype=torch.float64))
        return Level(time, alpha.item(), sigma.item())

    def levels(self, count: int) -> list[Level]:
        """Levels for a sampler, evenly spaced in time, from the last trained level on.

        Args:
            count: How many, 1 and up.

        Returns:
            `count` levels, noisiest first.

        Raises:
            ScheduleError: The schedule has fewer levels.
        """
        if count < 1:
            raise ScheduleError(f"a sampler needs at least 1 step, not {count}")
        if self.steps is not None and count > self.steps:
            raise ScheduleError(
                f"{count} steps are more than the {self.steps} levels of the schedule; use at most {self.steps}"
            )
        times = self._spaced_times(count)
        alphas, sigmas = self.alpha_sigma(torch.tensor(times, dtype=torch.float64))
        return [Level(*values) for values in zip(times, alphas.tolist(), sigmas.tolist(), strict=True)]

    def told(self, times: Tensor) -> Tensor:
        """What a network is told of the time.

        Args:
            times: (B,), in (0, 1].

        Returns:
            (B,): the times themselves.
        """
        return times

    @property
    def residual_signal(self) -> float:
        """alpha**2 at the noisiest level: how much image is left where a sampler starts."""
        return self.at(1.0).alpha ** 2


def _stratified(count: int, generator: torch.Generator) -> Tensor:
    shared = torch.rand((), generator=generator, dtype=torch.float64)
    return (shared + torch.arange(count, dtype=torch.float64) / count) % 1.0  # (count,) in [0, 1)


class DiscreteSchedule(Schedule):
    """T levels from a table of betas (Ho et al. 2020): alpha**2 at level k is the product of 1 - beta up to k.

    Attributes:
        betas: (T,) float64.
        alpha_bars: (T,) float64, alpha**2 at each level.

    Args:
        betas: (T,), each in (0, 1).

    Raises:
        ScheduleError: A beta lies outside, or levels cannot be told apart.
    """

    def __init__(self, betas: Tensor) -> None:
        betas = betas.to(torch.float64)
        if betas.ndim != 1 or len(betas) == 0 or not bool(((betas > 0) & (betas < 1)).all()):
            raise ScheduleError(
                f"each beta must lie between 0 and 1, but they run from {betas.min().item():.4g} to"
                f" {betas.max().item():.4g}"
            )
        self.betas = betas
        self.steps = len(betas)
        self.alpha_bars = torch.cumprod(1 - betas, dim=0)
        falls = bool((self.alpha_bars.diff() < 0).all())
        if not (falls and self.alpha_bars[0] < 1 and self.alpha_bars[-1] > 0):
            raise ScheduleError(
                f"{self.steps} betas from {betas.min().item():.4g} to {betas.max().item():.4g} leave no noise at the"
                " first level, no image at the last, or two levels with the same noise, as far as numbers can tell; use"
                " linear-scaled or cosine"
            )

    def alpha_sigma(self, times: Tensor) -> tuple[Tensor, Tensor]:
        alpha_bars = self.alpha_bars[(times * len(self.betas)).round().long() - 1]
        return alpha_bars.sqrt(), (1 - alpha_bars).sqrt()

    def draw_times(self, count: int, generator: torch.Generator, *, power: float = 1.0) -> Tensor:
        levels = (_stratified(count, generator) ** (1 / power) * len(self.betas)).floor() + 1
        return levels.clamp(max=len(self.betas)) / len(self.betas)  # a root may round up to 1

    def nearest(self, half_log_snr: float) -> Level:
        distances = (torch.logit(self.alpha_bars) / 2 - half_log_snr).abs()
        return self.at((int(distances.argmin()) + 1) / len(self.betas))

    def _spaced_times(self, count: int) -> list[float]:
        # Exact fractions: a float range gives a step too many for some counts (62 of them at T = 1000).
        total = len(self.betas)
        return [round(Fraction(total * (count - index), count)) / total for index in range(count)]


class ContinuousSchedule(Schedule):
    """Every time in (0, 1], from a curve of alpha_bar = alpha**2 over time.

    Args:
        name: Of the curve.
    """

    steps = None

    def __init__(self, name: ScheduleName) -> None:
        self.name = name

    def alpha_sigma(self, times: Tensor) -> tuple[Tensor, Tensor]:
        log_snr = torch.logit(_alpha_bar(self.name, times)).clamp(-_LOG_SNR_LIMIT, _LOG_SNR_LIMIT)
        return torch.sigmoid(log_snr).sqrt(), torch.sigmoid(-log_snr).sqrt()

    def draw_times(self, count: int, generator: torch.Generator, *, power: float = 1.0) -> Tensor:
        return (1.0 - _stratified(count, generator)) ** (1 / power)  # (0, 1]

    def nearest(self, half_log_snr: float) -> Level:
        low, high = 0.0, 1.0  # it falls with time
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.at(middle).half_log_snr > half_log_snr else (low, middle)
        return self.at(high)

    def _spaced_times(self, count: int) -> list[float]:
        return [(count - index) / count for index in range(count)]


class MaskedSchedule(Schedule):
    """The share of the pixels that is hidden, for masked diffusion: it is the time.

    What an image is, is decided while few pixels are shown, and of some the rest follows. So in training `_EARLY` of
    the times show up to `_FIRST` of the pixels, evenly, and the others show any number, evenly in its logarithm.
    """

    steps = None

    def alpha_sigma(self, times: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - times, times

    def draw_times(self, count: int, generator: torch.Generator, *, power: float = 1.0) -> Tensor:
        evenly = _stratified(count, generator) ** power
        few = _few((evenly - _EARLY).clamp(min=0) / (1 - _EARLY))
        return 1 - torch.where(evenly < _EARLY, evenly / _EARLY * _FIRST, few)

    def nearest(self, half_log_snr: float) -> Level:
        return self.at(1 / (1 + math.exp(half_log_snr)))

    def told(self, times: Tensor) -> Tensor:
        """Nothing: what is hidden can be seen, and images of a batch have differently many pixels left.

        Args:
            times: (B,), in (0, 1].

        Returns:
            (B,): always 1.
        """
        return torch.ones_like(times)

    def _spaced_times(self, count: int) -> list[float]:
        return (1 - _few(torch.arange(count, dtype=torch.float64) / count)).tolist()


_EARLY, _FIRST = 0.6, 2 / 9
_PIXELS = 1024  # the fewest that are shown are one of so many


def _few(evenly: Tensor) -> Tensor:
    """Shares of shown pixels, evenly spread in their logarithm: [0, 1) to [0, 1)."""
    return torch.expm1(evenly * math.log1p(_PIXELS)) / _PIXELS


def _alpha_bar(name: ScheduleName, times: Tensor) -> Tensor:
    """The curve alpha**2 over time in [0, 1], float64."""
    if name == "cosine":  # Nichol and Dhariwal 2021, eq. 17
        offset = 0.008
        return (
            torch.cos((times + offset) / (1 + offset) * math.pi / 2) ** 2
            / math.cos(offset / (1 + offset) * math.pi / 2) ** 2
        )
    if name == "sigmoid":  # Jabri et al. 2022, algorithm 2, from -3 to 3
        high = 1 / (1 + math.exp(-3))
        return (high - torch.sigmoid(times * 6 - 3)) / (2 * high - 1)
    return torch.exp(-(0.1 * times + 9.95 * times**2))  # the limit of the linear betas: Song et al. 2021, eq. 33


def _betas_of_curve(name: ScheduleName, steps: int) -> Tensor:
    alpha_bars = _alpha_bar(name, torch.linspace(0, 1, steps + 1, dtype=torch.float64))
    return (1 - alpha_bars[1:] / alpha_bars[:-1]).clamp(max=_MAX_BETA)


def make_schedule(
    name: ScheduleName,
    steps: int | None,
    *,
    beta_start: float = 1e-4,
    beta_end: float = 0.02,
    allow_residual_signal: bool = False,
) -> Schedule:
    """The schedule of a name.

    - `linear`: betas as given (Ho et al. 2020).
    - `linear-scaled`: the same line, multiplied so that the betas sum to those of the DDPM schedule and the last level
      is noise whatever T is; for beta_end = 0.02 that is the factor 1000 / T.
    - `cosine`: from its curve of alpha**2 (Nichol and Dhariwal 2021).
    - `sigmoid`: from its curve of alpha**2 (Jabri et al. 2022).
    - `masked`: hidden pixels instead of noise, see `MaskedSchedule`.

    Args:
        name: Of the schedule.
        steps: T, the number of levels; None for a continuous schedule.
        beta_start: The first beta, in (0, 1), of the linear schedules.
        beta_end: The last beta, in (0, 1), of the linear schedules.
        allow_residual_signal: Whether more than `MAX_RESIDUAL_SIGNAL` of the image may be left at the last level.

    Returns:
        The schedule.

    Raises:
        ScheduleError: There is none of that name, a beta leaves (0, 1), or too much of the image is left at the last
            level.

    Examples:
        >>> make_schedule("linear", 1000).at(1.0).sigma > 0.9999
        True
    """
    if name not in get_args(ScheduleName):
        raise ScheduleError(f'no schedule "{name}"; there are {", ".join(get_args(ScheduleName))}')
    if name == "masked":
        return MaskedSchedule()
    if steps is None:
        return ContinuousSchedule(name)
    if name in ("linear", "linear-scaled"):
        betas = torch.linspace(beta_start, beta_end, steps, dtype=torch.float64)
        if name == "linear-scaled":
            betas = betas * (_REFERENCE_BETA_SUM / betas.sum())
            if betas.max() >= 1:
                largest = betas.max().item()
                raise ScheduleError(
                    f"linear betas scaled to {steps} steps reach {largest:.3g}, and must stay under 1; use more steps,"
                    " or cosine"
                )
    else:
        betas = _betas_of_curve(name, steps)
    schedule = DiscreteSchedule(betas)
    if schedule.residual_signal > MAX_RESIDUAL_SIGNAL and not allow_residual_signal:
        raise ScheduleError(
            f"{math.sqrt(schedule.residual_signal):.2f} of the image is left at the last level (alpha**2"
            f" {schedule.residual_signal:.2g}, at most {MAX_RESIDUAL_SIGNAL:g}), but sampling starts from pure noise;"
            " use linear-scaled or cosine, or set allow_residual_signal"
        )
    return schedule
