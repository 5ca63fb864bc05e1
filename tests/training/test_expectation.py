"""What a training is expected to take, what it took, and what the next estimate learns from it; without a clock."""

from __future__ import annotations

import pytest

from noisette.config.data import open_data
from noisette.config.recipe import parse_recipe
from noisette.files.cache import cache_folder
from noisette.training import estimate, expectation
from noisette.training.budget import Budget
from noisette.training.expectation import (
    Speed,
    Taken,
    compared,
    expected,
    keep_speed,
    known_speeds,
    learned,
    with_speed,
)
from noisette.training.start import resume, train

from ..conftest import TINY
from .helpers import Collecting

MEASURED = Speed(images_per_second=64.0, by="measurement")
TRAINED = Speed(images_per_second=48.0, by="training")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny():
    return parse_recipe(TINY, source="t", overrides=["training.steps=2"])


def test_a_length_in_steps_has_its_time_and_one_in_time_has_its_steps():
    by_steps = expected(MEASURED, Budget(steps=3000), batch=32)
    assert (by_steps.steps, by_steps.seconds) == (3000, 1500.0)
    by_time = expected(MEASURED, Budget(seconds=1500.0), batch=32)
    assert (by_time.steps, by_time.seconds) == (3000, 1500.0)


def test_what_was_expected_is_told_beside_what_it_took():
    before = expected(MEASURED, Budget(steps=3000), batch=32)
    told = "expected 25 min, took 31 min, both from the first step on"
    assert compared(before, Taken(3000, 1860.0), Budget(steps=3000)) == told
    before = expected(MEASURED, Budget(seconds=60.0), batch=32)
    assert compared(before, Taken(99, 60.1), Budget(seconds=60.0)) == "expected 120 steps in 60 s, took 99"


def test_of_a_training_that_was_made_longer_nothing_was_expected():
    before = expected(MEASURED, Budget(steps=3000), batch=32)
    assert compared(before, Taken(4000, 1860.0), Budget(steps=4000)) is None


def test_a_training_tells_the_next_speed_unless_it_was_short():
    assert learned(Taken(3000, 2000.0), batch=32) == Speed(images_per_second=48.0, by="training")
    assert learned(Taken(30, 20.0), batch=32) is None


def test_a_training_counts_for_more_than_a_measurement_and_the_newest_of_each():
    assert with_speed({"a": MEASURED}, "a", TRAINED) == {"a": TRAINED}
    assert with_speed({"a": TRAINED}, "a", MEASURED) == {"a": TRAINED}
    newer = Speed(images_per_second=50.0, by="training")
    assert with_speed({"a": TRAINED}, "a", newer) == {"a": newer}


def test_speeds_are_kept_and_damaged_ones_are_measured_again():
    keep_speed("a", MEASURED)
    keep_speed("b", TRAINED)
    assert known_speeds() == {"a": MEASURED, "b": TRAINED}
    path = cache_folder() / "speeds.json"
    path.write_text(path.read_text().replace("48.0", "99.0"))
    assert known_speeds() == {}
    keep_speed("b", TRAINED)
    assert known_speeds() == {"b": TRAINED}


def test_the_second_training_expects_what_the_first_took(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(expectation, "_TELLING", 0.0)
    first, second = Collecting(), Collecting()
    run = train(tiny, out=tmp_path / "one", callback=first)
    assert run.expected is None  # nothing was known, and nothing had to be measured
    assert not [note for note in first.notes if note.startswith("expected")]
    [(key, speed)] = known_speeds().items()
    assert speed.by == "training"
    again = train(tiny, out=tmp_path / "two", callback=second)
    assert again.expected.images_per_second == speed.images_per_second
    assert again.environment["speed_key"] == key
    assert [note for note in second.notes if note.startswith("expected")]
    other = parse_recipe(TINY, source="t", overrides=["training.steps=2", "training.batch_size=5"])
    train(other, out=tmp_path / "three")
    assert len(known_speeds()) == 2  # another shape has another speed


def test_a_finished_run_that_is_resumed_tells_nothing_more(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(expectation, "_TELLING", 0.0)
    train(tiny, out=tmp_path / "one")
    train(tiny, out=tmp_path / "two")
    told = Collecting()
    resume(tmp_path / "two", callback=told)
    assert not [note for note in told.notes if note.startswith("expected")]


def test_an_estimate_uses_what_a_training_took(tiny, monkeypatch):
    dataset = open_data(tiny, None)
    monkeypatch.setattr(estimate, "_measured", lambda model: 64.0)
    assert estimate.speed_here(tiny, dataset) == MEASURED
    [key] = known_speeds()
    keep_speed(key, TRAINED)
    assert estimate.speed_here(tiny, dataset) == TRAINED
