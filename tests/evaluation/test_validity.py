"""Whether images hold together, and how often they show what the data show."""

from __future__ import annotations

import numpy as np
import pytest

from noisette.evaluation.validity import frequencies_apart, validity


def render(codes):
    """An image of two pixels, each the colour of an attribute."""
    return (codes * 10).astype(np.uint8).reshape(len(codes), 1, 1, 2)


TRAINED = np.array([[0, 1], [0, 2], [1, 1], [1, 2]], np.int16)


def test_an_image_is_valid_if_it_is_the_image_of_what_is_read_in_it():
    read = np.array([[0, 1], [1, 1], [1, 2], [0, 2]], np.int16)
    images = render(read)
    images[1, 0, 0, 1] = 99
    found = validity(images, read, render, TRAINED)
    assert (found.valid, found.pixels, found.different) == (0.75, 7 / 8, 1.0)
    assert (found.values, found.pairs) == (0, 0)


def test_the_same_image_again_and_again_is_valid_and_far_from_the_frequencies_of_the_data():
    read = np.array([[0, 1]] * 4, np.int16)
    found = validity(render(read), read, render, TRAINED)
    assert (found.valid, found.different) == (1, 0.25)
    assert found.values == pytest.approx(0.5)  # all of a value that half of the data have
    assert found.pairs == pytest.approx(0.75)  # and all of a pair that a quarter have


def test_frequencies_of_values_may_be_right_where_those_of_pairs_are_not():
    assert frequencies_apart(np.array([[0, 1], [1, 2]], np.int16), TRAINED) == pytest.approx((0, 0.5))
    assert frequencies_apart(TRAINED[:, :1], TRAINED[:, :1]) == (0, 0)
