"""How threads wait for each other: what OpenMP is told, and when they sleep."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from noisette import threads
from noisette.threads import SPINS, Reading, available_cores, crowded, giving_way, steady, wait_briefly

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


def test_the_python_api_says_it_too():
    """Whoever imports noisette before PyTorch has it, not the command alone."""
    said = {name: value for name, value in os.environ.items() if name not in (POLICY, COUNT)}
    told = [sys.executable, "-c", f"import noisette, os; print(os.environ['{POLICY}'], os.environ['{COUNT}'])"]
    printed = subprocess.run(told, env=said, capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["PASSIVE", str(SPINS)]


def test_what_others_do_is_what_this_process_does_not():
    before, after = Reading(all=100.0, own=40.0, time=7.0), Reading(all=103.5, own=41.5, time=9.0)
    assert after.others_since(before) == 1.0  # 3.5 s of cores, 1.5 s of them our own, in 2 s


@pytest.mark.parametrize(
    ("others", "threads", "cores", "before", "expected"),
    [
        (0.05, 2, 2, False, False),
        (1.0, 2, 2, False, True),
        (1.0, 2, 4, False, False),  # the cores suffice for all
        (2.5, 2, 4, False, True),
        (0.2, 2, 2, False, False),  # it takes more to change than to stay
        (0.2, 2, 2, True, True),
        (1.0, 1, 2, False, False),  # one thread waits for nobody
    ],
)
def test_threads_sleep_where_the_cores_do_not_suffice(others, threads, cores, before, expected):
    assert crowded(others, threads, cores, before) is expected


SLEEPS = """
import resource, torch
from noisette.threads import Crowd, available_cores
torch.set_num_threads(2)
numbers = torch.ones(1 << 22)  # so that a piece lasts longer than it takes to fall asleep
def sleeps():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    for _ in range(100):
        numbers.neg_()
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before
sleeps()
alone = sleeps()
crowd = Crowd(2, available_cores())
beside = sleeps()
crowd.close()
print(alone, beside, sleeps())
"""


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux" or available_cores() < 2, reason="GNU's OpenMP and two cores are what it is about"
)
def test_a_crowd_lets_waiting_threads_sleep_and_its_end_lets_them_spin():
    """Counted by how often the process gave a core away of its own will, where threads spin for ever by themselves."""
    said = os.environ | {POLICY: "PASSIVE", COUNT: "1000000000"}
    printed = subprocess.run([sys.executable, "-c", SLEEPS], env=said, capture_output=True, text=True, check=True)
    alone, beside, after = map(int, printed.stdout.split())
    assert beside > 50 > max(alone, after)


def test_a_watch_ends_with_the_last_that_computes():
    def watching():
        return [thread for thread in threading.enumerate() if thread.name == "steady"]

    with steady(), steady():
        [thread] = watching()
    thread.join(timeout=30)
    assert not watching()


def test_one_thread_gives_way_while_others_need_the_cores(monkeypatch):
    import torch

    usual = torch.get_num_threads()
    with giving_way():
        assert torch.get_num_threads() == usual
    monkeypatch.setattr(threads._watch, "crowded", True)
    with giving_way():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == usual


@pytest.mark.slow
@pytest.mark.parametrize("length", [{"budget": "1s"}, {"steps": 3}])
def test_a_training_gives_way_under_a_budget_alone_where_its_bits_follow_the_clock_anyway(
    monkeypatch, tmp_path, length
):
    import torch

    import noisette
    from noisette.training.learner import Learner

    seen = set()
    step = Learner.step

    def seen_step(self, *arguments):
        seen.add(torch.get_num_threads())
        return step(self, *arguments)

    monkeypatch.setattr(Learner, "step", seen_step)
    monkeypatch.setattr(threads, "_follow", lambda watch, over: None)
    monkeypatch.setattr(threads._watch, "crowded", True)
    usual = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        settings = ["dataset.count=60", "dataset.size=8", "network.widths=[8]", "network.attention=[false]"]
        noisette.train("sprites", out=tmp_path / "r", settings=[*settings, "training.batch_size=4"], **length)
    finally:
        torch.set_num_threads(usual)
    assert seen == ({1} if "budget" in length else {2})
