from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from noisette.data.palette import Palette, palette_of, with_originals
from noisette.data.pixels import on_background
from noisette.data.sources.cryptopunks import BACKGROUND
from noisette.data.sources.sprites import sprites

colours = st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=12, unique=True)


def picture(pixels):
    """A row of pixels as (1, C, 1, W)."""
    return np.array(pixels, dtype=np.uint8).T[None, :, None, :]


@given(palette=colours, pixels=st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=20))
def test_each_pixel_becomes_the_nearest_colour(palette, pixels):
    known = Palette(np.array(sorted(palette), dtype=np.uint8))
    snapped = known.snap(picture(pixels))[0, :, 0].T.astype(int)
    for pixel, colour in zip(np.array(pixels), snapped, strict=True):
        distances = ((np.array(sorted(palette)) - pixel) ** 2).sum(axis=1)
        assert tuple(colour) in palette
        assert ((colour - pixel) ** 2).sum() == distances.min()


@given(palette=colours, pixels=st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=20))
def test_snapping_twice_changes_nothing_more_and_all_is_in_the_palette(palette, pixels):
    known = Palette(np.array(sorted(palette), dtype=np.uint8))
    once = known.snap(picture(pixels))
    assert known.holds(once).all()
    assert_array_equal(known.snap(once), once)


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=20))
def test_a_palette_holds_what_it_was_made_of_and_nothing_else(pixels):
    known = palette_of(picture(pixels))
    assert known.holds(picture(pixels)).all()
    assert {tuple(colour) for colour in known.colours.tolist()} == set(pixels)
    other = picture([(r ^ 1, g, b) for r, g, b in pixels])
    assert_array_equal(known.holds(other)[0, 0], [(r ^ 1, g, b) in set(pixels) for r, g, b in pixels])


@pytest.mark.slow
def test_punks_have_222_colours_and_come_back_from_noise(punks):
    palette = palette_of(punks.images)
    assert palette.colours.shape == (222, 4)
    flat = on_background(punks.images[:50], BACKGROUND)
    known = palette_of(on_background(punks.images, BACKGROUND))
    noisy = np.clip(flat.astype(int) + np.random.default_rng(0).integers(-1, 2, flat.shape), 0, 255).astype(np.uint8)
    assert (known.snap(noisy) == flat).all(axis=1).mean() > 0.99


def test_what_cannot_be_seen_does_not_count():
    """A colour under alpha 0 is as near as any other: transparent stays transparent."""
    known = Palette(np.array([[0, 0, 0, 0], [0, 0, 0, 255], [255, 255, 255, 255]], dtype=np.uint8))
    assert_array_equal(known.snap(picture([(250, 250, 250, 3)]))[0, :, 0].T, [[0, 0, 0, 0]])


def test_photographs_and_scans_have_none():
    random = np.random.default_rng(0)
    assert palette_of(random.integers(0, 256, (20, 3, 24, 24), dtype=np.uint8)) is None
    assert palette_of(random.integers(0, 17, (20, 1, 8, 8), dtype=np.uint8)) is None
    assert palette_of(sprites(50, 16).images) is not None


def test_a_font_has_the_two_greys_that_it_has():
    letters = np.random.default_rng(0).integers(0, 2, (20, 1, 8, 8), dtype=np.uint8) * np.uint8(255)
    palette = palette_of(letters)
    assert_array_equal(palette.colours, [[0], [255]])
    assert Palette.from_json(palette.to_json()).fingerprint == palette.fingerprint
    near = np.clip(letters.astype(int) + np.random.default_rng(1).integers(-100, 101, letters.shape), 0, 255)
    assert_array_equal(palette.snap(near.astype(np.uint8)), letters)


def test_images_come_off_their_background_again_where_each_colour_was_one():
    images = rgba_of_two()
    flat = on_background(images, "#638596")
    places = np.arange(len(images))
    palette = with_originals(palette_of(flat), flat, images, places)
    assert_array_equal(palette.without_background(flat), images)
    again = Palette.from_json(palette.to_json())
    assert_array_equal(again.originals, palette.originals)
    assert again.fingerprint == palette_of(flat).fingerprint  # weights name colours, and not what they were


def test_a_colour_that_was_several_stays_on_the_background():
    images = rgba_of_two()
    images[1, :, 0, 0] = (0x63, 0x85, 0x96, 255)  # the background itself, painted
    flat = on_background(images, "#638596")
    palette = with_originals(palette_of(flat), flat, images, np.arange(2))
    assert palette.originals is None
    assert_array_equal(palette.without_background(flat), flat)


@pytest.mark.parametrize("originals", ["5", '["000000ff"]', '["000000ff", "fffff"]', '["000000ff", 5]'])
def test_originals_that_are_none_are_refused(originals):
    with pytest.raises(ValueError, match="as many as the colours"):
        Palette.from_json(f'{{"colours": ["000000", "ffffff"], "originals": {originals}}}')


def rgba_of_two():
    """Two images with pixels that hide nothing, half and all."""
    images = np.zeros((2, 4, 3, 3), np.uint8)
    images[0, :, 1] = np.array([200, 10, 10, 255])[:, None]
    images[1, :, 2] = np.array([10, 10, 200, 128])[:, None]
    return images


@given(st.permutations(range(6)))
def test_the_order_of_the_pixels_is_written_down_and_read_again(order):
    known = Palette(np.array([[0], [9]], np.uint8), order=tuple(order))
    assert Palette.from_json(known.to_json()).order == tuple(order)


@pytest.mark.parametrize("order", ["[0, 0]", "[1, 2]", "[0, true]", '"0"', "[0.0]", "{}"])
def test_an_order_in_which_a_pixel_comes_twice_or_never_is_refused(order):
    with pytest.raises(ValueError, match="the order"):
        Palette.from_json(f'{{"colours": ["00", "09"], "order": {order}}}')
