"""An animation ends in the colours of its picture, as another program decodes them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from noisette.files.animation import as_apng, as_gif, frames_apng, frames_gif, not_in_gif, read_said
from noisette.files.images import on_white, sheet

LEFT, SIZE, SCALE = 12, 20, 3


def noise(channels, seed):
    return np.random.default_rng(seed).integers(0, 256, (SIZE, LEFT, channels), dtype=np.uint8)


def finished(kind):
    """(H, W, C): what a picture of each kind may look like."""
    random = np.random.default_rng(5)
    if kind == "grey":
        return random.integers(0, 256, (SIZE, SIZE, 1), dtype=np.uint8)
    if kind == "many colours":
        return random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    few = random.integers(0, 256, (200, 4), dtype=np.uint8)  # many of them near to each other
    few[:, 3] = random.choice([0, 255], 200) if kind == "alpha on or off" else few[:, 3]
    picked = few[random.integers(0, 200, (SIZE, SIZE))]
    return picked[..., :3] if kind == "few colours" else picked


def frames_of(kind, count=4):
    picture = finished(kind)
    both = [np.concatenate([noise(picture.shape[-1], number), picture], axis=1) for number in range(count)]
    both[0][:, LEFT:] = 255 - both[0][:, LEFT:]  # an estimate is not the picture yet
    if picture.shape[-1] == 4:
        both[0][:, LEFT:, 3] = picture[..., 3]
    return [Image.fromarray(each[..., 0] if each.shape[-1] == 1 else each) for each in both]


def last_frame(data, mode):
    with Image.open(io.BytesIO(data)) as animation:
        animation.seek(animation.n_frames - 1)
        return np.asarray(animation.convert(mode))[::SCALE, ::SCALE]


@pytest.mark.parametrize("kind", ["grey", "few colours", "many colours", "alpha on or off", "any alpha"])
def test_the_last_frame_of_a_gif_shows_the_picture_exactly(kind):
    frames = frames_of(kind)
    data = as_gif(frames, scale=SCALE, left=LEFT, milliseconds=80, hold=1500)
    mode = {"grey": "L", "alpha on or off": "RGBA"}.get(kind, "RGB")
    shown = last_frame(data, mode)[:, LEFT:]
    expected = np.asarray(on_white(frames[-1]) if kind == "any alpha" else frames[-1])[:, LEFT:]
    if mode == "RGBA":
        clear = expected[..., 3] == 0
        assert clear.any()
        assert np.array_equal(shown[..., 3], expected[..., 3])
        shown, expected = shown[~clear], expected[~clear]
    assert np.array_equal(shown, expected)


@pytest.mark.parametrize("kind", ["grey", "few colours", "many colours", "any alpha"])
def test_an_animated_png_loses_nothing(kind):
    frames = frames_of(kind)
    with Image.open(io.BytesIO(as_apng(frames, scale=SCALE))) as animation:
        for number, frame in enumerate(frames):
            animation.seek(number)
            assert np.array_equal(np.asarray(animation.convert(frame.mode))[::SCALE, ::SCALE], np.asarray(frame))


@pytest.mark.parametrize("kind", ["few colours", "many colours", "alpha on or off"])
def test_the_first_frame_can_be_the_one_that_must_be_exact(kind):
    frames = frames_of(kind)[::-1]
    with Image.open(io.BytesIO(as_gif(frames, left=LEFT, whole=0))) as animation:
        animation.seek(animation.n_frames - len(frames))  # that of its last patch
        shown = np.asarray(animation.convert("RGBA"))[:, LEFT:]
    expected = np.asarray(frames[0].convert("RGBA"))[:, LEFT:]
    solid = expected[..., 3] == 255
    assert np.array_equal(shown[solid], expected[solid])


def test_what_an_animation_was_made_from_stands_in_it(tmp_path):
    said = {"seeds": list(range(200)), "run": "ü"}
    for name, data in (
        ("a.gif", as_gif(frames_of("grey"), said=said)),
        ("a.apng", as_apng(frames_of("grey"), said=said)),
    ):
        (tmp_path / name).write_bytes(data)
        assert read_said(tmp_path / name) == said
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        assert read_said(tmp_path / name) in (None, said)
    Image.new("L", (2, 2)).save(tmp_path / "b.gif", comment="made by somebody else")
    assert read_said(tmp_path / "b.gif") is None
    assert read_said(tmp_path / "none.gif") is None


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_an_animation_shows_every_frame_and_holds_the_last(channels, count):
    frames = [sheet(np.full((1, channels, 4, 4), 30 * number, np.uint8), scale=2) for number in range(count)]
    with Image.open(io.BytesIO(as_gif(frames, milliseconds=80, hold=1500))) as gif:
        assert gif.n_frames == count
        assert gif.info["loop"] == 0
        for number in range(count):
            gif.seek(number)
            assert gif.info["duration"] == (80 if number < count - 1 else 1500)
            alpha = 30 * number if channels == 4 else 255
            on_white = (30 * number * alpha + 255 * (255 - alpha)) / 255
            assert gif.convert("RGB").getpixel((3, 3)) == pytest.approx((on_white,) * 3, abs=1)


def test_equal_frames_take_as_long_as_different_ones():
    frames = [sheet(np.full((1, 3, 4, 4), value, np.uint8)) for value in (0, 0, 0, 9, 9)]
    with Image.open(io.BytesIO(as_gif(frames, milliseconds=100, hold=1000))) as gif:
        lasting = []
        for number in range(gif.n_frames):
            gif.seek(number)
            lasting.append(gif.info["duration"])
    assert sum(lasting) == 4 * 100 + 1000


def shown_in_turn(data, milliseconds):
    """(N, H, W, 4): what is seen after each time of a frame; equal ones may be one that stays as long."""
    seen = []
    with Image.open(io.BytesIO(data)) as animation:
        assert animation.info["loop"] == 0
        for number in range(animation.n_frames):
            animation.seek(number)
            count, rest = divmod(animation.info["duration"], milliseconds)
            assert rest == 0
            seen += [np.array(animation.convert("RGBA"))] * int(count)
    seen = np.stack(seen)
    seen[seen[..., 3] == 0] = 0
    return seen


@st.composite
def frames_of_few_colours(draw):
    """Frames that need up to 256 colours each, others in each, with holes where they have alpha."""
    channels, count = draw(st.sampled_from([1, 3, 4])), draw(st.integers(2, 5))
    most = draw(st.sampled_from([1, 2, 17, 255, 256]))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    frames = []
    for _ in range(count):
        colours = random.integers(0, 256, (most, channels), dtype=np.uint8)
        if channels == 4:
            colours = colours[:255]
            colours[:, 3] = np.where(random.random(len(colours)) < draw(st.sampled_from([0, 0.5, 1])), 0, 255)
        frames.append(colours[random.integers(0, len(colours), (18, 17))])
    frames.append(frames[-1] if draw(st.booleans()) else frames[0])
    return [Image.fromarray(each[..., 0] if channels == 1 else each) for each in frames]


@pytest.mark.parametrize("kind", ["frames_gif", "frames_apng", "as_gif"])
@given(frames=frames_of_few_colours(), scale=st.integers(1, 3))
@settings(deadline=None, max_examples=100)
def test_pictures_in_turn_are_each_shown_exactly(kind, frames, scale):
    if kind == "frames_apng":
        data = frames_apng(frames, scale=scale, milliseconds=120)
    elif kind == "frames_gif":
        assert not any(map(not_in_gif, frames))
        data = frames_gif(frames, scale=scale, milliseconds=120)
    else:  # a denoising, whose frames are exact where they have few colours
        assume(all(len(frame.getcolors()) < 240 for frame in frames))
        data = as_gif(frames, scale=scale, milliseconds=120, hold=120)
    seen = shown_in_turn(data, 120)
    expected = np.stack([np.array(frame.convert("RGBA")) for frame in frames])
    expected[expected[..., 3] == 0] = 0
    assert np.array_equal(seen, expected.repeat(scale, axis=1).repeat(scale, axis=2))


@pytest.mark.parametrize("kind", ["many colours", "any alpha"])
def test_what_no_gif_shows_is_told_and_an_animated_png_shows_it(kind):
    frames = [Image.fromarray(finished(kind)), Image.fromarray(finished(kind)[::-1].copy())]
    reason = {"many colours": "has 400 colours, more than 256", "any alpha": "is partly transparent"}[kind]
    assert not_in_gif(frames[0]) == reason
    seen = shown_in_turn(frames_apng(frames, milliseconds=50), 50)
    expected = np.stack([np.array(frame.convert("RGBA")) for frame in frames])
    expected[expected[..., 3] == 0] = 0
    assert np.array_equal(seen, expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("pictures", ["aab", "aaa", "abba", "cca", "acc"])
def test_equal_neighbours_are_frames_of_their_own(mode, pictures):
    """Pillow's writer makes one frame of them, and of equal ones alone no animation."""
    values = {"a": (200, 0, 0, 128), "b": (0, 200, 0, 255), "c": (0, 0, 0, 0)}
    of = {name: Image.new("RGBA", (5, 4), value).convert(mode) for name, value in values.items()}
    frames = [of[name] for name in pictures]
    for data in (frames_apng(frames, milliseconds=100), as_apng(frames, milliseconds=100, hold=100)):
        with Image.open(io.BytesIO(data)) as animation:
            assert animation.n_frames == len(frames)
            for number, frame in enumerate(frames):
                animation.seek(number)
                assert animation.info["duration"] == 100
                assert np.array_equal(np.asarray(animation.convert("RGBA")), np.asarray(frame.convert("RGBA")))
