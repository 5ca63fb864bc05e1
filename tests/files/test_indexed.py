"""Pictures of few colours are indexed: smaller files, the same pixels to whoever reads them."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image

from noisette.data.collections.pictures import decoded
from noisette.files.images import as_png, parse_png
from noisette.files.indexed import expanded, indexed_png

INDEXED, GREY, RGB, RGBA = 3, 0, 2, 6
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def header(data: bytes) -> tuple[int, int]:
    """Bits of a sample, and the kind of colours, as the PNG's header says."""
    return struct.unpack_from("BB", data, 24)


def picture_of(colours: np.ndarray, height: int, width: int, seed: int) -> Image.Image:
    """Each colour at least once, the rest by chance."""
    random = np.random.default_rng(seed)
    places = random.permutation(np.arange(height * width) % len(colours)).reshape(height, width)
    pixels = colours[places]
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


@st.composite
def pictures(draw):
    channels = draw(st.sampled_from([1, 3, 4]))
    byte = st.integers(0, 255)
    colours = draw(st.lists(st.tuples(*[byte] * channels), min_size=1, max_size=40, unique=True))
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    return picture_of(np.array(colours, np.uint8), height, width, draw(st.integers(0, 9)))


@settings(deadline=None, max_examples=200)
@given(picture=pictures())
def test_another_program_reads_the_same_pixels(picture):
    with Image.open(io.BytesIO(as_png(picture, {}))) as read:
        assert_array_equal(np.asarray(read.convert("RGBA")), np.asarray(picture.convert("RGBA")))


@settings(deadline=None, max_examples=200)
@given(picture=pictures())
def test_our_own_readers_read_the_same_pixels(picture):
    data, channels = as_png(picture, {"seeds": [3]}), len(picture.getbands())
    again, said = parse_png(data, "a.png")
    assert said == {"seeds": [3]}
    assert_array_equal(np.asarray(again.convert("RGBA")), np.asarray(picture.convert("RGBA")))
    assert (again.mode == "RGBA") == (picture.mode == "RGBA")
    folder = decoded(data)  # as of a folder of images
    assert_array_equal(folder, np.asarray(picture.convert(MODES[folder.shape[-1]])).reshape(folder.shape))
    with Image.open(io.BytesIO(data)) as read:
        assert_array_equal(
            np.moveaxis(expanded(read, channels), 0, -1), np.asarray(picture).reshape(*folder.shape[:2], -1)
        )


@pytest.mark.parametrize(
    ("colours", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (255, 8), (256, 8)]
)
@pytest.mark.parametrize("channels", [3, 4])
def test_a_pixel_has_as_few_bits_as_its_colours_need(colours, bits, channels):
    some = np.random.default_rng(colours).permutation(2**16)[:colours]
    some = np.stack([some & 255, some >> 8, some % 7, some % 251], axis=1).astype(np.uint8)[:, :channels]
    picture = picture_of(some, 20, 20, 0)
    data = as_png(picture, {})
    assert header(data) == (bits, INDEXED)
    with Image.open(io.BytesIO(data)) as read:
        assert_array_equal(np.asarray(read.convert(picture.mode)), np.asarray(picture))


@pytest.mark.parametrize(("greys", "expected"), [(2, (1, INDEXED)), (16, (4, INDEXED)), (17, (8, GREY))])
def test_greys_are_indexed_where_that_is_smaller(greys, expected):
    picture = picture_of(np.arange(greys, dtype=np.uint8)[:, None] * 15, 20, 20, 0)
    data = as_png(picture, {})
    assert header(data) == expected
    assert parse_png(data, "a.png")[0].mode == "L"


@pytest.mark.parametrize(("channels", "kind"), [(3, RGB), (4, RGBA)])
def test_a_photograph_stays_as_it_is(channels, kind):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, channels), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    assert indexed_png(picture) is None
    assert header(as_png(picture, {})) == (8, kind)


def test_colours_that_nobody_sees_are_kept_too():
    """Two pixels without alpha, red and blue: they are two colours, of three."""
    pixels = np.array([[[255, 0, 0, 0], [0, 0, 255, 0], [0, 0, 255, 255]]], np.uint8)
    with Image.open(io.BytesIO(as_png(Image.fromarray(pixels), {}))) as read:
        assert_array_equal(np.asarray(read.convert("RGBA")), pixels)


@pytest.mark.parametrize("scale", [1, 8, 20])
def test_the_same_picture_is_the_same_file_and_smaller_than_in_true_colour(scale):
    colours = np.random.default_rng(0).integers(0, 256, (20, 4), dtype=np.uint8)
    small = np.asarray(picture_of(colours, 48, 48, 0))
    picture = Image.fromarray(small.repeat(scale, axis=0).repeat(scale, axis=1))
    true_colour = io.BytesIO()
    picture.save(true_colour, format="PNG", optimize=True)
    data = as_png(picture, {})
    assert data == as_png(picture.copy(), {})
    assert len(data) < 0.8 * len(true_colour.getvalue())


def test_a_palette_has_the_colours_of_the_picture_and_no_others():
    """Of 17 colours it would be longer than the pixels, were it filled up to 256."""
    data = as_png(picture_of(np.arange(51, dtype=np.uint8).reshape(17, 3), 24, 24, 0), {})
    place = data.index(b"PLTE")
    assert int.from_bytes(data[place - 4 : place], "big") == 3 * 17
