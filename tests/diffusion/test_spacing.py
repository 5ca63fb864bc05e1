from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from noisette.diffusion.schedules import ScheduleError, make_schedule
from noisette.diffusion.spacing import spaced

NAMES = st.sampled_from(["linear-scaled", "cosine", "sigmoid"])
SPACINGS = st.sampled_from(["time", "log-snr", "karras"])


@pytest.mark.slow
@settings(max_examples=15)  # a continuous schedule searches milliseconds for a level
@example(name="cosine", steps=200, spacing="karras", count=200)
@example(name="sigmoid", steps=None, spacing="log-snr", count=200)
@given(name=NAMES, steps=st.sampled_from([None, 1000, 200]), spacing=SPACINGS, count=st.integers(1, 200))
def test_every_spacing_goes_from_the_noisiest_level_down_over_trained_ones(name, steps, spacing, count):
    schedule = make_schedule(name, steps)
    levels = spaced(schedule, count, spacing)
    assert len(levels) == count
    assert levels[0] == schedule.at(1.0)
    assert all(now.half_log_snr < then.half_log_snr for now, then in pairwise(levels))
    if steps is not None:
        assert all(level.time * steps == pytest.approx(round(level.time * steps), abs=1e-9) for level in levels)


@pytest.mark.parametrize("name", ["linear", "cosine", "sigmoid"])
def test_by_log_snr_each_step_halves_the_noise_as_much_as_any_other(name):
    levels = spaced(make_schedule(name, None), 30, "log-snr")
    steps = [then.half_log_snr - now.half_log_snr for now, then in pairwise(levels)]
    assert max(steps) - min(steps) < 1e-6


def test_karras_spacing_is_that_of_the_paper():
    """Karras et al. 2022, eq. 5, in sigma / alpha."""
    levels = spaced(make_schedule("cosine", None), 18, "karras")
    noise = [level.sigma / level.alpha for level in levels]
    high, low = noise[0] ** (1 / 7), noise[-1] ** (1 / 7)
    assert noise == pytest.approx([(high + index / 17 * (low - high)) ** 7 for index in range(18)], rel=1e-5)


def test_by_time_it_is_the_schedules_own():
    schedule = make_schedule("linear", 1000)
    assert list(spaced(schedule, 62, "time")) == schedule.levels(62)


def test_more_steps_than_levels_are_refused_with_what_would_do():
    with pytest.raises(ScheduleError, match="101 steps are more than the 100 levels of the schedule; use at most 100"):
        spaced(make_schedule("cosine", 100), 101, "karras")
    assert list(spaced(make_schedule("cosine", 100), 100, "karras")) == make_schedule("cosine", 100).levels(100)


def test_a_spacing_that_is_none_is_refused():
    with pytest.raises(ScheduleError, match='no spacing "even"; there are time, log-snr, karras'):
        spaced(make_schedule("cosine", None), 5, "even")


@given(name=NAMES, half_log_snr=st.floats(-5, 4))
def test_the_nearest_level_is_that_level(name, half_log_snr):
    assert make_schedule(name, None).nearest(half_log_snr).half_log_snr == pytest.approx(half_log_snr, abs=1e-6)
    discrete = make_schedule(name, 100)
    nearest = discrete.nearest(half_log_snr)
    assert all(
        abs(nearest.half_log_snr - half_log_snr) <= abs(discrete.at(step / 100).half_log_snr - half_log_snr) + 1e-12
        for step in range(1, 101)
    )


def test_beyond_its_ends_a_schedule_has_its_ends():
    schedule = make_schedule("cosine", 1000)
    assert schedule.nearest(-50.0) == schedule.at(1.0)
    assert schedule.nearest(50.0) == schedule.at(1 / 1000)
