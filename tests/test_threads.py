"""How threads wait for each other is said to OpenMP by its variables."""

from __future__ import annotations

import os

import pytest

from noisette.threads import SPINS, wait_briefly

POLICY, COUNT = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    """Neither variable is set; what a test sets is taken back after it."""
    for variable in (POLICY, COUNT):
        monkeypatch.setenv(variable, "so that it is restored")
        monkeypatch.delenv(variable)


def test_threads_spin_a_moment_and_then_sleep():
    wait_briefly()
    assert os.environ[POLICY] == "PASSIVE"
    assert os.environ[COUNT] == str(SPINS)


@pytest.mark.parametrize("policy", ["ACTIVE", "PASSIVE"])
def test_who_set_the_policy_has_their_way(policy):
    os.environ[POLICY] = policy
    wait_briefly()
    assert os.environ[POLICY] == policy
    assert COUNT not in os.environ


def test_who_set_the_number_of_spins_keeps_it():
    os.environ[COUNT] = "7"
    wait_briefly()
    assert os.environ[COUNT] == "7"
