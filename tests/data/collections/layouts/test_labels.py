"""Arrays whose shape does not say what they are: rows of pixels, and several labels in a row."""

import struct

import numpy as np
import pytest

from tests.data.collections.folders import read, said

IMAGES = np.arange(4 * 8 * 8, dtype=np.uint8).reshape(4, 8, 8)
ROWS = IMAGES.reshape(4, 64)
SEVERAL = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 0], [1, 1, 0]], np.uint8)


def pixels(listing):
    return np.stack([entry.picture.read()[..., 0] for entry in listing.entries])


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_of_pixels_are_square_images_which_the_reading_says(tmp_path, order):
    np.savez(tmp_path / "a.npz", x_test=np.asarray(ROWS, order=order), y_test=[[5], [6], [5], [6]])
    listing, found = read(tmp_path, "arrays")
    assert np.array_equal(pixels(listing), IMAGES)
    assert listing.how == "NumPy arrays, rows of 64 numbers as 8x8 pixels"
    assert said(listing) == {f"a.npz:x_test#{place}": [("class", label)] for place, label in enumerate([5, 6, 5, 6])}
    assert set(listing.splits.values()) == {"test"}
    assert not found


def test_rows_of_pixels_in_an_idx_file_are_square_images(tmp_path):
    (tmp_path / "train-images-idx2-ubyte").write_bytes(struct.pack(">HBBII", 0, 8, 2, 4, 64) + ROWS.tobytes())
    listing, found = read(tmp_path, "idx")
    assert np.array_equal(pixels(listing), IMAGES)
    assert listing.how == "IDX files, rows of 64 numbers as 8x8 pixels"
    assert not found


def test_rows_beside_images_are_no_images_whatever_their_width(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, x=ROWS)
    listing, found = read(tmp_path, "arrays")
    assert [entry.name for entry in listing.entries] == [f"a.npz:images#{place}" for place in range(4)]
    assert found == {"not understood": ["a.npz:x (rows of other numbers than 0 and 1)"]}


@pytest.mark.parametrize("images", [IMAGES, np.tile(ROWS, 4)])
@pytest.mark.parametrize("kind", [bool, np.float32])
def test_rows_of_zeros_and_ones_are_flags(tmp_path, images, kind):
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "wears.npy", SEVERAL.astype(kind))
    listing, found = read(tmp_path, "arrays")
    flags = [("wears 0", False), ("wears 1", True), ("wears 2", True)]
    assert said(listing)["images.npy#0"] == flags
    assert said(listing)["images.npy#1"] == [(name, False) for name, _ in flags]
    assert not found


def test_flags_are_called_as_the_classes_are(tmp_path):
    np.savez(tmp_path / "a.npz", x=IMAGES, y=SEVERAL)
    (tmp_path / "classes.txt").write_text("Hat\nRing\nBeard\n")
    listing, _ = read(tmp_path, "arrays")
    assert said(listing)["a.npz:x#3"] == [("Hat", True), ("Ring", True), ("Beard", False)]


def test_a_single_one_in_each_row_is_the_class(tmp_path):
    np.savez(tmp_path / "a.npz", x=IMAGES, y=np.eye(4)[[2, 0, 0, 3]])
    listing, found = read(tmp_path, "arrays")
    assert [value for [(_, value)] in said(listing).values()] == [2, 0, 0, 3]
    assert not found


@pytest.mark.parametrize("labels", [np.full((4, 3), 0.5), np.zeros((4, 5000))])
def test_rows_of_anything_else_are_told_and_the_images_are_read(tmp_path, labels):
    np.savez(tmp_path / "a.npz", x=IMAGES, y=labels)
    listing, found = read(tmp_path, "arrays")
    assert np.array_equal(pixels(listing), IMAGES)
    assert [name.partition(" (")[0] for name in found["not understood"]] == ["a.npz:y"]
