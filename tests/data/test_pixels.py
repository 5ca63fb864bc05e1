from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image

from noisette.data.palette import Palette
from noisette.data.pixels import Colours, OnPalette, Premultiplied, on_background, pixel_space
from noisette.errors import RequestError

ALL_BYTES = torch.arange(256, dtype=torch.uint8)
seeds = st.integers(0, 2**32 - 1)


def random_rgba(seed: int, count: int = 2) -> np.ndarray:
    """(count, 4, 5, 7), with many pixels of the alphas where things go wrong."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, 4, 5, 7), dtype=np.uint8)
    images[:, 3] = np.where(
        random.random((count, 5, 7)) < 0.5, random.choice([0, 1, 2, 254, 255], (count, 5, 7)), images[:, 3]
    )
    return images


@pytest.mark.parametrize("channels", [1, 3])
def test_every_byte_comes_back(channels):
    space = Colours(channels)
    images = ALL_BYTES.view(1, 1, 16, 16).expand(2, channels, 16, 16)
    x0 = space.encode(images)
    assert x0.dtype == torch.float32
    assert (x0.min(), x0.max()) == (-1, 1)
    assert torch.equal(space.decode(x0), images)


def test_every_colour_under_every_alpha_comes_back_and_no_colour_is_left_under_none():
    colour, alpha = torch.meshgrid(ALL_BYTES, ALL_BYTES, indexing="ij")
    images = torch.stack([colour, 255 - colour, colour // 2, alpha])[None]
    x0 = Premultiplied().encode(images)
    assert (x0.min(), x0.max()) == (-1, 1)
    wanted = torch.where(alpha > 0, images, 0)
    assert torch.equal(Premultiplied().decode(x0), wanted)


@settings(deadline=None)
@given(seeds)
def test_what_cannot_be_seen_is_not_learned(seed):
    images = torch.from_numpy(random_rgba(seed))
    unseen = torch.where(images[:, 3:] > 0, images, 0)
    assert torch.equal(Premultiplied().encode(images), Premultiplied().encode(unseen))
    assert torch.equal(Premultiplied().decode(Premultiplied().encode(images)), unseen)


@pytest.mark.parametrize("space", [Colours(1), Colours(3), Premultiplied()], ids=["grey", "rgb", "rgba"])
@settings(deadline=None)
@given(seed=seeds)
def test_anything_decodes_to_bytes_and_those_decode_to_themselves(space, seed):
    x0 = 3 * torch.randn(2, space.channels, 6, 6, generator=torch.Generator().manual_seed(seed))
    images = space.decode(x0)
    assert images.dtype == torch.uint8
    assert torch.equal(space.decode(x0.clamp(-1, 1)), images)
    assert torch.equal(space.decode(space.encode(images)), images)


def test_values_outside_the_range_are_clipped():
    x0 = torch.tensor([-1e9, -1.001, -1.0, 1.0, 1.001, 1e9])
    assert Colours(1).decode(x0.view(1, 1, 1, 6)).flatten().tolist() == [0, 0, 0, 255, 255, 255]
    assert Premultiplied().decode(x0.view(1, 1, 1, 6).expand(1, 4, 1, 6))[0, 3, 0].tolist() == [0, 0, 0, 255, 255, 255]


def test_half_a_step_rounds_up():
    assert Colours(1).decode(torch.zeros(1, 1, 1, 1)).item() == 128  # 127.5
    opaque = torch.tensor([0.0, 0.0, 0.0, 1.0]).view(1, 4, 1, 1)
    assert Premultiplied().decode(opaque).flatten().tolist() == [128, 128, 128, 255]
    assert Premultiplied().decode(torch.zeros(1, 4, 1, 1))[0, 3].item() == 128


@settings(deadline=None)
@given(st.integers(0, 254), st.floats(0.01, 0.99))
def test_between_two_bytes_the_nearer_one_is_taken(byte, part):
    x0 = torch.tensor((byte + part) / 127.5 - 1, dtype=torch.float32).view(1, 1, 1, 1)
    decoded = Colours(1).decode(x0).item()
    assert decoded in (byte, byte + 1)
    if abs(part - 0.5) > 1e-3:
        assert decoded == byte + (part > 0.5)


@settings(deadline=None)
@given(seeds, st.binary(min_size=3, max_size=3))
def test_on_a_background_a_pixel_is_the_mix_that_its_alpha_says(seed, background):
    images = random_rgba(seed)
    flat = on_background(images, "#" + background.hex())
    colour, alpha = images[:, :3].astype(int), images[:, 3:].astype(int)
    behind = np.array(list(background))[None, :, None, None]
    assert_array_equal(flat, (2 * (colour * alpha + behind * (255 - alpha)) + 255) // 510)
    assert flat.dtype == np.uint8


def test_on_a_background_is_what_pillow_composes():
    images = random_rgba(3, count=20)
    for image, flat in zip(images, on_background(images, "#638596"), strict=True):
        front = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
        theirs = np.asarray(Image.alpha_composite(Image.new("RGBA", front.size, "#638596"), front).convert("RGB"))
        assert abs(flat.transpose(1, 2, 0).astype(int) - theirs).max() <= 1


@pytest.mark.parametrize("channels", [3, 4])
def test_on_a_palette_only_its_colours_come_out_and_those_unchanged(channels):
    colours = np.unique(np.random.default_rng(5).integers(1, 256, (30, channels)).astype(np.uint8), axis=0)
    space = OnPalette(pixel_space("colours" if channels == 3 else "premultiplied", channels), Palette(colours))
    assert space.colours.shape == (30, channels)
    images = np.ascontiguousarray(colours[np.arange(32).reshape(2, 4, 4) % 30].transpose(0, 3, 1, 2))
    x0 = space.encode(torch.from_numpy(images))
    assert_array_equal(space.decode(x0).numpy(), images)
    assert Palette(colours).holds(space.decode(x0 + torch.randn_like(x0)).numpy()).all()


@pytest.mark.parametrize(
    ("name", "channels", "kind"),
    [("colours", 1, Colours), ("colours", 3, Colours), ("premultiplied", 4, Premultiplied)],
)
def test_a_space_is_found_by_name(name, channels, kind):
    space = pixel_space(name, channels)
    assert type(space) is kind
    assert space.channels == channels


@pytest.mark.parametrize(
    ("name", "channels", "message"),
    [
        ("premultiplied", 1, "pixels = premultiplied needs images with alpha, and these are grey; use colours"),
        ("premultiplied", 3, "pixels = premultiplied needs images with alpha, and these are RGB; use colours"),
        (
            "colours",
            4,
            "pixels = colours would learn colours that nobody sees under alpha 0; use premultiplied, or choose a background",
        ),
    ],
)
def test_a_space_that_does_not_fit_says_which_does(name, channels, message):
    with pytest.raises(RequestError) as caught:
        pixel_space(name, channels)
    assert str(caught.value) == message
