"""A network that learned to name hidden pixels draws images that hold together, whatever is asked of it."""

from __future__ import annotations

import numpy as np
import pytest

import noisette
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.config.sampling import SamplingSettings
from noisette.errors import RequestError

RECIPE = """
[dataset]
name = "folder"
path = "{folder}"
size = "8x8"
mode = "RGB"
[network]
kind = "unet"
patch = 2
widths = [16, 32]
blocks = 1
attention = [false, true]
condition = ["modulate", "spatial"]
map_channels = 4
pixel_width = 16
pixel_map_channels = 4
colour_width = 8
[diffusion]
schedule = "masked"
target = "palette"
[condition]
drop_all = 0.4
drop_each = 0.3
[training]
steps = 700
batch_size = 16
learning_rate = 4e-3
optimizer = "muon"
precision = "float32"
layout = "contiguous"
compile = "no"
[sampling]
sampler = "unmask"
steps = 60
[samples]
count = 4
every = 100
"""
INK = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
PAPER = [(250, 250, 250), (10, 10, 10)]


def picture(ink, paper, cross):
    image = np.empty((8, 8, 3), np.uint8)
    image[:] = paper
    if cross:
        image[3:5, :] = image[:, 3:5] = ink
    else:
        image[1:7, 1:7] = ink
        image[3:5, 3:5] = paper
    image[0, 4] = ink  # or it would be an enlargement of a smaller one
    return image


ALL = {picture(ink, paper, cross).tobytes() for ink in INK for paper in PAPER for cross in (True, False)}


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """A run on pictures of an ink, a paper and a shape, of which only the shape has a name."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    lines = ["file,shape"]
    for number in range(120):
        ink, paper, cross = INK[random.integers(3)], PAPER[random.integers(2)], bool(random.integers(2))
        Image.fromarray(picture(ink, paper, cross)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{'cross' if cross else 'frame'}")
    (folder / "labels.csv").write_text("\n".join(lines))
    recipe = parse_recipe(RECIPE.format(folder=folder), source="masked")
    return noisette.train(recipe, out=tmp_path_factory.mktemp("runs") / "masked")


def share_valid(images):
    return np.mean([image.transpose(1, 2, 0).tobytes() in ALL for image in images])


@pytest.mark.slow
def test_pictures_that_nothing_is_asked_of_are_right_in_every_pixel_and_differ(masked):
    images = noisette.load(masked.folder).generate(seeds=range(60))
    assert share_valid(images) > 0.9
    assert len({image.tobytes() for image in images}) >= 10  # of the twelve that there are


@pytest.mark.slow
def test_what_is_asked_for_is_drawn_and_the_rest_varies(masked):
    images = noisette.load(masked.folder).generate("shape=cross", seeds=range(24))
    crosses = {picture(ink, paper, True).tobytes() for ink in INK for paper in PAPER}
    assert np.mean([image.transpose(1, 2, 0).tobytes() in crosses for image in images]) > 0.9
    assert len({image.tobytes() for image in images}) >= 4


@pytest.mark.slow
def test_engines_and_batches_draw_the_same_and_a_picture_is_drawn_again(masked, tmp_path, capsys):
    generator = noisette.load(masked.folder)
    together = generator.generate(seeds=range(5))
    assert all(np.array_equal(generator.generate(seeds=[seed])[0], together[seed]) for seed in range(5))
    assert main(["generate", str(masked.folder), "--count", "3", "--out", str(tmp_path / "a.png")]) == 0
    assert main(["regenerate", str(tmp_path / "a.png"), "--run", str(masked.folder)]) == 0
    assert "identical" in capsys.readouterr().out


@pytest.mark.slow
def test_what_a_masked_model_cannot_do_is_said_in_a_line(masked):
    generator = noisette.load(masked.folder)
    with pytest.raises(RequestError, match="masked hides pixels, and ddim does not; draw by unmask"):
        generator.plan(seeds=[0], settings=SamplingSettings.of(sampler="ddim"))
    with pytest.raises(RequestError, match="hides pixels, and takes as many steps as an image needs"):
        noisette.tune(masked.folder)


@pytest.mark.slow
def test_previews_show_hidden_pixels_and_the_likeliest_image(masked):
    seen = []
    noisette.load(masked.folder).generate(seeds=[0], preview=lambda noisy, clean, step: seen.append((noisy, clean)))
    assert seen[0][0].shape == seen[0][1].shape == (1, 3, 8, 8)
    assert len(np.unique(seen[0][0])) == 1  # nothing is shown yet
    assert share_valid(seen[-1][1]) == 1


@pytest.mark.slow
def test_the_noising_shows_pixels_disappear(masked, tmp_path, capsys):
    from PIL import Image

    out = tmp_path / "n.gif"
    assert main(["noising", str(masked.folder), "--frames", "4", "--count", "2", "--out", str(out)]) == 0
    with Image.open(out) as gif:
        assert gif.n_frames == 5
        gif.seek(0)
        first = len(gif.convert("RGB").getcolors())
        gif.seek(4)
        assert len(gif.convert("RGB").getcolors()) < first
