from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from noisette.data.opening import open_dataset
from noisette.data.sources.mnist import _shrink
from noisette.errors import RequestError

TRAIN_60000 = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_10000 = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def counts(labels: np.ndarray) -> list[int]:
    return np.bincount(labels.ravel(), minlength=10).tolist()


@pytest.mark.slow
def test_the_splits_are_50000_10000_and_the_official_10000_to_test(digits):
    train, validation, test = (digits.split(name) for name in ("train", "validation", "test"))
    assert [len(train), len(validation), len(test)] == [50_000, 10_000, 10_000]
    assert counts(np.concatenate([train.attributes, validation.attributes])) == TRAIN_60000
    assert counts(test.attributes) == TEST_10000


def test_the_first_digits_are_those_of_the_original_files(digits):
    assert digits.schema.names == ("digit",)
    assert digits.attributes[:10, 0].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert digits.split("test").attributes[:10, 0].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert digits.schema.decode(digits.attributes[0]) == {"digit": "5"}


def test_the_pixels_are_the_original_bytes(digits):
    assert digits.images.shape == (70_000, 1, 28, 28)
    assert (digits.images.min(), digits.images.max()) == (0, 255)
    first_60000 = digits.images[:60_000] / np.float32(255)
    assert first_60000.mean() == pytest.approx(0.1307, abs=5e-5)  # as every tutorial normalises by
    assert first_60000.std() == pytest.approx(0.3081, abs=5e-5)


def exact_area_means(images: np.ndarray, size: int) -> np.ndarray:
    """By way of so many small pixels that both grids fit, in whole numbers; rounded half up."""
    fine = math.lcm(28, size)
    up, down = fine // 28, fine // size
    large = images.repeat(up, axis=1).repeat(up, axis=2).astype(np.int64)
    sums = large.reshape(len(images), size, down, size, down).sum(axis=(2, 4))
    return (2 * sums + down**2) // (2 * down**2)


@pytest.mark.parametrize("size", range(8, 29))
def test_smaller_digits_are_means_over_areas_to_the_byte(digits, size):
    noise = np.random.default_rng(size).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    halves = np.indices((28, 28)).sum(axis=0)[None].astype(np.uint8) % 2 * 255
    images = np.concatenate([digits.images[100:103, 0], noise, halves])
    assert_array_equal(_shrink(images, size), exact_area_means(images, size))


def test_half_as_wide_is_what_pillow_makes_of_it(digits):
    for image in digits.images[:20, 0]:
        theirs = np.asarray(Image.fromarray(image).resize((14, 14), Image.Resampling.BOX)).astype(int)
        assert abs(_shrink(image[None], 14)[0] - theirs).max() <= 1


def test_a_flat_image_stays_flat():
    flat = np.full((1, 28, 28), 255, dtype=np.uint8)
    assert all((_shrink(flat, size) == 255).all() for size in range(8, 29))


@pytest.mark.slow
def test_resized_digits_keep_their_order_and_labels(digits):
    small = open_dataset("mnist", size=16)
    assert small.images.shape == (70_000, 1, 16, 16)
    assert_array_equal(small.attributes, digits.attributes)
    assert_array_equal(small.membership, digits.membership)
    for number in (0, 5_000, 69_999):  # parts are shrunk one after the other
        assert_array_equal(small.images[number], exact_area_means(digits.images[number], 16))


@pytest.mark.parametrize("size", [0, 7, 29, 32])
def test_a_size_that_cannot_be_made_is_refused_with_what_can(size):
    with pytest.raises(RequestError, match=rf"^mnist can be 8 to 28 pixels wide, not {size}$"):
        open_dataset("mnist", size=size)
