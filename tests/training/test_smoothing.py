from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.training.smoothing import RunningAverage, lowest_before_rise


@given(st.floats(-1e6, 1e6), st.floats(0, 0.999), st.integers(1, 100))
def test_the_average_of_one_value_is_that_value_from_the_first_on(value, decay, count):
    average = RunningAverage(decay)
    for _ in range(count):
        average.add(value)
        assert average.value == pytest.approx(value)


def test_it_is_the_bias_corrected_average_of_adam():
    average, biased = RunningAverage(0.9), 0.0
    for count, value in enumerate([3.0, -1.0, 4.0, 1.0, -5.0], start=1):
        average.add(value)
        biased = 0.9 * biased + 0.1 * value
        assert average.value == pytest.approx(biased / (1 - 0.9**count))


def test_what_is_not_finite_is_passed_over():
    average = RunningAverage(0.5)
    for value in (math.nan, 2.0, math.inf, -math.inf):
        average.add(value)
    assert (average.value, average.count) == (2.0, 1)


@given(st.lists(st.floats(0.1, 10), max_size=12))
def test_a_loss_has_risen_only_if_its_last_three_are_all_above_its_lowest(values):
    place = lowest_before_rise(values)
    assert place is None or (values[place] == min(values) and all(last > values[place] for last in values[-3:]))


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ([], None),
        ([1.0, 2.0, 2.0], None),
        ([3.0, 2.0, 2.2, 2.3, 2.4], 1),
        ([3.0, 2.0, 2.2, 2.3, 2.05], None),
        ([3.0, 2.0, 1.5, 1.2], None),
    ],
)
def test_where_a_loss_was_lowest_before_it_rose(values, place):
    assert lowest_before_rise(values) == place
