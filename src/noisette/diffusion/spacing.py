"""Which levels a sampler visits: so many of a schedule's, from the noisiest on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import exp, log
from typing import get_args

from noisette.diffusion.registry import RuleSpacing
from noisette.diffusion.schedules import Level, Schedule, ScheduleError

_FINEST = 1e-3
"""The time at which spacings by noise end, or the schedule's last level where that is noisier: below it no byte
changes.
"""
_CLIPPED = 8
"""A continuous schedule is clipped where hardly any image is left: so many levels are looked at."""
_RHO = 7  # Karras et al. 2022, eq. 5


@lru_cache(maxsize=256)  # a drawing is over sooner than a hundred levels are found
def spaced(schedule: Schedule, count: int, spacing: RuleSpacing = "time") -> tuple[Level, ...]:
    """Trained levels that a sampler visits, noisiest first, from the last trained one.

    - `time`: evenly in time, the last of them 1 / count.
    - `log-snr`: evenly in log(alpha / sigma), down to a thousandth of the time.
    - `karras`: evenly in (sigma / alpha) ** (1 / 7), over the same range, which gives low noise more of them (Karras et
      al. 2022, eq. 5).

    Args:
        schedule: The schedule whose levels they are.
        count: How many, 1 and up.
        spacing: The rule.

    Returns:
        `count` levels, no two the same.

    Raises:
        ScheduleError: The schedule has fewer levels, or there is no such rule.
    """
    if spacing not in get_args(RuleSpacing):
        raise ScheduleError(f'no spacing "{spacing}"; there are {", ".join(get_args(RuleSpacing))}')
    evenly = tuple(schedule.levels(count))
    if any(now.half_log_snr == then.half_log_snr for now, then in pairwise(evenly[:_CLIPPED])):
        raise ScheduleError(
            f"in {count} steps the first two have the same noise, as far as numbers can tell; use at most 2000"
        )
    if spacing == "time" or count == 1:
        return evenly
    first, last = (schedule.at(time).half_log_snr for time in (1.0, max(_FINEST, 1 / (schedule.steps or 1 / _FINEST))))
    shares = [index / (count - 1) for index in range(count)]
    if spacing == "log-snr":
        wanted = [first + share * (last - first) for share in shares]
    else:
        wide, narrow = (exp(-end / _RHO) for end in (first, last))
        wanted = [-_RHO * log(wide + share * (narrow - wide)) for share in shares]
    levels = (schedule.at(1.0), *map(schedule.nearest, wanted[1:]))
    return levels if schedule.steps is None else _apart(levels, schedule, schedule.steps)


def _apart(levels: Sequence[Level], schedule: Schedule, steps: int) -> tuple[Level, ...]:
    """The levels of a table with none of them twice: where two fall on the same, the later one goes on to the next that
    is free.
    """
    places = [round(level.time * steps) for level in levels]
    for index in range(1, len(places)):
        left = len(places) - index  # so many more must fit below, this one included
        places[index] = max(min(places[index], places[index - 1] - 1), left)
    return tuple(schedule.at(place / steps) for place in places)
