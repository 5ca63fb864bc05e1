"""The functions behind the names of a drawing's settings: which levels are visited, and by what."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from importlib import import_module
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING, Any

from noisette.config.names import MOST_CHURN
from noisette.config.sampling import SamplingSettings
from noisette.diffusion.registry import SAMPLERS
from noisette.diffusion.samplers import Sampler, stay
from noisette.diffusion.schedules import Level, Schedule, ScheduleError
from noisette.diffusion.spacing import spaced

if TYPE_CHECKING:
    from torch import Tensor

_LEAST_STEP = 1e-6
"""In log(alpha / sigma): solvers divide by it."""


def levels_of(settings: SamplingSettings, schedule: Schedule) -> tuple[Level, ...]:
    """The levels that the steps visit, noisiest first.

    Args:
        settings: Resolved.
        schedule: Of the model.

    Raises:
        ScheduleError: The schedule has fewer, or two that cannot be told apart.
    """
    if settings.spacing == "fitted":
        return _visited(schedule, settings.times)
    return spaced(schedule, settings.steps, settings.spacing)


@lru_cache(maxsize=256)
def _visited(schedule: Schedule, times: tuple[float, ...]) -> tuple[Level, ...]:
    levels = tuple(map(schedule.at, times))
    if not all(then.half_log_snr - now.half_log_snr > _LEAST_STEP for now, then in pairwise(levels)):
        raise ScheduleError("two of the levels have the same noise, as far as numbers can tell; use another spacing")
    return levels


def sampler_of(
    settings: SamplingSettings, schedule: Schedule, colours: Tensor | None = None, order: Tensor | None = None
) -> Sampler:
    """The function that the settings name, with those of them that are its own.

    Args:
        settings: Resolved.
        schedule: Of the model.
        colours: (K, C), as diffused, of a model whose sampler names them.
        order: (H W,), the pixels as such a sampler draws them.

    Returns:
        A sampler.
    """
    traits = SAMPLERS[settings.sampler]
    module, _, name = traits.function.partition(":")
    arguments: dict[str, Any] = {}
    for setting in traits.takes:
        arguments |= _ARGUMENTS[setting](settings, schedule)
    if traits.masked:
        arguments |= {"colours": colours, "order": order}
    return partial(getattr(import_module(module), name), **arguments)


def _eta(settings: SamplingSettings, schedule: Schedule) -> dict[str, Any]:
    return {"eta": settings.eta}


def _churn(settings: SamplingSettings, schedule: Schedule) -> dict[str, Any]:
    if not settings.churn:
        return {"raised": stay}
    more = log(1 + min(settings.churn / settings.steps, MOST_CHURN))
    return {"raised": partial(_raised, schedule=schedule, more=more)}


_ARGUMENTS: dict[str, Callable[[SamplingSettings, Schedule], dict[str, Any]]] = {
    "eta": _eta,
    "churn": _churn,
}
"""From the settings that samplers take of their own to the arguments of their functions."""


@lru_cache(maxsize=4096)  # the same for every image, and found slower than an evaluation of a small network takes
def _raised(level: Level, *, schedule: Schedule, more: float) -> Level:
    return schedule.nearest(level.half_log_snr - more)
