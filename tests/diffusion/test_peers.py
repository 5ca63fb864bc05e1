"""The same numbers as diffusers, from the same network and noise."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
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
names, targets = st.sampled_from(list(SCHEDULES)), st.sampled_from(list(TARGETS))


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "variance"), [pytest.param(*case, marks=pytest.mark.slow if case[0] == 1000 else ()) for case in DDPM]
)
@settings(max_examples=4)
@given(name=names, target=targets, clip=st.booleans())
def test_ddpm_follows_diffusers(name, target, clip, steps, variance, network):
    assert_close(*ddpm_pair(name, target, clip, steps, variance, network), atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "eta"), DDIM)
@settings(max_examples=4)
@given(name=names, target=targets, clip=st.booleans())
def test_ddim_follows_diffusers(name, target, clip, steps, eta, network):
    assert_close(*ddim_pair(name, target, clip, steps, eta, network), atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # theirs, with a table of float64
@pytest.mark.parametrize("solver", SOLVERS)
@settings(max_examples=12)
@example(name="cosine", target="velocity", steps=max(SOLVER_STEPS))
@given(name=names, target=targets, steps=st.sampled_from(SOLVER_STEPS))
def test_the_whole_way_of_a_solver_follows_diffusers(solver, name, target, steps, network):
    assert_close(*solver_pair(solver, name, target, steps, network), atol=1e-4, rtol=1e-4)
