"""Curves as they are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.dashboard.services.curves import along, smoothed, thinned
from noisette.store.events import Curve


def test_where_values_stand():
    curve = Curve(np.array([1, 2]), np.array([600.0, 720.0]), np.array([1.0, 0.5]))
    assert along(curve, "step", 16).tolist() == [1, 2]
    assert along(curve, "images", 16).tolist() == [16, 32]
    assert along(curve, "minutes", 16).tolist() == [0, 2]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=50), st.floats(0, 0.99))
def test_smoothing_keeps_between_the_extremes_and_leaves_a_constant_alone(values, weight):
    found = smoothed(np.array(values), weight)
    assert found.min() >= min(values) - 1e-9
    assert found.max() <= max(values) + 1e-9
    assert smoothed(np.full(5, values[0]), weight) == pytest.approx(np.full(5, values[0]))


def test_smoothing_by_hand_and_past_what_is_not_finite():
    assert smoothed(np.array([1.0, 3.0]), 0.5).tolist() == pytest.approx([1.0, (0.25 + 1.5) / 0.75])
    assert np.array_equal(smoothed(np.array([1.0, np.nan, 1.0]), 0.9), np.array([1.0, np.nan, 1.0]), equal_nan=True)


@given(st.integers(0, 100_000))
def test_few_points_are_drawn_of_many(count):
    places = thinned(count)
    assert len(places) <= 1000
    if count:
        assert (places[0], places[-1]) == (0, count - 1)
        assert len(places) == min(count, 1000)
