"""Figures move the right way on known damage, and are what they say in cases done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.data.palette import as_numbers, palette_of
from noisette.data.sources.sprites import sprites
from noisette.evaluation.memorisation import memorisation, nearest_images, novel_combinations
from noisette.evaluation.pixel_accuracy import pixel_accuracy
from noisette.evaluation.pixel_art import _isolated, pixel_art

SPRITES = sprites(400, 16)
REAL = SPRITES.images


def noisy(images, amount):
    return np.clip(images + np.random.default_rng(0).integers(-amount, amount + 1, images.shape), 0, 255).astype(
        np.uint8
    )


def test_an_image_is_right_to_the_last_pixel_or_not():
    one_off = REAL[:10].copy()
    one_off[3, 1, 5, 5] ^= 1
    found = pixel_accuracy(one_off, REAL[:10])
    assert (found.pixels, found.whole, found.wrong) == (1 - 1 / (10 * 256), 0.9, 0.0)
    assert pixel_accuracy(REAL, REAL) == type(found)(400, 1.0, 1.0, 0.0)
    with pytest.raises(ValueError, match="cannot be compared"):
        pixel_accuracy(REAL, REAL[:3])


@given(st.integers(1, 40), st.integers(1, 40))
def test_more_noise_is_less_exact(one, other):
    less, more = sorted((one, other))
    assert (
        pixel_accuracy(noisy(REAL[:20], less), REAL[:20]).pixels
        >= pixel_accuracy(noisy(REAL[:20], more), REAL[:20]).pixels - 0.02
    )


def test_real_sprites_are_pixel_art_and_noise_is_not():
    palette = palette_of(REAL)
    real, wrong = pixel_art(REAL, palette), pixel_art(noisy(REAL, 3), palette)
    assert (real.in_palette, real.alpha) == (1.0, 1.0)
    assert wrong.in_palette < 0.1
    assert wrong.colours > 5 * real.colours
    assert wrong.isolated > 0.5 > real.isolated
    assert wrong.alpha == pytest.approx(
        4 / 7, abs=0.02
    )  # of seven steps up or down, four leave 0 or 255, where they are clipped
    assert pixel_art(palette.snap(noisy(REAL, 3)), palette).isolated < wrong.isolated
    assert pixel_art(REAL[:, :3], palette_of(REAL[:, :3])).alpha is None


def test_stray_pixels_by_hand():
    image = np.zeros((1, 3, 4, 4), dtype=np.uint8)
    image[0, :, 0, 0] = 9  # alone in its corner
    image[0, :, 2, 2] = image[0, :, 3, 3] = 7  # diagonal neighbours are neighbours
    image[0, :, 0, 3] = 7  # the same colour, but far
    assert pixel_art(image, palette_of(image)).isolated == 2 / 16


@given(st.integers(0, 399), st.integers(0, 15), st.integers(0, 15))
def test_the_stray_pixels_are_those_that_a_loop_finds(number, row, column):
    image = REAL[number, :3]
    around = image[:, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].reshape(3, -1).T
    alone = (around == image[:, row, column]).all(axis=1).sum() == 1
    assert _isolated(as_numbers(image[None]))[0, row, column] == alone


def compared(images, train):
    """With the means of the channels for features."""
    return memorisation(images, train, *(part.mean(axis=(2, 3)).astype(np.float32) for part in (images, train)))


def test_copies_of_the_training_set_are_found_out():
    train, unseen = REAL[:300], REAL[300:]
    copied = compared(train[50:90], train)
    assert (copied.copies, copied.distance, copied.feature_distance) == (1, 0, 0)
    assert (
        np.abs(train[nearest_images(train[50:90], train)[0]] - train[50:90].astype(int)).sum(axis=(1, 2, 3)) == 0
    ).all()
    fresh = compared(unseen, train)
    assert fresh.copies < 0.2
    assert fresh.distance > 10
    assert fresh.feature_distance > 0
    assert compared(noisy(train[:40], 2), train).copies == 0
    assert compared(noisy(train[:40], 2), train).distance < 3


@given(st.lists(st.integers(0, 399), min_size=1, max_size=5))
def test_the_nearest_is_the_nearest(numbers):
    found = nearest_images(REAL[numbers], REAL[:100])[1]
    distances = np.sqrt(((REAL[numbers][:, None].astype(float) - REAL[None, :100]) ** 2).mean(axis=(2, 3, 4)))
    assert np.allclose(found, distances.min(axis=1), atol=1e-3)


def test_attribute_sets_that_nothing_trained_on_has():
    assert novel_combinations(SPRITES.attributes[:50], SPRITES.attributes) == 0
    other = SPRITES.attributes[:4].copy()
    other[:2] = -1
    assert novel_combinations(other, SPRITES.attributes) == 0.5
