"""Sheets, and PNGs that carry their request; what is read back is not trusted."""

from __future__ import annotations

import json
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from noisette.errors import RequestError
from noisette.files.images import cross_sheet, good_scale, labelled_sheet, read_png, save_png, sheet

MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def random_images(count: int, channels: int, height: int = 5, width: int = 5) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, channels, height, width), dtype=np.uint8)


@settings(deadline=None)
@given(
    count=st.integers(1, 12),
    channels=st.sampled_from([1, 3, 4]),
    columns=st.none() | st.integers(1, 15),
    scale=st.integers(1, 4),
    gap=st.integers(0, 2),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
)
def test_a_sheet_holds_every_image_in_rows_and_each_pixel_is_a_square(
    count, channels, columns, scale, gap, height, width
):
    images = random_images(count, channels, height, width)
    picture = sheet(images, columns=columns, scale=scale, gap=gap)
    across = min(columns or int(np.ceil(count**0.5)), count)
    down = -(-count // across)
    assert picture.mode == MODES[channels]
    assert picture.size == (scale * (across * (width + gap) - gap), scale * (down * (height + gap) - gap))
    large = np.asarray(picture).reshape(picture.height, picture.width, channels)
    small = large[::scale, ::scale]
    assert_array_equal(small.repeat(scale, axis=0).repeat(scale, axis=1), large)
    rest = np.ones(small.shape[:2], dtype=bool)
    for number, image in enumerate(images):
        top, left = number // across * (height + gap), number % across * (width + gap)
        place = np.s_[top : top + height, left : left + width]
        assert_array_equal(small[place], image.transpose(1, 2, 0))
        rest[place] = False
    assert (small[rest] == (0 if channels == 4 else 255)).all()


def test_a_sheet_is_as_square_as_possible():
    assert sheet(random_images(16, 1), gap=0).size == (20, 20)
    assert sheet(random_images(5, 1), gap=0).size == (15, 10)


@settings(deadline=None)
@given(st.integers(8, 64), st.integers(1, 100))
def test_a_good_scale_is_whole_and_fills_some_600_pixels(side, columns):
    scale = good_scale(side, columns)
    assert scale >= 1
    assert scale == 1 or 300 <= scale * side * columns <= 600


def ink(picture: Image.Image) -> np.ndarray:
    """(H, W): where something other than white is."""
    return (np.asarray(picture.convert("RGB")) != 255).any(axis=2)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_labelled_sheet_shows_each_image_whole_over_its_text(channels):
    images = np.full((3, channels, 10, 10), 77, np.uint8)
    picture = labelled_sheet(images, ["one", "two", ""], columns=3, scale=10)
    assert picture.mode == "RGB"
    assert picture.width == 3 * 100 + 2 * 11
    for left, text in ((0, True), (111, True), (222, False)):
        assert ink(picture)[:100, left : left + 100].all()
        assert ink(picture)[100:, left : left + 100].any() == text
    assert not ink(picture)[:, 100:111].any()


def test_a_long_text_is_broken_into_lines_and_the_rows_below_make_room_for_it():
    images = np.zeros((2, 1, 10, 10), np.uint8)
    short, long = (labelled_sheet(images, [text, "x"], columns=1, scale=10) for text in ("Zombie", "Zombie with " * 6))
    assert short.width == long.width
    assert long.height > short.height + 3 * 14  # a line of 11 pixels and 3 between

    def last_image(picture):
        return ink(picture)[::-1][14:114]  # over one line of text

    assert last_image(short).all()
    assert last_image(long).all()


def test_a_cross_sheet_has_a_text_over_each_column_and_before_each_row():
    images = np.zeros((2, 3, 1, 10, 10), np.uint8)
    blank = cross_sheet(images, ["", "", ""], ["", ""], scale=10)
    picture = cross_sheet(images, ["1", "2", "3"], ["euler", "ddim"], scale=10)
    margin, across = 12 * 11, 100 + 11
    assert blank.width == picture.width == margin + 3 * across - 11
    head = picture.height - (2 * across - 11)
    assert not ink(blank)[:, : margin - 11].any()
    for row in range(2):
        top = head + row * across
        assert ink(picture)[top : top + 100, : margin - 11].any()
        for column in range(3):
            left = margin + column * across
            assert ink(picture)[top : top + 100, left : left + 100].all()
            assert ink(picture)[:head, left : left + 100].any()


def test_a_title_stands_over_all_of_a_cross_sheet():
    images = np.zeros((1, 2, 3, 8, 8), np.uint8)
    plain, titled = (
        cross_sheet(images, ["a", "b"], ["c"], title=title, scale=4) for title in ("", "Steps by guidance")
    )
    more = titled.height - plain.height
    assert more > 0
    assert ink(titled)[:more].any()
    assert (np.asarray(titled)[more:] == np.asarray(plain)).all()


requests = st.dictionaries(st.text(), st.integers() | st.booleans() | st.none() | st.lists(st.text()))


@given(request=requests, channels=st.sampled_from([1, 3, 4]))
@settings(max_examples=40, deadline=None)
def test_a_picture_carries_its_request(tmp_path_factory, request, channels):
    path = tmp_path_factory.getbasetemp() / "carries.png"
    picture = sheet(random_images(4, channels), scale=3)
    save_png(path, picture, request)
    again, said = read_png(path)
    assert said == request
    assert (again.mode, again.tobytes()) == (picture.mode, picture.tobytes())


def test_other_programs_can_read_the_picture_and_its_request(tmp_path):
    save_png(tmp_path / "a.png", sheet(random_images(1, 3)), {"seeds": [1]})
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
        assert json.loads(image.text["noisette"]) == {"seeds": [1]}


def refused(path: Path) -> str:
    with pytest.raises(RequestError) as caught:
        read_png(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is this large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def good(tmp_path) -> bytes:
    save_png(tmp_path / "good.png", sheet(random_images(4, 4)), {"seeds": [1, 2, 3]})
    return (tmp_path / "good.png").read_bytes()


UNREADABLE = "is not a PNG that can be read; it is damaged, or too large"


def test_what_is_not_a_png_is_refused(tmp_path):
    path = tmp_path / "a.png"
    for content in (b"just text", b"[dataset]", bytes(1000)):
        path.write_bytes(content)
        assert refused(path) == f"{path} is no picture that noisette makes: it is not a PNG"
    for content in (b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + os.urandom(1000)):
        path.write_bytes(content)
        assert refused(path) == f"{path} {UNREADABLE}"


def test_a_truncated_picture_is_refused(tmp_path, good):
    path = tmp_path / "a.png"
    for end in range(len(good) - 20):  # the last 20 bytes are checksums and an empty chunk
        path.write_bytes(good[:end])
        assert UNREADABLE in refused(path) or end < 8
    for end in range(len(good) - 20, len(good)):
        path.write_bytes(good[:end])
        with suppress(RequestError):
            assert read_png(path)[0].tobytes() == sheet(random_images(4, 4)).tobytes()


@pytest.mark.slow
@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_picture_is_refused_or_read(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    save_png(path, sheet(random_images(4, 4)), {"seeds": [1, 2, 3]})
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(8, len(content) - 1), min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with suppress(RequestError):
        read_png(path)


def test_a_short_header_is_refused(tmp_path, good):
    path = tmp_path / "a.png"
    for length in range(13):
        path.write_bytes(good[:8] + chunk(b"IHDR", good[16 : 16 + length]) + good[33:])
        refused(path)


@pytest.mark.parametrize("size", [(12_000, 9_000), (50_000, 50_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path, size):
    path = tmp_path / "bomb.png"
    path.write_bytes(claiming(*size))
    assert refused(path) == f"{path} {UNREADABLE}"


def test_a_file_of_hundreds_of_megabytes_is_not_even_opened(tmp_path):
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(2**30)
    assert refused(path) == f"{path} is larger than any picture that noisette makes"


@pytest.mark.parametrize("text", [None, "", "no JSON", "[1]", "3", "null", "[" * 100_000, '{"a":' * 100_000])
def test_a_picture_that_does_not_say_how_it_was_made_is_refused(tmp_path, text):
    path = tmp_path / "a.png"
    info = PngInfo()
    if text is not None:
        info.add_itxt("noisette", text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    told = f"what {path} says of how it was made is damaged" if text else f"{path} does not say how it was made"
    assert refused(path).startswith(told)


def test_a_missing_file_or_a_folder_is_one_line(tmp_path):
    assert refused(tmp_path / "none.png") == f"cannot read {tmp_path / 'none.png'}: No such file or directory"
    assert refused(tmp_path) == f"{tmp_path} is a folder, not a picture; name a .png file"


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        save_png(tmp_path / "a.png", Image.new("RGB", (2, 2)), {"path": Path()})
    assert list(tmp_path.iterdir()) == []
