"""How an image is drawn: sampler, steps, spacing, guidance; and the functions behind the names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise
from math import log, sqrt

from noisette.config.names import DrawnSpacing, SamplerName
from noisette.config.sections import SamplesConfig
from noisette.diffusion.multistep import deis, dpmpp_2m, dpmpp_2m_sde, dpmpp_3m_sde, unipc
from noisette.diffusion.samplers import Sampler, ddim, ddpm, euler, heun, lcm, stay
from noisette.diffusion.schedules import Level, Schedule, ScheduleError
from noisette.diffusion.spacing import spaced

CHURNED = {"euler": euler, "heun": heun}
"""Those that take churn."""
_SAMPLERS: dict[str, Sampler] = {
    "ddpm": ddpm,
    "dpmpp-2m": dpmpp_2m,
    "dpmpp-2m-sde": dpmpp_2m_sde,
    "dpmpp-3m-sde": dpmpp_3m_sde,
    "unipc": unipc,
    "deis": deis,
    "lcm": lcm,
}
_LEAST_STEP = 1e-6
"""In log(alpha / sigma): solvers divide by it."""
_MOST_CHURN = sqrt(2) - 1  # of a step, as in the paper


@dataclass(frozen=True)
class Guidance:
    """How strongly a request is followed; 1 is the request as it is, at one network evaluation a step.

    interval: the noise levels, sigma from 0 to 1, between which guidance works. rescale: 0 to 1, how far the spread of
    a guided image is brought back. weights: attributes with a scale of their own. excluded: flags or options to keep
    away from, and how strongly.
    """

    scale: float = 1.0
    interval: tuple[float, float] = (0.0, 1.0)
    rescale: float = 0.0
    weights: Mapping[str, float] = field(default_factory=dict)
    excluded: Mapping[str, float] = field(default_factory=dict)

    @property
    def plain(self) -> bool:
        return self == Guidance(interval=self.interval, rescale=self.rescale)


@dataclass(frozen=True)
class Sampling:
    """How an image is drawn: by what, in how many steps, and guidance.

    eta: of ddim, how much of the noise is fresh, 0 to 1. churn: of euler and heun, how much noise is added and taken
    away again over all steps, in the unit of Karras et al. 2022 (their S_churn). spacing: of the levels that the steps
    visit, which are `times`, one for each step, where they are fitted to the model. complete: what a request leaves
    open is first drawn from what the data have together, by the seed of the image; `Model.draw` takes requests as they
    are.
    """

    sampler: SamplerName
    steps: int
    eta: float
    guidance: Guidance = Guidance()
    complete: bool = False
    spacing: DrawnSpacing = "time"
    churn: float = 0.0
    times: tuple[float, ...] = ()

    @property
    def evaluations(self) -> int:
        """Of the network, for an image; one of a guided pair counts as one."""
        return 2 * self.steps - 1 if self.sampler == "heun" else self.steps

    @property
    def named(self) -> str:
        """In a few words: dpmpp-2m by karras."""
        return self.sampler + (f" by {self.spacing}" if self.spacing != "time" else "")


@dataclass(frozen=True)
class Variation:
    """Images around the one that the seed `of` draws: they begin with its noise, and `strength`, 0 to 1, of the way to
    that of their own seed.

    Where what is open is filled in, they have that of `of`, but for about `strength` of the units, which are their own.
    """

    of: int
    strength: float


def usual_sampling(settings: SamplesConfig) -> Sampling:
    """What a recipe says of drawing."""
    low, high = settings.guidance_interval
    guidance = Guidance(settings.guidance, (low, high), settings.guidance_rescale)
    return Sampling(
        settings.sampler, settings.steps, settings.eta, guidance, settings.complete, settings.spacing, settings.churn
    )


def levels_of(sampling: Sampling, schedule: Schedule) -> tuple[Level, ...]:
    """The levels that its steps visit, noisiest first.

    Raises ScheduleError if the schedule has fewer, or two that cannot be told apart.
    """
    if sampling.spacing == "fitted":
        return _visited(schedule, sampling.times)
    return spaced(schedule, sampling.steps, sampling.spacing)


@lru_cache(maxsize=256)
def _visited(schedule: Schedule, times: tuple[float, ...]) -> tuple[Level, ...]:
    levels = tuple(map(schedule.at, times))
    if not all(then.half_log_snr - now.half_log_snr > _LEAST_STEP for now, then in pairwise(levels)):
        raise ScheduleError("two of the levels have the same noise, as far as numbers can tell; use another spacing")
    return levels


def sampler_of(sampling: Sampling, schedule: Schedule) -> Sampler:
    """The function that a sampling names, with its settings."""
    if sampling.sampler == "ddim":
        return partial(ddim, eta=sampling.eta)
    if sampling.sampler in CHURNED:
        more = log(1 + min(sampling.churn / sampling.steps, _MOST_CHURN))
        raised = partial(_raised, schedule=schedule, more=more) if sampling.churn else stay
        return partial(CHURNED[sampling.sampler], raised=raised)
    return _SAMPLERS[sampling.sampler]


@lru_cache(maxsize=4096)  # the same for every image, and found slower than an evaluation of a small network takes
def _raised(level: Level, *, schedule: Schedule, more: float) -> Level:
    return schedule.nearest(level.half_log_snr - more)
