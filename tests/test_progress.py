"""Times as a person reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.progress import clock, silent


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (0.4, "0:00"), (59, "0:59"), (60, "1:00"), (61.2, "1:01"), (3599, "59:59"), (3600, "1:00:00")],
)
def test_a_time_has_hours_only_where_there_are_any(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(59.6, "1:00"), (3599.7, "1:00:00")])
def test_what_is_rounded_up_is_carried(seconds, text):
    assert clock(seconds) == text


def test_days_are_many_hours():
    assert clock(100 * 3600 + 5) == "100:00:05"


@given(st.integers(0, 10**7))
def test_a_time_says_all_of_its_seconds(seconds):
    places = reversed(clock(seconds).split(":"))
    assert sum(int(number) * 60**place for place, number in enumerate(places)) == seconds


def test_silent_shows_nothing(capsys):
    silent(1, 2)
    assert capsys.readouterr() == ("", "")
