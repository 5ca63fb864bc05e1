"""The order of pixels: the first of them tell most of an image."""

from __future__ import annotations

import numpy as np
import pytest

from noisette.data.telling import telling_order


def collection(images=600, seed=0):
    """Images of 6x6 pixels: three hidden choices, of 5, 3 and 2 values, decide 12 pixels each but one row, always 7."""
    random = np.random.default_rng(seed)
    choices = np.stack([random.integers(values, size=images) for values in (5, 3, 2)], axis=1)
    owner = np.arange(36).reshape(6, 6) % 3
    places = choices[:, owner].astype(np.int16)
    places[:, 5] = 7
    return places, owner.ravel()


def test_one_pixel_of_each_choice_comes_first_the_choice_that_leaves_most_open_before_the_others():
    places, owner = collection()
    order = telling_order(places)
    assert [owner[pixel] for pixel in order[:3]] == [0, 1, 2]


def test_each_pixel_comes_once_and_those_that_never_change_come_last():
    order = telling_order(collection()[0])
    assert sorted(order) == list(range(36))
    assert sorted(order[-6:]) == list(range(30, 36))


def test_a_pixel_that_two_others_decide_together_waits_for_them():
    random = np.random.default_rng(0)
    pairs = random.integers(2, size=(800, 2))
    image = np.concatenate([pairs, pairs[:, :1] ^ pairs[:, 1:], random.integers(3, size=(800, 1))], axis=1)
    order = telling_order(image.astype(np.int16).reshape(800, 2, 2))
    assert order[0] == 3  # of three values
    assert order[3] in (0, 1, 2)  # whichever of the three comes last, it follows from the other two


@pytest.mark.parametrize("images", [1, 2])
def test_images_that_do_not_differ_have_an_order_too(images):
    assert telling_order(np.zeros((images, 2, 3), np.int16)) == (0, 1, 2, 3, 4, 5)


def test_the_same_images_have_the_same_order_and_many_are_looked_at_in_part():
    places = collection(7000)[0]
    assert telling_order(places) == telling_order(places.copy())
