from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from noisette.data.palette import Palette, palette_of
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
