"""The same numbers as diffusers, from the same network and noise."""

from __future__ import annotations

import pytest
from torch.testing import assert_close

from .peers import (
    DDIM,
    DDPM,
    SCHEDULES,
    SOLVER_STEPS,
    SOLVERS,
    TARGETS,
    ddim_pair,
    ddpm_pair,
    noised,
    small_network,
    solver_pair,
    tables,
)

every_schedule = pytest.mark.parametrize("name", SCHEDULES)
every_target = pytest.mark.parametrize("target", TARGETS)
every_clip = pytest.mark.parametrize("clip", [False, True], ids=["free", "clipped"])


@pytest.fixture(scope="module")
def network():
    return small_network()


@every_schedule
def test_schedule_tables_follow_diffusers(name):
    for ours, theirs in zip(*tables(name), strict=True):
        assert_close(ours, theirs, atol=1e-5, rtol=0)


@every_schedule
def test_noising_follows_diffusers(name):
    assert_close(*noised(name), atol=1e-5, rtol=0)


@every_schedule
@every_target
@every_clip
@pytest.mark.parametrize(("steps", "variance"), DDPM)
def test_ddpm_follows_diffusers(name, target, clip, steps, variance, network):
    assert_close(*ddpm_pair(name, target, clip, steps, variance, network), atol=1e-5, rtol=1e-5)


@every_schedule
@every_target
@every_clip
@pytest.mark.parametrize(("steps", "eta"), DDIM)
def test_ddim_follows_diffusers(name, target, clip, steps, eta, network):
    assert_close(*ddim_pair(name, target, clip, steps, eta, network), atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # theirs, with a table of float64
@every_schedule
@every_target
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("steps", SOLVER_STEPS)
def test_the_whole_way_of_a_solver_follows_diffusers(solver, name, target, steps, network):
    assert_close(*solver_pair(solver, name, target, steps, network), atol=1e-4, rtol=1e-4)
