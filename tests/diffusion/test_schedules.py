from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisette.diffusion.schedules import MAX_RESIDUAL_SIGNAL, DiscreteSchedule, ScheduleError, make_schedule

NAMES = ["linear", "linear-scaled", "cosine", "sigmoid"]


@pytest.mark.parametrize("steps", [1000, None])
@pytest.mark.parametrize("name", NAMES)
def test_signal_falls_and_variance_is_preserved(name, steps):
    schedule = make_schedule(name, steps)
    times = torch.arange(1, 1001, dtype=torch.float64) / 1000
    alpha, sigma = schedule.alpha_sigma(times)
    torch.testing.assert_close(alpha**2 + sigma**2, torch.ones_like(times))
    assert (alpha.diff() <= 0).all()
    assert alpha[0] > 0.99
    assert schedule.residual_signal < MAX_RESIDUAL_SIGNAL


def test_linear_is_the_table_of_the_ddpm_paper():
    schedule = make_schedule("linear", 1000)
    by_hand = math.prod(1 - (1e-4 + (0.02 - 1e-4) * k / 999) for k in range(1000))
    assert schedule.residual_signal == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize(("steps", "beta_end", "left"), [(300, 0.02, 0.22), (500, 0.02, 0.08), (1000, 0.01, 0.08)])
def test_the_reports_short_schedules_leave_signal_and_are_refused_unless_allowed(steps, beta_end, left):
    with pytest.raises(ScheduleError, match=rf"{left} of the image is left.*use linear-scaled"):
        make_schedule("linear", steps, beta_end=beta_end)
    allowed = make_schedule("linear", steps, beta_end=beta_end, allow_residual_signal=True)
    assert math.sqrt(allowed.residual_signal) == pytest.approx(left, abs=0.005)
    assert make_schedule("linear-scaled", steps, beta_end=beta_end).residual_signal < MAX_RESIDUAL_SIGNAL


@pytest.mark.parametrize("steps", [50, 300, 500])
def test_scaling_is_by_1000_over_t_for_the_usual_betas(steps):
    plain, scaled = (torch.linspace(1e-4, 0.02, steps, dtype=torch.float64) * factor for factor in (1, 1000 / steps))
    torch.testing.assert_close(make_schedule("linear-scaled", steps).betas, scaled)
    assert not torch.allclose(plain, scaled)


def test_betas_outside_0_to_1_are_refused():
    with pytest.raises(ScheduleError, match="stay under 1; use more steps"):
        make_schedule("linear-scaled", 20)
    with pytest.raises(ScheduleError, match="between 0 and 1"):
        DiscreteSchedule(torch.tensor([0.1, 1.0]))


@given(total=st.integers(21, 1500), data=st.data())
def test_spaced_levels_are_as_many_as_asked_start_at_the_noisiest_and_fall(total, data):
    count = data.draw(st.integers(1, total))
    levels = make_schedule("linear-scaled", total, beta_end=0.02).levels(count)
    assert len(levels) == count
    assert levels[0].time == 1.0
    assert levels[-1].time >= 1 / total
    assert all(now.time > then.time for now, then in pairwise(levels))


@pytest.mark.slow
def test_every_step_count_at_1000_levels_is_exact():
    schedule = make_schedule("cosine", 1000)
    for count in range(1, 1001):
        indices = [round(time * 1000) - 1 for time in schedule._spaced_times(count)]
        assert len(indices) == len(set(indices)) == count
        assert (indices[0], min(indices) >= 0) == (999, True)


@pytest.mark.parametrize("steps", [100, None])
def test_every_visited_level_is_one_that_is_trained(steps):
    schedule = make_schedule("cosine", steps)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([schedule.draw_times(64, generator) for _ in range(500)])
    assert drawn.min() > 0
    assert drawn.max() <= 1
    if steps is not None:
        assert {round(time * steps) for time in drawn.tolist()} == set(range(1, steps + 1))


def test_drawn_times_are_uniform_and_cover_each_batch_evenly():
    schedule = make_schedule("cosine", None)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        strata = (schedule.draw_times(10, generator) * 10).ceil()
        assert sorted(strata.tolist()) == list(range(1, 11))
    assert schedule.draw_times(100_000, generator).mean().item() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("steps", [None, 1000])
@pytest.mark.parametrize("power", [1.0, 2.0, 5.0])
def test_a_power_draws_more_of_the_noisy_times(steps, power):
    times = make_schedule("cosine", steps).draw_times(100_000, torch.Generator().manual_seed(0), power=power)
    assert 0 < times.min() <= times.max() <= 1
    assert times.mean().item() == pytest.approx(power / (power + 1), abs=0.01)
    assert (times <= 0.5).double().mean().item() == pytest.approx(0.5**power, abs=0.01)


def test_more_steps_than_levels_are_refused():
    with pytest.raises(ScheduleError, match="more than the 50 levels"):
        make_schedule("cosine", 50).levels(51)


def test_continuous_linear_is_the_limit_of_the_scaled_discrete_one():
    fine, limit = make_schedule("linear-scaled", 20_000), make_schedule("linear", None)
    for time in (0.1, 0.5, 0.8):
        assert fine.at(time).alpha == pytest.approx(limit.at(time).alpha, rel=2e-2)


def test_the_ends_of_continuous_schedules_are_finite():
    for name in NAMES:
        for time in (1e-9, 1.0):
            level = make_schedule(name, None).at(time)
            assert 0 < level.alpha <= 1
            assert 0 < level.sigma <= 1
