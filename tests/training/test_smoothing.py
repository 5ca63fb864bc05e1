from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.training.smoothing import RunningAverage


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
