from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from noisette.attributes.schema import UNKNOWN
from noisette.data.opening import open_dataset
from noisette.data.sources.sprites import (
    LARGEST,
    SCHEMA,
    SMALLEST,
    Part,
    SpritesOptions,
    _render,
    _shape,
    draw,
    random_table,
    read,
    sprites,
)
from noisette.errors import RequestError

SQUARES = [(side, side) for side in range(SMALLEST, LARGEST + 1)]
OBLONG = [(24, 16), (16, 24), (8, 9), (9, 8), (8, 64), (64, 8), (20, 19), (19, 20), (33, 64), (48, 11), (13, 27)]
SIZES = [*SQUARES, *OBLONG]
"""Heights and widths."""
SOME_SIZES = [(8, 8), (9, 9), (16, 16), (24, 24), (33, 33), (64, 64), (24, 16), (8, 64), (64, 8), (21, 40)]
COUNTS = [len(attribute.options) for attribute in SCHEMA.attributes]
rows = st.tuples(*(st.integers(0, count - 1) for count in COUNTS))
tables = st.lists(rows, min_size=1, max_size=8).map(lambda listed: np.array(listed, dtype=np.int16))
sizes = st.tuples(st.integers(SMALLEST, LARGEST), st.integers(SMALLEST, LARGEST))


def column(name: str) -> int:
    return SCHEMA.names.index(name)


def any_combinations(count: int, seed: int = 0) -> NDArray[np.int16]:
    """(count, A): all options alike, so that rare ones meet too."""
    return np.random.default_rng(seed).integers(0, COUNTS, (count, len(COUNTS)), dtype=np.int16)


def test_there_are_thousands_of_combinations() -> None:
    assert 6 <= len(COUNTS) <= 10
    assert np.prod(COUNTS) > 100_000
    assert {attribute.kind for attribute in SCHEMA.attributes} == {"choice", "flag"}


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_attribute_is_read_back_at_every_size(size: tuple[int, int]) -> None:
    table = any_combinations(120, seed=sum(size))
    assert_array_equal(read(draw(table, size)), table)


@settings(max_examples=60, deadline=None)
@given(tables, sizes)
def test_read_inverts_draw(table: NDArray[np.int16], size: tuple[int, int]) -> None:
    assert_array_equal(read(draw(table, size)), table)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_layer_ever_hides_what_tells_two_options_apart(size: tuple[int, int]) -> None:
    """With the next test this is `read` inverting `draw`, and images that differ, for all combinations."""
    for name, layer in zip(SCHEMA.names, _render(*size), strict=True):
        for one, other in combinations(layer.options[:, layer.place], 2):
            assert np.count_nonzero(one != other) >= 2, name


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_colour_belongs_to_one_attribute(size: tuple[int, int]) -> None:
    colours = np.concatenate([layer.colours for layer in _render(*size)])
    assert len(np.unique(colours)) == len(colours)


@settings(max_examples=60, deadline=None)
@given(rows, sizes, st.data())
def test_changing_one_attribute_changes_the_image_and_no_other_attribute(
    row: tuple[int, ...], size: tuple[int, int], data: st.DataObject
) -> None:
    changed = data.draw(st.integers(0, len(COUNTS) - 1))
    table = np.tile(np.array(row, dtype=np.int16), (COUNTS[changed], 1))
    table[:, changed] = np.arange(COUNTS[changed])
    images = draw(table, size)
    for one, other in combinations(images, 2):
        assert np.count_nonzero((one != other).any(axis=0)) >= 2
    assert_array_equal(read(images), table)


@pytest.mark.parametrize("size", [(8, 8), (11, 11), (24, 24), (24, 16)], ids=str)
def test_different_combinations_give_different_images(size: tuple[int, int]) -> None:
    table = np.unique(any_combinations(5_000), axis=0)
    images = draw(table, size).reshape(len(table), -1)
    assert len({image.tobytes() for image in images}) == len(table)


@pytest.mark.parametrize("size", SOME_SIZES, ids=str)
def test_pixels_are_crisp(size: tuple[int, int]) -> None:
    images = draw(any_combinations(200), size)
    assert images.shape == (200, 4, *size)
    assert images.dtype == np.uint8
    alpha = images[:, 3]
    assert set(np.unique(alpha)) == {0, 255}
    assert not images.transpose(0, 2, 3, 1)[alpha == 0].any()


@pytest.mark.parametrize("size", SOME_SIZES, ids=str)
def test_only_the_earring_tells_left_from_right(size: tuple[int, int]) -> None:
    table = any_combinations(200)
    images = draw(table, size)
    mirrored = (images == images[..., ::-1]).all(axis=(1, 2, 3))
    assert_array_equal(mirrored, table[:, column("Earring")] == 0)


@pytest.mark.parametrize("size", SOME_SIZES, ids=str)
def test_one_wrong_pixel_makes_one_attribute_unknown(size: tuple[int, int]) -> None:
    table = any_combinations(100)
    for number, layer in enumerate(_render(*size)):
        images = draw(table, size)
        y, x = np.argwhere(layer.place)[size[0] % layer.place.sum()]
        images[:, :, y, x] = (1, 2, 3, 255)
        wanted = table.copy()
        wanted[:, number] = UNKNOWN
        assert_array_equal(read(images), wanted)


def test_a_hat_of_another_colour_is_not_no_hat() -> None:
    images = sprites(200, 24).images
    table = read(images)
    hats = table[:, column("Hat")] > 0
    images[:, :3, :3] = 255 - images[:, :3, :3]
    assert (read(images)[hats, column("Hat")] == UNKNOWN).all()


def test_an_empty_image_has_no_accessory() -> None:
    values = SCHEMA.decode(read(np.zeros((1, 4, 24, 24), dtype=np.uint8))[0])
    bare = {
        "Beard": "None",
        "Blush": False,
        "Hair": "None",
        "Eyewear": "None",
        "Hat": "None",
        "Earring": False,
        "Bow Tie": False,
    }
    assert values == bare


def test_the_same_seed_gives_the_same_sprites() -> None:
    assert sprites(50, 16, seed=3).fingerprint == sprites(50, 16, seed=3).fingerprint
    assert sprites(50, 16, seed=3).fingerprint != sprites(50, 16, seed=4).fingerprint


def test_a_size_is_written_as_people_do_width_first() -> None:
    data = sprites(30, "16x24", seed=2)
    assert (data.images.shape, data.size) == ((30, 4, 24, 16), (24, 16))
    assert_array_equal(data.images, draw(data.attributes, (24, 16)))
    assert_array_equal(read(data.images), data.attributes)
    assert data.fingerprint == open_dataset("sprites", size=" 16x24", count=30, seed=2).fingerprint
    assert data.fingerprint != sprites(30, "24x16", seed=2).fingerprint


@pytest.mark.parametrize(
    ("written", "kept", "size"),
    [(16, 16, (16, 16)), ("16", 16, (16, 16)), ("16x16", 16, (16, 16)), ("016x24", "16x24", (24, 16))],
)
def test_a_size_has_one_way_to_be_kept(written: int | str, kept: int | str, size: tuple[int, int]) -> None:
    options = SpritesOptions(size=written)
    assert (options.size, options.height_and_width) == (kept, size)


def test_a_shape_is_stretched_to_the_size() -> None:
    """Of a box without corners, as wide and high as the grid says of each side by itself."""
    box = Part("#ffffff", 6, 3, 18, 24)
    for height, width in ((24, 48), (48, 24), (24, 16)):
        shape = _shape(box, (height, width))
        rows, columns = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
        assert (rows[0], rows[-1] + 1) == (height // 8, height)
        assert (columns[0], columns[-1] + 1) == (width // 4, width * 3 // 4)
        assert shape.sum() == len(rows) * len(columns)


def test_corners_are_round_in_a_square_and_oblong_else() -> None:
    circle = Part("#ffffff", 0, 0, 24, 24, 12)
    for height, width in ((24, 24), (24, 48), (48, 24)):
        y, x = np.indices((height, width)) + 0.5
        ellipse = (y / height - 0.5) ** 2 + (x / width - 0.5) ** 2 <= 0.25
        assert_array_equal(_shape(circle, (height, width)), ellipse)


@given(st.integers(1, 700), st.integers(1, 700), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_a_sprite_does_not_depend_on_how_many_there_are(few: int, many: int, seed: int) -> None:
    shared = min(few, many)
    one, other = sprites(few, 8, seed), sprites(many, 8, seed)
    assert_array_equal(one.attributes[:shared], other.attributes[:shared])
    assert_array_equal(one.images[:shared], other.images[:shared])


def test_some_options_are_common_and_some_rare_and_none_is_missing() -> None:
    table = random_table(10_000, seed=0)
    for number, count in enumerate(COUNTS):
        assert np.bincount(table[:, number], minlength=count).min() > 100
    shares = {name: np.bincount(table[:, column(name)]) / len(table) for name in SCHEMA.names}
    assert shares["Body"].min() < 0.03
    assert shares["Hat"].max() > 0.5


def test_the_data_set_is_what_was_drawn() -> None:
    data = sprites(40, size=12, seed=5)
    assert (data.name, len(data), data.channels, data.size, data.schema) == ("sprites", 40, 4, (12, 12), SCHEMA)
    assert_array_equal(read(data.images), data.attributes)
    assert_array_equal(np.flatnonzero(data.membership == 2), [13, 33])
    assert_array_equal(np.flatnonzero(data.membership == 1), [3, 23])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "cannot make 0 sprites; count must be at least 1"),
        ({"count": 1, "seed": -1}, "a seed cannot be -1; it must be 0 or more"),
        ({"count": 1, "size": 7}, "sprites can be 8 to 64 pixels wide, not 7"),
        ({"count": 1, "size": "16x65"}, "sprites can be 8 to 64 pixels wide and high, not 16x65"),
        ({"count": 1, "size": "7x16"}, "sprites can be 8 to 64 pixels wide and high, not 7x16"),
        (
            {"count": 1, "size": "16 by 24"},
            'the size "16 by 24" is not a number of pixels, nor width x height, such as 16x24',
        ),
        ({"count": 1, "size": 1.5}, "sprites: size = 1.5: must be a whole number or a text"),
        ({"count": 1, "size": 65}, "sprites can be 8 to 64 pixels wide, not 65"),
    ],
)
def test_an_impossible_request_says_what_is_possible(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        sprites(**arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize("code", [UNKNOWN, 100])
def test_only_known_options_can_be_drawn(code: int) -> None:
    table = random_table(3, seed=0)
    table[1, 2] = code
    with pytest.raises(ValueError, match="every attribute must be known"):
        draw(table, 24)


def test_a_table_of_another_width_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="must be"):
        draw(random_table(3, seed=0)[:, 1:], 24)


def test_only_rgba_bytes_of_a_size_there_is_can_be_read() -> None:
    for images in (
        np.zeros((1, 3, 24, 24), np.uint8),
        np.zeros((4, 24, 16), np.uint8),
        np.zeros((1, 4, 24, 24), np.float32),
    ):
        with pytest.raises(ValueError, match="must be"):
            read(images)  # type: ignore[arg-type]
    for size in ((7, 24), (24, 65)):
        with pytest.raises(ValueError, match="sprites can be 8 to 64 pixels wide and high"):
            read(np.zeros((1, 4, *size), np.uint8))
